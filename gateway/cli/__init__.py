"""The command line: thin, one file per group of commands. I/O."""

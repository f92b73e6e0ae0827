"""Commands on recordings and the file that holds them. I/O."""

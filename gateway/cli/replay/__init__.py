"""Commands that send a recording again: replay, branch, compare, diff, preflight. I/O."""

"""What differs between two exchanges or two runs, and what kind of difference it is. Pure."""

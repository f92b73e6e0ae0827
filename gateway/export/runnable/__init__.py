"""Formats that other tools run: each writes a scenario with its variables, checks and comments. Pure."""

"""Keeps one valid route table in force while routes.yaml changes underneath. I/O."""

from .files import Loaded, Unreadable, load, read_file, write_file
from .keeper import RoutesKeeper

__all__ = ["Loaded", "RoutesKeeper", "Unreadable", "load", "read_file", "write_file"]

"""Keeps one valid route table in force while routes.yaml changes underneath. I/O."""

from .files import Loaded, load
from .keeper import RoutesKeeper
from .moving import FileMove, check_move, prepare_move

__all__ = ["FileMove", "Loaded", "RoutesKeeper", "check_move", "load", "prepare_move"]

"""routes.yaml: parsed with all its problems at once, compiled into one immutable table, watched, moved. I/O."""

from .files import Loaded, load
from .move import FileMove, check_move, prepare_move
from .watcher import RoutesKeeper

__all__ = ["FileMove", "Loaded", "RoutesKeeper", "check_move", "load", "prepare_move"]

"""Sends recordings again, to live upstreams or offline, and says what came of it. I/O."""

from .preflight import preflight
from .recheck import Rechecked, Rechecks
from .replay import GO, Gate, Order, Seen, Word, all_steps, check_wanted, correlated, guarded, replay

__all__ = [
    "GO",
    "Gate",
    "Order",
    "Rechecked",
    "Rechecks",
    "Seen",
    "Word",
    "all_steps",
    "check_wanted",
    "correlated",
    "guarded",
    "preflight",
    "replay",
]

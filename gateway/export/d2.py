"""D2 sequence diagrams. Pure."""

from __future__ import annotations

from ..diagrams import d2
from .format import ALONE, Beside, Recordings
from .scenario.recording_groups import diagrams


def dump(recordings: Recordings, *, version: str, beside: Beside = ALONE) -> str:
    """The diagram of the one recording and its what-ifs. No version in it: it is there to be pasted elsewhere."""
    return "".join(d2(diagram) for diagram in diagrams(recordings, beside))

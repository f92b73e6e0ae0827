"""Sequence diagrams as pictures that carry their own style. Pure."""

from __future__ import annotations

from ..diagrams import svg
from .format import ALONE, Beside, Recordings
from .scenario.recording_groups import diagrams


def dump(recordings: Recordings, *, version: str, beside: Beside = ALONE) -> str:
    """The picture of the one recording and its what-ifs."""
    return "".join(svg(diagram, standalone=True) for diagram in diagrams(recordings, beside))

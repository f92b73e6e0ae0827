"""Sequence diagrams as pictures that carry their own style. Pure."""

from __future__ import annotations

from ..diagrams import sequence, svg
from .format import ALONE, Beside, Recordings


def dump(recordings: Recordings, *, version: str, beside: Beside = ALONE) -> str:
    """The picture of the one recording."""
    diagrams = [sequence(recording, exchanges, chunks=beside.chunks) for recording, exchanges in recordings]
    return "".join(svg(diagram, standalone=True) for diagram in diagrams)

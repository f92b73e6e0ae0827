"""Sequence diagrams as pictures that carry their own style. Pure."""

from __future__ import annotations

from ..diagrams import sequence, svg
from .format import ChunksOf, DecisionsOf, Recordings, no_chunks, undecided


def dump(
    recordings: Recordings, *, version: str, chunks: ChunksOf = no_chunks, decisions: DecisionsOf = undecided
) -> str:
    """The picture of the one recording."""
    diagrams = [sequence(recording, exchanges, chunks=chunks) for recording, exchanges in recordings]
    return "".join(svg(diagram, standalone=True) for diagram in diagrams)

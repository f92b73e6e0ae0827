"""Mermaid sequence diagrams. Pure."""

from __future__ import annotations

from ..diagrams import mermaid, sequence
from .format import ChunksOf, DecisionsOf, Recordings, no_chunks, undecided


def dump(
    recordings: Recordings, *, version: str, chunks: ChunksOf = no_chunks, decisions: DecisionsOf = undecided
) -> str:
    """The diagram of the one recording. No version in it: it is there to be pasted into other documents."""
    return "".join(mermaid(sequence(recording, exchanges, chunks=chunks)) for recording, exchanges in recordings)

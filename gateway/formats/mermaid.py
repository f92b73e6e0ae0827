"""Mermaid sequence diagrams. Pure."""

from __future__ import annotations

from ..diagrams import mermaid, sequence
from .format import ALONE, Beside, Recordings


def dump(recordings: Recordings, *, version: str, beside: Beside = ALONE) -> str:
    """The diagram of the one recording. No version in it: it is there to be pasted into other documents."""
    return "".join(mermaid(sequence(recording, exchanges, chunks=beside.chunks)) for recording, exchanges in recordings)

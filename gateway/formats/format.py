"""What an export format is. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from ..model.exchange import Chunk, Exchange
from ..model.recording import Recording
from ..replay.correlation import Decisions

Recordings: TypeAlias = Sequence[tuple[Recording, Sequence[Exchange]]]
ChunksOf: TypeAlias = Callable[[str], Sequence[Chunk]]
DecisionsOf: TypeAlias = Callable[[str], Decisions]


def no_chunks(_exchange: str) -> Sequence[Chunk]:
    """For callers without the pieces of streams at hand."""
    return ()


def undecided(_recording: str) -> Decisions:
    """For callers who know of no decisions about correlations."""
    return Decisions()


class Dump(Protocol):
    """The same recordings always give the same text. `chunks` is asked for exchanges with a stream only, `decisions`
    where values are carried on."""

    def __call__(
        self,
        recordings: Recordings,
        *,
        version: str,
        chunks: ChunksOf = no_chunks,
        decisions: DecisionsOf = undecided,
    ) -> str: ...


@dataclass(frozen=True, slots=True)
class Format:
    """A row of FORMATS. `many`: whether several recordings fit into one file."""

    name: str
    title: str
    media_type: str
    suffix: str
    dump: Dump
    many: bool = True

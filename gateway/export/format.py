"""What an export format is. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from ..correlation import Decisions
from ..model.exchange import Chunk, Exchange
from ..model.recording import Recording

Recordings: TypeAlias = Sequence[tuple[Recording, Sequence[Exchange]]]


@dataclass(frozen=True, slots=True)
class ApiServer:
    """Where a cluster can be found now: one of its environments. `here`: the route leads there."""

    environment: str
    url: str
    here: bool = False


ChunksOf: TypeAlias = Callable[[str], Sequence[Chunk]]
DecisionsOf: TypeAlias = Callable[[str], Decisions]
ServersOf: TypeAlias = Callable[[str], Sequence[ApiServer]]
VersionOf: TypeAlias = Callable[[str, str, str], str]


def no_chunks(_exchange: str) -> Sequence[Chunk]:
    """For callers without the pieces of streams at hand."""
    return ()


def undecided(_recording: str) -> Decisions:
    """For callers who know of no decisions about correlations."""
    return Decisions()


def unrouted(_cluster: str) -> Sequence[ApiServer]:
    """For callers without a route table."""
    return ()


def unversioned(_cluster: str, _environment: str, _moment: str) -> str:
    """For callers who do not know which versions ran."""
    return ""


@dataclass(frozen=True, slots=True)
class Routing:
    """What the route table says to those who export: where each cluster lives, and all environments in its order."""

    servers: ServersOf = unrouted
    environments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Beside:
    """What lies beside recordings; a format asks for what it needs.

    `chunks`: the pieces of an exchange's stream. `decisions`: what people decided about a recording's correlations.
    `servers`: where a cluster lives now, by environment. `version`: what ran on a cluster's environment at a moment.
    `environments`: those of routes.yaml in its order, which is that of their colours.
    """

    chunks: ChunksOf = no_chunks
    decisions: DecisionsOf = undecided
    servers: ServersOf = unrouted
    version: VersionOf = unversioned
    environments: tuple[str, ...] = ()


ALONE = Beside()


class Dump(Protocol):
    """The same recordings always give the same text."""

    def __call__(self, recordings: Recordings, *, version: str, beside: Beside = ALONE) -> str: ...


class Files(Protocol):
    """As Dump, where a format may be several files: by name, in order."""

    def __call__(self, recordings: Recordings, *, version: str, beside: Beside = ALONE) -> Mapping[str, str]: ...


@dataclass(frozen=True, slots=True)
class Format:
    """A row of FORMATS.

    `many`: whether several recordings fit into one file. `files`: the format as several files, for a folder or an
    archive; `dump` is then all of it in one. `by_cluster`: each of its files is about one cluster.
    """

    name: str
    title: str
    media_type: str
    suffix: str
    dump: Dump
    many: bool = True
    files: Files | None = None
    by_cluster: bool = False

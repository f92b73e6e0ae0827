"""A recording: the stored, ordered chain of exchanges of a session. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

Kind = Literal["live", "replay", "variant", "import"]
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Recording:
    """`steps` counts its exchanges; `clusters` lists "name@environment" in order of first use."""

    id: str
    title: str
    session: str
    kind: Kind = "live"
    parent: str | None = None
    branched_at: int | None = None
    started_at: str = ""
    updated_at: str = ""
    steps: int = 0
    clusters: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    pinned: bool = False


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """A slice of a list; `next` is the cursor of the following slice, or None at the end."""

    items: tuple[Item, ...]
    next: str | None = None


@dataclass(frozen=True, slots=True)
class Revision:
    """A route table that was accepted: its hash, its time, who brought it, what it changed, its text."""

    id: str  # sha256 of the text
    accepted_at: str
    source: str  # "start", "file", "console", "command line", ...
    changes: tuple[str, ...]  # "orders: test -> qa"
    text: str

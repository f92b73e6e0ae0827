"""A recording: the stored, ordered chain of exchanges of a session. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, Literal, TypeVar

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


def all_items(read: Callable[[str | None], Page[Item]]) -> Iterator[Item]:
    """Every item of a list, slice by slice: `read` gets the cursor of each, None for the first."""
    page = read(None)
    yield from page.items
    while page.next is not None:
        page = read(page.next)
        yield from page.items


@dataclass(frozen=True, slots=True)
class Revision:
    """A route table that was accepted: its hash, its time, who brought it, what it changed, its text."""

    id: str  # sha256 of the text
    accepted_at: str
    source: str  # "start", "file", "console", "command line", ...
    changes: tuple[str, ...]  # "orders: test -> qa"
    text: str


@dataclass(frozen=True, slots=True)
class Relative:
    """A recording in its family. `depth` is 0 for the first one; `step` and `status` tell where it branched."""

    id: str
    title: str
    kind: str
    parent: str | None = None
    branched_at: int | None = None
    started_at: str = ""
    steps: int = 0
    depth: int = 0
    variants: int = 0  # how many recordings come directly from it
    status: int | None = None  # of the step at which it branched


def in_tree(found: Iterable[Relative], of: str) -> list[Relative]:
    """The whole family of `of`, each followed by its own, oldest first. A parent that is gone begins a family."""
    known = {one.id: one for one in found}
    root = of
    seen = {root}
    while (parent := known[root].parent) in known and parent not in seen:
        root = parent
        seen.add(root)
    children: dict[str, list[Relative]] = {}
    for one in known.values():
        if one.parent in known and one.id != root:
            children.setdefault(one.parent, []).append(one)
    return list(_down(known[root], children, 0))


def _down(one: Relative, children: Mapping[str, Sequence[Relative]], depth: int) -> Iterator[Relative]:
    """Without recursion: a variant of a variant of a variant may go on for long."""
    waiting = [(one, depth)]
    while waiting:
        one, depth = waiting.pop()
        own = sorted(children.get(one.id, ()), key=lambda child: child.id)
        yield replace(one, depth=depth, variants=len(own))
        waiting += [(child, depth + 1) for child in reversed(own)]


def relative_json(one: Relative) -> dict[str, Any]:
    """A recording in its family as the API shows it."""
    return {
        "id": one.id, "title": one.title, "kind": one.kind, "parent": one.parent, "branched_at": one.branched_at,
        "started_at": one.started_at, "steps": one.steps, "depth": one.depth, "variants": one.variants,
        "status": one.status,
    }  # fmt: skip

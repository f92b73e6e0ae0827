"""`gateway show REC --tree`: a recording's replays and variants as a tree for a terminal. I/O."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from ..console.family import variants
from ..model.visible import visible
from .shown import cut

if TYPE_CHECKING:
    from ..store import SqliteStore

MOST: Final = 100  # recordings that are shown; --json shows all


def print_tree(store: SqliteStore, recording: str, *, as_json: bool) -> None:
    """The family of a recording."""
    found = variants(store, recording, limit=1_000_000 if as_json else MOST)
    if as_json:
        print(json.dumps(found, indent=2))
        return
    print("\n".join(tree_lines(found["items"], recording)))
    if found["next"]:
        print(f"... and {found['total'] - MOST} more: --json shows all")


def tree_lines(items: Sequence[Mapping[str, Any]], recording: str) -> Iterator[str]:
    """A line for each, its card below."""
    for at, one in enumerate(items):
        lead, below = _branches(items, at)
        branched = f" at step {one['branched_at']}: {_or(one['status'])}" if one["branched_at"] else ""
        mark = " *" if one["id"] == recording else ""
        yield f"{lead}{one['id']}  {cut(one['title'], 70)}  ({one['kind']}{branched}){mark}"
        if one["card"]:
            yield f"{below}    {visible(one['card']['sentence'])}"


def _branches(items: Sequence[Mapping[str, Any]], at: int) -> tuple[str, str]:
    """(what stands before its line, what before the lines below it)."""
    depth = items[at]["depth"]
    more = [_goes_on(items, at, level) for level in range(1, depth + 1)]
    bars = "".join("│  " if one else "   " for one in more[:-1])
    own = _goes_on(items, at + 1, depth + 1) if at + 1 < len(items) and items[at + 1]["depth"] == depth + 1 else False
    hanging = "│" if own or (at + 1 < len(items) and items[at + 1]["depth"] > depth) else " "
    if not depth:
        return "", hanging
    return bars + ("├─ " if more[-1] else "└─ "), bars + ("│  " if more[-1] else "   ") + hanging


def _goes_on(items: Sequence[Mapping[str, Any]], at: int, level: int) -> bool:
    """Whether another one of this level follows before the tree goes up again."""
    following = (one["depth"] for one in items[at + 1 :])
    return next((depth == level for depth in following if depth <= level), False)


def _or(value: int | None) -> str:
    return "not sent" if value is None else str(value)

"""The page that compares two recordings or steps: the steps at the left, one of them in two columns. I/O; blocking."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from ..diagrams.story import name_of
from ..model.bodies import text_of
from ..replay.compare import Comparison, StepPair, comparison_json
from ..replay.error_card import shared_causes
from ..replay.report import difference_line
from ..services.compare import compared
from ..services.diagrams import both
from .json_view import JsonDiff, json_diff

if TYPE_CHECKING:
    from markupsafe import Markup

    from ..model.exchange import Exchange
    from ..protocols import Store

PARTS: Final = ("response", "request", "headers")
RECENT: Final = 30  # recordings that a picker proposes
TEXT: Final = 20_000  # characters of a body that is no JSON
# Causes of differences, in a word or two.
WORDS: Final = {"correlated": "id, expected", "time": "time, expected", "noise": "changes with every run",
                "order": "order", "route": "other server", "contract": "contract"}  # fmt: skip


def difference(
    store: Store, a: str, b: str, *, step: str = "", part: str = ""
) -> tuple[dict[str, Any], dict[str, Any]]:
    """(the JSON of the comparison, with a line of words for every difference; what the page shows beside it)."""
    found = compared(store, a, b)
    shown = comparison_json(found)
    for pair, one in zip(found.steps, shown["steps"], strict=True):
        one["exchanges"] = [None if each is None else each.id for each in (pair.recorded, pair.replayed)]
        for each in one["differences"]:
            each["line"] = difference_line(each)
    told = ((one["a"] or one["b"], one["card"]) for one in shown["steps"] if one["card"])
    at = _selected(found, step)
    part = part if part in PARTS else "response"
    picture: Markup = both(store, found)
    page = {
        "causes": shared_causes(told), "picture": picture, "at": at, "part": part,
        "chosen": _step_view(found.steps[at], part) if found.steps else None,
        "names": [_name(pair) for pair in found.steps],
        "address": lambda **changed: _address(a, b, {"step": at + 1, "part": part} | changed),
    }  # fmt: skip
    return shown, page


def nothing() -> dict[str, Any]:
    """What the page shows before two things are chosen."""
    return {
        "causes": {},
        "picture": "",
        "at": 0,
        "part": "response",
        "chosen": None,
        "names": [],
        "address": None,
    }


def choices(store: Store) -> list[tuple[str, str]]:
    """The recordings that a picker proposes: (id, title and when)."""
    found = store.recordings(limit=RECENT).items
    return [(one.id, f"{one.title or one.id} · {one.started_at[:16].replace('T', ' ')}") for one in found]


def _address(a: str, b: str, more: dict[str, Any]) -> str:
    return "/_gateway/diff?" + urlencode({"a": a, "b": b, **more})


def _selected(found: Comparison, step: str) -> int:
    """The row that was asked for, from 1; else the first that really differs."""
    if step.isascii() and step.isdigit() and 0 < int(step[:6]) <= len(found.steps):
        return int(step[:6]) - 1
    differing = (at for at, pair in enumerate(found.steps) if pair.outcome not in ("same", "expected"))
    return next(differing, 0)


def _name(pair: StepPair) -> str:
    one = pair.recorded or pair.replayed
    return name_of(one) if one else ""


def _step_view(pair: StepPair, part: str) -> dict[str, Any]:
    """The two heads, and the bodies laid out beside each other, or as text."""
    sides = pair.recorded, pair.replayed
    where = "request" if part == "request" else "response"
    texts = [_body(one, where) for one in sides]
    causes = {
        one.pointer: (WORDS.get(one.cause, ""), one.expected)
        for one in pair.differences if one.where == f"{where}.body"
    }  # fmt: skip
    found: JsonDiff | None = json_diff(texts[0], texts[1], causes) if all(texts) else None
    good = all(one is not None and one.status is not None and one.status < 400 for one in sides)
    return {
        "pair": pair, "diff": found if part != "headers" else None,
        "texts": [text[:TEXT] for text in texts],
        "headers": [_header(one.pointer, one.recorded, one.replayed, one.expected) for one in pair.differences
                    if one.where in ("request.headers", "response.headers")],
        "members": found.members if found and good and where == "response" else (),
        "server": _servers(sides),
    }  # fmt: skip


def _header(name: str, before: Any, after: Any, expected: bool) -> dict[str, Any]:
    sides = ("–" if each is None else str(each) for each in (before, after))
    return {"name": name, "before": next(sides), "after": next(sides), "expected": expected}


def _body(one: Exchange | None, where: str) -> str:
    message = None if one is None else one.request if where == "request" else one.response
    return (text_of(message) or "") if message else ""


def _servers(sides: Sequence[Exchange | None]) -> str:
    """ "qa → test" where two servers answered."""
    one, other = sides
    if one is None or other is None or (one.cluster, one.environment) == (other.cluster, other.environment):
        return ""
    return f"{one.environment} → {other.environment}"

"""The 404 card: why this step failed where its sibling did not, as a sentence and a table. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ..model.bodies import text_of
from ..model.exchange import Exchange
from .align import kind_of
from .causes import SEALED, Context
from .diff import Difference, diff_requests
from .json_diff import read_json

EXPLAINS: Final = ("detail", "message", "error_description", "error", "reason", "title", "description")
MOST: Final = 3  # request differences that a sentence names


@dataclass(frozen=True, slots=True)
class Row:
    """One thing that separates the two. "" where one side has nothing."""

    place: str  # "query isbn", "route"
    failing: str
    succeeding: str


@dataclass(frozen=True, slots=True)
class Card:
    """`sentence` is for people; `rows` is the smallest difference of the two requests and of their routes."""

    status: int
    sentence: str
    rows: tuple[Row, ...]
    failing: str  # ids of the exchanges
    succeeding: str


def card(failing: Exchange, succeeding: Exchange, drift: Mapping[str, str] | None = None) -> Card | None:
    """Why one failed and the other did not; None unless that is so. `drift` is from the good run to the other one."""
    status = failing.status or 0
    if status < 400 or not succeeding.status or succeeding.status >= 400:
        return None
    context = Context(drift or {})
    found = [one for one in diff_requests(succeeding.request, failing.request, context) if not one.expected]
    rows = [Row(place_of(one), _text(one.replayed), _text(one.recorded)) for one in found]
    routes = route_of(failing), route_of(succeeding)
    if routes[0] != routes[1]:
        rows.append(Row("route", *routes))
    return Card(status, _sentence(failing, succeeding, found), tuple(rows), failing.id, succeeding.id)


def card_json(found: Card) -> dict[str, Any]:
    """A card as the API shows it."""
    return {
        "status": found.status,
        "sentence": found.sentence,
        "rows": [{"place": row.place, "failing": row.failing, "succeeding": row.succeeding} for row in found.rows],
        "failing": found.failing,
        "succeeding": found.succeeding,
    }


def sibling(failing: Exchange, others: Sequence[Exchange]) -> Exchange | None:
    """The successful exchange that is nearest to this one: the same kind of request, the fewest differences."""
    fitting = [
        other for other in others
        if other.id != failing.id and other.status and other.status < 400 and _alike(failing, other)
    ]  # fmt: skip
    return min(fitting, key=lambda other: (_distance(failing, other), abs(other.step - failing.step)), default=None)


def _alike(one: Exchange, other: Exchange) -> bool:
    if kind_of(one) == kind_of(other):
        return True
    words, others = one.path.split("/"), other.path.split("/")
    near = len(words) == len(others) and sum(a != b for a, b in zip(words, others, strict=True)) <= 1
    return near and (one.method, one.cluster) == (other.method, other.cluster)


def _distance(one: Exchange, other: Exchange) -> int:
    found = diff_requests(other.request, one.request, Context())
    return sum(1 for difference in found if not difference.expected) + (route_of(one) != route_of(other))


def route_of(exchange: Exchange) -> str:
    """ "catalogue@qa"."""
    return f"{exchange.cluster}@{exchange.environment}" if exchange.cluster else "no cluster"


def place_of(difference: Difference) -> str:
    """ "query isbn", "path", "header authorization", "body /qty"."""
    part = difference.where.removeprefix("request.").replace("headers", "header")
    return f"{part} {difference.pointer}".strip()


def _sentence(failing: Exchange, succeeding: Exchange, found: Sequence[Difference]) -> str:
    status, good = failing.status, succeeding.status
    here, there = route_of(failing), route_of(succeeding)
    reason = reason_of(failing)
    because = f" It says: {reason}" if reason else ""
    if not found and here != there:
        return f"{status} only on {here}: the same request answers {good} on {there}.{because}"
    if not found:
        return f"{status} although the same request answered {good}: something changed in between.{because}"
    told = "; ".join(_told(one, good) for one in found[:MOST]) + ("; ..." if len(found) > MOST else "")
    where = f" on {here}" if here == there else f", on {here} instead of {there}"
    return f"{status} because {told}{where}.{because}"


def _told(difference: Difference, good: int | None) -> str:
    place = place_of(difference)
    if difference.kind == "added":
        return f"{place} {_text(difference.replayed)} is sent, and {good} comes without it"
    if difference.kind == "removed":
        return f"{place} is not sent, and {good} comes with {_text(difference.recorded)}"
    if place == "path":
        return _paths(str(difference.replayed), str(difference.recorded), good)
    return f"{place} is {_text(difference.replayed)}, and {_text(difference.recorded)} answers {good}"


def _paths(failing: str, succeeding: str, good: int | None) -> str:
    """Only the segment that differs, when it is one."""
    words, others = failing.split("/"), succeeding.split("/")
    apart = [(a, b) for a, b in zip(words, others, strict=False) if a != b]
    if len(words) == len(others) and len(apart) == 1:
        return f"the path has {apart[0][0]}, and {apart[0][1]} answers {good}"
    return f"the path is {failing}, and {succeeding} answers {good}"


def reason_of(exchange: Exchange) -> str:
    """What the answer itself says about its failure."""
    if exchange.failure:
        return exchange.failure.detail or exchange.failure.kind
    text = text_of(exchange.response) if exchange.response else None
    try:
        value = read_json(text) if text else None
    except ValueError:
        return ""
    found = (value.get(name) for name in EXPLAINS) if isinstance(value, dict) else ()
    return next((_text(one) for one in found if isinstance(one, str) and one), "")


def _text(value: Any) -> str:
    if value is None:
        return ""
    text = SEALED.sub("(sealed)", value if isinstance(value, str) else str(value))
    return text if len(text) <= 200 else text[:199] + "…"

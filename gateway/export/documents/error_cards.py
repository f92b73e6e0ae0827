"""How to get, or avoid, an error: a failing step beside its nearest successful sibling. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote

from ...model import headers
from ...model.bodies import text_of
from ...model.exchange import Exchange
from ...model.failures import failed_of
from ...model.message import Message
from ...model.operations import operation_of
from ...model.text import shape, shortened
from ..sealed_secrets import PLACEHOLDER

SHOWN = 120  # characters of a value
MOST = 8  # rows of a card
_QUIET = frozenset((
    *headers.HOP_BY_HOP, *headers.FRAMING, *headers.GATEWAY_REQUEST, *headers.TRACE, "accept-encoding", "cookie",
    "date", "if-modified-since", "if-none-match", "priority", "referer", "user-agent",
))  # fmt: skip
_ABSENT = "(not there)"
_SAYS = ("detail", "message", "error_description", "error", "title", "reason")


@dataclass(frozen=True, slots=True)
class Row:
    """One unequal place of the two requests."""

    place: str  # "path", "query lang", "body /isbn", "header Authorization", "environment"
    failing: str
    succeeding: str


@dataclass(frozen=True, slots=True)
class Card:
    """One failure, what it says of itself, and what a request that succeeds does differently."""

    failing: Exchange
    says: str
    sibling: Exchange | None
    rows: tuple[Row, ...]
    between: tuple[Exchange, ...]  # writes between the two, where their requests are equal

    @property
    def sentence(self) -> str:
        """The whole card in a sentence or two, in plain text."""
        return _sentence(self)


def cards(exchanges: Sequence[Exchange]) -> tuple[Card, ...]:
    """One card for every failing step whose like has none yet: the same request but for ids in its path, and status."""
    found: list[Card] = []
    seen = set()
    for exchange in exchanges:
        if not fails(exchange):
            continue
        query = exchange.request.target.partition("?")[2]
        where = (exchange.method, shape(exchange.path), query, exchange.environment)
        key = (*where, exchange.status, exchange.request.body)
        authorized = bool(exchange.request.header("authorization"))
        if (*key, authorized) not in seen:
            seen.add((*key, authorized))
            found.append(_card(exchange, exchanges))
    return tuple(found)


def fails(exchange: Exchange) -> bool:
    """Whether it has a card: no response, an error status, or a failure inside a 2xx."""
    return exchange.failure is not None or (exchange.status or 0) >= 400 or failed_of(exchange) is not None


def _card(failing: Exchange, exchanges: Sequence[Exchange]) -> Card:
    likely = [other for other in exchanges if _is_sibling(failing, other)]
    ranked = sorted(likely, key=lambda other: _rank(failing, other))
    sibling = ranked[0] if ranked else None
    rows = tuple(differences(failing, sibling)) if sibling else ()
    between = () if rows or sibling is None else tuple(_writes(failing, sibling, exchanges))
    return Card(failing, says(failing), sibling, rows, between)


def _is_sibling(failing: Exchange, other: Exchange) -> bool:
    if fails(other) or not other.status or other.method != failing.method or other.cluster != failing.cluster:
        return False
    asked, by = operation_of(failing.request), operation_of(other.request)
    if (asked.label if asked else "") != (by.label if by else ""):
        return False
    return other.path.count("/") == failing.path.count("/")


def _rank(failing: Exchange, other: Exchange) -> tuple[int, ...]:
    """Fewest differences first, then the nearest; of equal requests first those that came after the failure."""
    rows = list(differences(failing, other))
    apart = other.step - failing.step
    heavy = sum(3 if row.place == "path" and shape(failing.path) != shape(other.path) else 1 for row in rows)
    return heavy, int(apart < 0 and not rows), abs(apart)


def differences(failing: Exchange, other: Exchange) -> Iterator[Row]:
    """Every place where the two requests differ."""
    if failing.environment != other.environment:
        yield Row("environment", f"{failing.cluster}@{failing.environment}", f"{other.cluster}@{other.environment}")
    if failing.path != other.path:
        yield Row("path", _short(unquote(failing.path)), _short(unquote(other.path)))
    yield from _named("query ", _query(failing), _query(other))
    yield from _named("header ", _headers(failing), _headers(other))
    yield from _bodies(failing.request, other.request)


def _named(kind: str, first: dict[str, str], second: dict[str, str]) -> Iterator[Row]:
    for name in dict.fromkeys((*first, *second)):
        one, two = first.get(name, _ABSENT), second.get(name, _ABSENT)
        if one != two:
            yield Row(f"{kind}{name}", *_apart(one, two))


def _apart(one: str, two: str) -> tuple[str, str]:
    """Shown values; two different secrets read as such."""
    first, second = _short(one), _short(two)
    return (first, second) if first != second else (f"{first} (one value)", f"{second} (another)")


def _query(exchange: Exchange) -> dict[str, str]:
    return dict(parse_qsl(exchange.request.target.partition("?")[2], keep_blank_values=True))


def _headers(exchange: Exchange) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in exchange.request.headers:
        low = name.lower()
        if low not in _QUIET and not low.startswith(("sec-", "x-forwarded-")):
            found.setdefault(name.title(), value)
    return found


def _bodies(first: Message, second: Message) -> Iterator[Row]:
    one, two = text_of(first), text_of(second)
    if first.body.data == second.body.data or (one is not None and one == two):
        return
    flat_one, flat_two = _flat(one), _flat(two)
    if flat_one is not None and flat_two is not None:
        yield from _named("body ", flat_one, flat_two)
    else:
        yield Row("body", _short(one or f"{first.body.size} bytes"), _short(two or f"{second.body.size} bytes"))


def _flat(text: str | None) -> dict[str, str] | None:
    """JSON as pointer -> value; None when it is no object or list."""
    try:
        data = json.loads(text or "")
    except (ValueError, RecursionError):
        return None
    return dict(_leaves(data, "", 0)) if isinstance(data, dict | list) else None


def _leaves(data: Any, pointer: str, depth: int) -> Iterator[tuple[str, str]]:
    if depth < 24 and isinstance(data, dict) and data:
        for key, value in data.items():
            yield from _leaves(value, f"{pointer}/{key}", depth + 1)
    elif depth < 24 and isinstance(data, list) and data:
        for index, value in enumerate(data):
            yield from _leaves(value, f"{pointer}/{index}", depth + 1)
    else:
        yield pointer, json.dumps(data, ensure_ascii=False)


def _short(text: str) -> str:
    hidden = PLACEHOLDER.sub(b"<secret>", text.encode("utf-8", "replace")).decode()
    return shortened(hidden, SHOWN)


def _writes(failing: Exchange, sibling: Exchange, exchanges: Sequence[Exchange]) -> Iterator[Exchange]:
    """What changed something between the two."""
    first, last = sorted((failing.step, sibling.step))
    for exchange in exchanges:
        if first < exchange.step < last and exchange.method not in ("GET", "HEAD", "OPTIONS") and not fails(exchange):
            yield exchange


def says(exchange: Exchange) -> str:
    """The answer's own words: the usual members of a JSON error, else the failure's detail."""
    if exchange.failure:
        return exchange.failure.detail or exchange.failure.kind.replace("_", " ")
    failed = failed_of(exchange)
    if failed:
        return _short(failed.says)
    text = text_of(exchange.response) if exchange.response else None
    try:
        data = json.loads(text or "")
    except (ValueError, RecursionError):
        return ""
    if not isinstance(data, dict):
        return ""
    words = [data[key] for key in _SAYS if isinstance(data.get(key), str)]
    return _short(words[0]) if words else ""


def _sentence(card: Card) -> str:
    failing, sibling = card.failing, card.sibling
    if sibling is None:
        return f"No {failing.method} of this kind succeeded in this recording."
    good = f"step {sibling.step} was answered {sibling.status}"
    places = [row.place for row in card.rows]
    if places == ["environment"]:
        return f"The route, not the request: the same request in {good} on {sibling.environment}."
    if places:
        more = f" and {len(places) - MOST} more" if len(places) > MOST else ""
        what = "only difference" if len(places) == 1 else "differences"
        told = f"step {sibling.step}, which was answered {sibling.status}"
        return f"The {what} to {told}: {', '.join(places[:MOST])}{more}."
    if card.between:
        writes = ", ".join(f"step {one.step} ({one.method} {shortened(one.path, 60)})" for one in card.between[:MOST])
        when = "after" if sibling.step > failing.step else "before"
        return f"The same request: {good}, {when} {writes}."
    return f"The same request: {good}. What made the difference is not in the requests."

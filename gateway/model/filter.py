"""The filter of lists: plain words and `key:value` terms, each of which may be negated by a minus. Pure.

    status:404 status:>=400 status:4xx cluster:orders env:qa method:POST -method:GET tag:demo receipt "two words"
    took:>200ms size:>1MiB after:-2h before:2026-11-22T10:00 has:failure body:isbn op:ListOrders op:mutation* has:error

The terms of the exchange (OF_EXCHANGE) must all hold for one and the same exchange of a recording; a negated one must
hold for none of its exchanges.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from ..errors import UsageError, did_you_mean
from .units import read_duration, read_size

Span = tuple[float, float]  # both ends included


@dataclass(frozen=True, slots=True)
class Term:
    """`key` is "" for a plain word. `span` is the range of a status, a duration in milliseconds or a size in bytes."""

    key: str
    value: str
    negated: bool = False
    span: Span = field(default=(0, 0), compare=False)

    def __str__(self) -> str:
        minus = "-" if self.negated else ""
        key = f"{self.key}:" if self.key else ""
        return f"{minus}{key}{quoted(self.value, bare=bool(key))}"


MOST: Final = 999
STATUS = re.compile(r"(?:([1-9])xx|(<=|>=|<|>|=)?([0-9]{1,3})|([0-9]{1,3})(?:-|\.\.)([0-9]{1,3}))", re.IGNORECASE)


def status_span(value: str) -> Span:
    """The first and last status that "404", "4xx", ">=400" or "400-499" stands for. UsageError for anything else."""
    match = STATUS.fullmatch(value)
    if match is None:
        raise UsageError(f"status:{value} is not a status", where="filter", hint="status:404, status:4xx, status:>=400")
    family, operator, number, low, high = match.groups()
    if family:
        return int(family) * 100, int(family) * 100 + 99
    if low:
        return _upwards("status", value, (int(low), int(high)), hint="status:400-499")
    edge = int(number)
    spans = {"<": (0, edge - 1), "<=": (0, edge), ">": (edge + 1, MOST), ">=": (edge, MOST)}
    return spans.get(operator or "=", (edge, edge))


def _upwards(key: str, value: str, span: Span, *, hint: str) -> Span:
    if span[0] > span[1]:
        raise UsageError(f"{key}:{value} ends before it begins", where="filter", hint=hint)
    return span


def _span(value: str, read: Callable[[str], float]) -> Span:
    """ ">200ms", "<=1s", "200ms..1s"; a bare "200ms" is that or more."""
    low, dots, high = value.partition("..")
    if dots:
        return read(low), read(high)
    match = COMPARED.fullmatch(value)
    assert match is not None  # the last part takes anything
    operator, edge = match[1], read(match[2])
    below, above = math.nextafter(edge, -math.inf), math.nextafter(edge, math.inf)
    spans = {"<": (-math.inf, below), "<=": (-math.inf, edge), "=": (edge, edge), ">": (above, math.inf)}
    return spans.get(operator, (edge, math.inf))


def took_span(value: str) -> Span:
    """Milliseconds, both ends included."""
    return _range("took", value, lambda text: read_duration(text.strip()) * 1000, "took:>200ms, took:1s..5s")


def size_span(value: str) -> Span:
    """Bytes, both ends included."""
    return _range("size", value, lambda text: read_size(text.strip()), "size:>1MiB, size:10kB..1MiB")


def _range(key: str, value: str, read: Callable[[str], float], examples: str) -> Span:
    try:
        span = _span(value, read)
    except ValueError as error:
        raise UsageError(f"{key}:{value}: {error}", where="filter", hint=examples) from None
    return _upwards(key, value, span, hint=examples)


def moment(value: str, now: float) -> float:
    """Epoch seconds of "-2h" (before now), "2026-11-22" or "2026-11-22T10:00+01:00"; without a zone it is UTC.
    UsageError for anything else."""
    try:
        if value.startswith("-"):
            return now - read_duration(value[1:])
        found = datetime.fromisoformat(value)
    except ValueError:
        hint = "after:-2h, after:2026-11-22, before:2026-11-22T10:00Z"
        raise UsageError(f"{value!r} is no time", where="filter", hint=hint) from None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def _moment(value: str) -> Span:
    moment(value, 0.0)
    return ANY


def _one_of(key: str, known: Sequence[str]) -> Callable[[str], Span]:
    def check(value: str) -> Span:
        if value.lower() not in known:
            raise UsageError(f"{key}:{value} is none of {', '.join(known)}{did_you_mean(value, known)}", where="filter")
        return ANY

    return check


def _trace(value: str) -> Span:
    if not re.fullmatch("[0-9a-fA-F]{4,32}", value):
        hint = f"such as {EXAMPLES['trace']}; its first 4 digits or more"
        raise UsageError(f"trace:{value} is not the id of a trace", where="filter", hint=hint)
    return ANY


def _any(value: str) -> Span:
    return ANY


ANY: Final[Span] = (0, 0)
COMPARED = re.compile(r"(<=|>=|<|>|=)?(.*)", re.DOTALL)
KINDS: Final = ("live", "replay", "variant", "import")
HAS: Final = ("failure", "error", "drift", "note", "stream", "body")
KEYS: dict[str, Callable[[str], Span]] = {
    "status": status_span,
    "cluster": _any,
    "env": _any,
    "method": _any,
    "path": _any,
    "took": took_span,
    "size": size_span,
    "after": _moment,
    "before": _moment,
    "body": _any,
    "op": _any,
    "trace": _trace,
    "drift": _any,
    "has": _one_of("has", HAS),
    "session": _any,
    "tag": _any,
    "kind": _one_of("kind", KINDS),
    "parent": _any,
}
# The others are of the recording, and so is has:note.
OF_EXCHANGE: Final = frozenset(
    (
        "status",
        "cluster",
        "env",
        "method",
        "path",
        "took",
        "size",
        "after",
        "before",
        "body",
        "op",
        "trace",
        "drift",
        "has",
    )
)
SYNONYMS: Final = {"environment": "env", "operation": "op", "since": "after", "until": "before", "duration": "took"}


def is_of_exchange(term: Term) -> bool:
    """Whether a term speaks of an exchange; the others speak of its recording."""
    return term.key in OF_EXCHANGE and (term.key, term.value.lower()) != ("has", "note")


# A minus sign that an editor made of the hyphen counts as one.
WORD = re.compile(r'([-\u2212])?(?:([A-Za-z_]+):)?(?:"((?:[^"\\]|\\.)*)"(?=\s|$)|(\S*))')


def parse_filter(text: str) -> tuple[Term, ...]:
    """The terms of a filter; UsageError says which is off and what was probably meant."""
    terms = []
    at = 0
    while (at := _skip(text, at)) < len(text):
        match = WORD.match(text, at)
        assert match is not None  # every part of it may be empty
        terms.append(_term(match))
        at = match.end()
    return tuple(terms)


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at].isspace():
        at += 1
    return at


def _term(match: re.Match[str]) -> Term:
    minus, key, inside, bare = match.groups()
    value = bare if inside is None else re.sub(r"\\(.)", r"\1", inside, flags=re.DOTALL)
    if key is None:
        if minus and not value and inside is None:
            return Term("", "-")
        return Term("", value, bool(minus))
    name = SYNONYMS.get(key.lower(), key.lower())
    if name not in KEYS:
        near = did_you_mean(name, KEYS)
        raise UsageError(
            f"there is no filter '{key}:'{near}", where="filter",
            hint=f'one of {", ".join(f"{known}:" for known in KEYS)}; for the text itself write "{key}:{value}"',
        )  # fmt: skip
    if not value:
        raise UsageError(f"'{key}:' needs a value", where="filter", hint=f"such as {EXAMPLES[name]}")
    return Term(name, value, bool(minus), KEYS[name](value))


EXAMPLES: Final = {
    "status": "status:404",
    "cluster": "cluster:orders",
    "env": "env:qa",
    "method": "method:POST",
    "path": "path:/api/orders",
    "took": "took:>200ms",
    "size": "size:>1MiB",
    "after": "after:-2h",
    "before": "before:2026-11-22T10:00",
    "body": "body:isbn",
    "op": "op:ListOrders",
    "trace": "trace:4bf92f3577b34da6a3ce929d0e0e4736",
    "drift": "drift:wrong-type",
    "has": "has:failure",
    "session": "session:alice",
    "tag": "tag:demo",
    "kind": "kind:live",
    "parent": "parent:01J0000000",
}


def filter_text(terms: Sequence[Term]) -> str:
    """The filter that these terms come from: parse_filter(filter_text(terms)) gives them back."""
    return " ".join(map(str, terms))


PLAIN = re.compile(r'[^\s"\-][^\s":]*')
PLAIN_VALUE = re.compile(r'[^\s"]\S*')


def quoted(value: str, *, bare: bool = False) -> str:
    """The value as a filter writes it: in quotes where it would be read as something else."""
    if (PLAIN_VALUE if bare else PLAIN).fullmatch(value):
        return value
    inner = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{inner}"'

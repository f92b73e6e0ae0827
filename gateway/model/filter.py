"""The filter of lists: plain words and `key:value` terms, each of which may be negated by a minus. Pure.

    status:404 status:>=400 status:4xx cluster:orders env:qa method:POST -method:GET tag:demo receipt "two words"

The terms of the exchange (status, cluster, env, method, path) must all hold for one and the same exchange of a
recording; a negated one must hold for none of its exchanges.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from ..errors import UsageError


@dataclass(frozen=True, slots=True)
class Term:
    """`key` is "" for a plain word. `span` is the range of a status, both ends included."""

    key: str
    value: str
    negated: bool = False
    span: tuple[int, int] = field(default=(0, 0), compare=False)

    def __str__(self) -> str:
        minus = "-" if self.negated else ""
        key = f"{self.key}:" if self.key else ""
        return f"{minus}{key}{quoted(self.value, bare=bool(key))}"


MOST: Final = 999
STATUS = re.compile(r"(?:([1-9])xx|(<=|>=|<|>|=)?([0-9]{1,3})|([0-9]{1,3})(?:-|\.\.)([0-9]{1,3}))", re.IGNORECASE)


def status_span(value: str) -> tuple[int, int]:
    """The first and last status that "404", "4xx", ">=400" or "400-499" stands for."""
    match = STATUS.fullmatch(value)
    if match is None:
        raise UsageError(f"status:{value} is not a status", where="filter", hint="status:404, status:4xx, status:>=400")
    family, operator, number, low, high = match.groups()
    if family:
        return int(family) * 100, int(family) * 100 + 99
    if low:
        return int(low), int(high)
    edge = int(number)
    spans = {"<": (0, edge - 1), "<=": (0, edge), ">": (edge + 1, MOST), ">=": (edge, MOST)}
    return spans.get(operator or "=", (edge, edge))


def _near(word: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f"; did you mean '{near[0]}'?" if near else ""


def _kind(value: str) -> tuple[int, int]:
    known = ("live", "replay", "variant", "import")
    if value.lower() not in known:
        raise UsageError(f"kind:{value} is none of {', '.join(known)}{_near(value, known)}", where="filter")
    return 0, 0


def _any(value: str) -> tuple[int, int]:
    return 0, 0


KEYS: dict[str, Callable[[str], tuple[int, int]]] = {
    "status": status_span,
    "cluster": _any,
    "env": _any,
    "method": _any,
    "path": _any,
    "session": _any,
    "tag": _any,
    "kind": _kind,
}
OF_EXCHANGE: Final = frozenset(("status", "cluster", "env", "method", "path"))  # the others are of the recording
SYNONYMS: Final = {"environment": "env"}

WORD = re.compile(r'(-)?(?:([A-Za-z_]+):)?(?:"((?:[^"\\]|\\.)*)"(?=\s|$)|(\S*))')


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
        near = _near(name, KEYS)
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
    "session": "session:alice",
    "tag": "tag:demo",
    "kind": "kind:live",
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

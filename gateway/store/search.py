"""A filter as the WHERE of a query: parameters only, never text from outside in the SQL. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from ..model.filter import OF_EXCHANGE, Term, parse_filter

Condition = tuple[str, list[Any]]


def where(query: str) -> Condition:
    """The condition on `recordings` (as r) for a filter; UsageError when the filter is off."""
    terms = parse_filter(query)
    parts: list[Condition] = [("r.steps > 0", [])]
    parts += [_of_recording(term) for term in terms if term.key not in OF_EXCHANGE]
    same = [EXCHANGE[term.key](term) for term in terms if term.key in OF_EXCHANGE and not term.negated]
    if same:
        parts.append(_some_exchange(same))
    for term in terms:
        if term.key in OF_EXCHANGE and term.negated:
            sql, values = _some_exchange([EXCHANGE[term.key](term)])
            parts.append((f"NOT {sql}", values))
    return _all(parts)


def _of_recording(term: Term) -> Condition:
    sql, values = RECORDING[term.key](term)
    return (f"NOT ({sql})" if term.negated else f"({sql})"), values


def _word(term: Term) -> Condition:
    like = pattern(term.value)
    sql = (
        r"r.title LIKE ? ESCAPE '\' OR r.session LIKE ? ESCAPE '\' OR r.id = ? COLLATE NOCASE"
        r" OR EXISTS (SELECT 1 FROM notes n WHERE n.recording = r.id AND n.text LIKE ? ESCAPE '\')"
        r" OR EXISTS (SELECT 1 FROM exchanges e WHERE e.recording = r.id AND e.target LIKE ? ESCAPE '\')"
    )
    return sql, [like, like, term.value, like, like]


def _tag(term: Term) -> Condition:
    sql = "EXISTS (SELECT 1 FROM tags t WHERE t.recording = r.id AND t.tag = ? COLLATE NOCASE)"
    return sql, [term.value]


def _status(term: Term) -> Condition:
    return "e.status BETWEEN ? AND ?", list(term.span)


RECORDING: Final[dict[str, Callable[[Term], Condition]]] = {
    "": _word,
    "session": lambda term: ("r.session = ?", [term.value]),
    "kind": lambda term: ("r.kind = ?", [term.value.lower()]),
    "tag": _tag,
}
EXCHANGE: Final[dict[str, Callable[[Term], Condition]]] = {
    "status": _status,
    "cluster": lambda term: ("e.cluster = ?", [term.value]),
    "env": lambda term: ("e.environment = ?", [term.value]),
    "method": lambda term: ("e.method = ?", [term.value.upper()]),
    "path": lambda term: (r"e.target LIKE ? ESCAPE '\'", [pattern(term.value)]),
}


def _some_exchange(conditions: Iterable[Condition]) -> Condition:
    sql, values = _all(conditions)
    return f"EXISTS (SELECT 1 FROM exchanges e WHERE e.recording = r.id AND {sql})", values


def _all(conditions: Iterable[Condition]) -> Condition:
    parts = list(conditions)
    return " AND ".join(sql for sql, _ in parts), [value for _, values in parts for value in values]


def pattern(text: str) -> str:
    """A LIKE pattern that finds the text anywhere, its % and _ taken literally."""
    for mark in ("\\", "%", "_"):
        text = text.replace(mark, "\\" + mark)
    return f"%{text}%"

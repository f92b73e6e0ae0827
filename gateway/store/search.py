"""A filter as the WHERE of a query: parameters only, never text from outside in the SQL. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from ..model.filter import Term, is_of_exchange, moment, parse_filter

Condition = tuple[str, list[Any]]
Texts = Callable[[Term], Condition]  # the exchanges (as e) whose text a term finds

BAD: Final = 400  # where the index of failed exchanges begins


def of_recordings(query: str, *, now: float, texts: Texts) -> Condition:
    """The condition on `recordings` (as r) for a filter; UsageError when the filter is off."""
    terms = parse_filter(query)
    parts: list[Condition] = [("r.steps > 0", [])]
    parts += [_turned(_of_recording(term, texts), term) for term in terms if not is_of_exchange(term)]
    same = [term for term in terms if is_of_exchange(term) and not term.negated]
    parts += [SOONER[term.key](term, now) for term in same if term.key in SOONER]
    if same:
        parts.append(_some_exchange(same, now, texts))
    for term in terms:
        if is_of_exchange(term) and term.negated:
            parts.append(_turned(_some_exchange([term], now, texts), term))
    return _all(parts)


def of_exchanges(query: str, *, now: float, texts: Texts) -> Condition:
    """The condition on `exchanges` (as e): every term speaks of the exchange itself."""
    terms = parse_filter(query)
    return _all([("1", []), *(_turned(_of_exchange(term, now, texts), term) for term in terms)])


# -- what a recording is asked


def _of_recording(term: Term, texts: Texts) -> Condition:
    if term.key:
        return RECORDING[term.key](term)
    like = pattern(term.value)
    found, values = _by_text([texts(term)])
    sql = (
        r"r.title LIKE ? ESCAPE '\' OR r.session LIKE ? ESCAPE '\' OR r.id = ? COLLATE NOCASE"
        rf" OR r.id IN (SELECT n.recording FROM notes n WHERE n.text LIKE ? ESCAPE '\') OR {found}"
    )
    return sql, [like, like, term.value, like, *values]


RECORDING: Final[dict[str, Callable[[Term], Condition]]] = {
    "session": lambda term: ("r.session = ?", [term.value]),
    "kind": lambda term: ("r.kind = ?", [term.value.lower()]),
    "parent": lambda term: ("r.parent = ?", [term.value]),
    "tag": lambda term: ("r.id IN (SELECT t.recording FROM tags t WHERE t.tag = ? COLLATE NOCASE)", [term.value]),
    "has": lambda term: ("r.id IN (SELECT n.recording FROM notes n)", []),  # has:note; the others are of exchanges
}

# What rules out whole recordings before their exchanges are looked at.
SOONER: Final[dict[str, Callable[[Term, float], Condition]]] = {
    "cluster": lambda term, now: (f"EXISTS ({USES} AND u.cluster = ?)", [term.value]),
    "env": lambda term, now: (f"EXISTS ({USES} AND u.environment = ?)", [term.value]),
    "after": lambda term, now: ("r.updated_at >= ?", [moment(term.value, now)]),
}
USES: Final = "SELECT 1 FROM uses u WHERE u.recording = r.id"


def _some_exchange(terms: Sequence[Term], now: float, texts: Texts) -> Condition:
    """Recordings of which one exchange meets all terms. Where an index finds few of them, begin there."""
    conditions = [_of_exchange(term, now, texts) for term in terms]
    if any(map(_is_rare, terms)):
        return _by_text(conditions)
    sql, values = _all(conditions)
    return f"EXISTS (SELECT 1 FROM exchanges e WHERE e.recording = r.id AND {sql})", values


def _by_text(conditions: Iterable[Condition]) -> Condition:
    sql, values = _all(conditions)
    return f"r.id IN (SELECT e.recording FROM exchanges e WHERE {sql})", values


def _is_rare(term: Term) -> bool:
    return term.key == "body" or (term.key == "status" and term.span[0] >= BAD) or term.value.lower() == "failure"


# -- what an exchange is asked


def _of_exchange(term: Term, now: float, texts: Texts) -> Condition:
    if term.key == "body":
        return texts(term)
    if term.key in ("after", "before"):
        return f"e.started_at {'>=' if term.key == 'after' else '<'} ?", [moment(term.value, now)]
    if not term.key:
        return _word(term, texts)
    return EXCHANGE[term.key](term)


def _word(term: Term, texts: Texts) -> Condition:
    """One set of exchanges, so that a list begins with it where it is small."""
    sql, values = texts(term)
    noted = rf"{BESIDE.format('notes')} AND b.text LIKE ? ESCAPE '\'"
    return (
        f"e.seq IN (SELECT e.seq FROM exchanges e WHERE {sql} UNION ALL SELECT seq FROM exchanges WHERE id = ?"
        f" UNION ALL {noted})"
    ), [*values, term.value.upper(), pattern(term.value)]


def _status(term: Term) -> Condition:
    bad = f"e.status >= {BAD} AND " if term.span[0] >= BAD else ""  # in these words, for the index's sake
    return f"{bad}e.status BETWEEN ? AND ?", list(term.span)


BESIDE: Final = (
    "SELECT x.seq FROM {} b JOIN exchanges x ON x.recording = b.recording AND x.step = b.step WHERE b.step > 0"
)
HAS: Final = {
    "failure": "e.seq IN (SELECT seq FROM exchanges WHERE failure_kind IS NOT NULL)",
    "stream": "e.stream <> ''",
    "body": "e.request_size + e.response_size > 0",
    "note": f"e.seq IN ({BESIDE.format('notes')})",
}
EXCHANGE: Final[dict[str, Callable[[Term], Condition]]] = {
    "status": _status,
    "cluster": lambda term: ("e.cluster = ?", [term.value]),
    "env": lambda term: ("e.environment = ?", [term.value]),
    "method": lambda term: ("e.method = ?", [term.value.upper()]),
    "path": lambda term: (r"e.target LIKE ? ESCAPE '\'", [pattern(term.value)]),
    "took": lambda term: ("round(e.total_ms, 3) BETWEEN ? AND ?", list(term.span)),
    "size": lambda term: ("max(e.request_size, e.response_size) BETWEEN ? AND ?", list(term.span)),
    "has": lambda term: (HAS[term.value.lower()], []),
    "session": lambda term: ("e.session = ?", [term.value]),
    "kind": lambda term: ("(SELECT r.kind FROM recordings r WHERE r.id = e.recording) = ?", [term.value.lower()]),
    "parent": lambda term: ("(SELECT r.parent FROM recordings r WHERE r.id = e.recording) = ?", [term.value]),
    "tag": lambda term: (f"e.seq IN ({BESIDE.format('tags')} AND b.tag = ? COLLATE NOCASE)", [term.value]),
}


def _turned(condition: Condition, term: Term) -> Condition:
    """NULL counts as no: a minus finds what an unanswered exchange has not got."""
    sql, values = condition
    return (f"NOT coalesce(({sql}), 0)" if term.negated else f"({sql})"), values


def _all(conditions: Iterable[Condition]) -> Condition:
    parts = list(conditions)
    return " AND ".join(f"({sql})" for sql, _ in parts), [value for _, values in parts for value in values]


def pattern(text: str) -> str:
    """A LIKE pattern that finds the text anywhere, its % and _ taken literally."""
    for mark in ("\\", "%", "_"):
        text = text.replace(mark, "\\" + mark)
    return f"%{text}%"

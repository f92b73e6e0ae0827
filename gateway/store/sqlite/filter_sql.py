"""A filter as conditions of SQL: parameters only, never text from outside in the SQL. Pure.

What a recording is asked by itself is one condition; what its exchanges are asked are groups, each of which is looked
for among them (gateway/store/sqlite/search.py). Full text comes shard by shard.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

from ...model.filter import Term, is_of_exchange, moment, parse_filter

Condition = tuple[str, list[Any]]
Texts = Callable[[Term, int], Condition]  # the exchanges of a shard whose text a term finds, as the inside of an IN

NOTHING: Final[Condition] = ("FALSE", [])


@dataclass(frozen=True, slots=True)
class Group:
    """Terms that must all hold for one and the same exchange of a recording, or for none of them. `beside` is what
    the recording itself may say instead: a title or a note that has the word."""

    terms: tuple[Term, ...]
    negated: bool = False
    beside: Condition = NOTHING

    @property
    def is_textual(self) -> bool:
        """Whether it asks for what the writer works out behind the records: words, and names of operations."""
        return any(map(_is_textual, self.terms))

    def condition(self, shard: int, *, now: float, texts: Texts) -> Condition:
        """On the exchanges (as e) of one shard."""
        return _all(_of_exchange(term, now, texts, shard) for term in self.terms)


@dataclass(frozen=True, slots=True)
class FilterConditions:
    """What is asked of recordings (as r): a condition on each by itself, and the groups."""

    condition: Condition
    groups: tuple[Group, ...]


def of_recordings(query: str, *, now: float) -> FilterConditions:
    """UsageError when the filter is off."""
    terms = parse_filter(query)
    own = [term for term in terms if term.key and not is_of_exchange(term)]
    same = tuple(term for term in terms if is_of_exchange(term) and not term.negated)
    parts: list[Condition] = [("r.steps > 0", []), *(_turned(RECORDING[term.key](term), term) for term in own)]
    parts += [SOONER[term.key](term, now) for term in same if term.key in SOONER]
    groups = [Group(same)] if same else []
    groups += [Group((_plain(term),), True) for term in terms if is_of_exchange(term) and term.negated]
    groups += [Group((_plain(term),), term.negated, _titled(term)) for term in terms if not term.key]
    return FilterConditions(_all(parts), tuple(groups))


def of_exchanges(query: str, shard: int, *, now: float, texts: Texts) -> Condition:
    """The condition on the exchanges (as e) of a shard: every term speaks of the exchange itself."""
    terms = parse_filter(query)
    conditions = (_turned(_of_exchange(_plain(term), now, texts, shard, beside=True), term) for term in terms)
    return _all([("TRUE", []), *conditions])


def is_textual(query: str) -> bool:
    """Whether a filter asks for what the writer works out behind the records, such as words of a shard."""
    return any(map(_is_textual, parse_filter(query)))


def _is_textual(term: Term) -> bool:
    return term.key in ("", "body", "op", "trace") or (term.key == "has" and term.value.lower() == "error")


def _plain(term: Term) -> Term:
    return Term(term.key, term.value, False, term.span)


# -- what a recording is asked


def _titled(term: Term) -> Condition:
    like = pattern(term.value)
    sql = (
        r"r.title LIKE ? ESCAPE '\' OR r.session LIKE ? ESCAPE '\' OR r.id = ? COLLATE NOCASE"
        r" OR r.id IN (SELECT n.recording FROM notes n WHERE n.text LIKE ? ESCAPE '\')"
    )
    return sql, [like, like, term.value, like]


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


# -- what an exchange is asked


def _of_exchange(term: Term, now: float, texts: Texts, shard: int, *, beside: bool = False) -> Condition:
    if term.key in ("after", "before"):
        return f"e.started_at {'>=' if term.key == 'after' else '<'} ?", [moment(term.value, now)]
    if term.key not in ("", "body") and not _is_textual(term):
        return EXCHANGE[term.key](term)
    if term.key in ("op", "has"):
        found, values = texts(term, shard)
        return f"e.seq IN ({found})", values
    if term.key == "trace":
        found, values = texts(term, shard)
        return f"e.seq IN ({found}) AND e.trace LIKE ?", [*values, f"{term.value.lower()}%"]
    if not any(map(str.isalnum, term.value)):  # no word in it: the index knows nothing of signs
        return NOTHING if term.key else EXCHANGE["path"](term)
    found, values = texts(term, shard)
    if beside and not term.key:
        found += f" UNION ALL SELECT seq FROM exchanges WHERE id = ? UNION ALL {NOTED}"
        values = [*values, term.value.upper(), pattern(term.value)]
    return f"e.seq IN ({found})", values


BESIDE: Final = (
    "SELECT x.seq FROM {} b JOIN exchanges x ON x.recording = b.recording AND x.step = b.step WHERE b.step > 0"
)
OF_RECORDING: Final = "e.recording IN (SELECT id FROM recordings WHERE {} = ?)"
NOTED: Final = rf"{BESIDE.format('notes')} AND b.text LIKE ? ESCAPE '\'"
DRIFTED: Final = """
SELECT x.exchange FROM finding_exchanges x JOIN findings f ON f.id = x.finding JOIN drift_places p ON p.seq = f.place
WHERE p.current = 1
"""
HAS: Final = {
    "failure": "e.seq IN (SELECT seq FROM exchanges WHERE failure_kind IS NOT NULL)",
    "stream": "e.stream <> ''",
    "body": "e.request_size + e.response_size > 0",
    "note": f"e.seq IN ({BESIDE.format('notes')})",
    "drift": f"e.seq IN ({DRIFTED} AND x.severity <> 'info' AND json_extract(f.value, '$.accepted') IS NULL)",
}
EXCHANGE: Final[dict[str, Callable[[Term], Condition]]] = {
    "status": lambda term: ("e.status BETWEEN ? AND ?", list(term.span)),
    "cluster": lambda term: ("e.cluster = ?", [term.value]),
    "env": lambda term: ("e.environment = ?", [term.value]),
    "method": lambda term: ("e.method = ?", [term.value.upper()]),
    "path": lambda term: (r"e.target LIKE ? ESCAPE '\'", [pattern(term.value)]),
    "took": lambda term: ("round(e.total_ms, 3) BETWEEN ? AND ?", list(term.span)),
    "size": lambda term: ("max(e.request_size, e.response_size) BETWEEN ? AND ?", list(term.span)),
    "has": lambda term: (HAS[term.value.lower()], []),
    "drift": lambda term: (f"e.seq IN ({DRIFTED} AND x.rule = ?)", [term.value.lower()]),
    "session": lambda term: (OF_RECORDING.format("session"), [term.value]),
    "kind": lambda term: (OF_RECORDING.format("kind"), [term.value.lower()]),
    "parent": lambda term: (OF_RECORDING.format("parent"), [term.value]),
    "tag": lambda term: (f"e.seq IN ({BESIDE.format('tags')} AND b.tag = ? COLLATE NOCASE)", [term.value]),
}


def _turned(condition: Condition, term: Term) -> Condition:
    """NULL counts as no: a minus finds what an unanswered exchange has not got."""
    sql, values = condition
    return (f"NOT coalesce(({sql}), FALSE)" if term.negated else f"({sql})"), values


def _all(conditions: Iterable[Condition]) -> Condition:
    parts = list(conditions)
    return " AND ".join(f"({sql})" for sql, _ in parts), [value for _, values in parts for value in values]


def pattern(text: str) -> str:
    """A LIKE pattern that finds the text anywhere, its % and _ taken literally."""
    for mark in ("\\", "%", "_"):
        text = text.replace(mark, "\\" + mark)
    return f"%{text}%"

"""The live list: calls grouped by recording, the newest first, and the chips that filter them. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ..model.filter import quoted

Row = Mapping[str, Any]
SLOW: Final = 1000.0  # milliseconds
PLACES: Final = 6  # clusters and environments that have chips


Wanted = tuple[str, str, Callable[[Row], bool], str]  # label, term, what it finds, environment
_CHIPS: Final[tuple[Wanted, ...]] = (
    ("4xx", "status:4xx", lambda row: (row["status"] or 0) // 100 == 4, ""),
    ("5xx", "status:5xx", lambda row: (row["status"] or 0) // 100 == 5, ""),
    ("No response", "has:failure", lambda row: bool(row["failure"]), ""),
    ("Slow > 1 s", "took:>1s", lambda row: (row["timing"]["total_ms"] or 0) > SLOW, ""),
    ("Writes", "-method:GET", lambda row: row["method"] != "GET", ""),
)


@dataclass(frozen=True, slots=True)
class CallGroup:
    """The calls of one recording that a page shows."""

    recording: str
    title: str
    client: str  # "iPhone, 10.0.4.31", "this browser"
    steps: int  # of the whole recording
    rows: tuple[Row, ...]

    @property
    def failed(self) -> int:
        """How many of the rows failed."""
        return sum(map(is_failed, self.rows))


@dataclass(frozen=True, slots=True)
class FilterChip:
    """A term of the filter as a link: `query` is the filter with it, or without it where it is in force."""

    label: str
    count: int  # among the calls that are shown
    query: str
    on: bool
    environment: str = ""  # whose colour it has


def is_failed(row: Row) -> bool:
    """Whether the caller got no good response: none at all, 4xx or 5xx, or an error inside a 2xx."""
    return bool(row["failure"] or row["failed"] or (row["status"] or 0) >= 400)


def grouped(rows: Sequence[Row], known: Mapping[str, tuple[str, str, int]]) -> tuple[CallGroup, ...]:
    """By recording, that of the newest call first; `known` has title, client and number of steps of each."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row["recording"], []).append(row)
    return tuple(
        CallGroup(id, *known.get(id, ("", "", 0)), tuple(sorted(rows, key=lambda row: -row["step"])))
        for id, rows in found.items()
    )


def chips(query: str, rows: Sequence[Row], own: str) -> tuple[FilterChip, ...]:
    """What can be filtered by, with counts among `rows`; `own` is the session of this browser."""
    wanted = [
        *_CHIPS,
        ("This browser", f"session:{quoted(own, bare=True)}", _has("session", own), ""),
        *((name, f"cluster:{quoted(name, bare=True)}", _has("cluster", name), "") for name in _names(rows, "cluster")),
        *(
            (f"on {name}", f"env:{quoted(name, bare=True)}", _has("environment", name), name)
            for name in _names(rows, "environment")
        ),
    ]
    return tuple(
        chip
        for label, term, holds, environment in wanted
        if (chip := _chip(query, label, term, sum(map(holds, rows)), environment)).count or chip.on
    )


def _has(key: str, value: str) -> Callable[[Row], bool]:
    return lambda row: bool(row[key] == value)


def _names(rows: Sequence[Row], key: str) -> list[str]:
    counts: dict[str, int] = {}
    for row in rows:
        if row[key]:
            counts[row[key]] = counts.get(row[key], 0) + 1
    return sorted(counts, key=lambda name: -counts[name])[:PLACES]


def _chip(query: str, label: str, term: str, count: int, environment: str) -> FilterChip:
    terms = query.split()
    on = term in terms
    changed = [one for one in terms if one != term] if on else [*terms, term]
    return FilterChip(label, count, " ".join(changed), on, environment)

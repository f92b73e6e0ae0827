"""Repeated calls become loops, innermost first, until nothing more can be folded. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise

from .diagram import Call, Divider, Fragment, Loop, Row, Section, calls

WINDOW = 5  # rows that a repeated pattern may have
TIMES = 3  # fewer repeats read better written out
WHOLE = 12  # a picture of so many calls shows every one of them
PAGE = 40  # rows; what fits is not folded any further
MIXED = 12  # rows of a few kinds in changing order that become a loop


def folded(rows: Sequence[Row]) -> tuple[Row, ...]:
    """Loops instead of repeats; what is still too long and repeats itself in changing order becomes loops as well."""
    if sum(1 for _ in calls(rows)) <= WHOLE:
        return tuple(rows)
    now = _folded(rows)
    return now if len(now) <= PAGE else _folded(_mixed(now))


def key_of(row: Row) -> object:
    """Rows with equal keys tell the same; a divider's key is a string."""
    if isinstance(row, Divider):
        return row.text
    if isinstance(row, Call):
        return (row.participant, row.method, row.shape, row.remark, row.runs, row.answer, row.change)
    return (row.kind, *(tuple(map(key_of, section.rows)) for section in row.sections))


def merged(alike: Sequence[Row]) -> Row:
    """One row for rows with equal keys: a common path or its shape, times from shortest to longest."""
    first = alike[0]
    if isinstance(first, Loop):
        loops = [row for row in alike if isinstance(row, Loop)]
        rows = _columns([loop.rows for loop in loops])
        least, most = min(loop.times for loop in loops), max(loop.most or loop.times for loop in loops)
        until = first.until if all(loop.until == first.until for loop in loops) else ""
        return Loop(_times(least, most, until), least, max(loop.last for loop in loops), rows, most, until)
    if isinstance(first, Fragment):
        ways = zip(*(row.sections for row in alike if isinstance(row, Fragment)), strict=True)
        return Fragment(first.kind, tuple(Section(way[0].label, _columns([one.rows for one in way])) for way in ways))
    same = [row for row in alike if isinstance(row, Call)]
    return _one_call(same) if same else first


def last_of(row: Row) -> int:
    """The last step inside; 0 for a divider."""
    if isinstance(row, Call):
        return row.step
    if isinstance(row, Loop):
        return row.last
    return max((call.step for call in calls([row])), default=0)


def _folded(rows: Sequence[Row]) -> tuple[Row, ...]:
    now = tuple(_inside(row) for row in rows)
    while True:
        before = now
        for window in range(1, WINDOW + 1):
            now = _fold(now, window)
        if len(now) == len(before):
            return now


def _inside(row: Row) -> Row:
    """What-ifs are folded each for itself; calls at the same time stay as they are."""
    if not isinstance(row, Fragment) or row.kind == "par":
        return row
    return replace(row, sections=tuple(Section(one.label, _folded(one.rows)) for one in row.sections))


def _fold(rows: tuple[Row, ...], window: int) -> tuple[Row, ...]:
    keys, found, at = [key_of(row) for row in rows], list[Row](), 0
    while at < len(rows):
        times = _repeats(keys, at, window)
        if times < TIMES:
            found.append(rows[at])
            at += 1
            continue
        end = at + times * window
        found.append(_loop(rows[at:end], window, rows[end] if end < len(rows) else None))
        at = end
    return tuple(found)


def _repeats(keys: Sequence[object], at: int, window: int) -> int:
    pattern, times = keys[at : at + window], 1
    if any(isinstance(key, str) for key in pattern):  # a divider: a move is never hidden in a loop
        return 1
    while keys[at + times * window : at + (times + 1) * window] == pattern:
        times += 1
    return times


def _loop(rows: Sequence[Row], window: int, following: Row | None) -> Loop:
    times = len(rows) // window
    inner = tuple(merged(rows[offset::window]) for offset in range(window))
    until = _until(inner, following) if window == 1 else ""
    return _with_steps(rows, _times(times, times, until), times, inner, until)


def _with_steps(rows: Sequence[Row], label: str, times: int, inner: tuple[Row, ...], until: str = "") -> Loop:
    first, last = min(call.step for call in calls(rows)), max(map(last_of, rows))
    return Loop(f"{label} · steps {first} to {last}", times, last, inner, times, until)


def _times(least: int, most: int, until: str) -> str:
    often = f"{least}x" if least == most else f"{least}x to {most}x"
    return f"{often} until {until}" if until else often


def _until(inner: tuple[Row, ...], following: Row | None) -> str:
    """Polling: the same request, once more, got another response."""
    call = inner[0]
    if isinstance(call, Call) and isinstance(following, Call):
        return following.answer if (call.method, call.shape) == (following.method, following.shape) else ""
    return ""


def _columns(sides: Iterable[Sequence[Row]]) -> tuple[Row, ...]:
    return tuple(merged(column) for column in zip(*sides, strict=True))


def _one_call(same: Sequence[Call]) -> Call:
    first = same[0]
    path = first.path if all(a.path == b.path for a, b in pairwise(same)) else first.shape
    took = [limit for call in same if call.took for limit in call.took]
    keeps = first.keeps if all(call.keeps == first.keeps for call in same) else ()
    return replace(first, path=path, took=(min(took), max(took)) if took else None, keeps=keeps)


# -- timers of different periods: the same few calls, never in the same order


def _mixed(rows: Sequence[Row]) -> tuple[Row, ...]:
    found, at = list[Row](), 0
    while at < len(rows):
        end, kinds = _run(rows, at)
        if end - at < max(MIXED, TIMES * kinds):
            found.append(rows[at])
            at += 1
            continue
        found.append(_any_order(rows[at:end]))
        at = end
    return tuple(found)


def _run(rows: Sequence[Row], at: int) -> tuple[int, int]:
    """(end, kinds) of the longest run from here with at most WINDOW kinds of calls."""
    kinds: set[object] = set()
    for end in range(at, len(rows)):
        row = rows[end]
        if isinstance(row, Divider | Fragment) or len(kinds | set(map(key_of, calls([row])))) > WINDOW:
            return end, len(kinds)
        kinds |= set(map(key_of, calls([row])))
    return len(rows), len(kinds)


def _any_order(rows: Sequence[Row]) -> Loop:
    groups: dict[object, list[Call]] = {}
    counts: dict[object, int] = {}
    for row in rows:
        for call in calls([row]):
            groups.setdefault(key_of(call), []).append(call)
            counts[key_of(call)] = counts.get(key_of(call), 0) + _calls_of(row, call)
    inner = tuple(replace(_one_call(group), times=counts[key]) for key, group in groups.items())
    return _with_steps(rows, f"{sum(counts.values())} calls in changing order", 1, inner)


def _calls_of(row: Row, call: Call) -> int:
    """How many calls the one call inside a row stands for."""
    if not isinstance(row, Loop):
        return call.times
    return row.times * max((_calls_of(inner, call) for inner in row.rows if call in calls([inner])), default=0)

"""Repeated calls become loops, long recordings become chapters. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from .diagram import Call, Chapter, Divider, Loop, Row, calls

WINDOW = 5  # rows that a repeated pattern may have
TIMES = 3  # fewer repeats read better written out
WHOLE = 12  # a picture of so many calls shows every one of them
CHAPTER = 40  # rows


def folded(rows: Sequence[Row]) -> tuple[Row, ...]:
    """Loops instead of repeats, innermost first, until nothing more can be folded."""
    now = tuple(rows)
    if sum(isinstance(row, Call) for row in now) <= WHOLE:
        return now
    while True:
        before = now
        for window in range(1, WINDOW + 1):
            now = _fold(now, window)
        if len(now) == len(before):
            return now


def _fold(rows: tuple[Row, ...], window: int) -> tuple[Row, ...]:
    keys, found, at = [_key(row) for row in rows], list[Row](), 0
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


def _key(row: Row) -> object:
    """Rows with equal keys tell the same; a divider's key is a string."""
    if isinstance(row, Divider):
        return row.text
    if isinstance(row, Loop):
        return (row.times, *map(_key, row.rows))
    return (*_asked(row), row.answer)


def _asked(call: Call) -> tuple[object, ...]:
    return (call.participant, call.method, call.shape, call.remark, call.runs)


def _loop(rows: Sequence[Row], window: int, following: Row | None) -> Loop:
    times = len(rows) // window
    inner = tuple(_merged(rows[offset::window]) for offset in range(window))
    first, last = next(calls(inner)).step, max(_last(row) for row in rows)
    until = _until(inner, following) if window == 1 else ""
    return Loop(f"{times}x{until} · steps {first} to {last}", times, last, inner)


def _until(inner: tuple[Row, ...], following: Row | None) -> str:
    """Polling: the same request, once more, got another answer."""
    call = inner[0]
    if isinstance(call, Call) and isinstance(following, Call):
        again = (call.method, call.path) == (following.method, following.path)
        return f" until {following.answer}" if again else ""
    return ""


def _merged(alike: Sequence[Row]) -> Row:
    """One row for rows with equal keys: a common path or its shape, times from shortest to longest."""
    first = alike[0]
    if isinstance(first, Loop):
        inner = [row.rows for row in alike if isinstance(row, Loop)]
        rows = tuple(_merged(column) for column in zip(*inner, strict=True))
        return Loop(f"{first.times}x", first.times, max(map(_last, alike)), rows)
    same = [row for row in alike if isinstance(row, Call)]
    path = same[0].path if all(a.path == b.path for a, b in pairwise(same)) else same[0].shape
    took = [limit for call in same if call.took for limit in call.took]
    return replace(same[0], path=path, took=(min(took), max(took)) if took else None)


def _last(row: Row) -> int:
    return row.step if isinstance(row, Call) else row.last if isinstance(row, Loop) else 0


def chapters(rows: Sequence[Row]) -> tuple[Chapter, ...]:
    """Cut after at most forty rows; a loop stays whole, a divider goes with what follows it."""
    pages, page, used = list[list[Row]](), list[Row](), 0
    for row in rows:
        if page and used + _height(row) > CHAPTER:
            carried = [page.pop()] if isinstance(page[-1], Divider) and len(page) > 1 else []
            pages.append(page)
            page, used = carried, len(carried)
        page.append(row)
        used += _height(row)
    return tuple(map(_chapter, [*pages, page] if page else pages))


def _height(row: Row) -> int:
    return 1 + sum(map(_height, row.rows)) if isinstance(row, Loop) else 1


def _chapter(rows: list[Row]) -> Chapter:
    steps = [call.step for call in calls(rows)] + [_last(row) for row in rows if not isinstance(row, Divider)]
    return Chapter(tuple(rows), min(steps, default=0), max(steps, default=0))

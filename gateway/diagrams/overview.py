"""A recording too long to draw its steps: operations against time, with their results. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from typing import TypeAlias

from .diagram import Call, Line, Outcome, Overview

LINES = 36  # operations; those called least are summed up
COLUMNS = 20
NICE = (10, 20, 25, 50)  # steps of a column, times a power of ten
# From harmless to bad: a cell shows the worst.
WORST: tuple[Outcome, ...] = ("ok", "redirect", "open", "client-error", "server-error", "failed")
VARIED = 3  # values of a segment that make it an id
ANSWERS = 3  # kinds of responses that a line names
Place: TypeAlias = tuple[int, str, int, str]  # participant, method, which segment, the others


def overview(found: Sequence[Call]) -> Overview:
    """The operations in order of first use, the columns with equally many steps."""
    found = _alike(found)
    steps = [call.step for call in found]
    columns = _columns(min(steps), max(steps))
    groups: dict[tuple[object, ...], list[Call]] = {}
    for call in found:
        groups.setdefault((call.participant, call.method, call.shape), []).append(call)
    if len(groups) > LINES:
        groups = _fewer(groups)
    lines = tuple(_line(group, columns) for group in groups.values())
    return Overview(columns, lines, len(found))


def _alike(found: Sequence[Call]) -> list[Call]:
    """Segments with digits that vary in paths which are otherwise the same are ids, whatever they look like."""
    varied: dict[Place, set[str]] = {}
    for call in found:
        for place, segment in _places(call):
            varied.setdefault(place, set()).add(segment)
    ids = {place for place, segments in varied.items() if len(segments) >= VARIED}
    return [_with_ids(call, ids) for call in found]


def _places(call: Call) -> Iterator[tuple[Place, str]]:
    segments = call.shape.split("/")
    for index, segment in enumerate(segments):
        if any(char.isdigit() for char in segment):
            rest = "/".join([*segments[:index], "", *segments[index + 1 :]])
            yield (call.participant, call.method, index, rest), segment


def _with_ids(call: Call, ids: Collection[Place]) -> Call:
    segments = call.shape.split("/")
    for place, _ in _places(call):
        if place in ids:
            segments[place[2]] = "{id}"
    return replace(call, shape="/".join(segments))


def told(found: Overview) -> tuple[str, str]:
    """What it is, and how to see the steps, in words."""
    first, last = found.columns[0]
    return (
        f"An overview: {found.calls} calls are too many for one diagram. Each operation stands here once.",
        f"One part of it, step by step: gateway export REC --steps {first}-{last}",
    )


def _columns(first: int, last: int) -> tuple[tuple[int, int], ...]:
    least = (last - first + COLUMNS) // COLUMNS
    scale = 1
    while least > NICE[-1] * scale:
        scale *= 10
    wide = next(nice * scale for nice in NICE if nice * scale >= least)
    start = (first - 1) // wide * wide + 1
    return tuple((max(at, first), min(at + wide - 1, last)) for at in range(start, last + 1, wide))


def _fewer(groups: dict[tuple[object, ...], list[Call]]) -> dict[tuple[object, ...], list[Call]]:
    """The operations called most; the rest as one line for each participant."""
    often = sorted(groups, key=lambda key: -len(groups[key]))[: LINES - 6]
    kept = {key: group for key, group in groups.items() if key in set(often)}
    rest: dict[tuple[object, ...], list[Call]] = {}
    counts: dict[object, int] = {}
    for key, group in groups.items():
        if key not in kept:
            rest.setdefault((key[0],), []).extend(group)
            counts[key[0]] = counts.get(key[0], 0) + 1
    named = {
        key: [replace(call, method="", shape=f"{counts[key[0]]} other operations") for call in group]
        for key, group in rest.items()
    }
    return kept | named


def _line(group: Sequence[Call], columns: Sequence[tuple[int, int]]) -> Line:
    inside = [[call for call in group if first <= call.step <= last] for first, last in columns]
    cells = tuple((len(calls), _worst(calls)) for calls in inside)
    took = [limit for call in group if call.took for limit in call.took]
    whole = replace(
        group[0], path=group[0].shape, answer=_answers(group), outcome=_worst(group), keeps=(),
        took=(min(took), max(took)) if took else None, runs=(), remark=f"{len(group)}x",
    )  # fmt: skip
    return Line(whole, cells, tuple(calls[0].step if calls else 0 for calls in inside))


def _worst(group: Sequence[Call]) -> Outcome:
    return max((call.outcome for call in group), key=WORST.index, default="ok")


def _answers(group: Sequence[Call]) -> str:
    """ "118x 200 OK, 2x 404 Not Found"."""
    counts: dict[str, int] = {}
    for call in group:
        counts[call.answer] = counts.get(call.answer, 0) + 1
    told = [f"{count}x {answer}" for answer, count in sorted(counts.items(), key=lambda item: -item[1])]
    rest = len(told) - ANSWERS
    return ", ".join(told[:ANSWERS]) + (f" and {rest} more kinds" if rest > 0 else "")

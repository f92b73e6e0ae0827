"""Calls that were under way at the same time become par fragments. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .diagram import Call, Fragment, Row, Section
from .fold import key_of, merged

# Clocks are read in two places and answers are done a moment after their last byte: less is no overlap.
LEAST = 0.002  # seconds
SHARE = 0.2  # of the shorter call


def together(rows: Sequence[Row]) -> tuple[Row, ...]:
    """The same rows, those that overlapped as lanes; streams overlap everything and count for nothing."""
    return tuple(_together(rows))


def _together(rows: Sequence[Row]) -> Iterator[Row]:
    group: list[Call] = []
    for row in rows:
        if isinstance(row, Call) and any(overlap(row, other) for other in group):
            group.append(row)
            continue
        yield from _shown(group)
        group = [row] if isinstance(row, Call) else []
        if isinstance(row, Fragment):
            sections = tuple(Section(one.label, together(one.rows)) for one in row.sections)
            yield Fragment(row.kind, sections)
        elif not isinstance(row, Call):
            yield row
    yield from _shown(group)


def overlap(one: Call, other: Call) -> bool:
    """Whether the two were really under way at the same time."""
    if one.span is None or other.span is None:
        return False
    common = min(one.span[1], other.span[1]) - max(one.span[0], other.span[0])
    shorter = min(one.span[1] - one.span[0], other.span[1] - other.span[0])
    return common > max(LEAST, SHARE * shorter)


def _shown(group: Sequence[Call]) -> Iterator[Row]:
    if len(group) < 2:
        yield from group
        return
    yield Fragment("par", tuple(_sections(_lanes(group))))


def _lanes(group: Sequence[Call]) -> list[list[Call]]:
    """Each call goes behind the first lane whose last call was over."""
    lanes: list[list[Call]] = []
    for call in group:
        free = next((lane for lane in lanes if not any(overlap(call, other) for other in lane)), None)
        if free is None:
            lanes.append([call])
        else:
            free.append(call)
    return lanes


def _sections(lanes: Sequence[Sequence[Call]]) -> Iterator[Section]:
    """Lanes alike are one, and counted."""
    alike: dict[object, list[Sequence[Call]]] = {}
    for lane in lanes:
        alike.setdefault(tuple(map(key_of, lane)), []).append(lane)
    for index, found in enumerate(alike.values()):
        words = [f"{len(found)}x" if len(found) > 1 else "", "" if index else "at the same time"]
        rows = tuple(merged(column) for column in zip(*found, strict=True))
        yield Section(" ".join(word for word in words if word), rows)

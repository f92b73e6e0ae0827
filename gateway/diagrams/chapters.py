"""Long diagrams become chapters of at most forty rows, which begin where a note or a pause says so. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .diagram import Call, Chapter, Divider, Fragment, Row, Section, calls, size_of
from .fold import last_of

CHAPTER = 40  # rows
SHORT = 12  # rows that a chapter has before a note begins the next one, and a pause
LONG = 60  # calls from which notes begin chapters
PAUSE = 3.0  # seconds between two calls in which a person thought


def chapters(rows: Sequence[Row]) -> tuple[Chapter, ...]:
    """Loops stay whole, a divider goes with what follows it; a fragment that is too long goes on in the next one."""
    pages, page, used = list[list[Row]](), list[Row](), 0
    is_long = sum(1 for _ in calls(rows)) >= LONG
    for row in _fitting(rows):
        if is_long and used >= SHORT and _begins(row, page[-1]):
            pages.append(page)
            page, used = [], 0
        if page and used + size_of(row) > CHAPTER:
            carried = [page.pop()] if isinstance(page[-1], Divider) and len(page) > 1 else []
            pages.append(page)
            page, used = carried, len(carried)
        page.append(row)
        used += size_of(row)
    return tuple(map(_chapter, [*pages, page] if page else pages))


def _begins(row: Row, before: Row) -> bool:
    """Whether a chapter may begin here: somebody noted something, or nothing was asked for a while."""
    if not isinstance(row, Call):
        return False
    ended = max((call.span[1] for call in calls([before]) if call.span), default=None)
    pause = row.span[0] - ended if row.span and ended is not None else 0.0
    return bool(row.note) or pause >= PAUSE


def _fitting(rows: Sequence[Row]) -> Iterator[Row]:
    for row in rows:
        if isinstance(row, Fragment) and size_of(row) > CHAPTER:
            yield from _pieces(row)
        else:
            yield row


def _pieces(fragment: Fragment) -> Iterator[Row]:
    """The same fragment several times, each with as many rows as fit."""
    sections, used, seen = list[Section](), 0, set[int]()
    for index, section in enumerate(fragment.sections):
        for rows in _slices(section.rows):
            taken = 1 + sum(map(size_of, rows))
            if sections and used + taken > CHAPTER:
                yield Fragment(fragment.kind, tuple(sections))
                sections, used = [], 0
            label = f"{section.label} (continued)" if index in seen else section.label
            seen.add(index)
            sections.append(Section(label, tuple(rows)))
            used += taken
    yield Fragment(fragment.kind, tuple(sections))


def _slices(rows: Sequence[Row]) -> Iterator[list[Row]]:
    page, used = list[Row](), 1
    for row in _fitting(rows):
        if page and used + size_of(row) > CHAPTER:
            yield page
            page, used = [], 1
        page.append(row)
        used += size_of(row)
    if page:
        yield page


def _chapter(rows: list[Row]) -> Chapter:
    steps = [call.step for call in calls(rows)] + [last_of(row) for row in rows if not isinstance(row, Divider)]
    note = rows[0].note if rows and isinstance(rows[0], Call) else ""
    return Chapter(tuple(rows), min(steps, default=0), max(steps, default=0), note)

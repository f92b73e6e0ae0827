"""Long diagrams become chapters of at most forty rows. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .diagram import Chapter, Divider, Fragment, Row, Section, calls, size_of
from .fold import last_of

CHAPTER = 40  # rows


def chapters(rows: Sequence[Row]) -> tuple[Chapter, ...]:
    """Loops stay whole, a divider goes with what follows it; a fragment that is too long goes on in the next one."""
    pages, page, used = list[list[Row]](), list[Row](), 0
    for row in _fitting(rows):
        if page and used + size_of(row) > CHAPTER:
            carried = [page.pop()] if isinstance(page[-1], Divider) and len(page) > 1 else []
            pages.append(page)
            page, used = carried, len(carried)
        page.append(row)
        used += size_of(row)
    return tuple(map(_chapter, [*pages, page] if page else pages))


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
    return Chapter(tuple(rows), min(steps, default=0), max(steps, default=0))

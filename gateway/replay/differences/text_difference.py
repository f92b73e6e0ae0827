"""Where two texts are unequal: CSV by column, lines of JSON by member, other text by line. Pure."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

from .json_difference import MISSING, Change, aligned, change_of, common_ends, json_changes, read_json

# "DTSTAMP:2026...", "uid = 7", "x-age;a=b: 3": the name under which a line's value stands.
NAMED: Final = re.compile(r"\s*[\"']?([A-Za-z][\w.-]{0,60})[\"']?\s*(?:;[^:\r\n]{0,200})?(?::=?|=)\s*(.*?)\s*[,;]?\s*")
MOST_LINES: Final = 50_000


def text_changes(before: str, after: str, kind: str) -> Iterator[tuple[Change, str]]:
    """Every unequal place, each with the name under which its value stands; `kind` is the media type."""
    if kind in ("text/csv", "text/tab-separated-values") and (tables := _tables(before, after, kind)):
        for change in _rows(*tables):
            yield change, change.name
        return
    if (values := _json_lines(before, after)) is not None:
        for change in json_changes(*values):
            yield change, change.name
        return
    unfolded = [_unfolded(text) if kind in ("text/calendar", "text/vcard") else text for text in (before, after)]
    yield from _lines(unfolded[0].splitlines(), unfolded[1].splitlines())


def _unfolded(text: str) -> str:
    """Long lines of iCalendar joined again (RFC 5545 section 3.1)."""
    return re.sub(r"\r?\n[ \t]", "", text)


def _lines(before: Sequence[str], after: Sequence[str]) -> Iterator[tuple[Change, str]]:
    """Line by line; where both sides say "name: value" the values are what differs."""
    start, end = common_ends(before, after)
    for i, j in aligned(before, after, range(start, len(before) - end), range(start, len(after) - end)):
        if i is None or j is None:
            line = (j or 0) + 1 if i is None else i + 1
            values = MISSING if i is None else before[i], MISSING if j is None else after[j]
            yield change_of(f"line {line}", *values), ""
        elif before[i] != after[j]:
            one, other = NAMED.fullmatch(before[i]), NAMED.fullmatch(after[j])
            if one and other and one[1] == other[1] and one[2] != other[2]:
                yield Change(f"line {i + 1} {one[1]}", "changed", one[2], other[2]), one[1]
            else:
                yield Change(f"line {i + 1}", "changed", before[i], after[j]), ""


def _json_lines(before: str, after: str) -> tuple[list[Any], list[Any]] | None:
    """Texts of one JSON value on each line; None when they are none."""
    found: list[list[Any]] = []
    for text in (before, after):
        lines = [line for line in text.splitlines() if line.strip()]
        if len(lines) > MOST_LINES or not lines or not all(line.lstrip()[:1] in ("{", "[") for line in lines):
            return None
        try:
            found.append([read_json(line) for line in lines])
        except ValueError:
            return None
    return found[0], found[1]


Table = tuple[list[str], list[list[str]]]


def _tables(before: str, after: str, kind: str) -> tuple[Table, Table] | None:
    """The header lines and rows of two tables; None when a row has another number of cells than the header."""
    found: list[Table] = []
    for text in (before, after):
        first = text.partition("\n")[0]
        delimiter = "\t" if kind.endswith("values") else max(",;\t|", key=first.count)
        try:
            rows = [row for row in csv.reader(text.splitlines(), delimiter=delimiter) if row]
        except csv.Error:  # a cell of more than 128 KiB, a NUL
            return None
        if not rows or len(rows) > MOST_LINES or any(len(row) != len(rows[0]) for row in rows):
            return None
        found.append((rows[0], rows[1:]))
    return found[0], found[1]


def _rows(one: Table, other: Table) -> Iterator[Change]:
    """Cells by their columns' names: a table is a list of objects."""
    before, after = ([dict(zip(head, row, strict=True)) for row in rows] for head, rows in (one, other))
    yield from json_changes(before, after)

"""Where things stand in an SVG diagram: text widths without a browser, columns, row heights. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from ..model.text import shortened
from .diagram import Call, Diagram, Divider, Fragment, Loop, Row, calls

MARGIN = 24.0
LABELS = (220.0, 380.0)  # least and most width of the column that holds every label
HEAD = 32.0  # height of a participant's head
LINE = 24.0  # from one arrow to the next
PAD = 10.0  # around the heads of an environment
GUTTER = 44.0  # left of the client, for the arrows of one value
FRAME = (30.0, 26.0, 12.0)  # head of a fragment, head of each further section, foot
NEST = 6.0  # a fragment inside another one is so much narrower on either side

# Advance widths, in em, of DejaVu Sans, the widest of the usual sans-serif fonts: an upper bound.
_WIDTHS = {
    "iljI'": 0.3, " .,|:;/": 0.34, "ft!()[]-r": 0.42, '"*_s?z': 0.54, "ckvxyaFL": 0.62,
    "bdeghnopquEJTYPS0123456789${}": 0.65,
    "ABKRXVZC": 0.7, "DGHNOQUw&": 0.82, "#<>+=~^": 0.84, "mMWQ@%": 1.0,
}  # fmt: skip
_EM = {char: width for chars, width in _WIDTHS.items() for char in chars}


def width(text: str, size: float = 13, *, bold: bool = False) -> float:
    """An upper bound, in pixels, for common fonts."""
    return sum(map(_em, text)) * size * (1.1 if bold else 1.0)


def _em(char: str) -> float:
    if char in _EM:
        return _EM[char]
    if unicodedata.combining(char):
        return 0.0
    # Wide East Asian signs and emoji fill an em and a little; other letters are below M.
    return 1.3 if unicodedata.east_asian_width(char) in "WF" or ord(char) > 0xFFFF else 0.9 if char != "·" else 0.34


def fitted(text: str, room: float, size: float = 13, *, bold: bool = False) -> str:
    """The text, shortened in the middle until it fits."""
    limit = len(text)
    while limit > 1 and width(text, size, bold=bold) > room:
        limit = min(limit - 1, int(limit * room / width(text, size, bold=bold)) + 1)
        text = shortened(text, limit)
    return text


@dataclass(frozen=True, slots=True)
class Layout:
    """Columns are the lifelines' x, in the order of the participants; all labels stand right of the client's."""

    columns: tuple[float, ...]
    heads: tuple[float, ...]  # widths
    labels: float  # room for a label
    width: float

    @property
    def client(self) -> float:
        return self.columns[0]


def layout(diagram: Diagram, *, gutter: float = 0.0) -> Layout:
    """One column of labels between the client and everybody else, so that no lifeline crosses a text."""
    heads = tuple(width(participant.name, bold=True) + 24 for participant in diagram.participants)
    room = _label_room(diagram)
    columns = [MARGIN + gutter + max(heads[0] / 2, 28)]
    edge = columns[0] + 14 + room + 20  # the left edge of what comes next
    for index in range(1, len(heads)):
        new_box = diagram.participants[index].environment != diagram.participants[index - 1].environment
        edge += PAD + (22 if new_box and index > 1 else 8)
        columns.append(edge + heads[index] / 2)
        edge += heads[index]
    return Layout(tuple(columns), heads, room, max(edge + PAD + MARGIN, 640))


def _label_room(diagram: Diagram) -> float:
    least, most = LABELS
    rows = [row for chapter in diagram.chapters for row in chapter.rows]
    widths = [width(text, bold=True) for call in calls(rows) for text in _texts(call)]
    frames = [width(f"loop {label}", 12, bold=True) + 28 + 2 * NEST * depth for label, depth in _frames(rows)]
    return min(max([least, *widths, *frames]) + 4, most)


def _texts(call: Call) -> Iterable[str]:
    return (call.request, call.response, *(run.text for run in call.runs))


def _frames(rows: Iterable[Row], depth: int = 0) -> Iterable[tuple[str, int]]:
    """(label, depth) of every section of every fragment."""
    for row in rows:
        if isinstance(row, Loop | Fragment):
            for section in row.sections:
                yield section.label, depth
                yield from _frames(section.rows, depth + 1)


def height(row: Row) -> float:
    if isinstance(row, Divider):
        return 38.0
    if isinstance(row, Call):
        return 2 * LINE + len(row.runs) * LINE + 10.0
    inside = sum(height(each) for section in row.sections for each in section.rows)
    return sum(section_head(row, index) for index in range(len(row.sections))) + inside + FRAME[2]


def section_head(row: Loop | Fragment, index: int) -> float:
    """Room above the rows of a section; the lanes of a par need no words."""
    if not index:
        return FRAME[0]
    return FRAME[1] if row.sections[index].label else NEST

"""The overview of a long recording as an SVG table: operations against time. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from html import escape

from .diagram import Line, Outcome, Overview, Participant
from .layout import MARGIN, fitted, width
from .svg_marks import number, span, tag, text, xml

Part = Callable[[int, int], str]
CELL, ROW = 36.0, 26.0
NAMES, ANSWERS, COUNT = 330.0, 230.0, 54.0  # widths of the columns of words
WIDTH = MARGIN + NAMES + COUNT + MARGIN + ANSWERS + MARGIN  # without the cells
SIGNS: dict[Outcome, str] = {"client-error": "!", "server-error": "!!", "failed": "✕", "redirect": "→", "open": "?"}


def wide(overview: Overview) -> float:
    return WIDTH + CELL * len(overview.columns)


def table(
    overview: Overview, participants: tuple[Participant, ...], top: float, part: Part | None
) -> tuple[list[str], float]:
    """(marks, height); `part` gives the address of a column's steps."""
    found = list(_head(overview, top, part))
    y, before = top + 30, -1
    for line in sorted(overview.lines, key=lambda line: line.call.participant):
        if line.call.participant != before:
            name = xml(fitted(participants[line.call.participant].name, NAMES, bold=True))
            found.append(text("head-name", MARGIN, y + 20, name))
            y, before = y + 28, line.call.participant
        found += _line(overview, line, y, part)
        y += ROW
    signs = "a cell counts calls; its sign is the worst that came of them: → 3xx, ! 4xx, !! 5xx, ✕ failed, ? still open"
    found.append(text("foot", MARGIN, y + 20, signs))
    return found, y + 30 - top


def _head(overview: Overview, top: float, part: Part | None) -> Iterator[str]:
    left = MARGIN + NAMES + COUNT + 10
    yield text("about", MARGIN, top + 14, "operation")
    yield text("about", left - 18, top + 14, "calls", "end")
    for index, (first, last) in enumerate(overview.columns):
        label = text("column", left + CELL * (index + 0.5), top + 14, str(first), "middle")
        about = f"<title>steps {first} to {last}</title>"
        yield _linked(part, first, last, f"{about}{label}")
    yield text("about", left + CELL * len(overview.columns) + 14, top + 14, "answers")


def _line(overview: Overview, line: Line, y: float, part: Part | None) -> Iterator[str]:
    call, left = line.call, MARGIN + NAMES + COUNT + 10
    right = left + CELL * len(overview.columns)
    method = f"{span('method', call.method)} " if call.method else ""
    room = NAMES - 12 - width(f"{call.method} ", bold=True)
    yield text("label", MARGIN + 12, y + 17, f"{method}{xml(fitted(call.path, room))}")
    yield text("number", left - 18, y + 17, str(sum(count for count, _ in line.cells)), "end")
    for index, (count, outcome) in enumerate(line.cells):
        if count:
            first, last = overview.columns[index]
            yield _linked(part, first, last, _cell(left + CELL * index, y, count, outcome, (first, last)))
    yield text("label", right + 14, y + 17, xml(fitted(_brief(call.answer), ANSWERS)))


def _brief(answers: str) -> str:
    """Their statuses alone, where the reasons have no room."""
    return answers if width(answers) <= ANSWERS else re.sub(r"(?<=x )(\d{3}) [^,]*?(?=,| and \d|$)", r"\1", answers)


def _cell(x: float, y: float, count: int, outcome: Outcome, steps: tuple[int, int]) -> str:
    told = f"<title>{count} calls in steps {steps[0]} to {steps[1]}: {outcome.replace('-', ' ')}</title>"
    box = tag("rect", "cell", x=x + 1, y=y + 2, width=CELL - 2, height=ROW - 4, rx=3)
    sign = f'<tspan class="sign">{SIGNS[outcome]}</tspan>' if outcome in SIGNS else ""
    words = f"{count}{' ' if sign else ''}{sign}" if count < 1000 else f"{number(count / 1000)}k{sign}"
    return f'<g class="{outcome}">{told}{box}{text("count answer", x + CELL / 2, y + 17, words, "middle")}</g>'


def _linked(part: Part | None, first: int, last: int, marks: str) -> str:
    return f'<a href="{escape(part(first, last))}">{marks}</a>' if part else f"<g>{marks}</g>"

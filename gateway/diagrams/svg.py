"""A Diagram as SVG 1.1: classes instead of colours, one linked group per step. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from html import escape

from ..model.palette import hues_of
from ..model.text import clean
from .diagram import (
    VALUES,
    Call,
    Chapter,
    Diagram,
    Divider,
    Fragment,
    Line,
    Loop,
    Outcome,
    Overview,
    Participant,
    Row,
    Value,
    values_of,
)
from .layout import FRAME, GUTTER, HEAD, LINE, MARGIN, NEST, PAD, Layout, fitted, height, layout, section_head, width
from .style import STYLE


def xml(text: str) -> str:
    """Recorded text as text, and nothing else."""
    return escape(clean(text))


def number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def tag(name: str, css: str, **attributes: float) -> str:
    values = "".join(f' {key}="{number(value)}"' for key, value in attributes.items())
    return f'<{name} class="{css}"{values}/>'


def text(css: str, x: float, y: float, content: str, anchor: str = "") -> str:
    """`content` is markup: escape what comes from outside."""
    at = f' text-anchor="{anchor}"' if anchor else ""
    return f'<text class="{css}" x="{number(x)}" y="{number(y)}"{at}>{content}</text>'


def span(css: str, words: str) -> str:
    return f'<tspan class="{css}">{xml(words)}</tspan>'


def tip(css: str, x: float, way: int, y: float) -> str:
    """An arrow head whose point is at x; `way` leads back along the line."""
    back = number(x + 8 * way)
    return f'<path class="{css}" d="M{number(x)} {number(y)}L{back} {number(y - 4.5)}V{number(y + 4.5)}Z"/>'


def cross(x: float, y: float) -> str:
    left, top, right, bottom = (number(value) for value in (x - 5, y - 5, x + 5, y + 5))
    return f'<path class="arrow cross" d="M{left} {top}L{right} {bottom}M{left} {bottom}L{right} {top}"/>'


def curve(css: str, x: float, start: float, end: float, bulge: float) -> str:
    """From one height to another, bent to the left."""
    here, left, first, last = (number(each) for each in (x, x - bulge, start, end))
    return f'<path class="{css}" d="M{here} {first}C{left} {first} {left} {last} {here} {last}"/>'


Part = Callable[[int, int], str]
CELL, ROW = 36.0, 26.0
NAMES, ANSWERS, COUNT = 330.0, 230.0, 54.0  # widths of the columns of words
WIDTH = MARGIN + NAMES + COUNT + MARGIN + ANSWERS + MARGIN  # without the cells
OUTCOME_SIGNS: dict[Outcome, str] = {
    "client-error": "!",
    "server-error": "!!",
    "failed": "✕",
    "redirect": "→",
    "open": "?",
}


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
    sign = f'<tspan class="sign">{OUTCOME_SIGNS[outcome]}</tspan>' if outcome in OUTCOME_SIGNS else ""
    words = f"{count}{' ' if sign else ''}{sign}" if count < 1000 else f"{number(count / 1000)}k{sign}"
    return f'<g class="{outcome}">{told}{box}{text("count answer", x + CELL / 2, y + 17, words, "middle")}</g>'


def _linked(part: Part | None, first: int, last: int, marks: str) -> str:
    return f'<a href="{escape(part(first, last))}">{marks}</a>' if part else f"<g>{marks}</g>"


Link = Callable[[str], str]
SIGNS = {"added": "+", "removed": "−", "changed": "~"}
_NAMED = re.compile(r"\{([a-z][a-z0-9_]*)\}")  # a value in a path, called by its name


def svg(
    diagram: Diagram,
    *,
    link: Link | None = None,
    part: Part | None = None,
    value: str = "",
    values: Collection[str] = (),
    standalone: bool = False,
    headless: bool = False,
) -> str:
    """`link` gives the address of an exchange, `part` that of the diagram of some steps (an overview links there).

    `value` names a variable: arrows lead from the response that gave it to the requests that needed it. For each of
    `values` they are a group of their own, `<g class="flows" data-value="order_id">`, of which a page shows one.
    Standalone it carries its style; otherwise the page serves STYLE. Headless it goes below `heads` in a page that says
    title and description in words.
    """
    sheet = _SvgSheet(diagram, link, value, values)
    sheet.draw(part, headless=headless)
    return _picture(diagram, sheet, standalone=standalone, links=bool(link or part))


def heads(diagram: Diagram, *, value: str = "", values: Collection[str] = ()) -> str:
    """The participants alone, as wide as the picture: for a page that keeps them in view while it scrolls."""
    sheet = _SvgSheet(diagram, None, value, values)
    sheet.y = 4.0
    sheet.heads()
    wide, tall = number(sheet.layout.width), number(HEAD + 8)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" version="1.1" class="sequence heads" aria-hidden="true"'
        f' viewBox="0 0 {wide} {tall}" width="{wide}" height="{tall}"><g class="seq">'
        f'<rect class="paper" width="{wide}" height="{tall}"/>' + "".join(sheet.lines) + "</g></svg>\n"
    )


def _picture(diagram: Diagram, sheet: _SvgSheet, *, standalone: bool, links: bool) -> str:
    wide, tall = number(sheet.wide), number(sheet.y + MARGIN)
    role = "group" if links else "img"  # an image has nothing inside that a keyboard could reach
    style = f"<style>\n{STYLE}</style>" if standalone else ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" version="1.1" class="sequence" role="{role}"'
        f' viewBox="0 0 {wide} {tall}" width="{wide}" height="{tall}">'
        f"<title>{xml(diagram.title)}</title><desc>{xml(diagram.about)}</desc>{style}\n"
        f'<g class="seq">\n<rect class="paper" width="{wide}" height="{tall}"/>\n'
        + "\n".join(sheet.lines)
        + "\n</g>\n</svg>\n"
    )


class _SvgSheet:
    """The paper, drawn from top to bottom; `y` is where the next thing goes."""

    def __init__(self, diagram: Diagram, link: Link | None, value: str, values: Collection[str]) -> None:
        self.diagram, self.link, self.value = diagram, link, value
        self.flows = [one for one in diagram.values if one.name == value or one.name in values]
        self.layout: Layout = layout(diagram, gutter=GUTTER if self.flows else 0.0)
        self.wide = wide(diagram.overview) if diagram.overview else self.layout.width
        self.lines: list[str] = []
        self.asked: dict[int, float] = {}  # step -> height of its request; those of what-ifs do not count
        self.answered: dict[int, float] = {}
        self.y = MARGIN

    def draw(self, part: Part | None, *, headless: bool = False) -> None:
        if headless:
            self.y = 4.0
        else:
            self._title()
        for index, chapter in enumerate(self.diagram.chapters):
            self._chapter(chapter, index, headless=headless and not index)
        if self.diagram.overview:
            marks, tall = table(self.diagram.overview, self.diagram.participants, self.y, part)
            self.lines += marks
            self.y += tall
        elif not self.diagram.chapters:
            self._foot("nothing has been recorded yet")
        if self.diagram.hidden:
            self._foot(self.diagram.hidden)
        self._values()

    def _title(self) -> None:
        room = self.wide - 2 * MARGIN
        self.lines.append(text("title", MARGIN, self.y + 15, xml(fitted(self.diagram.title, room, 19, bold=True))))
        self.lines.append(text("about", MARGIN, self.y + 36, xml(fitted(self.diagram.about, room, 12))))
        self.y += 52

    def _foot(self, words: str) -> None:
        self.lines.append(text("foot", MARGIN, self.y + 16, xml(fitted(words, self.wide - 2 * MARGIN, 12))))
        self.y += 20

    def _chapter(self, chapter: Chapter, index: int, *, headless: bool) -> None:
        many = len(self.diagram.chapters)
        if many > 1:
            title = f"{chapter.title} · " if chapter.title else ""
            about = f"Chapter {index + 1} of {many} · {title}steps {chapter.first} to {chapter.last}"
            self.lines.append(text("chapter", MARGIN, self.y + 14, about))
            self.y += 26
        body = sum(map(height, chapter.rows)) + 8
        self._environments(self.y, (0 if headless else HEAD) + 24 + body + 12)
        self.y += 24
        self._lives(body + (0 if headless else HEAD))
        if not headless:
            self.heads()
            self.y += HEAD
        self.y += 8
        self._rows(chapter.rows, 0)
        self.y += 22

    def _environments(self, top: float, tall: float) -> None:
        hues = hues_of(self.diagram.environments, [name for name, _ in self.diagram.boxes])
        for name, members in self.diagram.boxes:
            left = self._left(members[0]) - PAD
            broad = self._left(members[-1]) + self.layout.heads[members[-1]] + PAD - left
            hue = f"env-{hues[name]}"
            self.lines.append(tag("rect", f"env {hue}", x=left, y=top, width=broad, height=tall, rx=8))
            shown = xml(fitted(name, broad - 12, 12, bold=True))
            self.lines.append(text(f"env-name {hue}", left + broad / 2, top + 16, shown, "middle"))

    def _left(self, index: int) -> float:
        return self.layout.columns[index] - self.layout.heads[index] / 2

    def _lives(self, tall: float) -> None:
        for x in self.layout.columns:
            self.lines.append(tag("line", "life", x1=x, y1=self.y, x2=x, y2=self.y + tall + 4))

    def heads(self) -> None:
        """The participants, above their lifelines."""
        for index, participant in enumerate(self.diagram.participants):
            x, broad, top = self.layout.columns[index], self.layout.heads[index], self.y
            self.lines.append(tag("rect", "head", x=x - broad / 2, y=top, width=broad, height=HEAD, rx=6))
            server = f" {span('muted', f'@{participant.environment}')}" if participant.environment else ""
            name = f"{span('head-name', participant.cluster)}{server}"
            self.lines.append(text("head-text", x, top + HEAD / 2 + 4.5, name, "middle"))

    def _rows(self, rows: Sequence[Row], depth: int, *, aside: bool = False) -> None:
        for row in rows:
            if isinstance(row, Call):
                self._call(row, aside=aside)
            elif isinstance(row, Divider):
                self._divider(row)
            else:
                self._fragment(row, depth, aside=aside)

    def _divider(self, divider: Divider) -> None:
        right, middle, css = self.layout.width - MARGIN, self.y + 19, divider.kind
        told = divider.text.replace(" -> ", " → ") if css == "moved" else divider.text
        words = fitted(told, right - MARGIN - 40, bold=True)
        broad = width(words, bold=True) + 28
        centre = self.layout.client + 14 + self.layout.labels / 2
        left = max(MARGIN, centre - broad / 2)
        self.lines.append(tag("line", f"arrow {css}", x1=MARGIN, y1=middle, x2=right, y2=middle))
        self.lines.append(tag("rect", f"pill {css}", x=left, y=middle - 12, width=broad, height=24, rx=12))
        self.lines.append(text(f"{css} method", left + broad / 2, middle + 4.5, xml(words), "middle"))
        self.y += 38

    def _fragment(self, row: Loop | Fragment, depth: int, *, aside: bool) -> None:
        """A frame around its sections; the line between two of them is broken."""
        left = self.layout.client - 16 + NEST * depth
        right = self.layout.width - MARGIN / 2 - NEST * depth
        tab = width(row.kind, 12, bold=True) + 16
        self.lines.append(tag("rect", "frame", x=left, y=self.y + 4, width=right - left, height=height(row) - 8, rx=4))
        self.lines.append(tag("rect", "tab", x=left, y=self.y + 4, width=tab, height=22, rx=4))
        self.lines.append(text("frame-name", left + 8, self.y + 19, span("method", row.kind)))
        for index, section in enumerate(row.sections):
            if index:
                self.lines.append(tag("line", "between", x1=left, y1=self.y + 3, x2=right, y2=self.y + 3))
            room = self.layout.labels - (tab if not index else 0) - NEST * depth
            words = xml(fitted(section.label, room, 12, bold=True))
            at = left + (tab + 8 if not index else 20)
            self.lines.append(text("frame-name section", at, self.y + 19, words) if words else "")
            self.y += section_head(row, index)
            self._rows(section.rows, depth + 1, aside=aside or (row.kind != "loop" and index > 0 and row.kind != "par"))
        self.y += FRAME[2]

    def _call(self, call: Call, *, aside: bool) -> None:
        top, to = self.y, self.layout.columns[call.participant]
        tall = height(call)
        broad = self.layout.width - self.layout.client - MARGIN
        inside = [tag("rect", "hit", x=self.layout.client + 4, y=top + 2, width=broad, height=tall - 4, rx=4)]
        if call.change in SIGNS:
            inside.append(text("change", self.layout.client - 22, top + LINE + 4, SIGNS[call.change], "middle"))
        inside += self._arrow(top + LINE, to, self._request(call), css="arrow", head="tip", to_client=False)
        y = top + LINE
        for run in call.runs:
            y += LINE
            words = xml(fitted(run.text, self.layout.labels))
            inside += self._arrow(y, to, words, css="arrow run", head="tip", to_client=run.to_client)
        inside += self._arrow(
            y + LINE, to, self._answer(call), css="arrow back", head="tip-back", to_client=True,
            failed=call.outcome == "failed",
        )  # fmt: skip
        inside.append(tag("rect", "bar", x=to - 3.5, y=top + LINE, width=7, height=y - top, rx=2))
        self.lines.append(self._group(call, "".join(inside), aside=aside))
        if not aside:
            self.asked.setdefault(call.step, top + LINE)
            self.answered[call.step] = y + LINE
        self.y += tall

    def _group(self, call: Call, inside: str, *, aside: bool) -> str:
        title = f"<title>{xml(call.sentence)}</title>"
        if self.link:
            inside = f'<a href="{escape(self.link(call.exchange))}">{inside}</a>'
        change = f" {call.change}" if call.change else ""
        change += " aside" if aside else ""
        return f'<g class="step {call.outcome}{change}" data-step="{call.step}">{title}{inside}</g>'

    def _request(self, call: Call) -> str:
        step, method = str(call.step), call.method
        head = f"{step} {method} " if method else f"{step} "  # a call by its name may have no method
        used = width(head, bold=True)
        path = fitted(call.request[len(head) :], self.layout.labels - used)
        marked = _NAMED.sub(lambda found: self._chip(found[1], found[0]), xml(path)) if call.uses else xml(path)
        return (
            f"{span('number', step)} {span('method', method)} {marked}"
            if method
            else f"{span('number', step)} {marked}"
        )

    def _answer(self, call: Call) -> str:
        """The response in its colour, the values that it gives as chips."""
        told = " · ".join([call.answer, *call.facts])
        for shown in range(min(VALUES, len(call.keeps)), 0, -1):
            values = values_of(call.keeps, shown)
            if width(f"{told} · {values}", bold=True) <= self.layout.labels:
                names = ", ".join(self._chip(name, xml(name)) for name in call.keeps[:shown])
                return f"{span('answer', f'{told} · ')}{names}{xml(values[len(', '.join(call.keeps[:shown])) :])}"
        return span("answer", fitted(told, self.layout.labels, bold=True))

    def _chip(self, name: str, markup: str) -> str:
        chosen = " chosen" if clean(name) == self.value else ""
        return f'<tspan class="value{chosen}">{markup}</tspan>'

    def _values(self) -> None:
        """Arrows of the values, a group for each name."""
        for name in dict.fromkeys(one.name for one in self.flows):
            ways = [one for one in self.flows if one.name == name]
            steps = " ".join(str(step) for one in ways for step in (one.source, *one.used))
            marks = "".join(mark for one in ways for mark in self._flow(one))
            self.lines.append(f'<g class="flows" data-value="{xml(name)}" data-steps="{steps}">{marks}</g>')

    def _flow(self, one: Value) -> Iterator[str]:
        """From the response that gave it to every request in the picture that needed it."""
        x, start = self.layout.client - 6, self.answered.get(one.source)
        for end in [self.asked[step] for step in one.used if step in self.asked] if start else ():
            yield curve("flow", x, start or 0.0, end, GUTTER + 12)
            yield tip("flow-tip", x, -1, end)

    def _arrow(
        self, y: float, to: float, words: str, *, css: str, head: str, to_client: bool, failed: bool = False
    ) -> list[str]:
        """A line between the client and `to`, its words above it and right of the client's lifeline."""
        client = self.layout.client
        start, end = (client, to - 3.5)
        line = tag("line", css, x1=start + (8 if to_client else 0), y1=y, x2=end - (0 if to_client else 7), y2=y)
        point = (start + 2, 1) if to_client else (end, -1)
        mark = cross(client + 9, y) if failed else tip(head, *point, y)
        return [line, mark, text("label", client + 14, y - 7, words)]

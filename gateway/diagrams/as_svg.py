"""A Diagram as SVG 1.1: classes instead of colours, one linked group per step. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape

from .diagram import Call, Chapter, Diagram, Divider, Loop, Row, calls
from .labels import clean, counted
from .layout import HEAD, LINE, MARGIN, PAD, Layout, fitted, height, layout, width
from .style import STYLE

PAGES = 10  # chapters in one picture; what is beyond is counted
Link = Callable[[str], str]


def svg(diagram: Diagram, *, link: Link | None = None, standalone: bool = False) -> str:
    """`link` gives the address of an exchange. Standalone it carries its style; otherwise the page serves STYLE."""
    sheet = _Sheet(diagram, layout(diagram), link)
    sheet.draw()
    wide, tall = _number(sheet.layout.width), _number(sheet.y + MARGIN)
    role = "group" if link else "img"  # an image has nothing inside that a keyboard could reach
    style = f"<style>\n{STYLE}</style>" if standalone else ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" version="1.1" class="sequence" role="{role}"'
        f' viewBox="0 0 {wide} {tall}" width="{wide}" height="{tall}">'
        f"<title>{_xml(diagram.title)}</title><desc>{_xml(diagram.about)}</desc>{style}\n"
        f'<g class="seq">\n<rect class="paper" width="{wide}" height="{tall}"/>\n'
        + "\n".join(sheet.lines)
        + "\n</g>\n</svg>\n"
    )


def _xml(text: str) -> str:
    return escape(clean(text))


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _tag(name: str, css: str, **attributes: float) -> str:
    values = "".join(f' {key}="{_number(value)}"' for key, value in attributes.items())
    return f'<{name} class="{css}"{values}/>'


def _text(css: str, x: float, y: float, content: str, anchor: str = "") -> str:
    """`content` is markup: escape what comes from outside."""
    at = f' text-anchor="{anchor}"' if anchor else ""
    return f'<text class="{css}" x="{_number(x)}" y="{_number(y)}"{at}>{content}</text>'


class _Sheet:
    """The paper, drawn from top to bottom; `y` is where the next thing goes."""

    def __init__(self, diagram: Diagram, where: Layout, link: Link | None) -> None:
        self.diagram, self.layout, self.link = diagram, where, link
        self.lines: list[str] = []
        self.y = MARGIN

    def draw(self) -> None:
        room = self.layout.width - 2 * MARGIN
        self.lines.append(_text("title", MARGIN, self.y + 15, _xml(fitted(self.diagram.title, room, 19, bold=True))))
        self.lines.append(_text("about", MARGIN, self.y + 36, _xml(fitted(self.diagram.about, room, 12))))
        self.y += 52
        chapters = self.diagram.chapters
        for index, chapter in enumerate(chapters[:PAGES]):
            self._chapter(chapter, index)
        left = sum(1 for chapter in chapters[PAGES:] for _ in calls(chapter.rows))
        if left:
            self._foot(f"{counted(left, 'more call')} from step {chapters[PAGES].first} on are not in this picture")
        if not chapters:
            self._foot("nothing has been recorded yet")
        if self.diagram.hidden:
            self._foot(self.diagram.hidden)

    def _foot(self, text: str) -> None:
        self.lines.append(_text("foot", MARGIN, self.y + 16, _xml(fitted(text, self.layout.width - 2 * MARGIN, 12))))
        self.y += 20

    def _chapter(self, chapter: Chapter, index: int) -> None:
        many = len(self.diagram.chapters)
        if many > 1:
            about = f"Chapter {index + 1} of {many} · steps {chapter.first} to {chapter.last}"
            self.lines.append(_text("chapter", MARGIN, self.y + 14, about))
            self.y += 26
        body = sum(map(height, chapter.rows)) + 8
        self._environments(self.y, HEAD + 24 + body + 12)
        self.y += 24
        self._heads(body)
        self.y += HEAD + 8
        self._rows(chapter.rows, 0)
        self.y += 22

    def _environments(self, top: float, tall: float) -> None:
        for index, (name, members) in enumerate(self.diagram.boxes):
            left = self._left(members[0]) - PAD
            wide = self._left(members[-1]) + self.layout.heads[members[-1]] + PAD - left
            hue = f"env-{index % 4 + 1}"
            self.lines.append(_tag("rect", f"env {hue}", x=left, y=top, width=wide, height=tall, rx=8))
            shown = _xml(fitted(name, wide - 12, 12, bold=True))
            self.lines.append(_text(f"env-name {hue}", left + wide / 2, top + 16, shown, "middle"))

    def _left(self, index: int) -> float:
        return self.layout.columns[index] - self.layout.heads[index] / 2

    def _heads(self, body: float) -> None:
        for index, participant in enumerate(self.diagram.participants):
            x, wide, top = self.layout.columns[index], self.layout.heads[index], self.y
            life = top + HEAD
            self.lines.append(_tag("line", "life", x1=x, y1=life, x2=x, y2=life + body + 4))
            self.lines.append(_tag("rect", "head", x=x - wide / 2, y=top, width=wide, height=HEAD, rx=6))
            server = (
                f' <tspan class="muted">@{_xml(participant.environment)}</tspan>' if participant.environment else ""
            )
            name = f'<tspan class="head-name">{_xml(participant.cluster)}</tspan>{server}'
            self.lines.append(_text("head-text", x, top + HEAD / 2 + 4.5, name, "middle"))

    def _rows(self, rows: Sequence[Row], depth: int) -> None:
        for row in rows:
            if isinstance(row, Call):
                self._call(row)
            elif isinstance(row, Loop):
                self._loop(row, depth)
            else:
                self._divider(row)

    def _divider(self, divider: Divider) -> None:
        right, middle = self.layout.width - MARGIN, self.y + 19
        words = fitted(divider.text, right - MARGIN - 40, bold=True)
        wide = width(words, bold=True) + 28
        centre = self.layout.client + 14 + self.layout.labels / 2
        left = max(MARGIN, centre - wide / 2)
        self.lines.append(_tag("line", "arrow moved", x1=MARGIN, y1=middle, x2=right, y2=middle))
        self.lines.append(_tag("rect", "pill moved", x=left, y=middle - 12, width=wide, height=24, rx=12))
        self.lines.append(_text("moved method", left + wide / 2, middle + 4.5, _xml(words), "middle"))
        self.y += 38

    def _loop(self, loop: Loop, depth: int) -> None:
        inset = 6.0 * depth
        left, right = self.layout.client - 16 + inset, self.layout.width - MARGIN / 2 - inset
        words = fitted(loop.label, self.layout.labels - 50, 12)
        tab = width(f"loop {words}", 12, bold=True) + 16
        self.lines.append(
            _tag("rect", "frame", x=left, y=self.y + 4, width=right - left, height=height(loop) - 8, rx=4)
        )
        self.lines.append(_tag("rect", "tab", x=left, y=self.y + 4, width=tab, height=22, rx=4))
        shown = f'<tspan class="method">loop</tspan> {_xml(words)}'
        self.lines.append(_text("frame-name", left + 8, self.y + 19, shown))
        self.y += 30
        self._rows(loop.rows, depth + 1)
        self.y += 12

    def _call(self, call: Call) -> None:
        top, to = self.y, self.layout.columns[call.participant]
        tall = height(call)
        wide = self.layout.width - self.layout.client - MARGIN
        inside = [_tag("rect", "hit", x=self.layout.client + 4, y=top + 2, width=wide, height=tall - 4, rx=4)]
        inside += self._arrow(top + LINE, to, self._request(call), css="arrow", tip="tip", to_client=False)
        y = top + LINE
        for run in call.runs:
            y += LINE
            words = _xml(fitted(run.text, self.layout.labels))
            inside += self._arrow(y, to, words, css="arrow run", tip="tip", to_client=run.to_client)
        answer = f'<tspan class="answer">{_xml(fitted(call.response, self.layout.labels, bold=True))}</tspan>'
        inside += self._arrow(
            y + LINE, to, answer, css="arrow back", tip="tip-back", to_client=True, cross=call.outcome == "failed"
        )
        inside.append(_tag("rect", "bar", x=to - 3.5, y=top + LINE, width=7, height=y - top, rx=2))
        self.lines.append(self._group(call, "".join(inside)))
        self.y += tall

    def _group(self, call: Call, inside: str) -> str:
        title = f"<title>{_xml(call.sentence)}</title>"
        if self.link:
            inside = f'<a href="{escape(self.link(call.exchange))}">{inside}</a>'
        return f'<g class="step {call.outcome}" data-step="{call.step}">{title}{inside}</g>'

    def _request(self, call: Call) -> str:
        number, method = str(call.step), call.method
        used = width(f"{number} {method} ", bold=True)
        path = fitted(call.request[len(f"{number} {method} ") :], self.layout.labels - used)
        return f'<tspan class="number">{number}</tspan> <tspan class="method">{_xml(method)}</tspan> {_xml(path)}'

    def _arrow(
        self, y: float, to: float, words: str, *, css: str, tip: str, to_client: bool, cross: bool = False
    ) -> list[str]:
        """A line between the client and `to`, its words above it and right of the client's lifeline."""
        client = self.layout.client
        start, end = (client, to - 3.5)
        line = _tag("line", css, x1=start + (8 if to_client else 0), y1=y, x2=end - (0 if to_client else 7), y2=y)
        point = (start + 2, 1) if to_client else (end, -1)
        head = _cross(client + 9, y) if cross else _tip(tip, *point, y)
        return [line, head, _text("label", client + 14, y - 7, words)]


def _tip(css: str, x: float, way: int, y: float) -> str:
    """An arrow head whose point is at x; `way` leads back along the line."""
    back = _number(x + 8 * way)
    return f'<path class="{css}" d="M{_number(x)} {_number(y)}L{back} {_number(y - 4.5)}V{_number(y + 4.5)}Z"/>'


def _cross(x: float, y: float) -> str:
    left, top, right, bottom = (_number(value) for value in (x - 5, y - 5, x + 5, y + 5))
    return f'<path class="arrow cross" d="M{left} {top}L{right} {bottom}M{left} {bottom}L{right} {top}"/>'

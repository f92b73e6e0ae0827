"""A Diagram as Mermaid text (sequenceDiagram, grammar of 10.9 and later). Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ..model.text import clean, counted
from .diagram import Call, Chapter, Diagram, Divider, Overview, Row, calls
from .overview import told

SIZE = 50_000  # characters: beyond, Mermaid refuses (maxTextSize)
_UNSAFE = re.compile(r"[^A-Za-z0-9 _.\-/]")
_SIGNS = ":(),+=?!@*'"
_ORDER = re.compile(r"\s*:?(?:no)?wrap:", re.IGNORECASE)
_BETWEEN = {"alt": "else", "par": "and"}  # the others have one section
_BOX = "rgba(128,128,128,0.12)"  # grey on light and dark; without a colour, a box named "red" would be red


def mermaid(diagram: Diagram) -> str:
    """Chapters follow each other in one diagram, as many as Mermaid accepts."""
    head = ["sequenceDiagram", f"  title {escaped(diagram.title)}", *_participants(diagram)]
    everyone = f"P0,P{len(diagram.participants) - 1}" if len(diagram.participants) > 1 else "P0"
    lines, used = head, sum(len(line) + 1 for line in head)
    if diagram.overview:
        lines += _overview(diagram.overview, everyone)
    for index, chapter in enumerate(diagram.chapters):
        new = list(_chapter(diagram, chapter, index, everyone))
        used += sum(len(line) + 1 for line in new)
        if used > SIZE - 500:  # room for the last notes
            left = sum(1 for later in diagram.chapters[index:] for _ in calls(later.rows))
            lines.append(_note(everyone, f"{counted(left, 'more call')} from step {chapter.first} on: too long"))
            break
        lines += new
    if diagram.hidden:
        lines.append(_note(everyone, diagram.hidden))
    return "\n".join(lines) + "\n"


def escaped(text: str) -> str:
    """Everything that could mean something to Mermaid as a character number: "#59;" for ";"."""
    return _UNSAFE.sub(lambda match: f"#{ord(match[0])};", _spaced(text))


def lookalike(text: str) -> str:
    """For labels of loops and alternatives, where numbers are not understood: full-width twins of signs that mean
    something there. Few fonts have them, so the common ones stay; `wrap:` at the beginning is an order to Mermaid."""
    text = _spaced(text)
    allowed = _SIGNS.replace(":", "") if _ORDER.match(text) else _SIGNS
    return "".join(char if char in allowed or not _UNSAFE.match(char) or char > "~" else _twin(char) for char in text)


def _twin(char: str) -> str:
    return chr(ord(char) + 0xFEE0)


def _spaced(text: str) -> str:
    """Single spaces: 10.9 measures the nothing between two of them, and gives up."""
    return re.sub(" {2,}", " ", clean(text))


def _participants(diagram: Diagram) -> Iterator[str]:
    boxed = {index: environment for environment, members in diagram.boxes for index in members}
    inside = ""
    for index, participant in enumerate(diagram.participants):
        environment = boxed.get(index, "")
        if environment != inside:
            yield from ["  end"] if inside else []
            yield from [f"  box {_BOX} {escaped(environment)}"] if environment else []
            inside = environment
        yield f"  {'participant' if index else 'actor'} P{index} as {escaped(participant.name)}"
    yield from ["  end"] if inside else []


def _chapter(diagram: Diagram, chapter: Chapter, index: int, everyone: str) -> Iterator[str]:
    if len(diagram.chapters) > 1:
        yield _note(everyone, chapter.about(index + 1, len(diagram.chapters)))
    yield from _rows(chapter.rows, everyone, "  ")


def _rows(rows: Sequence[Row], everyone: str, indent: str) -> Iterator[str]:
    for row in rows:
        if isinstance(row, Divider):
            yield _note(everyone, row.text, indent)
        elif isinstance(row, Call):
            yield from _call(row, indent)
        else:
            for index, section in enumerate(row.sections):
                word = _BETWEEN.get(row.kind, "else") if index else row.kind
                yield f"{indent}{word} {lookalike(section.label)}".rstrip()
                yield from _rows(section.rows, everyone, indent + "  ")
            yield f"{indent}end"


def _overview(overview: Overview, everyone: str) -> Iterator[str]:
    """Mermaid has no table: every operation once, with how often and the result."""
    for text in told(overview):
        yield _note(everyone, text)
    for line in overview.lines:
        yield from _call(line.call, "  ")


def _call(call: Call, indent: str) -> Iterator[str]:
    to = f"P{call.participant}"
    yield f"{indent}P0->>{to}: {escaped(call.request)}"
    for run in call.runs:
        arrow = f"{to}-)P0" if run.to_client else f"P0-){to}"
        yield f"{indent}{arrow}: {escaped(run.text)}"
    back = "--x" if call.outcome == "failed" else "-->>"
    yield f"{indent}{to}{back}P0: {escaped(call.response)}"


def _note(over: str, text: str, indent: str = "  ") -> str:
    return f"{indent}Note over {over}: {escaped(text)}"

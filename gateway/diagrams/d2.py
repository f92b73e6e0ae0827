"""A Diagram as D2 text (sequence diagrams of 0.6 and later). Pure.

Everything recorded stands in single quotes, where D2 knows neither escapes nor ${substitutions}: a quote is doubled.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count

from ..model.text import clean
from .diagram import Call, Diagram, Divider, Overview, Row
from .overview import told

_COLOURS = {"client-error": "#B45309", "server-error": "#B91C1C", "failed": "#B91C1C"}


def d2(diagram: Diagram) -> str:
    """The whole diagram; chapters, loops and alternatives are groups."""
    lines = [f"title: {quoted(diagram.title)} {{near: top-center; shape: text}}", "", "shape: sequence_diagram", ""]
    for index, participant in enumerate(diagram.participants):
        lines.append(f"P{index}: {quoted(participant.name)}{'' if index else ' {shape: person}'}")
    lines.append("")
    numbers = count(1)
    for index, chapter in enumerate(diagram.chapters):
        rows = list(_rows(chapter.rows, numbers, "" if len(diagram.chapters) == 1 else "  "))
        if len(diagram.chapters) > 1:
            rows = [f"chapter{index + 1}: {quoted(chapter.about(index + 1, len(diagram.chapters)))} {{", *rows, "}"]
        lines += rows
    if diagram.overview:
        lines += _overview(diagram.overview, numbers)
    if diagram.hidden:
        lines.append(_note(diagram.hidden, numbers, ""))
    return "\n".join(lines) + "\n"


def quoted(text: str) -> str:
    """A string that means itself."""
    return "'" + clean(text).replace("'", "''") + "'"


def _rows(rows: Sequence[Row], numbers: Iterator[int], indent: str) -> Iterator[str]:
    for row in rows:
        if isinstance(row, Divider):
            yield _note(row.text, numbers, indent)
        elif isinstance(row, Call):
            yield from _call(row, indent)
        else:
            for section in row.sections:
                yield f"{indent}group{next(numbers)}: {quoted(f'{row.kind} {section.label}'.strip())} {{"
                yield from _rows(section.rows, numbers, f"{indent}  ")
                yield f"{indent}}}"


def _overview(overview: Overview, numbers: Iterator[int]) -> Iterator[str]:
    """A sequence has no table: every operation once, with how often and the result."""
    yield from (_note(text, numbers, "") for text in told(overview))
    for line in overview.lines:
        yield from _call(line.call, "")


def _call(call: Call, indent: str) -> Iterator[str]:
    to, colour = f"P{call.participant}", _COLOURS.get(call.outcome, "")
    yield f"{indent}P0 -> {to}: {quoted(call.request)}"
    for run in call.runs:
        yield f"{indent}{f'{to} -> P0' if run.to_client else f'P0 -> {to}'}: {quoted(run.text)}"
    stroke = f"; stroke: '{colour}'" if colour else ""
    yield f"{indent}{to} -> P0: {quoted(call.response)} {{style: {{stroke-dash: 4{stroke}}}}}"


def _note(text: str, numbers: Iterator[int], indent: str) -> str:
    return f"{indent}P0.note{next(numbers)}: {quoted(text)}"

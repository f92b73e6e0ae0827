"""A Diagram as PlantUML text (1.2020.2 and later). Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ..model.text import clean
from .diagram import Call, Diagram, Divider, Overview, Row
from .overview import told

# PlantUML text is code: a recorded path with %getenv("HOME") would be run. Few characters are let through.
_UNSAFE = re.compile(r"[^A-Za-z0-9 .?:,()]")
# The look of our own pictures; every version since 2020 understands these.
_LOOK = """\
hide footbox
skinparam shadowing false
skinparam BoxPadding 8
skinparam sequence {
  ArrowColor 334155
  LifeLineBorderColor 94A3B8
  ParticipantBackgroundColor F8FAFC
  ParticipantBorderColor 94A3B8
  ActorBackgroundColor F8FAFC
  ActorBorderColor 334155
  BoxBackgroundColor EFF4FF
  BoxBorderColor 93B4F5
  GroupBackgroundColor F1F5F9
  GroupBorderColor 94A3B8
  DividerBackgroundColor F1F5F9
  DividerBorderColor 94A3B8
}"""
_COLOURS = {"ok": "", "redirect": "", "client-error": "[#B45309]", "server-error": "[#B91C1C]"}


def plantuml(diagram: Diagram) -> str:
    """The whole diagram; chapters are dividers of their own."""
    lines = ["@startuml", f"title {escaped(diagram.title)}", _LOOK, *_participants(diagram)]
    for index, chapter in enumerate(diagram.chapters):
        if len(diagram.chapters) > 1:
            lines.append(f"== {escaped(chapter.about(index + 1, len(diagram.chapters)))} ==")
        lines += _rows(chapter.rows)
    if diagram.overview:
        lines += _overview(diagram.overview)
    if diagram.hidden:
        lines.append(f"note over P0: {escaped(diagram.hidden)}")
    return "\n".join([*lines, "@enduml"]) + "\n"


def escaped(text: str) -> str:
    """Everything else as <U+XXXX>; what needs six digits cannot be written so and becomes U+FFFD."""
    return _UNSAFE.sub(lambda match: f"<U+{ord(match[0]) if match[0] <= chr(0xFFFFF) else 0xFFFD:04X}>", clean(text))


def _participants(diagram: Diagram) -> Iterator[str]:
    boxed = {index: environment for environment, members in diagram.boxes for index in members}
    inside = ""
    for index, participant in enumerate(diagram.participants):
        environment = boxed.get(index, "")
        if environment != inside:
            yield from ["end box"] if inside else []
            yield from [f'box "{escaped(environment)}"'] if environment else []
            inside = environment
        yield f'{"participant" if index else "actor"} "{escaped(participant.name)}" as P{index}'
    yield from ["end box"] if inside else []


def _rows(rows: Sequence[Row]) -> Iterator[str]:
    for row in rows:
        if isinstance(row, Divider):
            yield f"== {escaped(row.text)} ==" if row.kind == "moved" else f"... {escaped(row.text)} ..."
        elif isinstance(row, Call):
            yield from _call(row)
        else:
            for index, section in enumerate(row.sections):
                yield f"{'else' if index else row.kind} {escaped(section.label)}".rstrip()
                yield from _rows(section.rows)
            yield "end"


def _overview(overview: Overview) -> Iterator[str]:
    """A sequence has no table: every operation once, with how often and the result."""
    yield from (f"note over P0: {escaped(text)}" for text in told(overview))
    for line in overview.lines:
        yield from _call(line.call)


def _call(call: Call) -> Iterator[str]:
    to, colour = f"P{call.participant}", _COLOURS.get(call.outcome, "[#B91C1C]")
    yield f"P0 -> {to}: {escaped(call.request)}"
    for run in call.runs:
        yield f"{to} ->> P0: {escaped(run.text)}" if run.to_client else f"P0 ->> {to}: {escaped(run.text)}"
    failed = "x" if call.outcome == "failed" else ""
    yield f"P0 {failed}<-{colour}- {to}: {escaped(call.response)}"

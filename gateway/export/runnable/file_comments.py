"""What every runnable file says in its comments: where it comes from, what it needs, what it cannot do. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TypeAlias

from ...model.text import clean, counted
from ..documents.guide import heading, place
from ..scenario.scenario import Scenario, ScenarioStep, secrets_by_place
from ..scenario.templated_text import Text, written


def about_file(found: Scenario, version: str) -> Iterator[str]:
    """Lines for the head of a file, none of them empty."""
    yield clean(found.title) or "Untitled"
    for note in found.recording.notes:
        yield from (clean(line) for line in note.strip().splitlines() if line.strip())
    when = found.recording.started_at[:16].replace("T", " ")
    yield f"Written by What-If Gateway {clean(version)} from a recording{f' of {when} UTC' if when else ''}."
    if secrets := secrets_by_place(found):
        yield "Secrets were sealed; give them as variables:"
        yield from (f"  {' ... '.join(variables)}: {clean(about)}" for variables, about in secrets)
    yield from inexpressible(found)
    if found.hidden:
        yield f"Not in this file: {found.hidden.removeprefix('hidden: ')}."


def inexpressible(found: Scenario) -> Iterator[str]:
    """What a client cannot send, and values that stay as they were recorded."""
    if found.skipped:
        yield f"{counted(len(found.skipped), 'step')} cannot be sent from this file:"
        yield from (f"  step {step.number}: {clean(step.obstacle)}" for step in found.skipped)
    if found.left:
        count = sum(map(len, found.left.values()))
        yield f"{counted(count, 'value')} of earlier responses cannot be carried on by this file; see the steps."


Fit: TypeAlias = Callable[[Text], bool]


def is_ascii(text: Text) -> bool:
    """Programs on Node write letters beyond ASCII in fields one way or another, or refuse them."""
    return all(part.isascii() for part in text if isinstance(part, str))


def fitting(step: ScenarioStep, fit: Fit = is_ascii) -> ScenarioStep:
    """The step with those fields that a tool sends as they are."""
    return replace(step, headers=tuple(field for field in step.headers if fit(field[1])))


def left_out(step: ScenarioStep, fit: Fit = is_ascii) -> Iterator[str]:
    """Says so of every field that `fitting` leaves out, and what stood there."""
    for name, value in step.headers:
        if not fit(value):
            shown = clean(written(value, lambda name: f"{{{{{name}}}}}"))
            yield f"Sent without its field {name}, which cannot be written here: {shown}"


def step_title(step: ScenarioStep) -> str:
    """ "3. GET /books/978-1 to catalogue @qa: 200", with the step's first note where it has one."""
    note = next((note.strip().splitlines()[0] for note in step.exchange.notes if note.strip()), "")
    words = f"{step.number}. {heading(step)} to {place(step.exchange)}: {step.exchange.status_words}"
    return clean(f"{words} · {note}" if note else words)

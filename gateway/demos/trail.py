"""The stepper of a demo: what is done, what failed, and what comes next. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from .config import Demo, Step
from .result import Result


@dataclass(frozen=True, slots=True)
class Stop:
    """One step of the stepper. `branch` names the step that it follows, where that is not the one above it."""

    number: int
    step: Step
    result: Result | None
    is_next: bool
    branch: str = ""


def trail(demo: Demo, done: Mapping[str, Result]) -> tuple[Stop, ...]:
    """Every step; those are next that were not sent while all on the way to them were."""
    return tuple(_stops(demo, done))


def _stops(demo: Demo, done: Mapping[str, Result]) -> Iterator[Stop]:
    for at, step in enumerate(demo.steps):
        before = demo.before(step)
        is_next = step.slug not in done and all(each.slug in done for each in demo.ancestors(step))
        branch = before.title if before is not None and before is not demo.steps[at - 1] else ""
        yield Stop(at + 1, step, done.get(step.slug), is_next, branch)

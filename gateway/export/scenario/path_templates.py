"""The path templates of recorded steps, with what their requests and responses say as evidence. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from ...model.path_templates import Path, Template
from ...model.path_templates import templates as templates_of
from .path_evidence import named
from .scenario import ScenarioStep
from .templated_text import VariableUse, written

_MARK = "\0"


def templates(steps: Sequence[ScenarioStep]) -> dict[str, Template]:
    """By exchange id. A segment with a variable in it is a parameter; model/path_templates.py judges the others."""
    paths = [_path(step) for step in steps]
    return {step.exchange.id: found for step, found in zip(steps, templates_of(paths), strict=True)}


def _path(step: ScenarioStep) -> Path:
    text = written(step.path, lambda name: f"{_MARK}{name}{_MARK}").partition("?")[0]
    recorded = {part.name: part.recorded for part in step.path if isinstance(part, VariableUse)}
    segments, bound = [], set()
    for index, segment in enumerate(text.split("/")[1:]):
        parts = segment.split(_MARK)
        segments.append("".join(recorded[part] if place % 2 else part for place, part in enumerate(parts)))
        if len(parts) > 1:
            bound.add(index)
    return Path(step.exchange.server, tuple(segments), frozenset(bound), named(step.exchange, segments))

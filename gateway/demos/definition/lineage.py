"""Where a value goes: which part of which call a field becomes, which later steps need what was kept. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..step import BODYLESS
from .expressions import ExpressionError, is_expression, names_in
from .parse_parts import placeholders
from .schema import Demo, DemoStep


@dataclass(frozen=True, slots=True)
class NextUse:
    """A later step that needs a value, and in which parts of its call it stands."""

    step: DemoStep
    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a session's value came from: the step that wrote it last, with its exchange."""

    step: str  # its title
    how: str  # "kept" | "typed"
    exchange: str = ""
    number: int | None = None


def destinations(step: DemoStep) -> dict[str, tuple[str, ...]]:
    """Field -> the parts of the call that are made of it: "path", "query page", "JSON /qty", "header X-Price"."""
    return {field.name: tuple(parts_of(step, field.name)) for field in step.fields}


def next_uses(demo: Demo, step: DemoStep, name: str) -> tuple[NextUse, ...]:
    """The steps after this one whose call needs the value `name`."""
    later = (each for each in demo.steps if step in demo.ancestors(each))
    return tuple(NextUse(each, parts) for each in later if (parts := tuple(_needs(each, name))))


def _needs(step: DemoStep, name: str) -> Iterator[str]:
    """The parts of a step's call for which the session's value is taken, as such or within an expression."""
    own = next((field for field in step.fields if field.name == name), None)
    if step.run is not None:
        yield from (
            parts_of(step, name) if own is None else tuple(parts_of(step, name)) or (f"field {own.label or name}",)
        )
    elif own is None:
        yield from _written(step, name)
    elif not is_expression(own.default):
        yield from parts_of(step, name)
    for field in step.fields:
        if field.name != name and name in _names(field.default):
            yield f"field {field.label or field.name}"


def parts_of(step: DemoStep, name: str) -> Iterator[str]:
    if step.run is not None:
        yield from (step.parts or {}).get(name, ())
        return
    yield from _written(step, name)
    if name in placeholders(step.call.path) or step.body is not None:
        return
    if step.call.method in BODYLESS:
        if step.query is None:
            yield f"query {name}"
    else:
        yield {"json": f"JSON /{name}", "form": f"form field {name}", "multipart": f"part {name}"}[step.send]


def _written(step: DemoStep, name: str) -> Iterator[str]:
    """The parts in which the author wrote the name down."""
    if name in placeholders(step.call.path):
        yield "path"
    for title, header in (step.headers or {}).items():
        if name in _names(header):
            yield f"header {title}"
    for key, value in (step.query or {}).items():
        if any(name in _names(item) for _, item in _leaves(value, "")):
            yield f"query {key}"
    if step.body is not None:
        yield from (f"body {place}".rstrip() for place, item in _leaves(step.body.value, "") if name in _names(item))


def _leaves(value: Any, place: str) -> Iterator[tuple[str, Any]]:
    """Every scalar of a nested value with its JSON Pointer."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _leaves(item, f"{place}/{key}")
    elif isinstance(value, list | tuple):
        for at, item in enumerate(value):
            yield from _leaves(item, f"{place}/{at}")
    else:
        yield place, value


def _names(value: Any) -> frozenset[str]:
    try:
        return names_in(value) if is_expression(value) else frozenset()
    except ExpressionError:
        return frozenset()

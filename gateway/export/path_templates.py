"""Path templates: which segments of recorded paths are values, and what they are called. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import unquote

from ..model.text import shape
from .scenario import Step
from .templated_text import Use, free, identifier, written

_MARK = "\0"


@dataclass(frozen=True, slots=True)
class Template:
    """Such as "/orders/{order_id}" and the recorded values of its parameters, in order."""

    path: str
    parameters: tuple[tuple[str, str], ...]


def templates(steps: Sequence[Step]) -> dict[str, Template]:
    """By exchange. A segment is a value when a variable stands in it, when it looks like an id, or when it has a digit
    and takes several values in paths that are otherwise the same."""
    split_paths = {step.exchange.id: _segments(step) for step in steps}
    varied: dict[tuple[object, ...], set[str]] = {}
    for step in steps:
        for key, segment in _places(step, split_paths[step.exchange.id]):
            varied.setdefault(key, set()).add(segment)
    return {step.exchange.id: _template(step, split_paths[step.exchange.id], varied) for step in steps}


def _segments(step: Step) -> list[str]:
    """The path's segments; one with a variable in it begins with a mark."""
    text = written(step.path, lambda name: f"{_MARK}{name}{_MARK}").partition("?")[0]
    recorded = {part.name: part.recorded for part in step.path if isinstance(part, Use)}
    out = []
    for segment in text.split("/")[1:]:
        parts = segment.split(_MARK)
        plain = "".join(recorded[part] if index % 2 else part for index, part in enumerate(parts))
        out.append(f"{_MARK}{plain}" if len(parts) > 1 else plain)
    return out


def _places(step: Step, segments: list[str]) -> list[tuple[tuple[object, ...], str]]:
    return [
        ((step.exchange.cluster, tuple(segments[:index]), tuple(segments[index + 1 :])), segment)
        for index, segment in enumerate(segments)
        if any(char.isdigit() for char in segment)
    ]


def _template(step: Step, segments: list[str], varied: dict[tuple[object, ...], set[str]]) -> Template:
    several = {segment for key, segment in _places(step, segments) if len(varied[key]) > 1}
    out, parameters = [], []
    taken: set[str] = set()
    for index, segment in enumerate(segments):
        plain = segment.lstrip(_MARK)
        if segment.startswith(_MARK) or segment in several or shape(f"/{plain}") == "/{id}":
            name = free(_name(segments[index - 1] if index else step.exchange.cluster), taken)
            out.append(f"{{{name}}}")
            parameters.append((name, unquote(plain)))
        else:
            out.append(plain.replace("{", "%7B").replace("}", "%7D"))
    return Template("/" + "/".join(out) if segments else "/", tuple(parameters))


def _name(before: str) -> str:
    """From "orders" to "order_id"."""
    word = identifier(before.lstrip(_MARK), "item")
    if word.endswith("ies"):
        word = f"{word[:-3]}y"
    elif word.endswith("s") and not word.endswith("ss"):
        word = word[:-1]
    return f"{word}_id"

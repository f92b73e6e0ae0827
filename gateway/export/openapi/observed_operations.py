"""The operations that were seen: every step by its cluster, method and path template. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from ...model.path_templates import Template
from ...model.text import clean
from ..documents.guide import named_secrets
from ..path_templates import templates
from ..public_paths import Target
from ..scenario import Scenario, Step
from ..templated_text import Use, free, identifier, names
from ..urls import split_origin

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")


@dataclass(frozen=True, slots=True)
class Sample:
    """One step of an operation. `label` names its examples; `known` are the secrets that have a variable."""

    step: Step
    template: Template
    known: dict[str, Use]
    label: str  # "step_3", "what_if_unknown_isbn_step_3"
    title: str  # of its recording


@dataclass(slots=True)
class Operation:
    """`path` follows the cluster's base; `prefix` is what the base adds in public URLs."""

    id: str
    tag: str
    target: Target
    path: str
    prefix: str
    method: str
    samples: list[Sample] = field(default_factory=list)
    takes: dict[tuple[str, str], str] = field(default_factory=dict)  # (variable, value) -> the path parameter

    def add(self, sample: Sample) -> None:
        self.samples.append(sample)
        for variable in names(sample.step.path):
            for one in reversed(sample.template.parameters):
                self.takes[variable, one.value] = one.name

    @property
    def public(self) -> str:
        return f"{self.prefix}{self.path}" if self.path != "/" or not self.prefix else self.prefix


def tag_of(target: Target) -> str:
    return clean(target.name) or "gateway"


def tags(found: Sequence[Scenario]) -> dict[str, list[Target]]:
    """The clusters in order of first use, each with the places where clients saw it."""
    by_tag: dict[str, list[Target]] = {}
    for target in dict.fromkeys(target for one in found for target in one.targets):
        by_tag.setdefault(tag_of(target), []).append(target)
    return by_tag


def expressible(step: Step) -> bool:
    return step.exchange.stream != "websocket" and step.method.lower() in METHODS


def operations(found: Sequence[Scenario]) -> list[Operation]:
    """All operations, by path and method. Templates are found over all recordings together."""
    seen: dict[tuple[str, str, str], Operation] = {}
    taken: set[str] = set()
    labels: set[str] = set()
    paths = templates(_renamed(found))
    for index, one in enumerate(found):
        prefix = f"{free(identifier(one.title, 'recording'), labels)}_" if index else ""
        known = named_secrets(one)
        for step in filter(expressible, one.steps):
            template = paths[f"{index} {step.exchange.id}"]
            key = (tag_of(step.target), step.method, template.path)
            if key not in seen:
                seen[key] = _operation(step, template, taken)
            label = f"{prefix}step_{step.number}"
            seen[key].add(Sample(step, template, known, label, clean(one.title)))
    return sorted(seen.values(), key=lambda one: (one.public, METHODS.index(one.method.lower())))


def _renamed(found: Sequence[Scenario]) -> list[Step]:
    """Steps whose exchanges' ids tell the recordings apart: the same recording may be there twice."""
    return list(_numbered(found))


def _numbered(found: Sequence[Scenario]) -> Iterator[Step]:
    for index, one in enumerate(found):
        for step in one.steps:
            yield replace(step, exchange=replace(step.exchange, id=f"{index} {step.exchange.id}"))


def _operation(step: Step, template: Template, taken: set[str]) -> Operation:
    id = free(identifier(f"{step.method} {step.target.name} {template.path}", "call"), taken)
    prefix = split_origin(step.target.base)[1]
    return Operation(id, tag_of(step.target), step.target, template.path, prefix, step.method)

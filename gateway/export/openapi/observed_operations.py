"""The operations that were seen: every step by its cluster, method and path template. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from ...model.operations import operation_of
from ...model.path_templates import Template
from ...model.text import clean
from ..documents.guide import named_secrets
from ..scenario.path_templates import templates
from ..scenario.public_paths import PublicTarget
from ..scenario.scenario import Scenario, ScenarioStep
from ..scenario.templated_text import VariableUse, free, identifier, names
from ..urls import split_origin

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")


LONGEST_ID: Final = 100  # characters: ids become names of functions in generated clients


@dataclass(frozen=True, slots=True)
class Sample:
    """One step of an operation. `label` names its examples; `known` are the secrets that have a variable."""

    step: ScenarioStep
    template: Template
    known: dict[str, VariableUse]
    label: str  # "step_3", "what_if_unknown_isbn_step_3"
    title: str  # of its recording


@dataclass(slots=True)
class ObservedOperation:
    """`path` follows the cluster's base; `prefix` is what the base adds in public URLs."""

    id: str
    tag: str
    target: PublicTarget
    path: str
    prefix: str
    method: str
    action: str = ""  # of an AWS-style call: "DynamoDB.GetItem"; several of them share a method and a path
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


def tag_of(target: PublicTarget) -> str:
    return clean(target.name) or "gateway"


def tags(found: Sequence[Scenario]) -> dict[str, list[PublicTarget]]:
    """The clusters in order of first use, each with the places where clients saw it."""
    by_tag: dict[str, list[PublicTarget]] = {}
    for target in dict.fromkeys(target for one in found for target in one.targets):
        by_tag.setdefault(tag_of(target), []).append(target)
    return by_tag


def inexpressible(step: ScenarioStep) -> str:
    """Why OpenAPI has no word for a step; "" where it has."""
    if step.exchange.stream == "websocket":
        return "WebSockets"
    if step.method.lower() not in METHODS:
        return f"the method {clean(step.method)}"
    operation = operation_of(step.exchange.request)
    return _PROTOCOLS.get(operation.kind, "") if operation else ""


_PROTOCOLS = {"graphql": "GraphQL", "jsonrpc": "JSON-RPC", "soap": "SOAP", "grpc": "gRPC"}


def expressible(step: ScenarioStep) -> bool:
    return not inexpressible(step)


def _action(step: ScenarioStep) -> tuple[str, str]:
    """(name, what tells it in the request as a fragment of the path) of an AWS-style call; ("", "") of all others.

    Fragments keep one operation per action on one path: a client drops them before it sends (RFC 9110 section 7.1).
    """
    operation = operation_of(step.exchange.request)
    if operation is None or operation.kind != "aws":
        return "", ""
    target = step.exchange.request.header("x-amz-target")
    return operation.name, f"#X-Amz-Target={target}" if target else f"#Action={operation.name}"


def operations(found: Sequence[Scenario]) -> list[ObservedOperation]:
    """All operations, by path and method. Templates are found over all recordings together."""
    seen: dict[tuple[str, str, str], ObservedOperation] = {}
    taken: set[str] = set()
    labels: set[str] = set()
    paths = templates(_renamed(found))
    for index, one in enumerate(found):
        prefix = f"{free(identifier(one.title, 'recording'), labels)}_" if index else ""
        known = named_secrets(one)
        for step in filter(expressible, one.steps):
            template = paths[f"{index} {step.exchange.id}"]
            action, fragment = _action(step)
            template = replace(template, path=template.path + fragment)
            key = (tag_of(step.target), step.method, template.path)
            if key not in seen:
                seen[key] = _operation(step, template, action, taken)
            label = f"{prefix}step_{step.number}"
            seen[key].add(Sample(step, template, known, label, clean(one.title)))
    return sorted(seen.values(), key=lambda one: (one.public, METHODS.index(one.method.lower())))


def _renamed(found: Sequence[Scenario]) -> list[ScenarioStep]:
    """Steps whose exchanges' ids tell the recordings apart: the same recording may be there twice."""
    return list(_numbered(found))


def _numbered(found: Sequence[Scenario]) -> Iterator[ScenarioStep]:
    for index, one in enumerate(found):
        for step in one.steps:
            yield replace(step, exchange=replace(step.exchange, id=f"{index} {step.exchange.id}"))


def _operation(step: ScenarioStep, template: Template, action: str, taken: set[str]) -> ObservedOperation:
    words = action or f"{step.method} {step.target.name} {template.path}"
    id = free(identifier(words, "call", LONGEST_ID), taken)
    prefix = split_origin(step.target.base)[1]
    return ObservedOperation(id, tag_of(step.target), step.target, template.path, prefix, step.method, action)

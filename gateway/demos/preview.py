"""A call before it is sent: the request as it would go out, and what stands in it from where. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from .definition.expressions import names_in_all
from .definition.lineage import Origin, parts_of
from .definition.parse_parts import placeholders
from .definition.schema import DemoStep, WhatIf
from .masking import MASK, is_secret_name, masked_json
from .result import ShownMessage, shown_request
from .step import PreparedCall, text_of

LONGEST = 200  # characters of a value


@dataclass(frozen=True, slots=True)
class Substitution:
    """One value that was put into the call: "isbn" = "978-1", from this form, into its path."""

    name: str
    value: str
    source: str
    parts: tuple[str, ...]
    origin: Origin | None = None


@dataclass(frozen=True, slots=True)
class Preview:
    """What would be sent. `url` is public; secrets are masked."""

    name: str
    method: str
    url: str
    sent: ShownMessage
    substitutions: tuple[Substitution, ...]
    delay: float = 0.0


def preview(
    name: str,
    call: PreparedCall,
    url: str,
    substitutions: tuple[Substitution, ...],
    secrets: tuple[str, ...],
) -> Preview:
    return Preview(name, call.method, url, shown_request(call, secrets), substitutions, call.delay)


def substitutions(
    step: DemoStep,
    what_if: WhatIf | None,
    fields: Mapping[str, Any],
    values: Mapping[str, Any],
    origins: Mapping[str, Origin],
) -> tuple[Substitution, ...]:
    """Every field and session value that the call is made of, with its source and its places."""
    changed = changed_step(step, what_if)
    given = what_if.set if what_if else {}
    names = dict.fromkeys((*(each.name for each in step.fields), *sorted(_needed(changed)), *given))
    found = []
    for name in names:
        parts = tuple(parts_of(changed, name))
        value = given.get(name, fields.get(name, values.get(name)))
        left_out = what_if is not None and name in what_if.unset
        if not parts or value is None or left_out:
            continue
        source, origin = _source(name, value, given, fields, values, origins)
        found.append(Substitution(name, _shown(step, name, value), source, parts, origin))
    return tuple(found)


def changed_step(step: DemoStep, what_if: WhatIf | None) -> DemoStep:
    """The step with the call, the headers and the body of its what-if."""
    if what_if is None:
        return step
    headers = {**(step.headers or {}), **(what_if.headers or {})}
    return replace(step, call=what_if.call or step.call, headers=headers, body=what_if.body or step.body)


def _needed(step: DemoStep) -> frozenset[str]:
    body = step.body.value if step.body else None
    return placeholders(step.call.path).union(*(names_in_all(each) for each in (step.headers, step.query, body)))


def _source(
    name: str,
    value: Any,
    given: Mapping[str, Any],
    fields: Mapping[str, Any],
    values: Mapping[str, Any],
    origins: Mapping[str, Origin],
) -> tuple[str, Origin | None]:
    if name in given:
        return "this what-if", None
    if name in fields and (name not in values or values[name] != value):
        return "this form", None
    return "this session", origins.get(name)


def _shown(step: DemoStep, name: str, value: Any) -> str:
    secret = is_secret_name(name) or any(each.name == name and each.is_secret for each in step.fields)
    return MASK if secret else text_of(masked_json(value))[:LONGEST]

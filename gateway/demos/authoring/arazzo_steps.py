"""Steps of a demo from an Arazzo workflow, as it is written: its order, its inputs, its outputs. Pure.

https://spec.openapis.org/arazzo/v1.0.1.html. An operation is looked for in the descriptions that the document names.
What a demo cannot say (steps that are workflows, cookies, criteria beyond a status) is left out, and said.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote

from ...contracts.contract import ApiOperation, Contract
from ..definition.parse_parts import FORBIDDEN, METHODS
from ..definition.schema import slug_of
from ..masking import is_secret_name
from ..step import BODYLESS
from .contract_fields import value_name
from .contract_steps import ContractStep, json_path
from .yaml_text import EMPTY, flow, member

_EXPRESSION: Final = re.compile(r"\$(?:inputs|steps|outputs|response|request|statusCode|url|method)\b[^\s{}\"']*")
_EMBEDDED: Final = re.compile(r"\{(\$[^{}]+)\}")
_PATH: Final = re.compile(r"\{?\$sourceDescriptions\.([\w-]+)\.url\}?#/paths/([^/]+)/(\w+)")
_STATUS: Final = re.compile(r"\$statusCode\s*==\s*'?(\d{3})'?")
_PLACE: Final = re.compile(r"\{([^{}]+)\}")
_BRACES: Final = re.compile(r"\{\{|\{%|\{#")


@dataclass(frozen=True, slots=True)
class SourceDescription:
    """A description that workflows call operations of, and the cluster that answers for it."""

    contract: Contract
    cluster: str


@dataclass(slots=True)
class WorkflowSteps:
    """A workflow as steps; `left` says what is in none of them."""

    id: str
    title: str
    steps: list[ContractStep] = field(default_factory=list)
    left: list[str] = field(default_factory=list)


def workflows_of(document: Mapping[str, Any], sources: Mapping[str, SourceDescription]) -> list[WorkflowSteps]:
    """Every workflow of an Arazzo document; `sources` by the names that it gives its descriptions."""
    listed = document.get("workflows")
    return [
        _WorkflowReader(document, one, sources).steps()
        for one in (listed if isinstance(listed, list) else ())
        if isinstance(one, dict) and isinstance(one.get("workflowId"), str)
    ]


class _CannotSay(Exception):
    """What a demo has no word for."""


class _WorkflowReader:
    def __init__(
        self, document: Mapping[str, Any], workflow: Mapping[str, Any], sources: Mapping[str, SourceDescription]
    ) -> None:
        self._document, self._workflow, self._sources = document, workflow, sources
        self._inputs = self._schemas_of_inputs()
        self._outputs: dict[tuple[str, str], str] = {}  # (step, output) -> the session's value
        self._asked: set[str] = set()  # inputs that a form has had

    def steps(self) -> WorkflowSteps:
        workflow = self._workflow
        found = WorkflowSteps(workflow["workflowId"], _line(workflow.get("summary")) or workflow["workflowId"])
        titles: set[str] = set()
        for one in _listed(workflow.get("steps")):
            id = str(one.get("stepId") or "step")
            title = _free(_line(one.get("description"))[:70].rstrip(". ") or id, id, titles)
            asked = set(self._asked)
            try:
                found.steps.append(self._step(one, id, title))
            except _CannotSay as reason:
                found.left.append(f"step {id}: {reason}")
                self._asked = asked  # the next step that needs them asks
        return found

    def _step(self, step: Mapping[str, Any], id: str, title: str) -> ContractStep:
        operation, source = self._operation(step)
        form: dict[str, Any] = {}
        query: dict[str, Any] = {}
        headers: dict[str, Any] = {}
        places: dict[str, str] = {}
        for one in self._parameters(step):
            name, value = str(one.get("name")), one.get("value")
            where = one.get("in")
            if where == "path":
                places[name] = self._in_path(name, value, form)
            elif where == "query":
                query[name] = self._value(value, form)
            elif where == "header" and name.lower() not in FORBIDDEN:
                headers[name] = self._value(value, form)
            else:
                raise _CannotSay(f"a demo sends no parameter {name} in {where}")
        verbs: dict[str, Any] = {"call": f"{operation.method} {source.cluster}:{self._path(operation, places, form)}"}
        body = self._body(step, form)
        if form:
            verbs["form"] = form
        if query or (form and operation.method in BODYLESS):
            verbs["query"] = query  # without it a form's fields are the query
        if headers:
            verbs["headers"] = headers
        verbs |= body
        if form and not body and operation.method not in BODYLESS:
            verbs["body"] = None
        if keep := self._keep(step, id):
            verbs["keep"] = keep
        if expect := self._expected(step):
            verbs["expect"] = expect
        lines = [f"  - title: {flow(title)}"]
        for verb, value in verbs.items():
            lines += ["    body:"] if value is None else member(verb, value, 4, spread=verb == "form")
        return ContractStep(re.sub(r"[^\w.-]+", "-", f"{self._workflow['workflowId']}.{id}"), title, tuple(lines))

    def _operation(self, step: Mapping[str, Any]) -> tuple[ApiOperation, SourceDescription]:
        id, path = step.get("operationId"), step.get("operationPath")
        if isinstance(id, str):
            name = id.removeprefix("$sourceDescriptions.").partition(".")[0] if id.startswith("$") else ""
            word = id.rpartition(".")[2] if name else id
            for source in [self._sources[name]] if name in self._sources else self._sources.values():
                for one in source.contract.operations:
                    if one.id == word and one.method in METHODS:
                        return one, source
            raise _CannotSay(f"no description has the operation {id}")
        found = _PATH.fullmatch(path) if isinstance(path, str) else None
        if found is not None and found[1] in self._sources:
            source, template = self._sources[found[1]], found[2].replace("~1", "/").replace("~0", "~")
            for one in source.contract.operations:
                if one.path == template and one.method == found[3].upper():
                    return one, source
            raise _CannotSay(f"no description has {found[3].upper()} {template}")
        raise _CannotSay("it is a workflow of its own" if "workflowId" in step else "it names no operation")

    def _parameters(self, step: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        """Those of the workflow, then those of the step, which replace them."""
        found: dict[tuple[str, str], Mapping[str, Any]] = {}
        for one in [*_listed(self._workflow.get("parameters")), *_listed(step.get("parameters"))]:
            whole = self._reusable(one)
            found[str(whole.get("name")), str(whole.get("in"))] = whole
        yield from found.values()

    def _reusable(self, one: Mapping[str, Any]) -> Mapping[str, Any]:
        reference = one.get("reference")
        if not isinstance(reference, str):
            return one
        components = self._document.get("components")
        known = components.get("parameters") if isinstance(components, dict) else None
        found = known.get(reference.rpartition(".")[2]) if isinstance(known, dict) else None
        if not isinstance(found, dict):
            raise _CannotSay(f"there is no {reference}")
        return {**found, "value": one.get("value", found.get("value"))}

    # -- values

    def _path(self, operation: ApiOperation, places: Mapping[str, str], form: dict[str, Any]) -> str:
        """The path with the values of its places; a place of which nothing is said is a field."""

        def place(match: re.Match[str]) -> str:
            if match[1] in places:
                return places[match[1]]
            name = value_name(match[1])
            form[name] = {"required": True}
            return f"{{{name}}}"

        return _PLACE.sub(place, operation.path).replace(" ", "%20")

    def _in_path(self, name: str, value: Any, form: dict[str, Any]) -> str:
        if isinstance(value, str) and (found := self._named(value, form)):
            return f"{{{found}}}"
        if isinstance(value, str) and "$" in value:
            raise _CannotSay(f"a demo cannot put {value} into a path")
        return quote(str(value), safe="")

    def _value(self, value: Any, form: dict[str, Any]) -> Any:
        """A value with `{{ name }}` for its expressions, at any depth."""
        if isinstance(value, dict):
            return {str(name): self._value(one, form) for name, one in value.items()}
        if isinstance(value, list):
            return [self._value(one, form) for one in value]
        if not isinstance(value, str):
            return value
        if found := self._named(value, form):
            return f"{{{{ {found} }}}}"

        def one(match: re.Match[str]) -> str:
            found = self._named(match[1], form)
            if not found:
                raise _CannotSay(f"a demo has no word for {match[1]}")
            return f"\ue000{found}\ue001"

        marked = _EMBEDDED.sub(one, value)
        if _EXPRESSION.fullmatch(value):
            raise _CannotSay(f"a demo has no word for {value}")
        plain = _BRACES.sub(lambda brace: f"{{{{ '{brace[0]}' }}}}", marked)
        return plain.replace("\ue000", "{{ ").replace("\ue001", " }}")

    def _named(self, expression: str, form: dict[str, Any]) -> str:
        """The session's value or the field that an expression means; "" for text that is none of both."""
        inputs, steps = re.fullmatch(r"\$inputs\.([\w-]+)", expression), re.fullmatch(
            r"\$steps\.([\w-]+)\.outputs\.([\w-]+)", expression
        )  # fmt: skip
        if inputs:
            name = value_name(inputs[1])
            secret = is_secret_name(name)
            if name not in self._asked or secret:
                form[name] = self._input(inputs[1], secret=secret)
                self._asked.add(name)
            return name
        return self._outputs.get((steps[1], steps[2]), "") if steps else ""

    def _input(self, name: str, *, secret: bool) -> Any:
        schema = self._inputs.get(name)
        found = schema if isinstance(schema, dict) else {}
        if secret or found.get("format") == "password":
            return {"type": "password"}
        examples = found.get("examples")
        given = found.get(
            "default", found.get("example", examples[0] if isinstance(examples, list) and examples else None)
        )
        described: dict[str, Any] = {"type": "number"} if found.get("type") in ("integer", "number") else {}
        if isinstance(given, dict | list) or found.get("type") in ("object", "array"):
            described = {"type": "json"}
        if given is not None and not (isinstance(given, str) and _BRACES.search(given)):
            described["default"] = given
        return described or EMPTY

    def _schemas_of_inputs(self) -> Mapping[str, Any]:
        found = self._workflow.get("inputs")
        if isinstance(found, dict) and isinstance(found.get("$ref"), str):
            components = self._document.get("components")
            known = components.get("inputs") if isinstance(components, dict) else None
            found = known.get(found["$ref"].rpartition("/")[2]) if isinstance(known, dict) else None
        members = found.get("properties") if isinstance(found, dict) else None
        return members if isinstance(members, dict) else {}

    def _body(self, step: Mapping[str, Any], form: dict[str, Any]) -> dict[str, Any]:
        body = step.get("requestBody")
        if not isinstance(body, dict) or "payload" not in body:
            return {}
        payload, media = body["payload"], str(body.get("contentType") or "application/json").partition(";")[0]
        if isinstance(payload, str) and media.endswith("json"):
            payload = _from_template(payload)
        for one in _listed(body.get("replacements")):
            payload = _replaced(payload, str(one.get("target")), one.get("value"))
        value = self._value(payload, form)
        return (
            {"send": "form", "body": value}
            if media.endswith("urlencoded") and isinstance(value, dict)
            else {"body": value}
        )

    # -- what comes back

    def _keep(self, step: Mapping[str, Any], id: str) -> dict[str, str]:
        outputs = step.get("outputs")
        found = {}
        for name, source in outputs.items() if isinstance(outputs, dict) else ():
            at = json_path(source) if isinstance(source, str) else ""
            if not at:
                continue
            kept = value_name(str(name))
            if any(known == kept for (other, _), known in self._outputs.items() if other != id):
                kept = value_name(f"{id}_{name}")
            self._outputs[id, str(name)] = kept
            found[kept] = at
        return found

    def _expected(self, step: Mapping[str, Any]) -> int | None:
        for one in _listed(step.get("successCriteria")):
            match = _STATUS.fullmatch(str(one.get("condition")).strip())
            if match and not match[1].startswith("2"):
                return int(match[1])
        return None


def _from_template(payload: str) -> Any:
    """A JSON payload that is written as text, with expressions that may stand outside of quotes."""
    quoted = re.sub(r'(?<!")\{(\$[^{}]+)\}(?!")', r'"{\1}"', payload)
    try:
        return _without_braces(json.loads(quoted))
    except ValueError:
        return payload


def _without_braces(value: Any) -> Any:
    """ "{$inputs.x}" alone is the value itself."""
    if isinstance(value, dict):
        return {name: _without_braces(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_without_braces(one) for one in value]
    alone = _EMBEDDED.fullmatch(value) if isinstance(value, str) else None
    return alone[1] if alone else value


def _replaced(payload: Any, pointer: str, value: Any) -> Any:
    """The payload with another value at a JSON Pointer; _CannotSay where nothing is there."""
    parts = [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]
    if not parts:
        return value
    try:
        if isinstance(payload, list):
            index = int(parts[0])
            rest = _replaced(payload[index], "/".join(["", *parts[1:]]), value)
            return [*payload[:index], rest, *payload[index + 1 :]]
        if isinstance(payload, dict):
            inner = payload.get(parts[0])
            return {**payload, parts[0]: _replaced(inner, "/".join(["", *parts[1:]]), value) if parts[1:] else value}
    except (ValueError, IndexError):
        pass
    raise _CannotSay(f"the payload has no {pointer}")


def _listed(value: Any) -> Sequence[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _line(value: Any) -> str:
    text = " ".join(value.split()) if isinstance(value, str) else ""
    return "".join(char for char in text if char.isprintable() and char not in "{}")


def _free(title: str, id: str, taken: set[str]) -> str:
    base = title if slug_of(title) else id
    found, number = base, 2
    while slug_of(found) in taken:
        found, number = f"{base} {number}", number + 1
    taken.add(slug_of(found))
    return found

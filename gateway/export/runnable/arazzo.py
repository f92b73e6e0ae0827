"""Arazzo 1.0.1: the chain as a workflow over the clusters' OpenAPI descriptions; every what-if is one more. Pure.

https://spec.openapis.org/arazzo/v1.0.1.html: clusters are source descriptions, exchanges steps, bindings outputs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...errors import UsageError
from ...model.text import clean
from .. import openapi
from ..documents.guide import kept_as
from ..documents.notes import harmless
from ..format import ALONE, Beside, Recordings
from ..scenario.scenario import Scenario, ScenarioStep, scenario
from ..scenario.templated_text import (
    Text,
    VariableUse,
    cut,
    form_pairs,
    free,
    identifier,
    joined,
    names,
    split,
    written,
)
from ..scenario.variables import MARK, KeptVariable
from ..urls import is_utf8
from ..yaml import yaml_of
from .file_comments import about_file, fitting, left_out, step_title

SUFFIX = ".arazzo.yaml"
FORM = "application/x-www-form-urlencoded"
Object = dict[str, Any]
Seen = Mapping[int, tuple[openapi.ObservedOperation, openapi.Sample]]  # by id() of the step


def files(recordings: Recordings, *, version: str, beside: Beside = ALONE) -> dict[str, str]:
    """The workflows, and beside them the descriptions that they are about."""
    title = recordings[0][0].title or recordings[0][0].id if recordings else "nothing"
    name = identifier(title, "recording").replace("_", "-") + SUFFIX
    sources = openapi.files(recordings, version=version, beside=beside)
    return {name: dump(recordings, version=version, beside=beside), **sources}


def dump(recordings: Recordings, *, version: str, beside: Beside = ALONE) -> str:
    """The workflows alone; the descriptions that they name are expected in the same folder. UsageError when no step
    can be said in Arazzo."""
    found = [scenario(recording, exchanges, beside.decisions(recording.id)) for recording, exchanges in recordings]
    seen = {id(sample.step): (one, sample) for one in openapi.operations(found) for sample in one.samples}
    sources = openapi.file_of(found)
    taken: set[str] = set()
    ids = [free(_id(one), taken) for one in found]
    # Names of steps are distinguished in the whole file: some readers look for them without their workflow.
    workflows = [
        _Workflow(one, seen, _sources(sources), f"{id}_" if index else "").written(id, version)
        for index, (id, one) in enumerate(zip(ids, found, strict=True))
    ]
    empty = [one["summary"] for one in workflows if not one["steps"]]  # a workflow has one step at least
    if found and len(empty) == len(found):
        lines = workflows[0]["description"].splitlines()
        why = next((line for line in lines if "is not expressible" in line), lines[-1])
        raise UsageError(f"Arazzo has no word for any step: {why}", hint="--as markdown, html or mermaid can show them")
    workflows = [one for one in workflows if one["steps"]]
    document: Object = {
        "arazzo": "1.0.1",
        "info": {
            "title": clean(found[0].title) if found else "Nothing recorded",
            "version": "1.0.0",
            "description": f"Written by What-If Gateway {clean(version)} from recordings. "
            "Every workflow is one of them, what-ifs among them."
            + (f" No step could be said of: {'; '.join(empty)}." if empty else ""),
        },
        "sourceDescriptions": [
            {"name": name, "url": f"./{sources[tag]}", "type": "openapi"} for tag, name in _sources(sources).items()
        ],
        "workflows": workflows,
    }
    run = f"npx @redocly/cli respect THIS_FILE{_inputs(found)}"
    return yaml_of(document, comment=["Run it with its descriptions beside it:", f"  {run}"])


def _inputs(found: Sequence[Scenario]) -> str:
    secrets = dict.fromkeys(one.variable for each in found for one in each.inputs if one.secret)
    return "".join(f" --input {name}=..." for name in secrets)


def _sources(sources: Mapping[str, str]) -> dict[str, str]:
    """A name for each description that fits into an expression."""
    taken: set[str] = set()
    return {tag: free(identifier(tag, "cluster"), taken) for tag in sources}


def _id(found: Scenario) -> str:
    return identifier(found.title, "recording")


@dataclass(frozen=True, slots=True)
class _Workflow:
    """One recording on its way to a workflow."""

    scenario: Scenario
    seen: Seen
    sources: Mapping[str, str]
    prefix: str  # of its steps' names

    def written(self, id: str, version: str) -> Object:
        found = self.scenario
        steps = [step for step in found.steps if not self._obstacle(step)]
        given = _Given(self._expressions(steps), {one.variable: one.recorded for one in self._lost(steps)})
        written = [self._step(step, given) for step in steps]
        about = "\n".join([*about_file(found, version), *self._left(steps)])
        workflow: Object = {"workflowId": id, "summary": clean(found.title), "description": harmless(about)}
        if inputs := self._inputs(given):
            workflow["inputs"] = {"type": "object", "properties": inputs}
        return workflow | {"steps": written}

    def _obstacle(self, step: ScenarioStep) -> str:
        if step.obstacle:
            return step.obstacle
        if id(step) not in self.seen:
            return f"OpenAPI has no word for {openapi.inexpressible(step) or 'it'}"
        if not step.body.is_text:
            return "its body is not text"
        if not is_utf8(written(step.path, lambda name: "x")):
            return "its URL holds bytes that are no UTF-8"
        return "its JSON holds half a character" if _has_halves(step.body.text) else ""

    def _expressions(self, steps: Sequence[ScenarioStep]) -> dict[str, str]:
        """Variable -> the expression that gives its value."""
        found = {one.variable: f"$inputs.{one.variable}" for one in self.scenario.inputs}
        for step in steps:
            found |= {keep.variable: f"$steps.{self._step_id(step)}.outputs.{keep.variable}" for keep in _kept(step)}
        return found

    def _lost(self, steps: Sequence[ScenarioStep]) -> list[KeptVariable]:
        """What no expression of Arazzo can cut out of a response."""
        return [keep for step in self.scenario.steps for keep in step.keeps if step not in steps or _is_lost(keep)]

    def _left(self, steps: Sequence[ScenarioStep]) -> Iterator[str]:
        for step in self.scenario.steps:
            if (why := self._obstacle(step)) and not step.obstacle:
                yield f"Step {step.number} is not expressible: {why}."
        for step in steps:
            yield from (f"Step {step.number}: {said}." for said in left_out(step))
        for keep in self._lost(steps):
            yield f"{keep.variable} stays as recorded: Arazzo has no expression for {kept_as(keep)}."
        for number, notes in self.scenario.left.items():
            yield from (f"Step {number}: {note}." for note in notes)
        if any(name.lower() == "set-cookie" for one in steps for name, _ in _answer_fields(one)):
            yield "Arazzo has no jar for cookies: those that a response sets are not sent with later steps."

    def _inputs(self, given: _Given) -> Object:
        inputs: Object = {}
        for one in self.scenario.inputs:
            about: Object = {"type": "string", "description": harmless(clean(one.about))}
            if one.secret:
                inputs[one.variable] = about | {"format": "password"}
            elif one.variable in given.numbers:
                inputs[one.variable] = about | {"type": "number", "default": json.loads(one.default)}
            else:
                inputs[one.variable] = about | {"default": one.default}
        return inputs | {name: {"type": "string", "default": text} for text, name in given.literals.items()}

    def _step_id(self, step: ScenarioStep) -> str:
        return f"{self.prefix}step_{step.number}"

    def _step(self, step: ScenarioStep, given: _Given) -> Object:
        operation, sample = self.seen[id(step)]
        written: Object = {
            "stepId": self._step_id(step),
            "description": harmless(step_title(step)),
            "operationId": f"$sourceDescriptions.{self.sources[operation.tag]}.{operation.id}",
        }
        if parameters := list(_parameters(step, sample, given)):
            written["parameters"] = parameters
        if step.body.text:
            written["requestBody"] = _body(step, given)
        elif any(one.step.body.data for one in operation.samples):
            # Without one, respect sends the example of the description.
            written["requestBody"] = {"contentType": step.body.media or "application/octet-stream", "payload": ""}
        if step.status:
            written["successCriteria"] = [{"condition": f"$statusCode == {step.status}"}]
        if outputs := {keep.variable: _output(keep) for keep in _kept(step)}:
            written["outputs"] = outputs
        return written


class _Given:
    """Texts as values of Arazzo. What would be read as an expression becomes an input of its own."""

    def __init__(self, expressions: Mapping[str, str], lost: Mapping[str, str]) -> None:
        self.expressions = {name: text for name, text in expressions.items() if name not in lost}
        self.literals: dict[str, str] = {}
        self.numbers: set[str] = set()  # variables that stand bare in JSON

    def value(self, text: Text) -> str:
        """An expression alone, or a text with expressions in braces."""
        parts = [self._part(part) for part in text]
        if len(parts) == 1 and parts[0][1]:
            return parts[0][0]
        return "".join(f"{{{part}}}" if expression else part for part, expression in parts)

    def _part(self, part: str | VariableUse) -> tuple[str, bool]:
        if isinstance(part, VariableUse) and part.name in self.expressions:
            return self.expressions[part.name], True
        words = part.recorded if isinstance(part, VariableUse) else part
        if "{$" not in words and not words.startswith("$"):
            return words, False
        return f"$inputs.{self.literals.setdefault(words, f'literal_{len(self.literals) + 1}')}", True


def _has_halves(body: Text) -> bool:
    """Whether JSON spells one half of a surrogate pair, which YAML cannot."""
    spelled = re.sub(r"\\\\|\\u[dD][89aAbB]..\\u[dD][c-fC-F]..", "", written(body, lambda name: "x"))
    return bool(re.search(r"\\u[dD][89a-fA-F]", spelled))


def _kept(step: ScenarioStep) -> Iterator[KeptVariable]:
    return (keep for keep in step.keeps if not _is_lost(keep))


def _is_lost(keep: KeptVariable) -> bool:
    """Expressions of Arazzo give a whole member or header; they have no cookies and cut nothing out."""
    return bool(keep.pattern) or keep.part not in ("json", "header")


def _answer_fields(step: ScenarioStep) -> Sequence[tuple[str, str]]:
    return step.exchange.response.headers if step.exchange.response else ()


def _output(keep: KeptVariable) -> str:
    return f"$response.body#{keep.path}" if keep.part == "json" else f"$response.header.{keep.path}"


def _parameters(step: ScenarioStep, sample: openapi.Sample, given: _Given) -> Iterator[Object]:
    """Names are unique in their place (Arazzo 1.0.1, 4.6.6.1): what came several times is an array, a header a list."""
    path, query = _halves(step.path)
    segments = cut(path, "/")[1:]
    for one in sample.template.parameters:  # respect puts it into the URL as it stands
        value = given.value(_inner(segments[one.index], one.before, one.after))
        yield {"name": one.name, "in": "path", "value": value}
    found: dict[str, list[str]] = {}
    for words, content in form_pairs(query):
        found.setdefault(words, []).append(given.value(content))
    for words, values in found.items():
        yield {"name": words, "in": "query", "value": values[0] if len(values) == 1 else values}
    fields: dict[str, Object] = {}
    for field, content in fitting(step).headers:
        if field.lower() in fields:
            fields[field.lower()]["value"] += f", {given.value(content)}"
        elif field.lower() != "content-type":
            fields[field.lower()] = {"name": field, "in": "header", "value": given.value(content)}
    yield from fields.values()


def _halves(path: Text) -> tuple[Text, Text]:
    """Before and behind the first question mark."""
    first, *rest = cut(path, "?")
    return first, joined(rest, "?")


def _inner(segment: Text, before: str, after: str) -> Text:
    """What of a segment is the parameter's value: "orders('" and "')" stand around it, or ".json" behind it."""
    if not (before or after):
        return segment
    parts = list(segment)
    if before and isinstance(parts[0], str):
        parts[0] = parts[0].removeprefix(before)
    if after and isinstance(parts[-1], str):
        parts[-1] = parts[-1].removesuffix(after)
    return tuple(part for part in parts if part != "")


def _body(step: ScenarioStep, given: _Given) -> Object:
    media = step.body.media.partition(";")[0].strip().lower()
    payload: Any = None
    if "json" in media:
        payload = _json(step.body.text, given)
    elif media == FORM:
        payload = _form(step.body.text, given)
    if payload is None:
        payload = given.value(step.body.text)
    return {"contentType": step.body.media or "application/octet-stream", "payload": payload}


def _json(text: Text, given: _Given) -> Any:
    """The value with expressions in it; None where it is no JSON."""
    marks = {f"{MARK}{index:04}": name for index, name in enumerate(dict.fromkeys(names(text)))}
    uses = {part.name: part for part in text if isinstance(part, VariableUse)}
    by_name = {name: mark for mark, name in marks.items()}
    whole = "".join(part if isinstance(part, str) else by_name[part.name] for part in text)
    try:
        return _walked(json.loads(whole), {mark: uses[name] for mark, name in marks.items()}, given)
    except (ValueError, RecursionError):
        return None


def _walked(value: Any, marks: Mapping[str, VariableUse], given: _Given) -> Any:
    if isinstance(value, dict):
        return {key: _walked(inner, marks, given) for key, inner in value.items()}
    if isinstance(value, list):
        return [_walked(inner, marks, given) for inner in value]
    if isinstance(value, bool) or value is None:
        return value
    found = split(value if isinstance(value, str) else str(value), marks)
    if isinstance(value, str):
        return given.value(found)
    if not any(isinstance(part, VariableUse) for part in found):
        return value
    given.numbers |= {part.name for part in found if isinstance(part, VariableUse)}
    return given.value(found)


def _form(text: Text, given: _Given) -> Any:
    """Members of a form; None where a name comes twice, which an object cannot say."""
    found: dict[str, str] = {}
    for words, value in form_pairs(text):
        if words in found:
            return None
        found[words] = given.value(value)
    return found

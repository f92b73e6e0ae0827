"""OpenAPI 3.1 of what was seen: templated paths, schemas over all samples, examples, links, security. Pure.

Paths are public ones, so that clusters with the same paths do not collide; every cluster is a tag.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

from ..diagrams.labels import clean
from ..model.bodies import media_type, text_of
from ..model.exchange import Exchange
from ..model.message import Message
from .flows import Keep
from .format import ALONE, Beside, Recordings
from .guide import masked, named_secrets
from .json import dumped
from .paths import Template, templates
from .said import about_file
from .scenario import Scenario, Step, scenario
from .schema import Schema, sample_of, schema_of
from .targets import Target
from .texts import Use, identifier, names
from .urls import split_origin

EXAMPLES = 5  # of one answer
EXAMPLE = 16 << 10  # characters
_METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
# Described elsewhere in OpenAPI, or nobody's business.
_QUIET = frozenset({"content-type", "accept", "authorization", "cookie", "gateway-env", "x-requested-with"})
Object = dict[str, Any]


@dataclass(slots=True)
class Seen:
    """All steps of one operation."""

    id: str
    target: Target
    path: str
    method: str
    steps: list[tuple[Step, Template, dict[str, Use]]] = field(default_factory=list)


def dump(recordings: Recordings, *, version: str, beside: Beside = ALONE) -> str:
    """Several recordings are merged into one description."""
    found = [scenario(recording, exchanges, beside.decisions(recording.id)) for recording, exchanges in recordings]
    seen = _operations(found)
    paths: dict[str, Object] = {}
    for one in seen.values():
        paths.setdefault(one.path, {})[one.method.lower()] = _operation(one, seen)
    schemes = {name: scheme for one in seen.values() for name, scheme in _schemes(one)}
    clusters = dict.fromkeys(target for one in found for target in one.targets)
    origins = dict.fromkeys(split_origin(target.base)[0] for target in clusters)
    document: Object = {
        "openapi": "3.1.0",
        "info": {
            "title": "; ".join(clean(one.title) for one in found) or "Nothing recorded",
            "version": "recorded",
            "description": "\n\n".join("\n".join((*about_file(one, version), *_left(one))) for one in found),
        },
        "servers": [{"url": origin or "/"} for origin in origins] or [{"url": "/"}],
        "tags": [{"name": tag, "description": _about(targets)} for tag, targets in _tags(clusters)],
        "paths": paths,
    }
    return dumped(document | ({"components": {"securitySchemes": schemes}} if schemes else {}))


def _tags(clusters: dict[Target, None]) -> Iterator[tuple[str, list[Target]]]:
    by_tag: dict[str, list[Target]] = {}
    for target in clusters:
        by_tag.setdefault(_tag(target), []).append(target)
    yield from by_tag.items()


def _tag(target: Target) -> str:
    return clean(target.cluster) or "gateway"


def _about(targets: Sequence[Target]) -> str:
    environments = dict.fromkeys(name for target in targets for name in target.environments)
    on = f" on {clean(', '.join(environments))}" if environments else ""
    return f"Recorded at {', '.join(dict.fromkeys(target.base for target in targets))}{on}."


def _left(found: Scenario) -> Iterator[str]:
    streams = [step.number for step in found.steps if step.exchange.stream == "websocket"]
    odd = [step.number for step in found.steps if step.method.lower() not in _METHODS]
    if streams:
        yield f"OpenAPI has no word for WebSockets: steps {', '.join(map(str, streams))} are not described."
    if odd:
        yield f"OpenAPI has no word for the methods of steps {', '.join(map(str, odd))}."


def _operations(found: Sequence[Scenario]) -> dict[tuple[str, str], Seen]:
    seen: dict[tuple[str, str], Seen] = {}
    taken: set[str] = set()
    paths = templates([step for one in found for step in one.steps])
    for one in found:
        known = named_secrets(one)
        for step in one.steps:
            if step.exchange.stream == "websocket" or step.method.lower() not in _METHODS:
                continue
            template = paths[step.exchange.id]
            path = f"{split_origin(step.target.base)[1]}{template.path}" or "/"
            key = (step.method, path)
            if key not in seen:
                seen[key] = Seen(_id(step, template, taken), step.target, path, step.method)
            seen[key].steps.append((step, template, known))
    return dict(sorted(seen.items(), key=lambda item: (item[0][1], _METHODS.index(item[0][0].lower()))))


def _id(step: Step, template: Template, taken: set[str]) -> str:
    words = identifier(f"{step.method} {step.target.cluster} {template.path}", "call")
    name, number = words, 1
    while name in taken:
        number += 1
        name = f"{words}_{number}"
    taken.add(name)
    return name


def _operation(one: Seen, seen: dict[tuple[str, str], Seen]) -> Object:
    notes = dict.fromkeys(note.strip() for step, _, _ in one.steps for note in step.exchange.notes if note.strip())
    operation: Object = {
        "operationId": one.id,
        "tags": [_tag(one.target)],
        "summary": f"{one.method} {one.path}",
    }
    if notes:
        operation["description"] = "\n\n".join(notes)
    if parameters := _parameters(one):
        operation["parameters"] = parameters
    if body := _request_body(one):
        operation["requestBody"] = body
    operation["responses"] = _responses(one, seen)
    security = list(dict.fromkeys(name for name, _ in _schemes(one)))
    if security:
        anonymous = any(not list(_schemes_of(step)) for step, _, _ in one.steps if step.status < 400)
        operation["security"] = [{name: []} for name in security] + ([{}] if anonymous else [])
    return operation


def _parameters(one: Seen) -> list[Object]:
    found: dict[tuple[str, str], list[str]] = {}
    for step, template, _ in one.steps:
        for name, value in template.parameters:
            found.setdefault(("path", name), []).append(value)
        query = parse_qsl(step.exchange.request.target.partition("?")[2], keep_blank_values=True)
        for name, value in dict(query).items():
            found.setdefault(("query", name), []).append(value)
        for name, _ in step.headers:
            if name.lower() not in _QUIET:
                found.setdefault(("header", name), []).append(step.exchange.request.header(name))
    return [_parameter(place, name, values, len(one.steps)) for (place, name), values in found.items()]


def _parameter(place: str, name: str, values: Sequence[str], steps: int) -> Object:
    required = place == "path" or len(values) == steps
    shown = next((value for value in values if value and masked(value, {}) == value), None)
    typed = [int(value) if value.isascii() and value.isdigit() and len(value) < 16 else value for value in values]
    numeric = all(isinstance(value, int) and str(value) == text for value, text in zip(typed, values, strict=True))
    found: Object = {"name": name, "in": place, "required": required, "schema": schema_of(typed if numeric else values)}
    if shown is not None:
        found["example"] = int(shown) if numeric else shown
    return found


def _request_body(one: Seen) -> Object:
    samples = [(step.exchange.request, f"step {step.number}", known) for step, _, known in one.steps]
    told = [sample for sample in samples if sample[0].body.data]
    if not told:
        return {}
    return {"required": len(told) == len(samples), "content": _content(told)}


def _content(samples: Sequence[tuple[Message, str, dict[str, Use]]]) -> Object:
    by_media: dict[str, list[tuple[Message, str, dict[str, Use]]]] = {}
    for sample in samples:
        by_media.setdefault(media_type(sample[0]) or "application/octet-stream", []).append(sample)
    return {media: _media(media, found) for media, found in by_media.items()}


def _media(media: str, samples: Sequence[tuple[Message, str, dict[str, Use]]]) -> Object:
    texts = [(name, masked(text, known)) for message, name, known in samples if (text := text_of(message)) is not None]
    if not texts:
        return {}
    if media == "application/x-www-form-urlencoded":
        values: list[Any] = [dict(parse_qsl(text, keep_blank_values=True)) for _, text in texts]
    else:
        values = [value for _, text in texts for good, value in [sample_of(text)] if good]
    if len(values) < len(texts):  # not JSON, or not all of it
        return {"schema": {"type": "string"}, "examples": _examples([(name, text) for name, text in texts])}
    schema: Schema = schema_of(values)
    return {
        "schema": schema,
        "examples": _examples([(name, value) for (name, _), value in zip(texts, values, strict=True)]),
    }


def _examples(samples: Sequence[tuple[str, Any]]) -> Object:
    found: Object = {}
    told: set[str] = set()
    for name, value in samples:
        text = json.dumps(value, sort_keys=True)
        if len(found) < EXAMPLES and len(text) <= EXAMPLE and text not in told:
            told.add(text)
            found[name.replace(" ", "_")] = {"value": value}
    return found


def _responses(one: Seen, seen: dict[tuple[str, str], Seen]) -> Object:
    by_status: dict[int, list[tuple[Step, dict[str, Use]]]] = {}
    for step, _, known in one.steps:
        by_status.setdefault(step.status, []).append((step, known))
    return {
        str(status) if 100 <= status <= 599 else "default": _response(status, found, seen)
        for status, found in sorted(by_status.items())
    }


def _response(status: int, steps: Sequence[tuple[Step, dict[str, Use]]], seen: dict[tuple[str, str], Seen]) -> Object:
    answer: Object = {"description": _phrase(status, steps[0][0].exchange)}
    names_of = [(name, value) for step, known in steps for name, value in _telling(step, known)]
    if names_of:
        answer["headers"] = {
            name: {"schema": {"type": "string"}, "example": value} for name, value in dict(reversed(names_of)).items()
        }
    samples = [
        (step.exchange.response, f"step {step.number}", known) for step, known in steps if step.exchange.response
    ]
    told = [sample for sample in samples if sample[0].body.data and not sample[0].body.truncated]
    if told:
        answer["content"] = _content(told)
    links = {name: link for step, _ in steps for name, link in _links(step, seen)}
    return answer | ({"links": links} if links else {})


def _phrase(status: int, exchange: Exchange) -> str:
    if exchange.failure:
        return clean(exchange.failure.kind.replace("_", " "))
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return clean(exchange.response.reason if exchange.response else "") or f"status {status}"


def _telling(step: Step, known: dict[str, Use]) -> Iterator[tuple[str, str]]:
    """Fields of an answer that a client acts upon."""
    for name, value in step.exchange.response.headers if step.exchange.response else ():
        if name.lower() in ("location", "etag", "link", "retry-after", "www-authenticate", "allow"):
            yield name.title(), masked(value, known)


def _links(step: Step, seen: dict[tuple[str, str], Seen]) -> Iterator[tuple[str, Object]]:
    """From an answer to the operations whose path parameters it gives."""
    for keep in step.keeps:
        if keep.part != "json" or keep.pattern:
            continue
        for one in seen.values():
            parameter = _taking(keep, one)
            if parameter:
                yield (
                    f"{keep.variable}_to_{one.id}",
                    {
                        "operationId": one.id,
                        "parameters": {f"path.{parameter}": f"$response.body#{keep.path}"},
                    },
                )


def _taking(keep: Keep, one: Seen) -> str:
    """The path parameter of an operation that takes this value, or ""."""
    for step, template, _ in one.steps:
        if keep.variable in names(step.path):
            return next((name for name, value in template.parameters if value == keep.recorded), "")
    return ""


def _schemes(one: Seen) -> Iterator[tuple[str, Object]]:
    for step, _, _ in one.steps:
        yield from _schemes_of(step)


def _schemes_of(step: Step) -> Iterator[tuple[str, Object]]:
    scheme = step.exchange.request.header("authorization").partition(" ")[0].lower()
    if scheme in ("bearer", "basic", "digest"):
        yield scheme, {"type": "http", "scheme": scheme}
    elif scheme:
        yield "authorization", {"type": "apiKey", "in": "header", "name": "Authorization"}
    if step.exchange.request.header("x-api-key"):
        yield "x_api_key", {"type": "apiKey", "in": "header", "name": "X-Api-Key"}

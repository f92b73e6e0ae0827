"""One operation as OpenAPI says it: parameters, bodies, answers with their examples, links. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

from ...model.bodies import media_type, text_of
from ...model.exchange import Exchange
from ...model.message import Message
from ...model.text import clean
from ..documents.guide import masked
from ..documents.notes import harmless
from .form_bodies import members, multipart
from .observed_operations import ObservedOperation, Sample
from .schema_inference import sample_of, schema_of
from .security import credentials, requirements

EXAMPLES = 5  # of one media type of one response
EXAMPLE = 16 << 10  # characters
FORM = "application/x-www-form-urlencoded"
Object = dict[str, Any]
Bodies = Sequence[tuple[Message, Sample]]


def content(bodies: Bodies) -> Object:
    """By media type."""
    by_media: dict[str, list[tuple[Message, Sample]]] = {}
    for body in bodies:
        by_media.setdefault(media_type(body[0]) or "application/octet-stream", []).append(body)
    return {media: _media(media, found) for media, found in by_media.items()}


def _media(media: str, bodies: Bodies) -> Object:
    if media == "multipart/form-data":
        return multipart([message for message, _ in bodies])
    texts = [
        (sample, masked(text, sample.known)) for message, sample in bodies if (text := text_of(message)) is not None
    ]
    if not texts:
        return {}
    values = list(_values(media, [text for _, text in texts]))
    if len(values) < len(texts):  # not JSON, or not all of it
        return {"schema": {"type": "string"}, "examples": _examples(texts)}
    pairs = [(sample, value) for (sample, _), value in zip(texts, values, strict=True)]
    told = {(sample.step.exchange.request.target, json.dumps(value, sort_keys=True)): value for sample, value in pairs}
    found = schema_of(list(told.values()))  # what was polled is evidence once
    return {"schema": found, "examples": _examples(pairs)}


def _values(media: str, texts: Sequence[str]) -> Iterator[Any]:
    if media == FORM:
        yield from (members(parse_qsl(text, keep_blank_values=True)) for text in texts)
    else:
        yield from (value for text in texts for good, value in [sample_of(text)] if good)


def _examples(samples: Sequence[tuple[Sample, Any]]) -> Object:
    """Different ones only."""
    found: Object = {}
    told: set[str] = set()
    for sample, value in samples:
        text = json.dumps(value, sort_keys=True)
        main = sample.label.startswith("step_")
        about = {} if main else {"summary": sample.title}
        like = text if main else re.sub(r"\d+", "0", text)  # a what-if's other ids alone are no news
        if len(found) < EXAMPLES and len(text) <= EXAMPLE and like not in told:
            told |= {text, re.sub(r"\d+", "0", text)}
            found[sample.label] = about | {"value": value}
    return found


# Described elsewhere in OpenAPI, or nobody's business.
_QUIET = frozenset({"content-type", "accept", "authorization", "cookie", "gateway-env", "x-requested-with"})
# New with every call: ids of requests and traces, and when and with what a signature was made.
_PER_CALL = re.compile(
    r"(?:x-)?(?:(?:amzn?|amz-sdk|b3|cloud|request|correlation|trace|span|transaction|client-request|ms-client)-?)+"
    r"(?:trace-?context|trace-?id|request|request-id|id|date|invocation-id|content-sha256|spanid|sampled|parentspanid)|"
    r"b3|baggage|sentry-trace|date|uber-trace-id|x-datadog-.*|newrelic|x-client-data|x-ms-date|"
    r"stainless-.*|x-stainless-.*|if-(?:none-)?match|if-(?:un)?modified-since|range"
)
_TELLING = ("location", "etag", "link", "retry-after", "www-authenticate", "allow")
PointTo = Callable[[ObservedOperation], Object]  # how a link names the operation that it leads to


def described(one: ObservedOperation, path: str, everything: Sequence[ObservedOperation], point_to: PointTo) -> Object:
    """The operation object. Responses that failed are there as well, with their examples."""
    notes = dict.fromkeys(note.strip() for sample in one.samples for note in sample.step.exchange.notes if note.strip())
    operation: Object = {"operationId": one.id, "tags": [one.tag], "summary": one.action or f"{one.method} {path}"}
    operation["description"] = harmless("\n\n".join([*notes, _seen(one)]))
    if parameters := _parameters(one):
        operation["parameters"] = parameters
    if body := _request_body(one):
        operation["requestBody"] = body
    operation["responses"] = _responses(one, everything, point_to)
    return operation | {"security": requirements(one)}


def _parameters(one: ObservedOperation) -> list[Object]:
    found: dict[tuple[str, str], list[list[str]]] = {}
    for sample in one.samples:
        given: dict[tuple[str, str], list[str]] = {}
        for place, name, value in _given(sample):
            given.setdefault((place, name), []).append(value)
        for key, values in given.items():
            found.setdefault(key, []).append(values)
    return [_parameter(place, name, values, one) for (place, name), values in found.items()]


def _given(sample: Sample) -> Iterator[tuple[str, str, str]]:
    """(place, name, value) of what the request gave; a name of the query that came several times gives each value."""
    request, secret = sample.step.exchange.request, credentials(sample.step)
    yield from (("path", one.name, one.value) for one in sample.template.parameters)
    query = parse_qsl(request.target.partition("?")[2], keep_blank_values=True)
    pairs = [("query", name, value) for name, value in query]
    pairs += [("header", name, request.header(name)) for name, _ in sample.step.headers if not _is_quiet(name)]
    yield from (one for one in pairs if one[:2] not in secret)


def _seen(one: ObservedOperation) -> str:
    """ "Recorded 3 times: 200, 404."."""
    statuses = dict.fromkeys(str(sample.step.status or "no response") for sample in one.samples)
    return f"Recorded {'once' if len(one.samples) == 1 else f'{len(one.samples)} times'}: {', '.join(statuses)}."


def _is_quiet(name: str) -> bool:
    return name.lower() in _QUIET or _PER_CALL.fullmatch(name.lower()) is not None


def _parameter(place: str, name: str, samples: Sequence[list[str]], one: ObservedOperation) -> Object:
    """`samples`: what each request that has it gave; several values at once, or a name in brackets, are an array."""
    good = [sample for sample in one.samples if 0 < sample.step.status < 400] or one.samples
    required = place == "path" or (len(samples) >= len(good) and len(samples) == len(one.samples))
    values = [value for given in samples for value in given]
    typed = [int(value) if value.isascii() and value.isdigit() and len(value) < 16 else value for value in values]
    numeric = all(isinstance(value, int) and str(value) == text for value, text in zip(typed, values, strict=True))
    schema = schema_of(typed if numeric else values)
    if name.lower() == "x-amz-target" or (place == "query" and name == "Action" and one.action):
        schema |= {"enum": sorted(set(values))}
    shown = next((value for value in values if value and masked(value, {}) == value), None)
    example: Any = int(shown) if numeric and shown is not None else shown
    if place == "query" and (name.endswith("[]") or any(len(given) > 1 for given in samples)):
        schema, example = {"type": "array", "items": schema}, [example]
    found: Object = {"name": name, "in": place, "required": required, "schema": schema}
    return found if shown is None else found | {"example": example}


def _request_body(one: ObservedOperation) -> Object:
    told = [(sample.step.exchange.request, sample) for sample in one.samples]
    told = [(request, sample) for request, sample in told if request.body.data]
    return {"required": len(told) == len(one.samples), "content": content(told)} if told else {}


def _responses(one: ObservedOperation, everything: Sequence[ObservedOperation], point_to: PointTo) -> Object:
    by_status: dict[int, list[Sample]] = {}
    for sample in one.samples:
        by_status.setdefault(sample.step.status, []).append(sample)
    return {
        str(status) if 100 <= status <= 599 else "default": _response(status, found, everything, point_to)
        for status, found in sorted(by_status.items())
    }


def _response(
    status: int, samples: Sequence[Sample], everything: Sequence[ObservedOperation], point_to: PointTo
) -> Object:
    answer: Object = {"description": _phrase(status, samples[0].step.exchange)}
    if fields := _fields(samples):
        answer["headers"] = fields
    told = [(one.step.exchange.response, one) for one in samples if one.step.exchange.response]
    told = [(response, one) for response, one in told if response.body.data and not response.body.truncated]
    if told:
        answer["content"] = content(told)
    links = {name: link for one in samples for name, link in _links(one, everything, point_to)}
    return answer | ({"links": links} if links else {})


def _phrase(status: int, exchange: Exchange) -> str:
    if exchange.failure:
        return clean(exchange.failure.kind.replace("_", " "))
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return clean(exchange.response.reason if exchange.response else "") or f"status {status}"


def _fields(samples: Sequence[Sample]) -> Object:
    """Fields of a response that a client acts upon, the first value of each as its example."""
    found: Object = {}
    for sample in samples:
        response = sample.step.exchange.response
        for name, value in response.headers if response else ():
            if name.lower() in _TELLING:
                field = {"schema": {"type": "string"}, "example": masked(value, sample.known)}
                found.setdefault(name.title(), field)
    return found


def _links(sample: Sample, everything: Sequence[ObservedOperation], point_to: PointTo) -> Iterator[tuple[str, Object]]:
    """From a response to the operations whose path parameters it gives."""
    for keep in sample.step.keeps:
        if keep.part != "json" or keep.pattern:
            continue
        for one in everything:
            if parameter := one.takes.get((keep.variable, keep.recorded)):
                to = {"parameters": {f"path.{parameter}": f"$response.body#{keep.path}"}}
                yield f"{keep.variable}_to_{one.id}", point_to(one) | to

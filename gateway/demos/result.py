"""The result of a call, in words: as expected or not, whose response, what was kept, what differs. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from .definition.keep_rules import StepResponse
from .definition.schema import DemoStep, WhatIf
from .masking import MASK, is_secret_name, masked_header, masked_json, masked_pairs, masked_text, masked_url
from .step import PreparedCall, text_of

SHOWN = 20_000  # characters of a body in the page; the recording has all of it
PART = re.compile(
    r'(name="([^"\r\n]{0,200}+)"[^\r\n]{0,200}+(?:\r\n[^\r\n]{1,200}+){0,2}\r\n\r\n)((?:[^\r]|\r(?!\n--form-))*+)',
    re.DOTALL,
)
SAYS = ("detail", "message", "error_description", "error", "title")


@dataclass(frozen=True, slots=True)
class ShownMessage:
    """A request or a response as a page may show it: no secret in it."""

    headers: tuple[tuple[str, str], ...] = ()
    body: str = ""
    cut: bool = False


@dataclass(frozen=True, slots=True)
class CallResult:
    """One call of a demo and the result. Everything is masked: it may be shown as it is."""

    step: str  # slug
    what_if: str  # slug, "" for the step itself
    name: str  # the what-if's name or the step's title
    method: str
    url: str
    sent: ShownMessage = ShownMessage()
    answer: ShownMessage = ShownMessage()
    status: int | None = None
    reason: str = ""
    expected: bool | None = None  # None: nothing was expected
    expectation: str = ""
    why: str = ""
    says: str = ""  # the response's own words
    own: bool = False  # the gateway made this response, no upstream did
    played: bool = False  # a recording made this response
    instead: str = ""  # what the upstream did, in whose place the recording answered: "connection refused"
    failure: str = ""  # why there is no response
    hint: str = ""
    cluster: str = ""
    route: str = ""  # "catalogue@dev"
    exchange: str = ""
    recording: str = ""
    number: int | None = None  # the exchange's place in its recording
    took_ms: float = 0.0
    kept: tuple[tuple[str, str], ...] = ()
    not_kept: tuple[tuple[str, str], ...] = ()
    trouble: str = ""  # how the step's function failed after this response

    @property
    def verdict(self) -> str:
        """as expected | not expected | sent | not sent."""
        if self.failure and self.status is None:
            return "not sent" if not self.method else "no answer"
        return {True: "as expected", False: "not expected", None: "sent"}[self.expected]


@dataclass(frozen=True, slots=True)
class CallJudgement:
    expected: bool | None
    expectation: str
    why: str


def judge(step: DemoStep, what_if: WhatIf | None, status: int) -> CallJudgement:
    """Compare a status with what the step or the what-if expects, and say why in its words."""
    if what_if is None:
        return CallJudgement(status in step.expect, step.expect.text, step.why)
    if what_if.expect is None:
        return CallJudgement(None, "", what_if.why)
    return CallJudgement(status in what_if.expect, what_if.expect.text, what_if.why)


def shown_request(call: PreparedCall, secrets: Sequence[str]) -> ShownMessage:
    body = _readable(call.body or b"")
    kind = next((value for name, value in call.headers if name.lower() == "content-type"), "")
    via = [("Gateway-Env", ", ".join(f"{name}={value}" for name, value in call.via.items()))] if call.via else []
    return _shown((*call.headers, *via), body, kind, (*secrets, *call.secrets), True)


def shown_answer(answer: StepResponse, secrets: Sequence[str]) -> ShownMessage:
    kind = next((value for name, value in answer.headers if name.lower() == "content-type"), "")
    return _shown(answer.headers, _readable(answer.body), kind, secrets, answer.complete)


def _readable(body: bytes) -> str:
    """The text of a body; what is none is only counted."""
    return f"{len(body)} bytes that are not text" if b"\0" in body[:1000] else body.decode("utf-8", "replace")


def _shown(
    headers: Sequence[tuple[str, str]], body: str, kind: str, secrets: Sequence[str], complete: bool
) -> ShownMessage:
    text = _pretty(body, kind)
    return ShownMessage(
        headers=tuple((name, masked_text(masked_header(name, value), secrets)) for name, value in headers),
        body=masked_text(text, secrets)[:SHOWN],
        cut=len(text) > SHOWN or not complete,
    )


def _pretty(body: str, kind: str) -> str:
    """JSON indented and masked by its keys; a form masked by its names; anything else as it is."""
    if "x-www-form-urlencoded" in kind:
        return masked_pairs(body)
    if kind.startswith("multipart/form-data"):
        return PART.sub(lambda part: f"{part[1]}{MASK}" if is_secret_name(part[2]) else part[0], body)
    try:
        return json.dumps(masked_json(json.loads(body)), ensure_ascii=False, indent=2) if body else ""
    except (ValueError, RecursionError):
        return body


def says(answer: StepResponse, secrets: Sequence[str]) -> str:
    """The sentence in a JSON error, where there is one."""
    try:
        document = json.loads(answer.body) if answer.status >= 400 else None
    except (ValueError, RecursionError):
        return ""
    if not isinstance(document, dict):
        return ""
    sentence = next((document[name] for name in SAYS if isinstance(document.get(name), str)), "")
    return masked_text(sentence[:500], secrets)


def shown_url(url: str, secrets: Sequence[str]) -> str:
    return masked_text(masked_url(url), secrets)


def shown_values(values: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Session values for a page: secrets by name masked, long ones cut."""
    return tuple(
        (name, MASK if is_secret_name(name) else text_of(masked_json(value))[:200]) for name, value in values.items()
    )


@dataclass(frozen=True, slots=True)
class CallComparison:
    """Two results side by side: only what differs, and which side it lies on."""

    verdict: str
    rows: tuple[tuple[str, str, str], ...]


def compare(first: CallResult, second: CallResult) -> CallComparison:
    """What differs between two results of the same step."""
    asked = (
        ("method", first.method, second.method),
        ("address", unquote(first.url), unquote(second.url)),
        ("request headers", _lines(first.sent, "Gateway-Env"), _lines(second.sent, "Gateway-Env")),
        ("request body", first.sent.body, second.sent.body),
    )
    route = ("route", first.route or "none", second.route or "none")
    answered = (
        ("status", _status(first), _status(second)),
        ("it says", first.says, second.says),
        ("body", first.answer.body, second.answer.body),
    )
    request_differs = any(a != b for _, a, b in asked)
    rows = tuple(row for row in (*asked, route, *answered) if row[1] != row[2])
    return CallComparison(_verdict(request_differs, route[1] != route[2], len(rows)), rows)


def _verdict(request: bool, route: bool, rows: int) -> str:
    if request and route:
        return "both the request and the route"
    if route:
        return "the route, not the request"
    if request:
        return "the request, not the route"
    return "only the answer: the same request on the same route" if rows else "nothing"


def _lines(shown: ShownMessage, without: str) -> str:
    return "\n".join(f"{name}: {value}" for name, value in shown.headers if name != without)


def _status(result: CallResult) -> str:
    return f"{result.status} {result.reason}".strip() if result.status is not None else "no answer"

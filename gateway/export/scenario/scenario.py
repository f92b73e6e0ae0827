"""The one scenario that documents and runnable formats are written from. Pure.

Clusters, what the client must bring (inputs, secrets), steps with their expected outcome, and the values that an
answer gives and a later request needs. Secrets are variables without a value.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace

from ...correlation import Decisions
from ...diagrams.noise import hidden, noise
from ...model import headers
from ...model.bodies import decoded, text_of
from ...model.exchange import Exchange
from ...model.message import Message, Request
from ...model.recording import Recording
from ..urls import ascii_url, sendable, split_origin
from .path_evidence import literal_segments
from .public_paths import PublicTarget, key_of, targets
from .sealed_secrets import PLACEHOLDER
from .templated_text import Text, VariableUse, free, identifier, split
from .variables import Flows, InputVariable, KeptVariable, flows

# Written by every client for the connection it really has, or by the gateway and its tracing.
_OURS = frozenset((
    *headers.HOP_BY_HOP, *headers.FRAMING, *headers.GATEWAY_REQUEST, *headers.GATEWAY_RESPONSE, *headers.USER_AGENT,
    "content-encoding", "cookie", "forwarded", "traceparent", "tracestate", "via",
))  # fmt: skip
MANY = 4  # secrets in one place of so many steps are named together
_HINTS = ("sec-", "x-forwarded-", "if-none-match", "if-modified-since", "accept-language")
_SIGNATURES = ("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256")  # schemes whose credentials are made for each request
_NONE = Decisions()
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110 section 5.6.2; imported names may be anything
_SECRET = re.compile(PLACEHOLDER.pattern.decode())
_KEY = re.compile(r"""(?<![\w.\[\]-])([\w.\[\]-]++)["']?\s*+(?:[:=]|%3D)\s*+["']?(?:\w+ )?$""")


@dataclass(frozen=True, slots=True)
class Payload:
    """A request body without its content encodings: text with variables, or bytes where it is none."""

    media: str = ""
    text: Text = ()
    data: bytes = b""

    @property
    def is_text(self) -> bool:
        return bool(self.text) or not self.data


@dataclass(frozen=True, slots=True)
class ScenarioStep:
    """One request to send and what is expected to come back. `path` follows the target's base."""

    number: int
    exchange: Exchange
    target: PublicTarget
    path: Text
    headers: tuple[tuple[str, Text], ...]
    body: Payload
    keeps: tuple[KeptVariable, ...]
    obstacle: str  # why no client can send it from this recording, or ""

    @property
    def method(self) -> str:
        return self.exchange.method

    @property
    def status(self) -> int:
        """What is expected; 0 where the recording has no status."""
        return self.exchange.status or 0

    @property
    def name(self) -> str:
        """The first line of its first note, else method and path."""
        note = next((note.strip().splitlines()[0] for note in self.exchange.notes if note.strip()), "")
        return note or f"{self.method} {self.exchange.path}"


@dataclass(frozen=True, slots=True)
class Scenario:
    """A recording as something to be done again."""

    recording: Recording
    targets: tuple[PublicTarget, ...]
    inputs: tuple[InputVariable, ...]
    steps: tuple[ScenarioStep, ...]
    hidden: str  # "hidden: 3 preflights", or ""
    left: Mapping[int, tuple[str, ...]] = field(default_factory=dict)  # step -> values that no file can carry on

    @property
    def title(self) -> str:
        return self.recording.title.strip() or f"Recording {self.recording.id}"

    @property
    def skipped(self) -> tuple[ScenarioStep, ...]:
        return tuple(step for step in self.steps if step.obstacle)


def secrets_by_place(found: Scenario) -> list[tuple[list[str], str]]:
    """The secrets that a client brings: (variables, what they are), for people.

    What stands in one place of many steps is one row with its first and its last variable: signatures and idempotency
    keys are made for each request.
    """
    rows: dict[str, list[InputVariable]] = {}
    for one in found.inputs:
        if one.secret:
            rows.setdefault(one.about.partition(" of step ")[0], []).append(one)
    out: list[tuple[list[str], str]] = []
    for place, members in rows.items():
        if len(members) < MANY:
            out += [([one.variable], one.about) for one in members]
        else:
            first, last = members[0].about.rpartition(" ")[2], members[-1].about.rpartition(" ")[2]
            about = f"{place}, {len(members)} values in steps {first} to {last}: each request has its own"
            out.append(([members[0].variable, members[-1].variable], about))
    return out


def scenario(recording: Recording, exchanges: Sequence[Exchange], decisions: Decisions = _NONE) -> Scenario:
    """The scenario of a recording. Preflights, assets and health checks are left out and counted."""
    kinds = [noise(exchange) for exchange in exchanges]
    if all(kinds):
        kinds = [""] * len(exchanges)
    shown = [exchange for exchange, kind in zip(exchanges, kinds, strict=True) if not kind]
    where = targets(shown)
    taken = {target.variable for target in where.values()}
    literals = {(step, "path", str(number)) for step, number in literal_segments(shown, where)}
    values = flows(shown, decisions, taken=taken, literals=literals)
    secrets = _secrets(shown, values, {target.variable for target in where.values()})
    variables = {text: VariableUse(one.variable, text) for text, one in secrets.items()}
    jar: set[str] = set()
    steps = []
    for exchange in shown:
        steps.append(_step(exchange, where[key_of(exchange)], values, variables, jar))
        jar |= _set_cookies(exchange)
    used = {name for step in steps for name in _used(step)}
    steps = [replace(step, keeps=tuple(keep for keep in step.keeps if keep.variable in used)) for step in steps]
    inputs = (*(one for one in values.inputs if one.variable in used), *_needed(secrets.values(), used))
    unseen = hidden([kind for kind in kinds if kind])
    return Scenario(recording, tuple(where.values()), inputs, tuple(steps), unseen, values.left)


def _needed(secrets: Iterable[InputVariable], used: Set[str]) -> Iterator[InputVariable]:
    """A cookie that a response has set is sent by the client's jar: nobody has to bring it."""
    return (one for one in secrets if one.variable in used)


def _used(step: ScenarioStep) -> Iterator[str]:
    for text in (step.path, step.body.text, *(value for _, value in step.headers)):
        yield from (part.name for part in text if isinstance(part, VariableUse))


def _step(
    exchange: Exchange, target: PublicTarget, values: Flows, secrets: Mapping[str, VariableUse], jar: set[str]
) -> ScenarioStep:
    request, marks = values.marked(exchange)
    uses = {**secrets, **marks}
    url = ascii_url(split_origin(request.target)[1] if "://" in request.target else request.target)
    prefix = split_origin(target.base)[1]
    data, _ = decoded(request)
    text = _text(request)
    if text is None and data and data.isascii() and b"\0" not in data:
        text = data.decode()
    payload = Payload(request.content_type, split(text, uses) if text else (), data)
    return ScenarioStep(
        number=exchange.step,
        exchange=exchange,
        target=target,
        path=split(sendable(url.removeprefix(prefix)), uses),
        headers=tuple(_headers(exchange, request, uses, jar)),
        body=payload,
        keeps=values.keeps(exchange.step),
        obstacle=_obstacle(exchange),
    )


def _text(request: Message) -> str | None:
    """Text that is its own bytes again in UTF-8; nothing else can stand in a file as it is."""
    text = text_of(request)
    if text is None or "\0" in text:
        return None
    return text if text.encode() == decoded(request)[0] else None


def _headers(
    exchange: Exchange, request: Message, uses: Mapping[str, VariableUse], jar: set[str]
) -> Iterator[tuple[str, Text]]:
    """What the client chose to say; cookies only those that no response has set."""
    crumbs = []
    overridden = False
    for name, value in request.headers:
        low = name.lower()
        if low == "cookie":
            crumbs += [crumb.strip() for crumb in value.split(";") if crumb.partition("=")[0].strip() not in jar]
        elif (
            _TOKEN.fullmatch(name)
            and low not in _OURS
            and not low.startswith(_HINTS)
            and not (low == "accept" and value == "*/*")
        ):
            overridden |= low == "gateway-env"
            yield name, split(_line(value), uses)
    if kept := [crumb for crumb in crumbs if crumb]:
        yield "Cookie", split(_line("; ".join(kept)), uses)
    if exchange.override and exchange.cluster and not overridden:
        yield "Gateway-Env", (f"{exchange.cluster}={exchange.environment}",)


def _line(value: str) -> str:
    return re.sub(r"[\x00-\x08\x0a-\x1f\x7f]+", " ", value).strip()  # RFC 9110 section 5.5 knows no others


def _set_cookies(exchange: Exchange) -> set[str]:
    fields = exchange.response.headers if exchange.response else ()
    return {value.partition("=")[0].strip() for name, value in fields if name.lower() == "set-cookie"}


def _obstacle(exchange: Exchange) -> str:
    body = exchange.request.body
    if exchange.stream == "websocket":
        return "it is a WebSocket"
    if exchange.method == "CONNECT":
        return "CONNECT is the business of proxies"
    if not re.fullmatch("[A-Z]+", exchange.method):
        return "its method is not of capital letters"
    if body.truncated:
        kept = len(body.data) if body.kept is None else body.kept
        return f"the recording kept {kept} of {body.size} bytes of its body"
    return ""


def _secrets(exchanges: Sequence[Exchange], values: Flows, taken: set[str]) -> dict[str, InputVariable]:
    """Sealed secrets that requests say first, by placeholder: the client's to bring, and empty."""
    found: dict[str, InputVariable] = {}
    taken = taken | values.variables
    for exchange in exchanges:
        request, marks = values.marked(exchange)
        for place, text in _places(request):
            for match in _SECRET.finditer(text):
                if match[0] not in found and match[0] not in marks:
                    name = _name(place, text[max(0, match.start() - 60) : match.start()], taken)
                    found[match[0]] = InputVariable(name, "", True, f"{place} of step {exchange.step}")
    return found


def _places(request: Request) -> Iterator[tuple[str, str]]:
    yield "the URL", request.target
    for name, value in request.headers:
        yield f"header {name}", value
    yield "the body", decoded(request)[0].decode("utf-8", "replace")


def _name(place: str, before: str, taken: set[str]) -> str:
    key = _KEY.search(before)
    word = key[1] if key else place.removeprefix("header ").removeprefix("the ")
    if before.rstrip().endswith(_SIGNATURES):
        word = "signature"
    return free(identifier("token" if word.lower() == "authorization" else word, "secret"), taken)

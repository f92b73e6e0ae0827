"""Sends a recording's requests again through the gateway's own public URLs, as any client would. I/O."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from time import monotonic, time
from typing import TYPE_CHECKING, Final, Literal
from urllib.parse import quote, urlsplit
from uuid import uuid4

import aiohttp
from yarl import URL

from .errors import GatewayError, NotFoundError, UsageError
from .ids import new_id
from .model.exchange import Exchange
from .model.message import Body, Request, Response, header_text
from .protocols import PlaybackMode
from .replay.card import Card, card
from .replay.correlation import Correlations, correlate
from .replay.diff import context_of, diff_answers, outcome
from .replay.drift import drift_of
from .replay.guard import Finding, findings
from .replay.plan import Action, Conversation, Send, Stop, Wanted, plan
from .replay.playback import Playback
from .replay.report import Result, StepResult

if TYPE_CHECKING:
    from .protocols import Services, Store
    from .replay.tape import Tape

LONGEST: Final = 300.0  # seconds for one answer; the gateway's own limits are shorter
LARGEST: Final = 64 << 20  # bytes of an answer that values are looked for in
STORED: Final = 5.0  # seconds to wait for the record of an answer
AFTER: Final = 5.0  # seconds that a stream may take longer than it did

Kind = Literal["replay", "variant"]
Seen = Callable[[StepResult], None]
Gate = Callable[[Action], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class Order:
    """What to replay, and as what it is recorded."""

    recording: str  # a full id
    wanted: Wanted = field(default_factory=Wanted)
    yes: bool = False  # the answer to the guard's "ask"
    tape: Tape | None = None  # answered from it, no upstream touched
    kind: Kind = "replay"
    branched_at: int | None = None
    title: str = ""


async def replay(services: Services, order: Order, *, seen: Seen | None = None, gate: Gate | None = None) -> Result:
    """Run it. `seen` is called after every step, `gate` before: it answers "go", "skip" or "stop"."""
    exchanges = await asyncio.to_thread(all_steps, services.store, order.recording)
    _check(order.wanted, exchanges, services)
    secrets = await asyncio.to_thread(services.secrets, order.recording)
    correlations = await asyncio.to_thread(_correlated, services.store, order.recording, exchanges)
    found = findings(exchanges, correlations, order.wanted, services.routes.table, secrets=secrets, now=time())
    warnings = tuple(f"step {one.step}: {one.message}" for one in found if one.kind == "warning")
    forbidden = {} if order.tape else guarded(found, yes=order.yes)
    if forbidden:
        steps = tuple(_unsent(exchange, order.wanted, forbidden) for exchange in exchanges)
        return Result("", order.recording, steps, warnings)
    session = f"{order.kind}-{new_id()}"
    recording = await _begin(services, order, session)
    conversation = plan(exchanges, correlations, order.wanted, secrets=secrets, new_key=lambda: str(uuid4()))
    timeout = aiohttp.ClientTimeout(total=LONGEST)
    async with aiohttp.ClientSession(
        auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar(), timeout=timeout, max_field_size=1 << 16,
        max_line_size=1 << 16,
    ) as http:  # fmt: skip
        driver = Driver(services, http, session, {one.step: one for one in exchanges}, correlations)
        steps = tuple(await _drive(conversation, driver, seen, gate))
    sent = any(step.exchange for step in steps)
    return Result(recording if sent else "", order.recording, steps, warnings)


async def _begin(services: Services, order: Order, session: str) -> str:
    """A session of its own, whose recording says what it is."""
    live, _ = services.sessions.identify([(b"Gateway-Session", session.encode())], client="")
    live.mode = "replay"
    if order.tape:
        playing = PlaybackMode("playback", Playback(order.tape, shift=False))
        live.modes |= dict.fromkeys(order.tape.by_cluster, playing)
    parent = await asyncio.to_thread(services.store.recording, order.recording)
    title = order.title or f"{'Replay' if order.kind == 'replay' else 'What if'}: {parent.title}"[:200]
    await asyncio.wrap_future(
        services.recorder.describe_recording(
            live.recording, session, kind=order.kind, parent=order.recording, branched_at=order.branched_at,
            title=title,
        )
    )  # fmt: skip
    return live.recording


async def _drive(
    conversation: Conversation, driver: Driver, seen: Seen | None, gate: Gate | None
) -> Sequence[StepResult]:
    """Ask the plan for actions, do them, tell it what came."""
    steps: list[StepResult] = []
    answer: Response | None = None
    while True:
        action = await asyncio.to_thread(_next, conversation, answer)
        if action is None:
            return steps
        answer = None
        word = await gate(action) if gate and isinstance(action, Send) else "go"
        if word == "stop":
            return [*steps, *driver.stopped_at(action.step, "stopped here on purpose")]
        if not isinstance(action, Send) or word == "skip":
            kind: Literal["stopped", "skipped"] = "stopped" if isinstance(action, Stop) else "skipped"
            result = driver.left_out(
                action.step, kind, "left out on purpose" if isinstance(action, Send) else action.why
            )
        else:
            try:
                answer, result = await driver.do(action)
            except GatewayError as error:
                return [*steps, *driver.stopped_at(action.step, error.message)]
        steps.append(result)
        if seen:
            seen(result)


def _next(conversation: Conversation, answer: Response | None) -> Action | None:
    """The next action, None at the end. Large bodies take a moment to be looked through: not on the loop."""
    try:
        return conversation.send(answer)
    except StopIteration:
        return None


class Driver:
    """Sends the requests of one replay and compares what comes."""

    def __init__(
        self, services: Services, http: aiohttp.ClientSession, session: str, recorded: Mapping[int, Exchange],
        correlations: Correlations,
    ) -> None:  # fmt: skip
        self._services, self._http, self._session, self._recorded = services, http, session, recorded
        self._correlations = correlations
        self._of = next(iter(recorded.values())).recording
        self._drift: dict[str, str] = {}

    def left_out(self, step: int, kind: Literal["stopped", "skipped"], why: str) -> StepResult:
        """The result of a step that was not sent."""
        return step_of(self._recorded[step], kind, message=why)

    def stopped_at(self, step: int, why: str) -> Iterator[StepResult]:
        """The replay ends at this step."""
        yield self.left_out(step, "stopped", why)
        for later in self._recorded:
            if later > step:
                yield self.left_out(later, "skipped", f"the replay stopped at step {step}")

    async def do(self, send: Send) -> tuple[Response, StepResult]:
        """Send one request; the live response as it is, and how its record compares."""
        recorded = self._recorded[send.step]
        begun = monotonic()
        response, id = await self._ask(send, recorded)
        took = (monotonic() - begun) * 1000
        stored = await self._stored(id) if id else None
        result = await asyncio.to_thread(self._compared, send, recorded, stored, response.status)
        return response, replace(result, exchange=id, took_ms=round(took, 3))

    def _compared(self, send: Send, recorded: Exchange, stored: Exchange | None, status: int) -> StepResult:
        """How the record of the answer differs; of one that is not recorded only the status is compared."""
        live = stored or replace(recorded, response=None, status=status, failure=None, environment="")
        self._drift |= drift_of(recorded, live, self._correlations)
        known = recorded if stored else replace(recorded, response=None, failure=None)
        differences = tuple(diff_answers(known, live, context_of(known, live, self._drift)))
        notes = [*send.notes, *(self._suggestions(send.step) if outcome(differences) == "differs" else ())]
        return StepResult(
            step=send.step, method=send.request.method, path=recorded.path, outcome=outcome(differences),
            status=status, recorded_status=recorded.status, differences=differences, bindings=send.bindings,
            message="; ".join(notes), where=f"{live.cluster}@{live.environment}".strip("@"),
            failure=live.failure.kind if live.failure and not recorded.failure else "",
            card=self._card(recorded, stored) if stored else None,
        )  # fmt: skip

    def _suggestions(self, step: int) -> Iterator[str]:
        """A step that deviates may need a value that waits for a decision."""
        for binding in self._correlations.suggested([step]):
            yield (
                f"{binding.variable} may come from step {binding.source.step}: "
                f"gateway annotate {self._of} --accept {binding.id} uses this run's own"
            )

    def _card(self, recorded: Exchange, live: Exchange) -> Card | None:
        """Why one of the two failed, when only one did."""
        back = {now: then for then, now in self._drift.items()}
        return card(live, recorded, self._drift) or card(recorded, live, back)

    async def _ask(self, send: Send, recorded: Exchange) -> tuple[Response, str]:
        """The live response with its body as it came, and the id of its exchange."""
        request, base = send.request, self._services.url()
        headers = [*_at(base, request, recorded), ("Gateway-Session", self._session)]
        if send.environments:
            headers.append(("Gateway-Env", ", ".join(f"{name}={value}" for name, value in send.environments.items())))
        try:
            async with self._http.request(
                request.method, URL(base + _path(request.target), encoded=True), headers=headers,
                data=request.body.data or None, allow_redirects=False,
                skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
            ) as answer:  # fmt: skip
                data, size = await _body(answer, recorded)
                fields = tuple((header_text(name), header_text(value)) for name, value in answer.raw_headers)
                id = answer.headers.get("Gateway-Exchange", "")
                return Response("1.1", fields, Body(size, data), status=answer.status, reason=answer.reason or ""), id
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise GatewayError(f"no answer came: {str(error) or type(error).__name__}") from None

    async def _stored(self, id: str) -> Exchange | None:
        """The record of the answer: its secrets are placeholders, as in the recording. None when it is not recorded."""
        until = monotonic() + STORED
        found: Exchange | None = None
        while monotonic() < until:
            try:
                found = await asyncio.to_thread(self._services.store.exchange, id)
                if found.state != "open":
                    return found
            except NotFoundError:
                if self._services.routes.table.recording.skip:
                    return None
            await asyncio.sleep(0.02)
        return found


async def _body(answer: aiohttp.ClientResponse, recorded: Exchange) -> tuple[bytes, int]:
    """All of a body, or of a stream what comes in about the time that it took when it was recorded."""
    pieces: list[bytes] = []
    size = 0
    limit = (recorded.timing.total_ms or 0) / 1000 + (0 if recorded.failure else AFTER) if recorded.stream else None
    try:
        async with asyncio.timeout(limit):
            async for piece in answer.content.iter_any():
                size += len(piece)
                if size <= LARGEST:
                    pieces.append(piece)
    except TimeoutError:
        answer.close()
    except aiohttp.ClientPayloadError:  # it broke off, which the record says in its own words
        pass
    return b"".join(pieces), size


def _at(base: str, request: Request, recorded: Exchange) -> list[tuple[str, str]]:
    """The fields, those that name the gateway as it was reached then naming it as it is reached now."""
    parts = urlsplit(recorded.url)
    then = f"{parts.scheme}://{parts.netloc}"
    return [
        (name, base + value[len(then) :] if name.lower() in ("origin", "referer") and value.startswith(then) else value)
        for name, value in request.headers
    ]


def _path(target: str) -> str:
    """The target as path and query; bytes that no URL may hold are percent-encoded."""
    if not target.startswith("/"):
        parts = urlsplit(target)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return quote(target.encode("latin-1", "replace"), safe="/%:@!$&'()*+,;=~?#[]{}|^`\"<>\\")


# -- what is known before


def all_steps(store: Store, recording: str) -> list[Exchange]:
    """Every exchange of a recording. Blocking."""
    page = store.exchanges(recording)
    found = list(page.items)
    while page.next:
        page = store.exchanges(recording, cursor=page.next)
        found += page.items
    return found


def _correlated(store: Store, recording: str, exchanges: Sequence[Exchange]) -> Correlations:
    return correlate(exchanges, store.decisions(recording))


def _check(wanted: Wanted, exchanges: Sequence[Exchange], services: Services) -> None:
    """UsageError where steps, clusters or environments do not exist."""
    steps = [exchange.step for exchange in exchanges]
    if not steps:
        raise UsageError("the recording has no steps")
    for step in (wanted.first, wanted.last, *wanted.edits, *wanted.environments):
        if step is not None and step not in steps:
            raise UsageError(f"the recording has no step {step}", hint=f"it has {steps[0]} to {steps[-1]}")
    if wanted.last is not None and wanted.last < wanted.first:
        raise UsageError(f"steps {wanted.first} to {wanted.last} are none")
    clusters = services.routes.table.clusters
    for chosen in (wanted.to, *wanted.environments.values()):
        for cluster, environment in chosen.items():
            if cluster not in clusters:
                raise UsageError(f"no cluster is named {cluster!r}", hint=f"the clusters are {', '.join(clusters)}")
            if environment not in clusters[cluster].upstreams:
                known = ", ".join(clusters[cluster].upstreams)
                raise UsageError(f"{cluster} has no environment {environment!r}", hint=f"it lives in {known}")


def guarded(found: Sequence[Finding], *, yes: bool) -> dict[int, str]:
    """step -> why the write guard does not let it pass."""
    refused = {one.step: f"{one.message}; --until {one.step - 1} replays the steps before it" for one in found
               if one.kind == "refused"}  # fmt: skip
    asked = {} if yes else {one.step: f"{one.message}; --yes lets it" for one in found if one.kind == "ask"}
    return asked | refused


def _unsent(exchange: Exchange, wanted: Wanted, forbidden: Mapping[int, str]) -> StepResult:
    if exchange.step in forbidden:
        return step_of(exchange, "stopped", message=forbidden[exchange.step])
    why = "nothing was sent: the write guard stopped the replay" if wanted.includes(exchange.step) else ""
    return step_of(exchange, "skipped", message=why or "left out on purpose")


def step_of(exchange: Exchange, kind: Literal["stopped", "skipped"], *, message: str) -> StepResult:
    """The result of a step that was not sent."""
    return StepResult(
        exchange.step, exchange.method, exchange.path, kind, recorded_status=exchange.status, message=message
    )

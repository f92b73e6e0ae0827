"""Sends the requests of one replay, and compares what comes with what was recorded. I/O."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, Literal
from urllib.parse import quote, urlsplit

import aiohttp
from yarl import URL

from ..correlation import Correlations
from ..correlation.information import HIGH, bits_of
from ..errors import GatewayError, NotFoundError, UsageError
from ..model.exchange import Exchange
from ..model.message import Body, Request, Response, header_text
from .assertions import Assertion, Checked, check
from .differences.difference import Difference, context_of, diff_answers, outcome
from .differences.learned_noise import learned
from .differences.list_noise import LaterRequests
from .differences.noise import Drift
from .differences.step_pairs import giving_of, learn_drift
from .differences.stream_difference import SocketMessage, conversation, diff_conversations
from .error_card import Card, card, changed_words, fault_told
from .fault import Fault, altered
from .message_values import MessageValues, events_of, response_with, with_messages
from .move_cause import moved_between
from .plan import Send
from .report import Outcome, StepResult
from .socket_client import SaysMessage, talk
from .unseal import revealed, revealed_text

if TYPE_CHECKING:
    from ..model.recording import Revision
    from ..protocols import LiveSession, Services


LONGEST: Final = 300.0  # seconds for one response; the gateway's own limits are shorter
LARGEST_RESPONSE: Final = 64 << 20  # bytes of a response that values are looked for in
SUGGESTIONS: Final = 3  # that a step names
STORED: Final = 5.0  # seconds to wait for the record of a response
STREAM_EXTRA: Final = 5.0  # seconds that a stream may take longer than it did


class Driver:
    """Sends the requests of one replay and compares what comes."""

    def __init__(
        self, services: Services, http: aiohttp.ClientSession, live: LiveSession, recorded: Sequence[Exchange],
        correlations: Correlations, secrets: Mapping[str, str], assertions: Sequence[Assertion] = (), *,
        only_assertions: bool = False, revisions: Sequence[Revision] = (),
        earlier: Mapping[int, Sequence[Exchange]] | None = None,
    ) -> None:  # fmt: skip
        self._earlier = earlier or {}  # step -> the same step of earlier replays of the recording
        self._revisions = revisions
        self._assertions, self._only_assertions = assertions, only_assertions
        self._services, self._http, self._live, self._chain = services, http, live, recorded
        self._recorded = {one.step: one for one in recorded}
        self._correlations, self._secrets = correlations, secrets
        self._giving = giving_of(correlations)
        self._of = recorded[0].recording
        self._drift, self._later = Drift(), LaterRequests(recorded)
        self._changed, self._changed_at = "", 0  # what was sent otherwise than recorded, and at which step, first
        self._lived: list[Exchange] = []  # what was answered in this run so far
        self._responses: dict[int, Response] = {}  # the same as it came, by step
        self._partly: dict[int, Callable[[], Response]] = {}  # of a stream that is open: what has come
        self._comparing = asyncio.Lock()  # calls may be open beside one another; what is learned of them is one

    def left_out(self, step: int, kind: Literal["stopped", "skipped"], why: str) -> StepResult:
        """The result of a step that was not sent."""
        return step_of(self._recorded[step], kind, message=why)

    def so_far(self, step: int) -> Response | None:
        """What a step that is still open has given; None where nothing can be told yet."""
        partly = self._partly.get(step)
        return partly() if partly else None

    async def do(self, send: Send) -> tuple[Response, StepResult]:
        """Send one request; the live response as it is, and how its record compares."""
        recorded = self._recorded[send.step]
        begun = monotonic()
        with self._fault(send):
            response, id = await self._ask(send, recorded)
        self._responses[send.step] = response
        took = (monotonic() - begun) * 1000
        self._partly.pop(send.step, None)
        stored = await self._stored(id) if id else None
        async with self._comparing:
            said = await asyncio.to_thread(self._said, recorded, stored) if recorded.stream else ()
            result = await asyncio.to_thread(self._compared, send, recorded, stored, response, said)
            if stored is not None and not self._changed and (told := changed_words(recorded, stored, self._drift)):
                self._changed, self._changed_at = told, send.step
            self._lived += [stored] if stored else []
        recorded_ms = stored.timing.total_ms if stored else None  # one exchange has one time, wherever it is shown
        return response, replace(result, exchange=id, took_ms=round(took if recorded_ms is None else recorded_ms, 3))

    async def is_there(self, send: Send) -> bool:
        """Whether the server has what the path of a step names: asked by a GET that changes nothing."""
        headers = tuple(pair for pair in send.request.headers if not pair[0].lower().startswith(("content-", "if-")))
        look = replace(send.request, method="GET", headers=headers, body=Body())
        try:
            response, _ = await self._ask(replace(send, request=look), replace(self._recorded[send.step], stream=""))
        except GatewayError:
            return False
        return response.status < 300

    @contextmanager
    def _fault(self, send: Send) -> Iterator[None]:
        """Inject it into the calls of this run's session, for this one request."""
        cluster = self._services.routes.table.match(send.request.target.partition("?")[0].encode("latin-1", "replace"))
        if send.fault is None or cluster is None:
            yield
            return
        self._live.faults[cluster.name] = send.fault
        try:
            yield
        finally:
            self._live.faults.pop(cluster.name, None)

    def _compared(
        self, send: Send, recorded: Exchange, stored: Exchange | None, answer: Response, said: Sequence[Difference]
    ) -> StepResult:
        """How the record of the response differs; of one that is not recorded only the status is compared."""
        live = stored or replace(recorded, response=None, status=answer.status, failure=None, environment="")
        chunks = self._services.store.chunks
        learn_drift(self._drift, with_messages(recorded, chunks), with_messages(live, chunks), self._giving)
        known = recorded if stored else replace(recorded, response=None, failure=None)
        moves = moved_between(known, live, self._revisions)
        before = learned(recorded, self._earlier.get(send.step, ()), live.cluster, live.environment)
        context = replace(
            context_of(known, live, self._drift), moves=moves, used=self._later.after(recorded), learned=before
        )  # fmt: skip
        differences = (*diff_answers(known, live, context), *said)
        notes = [*send.notes, *_not_injected(send.fault, stored, answer)]
        notes += [f"injected: {told}"] if stored and (told := fault_told(stored)) else []
        notes += self._suggestions(send.step) if outcome(differences) in ("unsure", "differs") else ()
        held = tuple(check([one for one in self._assertions if one.step == send.step], live))
        return StepResult(
            step=send.step, method=send.request.method, path=recorded.path,
            outcome=doubted(self._outcome(differences, held), doubtful=send.doubtful),
            status=answer.status, recorded_status=recorded.status, differences=differences, bindings=send.bindings,
            message="; ".join(notes), where=f"{live.cluster}@{live.environment}".strip("@"),
            failure=live.failure.kind if live.failure and not recorded.failure else "",
            card=self._card(recorded, stored) if stored else None, assertions=held,
        )  # fmt: skip

    def _outcome(self, differences: Sequence[Difference], held: Sequence[Checked]) -> Outcome:
        """An assertion that does not hold makes a step differ; where only they count, nothing else does."""
        found = outcome(differences)
        if not all(one.passed for one in held):
            return "differs"
        return "expected" if self._only_assertions and found in ("unsure", "differs") else found

    def _said(self, recorded: Exchange, stored: Exchange | None) -> tuple[Difference, ...]:
        """How the server's messages differ. Blocking."""
        if stored is None or stored.stream != recorded.stream:
            return ()
        chunks = self._services.store.chunks
        one, other = (conversation(each, chunks(each.id)) for each in (recorded, stored))
        return tuple(diff_conversations(one, other, context_of(recorded, stored, self._drift)))

    def _suggestions(self, step: int) -> Iterator[str]:
        """A step that deviates may need a value that waits for a decision."""
        found = self._correlations.suggested([step])
        for binding in found[:SUGGESTIONS]:
            yield (
                f"{binding.variable} may come from step {binding.source.step}: "
                f"gateway annotate {self._of} --accept {binding.id} uses this run's own"
            )
        if len(found) > SUGGESTIONS:
            yield f"gateway show {self._of} --correlations lists {len(found) - SUGGESTIONS} more"

    def _card(self, recorded: Exchange, live: Exchange) -> Card | None:
        """Why one of the two failed, when only one did."""
        back = {now: then for then, now in self._drift.items()}
        then = [one for one in self._chain if one.step < recorded.step]
        changed = self._changed if self._changed_at < recorded.step else ""
        return card(live, recorded, self._drift, before=(self._lived, then), changed=changed) or card(
            recorded, live, back, before=(then, self._lived)
        )

    async def _ask(self, send: Send, recorded: Exchange) -> tuple[Response, str]:
        """The live response with its body as it came, and the id of its exchange."""
        request, base = send.request, self._services.url()
        own = [pair for pair in _at(base, request, recorded) if pair[0].lower() != "gateway-session"]
        headers = [*own, ("Gateway-Session", self._services.sessions.credential(self._live))]
        if send.environments:
            headers.append(("Gateway-Env", ", ".join(f"{name}={value}" for name, value in send.environments.items())))
        url = base + _path(request.target)
        try:
            if recorded.stream == "websocket":
                script, says = await asyncio.to_thread(self._script, send, recorded)
                heard: list[SocketMessage] = []
                self._partly[send.step] = lambda: response_with(Response("1.1", (), status=101), tuple(heard))
                response, id = await talk(url.replace("http", "ws", 1), headers, script, says, heard)
                return (response_with(response, heard) if heard else response), id
            async with self._http.request(
                request.method, URL(url, encoded=True), headers=headers, data=request.body.data or None,
                allow_redirects=False, skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
                middlewares=(_as_it_is(request, url.removeprefix(base), recorded.request),),
            ) as answer:  # fmt: skip
                fields = tuple((header_text(name), header_text(value)) for name, value in answer.raw_headers)
                pieces: list[bytes] = []
                if recorded.stream == "sse":
                    head = Response("1.1", fields, status=answer.status)
                    self._partly[send.step] = partial(_events_so_far, head, pieces)
                data, size = await _body(answer, recorded, pieces)
                id = answer.headers.get("Gateway-Exchange", "")
                response = Response("1.1", fields, Body(size, data), status=answer.status, reason=answer.reason or "")
                return (events_of(response) if recorded.stream == "sse" else response), id
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise GatewayError(f"no answer came: {str(error) or type(error).__name__}") from None

    def _script(self, send: Send, recorded: Exchange) -> tuple[list[SocketMessage], SaysMessage]:
        """The recorded conversation, and what makes the client's messages with this run's values. Blocking."""
        chunks = self._services.store.chunks
        script = conversation(recorded, chunks(recorded.id))
        before = [with_messages(one, chunks) for one in self._chain if one.step != recorded.step]
        values = MessageValues(recorded, script, before)

        def says(number: int, heard: Sequence[SocketMessage]) -> bytes:
            clear = partial(revealed_text, secrets=self._secrets)
            told = values.message(number, self._responses, heard, clear, anyway=send.anyway)
            return revealed(self._with_own(told), self._secrets)

        return script, says

    def _with_own(self, message: bytes) -> bytes:
        """A message with what this run has for values that chance cannot repeat, wherever in a text they stand: ids
        of kernels, subscriptions, tokens. The longest first, because one may hold another."""
        for before, after in sorted(self._drift.items(), key=lambda pair: -len(pair[0])):
            if bits_of(before) >= HIGH and before.encode() in message:
                message = message.replace(before.encode(), after.encode())
        return message

    async def _stored(self, id: str) -> Exchange | None:
        """The record of the response: its secrets are placeholders, as recorded. None when it is not recorded."""
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


class _Target:
    """A URL whose path and query go out as they are: yarl drops the empty query of "/x?"."""

    def __init__(self, url: URL, target: str) -> None:
        self._url, self.raw_path_qs = url, target

    def __getattr__(self, name: str) -> Any:
        return getattr(self._url, name)


def _as_it_is(request: Request, target: str, recorded: Request) -> aiohttp.ClientMiddlewareType:
    """The method in its own letters, the target byte for byte, and a length of no body only where there was one."""
    measured = any(name.lower() == "content-length" for name, _ in recorded.headers)

    async def exactly(sent: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
        sent.method = request.method
        if target.endswith("?"):
            sent.url = _Target(sent.url, target)  # type: ignore[assignment]
        if not request.body.data and not measured:
            sent.headers.popall("Content-Length", None)
        return await handler(sent)

    return exactly


def doubted(outcome: Outcome, *, doubtful: bool) -> Outcome:
    """A step that went out with a recorded value that this run has otherwise is never called the same."""
    return "unsure" if doubtful and outcome in ("same", "expected") else outcome


def _not_injected(fault: Fault | None, stored: Exchange | None, answer: Response) -> Iterator[str]:
    """Why a fault could not be injected, where it could not."""
    if fault is None or stored is None or stored.mode == "fault":
        return
    try:
        altered(answer, fault)
        yield "nothing was injected: the answer is a stream, or too large"
    except UsageError as error:
        yield f"nothing was injected: {error.message}"


def _events_so_far(head: Response, pieces: Sequence[bytes]) -> Response:
    data = b"".join(pieces)
    return events_of(replace(head, body=Body(len(data), data)))


async def _body(answer: aiohttp.ClientResponse, recorded: Exchange, pieces: list[bytes]) -> tuple[bytes, int]:
    """All of a body, or of a stream what comes in about the time that it took when it was recorded. What has come is
    in `pieces` from the first one on."""
    size = 0
    limit = (
        (recorded.timing.total_ms or 0) / 1000 + (0 if recorded.failure else STREAM_EXTRA) if recorded.stream else None
    )
    try:
        async with asyncio.timeout(limit):
            async for piece in answer.content.iter_any():
                size += len(piece)
                if size <= LARGEST_RESPONSE:
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


def step_of(exchange: Exchange, kind: Literal["stopped", "skipped"], *, message: str) -> StepResult:
    """The result of a step that was not sent."""
    return StepResult(
        exchange.step, exchange.method, exchange.path, kind, recorded_status=exchange.status, message=message
    )

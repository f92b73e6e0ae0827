"""An exchange of a session that plays a recording: answered from memory, or sent on when nothing recorded fits. I/O.

To the client and to the recorder it is an exchange like any other; only where its response comes from differs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Final, TypeGuard, TypeVar

from ..model.capture import Capture, RawPairs
from ..model.message import Body, Request, Response, header_text
from ..problems import ProblemDetails, problem
from ..replay.playback.echo import events_with_todays
from ..replay.playback.message_echo import MessageEcho
from ..replay.playback.playback import Missed, PlaybackMatch, kept, pairs_for, response_of
from ..replay.playback.recorded_response import PlayedResponse, answer_of
from ..replay.playback.recording_index import Opened
from ..routes.table import Cors
from .body_rewrite import RewriteFlow
from .cors import answer_preflight
from .response import ResponseHead
from .websocket_playback import SocketPlayer, accept_of

if TYPE_CHECKING:
    from ..model.exchange import Chunk, Exchange
    from ..model.frames import Frame
    from ..protocols import LiveSession, PlaybackMode
    from ..redact import SealedCapture
    from ..replay.playback.playback import Playback
    from ..replay.playback.recording_index import Tape
    from ..routes.lookup import Destination
    from ..routes.table import RouteTable
    from .client import ClientConnection
    from .request import RequestHead
    from .server import Relay

Found = TypeVar("Found")
SEALED_HERE: Final = 8 << 10  # bytes of a body that are sealed on the loop: under a millisecond
COMPARED_HERE: Final = 128 << 10  # bytes of all recorded requests together with which one is compared on the loop
ANSWERED_HERE: Final = 64 << 10  # bytes of a recorded body into which today's values are put on the loop
TRIES: Final = 5  # searches apart, while other requests of the session move the place
GATHERED: Final = 16 << 20  # bytes of a request that wait for the decision whether it goes on to the upstream
# Fields of a handshake that are the connection's own; frames are said uncompressed.
HANDSHAKE: Final = (b"connection", b"upgrade", b"sec-websocket-accept", b"sec-websocket-extensions")
GATEWAY_ERRORS: Final = (502, 503, 504)  # what a server in front of a dead upstream answers: failures as well
# What may go wrong with an upstream; the other kinds are about the request.
FAILURES: Final = frozenset(
    ("destination_unavailable", "dns_timeout", "dns_error", "connection_timeout", "destination_ip_unroutable",
     "connection_refused", "connection_terminated", "connection_read_timeout", "connection_limit_reached",
     "tls_protocol_error", "tls_certificate_error", "tls_alert_received", "http_response_incomplete",
     "http_response_header_section_size", "http_response_timeout", "http_protocol_error", "http_upgrade_failed")
)  # fmt: skip


class PlaybackFlow(RewriteFlow):
    """One exchange under way in a session whose cluster is not simply live."""

    __slots__ = (
        "_after", "_ended", "_failed", "_gathered", "_held", "_live", "_mode", "_opens", "_player", "_reading",
        "_size", "_socket", "_source", "_trailers",
    )  # fmt: skip

    def __init__(
        self, relay: Relay, client: ClientConnection, table: RouteTable, destination: Destination,
        request: RequestHead, session: LiveSession, cookie: bytes | None, capture: Capture,
    ) -> None:  # fmt: skip
        super().__init__(relay, client, table, destination, request, session, cookie, capture)
        self._mode: PlaybackMode = session.modes[self.cluster.name]
        # Where people sign in, what was sealed is for the client with the session's own cookie: a name, or an address
        # and a browser that look alike, prove nothing.
        self._opens = session.by_cookie or not relay.needs_sign_in()
        self._live = self._mode.mode == "live-then-playback"  # it goes, or has gone, to the upstream
        self._gathered: list[bytes] = []
        self._held: list[Callable[[], None]] | None = None  # what the upstream says while the request is sealed
        self._size = 0
        self._trailers: RawPairs = []
        self._ended = False  # the request is complete
        self._failed: ProblemDetails | None = None  # why the upstream has no response
        self._after = ""  # the same in a word
        self._source = ""  # the Gateway-Playback field: which step answers
        self._player: asyncio.Task[None] | None = None
        self._socket: SocketPlayer | None = None
        self._reading = asyncio.Event()  # the client takes what comes
        self._reading.set()

    # -- the request

    def _send_on(self) -> None:
        if self._live:
            super()._send_on()
        elif self.request.expect and self.client.version == "1.1":  # nobody else will say it
            self.client.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def request_data(self, data: bytes) -> None:
        """A piece of the request's body: gathered until it is known where the response comes from."""
        if self._failed is not None:
            self.outgoing.data(data, forward=False)
        elif self._live:
            super().request_data(data)
        else:
            self._size += len(data)
            if self._size <= GATHERED:
                self._gathered.append(data)
            elif self._mode.mode == "playback-then-live":
                self._gathered.append(data)
                self._go_live()

    def request_end(self, trailers: RawPairs) -> None:
        """The request is complete: now it can be looked up."""
        self._ended, self._trailers = True, trailers
        if self._live:
            super().request_end(trailers)
            if self._failed is not None:
                self._resolve()
        elif not self._done:
            self._resolve()

    def _go_live(self) -> None:
        """To the upstream, as if there was no recording."""
        gathered, self._gathered, self._live = self._gathered, [], True
        super()._send_on()
        for data in gathered:
            super().request_data(data)
        if self._ended:
            super().request_end(self._trailers)
        self.request_flush()

    # -- the decision

    def _resolve(self) -> None:
        """Look the complete request up. A large one is sealed and searched for in a thread: the loop serves the others
        meanwhile."""
        if self._is_small():
            self._decide(self._find(self._asked()))
        else:
            self._player = asyncio.get_running_loop().create_task(self._resolve_apart())

    def _is_small(self) -> bool:
        kept = sum(map(len, self._gathered or self.capture.request_body))
        light = kept <= SEALED_HERE and self._mode.playback.tape.request_bytes <= COMPARED_HERE
        return light or self.relay.seal_apart is None

    async def _resolve_apart(self) -> None:
        asked = await self._asked_apart()
        found = await self._apart(partial(self._find, asked))
        self._player = None
        if not self._done:
            self._decide(found)

    async def _apart(self, search: Callable[[Playback], Found]) -> Found:
        """What a search finds in a thread; the session's place moves as it would have on the loop. The search has a
        copy, and begins again when another request of the session came first."""
        playback = self._mode.playback
        for _ in range(TRIES):
            before, copy = playback.place(), playback.copy()
            found = await asyncio.to_thread(search, copy)
            if self._done:
                return found
            if playback.place() == before:
                playback.resume(copy.place())
                return found
        return search(playback)

    async def _asked_apart(self) -> Request:
        """As `_asked`, in a thread."""
        assert self.relay.seal_apart is not None
        seen = self._seen()
        return self._without_secrets(seen, await self.relay.seal_apart(seen))

    def _decide(self, found: PlaybackMatch | Missed) -> None:
        """Answer the complete request: from the recording, else from the upstream, else with what was nearest."""
        mode, playback = self._mode.mode, self._mode.playback
        if isinstance(found, PlaybackMatch) and (why := self._unplayable(found.exchange)):
            found = Missed(why)
        may_go = self._failed is None and self._size <= GATHERED and self.upstream is not None
        if isinstance(found, Missed) and may_go and (mode == "playback-then-live" or found.live):
            self._go_live()
            return
        self._keep_request()
        if isinstance(found, PlaybackMatch):
            self._play(found)
        elif self._failed is not None:
            failed, self._failed = self._failed, None
            super().answer(replace(failed, points=_points(found), more=_members(found)))
        elif fields := self._allowed_as_recorded():
            self.capture.mode, self.upstream = "playback", None
            self._answer_here(204, b"No Content", fields, b"")
        else:
            self.capture.mode, self.upstream = "playback", None
            super().answer(_miss(found, playback.tape.recording))

    def _allowed_as_recorded(self) -> list[bytes]:
        """For a preflight that was not recorded, because a browser remembered an earlier one: what the upstream allowed
        this origin in any response of the recording; nothing when it allowed it nothing."""
        origin = self.request.origin
        if self.client.method != b"OPTIONS" or not self.request.preflight or not origin:
            return []
        for one in self._mode.playback.tape.exchanges.values():
            headers = {name.lower(): value for name, value in one.response.headers} if one.response else {}
            allowed = headers.get("access-control-allow-origin", "")
            if one.cluster == self.cluster.name and allowed in ("*", origin.decode("latin-1")):
                asked = {name.lower(): value for name, value in self.client.headers}
                credentials = headers.get("access-control-allow-credentials") == "true"
                cors = Cors(frozenset((origin,)), credentials=credentials)
                wanted = asked.get(b"access-control-request-headers", b"")
                return answer_preflight(cors, origin, asked[b"access-control-request-method"], wanted)
        return []

    def _find(self, asked: Request, playback: Playback | None = None) -> PlaybackMatch | Missed:
        failures = self._failed is None and not self._live
        playback = playback or self._mode.playback
        return playback.find(asked, self.cluster.name, environment=self._environment(), failures=failures)

    def _follow(self, asked: Request, status: int, playback: Playback | None = None) -> None:
        playback = playback or self._mode.playback
        playback.follow(asked, self.cluster.name, status=status, environment=self._environment())

    def _environment(self) -> str | None:
        """What the request itself asked for; a pin is the session's, and says nothing about the recording."""
        return self.capture.environment if self.capture.override in ("header", "baggage") else None

    def _asked(self) -> Request:
        """The request as a recording would have it: without secrets, so that no near miss can tell one."""
        seen = self._seen()
        return self._without_secrets(seen, self.relay.seal(seen) if self.relay.seal is not None else None)

    def _without_secrets(self, seen: Capture, sealed: SealedCapture | None) -> Request:
        kept, plain = sum(map(len, seen.request_body)), False
        if sealed is not None:
            seen, plain = sealed.capture, "request" in sealed.decoded
        return self._request(seen, b"".join(seen.request_body), kept, plain=plain)

    def _seen(self) -> Capture:
        """What there is of the request to be sealed."""
        seen, capture = Capture(), self.capture
        seen.id, seen.method, seen.target = capture.id, capture.method, capture.target
        seen.request_headers, seen.redact = capture.request_headers, capture.redact
        seen.request_body = self._gathered or capture.request_body
        return seen

    def _as_sent(self) -> Request:
        """The request with its secrets: for what a response repeats of it."""
        data = b"".join(self._gathered or self.capture.request_body)
        return self._request(self.capture, data, len(data), plain=False)

    def _request(self, seen: Capture, data: bytes, kept: int, *, plain: bool) -> Request:
        return Request(
            headers=tuple((header_text(name), header_text(value)) for name, value in seen.request_headers),
            body=Body(self._size or self.capture.request_size, data, kept, plain),
            method=seen.method.decode("latin-1"), target=seen.target.decode("latin-1"),
        )  # fmt: skip

    def _unplayable(self, one: Exchange) -> str:
        """Why a step that fits cannot be given again; "" when it can."""
        if one.response is None or one.stream:
            return ""
        body = one.response.body
        if body.truncated:
            return f"the record of step {one.step} has only a part of the answer's {body.size} bytes"
        return "" if one.failure is None else f"the answer of step {one.step} broke off: {one.failure.kind}"

    def _keep_request(self) -> None:
        """What was gathered belongs to the record of this exchange."""
        gathered, self._gathered = self._gathered, []
        for data in gathered:
            self.outgoing.data(data, forward=False)
        if not self._live:
            self.outgoing.complete = self._ended
            self.capture.request_size, self.capture.request_trailers = self._size, self._trailers

    # -- the response

    def answer(self, details: ProblemDetails) -> None:
        """The gateway's own response; where the upstream failed, the recording's instead."""
        if self._done or self._failed is not None or details.kind not in FAILURES:
            super().answer(details)
            return
        self._failed, self._after = details, details.kind
        if not self._live:  # the session's environment has no upstream: the recording needs none
            self._failed = None
        elif self._ended:
            self._resolve()
        else:
            self.client.pause(False)  # it may have waited for a connection

    def response_head(self, head: ResponseHead) -> None:
        """An upstream's response; what tells that it is down counts as a failure."""
        if self._mode.mode != "live-then-playback" or head.interim or not self._ended:
            super().response_head(head)
        elif self._is_small() or head.status == 101:
            asked = self._asked()
            found = self._find(asked) if self._tells_down(head) else Missed("it answers")
            if self._may_stand_in(found):
                self._stand_in(found, head)
            else:
                super().response_head(head)
                self._follow(asked, head.status)
        else:
            self._held, self.active = [], self.relay.clock()
            self.outgoing.hold_back(True)
            self._player = asyncio.get_running_loop().create_task(self._judge_apart(head))

    async def _judge_apart(self, head: ResponseHead) -> None:
        """Pass the response on once the request is sealed, and what the upstream said meanwhile; or give the recorded
        one."""
        asked = await self._asked_apart()
        found = await self._apart(partial(self._find, asked)) if self._tells_down(head) else Missed("it answers")
        if not self._may_stand_in(found):
            await self._apart(partial(self._follow, asked, head.status))
        held, self._held, self._player = self._held or [], None, None
        if self._done or self._failed is not None:
            return
        if self._may_stand_in(found):
            self._stand_in(found, head)
            return
        super().response_head(head)
        self.outgoing.hold_back(self._client_slow)
        for event in held:
            event()
        self.response_flush()

    def _may_stand_in(self, found: PlaybackMatch | Missed) -> TypeGuard[PlaybackMatch]:
        return isinstance(found, PlaybackMatch) and not self._unplayable(found.exchange)

    def _stand_in(self, found: PlaybackMatch, head: ResponseHead) -> None:
        """Give the recorded response in place of the upstream's."""
        self._after = str(head.status)
        self.outgoing.let_go()
        self._play(found)

    def response_data(self, data: bytes) -> None:
        if self._held is None:
            super().response_data(data)
        else:
            self.active = self.relay.clock()
            self._held.append(partial(super().response_data, data))

    def upstream_failed(self, kind: str, detail: str) -> None:
        if self._held is None:
            super().upstream_failed(kind, detail)
        else:
            self.outgoing.connection = None
            self._held.append(partial(super().upstream_failed, kind, detail))

    def response_end(self, trailers: RawPairs) -> None:
        """What an upstream answered is this client's to ask for, when the recording answers later on."""
        if self._held is not None:
            self.outgoing.hold_back(False)  # another request may use the connection
            self.outgoing.connection = None
            self._held.append(partial(self.response_end, trailers))
            return
        super().response_end(trailers)

    def _complete(self, trailers: RawPairs) -> None:
        capture = self.capture
        if self._live and capture.mode != "playback":
            fields = tuple((header_text(name), header_text(value)) for name, value in capture.response_headers)
            data = b"".join(capture.response_body)
            self._mode.playback.heard(Response("1.1", fields, Body(len(data), data), status=capture.status or 0))
        super()._complete(trailers)

    def _tells_down(self, head: ResponseHead) -> bool:
        waiting = self._ended and not self._responded and self._failed is None
        return waiting and head.status in GATEWAY_ERRORS and self._mode.mode == "live-then-playback"

    def _play(self, found: PlaybackMatch) -> None:
        """Give the recorded response."""
        capture, playback = self.capture, self._mode.playback
        step = self._step(playback.tape, found.exchange)
        one = step.exchange
        sealed = "; secrets=sealed" if one.step in playback.tape.opened and not self._opens else ""
        capture.mode, capture.environment = "playback", one.environment
        capture.sent = capture.sent or self.relay.clock()
        after = f"; after={self._after}" if self._after else ""
        self._source = f"{playback.tape.recording}/{one.step}; match={found.how}{after}{sealed}"
        size = self._size + (len(one.response.body.data) if one.response is not None else 0)
        if size <= ANSWERED_HERE:
            self._give(found, step, self._today(found))
        else:
            self._player = asyncio.get_running_loop().create_task(self._give_apart(found, step))

    def _today(self, found: PlaybackMatch) -> Response | None:
        """The recorded response with what today's client said in the place of what the recorded one had."""
        tape = self._mode.playback.tape
        return response_of(found, self._as_sent(), lambda each: self._step(tape, each).exchange)

    async def _give_apart(self, found: PlaybackMatch, step: Opened) -> None:
        response = await asyncio.to_thread(self._today, found)
        self._player = None
        if not self._done:
            self._give(found, step, response)
            self.response_flush()

    def _give(self, found: PlaybackMatch, step: Opened, response: Response | None) -> None:
        one, capture, playback = step.exchange, self.capture, self._mode.playback
        if response is None:
            assert one.failure is not None
            self.upstream = None  # nobody asked it
            super().answer(problem(one.failure.kind, f"as recorded: {one.failure.detail}"))
            return
        now = datetime.fromtimestamp(capture.started_at, UTC) if playback.shift else None
        answer = answer_of(one, response, origin=self.origin.decode("latin-1"), now=now)
        self._failed = None
        if one.stream == "websocket" and answer.status == 101:
            self._play_socket(answer, step.frames, playback.pace, MessageEcho(pairs_for(found, self._as_sent(), one)))
        elif one.stream == "sse":
            coded = response.header("content-encoding")
            pairs = () if coded else pairs_for(found, self._as_sent(), one)
            self._play_stream(answer, one, events_with_todays(step.chunks, pairs), playback.pace)
        else:
            self._play_whole(answer, response)

    def _step(self, tape: Tape, one: Exchange) -> Opened:
        """The recorded step, with its secrets for who may have them."""
        opened = tape.opened.get(one.step) if self._opens else None
        return opened or Opened(one, tape.chunks.get(one.step, ()), tape.frames.get(one.step, ()))

    def _play_whole(self, answer: PlayedResponse, response: Response) -> None:
        self._begin(answer, framed=not response.trailers)
        if answer.body and not self.head_only and answer.status not in (204, 304):
            self.response_data(answer.body)
        self.response_end([(n.encode("latin-1", "replace"), v.encode()) for n, v in response.trailers])

    def _begin(self, answer: PlayedResponse, *, framed: bool) -> None:
        """The head; `framed` by the body's length, which may differ from the recorded one."""
        fields = [pair for pair in answer.fields if pair[0].lower() != b"transfer-encoding"]
        bodiless = self.head_only or answer.status in (204, 304)
        if not bodiless:
            fields = [pair for pair in fields if pair[0].lower() != b"content-length"]
            fields.append(
                (b"Content-Length", b"%d" % len(answer.body)) if framed else (b"Transfer-Encoding", b"chunked")
            )
        head = ResponseHead(answer.status, answer.reason, "1.1", fields)
        head.changing = []  # recorded as the client saw it
        super().response_head(head)
        self.capture.response_headers = [
            *self.capture.response_headers,
            (b"Gateway-Playback", self._source.encode()),
        ]

    def _play_stream(self, answer: PlayedResponse, one: Exchange, chunks: Sequence[Chunk], pace: float) -> None:
        self._begin(answer, framed=False)
        self.response_flush()
        begun = one.timing.first_byte_ms or 0.0
        pieces = [
            (max(0.0, piece.at_ms - begun) / 1000 * pace, piece.data)
            for piece in chunks
            if piece.direction == "received"
        ]
        self._player = asyncio.get_running_loop().create_task(self._pour(pieces))

    async def _pour(self, pieces: Sequence[tuple[float, bytes]]) -> None:
        """The pieces of a stream, each at its moment; a slow client delays those that follow."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        for at, data in pieces:
            if (wait := began + at - loop.time()) > 0:
                await asyncio.sleep(wait)
            await self._reading.wait()
            self.response_data(data)
            self.response_flush()
        self.response_end([])

    def _play_socket(self, answer: PlayedResponse, frames: Sequence[Frame], pace: float, echo: MessageEcho) -> None:
        """101 of our own, and then the recorded server's frames."""
        key = next((value for name, value in self.client.headers if name.lower() == b"sec-websocket-key"), b"")
        fields = [pair for pair in answer.fields if pair[0].lower() not in HANDSHAKE]
        fields.append((b"Sec-WebSocket-Accept", accept_of(key)))
        capture = self.capture
        capture.first_byte = self.active = self.relay.clock()
        capture.status, capture.reason, capture.response_version = 101, b"Switching Protocols", "1.1"
        capture.response_headers = [*fields, (b"Gateway-Playback", self._source.encode())]
        lines = [b"HTTP/1.1 101 Switching Protocols", *(name + b": " + value for name, value in fields)]
        lines += (b"Connection: Upgrade", b"Upgrade: websocket")
        self._responded, self._close = True, False
        self._add_ours(lines)
        capture.stream, self._tunnel = "websocket", True
        self._show()
        self.client.write(b"\r\n".join(lines))
        self._socket = SocketPlayer(frames, pace=pace, send=self.response_raw, left=self._hang_up, echo=echo)
        self._player = asyncio.get_running_loop().create_task(self._talk(self._socket))
        self.client.go_raw()

    async def _talk(self, socket: SocketPlayer) -> None:
        await socket.run()
        self._hang_up()

    def _hang_up(self) -> None:
        """The socket is over, and the connection with it."""
        if not self._done:
            self._finish(b"")
            self.client.transport.close()

    def request_raw(self, data: bytes) -> None:
        if self._socket is None:
            super().request_raw(data)
        elif not self._done:
            self.active = self.relay.clock()
            self.relay.recorder.chunk(self.capture, at=self.active, sent=True, data=data)
            self._socket.feed(data)

    def _add_ours(self, lines: list[bytes]) -> None:
        """Gateway-Route says that no upstream answered, Gateway-Playback which step did."""
        super()._add_ours(lines)
        if self.capture.mode == "playback":
            at = next(at for at, line in enumerate(lines) if line.startswith(b"Gateway-Route: "))
            lines[at] += b"; mode=playback"
            if self._source:
                lines.insert(at + 1, b"Gateway-Playback: " + self._source.encode())

    def client_paused(self, paused: bool) -> None:
        super().client_paused(paused)
        self._reading.clear() if paused else self._reading.set()

    def cut(self) -> None:
        if not self._done:
            self._keep_request()
        super().cut()

    def client_lost(self) -> None:
        if not self._done:
            self._keep_request()
            if self._socket is not None:
                self._end()  # sockets end like this: no failure
        super().client_lost()

    def tick(self, now: float) -> None:
        """A body that stops halfway is ended here too, where no upstream waits for it."""
        super().tick(now)
        waiting = not self._done and not self._ended and not self.outgoing.begun
        if waiting and self.upstream is not None:
            self._check_time(self.upstream, now - self.active)

    def _end(self, on_safe: Callable[[], None] | None = None) -> None:
        if self._player is not None and self._player is not asyncio.current_task():
            self._player.cancel()
        if not self._done and self.session.mode == "live":
            on_safe = self._keep_place(on_safe)
        super()._end(on_safe)

    def _keep_place(self, on_safe: Callable[[], None] | None) -> Callable[[], None] | None:
        """How far the playback is, stored in the transaction of the exchange: a start, or another gateway, goes on
        right behind it. Where the exchange is not recorded its last bytes wait for the session's row instead."""
        if self.recorded:
            self.capture.playing = kept(self.session.modes)
            return on_safe
        saved = self.relay.sessions.keep(self.session)
        if saved is None or on_safe is None:
            return on_safe
        then, loop = on_safe, asyncio.get_running_loop()
        saved.add_done_callback(lambda _: loop.call_soon_threadsafe(then))
        return None


def _miss(missed: Missed, recording: str) -> ProblemDetails:
    hint = f"compare the near misses; /_gateway/recordings/{recording} shows the steps and leads back to live"
    details = problem("playback_miss", missed.why, hint=hint)
    return replace(details, points=_points(missed), more=_members(missed))


def _points(missed: Missed) -> tuple[str, ...]:
    return tuple(map(str, missed.near))


def _members(missed: Missed) -> dict[str, object]:
    return {"near_misses": [near.as_json() for near in missed.near]}

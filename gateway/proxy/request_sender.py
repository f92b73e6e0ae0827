"""A request on its way to its upstream: what waits for the connection, what was sent, and one repetition. I/O."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from ..model.capture import Capture, RawPairs
from .pool import BoundConnection, ConnectFailedError, Pool
from .upstream import UpstreamConnection

if TYPE_CHECKING:
    from ..routes.table import CompiledUpstream
    from .flow import Flow

# Methods that may be sent twice (RFC 9110 section 9.2.2, RFC 4918, RFC 10008).
IDEMPOTENT = frozenset((b"GET", b"HEAD", b"OPTIONS", b"PUT", b"DELETE", b"QUERY", b"PROPFIND"))
LATE = 0.1  # seconds that the end of an early response waits for the rest of its request
HIGH_WATER = 64 * 1024  # bytes of a request gathered while its upstream connection is being opened


class Outgoing:
    """The request side of a flow. `connection` is None until there is one, and after it was let go of."""

    __slots__ = (
        "_bind", "_flow", "_head", "_pending", "_pool", "_repeated", "_room", "_task", "_then", "_upstream", "_waiting",
        "begun", "capture", "chunked", "complete", "connection",
    )  # fmt: skip

    def __init__(self, flow: Flow, capture: Capture, *, chunked: bool) -> None:
        self._flow: Flow | None = flow
        self.capture, self.chunked = capture, chunked
        self.connection: UpstreamConnection | None = None
        self.begun = False  # the head has left
        self.complete = False  # the client has sent all of it
        self._head = b""
        self._pending: list[bytes] = []
        self._waiting = 0  # bytes gathered for a connection that is being opened
        self._room = capture.max_body
        self._repeated = self._bind = False
        self._pool: Pool | None = None
        self._task: asyncio.Task[None] | None = None
        self._upstream: CompiledUpstream | None = None
        self._then: Callable[[], None] | None = None

    def send_head(self, head: bytes, upstream: CompiledUpstream, pool: Pool, *, bind: bool = False) -> None:
        """Take a connection that is at hand, or have one opened; `flush` sends.

        With `bind` it becomes the client's own, and stays so for the requests that follow.
        """
        self._head, self._upstream, self._pool, self._bind = head, upstream, pool, bind
        self._pending.insert(0, head)
        self.connection = self._own(pool) or pool.reuse(repeatable=self.capture.method in IDEMPOTENT)
        if self.connection is None:
            self._open()
        elif bind:
            self._take(self.connection)

    def _own(self, pool: Pool) -> UpstreamConnection | None:
        """The connection that is signed in as this session of this client."""
        flow = self._flow
        if flow is None or not flow.client.bound:
            return None
        bound = flow.client.bound.get(pool)
        if bound is None:
            return None
        if bound.session == flow.session.id and bound.connection.usable:
            return bound.connection
        del flow.client.bound[pool]
        bound.connection.drop()
        return None

    def _take(self, connection: UpstreamConnection) -> None:
        flow = self._flow
        if flow is not None and self._pool is not None:
            connection.is_bound = True
            flow.client.bound[self._pool] = BoundConnection(connection, flow.session.id)

    def data(self, data: bytes, *, forward: bool) -> None:
        """A piece of the body: kept for the record, and sent on unless nobody wants it any more."""
        capture = self.capture
        capture.request_size += len(data)
        if self._room > 0:
            capture.request_body.append(data[: self._room])
            self._room -= len(data)
        if not forward:
            return
        self._pending.append(b"%x\r\n%b\r\n" % (len(data), data) if self.chunked else data)
        if self.connection is None:
            before, self._waiting = self._waiting, self._waiting + len(data)
            if before <= HIGH_WATER < self._waiting and self._flow is not None:
                self._flow.client.pause()

    def end(self, trailers: RawPairs) -> None:
        self.complete = True
        if self.chunked:
            self.capture.request_trailers = trailers
            self._pending.append(last_chunk(trailers))
        self._go_on()

    def when_complete(self, then: Callable[[bytes], None], last: bytes) -> None:
        """Call `then` with the last bytes of the response when the request is complete, for its record; soon at the
        latest: the client may send no more."""
        if self.complete or self._flow is None or self._flow.request.expect:
            then(last)
        else:
            self._then = partial(then, last)
            asyncio.get_running_loop().call_later(LATE, self._go_on)

    def _go_on(self) -> None:
        then, self._then = self._then, None
        if then is not None:
            then()

    def flush(self, now: float) -> None:
        """Send on what has gathered."""
        connection, flow = self.connection, self._flow
        if connection is None or flow is None or not self._pending:
            return
        data = b"".join(self._pending) if len(self._pending) > 1 else self._pending[0]
        self._pending.clear()
        if self.begun:
            connection.transport.write(data)
        else:
            self.begun = True
            self.capture.sent = now
            connection.begin(flow, data)

    def repeat(self) -> bool:
        """Send the request again on a new connection: once, only what may be sent twice, with all of its body."""
        if self._repeated or self._room < 0 or self.capture.method not in IDEMPOTENT:
            return False
        self._repeated, self.begun = True, False
        self.capture.attempts += 1
        body = self.capture.request_body
        self._pending = (
            [self._head, *(b"%x\r\n%b\r\n" % (len(p), p) for p in body)] if self.chunked else [self._head, *body]
        )
        if self.complete and self.chunked:
            self._pending.append(last_chunk(self.capture.request_trailers))
        self._open()
        return True

    def leave(self) -> None:
        """The flow has ended. Else the two would hold each other, and wait for the garbage collector."""
        self._flow = None

    def let_go(self) -> None:
        """Nothing more goes to the upstream, nothing more is read from it."""
        if self._task is not None:
            self._task.cancel()
        connection, self.connection = self.connection, None
        if connection is not None:
            connection.drop()

    def hold_back(self, paused: bool) -> None:
        """Stop reading from the upstream while the client takes nothing."""
        if self.connection is not None and not self.connection.transport.is_closing():
            transport = self.connection.transport
            transport.pause_reading() if paused else transport.resume_reading()

    def _open(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._open_connection())

    async def _open_connection(self) -> None:
        flow = self._flow
        assert self._pool is not None
        assert self._upstream is not None
        assert flow is not None
        try:
            connection = await self._pool.open(self._upstream.connect_timeout)
        except ConnectFailedError as failed:
            flow.upstream_failed(failed.kind, failed.detail)
            return
        finally:
            self._task = None
        self.connection = connection
        if self._bind:
            self._take(connection)
        flow.upstream_connected()
        if self._waiting > HIGH_WATER:
            flow.client.pause(False)
        self._waiting = 0


def last_chunk(trailers: RawPairs) -> bytes:
    """The end of a chunked body (RFC 9112 section 7.1.2)."""
    return b"0\r\n" + b"".join(n + b": " + v + b"\r\n" for n, v in trailers) + b"\r\n"

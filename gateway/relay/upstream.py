"""The upstream side: connections, their pools, and failures named as RFC 9209 names them. I/O.

llhttp (strict) parses response heads and chunked bodies; a body with a length is counted, not parsed,
and its bytes pass as they came.
"""

from __future__ import annotations

import asyncio
import errno
import ssl
from collections.abc import Callable
from ipaddress import ip_address
from socket import gaierror
from typing import TYPE_CHECKING, Any, Protocol, cast

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from ..model.capture import RawPairs
from .heads import CONNECTION, KEEP_ALIVE, LENGTH, RESPONSE, TRANSFER, UPGRADE, connection_options

if TYPE_CHECKING:
    from ..routing.table import CompiledUpstream

MAX_HEAD = 256 * 1024  # bytes of an upstream's response head
MAX_IDLE = 30.0  # seconds an unused connection is worth keeping
FRESH = 2.0  # seconds after which a request that must not be repeated gets a new connection
MAX_CONNECTIONS = 1024  # per upstream

IDLE, HEAD, LENGTH_BODY, CHUNKED_BODY, CLOSE_BODY, RAW = range(6)


class ConnectFailed(Exception):
    """No connection came about: a kind of FAILURE_KINDS and a sentence."""

    def __init__(self, kind: str, detail: str) -> None:
        super().__init__(detail)
        self.kind, self.detail = kind, detail


class HeadTooLarge(HttpParserError):
    """A response head beyond MAX_HEAD."""


class ResponseHead:
    """A parsed response head. `length` is None unless a Content-Length frames the body."""

    __slots__ = (
        "chunked",
        "close",
        "headers",
        "interim",
        "length",
        "options",
        "reason",
        "status",
        "upgrade",
        "version",
    )

    def __init__(self, status: int, reason: bytes, version: str, headers: RawPairs) -> None:
        self.status, self.reason, self.version, self.headers = status, reason, version, headers
        self.length: int | None = None
        self.chunked = False
        self.upgrade = b""
        self.options: frozenset[bytes] = frozenset()
        self._read_framing()
        self.close = b"close" in self.options or (version == "1.0" and b"keep-alive" not in self.options)
        self.interim = 100 <= status < 200 and status != 101

    def _read_framing(self) -> None:
        for name, value in self.headers:
            fate = RESPONSE[name]
            if fate < CONNECTION or fate > UPGRADE:
                continue
            if fate == LENGTH:
                self.length = int(value)
            elif fate == TRANSFER:
                self.chunked = value.rpartition(b",")[2].strip().lower() == b"chunked"
            elif fate == CONNECTION:
                self.options |= connection_options((value,))
            elif fate == UPGRADE:
                self.upgrade = value


class Receiver(Protocol):
    """What a connection tells the exchange that uses it."""

    head_only: bool  # a response to HEAD has no body

    def response_head(self, head: ResponseHead) -> None: ...
    def response_data(self, data: bytes) -> None: ...
    def response_end(self, trailers: RawPairs) -> None: ...
    def response_flush(self) -> None: ...
    def response_raw(self, data: bytes) -> None: ...
    def upstream_failed(self, kind: str, detail: str) -> None: ...
    def upstream_paused(self, paused: bool) -> None: ...


class UpstreamConnection(asyncio.Protocol):
    """One connection to an upstream. It serves one exchange at a time and tells it what arrives."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.transport: asyncio.Transport = cast(asyncio.Transport, None)
        self.flow: Receiver | None = None
        self.uses = 0
        self.idle_since = 0.0
        self._state = IDLE
        self._buffer = b""
        self._left = 0
        self._dirty = False  # bytes came that nobody asked for, or the peer will close
        self._headers: RawPairs = []
        self._reason = b""
        self._parser: HttpResponseParser | None = None
        self._ended = False

    # -- asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        flow = self.flow
        if flow is None:  # unasked-for bytes on an idle connection must never reach the next exchange
            self.drop()
            return
        try:
            self._consume(data, flow)
        except HeadTooLarge as error:
            self._broken("http_response_header_section_size", str(error))
            return
        except HttpParserError as error:
            self._broken("http_protocol_error", f"the response is not valid HTTP: {error}")
            return
        if self.flow is not None:
            self.flow.response_flush()

    def eof_received(self) -> None:
        """Close on end of input: `connection_lost` decides what it means."""

    def connection_lost(self, error: Exception | None) -> None:
        self.pool.forget(self)
        flow = self.flow
        if flow is None:
            return
        if self._state == CLOSE_BODY and error is None:
            self._end([])
            return
        self._broken(*self._why_lost(error))

    def pause_writing(self) -> None:
        if self.flow is not None:
            self.flow.upstream_paused(True)

    def resume_writing(self) -> None:
        if self.flow is not None:
            self.flow.upstream_paused(False)

    # -- used by the exchange

    def begin(self, flow: Receiver, data: bytes) -> None:
        """Send a request head (and what there is of its body) for `flow`."""
        self.flow = flow
        self.uses += 1
        self._state = HEAD
        self._ended = False
        self.transport.write(data)

    def go_raw(self) -> None:
        """From now on bytes pass as they come: the protocol was switched."""
        self._state = RAW
        self._dirty = True

    def drop(self) -> None:
        """Let go of this connection for good."""
        self.flow = None
        self.pool.forget(self)
        self.transport.abort()

    @property
    def usable(self) -> bool:
        return not self._dirty and not self.transport.is_closing()

    # -- parsing

    def _consume(self, data: bytes, flow: Receiver) -> None:
        while data and self.flow is flow:
            state = self._state
            if state == HEAD:
                data = self._head(data, flow)
            elif state == LENGTH_BODY:
                piece, data = (data, b"") if len(data) <= self._left else (data[: self._left], data[self._left :])
                self._left -= len(piece)
                flow.response_data(piece)
                if not self._left:
                    self._dirty |= bool(data)
                    self._end([])
            elif state == CHUNKED_BODY:
                self._chunked(data)
                return
            elif state == CLOSE_BODY:
                flow.response_data(data)
                return
            else:
                flow.response_raw(data)
                return

    def _head(self, data: bytes, flow: Receiver) -> bytes:
        data = self._buffer + data if self._buffer else data
        end = data.find(b"\r\n\r\n")
        if end < 0:
            self._check_partial(data)
            self._buffer = data
            return b""
        self._buffer = b""
        if end > MAX_HEAD:
            raise HeadTooLarge(f"the response head exceeds {MAX_HEAD} bytes")
        head = self._parse(data[: end + 4])
        rest = data[end + 4 :]
        if head.interim:
            flow.response_head(head)
            return rest
        self._enter_body(head, flow)
        if self._state == HEAD and rest:  # a body where none may be
            self._dirty = True
        flow.response_head(head)
        if self.flow is flow and self._state == HEAD:
            self._end([])
            return b""
        return rest

    def _parse(self, data: bytes) -> ResponseHead:
        self._headers, self._reason = [], b""
        parser = self._parser = HttpResponseParser(self)
        try:
            parser.feed_data(data)
        except HttpParserUpgrade:
            pass
        version = parser.get_http_version()
        if version not in ("1.1", "1.0"):
            raise HttpParserError(f"HTTP version {version}")
        status = parser.get_status_code()
        if not 100 <= status <= 999:
            raise HttpParserError(f"status {status}")
        head = ResponseHead(status, self._reason, version, self._headers)
        self._dirty |= head.close and not head.interim
        return head

    def _enter_body(self, head: ResponseHead, flow: Receiver) -> None:
        """RFC 9112 section 6.3: what frames the body. The state stays HEAD when there is none."""
        if flow.head_only or head.status in (204, 304) or head.length == 0 and not head.chunked or head.status == 101:
            return
        if head.chunked:
            self._state = CHUNKED_BODY
            self._headers = []  # now collects trailers
        elif head.length is not None:
            self._state, self._left = LENGTH_BODY, head.length
        else:
            self._state, self._dirty = CLOSE_BODY, True

    def _chunked(self, data: bytes) -> None:
        parser = self._parser
        assert parser is not None
        try:
            parser.feed_data(data)
        except HttpParserError:
            if not self._ended:
                raise
            self._dirty = True
        if self._ended:
            self._end(self._headers)

    def _check_partial(self, data: bytes) -> None:
        if len(data) > MAX_HEAD:
            raise HeadTooLarge(f"the response head exceeds {MAX_HEAD} bytes")
        if not b"HTTP/1.".startswith(data[:7]):
            raise HttpParserError(f"it begins with {data[:16]!r}")
        if b"\n\n" in data or (b"\n" in data and b"\r\n" not in data):
            raise HttpParserError("its lines end without CR")

    def _end(self, trailers: RawPairs) -> None:
        flow, self.flow = self.flow, None
        self._state, self._parser = IDLE, None
        if self.usable:
            self.pool.give_back(self)
        else:
            self.drop()
        if flow is not None:
            flow.response_end(trailers)

    def _broken(self, kind: str, detail: str) -> None:
        flow, self.flow = self.flow, None
        self.drop()
        if flow is not None:
            flow.upstream_failed(kind, detail)

    def _why_lost(self, error: Exception | None) -> tuple[str, str]:
        if self._state == HEAD and not self._buffer:
            reset = "reset" if error else "closed"
            return "connection_terminated", f"the connection was {reset} before a response came"
        if self._state == HEAD:
            return "http_response_incomplete", "the connection closed within the response head"
        if self._state == LENGTH_BODY:
            return "http_response_incomplete", f"the connection closed with {self._left} bytes still to come"
        return "http_response_incomplete", "the connection closed before the end of the body"

    # -- httptools callbacks

    def on_status(self, reason: bytes) -> None:
        self._reason += reason

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._ended:
            self._headers.append((name, value))

    def on_body(self, data: bytes) -> None:
        if not self._ended and self.flow is not None:
            self.flow.response_data(data)

    def on_message_complete(self) -> None:
        if self._state == CHUNKED_BODY:
            self._ended = True

    def on_message_begin(self) -> None:
        if self._ended:
            self._dirty = True


class Pool:
    """The connections to one upstream: idle ones to reuse, the last used first."""

    def __init__(self, upstream: CompiledUpstream, context: ssl.SSLContext | None, clock: Callable[[], float]) -> None:
        self.host, self.port = upstream.host, upstream.port
        self.server_name = upstream.tls.server_name if upstream.tls else None
        self._context, self._clock = context, clock
        self._idle: list[UpstreamConnection] = []
        self.all: set[UpstreamConnection] = set()

    def reuse(self, *, repeatable: bool) -> UpstreamConnection | None:
        """An idle connection, or None. A request that must not be sent twice only gets a fresh one."""
        now = self._clock()
        while self._idle:
            connection = self._idle.pop()
            if connection.usable and now - connection.idle_since < (MAX_IDLE if repeatable else FRESH):
                return connection
            connection.drop()
        return None

    def give_back(self, connection: UpstreamConnection) -> None:
        connection.idle_since = self._clock()
        self._idle.append(connection)

    def forget(self, connection: UpstreamConnection) -> None:
        self.all.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)

    def sweep(self) -> None:
        """Let go of what has been idle too long."""
        limit = self._clock() - MAX_IDLE
        for connection in [c for c in self._idle if c.idle_since < limit]:
            connection.drop()

    def close(self) -> None:
        for connection in list(self.all):
            connection.transport.abort()

    async def open(self, timeout: float) -> UpstreamConnection:
        """A new connection within `timeout` seconds; ConnectFailed says why there is none."""
        if len(self.all) >= MAX_CONNECTIONS:
            raise ConnectFailed("connection_limit_reached", f"{MAX_CONNECTIONS} connections are in use")
        addresses = await self._resolve(timeout)
        failure: Exception | None = None
        for address in addresses:
            try:
                async with asyncio.timeout(timeout):
                    return await self._connect(address)
            except (OSError, ssl.SSLError, TimeoutError) as error:
                failure = error
        raise named(failure, f"{self.host}:{self.port}", timeout)

    async def _resolve(self, timeout: float) -> list[str]:
        try:
            return [str(ip_address(self.host))]
        except ValueError:
            pass
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(timeout):
                found = await loop.getaddrinfo(self.host, self.port, type=1)
        except TimeoutError:
            raise ConnectFailed("dns_timeout", f"{self.host} did not resolve within {timeout:g} s") from None
        except (gaierror, UnicodeError) as error:
            raise ConnectFailed("dns_error", f"{self.host} does not resolve: {error}") from None
        return list(dict.fromkeys(str(entry[4][0]) for entry in found))

    async def _connect(self, address: str) -> UpstreamConnection:
        loop = asyncio.get_running_loop()
        options: dict[str, Any] = {}
        if self._context is not None:
            options = {"ssl": self._context, "server_hostname": self.server_name or self.host}
        _, connection = await loop.create_connection(lambda: UpstreamConnection(self), address, self.port, **options)
        self.all.add(connection)
        return connection


def named(error: Exception | None, where: str, timeout: float) -> ConnectFailed:
    """An exception of connecting -> the kind that RFC 9209 has for it."""
    if isinstance(error, TimeoutError) and getattr(error, "errno", None) is None:
        return ConnectFailed("connection_timeout", f"{where} did not accept a connection within {timeout:g} s")
    if isinstance(error, ssl.SSLCertVerificationError):
        return ConnectFailed("tls_certificate_error", f"{where}: {error.verify_message}")
    if isinstance(error, ssl.SSLError):
        reason = (error.reason or str(error)).replace("_", " ").lower()
        kind = "tls_alert_received" if "alert" in reason else "tls_protocol_error"
        return ConnectFailed(kind, f"{where}: {reason}")
    if isinstance(error, OSError) and error.errno in (errno.EHOSTUNREACH, errno.ENETUNREACH):
        return ConnectFailed("destination_ip_unroutable", f"{where}: {error.strerror}")
    if isinstance(error, OSError) and error.errno == errno.ETIMEDOUT:
        return ConnectFailed("connection_timeout", f"{where}: {error.strerror}")
    if isinstance(error, ConnectionResetError):
        return ConnectFailed("connection_terminated", f"{where} closed the connection while it was being opened")
    return ConnectFailed("connection_refused", f"{where} refused the connection")

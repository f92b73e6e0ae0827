"""The upstream side: one object per connection, which serves one exchange at a time. I/O.

llhttp (strict) parses response heads and chunked bodies; a body with a length is counted, not parsed, and its bytes
pass as they came.

States (`_state`), and who moves them:

    IDLE          in the pool; a byte that comes now belongs to no request, and the connection is dropped
     └─ begin ─> HEAD            a request was sent for `flow`; interim heads (1xx) stay here
    HEAD, by _enter_body (RFC 9112 section 6.3, in its order):
     ├─ no body ─> (_end)        HEAD, 204, 304, 101, length 0
     ├─> CHUNKED_BODY            llhttp says when it ends
     ├─> LENGTH_BODY             `_left` bytes are to come
     └─> CLOSE_BODY              the close ends the body, so the connection is dirty from the start
    HEAD ─ go_raw ─> RAW         101 that was asked for: bytes pass as they come
    any ─ _end ─> IDLE           back to the pool when usable and the whole request was sent, else dropped
    any ─ _broken                dropped; the exchange gets `upstream_failed` with a name of RFC 9209

What may never happen:
- bytes of one response reach another exchange: whatever comes behind an end, or while idle, makes the connection
  `_dirty`, and a dirty connection is never given back;
- two calls of an end: `flow` is taken out before `response_end` or `upstream_failed` is called;
- a cut body taken for a whole one: a lost connection is an end in CLOSE_BODY only, and only without an error.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from typing import TYPE_CHECKING, Protocol, cast

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from ..model.capture import RawPairs
from ..model.headers import Fields
from .head_lines import parsed_head
from .response import ResponseHead

if TYPE_CHECKING:
    from .pool import Pool

MAX_HEAD = 256 * 1024  # bytes of an upstream's response head

# A status line that needs no parser (RFC 9112 section 4).
PLAIN_LINE = re.compile(rb"HTTP/1\.1 ([2-5][0-9]{2}) ([!-~\x80-\xff][\t -~\x80-\xff]*)\r\n")

H2_FRAMES = (4, 7)  # SETTINGS and GOAWAY of the connection: what an HTTP/2 server says first (RFC 9113 section 6)

IDLE, HEAD, LENGTH_BODY, CHUNKED_BODY, CLOSE_BODY, RAW = range(6)


class HeadTooLargeError(HttpParserError):
    """A response head beyond MAX_HEAD."""


class Receiver(Protocol):
    """What a connection tells the exchange that uses it."""

    head_only: bool  # a response to HEAD has no body

    @property
    def request_complete(self) -> bool: ...

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
        self.is_bound = False  # it is signed in as somebody, and does not go back to the pool
        self.idle_since = 0.0
        self._state = IDLE
        self._buffer = b""
        self._left = 0
        self._dirty = False  # bytes came that nobody asked for, or the peer will close
        self._headers: RawPairs = []
        self._reason = b""
        self._known_bytes = b""  # of the last head that may be used again
        self._known: ResponseHead | None = None
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
        except HeadTooLargeError as error:
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
        if self._known is not None and not self._buffer and data.startswith(self._known_bytes):
            head, rest = self._known, data[len(self._known_bytes) :]
        else:
            data, self._buffer = self._buffer + data, b""
            end = data.find(b"\r\n\r\n")
            if end < 0:
                self._check_partial(data)
                self._buffer = data
                return b""
            head, rest = self._head_of(data[: end + 4]), data[end + 4 :]
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

    def _head_of(self, data: bytes) -> ResponseHead:
        """The head in these bytes, remembered: a busy upstream says the same for as long as its Date does."""
        if len(data) > MAX_HEAD + 4:
            raise HeadTooLargeError(f"the response head exceeds {MAX_HEAD} bytes")
        head = self._parse(data)
        if head.length is not None and not (head.chunked or head.changing or head.interim or head.status == 101):
            if type(head.recorded) is not Fields:
                head.recorded = Fields(head.recorded)
            self._known_bytes, self._known = data, head
        return head

    def _parse(self, data: bytes) -> ResponseHead:
        line = PLAIN_LINE.match(data)
        if line is not None and (parsed := parsed_head(data, line.end())) is not None:
            head = self.pool.shapes.head(line[1], line[2], parsed)
            self._dirty |= head.close and not head.interim
            return head
        self._headers, self._reason = [], b""
        parser = self._parser = HttpResponseParser(self)
        with contextlib.suppress(HttpParserUpgrade):
            parser.feed_data(data)
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
        if flow.head_only or head.status in (204, 304) or (head.length == 0 and not head.chunked) or head.status == 101:
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
            raise HeadTooLargeError(f"the response head exceeds {MAX_HEAD} bytes")
        if len(data) >= 9 and data[3] in H2_FRAMES and data[5:9] == b"\0\0\0\0":
            raise HttpParserError("it is HTTP/2, and the gateway speaks HTTP/1.1 with upstreams")
        if not b"HTTP/1.".startswith(data[:7]):
            raise HttpParserError(f"it begins with {data[:16]!r}")
        if b"\n\n" in data or (b"\n" in data and b"\r\n" not in data):
            raise HttpParserError("its lines end without CR")

    def _end(self, trailers: RawPairs) -> None:
        flow, self.flow = self.flow, None
        self._state, self._parser = IDLE, None
        # An upstream that answered before it had the whole request still waits for the rest of it.
        if not self.usable or flow is None or not flow.request_complete:
            self.drop()
        elif not self.is_bound:
            self.pool.give_back(self)
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

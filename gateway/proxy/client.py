"""The client side: one object per connection, requests framed and handed on one at a time. I/O.

Bytes are cut exactly at message boundaries before llhttp sees them, so that a pipelined request stays raw until its
turn, and a request for the gateway's own pages can be handed on untouched.

States (`_state`), and who moves them:

    HEAD          a request head is expected, or read in part (`_buffer`)
     ├─ _begin ─> LENGTH_BODY    `_left` bytes of the body are still to come (RFC 9112 section 6.2)
     ├─ _begin ─> CHUNKED_BODY   llhttp finds the end of the body (RFC 9112 section 7.1)
     ├─ _begin ─> WAIT           there is no body: the request is complete
     ├─ _hand_over ─> HANDED     the connection belongs to aiohttp's server for good
     └─ reject ─> DISCARD        the head is refused; what still comes is thrown away
    LENGTH_BODY, CHUNKED_BODY ─ last byte ─> WAIT; malformed ─> DISCARD
    WAIT          the response is under way; bytes that come gather in `_buffer`, up to PIPELINE, then reading pauses
     ├─ finish, _next ─> HEAD    the next request, at once or from `_buffer` in the loop's next turn
     └─ go_raw ─> RAW            101 was sent: bytes pass as they come
    any body state ─ finish, _linger ─> DISCARD   answered before the request was read (RFC 9112 section 9.6)

What may never happen:
- two exchanges at once: `flow` is set in `_begin` only, and cleared in `finish` or `connection_lost` only;
- a byte of one request read as part of another: `_head`, `_length` and `_chunked` return what lies behind the end;
- a response on a connection that llhttp and we frame differently: whatever llhttp refuses ends in DISCARD, and a
  connection in DISCARD or HANDED never comes back to HEAD;
- a client that believes a part to be the whole: `abort` and a closed transport without the last chunk tell it.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from httptools import HttpParserError, HttpParserInvalidMethodError, HttpParserUpgrade, HttpRequestParser

from ..model.caches import are_on
from ..model.capture import RawPairs
from ..model.headers import Fields
from ..problems import ProblemDetails, problem
from .cors import share
from .head_lines import ParsedHead, parsed_head
from .header_rules import TOKEN, bad_host, split_absolute
from .own_responses import status_line, wire
from .request import HeadValues, RequestHead

if TYPE_CHECKING:
    from .flow import Flow
    from .pool import BoundConnection, Pool
    from .server import Relay

MAX_HEAD = 64 * 1024  # bytes of a request head
MAX_LINE = 16 * 1024  # bytes of a request line
MAX_FIELDS = 1000
REFUSED = (b"CONNECT", b"TRACE")  # a proxy of its own kind; an echo of cookies
PIPELINE = 64 * 1024  # bytes read ahead while a response is under way
LINGER = 2.0  # seconds in which a client may still send after an early response

# A request line that needs no parser: origin-form, no fragment, HTTP/1.1.
PLAIN_LINE = re.compile(rb"(?!CONNECT |TRACE )([A-Z]{3,16}) (/[!\"$-~]*) HTTP/1\.1\r\n")

HEAD, LENGTH_BODY, CHUNKED_BODY, WAIT, HANDED, RAW, DISCARD = range(7)


Heir = Callable[[], asyncio.Protocol]


class ClientConnection(asyncio.Protocol):
    """One client. `flow` is the exchange under way, if any."""

    def __init__(self, relay: Relay, mount: str = "") -> None:
        self.relay, self.mount = relay, mount
        self.transport: asyncio.Transport = cast(asyncio.Transport, None)
        self.flow: Flow | None = None
        self.address = ""
        self.secure = False  # it speaks https
        self.since = 0.0  # when the wait for a request head, or for the end of a linger, began
        self.method = b""
        self.target = b""
        self.version = "1.1"
        self.headers: RawPairs = []
        self.trailers: RawPairs = []
        self.request: RequestHead | None = None  # made from `headers`, once a cluster wanted them
        self.values: HeadValues | None = None  # what is of this request alone, where others have a `request` like it
        self.parsed: ParsedHead | None = None  # what `headers` are, where no parser was needed
        self.hops = 0  # times that its next request went from process to process
        self.giver: object = None  # the process from which it came
        self.heir: Heir | None = None  # takes the connection over instead of the gateway's own pages
        self.bound: dict[Pool, BoundConnection] = {}  # upstream connections that are signed in as this client
        self.closing = self.half_closed = False  # no further request is read; the client sends no more
        self._state = HEAD
        self._buffer = b""
        self._fields = b""  # the bytes after the request line from which `headers` came
        self._same = b""  # all of a head of which only the request line had to be looked at
        self._left = 0
        self._tail = b""  # the last bytes of a chunked body seen, to find its end across reads
        self._parser: HttpRequestParser | None = None
        self._url: list[bytes] = []
        self._ended = False

    # -- asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        peer = transport.get_extra_info("peername")
        self.address = peer[0] if peer else ""
        self.secure = transport.get_extra_info("sslcontext") is not None
        self.since = self.relay.clock()
        self.relay.clients.add(self)

    def data_received(self, data: bytes) -> None:
        try:
            self._consume(data)
        except HttpParserError as error:
            self._bad_body(error)
            return
        if self.flow is not None:
            self.flow.request_flush()

    def eof_received(self) -> bool:
        """A client that stops sending may still be reading: its response gets a little time."""
        self.half_closed = True
        if self.flow is None or self._state in (LENGTH_BODY, CHUNKED_BODY, DISCARD):
            return False
        self.since = self.relay.clock()
        return self.flow.client_half_closed()

    def connection_lost(self, error: Exception | None) -> None:
        self.relay.clients.discard(self)
        flow, self.flow = self.flow, None
        if flow is not None:
            flow.client_lost()
        self._unbind()

    def _unbind(self) -> None:
        """What is signed in as this client ends with it."""
        for bound in self.bound.values():
            bound.connection.drop()
        self.bound.clear()

    def pause_writing(self) -> None:
        if self.flow is not None:
            self.flow.client_paused(True)

    def resume_writing(self) -> None:
        if self.flow is not None:
            self.flow.client_paused(False)

    # -- used by the exchange

    def write(self, data: bytes) -> None:
        self.transport.write(data)

    def finish(self, data: bytes, close: bool) -> None:
        """The last bytes of a response; then the next request, or the end."""
        self.flow = None
        if self.transport.is_closing():
            return
        if data:
            self.transport.write(data)
        if self._state in (LENGTH_BODY, CHUNKED_BODY):  # answered before the request was read
            self._linger()
        elif close or self.closing or self.half_closed:
            self.transport.close()
        else:
            self._next()

    def go_raw(self) -> None:
        """From now on bytes pass as they come: the protocol was switched."""
        self._state = RAW
        if self._buffer and self.flow is not None:
            data, self._buffer = self._buffer, b""
            self.flow.request_raw(data)

    def abort(self) -> None:
        """Break off visibly: the client must not take what it got for a whole response."""
        self.transport.abort()

    def pause(self, paused: bool = True) -> None:
        """Read no more, or read on."""
        if not self.transport.is_closing():
            self.transport.pause_reading() if paused else self.transport.resume_reading()

    @property
    def idle(self) -> bool:
        """Between two requests, not a byte of the next one read."""
        return self.flow is None and self._state == HEAD and not self._buffer

    @property
    def reading_head(self) -> bool:
        return self.flow is None and self._state == HEAD and bool(self._buffer)

    @property
    def lingering(self) -> bool:
        return self._state == DISCARD

    # -- framing

    def _consume(self, data: bytes) -> None:
        while data:
            state = self._state
            if state == HEAD:
                data = self._head(data)
            elif state == LENGTH_BODY:
                data = self._length(data)
            elif state == CHUNKED_BODY:
                data = self._chunked(data)
            elif state == WAIT:
                self._buffer += data
                if len(self._buffer) > PIPELINE:
                    self.pause()
                return
            else:
                if state == RAW and self.flow is not None:
                    self.flow.request_raw(data)
                return

    def _head(self, data: bytes) -> bytes:
        fresh = not self._buffer
        if data == self._same and fresh:
            return self._begin(data, b"")
        if not fresh:
            data, self._buffer = self._buffer + data, b""
        elif data[:1] in b"\r\n":  # RFC 9112 section 2.2: empty lines before a request are skipped
            data = data.lstrip(b"\r\n")
        end = data.find(b"\r\n\r\n")
        if end < 0:
            self._partial(data, fresh=fresh)
            return b""
        if end > MAX_HEAD or data.find(b"\r\n") > MAX_LINE:
            self._too_large(data)
            return b""
        head, rest = data[: end + 4], data[end + 4 :]
        if not self._again(head) and not self._parse(head):
            return b""
        return self._begin(head, rest)

    def _again(self, head: bytes) -> bool:
        """Whether only the request line differs from the last request's head; then its fields need no parsing."""
        if self.request is None or self.request.chunked or self.version != "1.1" or not head.endswith(self._fields):
            return False
        if line := PLAIN_LINE.fullmatch(head, 0, len(head) - len(self._fields) + 2):
            self.method, self.target = line.groups()
            self._same = head
        return line is not None

    def _partial(self, data: bytes, *, fresh: bool) -> None:
        """A head that is not complete: refuse at once what can never become one."""
        line = data.find(b"\n")
        if (line < 0 and len(data) > MAX_LINE) or len(data) > MAX_HEAD:
            self._too_large(data)
        elif data and not TOKEN.match(data[:1]):
            self.reject(_bad("it does not begin with a method (TLS on a plain port?)"))
        elif (line > 0 and (data[line - 1 : line] != b"\r" or b" HTTP/" not in data[:line])) or b"\n\n" in data:
            self.reject(_bad("the request line or a field line is not ended by CR LF, or has no HTTP version"))
        else:
            if fresh:
                self.since = self.relay.clock()
            self._buffer = data

    def _parse(self, head: bytes) -> bool:
        self.method = head[: head.find(b" ")]
        self.request = self.values = self.parsed = None
        self._same, self._fields = b"", head[head.find(b"\r\n") :] if are_on() else b"\0"
        if self._is_plain(head):
            return self._is_known() or self._acceptable()
        try:
            try:
                self._feed(head)
            except HttpParserInvalidMethodError:
                if not TOKEN.fullmatch(self.method):
                    raise
                # llhttp knows a list of methods; any token is one (RFC 9110 section 9.1)
                self._feed(b"POST" + head[len(self.method) :])
        except HttpParserError as error:
            self.reject(_bad(str(error)))
            return False
        self.target = b"".join(self._url)
        return self._acceptable()

    def _is_plain(self, head: bytes) -> bool:
        """Whether all of a head is plain; then it is taken without a parser."""
        line = PLAIN_LINE.match(head)
        parsed = parsed_head(head, line.end()) if line is not None else None
        if line is None or parsed is None:
            return False
        self.method, self.target = line.groups()
        self.headers, self.trailers, self.version, self.parsed = Fields(parsed.pairs), [], "1.1", parsed
        return True

    def _is_known(self) -> bool:
        """Whether a head of this shape was accepted before; then its request is known."""
        parsed, headers = self.parsed, self.headers
        if parsed is None or parsed.places is None or type(headers) is not Fields:
            return False
        shape = self.relay.shapes.find(self, parsed)
        values = shape.values(parsed, headers) if shape is not None else None
        if shape is None or values is None:
            return False
        self.request, self.values = shape.request, values
        headers.session, headers.shape = shape.session, shape.whole
        return True

    def _feed(self, head: bytes) -> None:
        self._url, self.headers, self.trailers, self._ended = [], Fields(), [], False
        parser = self._parser = HttpRequestParser(self)
        with contextlib.suppress(HttpParserUpgrade):
            parser.feed_data(head)
        self.version = parser.get_http_version()

    def _acceptable(self) -> bool:
        if self.version not in ("1.1", "1.0"):
            self.reject(
                ProblemDetails(
                    505,
                    "HTTP version not supported",
                    f"HTTP/{self.version}; this is an HTTP/1.1 server: HTTP/2 and gRPC are not spoken",
                )
            )
        elif len(self.headers) > MAX_FIELDS:
            self.reject(
                ProblemDetails(431, "Too many header fields", f"{len(self.headers)}; at most {MAX_FIELDS} are taken")
            )
        elif why := bad_host(self.headers, self.version):
            self.reject(_bad(why))
        elif self.method in REFUSED:
            self.reject(ProblemDetails(405, "Method not allowed", f"{self.method.decode()} is not relayed"))
        else:
            return self._origin_form()
        return False

    def _origin_form(self) -> bool:
        """Absolute-form names the host by itself (RFC 9112 section 3.2.2); the rest sees origin-form."""
        target = self.target
        if b"#" in target:
            self.reject(_bad("a fragment is not part of a request target"))
            return False
        if target[:1] == b"/":
            return True
        absolute = split_absolute(target)
        if absolute is None:
            self.reject(_bad("the request target is neither a path nor an http URL"))
            return False
        authority, self.target = absolute
        self._fields, self.parsed = b"\0", None  # the next request must not take these fields for its own
        self.headers = [(n, authority if n.lower() == b"host" else v) for n, v in self.headers]
        if why := bad_host(self.headers, self.version):
            self.reject(_bad(why))
            return False
        return True

    def _begin(self, head: bytes, rest: bytes) -> bytes:
        flow = self.relay.route(self)
        if flow is None:
            if self._state == HEAD:
                self._hand_over(head, rest)
            return b""
        self.flow, self.hops = flow, 0
        if flow.request.chunked:
            self._state, self._tail = CHUNKED_BODY, b""
        elif flow.length:
            self._state, self._left = LENGTH_BODY, flow.length
        else:
            self._state = WAIT
        flow.start()
        if self._state == WAIT:
            flow.request_end([])
        return rest

    def _length(self, data: bytes) -> bytes:
        piece, rest = (data, b"") if len(data) <= self._left else (data[: self._left], data[self._left :])
        self._left -= len(piece)
        if self.flow is not None:
            self.flow.request_data(piece)
        if not self._left:
            self._state = WAIT
            if self.flow is not None:
                self.flow.request_end([])
        return rest

    def _chunked(self, data: bytes) -> bytes:
        """Feed up to each empty line: a chunked body can end nowhere else (RFC 9112 section 7.1)."""
        assert self._parser is not None
        window = self._tail + data
        end = window.find(b"\r\n\r\n")
        cut = end + 4 - len(self._tail) if end >= 0 else len(data)
        piece, rest = data[:cut], data[cut:]
        self._tail = b"" if end >= 0 else window[-3:]
        self._parser.feed_data(piece)
        if self._ended:
            self._state = WAIT
            if self.flow is not None:
                self.flow.request_end(self.trailers)
        return rest

    def _next(self) -> None:
        """Ready for the next request; bytes of it may be waiting, and more may come before their turn."""
        self.since = self.relay.clock()
        if self._buffer:
            asyncio.get_running_loop().call_soon(self._take_up)
        else:
            self._state = HEAD

    def _take_up(self) -> None:
        if self.transport.is_closing():
            return
        data, self._buffer, self._state = self._buffer, b"", HEAD
        if len(data) > PIPELINE:
            self.pause(False)
        self.data_received(data)

    def _linger(self) -> None:
        """Close without a reset that would destroy the response: RFC 9112 section 9.6."""
        self._state, self.since = DISCARD, self.relay.clock()
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.pause(False)

    def _hand_over(self, head: bytes, rest: bytes) -> None:
        """Give the connection to its heir, usually the server of the gateway's own pages, with all that was read."""
        self._state = HANDED
        self.relay.clients.discard(self)
        self._unbind()
        if not head.startswith(self.method + b" " + self.target + b" "):
            lines = [b"%b %b HTTP/%b" % (self.method, self.target, self.version.encode())]
            head = b"\r\n".join([*lines, *(n + b": " + v for n, v in self.headers), b"", b""])
        server = (self.heir or self.relay.own_pages)()
        self.transport.set_protocol(server)
        server.connection_made(self.transport)
        server.data_received(head + rest)

    # -- refusals

    def reject(self, answer: ProblemDetails) -> None:
        """Answer a request that cannot become an exchange, and close."""
        self._state, self.closing = DISCARD, True
        self.relay.refused(self, answer)
        if not self.transport.is_closing():
            fields, body = wire(answer)
            origin = next((value for name, value in self.headers if name.lower() == b"origin"), b"")
            if origin:
                share(fields, self.relay.routes.table.cors, origin)
            self._last(status_line(answer), fields, body)

    def respond(self, status: bytes, fields: list[bytes]) -> None:
        """A response of the gateway's own, without a body, to a request that is no exchange."""
        self._state, self.closing = DISCARD, True
        self._last(status, fields, b"")

    def _last(self, status: bytes, fields: list[bytes], body: bytes) -> None:
        self.transport.write(b"\r\n".join([status, *fields, b"Connection: close", b"", body]))
        self._linger()

    def _too_large(self, data: bytes) -> None:
        line = data.find(b"\r\n")
        if line < 0 or line > MAX_LINE:
            self.reject(ProblemDetails(414, "URI too long", f"the request line exceeds {MAX_LINE} bytes"))
        else:
            self.reject(ProblemDetails(431, "Request header fields too large", f"the head exceeds {MAX_HEAD} bytes"))

    def _bad_body(self, error: HttpParserError) -> None:
        flow = self.flow
        self._state, self.closing = DISCARD, True
        if flow is not None:
            flow.request_broken(f"the chunked body is malformed: {error}")

    # -- httptools callbacks

    def on_url(self, url: bytes) -> None:
        self._url.append(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        (self.headers if self._state == HEAD else self.trailers).append((name, value))

    def on_body(self, data: bytes) -> None:
        if self.flow is not None:
            self.flow.request_data(data)

    def on_message_complete(self) -> None:
        if self._state == CHUNKED_BODY:
            self._ended = True


def _bad(detail: str) -> ProblemDetails:
    return problem("http_request_error", detail)

"""An exchange of a cluster with `rewrite_bodies`: addresses of upstreams in the response's body become public. I/O.

The response waits until it is complete, because its length and its addresses are known only then. What is too large,
has no text in it, or is in a coding that cannot be undone passes as it came. A large one is translated in a thread:
16 MB with 120,000 addresses take 2 s, in which the event loop serves the others.
"""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Final

from ..model.capture import RawPairs
from ..model.codings import undone, words_of
from ..model.headers import DIGESTS, OF_THE_CODING
from .flow import Flow
from .response import ResponseHead

if TYPE_CHECKING:
    from ..model.capture import Capture
    from ..protocols import LiveSession
    from ..routes.lookup import Destination
    from ..routes.table import RouteTable
    from .client import ClientConnection
    from .request import RequestHead
    from .server import Relay

LARGEST: Final = 16 << 20  # bytes of a body that waits, as it came and decoded
HERE: Final = 8 << 10  # bytes that came of a body that is translated on the loop: up to a millisecond
TEXT: Final = re.compile(
    rb"text/|application/(?:[\w.+-]*[+-])?(?:json|xml|javascript)|application/x-ndjson", re.IGNORECASE
)
BODILESS: Final = (101, 204, 206, 304)  # no body, or a part of one whose other parts are elsewhere
GONE: Final = frozenset(name.encode() for name in (*OF_THE_CODING, *DIGESTS))


class RewriteFlow(Flow):
    """One exchange under way."""

    __slots__ = ("_size_so_far", "_so_far", "_translating", "_waiting")

    def __init__(
        self, relay: Relay, client: ClientConnection, table: RouteTable, destination: Destination,
        request: RequestHead, session: LiveSession, cookie: bytes | None, capture: Capture,
    ) -> None:  # fmt: skip
        super().__init__(relay, client, table, destination, request, session, cookie, capture)
        self._waiting: ResponseHead | None = None  # the upstream's head, until all of its body is here
        self._so_far: list[bytes] = []
        self._size_so_far = 0
        self._translating: asyncio.Task[None] | None = None

    def response_head(self, head: ResponseHead) -> None:
        if self._is_rewritten(head):
            self._waiting, self.active = head, self.relay.clock()
        else:
            super().response_head(head)

    def _is_rewritten(self, head: ResponseHead) -> bool:
        if not self.cluster.rewrite_bodies or self.capture.mode == "playback" or self.upstream is None:
            return False
        has_body = not (head.interim or head.is_events or self.head_only or head.status in BODILESS)
        return has_body and any(TEXT.match(value.strip()) for value in head.types)

    def response_data(self, data: bytes) -> None:
        if self._waiting is None:
            super().response_data(data)
            return
        self.active = self.relay.clock()
        self._so_far.append(data)
        self._size_so_far += len(data)
        if self._size_so_far > LARGEST:
            self._let_pass(self._waiting)

    def _let_pass(self, head: ResponseHead) -> None:
        """As it came, from now on."""
        pieces, self._waiting, self._so_far = self._so_far, None, []
        super().response_head(head)
        for piece in pieces:
            super().response_data(piece)

    def response_end(self, trailers: RawPairs) -> None:
        head = self._waiting
        if head is None:
            self._complete(trailers)
        elif self._size_so_far <= HERE and not _codings(head):
            self._pass(head, self._translated(head, b"".join(self._so_far)), trailers)
        else:
            self.outgoing.hold_back(False)  # another request may use the connection
            self.outgoing.connection = None
            self.active = self.relay.clock()
            self._translating = asyncio.get_running_loop().create_task(self._translate_apart(head, trailers))

    async def _translate_apart(self, head: ResponseHead, trailers: RawPairs) -> None:
        changed = await asyncio.to_thread(self._translated, head, b"".join(self._so_far))
        self._translating = None
        if not self._done:
            self._pass(head, changed, trailers)
            self.response_flush()

    def _pass(self, head: ResponseHead, changed: bytes | None, trailers: RawPairs) -> None:
        """The complete response to the client; `changed` is its body where that is another one now."""
        if changed is None:
            self._let_pass(head)
        else:
            self._waiting, self._so_far = None, []
            super().response_head(_with_body(head, changed))
            super().response_data(changed)
            trailers = []
        self._complete(trailers)

    def _complete(self, trailers: RawPairs) -> None:
        """The whole response has been passed on."""
        super().response_end(trailers)

    def _translated(self, head: ResponseHead, body: bytes) -> bytes | None:
        """The body with public addresses, without its coding; None when there is nothing to change. Blocking."""
        data, wrong = undone(body, words_of(b",".join(_codings(head)).decode("latin-1")), LARGEST)
        if wrong:
            return None
        changed = self.table.addresses.public_body(data, self.view())
        return None if changed == data else changed


def _codings(head: ResponseHead) -> list[bytes]:
    return [value for name, value in head.recorded if name.lower() == b"content-encoding"]


def _with_body(head: ResponseHead, body: bytes) -> ResponseHead:
    """The head of the same response with another body: without its coding and digests, and its tag is weak, since the
    bytes are not those that it was made for (RFC 9110 section 8.8.1)."""
    fields: RawPairs = []
    for name, value in head.recorded:
        low = name.lower()
        if low == b"etag" and not value.startswith(b"W/"):
            value = b"W/" + value
        if low not in GONE:
            fields.append((name, value))
    fields.append((b"Content-Length", b"%d" % len(body)))
    fresh = ResponseHead(head.status, head.reason, head.version, fields)
    before = [pair for pair in head.recorded if pair not in fields]
    fresh.rewritten = [*head.rewritten, *before, *fresh.rewritten]
    return fresh

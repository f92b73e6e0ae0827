"""An exchange into which its session injects a fault: late, with another status, without a field. I/O."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from ..errors import UsageError
from ..model.capture import RawPairs
from ..model.message import Body, Response, header_text
from ..problems import ProblemDetails, problem
from ..replay.fault import FIELD, Fault, altered, resolved
from .body_rewrite import RewriteFlow
from .own_responses import placed, wire
from .response import ResponseHead

if TYPE_CHECKING:
    from ..model.capture import Capture
    from ..protocols import LiveSession
    from ..routes.lookup import Destination
    from ..routes.table import RouteTable
    from .client import ClientConnection
    from .request import RequestHead
    from .server import Relay

LARGEST: Final = 16 << 20  # bytes of a response that waits to be altered
BODILESS: Final = (204, 304)


class FaultFlow(RewriteFlow):
    """One exchange under way. Its record is what the client saw, in mode "fault", with the Gateway-Fault field."""

    __slots__ = ("_fault", "_held", "_pieces", "_size")

    def __init__(
        self, relay: Relay, client: ClientConnection, table: RouteTable, destination: Destination,
        request: RequestHead, session: LiveSession, cookie: bytes | None, capture: Capture,
    ) -> None:  # fmt: skip
        super().__init__(relay, client, table, destination, request, session, cookie, capture)
        self._fault: Fault | None = session.faults[self.cluster.name]
        self._held: ResponseHead | None = None  # the upstream's head, until all of its body is here
        self._pieces: list[bytes] = []
        self._size = 0

    def _send_on(self) -> None:
        assert self._fault is not None
        self.capture.mode = "fault"
        then = self._connect if self._fault.asks else self._refuse
        if self._fault.delay:
            asyncio.get_running_loop().call_later(self._fault.delay, then)
        else:
            then()

    def request_data(self, data: bytes) -> None:
        """A piece of the request's body; no upstream waits for it where the response is forced."""
        if self._fault is not None and not self._fault.asks:
            self.outgoing.data(data, forward=False)
        else:
            super().request_data(data)

    def _refuse(self) -> None:
        """The forced status, as a response of its own."""
        if self._done or self._fault is None or self._fault.status is None:
            return
        if not self.request.chunked and not self.length:
            self.outgoing.complete = True
        details = ProblemDetails(self._fault.status, "Injected fault", "this session's what-if asks for it")
        lines, body = wire(placed(details, self.capture, None), self.request.accept)
        fields = [(name, value) for name, _, value in (line.partition(b": ") for line in lines)]
        if details.status in BODILESS:
            fields = [pair for pair in fields if not pair[0].startswith(b"Content-")]
        self._give(ResponseHead(details.status, details.title.encode(), "1.1", fields), body, [])

    # -- the response

    def answer(self, details: ProblemDetails) -> None:
        """The gateway's own response, which nothing is injected into: the upstream had none."""
        if self._fault is not None and self._fault.edits and not self._done:
            self._give_up()
        super().answer(details)

    def response_head(self, head: ResponseHead) -> None:
        holds = self._fault is not None and self._fault.edits and not head.interim and head.status != 101
        if holds and not head.is_events:
            self._held, self.active = head, self.relay.clock()
        elif head.interim:
            super().response_head(head)
        else:
            if holds:  # a stream has no end at which it could be altered
                self._give_up()
            self._begin(head)

    def _begin(self, head: ResponseHead) -> None:
        super().response_head(head)
        if self._fault is not None and not self._done:
            self.capture.response_headers = [
                *self.capture.response_headers,
                (FIELD.encode(), self._fault.field.encode()),
            ]

    def response_data(self, data: bytes) -> None:
        if self._held is None:
            super().response_data(data)
            return
        self.active = self.relay.clock()
        self._size += len(data)
        if self._size <= LARGEST:
            self._pieces.append(data)
        else:
            self._held = None
            self.outgoing.let_go()
            self.answer(problem("proxy_internal_error", f"an answer of more than {LARGEST >> 20} MiB is not altered"))

    def response_end(self, trailers: RawPairs) -> None:
        if self._held is None:
            super().response_end(trailers)
            return
        head, self._held = self._held, None
        body = b"".join(self._pieces)
        try:
            head, body, trailers = self._altered(head, body)
        except UsageError:  # what was to be altered is not there: the response passes as it is, and is no fault's
            self._give_up()
        self._give(head, body, trailers)

    def _altered(self, head: ResponseHead, body: bytes) -> tuple[ResponseHead, bytes, RawPairs]:
        assert self._fault is not None
        raw = {(header_text(name), header_text(value)): (name, value) for name, value in head.recorded}
        answer = Response("1.1", tuple(raw), Body(len(body), body), status=head.status, reason=header_text(head.reason))
        self._fault = resolved(answer, self._fault)
        answer = altered(answer, self._fault)
        fields = [raw.get(pair) or (pair[0].encode(), pair[1].encode()) for pair in answer.headers]
        reason = answer.reason.encode("utf-8", "replace")
        return ResponseHead(answer.status, reason, "1.1", fields), answer.body.data, []

    def _give(self, head: ResponseHead, body: bytes, trailers: RawPairs) -> None:
        self._begin(head)
        if body and not self.head_only and head.status not in BODILESS:
            super().response_data(body)
        super().response_end(trailers)

    def _give_up(self) -> None:
        """Nothing was injected after all."""
        self._fault, self.capture.mode = None, self.session.mode

    def _add_ours(self, lines: list[bytes]) -> None:
        super()._add_ours(lines)
        if self._fault is not None:
            at = next(at for at, line in enumerate(lines) if line.startswith(b"Gateway-Route: "))
            lines.insert(at + 1, FIELD.encode() + b": " + self._fault.field.encode())

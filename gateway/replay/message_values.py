"""Values of a WebSocket's and an event stream's messages: given by the server's, needed by the client's. Pure.

A conversation is read as a chain of exchanges, so that correlation finds what it finds anywhere: each message of the
client is a request, and what the server says until the next one is its response. The messages of a response stand in
one JSON document by their kind, {"order.created": [{"id": 7}, ...]}, because a server may send others in between.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice
from typing import Final

from ..correlation import Correlations, correlate, evaluate, rebind
from ..correlation.finder import seconds
from ..errors import GatewayError
from ..model.exchange import Chunk, Exchange, Timing
from ..model.frames import sse_events
from ..model.message import Body, Request, Response
from .differences.stream_difference import SocketMessage, conversation, kind_of_message, payload_of, turns
from .playback.message_echo import call_numbers
from .stale_values import StaleValue, explain, stale_values

MOST: Final = 500  # messages of one response that values are looked for in
JSON: Final = (("Content-Type", "application/json"),)
FRAMED: Final = re.compile(r"(?i)content-(?:type|length|encoding)|transfer-encoding")


def with_messages(exchange: Exchange, chunks: Callable[[str], Sequence[Chunk]]) -> Exchange:
    """A recorded stream with what its server said as its response's body; any other exchange as it is."""
    if not exchange.stream or exchange.response is None:
        return exchange
    said = conversation(exchange, chunks(exchange.id))
    return replace(exchange, response=response_with(exchange.response, said))


def arrivals_of(exchange: Exchange, chunks: Callable[[str], Sequence[Chunk]]) -> dict[tuple[str, int], float]:
    """When each message of a stream came, by its place in that body: (kind, which of that kind) -> ms."""
    found: dict[tuple[str, int], float] = {}
    counts: dict[str, int] = {}
    for message in _told(conversation(exchange, chunks(exchange.id))) if exchange.stream else ():
        kind = kind_of_message(message)
        counts[kind] = counts.get(kind, -1) + 1
        found[kind, counts[kind]] = message.at_ms
    return found


def response_with(response: Response, messages: Iterable[SocketMessage]) -> Response:
    """A response whose body is what the server said, by kind of message."""
    headers = tuple(pair for pair in response.headers if not FRAMED.fullmatch(pair[0]))
    body = _document(messages)
    return replace(response, headers=(*headers, *JSON), body=Body(len(body), body))


def events_of(response: Response) -> Response:
    """The response of an event stream, whose body is its text, read the same way."""
    found = sse_events([Chunk(0, 0.0, "received", response.body.data)])
    said = (
        SocketMessage(False, True, one.data.encode(), 0.0, one.event if one.event != "message" else "") for one in found
    )
    return response_with(response, said)


def _told(messages: Iterable[SocketMessage]) -> Iterator[SocketMessage]:
    """The server's texts, as many as values are looked for in."""
    return islice((message for message in messages if not message.sent and message.text), MOST)


def _document(messages: Iterable[SocketMessage]) -> bytes:
    kinds: dict[str, list[str]] = {}
    for message in _told(messages):
        _, payload, _ = payload_of(message.data.decode("utf-8", "replace"))
        kinds.setdefault(kind_of_message(message), []).append(payload if _is_json(payload) else json.dumps(payload))
    members = (f"{json.dumps(kind)}: [{', '.join(said)}]" for kind, said in kinds.items())
    return f"{{{', '.join(members)}}}".encode()


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


class MessageValues:
    """What the client's messages of one recorded socket need, and what this run has for it.

    `others` are the recording's other exchanges, streams with their messages; of them counts what came before.
    """

    def __init__(self, socket: Exchange, said: Sequence[SocketMessage], others: Sequence[Exchange]) -> None:
        self._step, self._sent = socket.step, [message for message in said if message.sent]
        self._first = max((each.step for each in (*others, socket)), default=0) + 1  # the step of the handshake's turn
        self._chain = {each.step: each for each in (*others, *self._exchanges(socket, said))}
        self._correlations = correlate(list(self._chain.values())) if self._sent else Correlations()

    def _exchanges(self, socket: Exchange, said: Sequence[SocketMessage]) -> list[Exchange]:
        """The handshake and its turn, then one exchange for each message of the client."""
        begun = seconds(socket.started_at) or 0.0
        moments = [0.0, *(message.at_ms for message in self._sent)]
        ends = [*moments[1:], max([moments[-1], *(message.at_ms for message in said)]) + 1.0]
        response = socket.response or Response("1.1", (), status=101)
        found = []
        for at, turn in enumerate(turns(said)):
            text = payload_of(self._sent[at - 1].data.decode("utf-8", "replace"))[1].encode() if at else b""
            made = Request("1.1", JSON if at else (), Body(len(text), text), method="POST" if at else "GET",
                           target=socket.request.target)  # fmt: skip
            moment = datetime.fromtimestamp(begun + moments[at] / 1000, UTC).isoformat(timespec="microseconds")
            found.append(replace(
                socket, step=self._first + at, request=made, response=response_with(response, turn), stream="",
                started_at=moment, timing=Timing(total_ms=max(0.0, ends[at] - moments[at] - 0.1)), status=200,
            ))  # fmt: skip
        return found

    def message(
        self, number: int, responses: Mapping[int, Response], heard: Sequence[SocketMessage],
        clear: Callable[[str], str], *, anyway: bool,
    ) -> bytes:  # fmt: skip
        """The client's message `number`, from 0, with this run's values; placeholders of secrets stay.

        `responses` are those of this run's earlier steps, `heard` is the conversation so far, and `clear` gives a
        sealed value back. MissingValue when a value did not come yet; GatewayError when it would send one that this
        run has otherwise, unless it may go `anyway`.
        """
        data = self._sent[number].data
        prefix, payload, ending = payload_of(data.decode("utf-8", "replace"))
        if not self._sent[number].text or not _is_json(payload):
            return data
        step = self._first + number + 1
        live = dict(responses)
        blank = Response("1.1", (), status=200)
        live |= {self._first + at: response_with(blank, turn) for at, turn in enumerate(turns(heard))}
        own = call_numbers(json.loads(payload))
        bindings = [each for each in self._correlations.of_step(step) if each.sink.path not in own]
        values = {each.id: evaluate(each, live) for each in bindings}
        stale = [one for one in stale_values(step, self._correlations, live, clear, {}) if one.sink.path not in own]
        if stale and not anyway:
            why = "; ".join(self._explained(one, number) for one in stale)
            raise GatewayError(why, hint=f"--yes-to {self._step} sends it as recorded")
        request = rebind(self._chain[step].request, bindings, values)
        return b"".join((prefix.encode(), request.body.data, ending.encode())) if bindings else data

    def _explained(self, stale: StaleValue, number: int) -> str:
        source = stale.source
        if source.step >= self._first:
            stale = replace(stale, source=replace(source, step=self._step))
        told = explain(stale, secret="sealed_" in stale.unbound.value)
        return f"message {number + 1} of the client would go out with a value of the recording: {told}"

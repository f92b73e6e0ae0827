"""An exchange as the call of a diagram: what was asked, what came back, how it went. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from http import HTTPStatus
from itertools import groupby

from ..model.exchange import Chunk, Exchange
from ..model.failures import failed_of
from ..model.frames import sse_events, websocket_frames
from ..model.operations import Operation, named_operation
from ..model.text import clean, counted, shortened, size
from .diagram import Call, MessageRun, Outcome, Participant
from .step_labels import ValueNames

RUNS = 6  # a longer conversation shows its first runs and counts the rest
_DATA = frozenset({"text", "binary", "continuation"})


def runs(exchange: Exchange, chunks: Sequence[Chunk]) -> tuple[MessageRun, ...]:
    """What passed on a stream; from the bodies where no chunk was kept."""
    if exchange.stream == "sse":
        return _events(exchange, chunks)
    if exchange.stream == "websocket":
        return _messages(chunks) if chunks else _sizes(exchange)
    return ()


def _events(exchange: Exchange, chunks: Sequence[Chunk]) -> tuple[MessageRun, ...]:
    body = exchange.response.body.data if exchange.response else b""
    pieces = chunks or [Chunk(0, 0.0, "received", body)]
    total = sum(len(chunk.data) for chunk in pieces)
    events = sum(event.complete for event in sse_events(pieces))
    words = f"{counted(events, 'event')} · {size(total)}" if events else size(total)
    return (MessageRun(True, words),) if total else ()


def _messages(chunks: Sequence[Chunk]) -> tuple[MessageRun, ...]:
    found = []
    frames = (frame for frame in websocket_frames(chunks) if frame.kind in _DATA)
    for direction, group in groupby(frames, key=lambda frame: frame.direction):
        members = list(group)
        messages = sum(frame.final for frame in members)  # a message ends with its final frame
        words = f"{counted(messages, 'message')} · {size(sum(frame.size for frame in members))}"
        found.append(MessageRun(direction == "received", words))
    rest = len(found) - RUNS
    return tuple(found) if rest <= 0 else (*found[:RUNS], MessageRun(True, f"... and {counted(rest, 'more run')}"))


def _sizes(exchange: Exchange) -> tuple[MessageRun, ...]:
    sent = exchange.request.body.size
    received = exchange.response.body.size if exchange.response else 0
    both = (MessageRun(False, f"messages · {size(sent)}"), MessageRun(True, f"messages · {size(received)}"))
    return tuple(run for run, count in zip(both, (sent, received), strict=True) if count)


_NAME = 24  # characters of a cluster's or environment's name
_HOST = 48  # characters of a host that no route knows
_VALUE = 32  # characters of a variable's name


def answering(exchange: Exchange) -> Participant:
    """Who the request was for: a cluster, the host of an import, else the gateway itself."""
    cluster = shortened(clean(exchange.server).strip(), _NAME if exchange.cluster else _HOST) or "gateway"
    return Participant(cluster, shortened(clean(exchange.environment).strip(), _NAME))


def call_of(exchange: Exchange, participant: int, names: ValueNames, chunks: Sequence[Chunk] = ()) -> Call:
    """The call of one exchange, its values called by their names."""
    took = exchange.timing.total_ms
    operation = named_operation(exchange)
    return Call(
        step=exchange.step,
        exchange=exchange.id,
        participant=participant,
        method=shortened(clean(operation.type if operation else exchange.method), 12),
        path=shortened(clean(_asked(operation) if operation else names.target(exchange))),
        shape=shortened(clean(_asked(operation) if operation else names.shape(exchange))),
        answer=_answer(exchange) + (" ≠ contract" if exchange.drifts else ""),
        outcome=_outcome(exchange),
        took=None if took is None else (took, took),
        remark=_remark(exchange),
        runs=runs(exchange, chunks),
        sentence=sentence(exchange),
        keeps=tuple(shortened(clean(name), _VALUE) for name in names.gives.get(exchange.step, ())),
        uses=tuple(shortened(clean(name), _VALUE) for name in names.uses(exchange.step)),
        span=_span(exchange),
        note=_note(exchange),
    )


def _asked(operation: Operation) -> str:
    """Its name, the type of GraphQL left out: that stands where the method of other calls stands."""
    return operation.name if operation.type else operation.label


def sentence(exchange: Exchange) -> str:
    """The whole story in words, nothing shortened."""
    why = f" ({clean(exchange.failure.detail)})" if exchange.failure and exchange.failure.detail else ""
    notes = "".join(f" Note: {clean(note)}" for note in exchange.notes)
    operation = named_operation(exchange)
    by_name = f"{clean(operation.label)} by " if operation else ""
    asked = f"{by_name}{clean(exchange.method)} {clean(exchange.request.target)}"
    answered = f"{_answer(exchange, None)}{why}"
    drifts = f" It differs from its contract in {counted(exchange.drifts, 'place')}." if exchange.drifts else ""
    return f"Step {exchange.step}: {asked} to {answering(exchange).name}, answered {answered}.{drifts}{notes}"


def _note(exchange: Exchange) -> str:
    note = next((note.strip() for note in exchange.notes if note.strip()), "")
    return shortened(clean(note.splitlines()[0]), 60) if note else ""


def _span(exchange: Exchange) -> tuple[float, float] | None:
    """When it was under way; None for streams, which are under way all the time, and where nobody knows."""
    took = exchange.timing.total_ms
    if exchange.stream or took is None:
        return None
    try:
        began = datetime.fromisoformat(exchange.started_at).timestamp()
    except (ValueError, OverflowError):
        return None
    return began, began + took / 1000


def _answer(exchange: Exchange, limit: int | None = 32) -> str:
    status = str(exchange.status) if exchange.status else ""
    if exchange.failure:
        return f"{status} {shortened(clean(exchange.failure.kind).replace('_', ' '))}".strip()
    if exchange.state == "interrupted":
        return f"{status} interrupted".strip()
    if exchange.state == "open":
        return f"{status} still open".strip()
    failed = failed_of(exchange)
    if failed:
        words = clean(failed.label)
        return f"{status} {shortened(words) if limit else words}"
    return f"{status} {_reason(exchange, limit)}".strip() or exchange.status_words


def _reason(exchange: Exchange, limit: int | None) -> str:
    if exchange.response and exchange.response.reason:
        reason = clean(exchange.response.reason)
        return shortened(reason, limit) if limit else reason
    try:
        return HTTPStatus(exchange.status or 0).phrase
    except ValueError:
        return ""


def _outcome(exchange: Exchange) -> Outcome:
    if exchange.failure or exchange.state == "interrupted":
        return "failed"
    status = exchange.status or 0
    if exchange.state == "open" or not status:
        return "open"
    if failed_of(exchange):
        return "client-error"
    return ("ok", "redirect", "client-error", "server-error")[min(max(status // 100 - 2, 0), 3)]


def _remark(exchange: Exchange) -> str:
    words = [exchange.override or "", "" if exchange.mode == "live" else exchange.mode]
    return ", ".join(clean(word) for word in words if word)

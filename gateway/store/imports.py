"""A recording that comes from a file: sealed, turned into rows, written; nobody sees it before it is complete. I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING

from ..model.capture import Capture, RawPairs
from ..model.exchange import Chunk, Exchange, Timing
from ..model.message import Body, Pairs
from ..model.recording import Recording
from ..redact import masked_text
from .batch import Batch, Seal, Sealed

if TYPE_CHECKING:
    from .tables import Tables

BEGUN = 1.0  # of every imported exchange on the clock of captures, where 0.0 means "not reached"


@dataclass(frozen=True, slots=True)
class Import:
    """What is written. Exchanges carry their ids; `redact` are the rules of the route table in force."""

    recording: Recording
    exchanges: Sequence[Exchange]
    chunks: Mapping[int, Sequence[Chunk]] = field(default_factory=dict)
    redact: object = None


def write_import(tables: Tables, one: Import, seal: Seal, now: float) -> None:
    """First what lies beside it, then all exchanges in one transaction: until then no list shows the recording."""
    recording = replace(
        one.recording, title=masked_text(one.recording.title), notes=tuple(map(masked_text, one.recording.notes))
    )
    exchanges = [replace(each, notes=tuple(map(masked_text, each.notes))) for each in one.exchanges]
    plains = {exchange.id: plain for exchange in one.exchanges if any(plain := _plain(exchange))}
    batch = tables.batch_class(PlainSeal(seal, plains), None, tables.stored)
    for exchange in one.exchanges:
        _add(batch, exchange, one)
    tables.describe_recording(
        recording.id, recording.session, kind=recording.kind, parent=recording.parent,
        branched_at=recording.branched_at, title=recording.title, now=now,
    )  # fmt: skip
    tables.note_import(recording, exchanges, now)
    tables.write(batch)


def _add(batch: Batch, exchange: Exchange, one: Import) -> None:
    capture = capture_of(exchange)
    capture.redact = one.redact
    response = exchange.response
    kept = (exchange.request.body.kept, response.body.kept if response else None)
    batch.add(capture, kept=kept, plain=_plain(exchange))
    for chunk in one.chunks.get(exchange.step, ()):
        piece = (exchange.id, chunk.index, chunk.at_ms, chunk.direction == "sent", chunk.size, chunk.data)
        batch.chunks.append(piece)


def _plain(exchange: Exchange) -> tuple[bool, bool]:
    return exchange.request.body.plain, exchange.response is not None and exchange.response.body.plain


class PlainSeal:
    """Seals bodies whose content codings are gone already as what they are; the field that names the codings stays."""

    def __init__(self, seal: Seal, plains: Mapping[str, tuple[bool, bool]]) -> None:
        self._seal, self._plains = seal, plains

    def __call__(self, capture: Capture) -> Sealed | Capture:
        request, response = self._plains.get(capture.id, (False, False))
        sides = [name for name, plain in (("request_headers", request), ("response_headers", response)) if plain]
        told = {side: list(enumerate(getattr(capture, side))) for side in sides}
        for side, pairs in told.items():
            setattr(capture, side, [pair for _, pair in pairs if pair[0].lower() != b"content-encoding"])
        sealed = self._seal(capture)
        found = sealed if isinstance(sealed, Capture) else sealed.capture
        for side, pairs in told.items():
            headers: RawPairs = list(getattr(found, side))
            for index, pair in pairs:
                if pair[0].lower() == b"content-encoding":
                    headers.insert(index, pair)
            setattr(found, side, headers)
        return sealed


def capture_of(exchange: Exchange) -> Capture:
    """The exchange as the relay would have seen it."""
    capture = Capture()
    request, response, timing = exchange.request, exchange.response, exchange.timing
    capture.id, capture.recording, capture.session = exchange.id, exchange.recording, exchange.session
    capture.step, capture.state, capture.stream = exchange.step, exchange.state, exchange.stream
    capture.started_at = datetime.fromisoformat(exchange.started_at).timestamp()
    capture.method, capture.target = _latin(request.method), _latin(request.target)
    if request.target.startswith("/"):
        capture.origin = _latin(exchange.url.removesuffix(request.target))
    capture.request_version = request.http_version
    capture.request_headers, capture.request_trailers = _raw(request.headers), _raw(request.trailers)
    capture.request_body, capture.request_size = _pieces(request.body), request.body.size
    capture.cluster, capture.environment = exchange.cluster, exchange.environment
    capture.prefix = None if exchange.prefix is None else _latin(exchange.prefix)
    capture.trace = exchange.trace.text if exchange.trace else ""
    capture.upstream_url, capture.routes_revision = exchange.upstream_url, exchange.routes_revision
    capture.mode, capture.override = exchange.mode, exchange.override
    capture.status = exchange.status or 0
    if response is not None:
        capture.response_version, capture.reason = response.http_version or "1.1", response.reason.encode()
        capture.response_headers, capture.response_trailers = _raw(response.headers), _raw(response.trailers)
        capture.response_body, capture.response_size = _pieces(response.body), response.body.size
    capture.rewritten = _raw(exchange.rewritten)
    capture.failure = (exchange.failure.kind, exchange.failure.detail) if exchange.failure else None
    capture.attempts = exchange.attempts
    _time(capture, timing)
    return capture


def _time(capture: Capture, timing: Timing) -> None:
    capture.phases = " ".join(f"{name}={ms}" for name, ms in timing.phases)
    if timing.total_ms is None:
        return
    capture.begun = BEGUN
    capture.ended = BEGUN + timing.total_ms / 1000
    capture.connected = BEGUN + timing.connect_ms / 1000 if timing.connect_ms is not None else 0.0
    capture.first_byte = BEGUN + timing.first_byte_ms / 1000 if timing.first_byte_ms is not None else 0.0
    capture.sent = capture.ended - timing.upstream_ms / 1000 if timing.upstream_ms is not None else 0.0


def _latin(text: str) -> bytes:
    return text.encode("latin-1", "replace")


def _raw(pairs: Pairs) -> RawPairs:
    return [(name.encode("utf-8", "replace"), value.encode("utf-8", "replace")) for name, value in pairs]


def _pieces(body: Body) -> list[bytes]:
    return [body.data] if body.data else []

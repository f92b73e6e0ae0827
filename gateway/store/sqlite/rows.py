"""Captures as rows, rows as exchanges and recordings. Pure."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final, Protocol

from ...model.caches import remembered
from ...model.capture import Capture
from ...model.exchange import Chunk, Exchange, Failure, Timing, trace_of
from ...model.message import Body, Request, Response, header_text
from ...model.recording import Recording, Revision
from .header_blob import fields_of, pack

USUAL: Final = (
    "id", "recording", "step", "session", "state", "started_at", "method", "target", "cluster", "environment",
    "status", "request_body", "response_body", "mode", "total_ms", "first_byte_ms", "upstream_ms", "client", "origin",
    "upstream_url", "routes_revision", "request_version", "request_size", "response_version", "reason",
    "response_size", "request_head", "response_head", "prefix", "trace",
)  # fmt: skip
# Seldom anything but these defaults. Most rows are inserted without them: each bound value costs 0.2 us.
SELDOM: Final[dict[str, Any]] = {
    "failure_kind": None,
    "failure_detail": None,
    "override": None,
    "stream": "",
    "attempts": 1,
    "connect_ms": None,
    "request_kept": None,
    "request_plain": 0,
    "response_kept": None,
    "response_plain": 0,
    "request_trailers": b"",
    "response_trailers": b"",
    "rewritten": b"",
    "phases": "",
}
COLUMNS: Final = (*USUAL, *SELDOM)
# Places in a row that are looked at before it is written.
ID, RECORDING, STEP, SESSION, STATE, STARTED_AT, CLUSTER, ENVIRONMENT, REQUEST_BODY, RESPONSE_BODY, TOTAL_MS = map(
    USUAL.index,
    ("id", "recording", "step", "session", "state", "started_at", "cluster", "environment", "request_body",
     "response_body", "total_ms"),
)  # fmt: skip
METHOD, TARGET, STATUS, MODE = map(USUAL.index, ("method", "target", "status", "mode"))
FAILURE: Final = COLUMNS.index("failure_kind")
DEFAULTS: Final = tuple(SELDOM.values())

BodyRow = tuple[bytes, int, int, bytes]  # key, size, packed, data
KEY_TIME: Final = 6  # bytes: milliseconds since the epoch, before the hash of a body's key

OFTEN: Final = 4096  # bytes: shorter bodies often come again
SMALL: Final = 1024  # bytes: below that, packing saves less than the time it takes


def hash_of(data: bytes) -> bytes:
    """What tells a body from all others: the part of its hash that its key has."""
    return digest_of(data)[:-KEY_TIME]


def hash_in(key: bytes) -> bytes:
    """The hash of a body by its key."""
    return key[KEY_TIME:]


def body_key(hashed: bytes, started_at: float) -> bytes:
    """What a new body is called: the time of its exchange, then its hash.

    Keys that grow with time are added at one end of their index. With the bare hash each body dirties a page of its
    own in a large file: 12 KiB of log for an exchange of 2 KiB, and 48 us instead of 21 (1,000,000 exchanges).
    """
    moment = int(started_at * 1000) if 0 < started_at < 1 << 32 else 0
    return moment.to_bytes(KEY_TIME, "big") + hashed


def is_key_of(key: bytes, data: bytes) -> bool:
    """Whether a body is what its key says; older files have the hash alone as the key."""
    digest = digest_of(data)
    return key in (digest, key[:KEY_TIME] + digest[:-KEY_TIME])


def body_row(data: bytes, key: bytes) -> BodyRow:
    """A body as it is stored: packed when that makes it smaller."""
    if len(data) > SMALL:
        packed = zlib.compress(data, 1)
        if len(packed) < len(data):
            return key, len(data), 1, packed
    return key, len(data), 0, data


def unpacked(packed: int, data: bytes) -> bytes:
    return zlib.decompress(data) if packed else data


def exchange_row(
    capture: Capture, request_body: bytes | None, response_body: bytes | None,
    *, kept: tuple[int | None, int | None] = (None, None), plain: tuple[bool, bool] = (False, False),
) -> tuple[Any, ...]:  # fmt: skip
    """The values of USUAL, or of COLUMNS when one is not its default.

    Bodies are named by hash; `kept` is given where sealing changed a body's length.
    """
    begun, sent, first, ended = capture.begun, capture.sent, capture.first_byte, capture.ended
    usual = (
        capture.id, capture.recording, capture.step, capture.session, capture.state, capture.started_at,
        capture.method.decode("latin-1"), capture.target.decode("latin-1"), capture.cluster, capture.environment,
        capture.status or None, request_body, response_body, capture.mode,
        (ended - begun) * 1000 if ended else None,
        (first - begun) * 1000 if first else None,
        (ended - sent) * 1000 if ended and sent else None,
        capture.client, capture.origin.decode("latin-1"), capture.upstream_url, capture.routes_revision,
        capture.request_version, capture.request_size, capture.response_version, header_text(capture.reason),
        capture.response_size, pack(capture.request_headers), pack(capture.response_headers),
        None if capture.prefix is None else capture.prefix.decode("latin-1"), capture.trace,
    )  # fmt: skip
    odd = (
        capture.failure or capture.override is not None or capture.stream or capture.attempts != 1
        or capture.connected or capture.request_trailers or capture.response_trailers or capture.rewritten
        or kept != (None, None) or plain != (False, False) or capture.phases
    )  # fmt: skip
    return usual + _seldom(capture, kept, plain) if odd else usual


def _seldom(capture: Capture, kept: tuple[int | None, int | None], plain: tuple[bool, bool]) -> tuple[Any, ...]:
    kind, detail = capture.failure or (None, None)
    trailers, rewritten = capture.request_trailers, capture.rewritten
    return (
        kind, detail, capture.override, capture.stream, capture.attempts,
        (capture.connected - capture.begun) * 1000 if capture.connected else None,
        kept[0], int(plain[0]), kept[1], int(plain[1]),
        pack(trailers) if trailers else b"",
        pack(capture.response_trailers) if capture.response_trailers else b"",
        pack(rewritten) if rewritten else b"",
        capture.phases,
    )  # fmt: skip


@remembered(256, OFTEN)
def digest_of(data: bytes) -> bytes:
    return sha256(data).digest()


def timestamp(seconds: float) -> str:
    """Epoch seconds as RFC 3339 in UTC with microseconds; a clock gone mad still gives a date."""
    try:
        moment = datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        moment = datetime.fromtimestamp(0, UTC)
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


class ExchangeRow(Protocol):
    """A row of a result, by column name."""

    def __getitem__(self, name: str, /) -> Any: ...


def exchange_of(
    row: ExchangeRow, bodies: Mapping[bytes, bytes], notes: Sequence[str] = (), tags: Sequence[str] = ()
) -> Exchange:
    """The exchange of a row; `bodies` by hash."""
    failure = Failure(row["failure_kind"], row["failure_detail"] or "") if row["failure_kind"] else None
    return Exchange(
        id=row["id"], recording=row["recording"], step=row["step"], session=row["session"],
        started_at=timestamp(row["started_at"]), url=public_url(row["origin"], row["target"]),
        request=_request(row, bodies), response=_response(row, bodies), status=row["status"],
        cluster=row["cluster"], environment=row["environment"], upstream_url=row["upstream_url"],
        routes_revision=row["routes_revision"], mode=row["mode"], override=row["override"], failure=failure,
        timing=_timing(row),
        state=row["state"], stream=row["stream"], attempts=row["attempts"],
        rewritten=fields_of(row["rewritten"]), notes=tuple(notes), tags=tuple(tags),
        prefix=row["prefix"], trace=trace_of(row["trace"]),
    )  # fmt: skip


def public_url(origin: str, target: str) -> str:
    """The URL that the client asked for; an absolute-form target is one already (RFC 9112 section 3.2.2)."""
    return target if not target.startswith("/") and "://" in target else origin + target


def _timing(row: ExchangeRow) -> Timing:
    phases = (pair.partition("=") for pair in row["phases"].split())
    return Timing(
        _ms(row["total_ms"]), _ms(row["connect_ms"]), _ms(row["first_byte_ms"]), _ms(row["upstream_ms"]),
        tuple((name, float(ms)) for name, _, ms in phases),
    )  # fmt: skip


def _ms(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def _body(row: ExchangeRow, side: str, bodies: Mapping[bytes, bytes]) -> Body:
    data = bodies.get(row[f"{side}_body"] or b"", b"")
    return Body(row[f"{side}_size"], data, row[f"{side}_kept"], bool(row[f"{side}_plain"]))


def _request(row: ExchangeRow, bodies: Mapping[bytes, bytes]) -> Request:
    return Request(
        http_version=row["request_version"], headers=fields_of(row["request_head"]),
        body=_body(row, "request", bodies), trailers=fields_of(row["request_trailers"]),
        method=row["method"], target=row["target"],
    )  # fmt: skip


def _response(row: ExchangeRow, bodies: Mapping[bytes, bytes]) -> Response | None:
    if not row["response_version"]:
        return None
    return Response(
        http_version=row["response_version"], headers=fields_of(row["response_head"]),
        body=_body(row, "response", bodies), trailers=fields_of(row["response_trailers"]),
        status=row["status"] or 0, reason=row["reason"],
    )  # fmt: skip


def recording_of(
    row: ExchangeRow, *, title: str, clusters: Sequence[str], notes: Sequence[str], tags: Sequence[str]
) -> Recording:
    """The recording of a row and of what lies beside it."""
    return Recording(
        id=row["id"], title=title, session=row["session"], kind=row["kind"], parent=row["parent"],
        branched_at=row["branched_at"], started_at=timestamp(row["started_at"]),
        updated_at=timestamp(row["updated_at"]), steps=row["steps"], clusters=tuple(clusters), notes=tuple(notes),
        tags=tuple(tags), pinned=bool(row["pinned"]),
    )  # fmt: skip


def default_title(method: str, target: str, steps: int) -> str:
    """What a recording without a title is called: its first request, and how many follow."""
    path = target.partition("?")[0]
    path = path if len(path) <= 60 else path[:59] + "…"
    return f"{method} {path}" + (f" … {steps} steps" if steps > 1 else "")


def chunk_of(row: ExchangeRow) -> Chunk:
    return Chunk(
        index=row["number"], at_ms=round(row["at_ms"], 3), direction="sent" if row["sent"] else "received",
        data=row["data"], size=row["size"],
    )  # fmt: skip


def revision_of(row: ExchangeRow) -> Revision:
    return Revision(
        id=row["id"], accepted_at=row["accepted_at"], source=row["source"],
        changes=tuple(json.loads(row["changes"])), text=row["text"],
    )  # fmt: skip


def summary(row: Sequence[Any]) -> dict[str, Any]:
    """What watching pages get about an exchange: from the values of USUAL, or of COLUMNS."""
    took = row[TOTAL_MS]
    return {
        "id": row[ID],
        "recording": row[RECORDING],
        "step": row[STEP],
        "session": row[SESSION],
        "method": row[METHOD],
        "path": row[TARGET].partition("?")[0],
        "status": row[STATUS],
        "cluster": row[CLUSTER],
        "environment": row[ENVIRONMENT],
        "total_ms": _ms(took),
        "failure": row[FAILURE] if len(row) > len(USUAL) else None,
        "started_at": timestamp(row[STARTED_AT]),
        "state": row[STATE],
        "mode": row[MODE],
    }

"""Our own bundle: recordings without loss, to move them from one gateway to another. Pure.

No ids and no sessions: the gateway that takes it gives its own. Exported again it is the same, byte for byte.
Secrets stay the placeholders they are; what they stand for never leaves the gateway that sealed them.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, get_args

from ..model.exchange import FAILURE_KINDS, Chunk, Exchange, Failure, Mode, Timing
from ..model.message import Body, Message, Pairs, Request, Response
from ..model.recording import Recording
from .format import ALONE, Beside, ChunksOf, Recordings
from .json import dumped
from .readers.foreign_json import JsonNode
from .readers.imported_recording import Imported

BUNDLE = 1  # raised when a reader of today would misread a file of tomorrow
Object = dict[str, Any]
_MODES = get_args(Mode)
_TIMES = ("total_ms", "connect_ms", "first_byte_ms", "upstream_ms")


def dump(recordings: Recordings, *, version: str, beside: Beside = ALONE) -> str:
    """Every recording with everything that lies beside it. No version in it: the same recording, the same bytes."""
    places = {recording.id: index for index, (recording, _) in enumerate(recordings)}
    items = [_recording(recording, exchanges, places, beside.chunks) for recording, exchanges in recordings]
    return dumped({"gateway_bundle": BUNDLE, "recordings": items})


def _recording(recording: Recording, exchanges: Sequence[Exchange], places: dict[str, int], chunks: ChunksOf) -> Object:
    parent = places.get(recording.parent or "")
    return {
        "title": recording.title,
        "parent": parent,
        "branched_at": recording.branched_at if parent is not None else None,
        "notes": list(recording.notes),
        "tags": list(recording.tags),
        "pinned": recording.pinned,
        "exchanges": [_exchange(one, chunks(one.id) if one.stream else ()) for one in exchanges],
    }


def _exchange(one: Exchange, chunks: Sequence[Chunk]) -> Object:
    response = one.response
    facts: Object = {
        "step": one.step,
        "started_at": one.started_at,
        "url": one.url,
        "cluster": one.cluster,
        "environment": one.environment,
        "upstream_url": one.upstream_url,
        "routes_revision": one.routes_revision,
        "mode": one.mode,
        "override": one.override,
        "status": one.status,
        "failure": None if one.failure is None else [one.failure.kind, one.failure.detail],
        "timing": {name: getattr(one.timing, name) for name in _TIMES}
        | ({"phases": dict(one.timing.phases)} if one.timing.phases else {}),
        "state": "interrupted" if one.state == "open" else one.state,
        "attempts": one.attempts,
        "rewritten": _pairs(one.rewritten),
        "notes": list(one.notes),
        "tags": list(one.tags),
        "request": {"method": one.method, "target": one.request.target, **_message(one.request)},
        "response": None if response is None else {"reason": response.reason, **_message(response)},
    }
    return facts | ({"stream": one.stream, "chunks": [_chunk(chunk) for chunk in chunks]} if one.stream else {})


def _pairs(pairs: Pairs) -> list[list[str]]:
    return [[name, value] for name, value in pairs]


def _message(message: Message) -> Object:
    body = message.body
    told: Object = {"size": body.size, **_bytes(body.data)}
    told |= {"kept": body.kept} if body.kept is not None else {}
    told |= {"plain": True} if body.plain else {}
    trailers = {"trailers": _pairs(message.trailers)} if message.trailers else {}
    return {"http_version": message.http_version, "headers": _pairs(message.headers), "body": told, **trailers}


def _bytes(data: bytes) -> Object:
    try:
        return {"text": data.decode()}
    except UnicodeDecodeError:
        return {"base64": b64encode(data).decode()}


def _chunk(chunk: Chunk) -> Object:
    return {"at_ms": chunk.at_ms, "direction": chunk.direction, "size": chunk.size, **_bytes(chunk.data)}


def load(root: JsonNode) -> list[Imported]:
    """The recordings of a bundle; UsageError names the place of whatever is off."""
    version = root.at("gateway_bundle").whole()
    if version != BUNDLE:
        raise root.at("gateway_bundle").wrong(f"this gateway reads bundles of version {BUNDLE}, not {version}")
    nodes = list(root.at("recordings").items())
    return [_load_recording(node, index) for index, node in enumerate(nodes)]


def _load_recording(node: JsonNode, index: int) -> Imported:
    exchanges, chunks, before = [], {}, 0
    for each in node.at("exchanges").items():
        exchange = _load_exchange(each)
        if exchange.step <= before:
            raise each.at("step").wrong(f"comes after step {before}")
        before = exchange.step
        exchanges.append(exchange)
        if exchange.stream:
            chunks[exchange.step] = tuple(_load_chunks(each.at("chunks")))
    parent = node.at("parent")
    recording = Recording(
        id="",
        title=node.at("title").text(),
        session="",
        kind="import",
        parent=f"#{parent.whole(most=max(index - 1, 0))}" if parent.value is not None else None,
        branched_at=node.at("branched_at").whole() if node.has("branched_at") else None,
        notes=_texts(node.at("notes")),
        tags=_texts(node.at("tags")),
        pinned=node.at("pinned").flag(),
    )
    return Imported(recording, tuple(exchanges), chunks)


def _timing(node: JsonNode) -> Timing:
    total, connect, first, upstream = (node.at(name).number() for name in _TIMES)
    return Timing(total, connect, first, upstream, _phases(node.at("phases")))


def _phases(node: JsonNode) -> tuple[tuple[str, float], ...]:
    found = ((name, item.number()) for name, item in node.members())
    return tuple((name, ms) for name, ms in found if ms is not None and name.isalnum())


def _texts(node: JsonNode) -> tuple[str, ...]:
    return tuple(item.text() for item in node.items())


def _load_exchange(node: JsonNode) -> Exchange:
    failure = [item.text() for item in node.at("failure").items()]
    if failure and (len(failure) != 2 or failure[0] not in FAILURE_KINDS):
        raise node.at("failure").wrong("is not a kind of failure with its detail")
    timing, response = node.at("timing"), node.at("response")
    mode = node.at("mode").one_of(*_MODES)
    return Exchange(
        id="",
        recording="",
        step=node.at("step").whole(least=1, most=1 << 31),
        session="",
        started_at=_moment(node.at("started_at")),
        url=node.at("url").text(),
        request=_load_request(node.at("request")),
        response=None if response.value is None else _load_response(response, node.at("status").whole(0, most=999)),
        status=node.at("status").whole(most=999) if node.has("status") else None,
        cluster=node.at("cluster").text(""),
        environment=node.at("environment").text(""),
        upstream_url=node.at("upstream_url").text(""),
        routes_revision=node.at("routes_revision").text(""),
        mode=next(each for each in _MODES if each == mode),
        override=node.at("override").text() if node.has("override") else None,
        failure=Failure(failure[0], failure[1]) if failure else None,
        timing=_timing(timing),
        state="done" if node.at("state").one_of("done", "interrupted") == "done" else "interrupted",
        stream=node.at("stream").one_of("", "sse", "websocket") if node.has("stream") else "",
        attempts=node.at("attempts").whole(1),
        rewritten=_load_pairs(node.at("rewritten")),
        notes=_texts(node.at("notes")),
        tags=_texts(node.at("tags")),
    )


def _moment(node: JsonNode) -> str:
    """RFC 3339 with a zone, as the model writes it."""
    try:
        moment = datetime.fromisoformat(node.text()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise node.wrong("is not a time such as 2026-11-22T06:00:00.123456Z") from None
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def _load_pairs(node: JsonNode) -> Pairs:
    return tuple(_load_pair(item) for item in node.items())


def _load_pair(node: JsonNode) -> tuple[str, str]:
    words = [item.text() for item in node.items()]
    if len(words) != 2:
        raise node.wrong("is not a name and a value")
    return words[0], words[1]


def _load_request(node: JsonNode) -> Request:
    return Request(
        http_version=node.at("http_version").text(),
        headers=_load_pairs(node.at("headers")),
        body=_load_body(node.at("body")),
        trailers=_load_pairs(node.at("trailers")),
        method=_latin(node.at("method")),
        target=_latin(node.at("target")),
    )


def _latin(node: JsonNode) -> str:
    """One character per byte of the wire (RFC 9112 section 3)."""
    text = node.text()
    if not text or any(not "!" <= char <= "\xff" or char == "\x7f" for char in text):
        raise node.wrong("cannot stand in the first line of a request")
    return text


def _load_response(node: JsonNode, status: int) -> Response:
    return Response(
        http_version=node.at("http_version").text(),
        headers=_load_pairs(node.at("headers")),
        body=_load_body(node.at("body")),
        trailers=_load_pairs(node.at("trailers")),
        status=status,
        reason=node.at("reason").text(),
    )


def _load_body(node: JsonNode) -> Body:
    kept = node.at("kept").whole() if node.has("kept") else None
    return Body(node.at("size").whole(), _load_bytes(node), kept, node.at("plain").flag())


def _load_bytes(node: JsonNode) -> bytes:
    if node.has("text"):
        return node.at("text").text().encode()
    try:
        return b64decode(node.at("base64").text(""), validate=True)
    except ValueError:
        raise node.at("base64").wrong("is not base64") from None


def _load_chunks(node: JsonNode) -> Iterator[Chunk]:
    for index, item in enumerate(node.items()):
        direction = item.at("direction").one_of("sent", "received")
        at_ms, size = item.at("at_ms").number() or 0.0, item.at("size").whole(-1, least=-1)
        yield Chunk(index, at_ms, "sent" if direction == "sent" else "received", _load_bytes(item), size)

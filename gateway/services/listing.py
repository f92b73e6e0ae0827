"""What pages and API show, as JSON-ready values: a page and its .json twin read the same. I/O."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import asdict
from itertools import islice
from typing import TYPE_CHECKING, Any

from ..errors import NotFoundError
from ..model.exchange import Chunk, Exchange
from ..model.frames import Deflate, sse_events, websocket_frames
from ..model.json_shapes import exchange_facts, leads_past
from ..model.message import Response
from .status import current_pins, problem_lines

if TYPE_CHECKING:
    from ..model.recording import Page, Recording, Revision
    from ..protocols import LiveSession, Services
    from ..replay.playback.playback import Playback
    from ..routes.table import CompiledCluster

MAX_PIECES = 2000  # frames or events of one exchange that a response holds


def routes_json(
    services: Services, session: LiveSession, *, named: str = "", limit: int | None = None
) -> dict[str, Any]:
    """The table in force as this session sees it, with the health of every upstream; `named` is part of a name."""
    table, pins = services.routes.table, current_pins(session)
    found = (cluster for name, cluster in table.clusters.items() if named in name)
    return {
        "items": [_cluster_json(services, cluster, pins.get(cluster.name)) for cluster in islice(found, limit)],
        "next": None,
        "environments": list(table.environments),
        "revision": table.revision,
        "file": services.routes.file.name,
        "problems": list(problem_lines(services)),
    }


def session_json(session: LiveSession) -> dict[str, Any]:
    pins = current_pins(session)
    return {
        "id": session.id,
        "recording": session.recording,
        "steps": session.steps,
        "title": session.title,
        "pins": {name: asdict(pin) for name, pin in session.pins.items() if name in pins},
        "faults": {name: {"fault": str(one), "rate": one.rate} for name, one in session.faults.items()},
        "modes": {name: {"mode": one.mode} | playback_json(one.playback) for name, one in session.modes.items()},
    }


def past_gateway(services: Services, recording: str) -> dict[str, Any]:
    """The steps of a recording (a full id) that give an address past the gateway, by `past_gateway`. Only its first
    500 steps are read, since each response's text is searched; `past_gateway_read` says how many were. Blocking."""
    steps = services.store.exchanges(recording, limit=500).items
    past = [{"step": one.step, "addresses": found} for one in steps if (found := leads_past(one))]
    return {"past_gateway": past, "past_gateway_read": len(steps)}


def playback_json(playback: Playback) -> dict[str, Any]:
    """What is played, and how it goes."""
    return {
        "recording": playback.tape.recording,
        "title": playback.tape.title,
        "answered": playback.answered,
        "missed": playback.missed,
    }


def played_by(session: LiveSession) -> tuple[dict[str, Any], ...]:
    """Each recording that the session plays, with the clusters and their modes."""
    found: dict[int, tuple[Playback, dict[str, str]]] = {}
    for name, one in session.modes.items():
        found.setdefault(id(one.playback), (one.playback, {}))[1][name] = one.mode
    return tuple(playback_json(playback) | {"clusters": clusters} for playback, clusters in found.values())


def played(found: Exchange) -> dict[str, str] | None:
    """Which step of which recording answered an exchange of a playback: recording, step, match, after."""
    if found.mode != "playback":
        return None
    source, *rest = (found.response.header("gateway-playback") if found.response else "").split("; ")
    recording, _, step = source.partition("/")
    given = dict(part.partition("=")[::2] for part in rest)
    return {"recording": recording, "step": step, "match": given.get("match", ""), "after": given.get("after", "")}


def revision_json(revision: Revision) -> dict[str, Any]:
    """Without its text: a routes.yaml may hold credentials."""
    return {
        "id": revision.id,
        "accepted_at": revision.accepted_at,
        "source": revision.source,
        "changes": list(revision.changes),
    }


async def history(services: Services, *, limit: int = 100) -> list[dict[str, Any]]:
    """Accepted route tables, newest first."""
    return [revision_json(revision) for revision in await revisions(services, limit=limit)]


async def revisions(services: Services, *, limit: int = 100) -> Sequence[Revision]:
    return await asyncio.to_thread(services.store.revisions, limit=limit)


async def recording(services: Services, ref: str) -> Recording:
    return await asyncio.to_thread(services.store.recording, ref)


async def exchanges(
    services: Services, id: str, *, limit: int, cursor: str | None = None, query: str = ""
) -> Page[Exchange]:
    return await asyncio.to_thread(services.store.exchanges, id, limit=limit, cursor=cursor, query=query)


async def latest(
    services: Services, *, limit: int, cursor: str | None = None, query: str = ""
) -> tuple[list[dict[str, Any]], str | None]:
    """The newest exchanges of all recordings that a filter finds, newest first, and the cursor of those before."""
    found = await asyncio.to_thread(services.store.latest, limit=limit, cursor=cursor, query=query)
    return [row_json(one) for one in found.items], found.next


async def exchange(services: Services, id: str) -> Exchange:
    return await asyncio.to_thread(services.store.exchange, id)


async def chunks(services: Services, id: str) -> Sequence[Chunk]:
    return await asyncio.to_thread(services.store.chunks, id)


async def pieces(services: Services, found: Exchange) -> list[dict[str, Any]]:
    """The frames or events of a stream, decoded; none for other exchanges."""
    if not found.stream:
        return []
    return await asyncio.to_thread(pieces_json, found, await chunks(services, found.id))


def pieces_json(found: Exchange, chunks: Sequence[Chunk]) -> list[dict[str, Any]]:
    """At most MAX_PIECES of them, in order."""
    pieces = _events_json(chunks) if found.stream == "sse" else _frames_json(found.response, chunks)
    return pieces[:MAX_PIECES]


def row_json(found: Exchange) -> dict[str, Any]:
    """A row of a list of exchanges: its facts and, for the status in words, the reason phrase."""
    response = found.response
    return exchange_facts(found) | {"reason": response.reason if response and response.status == found.status else ""}


def known_cluster(services: Services, name: str) -> CompiledCluster:
    """NotFoundError names the clusters that exist."""
    clusters = services.routes.table.clusters
    if name not in clusters:
        raise NotFoundError(f"there is no cluster {name!r}", hint=f"the clusters are {', '.join(clusters)}")
    return clusters[name]


def _cluster_json(services: Services, cluster: CompiledCluster, pinned: str | None) -> dict[str, Any]:
    return {
        "name": cluster.name,
        "path": cluster.prefix.decode("utf-8", "replace") or "/",
        "environment": cluster.environment,
        "pinned": pinned,
        "fault": asdict(cluster.fault) if cluster.fault else None,
        "upstreams": [
            {
                "environment": name,
                "url": upstream.url,
                "current": name == cluster.environment,
                "pinned": name == pinned,
                "tls_verified": upstream.tls.verify if upstream.tls else None,
                "health": asdict(services.health.of(cluster.name, name)),
            }
            for name, upstream in cluster.upstreams.items()
        ],
    }


def _events_json(chunks: Sequence[Chunk]) -> list[dict[str, Any]]:
    return [
        _piece(
            at_ms=event.at_ms,
            direction="received",
            kind=event.event,
            data=event.data.encode(),
            size=len(event.data.encode()),
            problem="" if event.complete else "its end never came",
        )
        | {"id": event.id, "retry": event.retry}
        for event in sse_events(chunks)
    ]


def _frames_json(response: Response | None, chunks: Sequence[Chunk]) -> list[dict[str, Any]]:
    agreed = Deflate.of(response.header("sec-websocket-extensions")) if response else None
    return [
        _piece(
            at_ms=frame.at_ms,
            direction=frame.direction,
            kind=frame.kind,
            data=frame.data[2:] if frame.close_code is not None else frame.data,
            size=frame.size,
            problem=frame.problem,
        )
        | {"final": frame.final, "compressed": frame.compressed, "close_code": frame.close_code}
        for frame in websocket_frames(chunks, agreed)
    ]


def _piece(*, at_ms: float, direction: str, kind: str, data: bytes, size: int, problem: str) -> dict[str, Any]:
    try:
        text, base64 = data.decode(), None
    except UnicodeDecodeError:
        text, base64 = None, b64encode(data).decode()
    return {
        "at_ms": round(at_ms, 3),
        "direction": direction,
        "kind": kind,
        "size": size,
        "text": text,
        "base64": base64,
        "problem": problem,
    }

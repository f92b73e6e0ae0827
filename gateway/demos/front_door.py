"""The front door: what somebody can do here now, by the state of demos, recordings and servers. I/O."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from ..errors import NotFoundError
from ..model.exchange import Exchange
from ..model.failures import failed_of
from ..model.operations import operation_of

if TYPE_CHECKING:
    from ..model.recording import Recording
    from ..protocols import LiveSession, Services

LATEST: Final = 4  # recordings
CELLS: Final = 40  # steps of one that are drawn
CLUSTERS: Final = 12  # on the small board


@dataclass(frozen=True, slots=True)
class RecordingCells:
    """A recording at a glance: a cell for each of its first steps, "" good, "w" 4xx, "b" failed, "x" not sent."""

    recording: Recording
    cells: tuple[str, ...]
    failed: int  # among those
    whole: bool  # whether they are all of its steps
    seconds: float  # since its last call


@dataclass(frozen=True, slots=True)
class BoardRow:
    """A cluster of the small board; `down` says that the server on which it lives does not answer."""

    cluster: str
    environment: str
    environments: frozenset[str]  # where it has a server
    down: bool


def cell(exchange: Exchange) -> str:
    """The class of one step's cell."""
    status = exchange.status
    if exchange.failure or (status or 0) >= 500:
        return "b"
    if status is None:
        return "x"
    if status >= 400:
        return "w"
    return "b" if failed_of(exchange, operation_of(exchange.request)) else ""


async def front_door(services: Services, session: LiveSession) -> dict[str, Any]:
    """What the home page shows beside the demos."""
    table = services.routes.table
    rows = [
        BoardRow(
            one.name,
            one.environment,
            frozenset(one.upstreams),
            services.health.of(one.name, one.environment).state == "down",
        )
        for one in list(table.clusters.values())[:CLUSTERS]
    ]
    found = await asyncio.to_thread(_latest, services)
    return {
        "recordings": found,
        "rows": rows,
        "hidden_clusters": max(0, len(table.clusters) - CLUSTERS),
        "environments": table.environments,
        "down": [row for row in rows if row.down],
        "changes": (await asyncio.to_thread(services.store.revisions, limit=3)),
        "fresh": not found and not session.steps,
    }


def _latest(services: Services) -> tuple[RecordingCells, ...]:
    found = services.store.recordings("", limit=LATEST).items
    return tuple(_cells(services, one) for one in found)


def _cells(services: Services, recording: Recording) -> RecordingCells:
    steps: Sequence[Exchange] = ()
    with contextlib.suppress(NotFoundError):  # deleted meanwhile
        steps = services.store.exchanges(recording.id, limit=CELLS).items
    cells = tuple(map(cell, steps))
    failed = sum(one in ("w", "b") for one in cells)
    return RecordingCells(recording, cells, failed, len(cells) >= recording.steps, _seconds_since(recording.updated_at))


def _seconds_since(moment: str) -> float:
    try:
        return max(0.0, time.time() - datetime.fromisoformat(moment).timestamp())
    except ValueError:
        return 0.0

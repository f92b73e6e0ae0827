"""What pages and API change: moves, pins, recordings and what is noted beside them. I/O."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import UsageError, did_you_mean
from ..routes.edit import place_of
from .audit_log import note
from .listing import known_cluster

if TYPE_CHECKING:
    from ..model.audit import Who
    from ..protocols import LiveSession, Services

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
MAX_TTL = 366 * 86400.0
SHOWN = 600.0  # seconds that the board offers to undo a move
WHY = 200  # characters of a reason
STORED = 1.0  # seconds that a move waits for its line of the history


@dataclass(frozen=True, slots=True)
class Moved:
    """A cluster's move: `line` is where routes.yaml changed, None when it already said so."""

    cluster: str
    before: str
    environment: str
    revision: str
    changes: tuple[str, ...]
    file: str
    line: int | None
    at: float
    by: str = ""  # who moved it, as far as that is known
    why: str = ""
    is_undo: bool = False


class Moves:
    """The last move that went through this gateway, for the board's "moved ..., Undo"."""

    def __init__(self) -> None:
        self._last: Moved | None = None

    def remember(self, moved: Moved) -> None:
        if moved.before != moved.environment:
            self._last = moved

    def last(self, services: Services) -> Moved | None:
        """The last move while it is still in force; every operator may undo it while it is fresh (`can_undo`)."""
        moved = self._last
        cluster = services.routes.table.clusters.get(moved.cluster) if moved else None
        return moved if moved and cluster and cluster.environment == moved.environment else None


def can_undo(moved: Moved, now: float) -> bool:
    """For ten minutes; an undo is not undone, or a second click at the same place would move the cluster again."""
    return now - moved.at <= SHOWN and not moved.is_undo


async def move(
    services: Services, cluster: str, environment: str, *, source: str, who: Who, why: str = "", is_undo: bool = False
) -> Moved:
    """Change routes.yaml, or the file that it includes for this cluster, and put it in force. Audited."""
    before = known_cluster(services, cluster).environment
    name, reason = who.login.partition(" ")[0], _reason(why)
    revision = await services.routes.move(cluster, environment, source=f"{name and name + ', '}{source}{reason}")
    file = services.routes.file.name
    place = None
    if before != environment:
        place = await asyncio.to_thread(place_of, revision.text, cluster, name=file)
        audit = note(services, "move", cluster, f"{before} -> {environment}{reason}", who=who, source=source)
        await _stored(audit)
    where, line = place or (file, None)
    by, told = name or source, reason.removeprefix(": ")
    return Moved(
        cluster, before, environment, revision.id, revision.changes, where, line, time.time(), by, told, is_undo
    )


async def _stored(written: Future[None]) -> None:
    """Wait until a line, and with it the revision before it, is in the store: who asks for the history next finds the
    move there. A store that fails or is slow does not hold up a move."""
    waiting = asyncio.wrap_future(written)
    waiting.add_done_callback(lambda done: done.cancelled() or done.exception())
    await asyncio.wait((waiting,), timeout=STORED)


def _reason(why: str) -> str:
    """ ": QA is down", or nothing: it goes into one line of the history and one of the audit."""
    text = " ".join("".join(c if c.isprintable() else " " for c in why).split())[:WHY]
    return f": {text}" if text else ""


def check_pins(services: Services, pins: Mapping[str, str]) -> None:
    """UsageError names what exists where a pin names what does not."""
    table = services.routes.table
    for cluster, environment in pins.items():
        _one_of(cluster, tuple(table.clusters), "")
        _one_of(environment, tuple(table.clusters[cluster].upstreams), f"{cluster}: ")


def pin(services: Services, session: LiveSession, pins: Mapping[str, str], *, ttl: float = 0.0) -> None:
    """Set all of a session's pins or, when one of them names what does not exist, none."""
    check_pins(services, pins)
    for cluster, environment in pins.items():
        services.sessions.pin(session, cluster, environment, ttl=ttl)


def read_ttl(text: str) -> float:
    """Seconds of "2h", "30m", "90s", "7d", "90"; "" and "0" mean for the session's life. UsageError for anything
    else."""
    if not text:
        return 0.0
    match = re.fullmatch(r"([0-9]{1,9})([smhd]?)", text)
    if not match:
        raise UsageError(f"ttl={text[:40]} is not a time such as 90s, 30m, 2h or 7d")
    return min(float(match[1]) * UNITS[match[2] or "s"], MAX_TTL)


async def annotate(
    services: Services,
    ref: str,
    *,
    step: int | None = None,
    title: str | None = None,
    note: str | None = None,
    tags: Sequence[str] = (),
    pinned: bool | None = None,
) -> str:
    """Change what lies beside a recording, or beside one of its steps; the recording's id. UsageError when there is
    no such step, or it cannot have what is given."""
    found = await asyncio.to_thread(services.store.recording, ref)
    if step is not None and (title is not None or pinned is not None):
        raise UsageError("a step has notes and tags; title and pinned belong to the recording")
    if step is not None and not 1 <= step <= found.steps:
        raise UsageError(f"step {step} is not one of 1 to {found.steps}")
    clean = [tag.strip() for tag in tags if tag.strip()]
    note = (note.strip() or None) if note is not None else None
    await asyncio.wrap_future(
        services.recorder.annotate(found.id, step=step, title=title, note=note, tags=clean, pinned=pinned)
    )
    return found.id


async def delete(services: Services, ref: str, *, source: str, who: Who) -> str:
    """The id of the recording that is gone. A session that records into it begins another one. Audited."""
    found = await asyncio.to_thread(services.store.recording, ref)
    for session in services.sessions.all():
        if session.recording == found.id:
            services.sessions.start_recording(session)
    await asyncio.wrap_future(services.recorder.delete(found.id))
    note(services, "delete", found.id, f"{found.title} ({found.steps} steps)", who=who, source=source)
    return found.id


def read_step(text: str) -> int:
    """The number of a step; UsageError for anything else."""
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise UsageError(f"{text[:40]!r} is not the number of a step")
    return int(text)


def _one_of(word: str, known: Sequence[str], where: str) -> None:
    if word not in known:
        raise UsageError(f"{where}{word!r} is not one of {', '.join(known)}{did_you_mean(word, known)}")

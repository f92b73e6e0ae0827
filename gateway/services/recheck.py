"""When a cluster moves, marked recordings that touch it are looked at again: what only reads is sent. I/O."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from ..errors import GatewayError
from ..model.filter import quoted
from .preflight import preflight
from .replay import replay
from .replay_run import ReplayOrder

if TYPE_CHECKING:
    from ..errors import Problem
    from ..model.recording import Recording, Revision
    from ..protocols import Services

log = logging.getLogger("gateway.recheck")

TAG: Final = "recheck"  # marks a recording
MOST: Final = 20  # recordings that one move checks
KEPT: Final = 50  # results that are remembered
MOVED = re.compile(r"(?P<cluster>[^\s:]+): (?P<before>\S+) -> (?P<after>\S+)")


@dataclass(frozen=True, slots=True)
class Rechecked:
    """The result of one recording. `why` is the first thing that is wrong; `look` the recording of what was sent."""

    cluster: str
    environment: str
    recording: str
    title: str
    good: bool
    why: str
    look: str
    at: str

    def as_json(self) -> dict[str, Any]:
        return {
            "cluster": self.cluster, "environment": self.environment, "recording": self.recording,
            "title": self.title, "good": self.good, "why": self.why, "look": self.look or None, "at": self.at,
        }  # fmt: skip


class Rechecks:
    """Follows the routes; keeps the last result of each recording and cluster. `close` ends what is under way."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._found: dict[tuple[str, str], Rechecked] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        services.routes.subscribe(self._seen)

    def results(self) -> Sequence[Rechecked]:
        """The newest first."""
        return list(reversed(self._found.values()))

    def _seen(self, revision: Revision | None, problems: Sequence[Problem]) -> None:
        moved = [match for change in (revision.changes if revision else ()) if (match := MOVED.fullmatch(change))]
        names = {match["cluster"] for match in moved} & self._services.routes.table.clusters.keys()
        if names:
            task = asyncio.get_running_loop().create_task(self._all(sorted(names)))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _all(self, clusters: Sequence[str]) -> None:
        for cluster in clusters:
            try:
                await self.check(cluster)
            except GatewayError as error:
                log.warning("recordings of %s could not be checked again: %s", cluster, error)

    async def check(self, cluster: str, *, writes: bool = False) -> list[Rechecked]:
        """Look at every marked recording that touches a cluster, one after the other; `writes` runs them whole."""
        query = f"tag:{TAG} cluster:{quoted(cluster)} -kind:replay -kind:variant"
        marked = await asyncio.to_thread(self._services.store.recordings, query, limit=MOST)
        found = []
        for recording in marked.items:
            one = await self._one(recording, cluster, writes=writes)
            self._keep(one)
            found.append(one)
        return found

    async def _one(self, recording: Recording, cluster: str, *, writes: bool) -> Rechecked:
        environment = self._services.routes.table.clusters[cluster].environment
        if writes:
            title = f"Checked again: {recording.title}"[:200]
            result = await replay(self._services, ReplayOrder(recording.id, yes=True, title=title))
            bad = next((step for step in result.steps if step.outcome in ("differs", "unsure", "stopped")), None)
            card = bad.card.sentence if bad and bad.card else ""
            why = f"step {bad.step}: {card or bad.message or bad.outcome}" if bad else ""
            look = result.recording
        else:
            ready = await preflight(self._services, recording.id)
            wrong = next((one for one in ready.checks if one.state == "bad"), None)
            steps = f"step {', '.join(map(str, wrong.steps))}: " if wrong and wrong.steps else ""
            why, look = (f"{steps}{wrong.message}" if wrong else ""), ready.recording
        at = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        return Rechecked(cluster, environment, recording.id, recording.title, not why, why, look, at)

    def _keep(self, one: Rechecked) -> None:
        key = (one.recording, one.cluster)
        self._found.pop(key, None)
        self._found[key] = one
        while len(self._found) > KEPT:
            del self._found[next(iter(self._found))]
        self._services.live.publish("recheck", one.as_json())

    async def close(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

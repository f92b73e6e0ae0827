"""A look before the meeting: is everything up, are tokens good, is what only reads still answered as recorded? I/O."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from time import time
from typing import TYPE_CHECKING, Final

from ..protocols import Health
from ..replay.plan import ReplayOptions
from ..replay.readiness import Check, Readiness, answers, asked, bodies, moves, places, readiness, writes
from ..replay.readiness import credentials as told_credentials
from ..replay.write_guard import credentials, writing
from .replay import all_steps, check_wanted, correlated, replay
from .replay_run import ReplayOrder

if TYPE_CHECKING:
    from ..protocols import Services

PATIENCE: Final = 2.0  # seconds for an upstream to accept a connection


async def preflight(services: Services, recording: str, wanted: ReplayOptions | None = None) -> Readiness:
    """Look at everything that a live run of a recording (a full id) needs; sends only what reads."""
    wanted = wanted or ReplayOptions()
    store, table = services.store, services.routes.table
    exchanges = await asyncio.to_thread(all_steps, store, recording)
    check_wanted(wanted, exchanges, services)
    correlations = await asyncio.to_thread(correlated, store, recording, exchanges)
    secrets = await asyncio.to_thread(services.secrets, recording)
    chosen = [one for one in exchanges if wanted.includes(one.step)]
    checks = [*await _health(services, places(exchanges, wanted, table))]
    checks += moves(exchanges, wanted, table, await asyncio.to_thread(store.revisions))
    for one in chosen:
        checks += writes(writing(one, wanted, table))
        checks += told_credentials(credentials(one, correlations, wanted.edits.get(one.step, ()), secrets, time()))
    checks += bodies(chosen)
    sent = asked(exchanges, wanted)
    title = f"Preflight: {(await asyncio.to_thread(store.recording, recording)).title}"[:200]
    if not sent:
        return readiness(recording, checks, exchanges)
    result = await replay(services, ReplayOrder(recording, replace(wanted, only=sent), title=title))
    checks += answers(result.steps, exchanges, correlations, sent)
    return readiness(recording, checks, exchanges, recording=result.recording)


async def _health(services: Services, needed: Mapping[tuple[str, str], tuple[int, ...]]) -> Iterator[Check]:
    """Each upstream that a live run needs: what the last poll says, and whether it accepts a connection now."""
    found = await asyncio.gather(*(_reached(services, *place) for place in needed))
    return iter([
        Check("health", "ok" if not why else "bad", f"{cluster}@{environment}", why or "up", steps)
        for ((cluster, environment), steps), why in zip(needed.items(), found, strict=True)
    ])  # fmt: skip


async def _reached(services: Services, cluster: str, environment: str) -> str:
    """Why an upstream is not to be counted on; "" when it is."""
    upstream = services.routes.table.clusters[cluster].upstreams.get(environment)
    if upstream is None:
        return f"{cluster} has no upstream in {environment}"
    polled: Health = services.health.of(cluster, environment)
    try:
        async with asyncio.timeout(PATIENCE):
            _, writer = await asyncio.open_connection(upstream.host, upstream.port)
    except (OSError, TimeoutError) as error:
        return f"no connection: {str(error) or 'no answer in time'}"
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return f"its health check says: {polled.detail}" if polled.state == "down" else ""

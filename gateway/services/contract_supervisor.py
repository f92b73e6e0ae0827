"""Runs the checker of contracts beside the gateway, and hands what it finds to the writer. I/O; for one event loop.

No process runs while no cluster has a contract. One that dies or says nothing for SILENT seconds is started again; the
traffic knows nothing of it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ..errors import Problem
from ..model.recording import Revision
from ..paths import url_of
from ..protocols import EventSink, Routes
from ..routes.table import RouteTable
from ..store import SqliteRecorder

if TYPE_CHECKING:
    from .contract_checker import CheckedCluster

log = logging.getLogger("gateway.contracts")
SILENT: Final = 30.0  # seconds
AGAIN: Final = 2.0  # seconds before it is started again; longer after each failure,
LONGEST: Final = 60.0  # up to that
LINE: Final = 64 << 20  # bytes of a message


def checked_clusters(table: RouteTable) -> list[CheckedCluster]:
    """The clusters whose exchanges are compared with a contract."""
    with_contract = [each for each in table.clusters.values() if each.contract and each.contract.check != "none"]
    if not with_contract:
        return []
    from .contract_checker import CheckedCluster  # a sixth of a start, and few files name a contract
    from .contract_sources import scope_of

    return [
        CheckedCluster(
            cluster.name, cluster.contract, {name: scope_of(cluster, name) for name in cluster.upstreams}
        )
        for cluster in with_contract
        if cluster.contract is not None
    ]  # fmt: skip


class ContractSupervisor:
    """The checker's life, and what is known of the contracts."""

    def __init__(self, routes: Routes, recorder: SqliteRecorder, live: EventSink, recordings: Path) -> None:
        """`recordings` is the file, or the database."""
        self._routes, self._recorder, self._live = routes, recorder, live
        self._recordings = url_of(recordings) or str(recordings.resolve())
        self._process: asyncio.subprocess.Process | None = None
        self._task: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()
        self._heard = 0.0
        self.states: Sequence[Mapping[str, Any]] = ()  # of every cluster and environment with a contract
        self.is_running = False

    async def start(self) -> None:
        """Begin, as soon as a cluster has a contract."""
        self._routes.subscribe(self._see)
        self._task = asyncio.create_task(self._keep())

    async def stop(self) -> None:
        """End the process with the gateway."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        await self._end()

    @property
    def problems(self) -> list[str]:
        """Contracts that cannot be read as they now are, each with its cluster."""
        said = {f"{one['cluster']}: {one['source']}: {one['problem']}" for one in self.states if one["problem"]}
        return sorted(line.partition("\n")[0] for line in said)

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None and self._process.returncode is None else None

    def _see(self, revision: Revision | None, problems: Sequence[Problem]) -> None:
        if revision is not None:
            self._changed.set()

    async def _keep(self) -> None:
        pause = AGAIN
        while True:
            self._changed.clear()
            if not checked_clusters(self._routes.table):
                self.states = ()
                await self._changed.wait()
                continue
            begun = time.monotonic()
            try:
                await self._run()
            except (OSError, ValueError, asyncio.IncompleteReadError) as error:
                log.warning("the checker of contracts failed: %s", error)
            finally:
                self.is_running = False
                await self._end()
            if time.monotonic() - begun > LONGEST:
                pause = AGAIN
            if checked_clusters(self._routes.table):
                await asyncio.sleep(pause)
                pause = min(LONGEST, pause * 2)

    async def _run(self) -> None:
        """One life of the process; returns when it ended, or no cluster has a contract any more."""
        environment = {key: value for key, value in os.environ.items() if key != "PYTHONSTARTUP"}
        self._process = process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "gateway.services.contract_checker",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=LINE, env=environment,
        )  # fmt: skip
        self._heard, self.is_running = time.monotonic(), True
        # Not among its words, which every user of the machine can read: the address may hold a password.
        self._send(process, {"store": [self._recordings, self._recorder.gateway]})
        self._configure(process)
        assert process.stdout is not None
        reading = asyncio.create_task(self._read(process, process.stdout))
        try:
            while not reading.done():
                changed = asyncio.create_task(self._changed.wait())
                await asyncio.wait({reading, changed}, timeout=SILENT / 3, return_when=asyncio.FIRST_COMPLETED)
                changed.cancel()
                if self._changed.is_set():
                    self._changed.clear()
                    if not checked_clusters(self._routes.table):
                        return
                    self._configure(process)
                if time.monotonic() - self._heard > SILENT:
                    log.warning("the checker of contracts says nothing for %.0f s: it is started again", SILENT)
                    return
            reading.result()
        finally:
            reading.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await reading

    def _configure(self, process: asyncio.subprocess.Process) -> None:
        clusters = checked_clusters(self._routes.table)
        self._send(process, {"clusters": [one.json() for one in clusters]})
        there = {(one.name, environment) for one in clusters for environment in one.scopes}
        self.states = [one for one in self.states if (one["cluster"], one["environment"]) in there]

    def _send(self, process: asyncio.subprocess.Process, message: Mapping[str, Any]) -> None:
        if process.stdin is not None and not process.stdin.is_closing():
            process.stdin.write(json.dumps(message, separators=(",", ":")).encode() + b"\n")

    async def _read(self, process: asyncio.subprocess.Process, stdout: asyncio.StreamReader) -> None:
        while line := await stdout.readline():
            self._heard = time.monotonic()
            message = json.loads(line)
            if "batch" in message:
                await self._take(process, message["batch"])
            elif "states" in message:
                self.states = message["states"]
                self._live.publish("drift", {"contracts": True})
            elif "document" in message:
                source, sha256, contents = message["document"]
                files = {name: text.encode("latin-1") for name, text in contents.items()}
                self._recorder.keep_contract(source, sha256, files)

    async def _take(self, process: asyncio.subprocess.Process, value: Mapping[str, Any]) -> None:
        from ..contracts.batches import batch_of
        from ..contracts.findings import open_count

        batch = batch_of(value)
        try:
            taken = await asyncio.wrap_future(self._recorder.add_drift(batch))
        except Exception as error:  # the store fails: the checker comes again with it
            log.warning("findings could not be stored: %s", error)
            taken = False
            await asyncio.sleep(1.0)
        self._send(process, {"ack": taken})
        found = [one for place in batch.places for one in place.findings]
        if taken and (found or any(place.begins for place in batch.places)):
            places = sorted({f"{place.cluster}@{place.environment}" for place in batch.places})
            self._live.publish("drift", {"places": places, "findings": len(found), "open": open_count(found)})

    async def _end(self) -> None:
        process, self._process = self._process, None
        if process is None or process.returncode is not None:
            return
        if process.stdin is not None:
            process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), 1.0)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()

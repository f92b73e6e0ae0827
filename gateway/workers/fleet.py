"""Starts the workers of a gateway, sends them what changes, starts them again, and ends them. I/O.

    spawned ─ READY ─> relaying ─ DRAIN ─> ended
       ^                  │ its socket closes (killed, crashed)
       └── after a pause ─┘ its clients' requests fail; what it recorded is kept, what it had open is interrupted

A worker that ends within STEADY seconds is started again after a pause that grows (PAUSES), else at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import marshal
import os
import signal
import socket
import time
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from ..errors import GatewayError, Problem, UsageError
from ..paths import url_of
from . import channel as messages
from .channel import BlockingChannel, Channel, Received
from .handover import HOPS, arrive, sender, unpacked
from .records import LEARNED, Intake, TokenBoard
from .shared import Shared, Start, pickled

if TYPE_CHECKING:
    from ..metrics import Metrics
    from ..model.recording import Revision
    from ..protocols import LiveSession, Options, RefusedOriginList, Routes
    from ..proxy.client import ClientConnection, Heir
    from ..proxy.server import Relay
    from ..store import SqliteRecorder
    from .sessions import HomeSessions

log = logging.getLogger("gateway.workers")
BEGIN: Final = 30.0  # seconds for the workers of a start
ANSWER: Final = 2.0  # seconds in which a worker says that it has done what it was told
LEAVE: Final = 5.0  # seconds beyond the drain after which a worker is killed
STEADY: Final = 10.0  # seconds after which a worker that ends is started again at once
PAUSES: Final = (0.0, 0.1, 0.5, 2.0, 5.0)


def check_workers(options: Options) -> None:
    """UsageError where several processes cannot be one gateway."""
    if options.workers < 2:
        return
    if url_of(options.recordings):
        raise UsageError(
            "a database is written by one process of each gateway", where="--workers",
            hint="--workers 1; or several gateways with the same database",
        )  # fmt: skip
    if options.plain != "keep":
        raise UsageError(
            "workers relay on the plain port, and here it only leads to HTTPS or is closed", where="--workers",
            hint="--plain keep, or --workers 1",
        )  # fmt: skip
    if not (hasattr(socket, "send_fds") and hasattr(socket, "AF_UNIX") and os.name == "posix"):
        raise UsageError(
            "this system cannot hand connections from one process to another", where="--workers",
            hint="--workers 1; on Windows, WSL can",
        )  # fmt: skip


class WorkerHandle:
    """One worker as its owner knows it."""

    def __init__(self, number: int, intake: Intake) -> None:
        self.number, self.intake = number, intake
        self.process = 0  # its id, once it relays
        self.channel: Channel
        self.begun = time.monotonic()
        self.ready = asyncio.Event()
        self.gone = asyncio.Event()
        self.is_relaying = False
        self.failures = 0  # times in a row that it ended early
        self.missed = self.waiting = self.missed_before = 0  # exchanges that it could not hand over
        self._expected: deque[asyncio.Future[None]] = deque()

    def connect(self, end: socket.socket, received: Received, closed: Callable[[], None]) -> None:
        self.channel = Channel(end, received, closed)

    def expect(self) -> None:
        """Something is going to be sent to it, and it says when that is done."""
        self._expected.append(asyncio.get_running_loop().create_future())

    def answered(self) -> None:
        """It has done the first of what was sent to it."""
        if self._expected:
            _resolve(self._expected.popleft())

    async def done(self) -> None:
        """Wait for the last of what was sent to it."""
        if self._expected:
            await asyncio.wait([self._expected[-1]])

    def left(self) -> None:
        """Its socket is closed."""
        self.is_relaying = False
        self.gone.set()
        while self._expected:
            _resolve(self._expected.popleft())

    async def ended(self, seconds: float) -> None:
        """Wait until it is gone, and make it go when that takes longer."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.gone.wait()
        if self.process and not self.gone.is_set():
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.process, signal.SIGKILL)
        await asyncio.to_thread(self.intake.end)
        self.channel.close()


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


class Fleet:
    """All workers of one gateway. For one event loop."""

    def __init__(
        self, start: Start, listening: socket.socket, shared: Shared, *, sessions: HomeSessions,
        recorder: SqliteRecorder, metrics: Metrics, refused_origins: RefusedOriginList,
    ) -> None:  # fmt: skip
        assert shared.sealer is not None
        self._start, self._listening = start, listening
        self._steps, self._nursery = shared.steps, shared.nursery
        shared.when_settled, shared.when_counted = self.settled, self.counted
        self._sessions, self._recorder, self._metrics = sessions, recorder, metrics
        self._origins = refused_origins
        self._board = TokenBoard(shared.sealer, shared.news)
        self._loop = asyncio.get_running_loop()
        self._workers: list[WorkerHandle] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._ending = False
        self._turn = 0
        self._relay: Relay | None = None
        self._routes: Routes | None = None

    async def begin(self, count: int, relay: Relay, routes: Routes) -> None:
        """Start so many workers; GatewayError when one of them does not come up."""
        self._relay, self._routes = relay, routes
        relay.heir_of = self._heir_of
        routes.subscribe(self._routes_changed)
        self._workers = [self._spawn(number) for number in range(1, count + 1)]
        ready = [worker.ready.wait() for worker in self._workers]
        try:
            async with asyncio.timeout(BEGIN):
                await asyncio.gather(*ready)
        except TimeoutError:
            await self.end(0.0, in_hurry=True)
            raise GatewayError("a worker did not start", where="--workers", hint="the log has its reason") from None

    async def end(self, drain: float, *, in_hurry: bool) -> None:
        """Let each finish what is under way, for at most `drain` seconds."""
        self._ending = True
        for task in list(self._tasks):
            task.cancel()
        for worker in self._workers:
            worker.channel.send(messages.DRAIN, marshal.dumps((drain, in_hurry)))
        await asyncio.gather(*(worker.ended(drain + LEAVE) for worker in self._workers))
        if self._relay is not None:
            self._relay.heir_of = None

    @property
    def processes(self) -> list[int]:
        """The ids of the processes that relay now."""
        return [worker.process for worker in self._workers if worker.is_relaying]

    # -- what changes

    async def settled(self) -> None:
        """Wait until every worker has done what was sent to it before."""
        waiting = [asyncio.ensure_future(worker.done()) for worker in self._workers if worker.is_relaying]
        if waiting:
            await asyncio.wait(waiting, timeout=ANSWER)

    async def counted(self) -> None:
        """Have every worker say what it has counted."""
        self._tell(messages.COUNT)
        await self.settled()

    def renew_keys(self, keys: object) -> None:
        """Each reads the keys anew. From a thread beside the loop; waits for them."""
        try:
            asyncio.run_coroutine_threadsafe(self._renew(), self._loop).result(ANSWER + 1)
        except TimeoutError:
            log.warning("a worker has not said that it has the new keys")

    async def _renew(self) -> None:
        self._tell(messages.KEYS)
        await self.settled()

    def _routes_changed(self, revision: Revision | None, problems: Sequence[Problem]) -> None:
        assert self._routes is not None
        if revision is not None and self._routes.table is not self._start.table:
            self._start = self._start._replace(table=self._routes.table)
            self._tell(messages.ROUTES, pickled(self._routes.table))

    def _tell(self, kind: int, payload: bytes = b"") -> None:
        for worker in self._workers:  # one that starts does it before it relays
            if worker.channel.is_open:
                worker.expect()
                worker.channel.send(kind, payload)

    # -- connections

    def _heir_of(self, client: ClientConnection, session: LiveSession) -> Heir | None:
        """The worker that takes a client over; None where this process goes on with it."""
        if client.secure or client.mount or client.bound or client.hops >= HOPS or self._ending:
            return None
        if not self._sessions.is_lendable(session):
            return None
        worker = client.giver
        if not isinstance(worker, WorkerHandle) or not worker.is_relaying:
            worker = self._next()
        if worker is None:
            return None
        channel = worker.channel

        def lend() -> None:
            if self._sessions.is_lendable(session):
                channel.send(messages.LEND, marshal.dumps(self._sessions.lend(session)))

        return partial(sender, channel, messages.TAKE, client, lend)

    def _client(self, giver: WorkerHandle) -> ClientConnection:
        assert self._relay is not None
        client = self._relay.accept()
        client.giver = giver
        return client

    def _next(self) -> WorkerHandle | None:
        """They take turns."""
        relaying = [worker for worker in self._workers if worker.is_relaying]
        if not relaying:
            return None
        self._turn += 1
        return relaying[self._turn % len(relaying)]

    # -- processes

    def _spawn(self, number: int) -> WorkerHandle:
        control, theirs = socket.socketpair()
        records, their_records = socket.socketpair()
        files = [theirs.fileno(), their_records.fileno(), self._listening.fileno(), self._steps.file]
        with theirs, their_records:
            self._nursery.fork(files)
        intake = Intake(
            BlockingChannel(records), self._recorder, self._board, touch=self._sessions.touch, heard=self._heard
        )
        worker = WorkerHandle(number, intake)
        worker.connect(control, partial(self._received, worker), partial(self._lost, worker))
        worker.channel.send(messages.START, pickled(self._start))
        return worker

    def _received(self, worker: WorkerHandle, kind: int, payload: bytes, file: int | None) -> None:
        if kind == messages.TAKE and file is not None and self._relay is not None:
            data, hops = unpacked(payload)
            self._keep(arrive(partial(self._client, worker), data, file, hops))
        elif kind == messages.READY:
            worker.is_relaying, worker.process = True, marshal.loads(payload)
            worker.ready.set()
            log.info("worker %d relays (process %d)", worker.number, worker.process)
        elif kind == messages.DONE:
            worker.answered()
        elif kind == messages.COUNTED:
            snapshot, worker.missed, worker.waiting, _ = marshal.loads(payload)
            self._metrics.note(worker, snapshot)
            self._count_missed()

    def _heard(self, kind: int, fact: tuple[Any, ...]) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(self._learn if kind == LEARNED else self._refused, *fact)

    def _learn(self, session: str, cookie: bytes) -> None:
        if (found := self._sessions.get(session)) is not None:
            self._sessions.learn(found, cookie)

    def _refused(self, origin: bytes, cluster: str, method: bytes, path: bytes, at: float) -> None:
        self._origins.note(origin, cluster=cluster, method=method, path=path, at=at)

    def _lost(self, worker: WorkerHandle) -> None:
        """A worker is gone: its clients have to ask again, and another one takes its place."""
        worker.left()
        self._metrics.leave(worker)
        if not self._ending:
            log.warning("worker %d (process %d) is gone; another one is started", worker.number, worker.process)
            self._keep(self._again(worker))

    async def _again(self, gone: WorkerHandle) -> None:
        await asyncio.to_thread(gone.intake.end)
        early = time.monotonic() - gone.begun < STEADY
        failures = gone.failures + 1 if early else 0
        await asyncio.sleep(PAUSES[min(failures, len(PAUSES) - 1)] if early else 0.0)
        while True:
            try:
                worker = self._spawn(gone.number)
                break
            except OSError as error:  # no file is left, for instance
                log.error("a worker cannot be started: %s", error.strerror or error)
                await asyncio.sleep(PAUSES[-1])
        worker.failures = failures
        worker.missed_before = gone.missed_before + gone.missed + gone.waiting
        self._workers[self._workers.index(gone)] = worker

    def _count_missed(self) -> None:
        missed = sum(worker.missed + worker.missed_before for worker in self._workers)
        self._recorder.note_missed(missed, sum(worker.waiting for worker in self._workers))

    def _keep(self, work: Any) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

"""A worker: relays what needs nothing but a session's steps, and hands everything else to the owner. I/O.

    starting ─ START ─> relaying ─ DRAIN ─> draining ─> gone
                           └─ the owner is gone ─> gone at once: what waits for its record is cut off, not completed

Forked for the owner alone (__main__.py, fleet.py), with four open files: two sockets to the owner, the listening one,
and the table of steps.
"""

from __future__ import annotations

import asyncio
import logging
import marshal
import os
import pickle
import signal
import socket
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from ..keys import load_keys
from ..logs import AcceptTrouble, set_up
from ..metrics import Metrics
from ..protocols import RefusedOrigin
from ..proxy.server import Relay, seldom_collecting
from ..routes.tls import client_context
from ..sessions import OWN_COOKIES
from ..store import BACKLOG, SqliteRecorder
from ..store.missed import NoLedger
from . import channel as messages
from .channel import BlockingChannel, Channel
from .handover import arrive, sender, unpacked
from .records import LEARNED, REFUSED, RowSender, SharedSealer, recalling
from .sessions import SLOTS, LentSessions
from .shared import Start
from .steps import StepTable

if TYPE_CHECKING:
    from ..proxy.client import ClientConnection
    from ..routes.table import RouteTable

log = logging.getLogger("gateway.workers")
PAUSE: Final = 1.0  # seconds without accepting, after that failed
COUNT_EVERY: Final = 0.5  # seconds between two messages of what was counted


class TableInForce:
    """protocols.Routes, as far as a relay asks."""

    def __init__(self, table: RouteTable) -> None:
        self.table = table


class ToldOrigins:
    """protocols.RefusedOriginList, as far as a relay asks: the owner has the list."""

    def __init__(self, tell: Callable[..., None]) -> None:
        self._tell = tell

    def note(self, origin: bytes, *, cluster: str, method: bytes, path: bytes, at: float) -> None:
        self._tell(REFUSED, origin, cluster, method, path, at)

    def all(self) -> Sequence[RefusedOrigin]:
        return ()

    def forget(self, origin: str) -> None:
        """The owner does."""


class Worker:
    """The parts of this process."""

    def __init__(self, start: Start, control: Channel, records: BlockingChannel, listening: socket.socket, steps: int):
        options = start.options
        self._control, self._listening = control, listening
        self._keys_of = partial(load_keys, options.recordings.parent, os.environ)
        keys = self._keys_of()
        news: list[tuple[str, bytes]] = []
        self._sealer = SharedSealer(keys, recalling(lambda: self._rows), news=news)
        self._rows = RowSender(options.recordings, records, self._sealer, news)
        held = options.durability != "relaxed"
        self.recorder = SqliteRecorder(self._rows, backlog=BACKLOG, held=held, live=None, ledger=NoLedger())
        self._sessions = LentSessions(keys, StepTable(steps, SLOTS), learned=partial(self._rows.tell, LEARNED))
        self._routes = TableInForce(start.table)
        self._metrics = Metrics()
        self._tasks: set[asyncio.Task[None]] = set()
        self.relay = Relay(
            options=options, routes=self._routes, recorder=self.recorder, sessions=self._sessions,  # type: ignore[arg-type]
            metrics=self._metrics, own_pages=asyncio.Protocol, tls_context=client_context, own_cookies=OWN_COOKIES,
            hosts=start.hosts, refused_origins=ToldOrigins(self._rows.tell), own_origin=start.own_origin,
            console_origin=start.console_origin, pseudonym=start.pseudonym,
        )  # fmt: skip
        self._metrics.clients, self._metrics.under_way = self.relay.clients, self.relay.flows
        self._is_draining = False
        self.done = asyncio.Event()

    async def begin(self) -> None:
        await self.recorder.start()
        await self.relay.start()
        self._listening.setblocking(False)
        self._listen()
        self._keep(self._count_forever())
        self._control.send(messages.READY, marshal.dumps(os.getpid()))

    def received(self, kind: int, payload: bytes, file: int | None) -> None:
        """A message of the owner."""
        if kind == messages.TAKE and file is not None:
            data, hops = unpacked(payload)
            self._keep(arrive(self._client, data, file, hops))
        elif kind == messages.LEND:
            self._sessions.add(marshal.loads(payload))
        elif kind == messages.ROUTES:
            self._routes.table = pickle.loads(payload)
            self._control.send(messages.DONE)
        elif kind == messages.KEYS:
            keys = self._keys_of()
            self._sessions.renew(keys)
            self._sealer.renew(keys)
            self._control.send(messages.DONE)
        elif kind == messages.COUNT:
            self._count()
            self._control.send(messages.DONE)
        elif kind == messages.DRAIN:
            self._keep(self._drain(*marshal.loads(payload)))

    # -- connections

    def _listen(self) -> None:
        if not self._is_draining:
            asyncio.get_running_loop().add_reader(self._listening, self._accept)

    def _accept(self) -> None:
        """One at a time: the other workers shall have their share."""
        try:
            connection, _ = self._listening.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return
        except OSError as error:  # no file is left, for instance: the others may take it
            loop = asyncio.get_running_loop()
            loop.call_exception_handler({"message": "a connection could not be accepted", "exception": error})
            loop.remove_reader(self._listening)
            loop.call_later(PAUSE, self._listen)
            return
        connection.setblocking(False)
        self._keep(self._admit(connection))

    async def _admit(self, connection: socket.socket) -> None:
        try:
            await asyncio.get_running_loop().connect_accepted_socket(self._client, connection)
        except OSError:
            connection.close()

    def _client(self) -> ClientConnection:
        """The protocol of a connection, which the owner takes over when a request is not for this worker."""
        client = self.relay.accept()
        client.heir = partial(sender, self._control, messages.TAKE, client)
        return client

    def _keep(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # -- figures

    async def _count_forever(self) -> None:
        while True:
            await asyncio.sleep(COUNT_EVERY)
            self._count()

    def _count(self) -> None:
        status = self.recorder.status()
        waiting = self.recorder.unsafe
        self._control.send(
            messages.COUNTED, marshal.dumps((self._metrics.snapshot(), status.missed, waiting, status.backlog))
        )

    # -- the end

    async def _drain(self, seconds: float, in_hurry: bool) -> None:
        self._is_draining = True
        asyncio.get_running_loop().remove_reader(self._listening)
        self._listening.close()
        self.relay.in_hurry = in_hurry
        await self.relay.drain(seconds)
        await self.relay.stop()
        self._count()
        await self.recorder.stop()
        self.done.set()


async def run(control: int, records: int, listening: int, steps: int) -> None:
    """Wait for the start, then work until the owner says that it is enough, or is gone."""
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(AcceptTrouble())
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # the owner gets them as well, and decides
        loop.add_signal_handler(number, lambda: None)
    started: asyncio.Future[Start] = loop.create_future()
    worker: Worker | None = None
    early: list[tuple[int, bytes, int | None]] = []

    def received(kind: int, payload: bytes, file: int | None) -> None:
        if kind == messages.START:
            started.set_result(pickle.loads(payload))
        elif worker is not None:
            worker.received(kind, payload, file)
        else:
            early.append((kind, payload, file))

    end = Channel(socket.socket(fileno=control), received, _orphaned)
    start = await started
    set_up(start.log_style, start.log_level)
    worker = Worker(
        start, end, BlockingChannel(socket.socket(fileno=records)), socket.socket(fileno=listening), steps
    )  # fmt: skip
    for message in early:
        worker.received(*message)
    await worker.begin()
    with seldom_collecting():
        await worker.done.wait()


def _orphaned() -> None:
    """Without the owner nothing more becomes safe: end before a response is completed that no record has."""
    os._exit(1)

"""Ports that clusters have to themselves (`listen`): opened and closed as routes.yaml changes. I/O."""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..protocols import Routes
    from .server import Relay

log = logging.getLogger("gateway.relay")
BACKLOG = 256
Address = tuple[str, int]


class Listeners:
    """One listening socket for each cluster with `listen`. An address that is taken is said, and tried again with the
    next accepted table; the others stay."""

    def __init__(self, relay: Relay, routes: Routes) -> None:
        self._relay, self._routes = relay, routes
        self._open: dict[str, tuple[Address, asyncio.Server]] = {}
        self._lock = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        await self._follow()
        self._routes.subscribe(lambda revision, problems: self._soon() if revision is not None else None)

    def _soon(self) -> None:
        task = asyncio.get_running_loop().create_task(self._follow())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _follow(self) -> None:
        async with self._lock:
            wanted = {name: one.listen for name, one in self._routes.table.by_listen.items() if one.listen}
            for name, (address, _) in list(self._open.items()):
                if wanted.get(name) != address:
                    self._close(name)
            for name, address in wanted.items():
                if name not in self._open:
                    await self._begin(name, address)

    async def _begin(self, name: str, address: Address) -> None:
        loop = asyncio.get_running_loop()
        try:
            server = await loop.create_server(partial(self._relay.accept, name), *address, backlog=BACKLOG)
        except OSError as error:
            log.error("%s cannot listen at %s:%d: %s", name, *address, error.strerror or error)
            return
        self._open[name] = address, server
        log.info("%s listens at %s:%d", name, *address)

    def _close(self, name: str) -> None:
        address, server = self._open.pop(name)
        server.close()
        for client in list(self._relay.clients):  # what is under way ends where it began
            if client.mount == name and client.idle:
                client.transport.close()
        log.info("%s listens at %s:%d no more", name, *address)

    def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        for _, server in self._open.values():
            server.close()
        self._open.clear()

"""A server for connections that are handed over, built when the first one comes or once the start is over. I/O.

What the gateway's own pages import takes twice the CPU time of all that forwards and records; a client whose calls are
forwarded need not wait for it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import cast

log = logging.getLogger("gateway")
MakeProtocol = Callable[[], asyncio.Protocol]


class LazyServer:
    """Gives a protocol for a connection; one that comes before the server is built waits for it."""

    def __init__(self, build: Callable[[], AbstractAsyncContextManager[MakeProtocol]]) -> None:
        self._build, self._made = build, asyncio.get_running_loop().create_future()
        self._task: asyncio.Task[None] | None = None
        self._ended = asyncio.Event()

    def __call__(self) -> asyncio.Protocol:
        """The protocol of a new connection."""
        self.begin()
        if self._made.done() and not self._made.cancelled() and self._made.exception() is None:
            return cast(MakeProtocol, self._made.result())()
        return _Waiting(self._made)

    def begin(self) -> None:
        """Build it in the background, unless that has begun."""
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="own pages")

    async def start(self) -> MakeProtocol:
        """Build it now; what the building raises."""
        self.begin()
        return cast(MakeProtocol, await asyncio.shield(self._made))

    async def stop(self) -> None:
        """End what was built."""
        self._ended.set()
        if self._task is not None:
            await asyncio.wait([self._task])

    async def _run(self) -> None:
        try:
            async with self._build() as server:
                self._made.set_result(server)
                await self._ended.wait()
        except Exception as error:
            if self._made.done():
                raise
            log.exception("the gateway's own pages cannot be served")
            self._made.set_exception(error)
            self._made.exception()  # it is in the log, whether or not somebody waits


class _Waiting(asyncio.Protocol):
    """Keeps what was read, and reads no more, until the server is there."""

    def __init__(self, made: asyncio.Future[MakeProtocol]) -> None:
        self._made, self._data, self._gone = made, b"", False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.pause_reading()
        self._made.add_done_callback(self._hand_over)

    def data_received(self, data: bytes) -> None:
        self._data += data

    def connection_lost(self, error: Exception | None) -> None:
        self._gone = True
        self._made.remove_done_callback(self._hand_over)

    def _hand_over(self, made: asyncio.Future[MakeProtocol]) -> None:
        if self._gone:
            return
        if made.cancelled() or made.exception() is not None:
            self._transport.close()
            return
        server = made.result()()
        self._transport.set_protocol(server)
        server.connection_made(self._transport)
        server.data_received(self._data)
        if not self._transport.is_closing():
            self._transport.resume_reading()

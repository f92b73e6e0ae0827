"""Events for pages that watch: one short history, as many listeners as there are open pages. I/O."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Mapping
from types import TracebackType
from typing import Any

LiveEvent = tuple[int, str, Mapping[str, Any]]

HISTORY = 1000  # events a page that reconnects, or a slow one, may still catch up on
LINGER = 60.0  # seconds of history kept after the last page left: browsers reconnect within a few


class LiveEvents:
    """Implements protocols.Live. Listeners live on one event loop; any thread may publish."""

    def __init__(self, *, history: int = HISTORY, linger: float = LINGER) -> None:
        # Ids begin at the clock's milliseconds, so that those of a restarted server are still the greater ones.
        self._last = time.time_ns() // 1_000_000
        self._history: deque[LiveEvent] = deque(maxlen=history)
        self._linger = linger
        self._open: set[Subscription] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._forget: asyncio.TimerHandle | None = None

    @property
    def listening(self) -> bool:
        return self._loop is not None

    def publish(self, event: str, data: Mapping[str, Any]) -> None:
        """Add one event and wake the listeners; without any, one look."""
        loop = self._loop
        if loop is None or loop.is_closed():
            return
        if asyncio._get_running_loop() is loop:
            self._add(event, data)
        else:
            loop.call_soon_threadsafe(self._add, event, data)

    def subscribe(self, after: int | None = None) -> Subscription:
        """(event id, event, data) as they come; from the history too when `after` is given."""
        return Subscription(self, after)

    def close(self) -> None:
        """End every subscription: the server is going down."""
        for subscription in tuple(self._open):
            subscription.close()

    def _add(self, event: str, data: Mapping[str, Any]) -> None:
        self._last += 1
        self._history.append((self._last, event, data))
        for subscription in self._open:
            subscription.wake.set()

    def _enter(self, subscription: Subscription) -> None:
        self._loop = asyncio.get_running_loop()
        if self._forget is not None:
            self._forget.cancel()
            self._forget = None
        self._open.add(subscription)

    def _leave(self, subscription: Subscription) -> None:
        self._open.discard(subscription)
        if not self._open and self._loop is not None:
            self._forget = self._loop.call_later(self._linger, self._stop_listening)

    def _stop_listening(self) -> None:
        self._loop = self._forget = None
        self._history.clear()


class Subscription:
    """One listener: `async with` it, then iterate. A cancelled wait loses nothing, so it may be timed."""

    def __init__(self, live: LiveEvents, after: int | None) -> None:
        self._live = live
        self._after = after
        self._closed = False
        self.wake = asyncio.Event()

    async def __aenter__(self) -> AsyncIterator[LiveEvent]:
        # An id that is yet to be given out comes from another server's life: begin with what happens from now on.
        if self._after is None or self._after > self._live._last:
            self._after = self._live._last
        self._live._enter(self)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live._leave(self)

    def __aiter__(self) -> AsyncIterator[LiveEvent]:
        return self

    async def __anext__(self) -> LiveEvent:
        while True:
            if self._closed:
                raise StopAsyncIteration
            if (found := self._next()) is not None:
                self._after = found[0]
                return found
            self.wake.clear()
            await self.wake.wait()

    def close(self) -> None:
        self._closed = True
        self.wake.set()

    def _next(self) -> LiveEvent | None:
        """The oldest event that this listener has not had; ids in the history have no gaps."""
        history = self._live._history
        if not history or self._after is None or history[-1][0] <= self._after:
            return None
        return history[max(0, self._after + 1 - history[0][0])]

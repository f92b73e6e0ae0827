"""The event loop of the servers: asyncio's own, with less to do for each event. I/O.

Up to Python 3.12, `selectors.EpollSelector` calls a method of its own and puts flags together for every socket that is
ready: as much work as one of the system calls that follow. From 3.13 on it does it as it is done here.
"""

from __future__ import annotations

import asyncio
import math
import select
import selectors
import sys
from collections.abc import Callable, Coroutine
from selectors import EVENT_READ, EVENT_WRITE, SelectorKey
from typing import Any, TypeVar

Result = TypeVar("Result")


def run(main: Coroutine[Any, Any, Result]) -> Result:
    """As asyncio.run."""
    with asyncio.Runner(loop_factory=_factory()) as runner:
        return runner.run(main)


def _factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """None for asyncio's own choice."""
    if sys.version_info >= (3, 13) or not hasattr(select, "epoll"):
        return None
    return lambda: asyncio.SelectorEventLoop(EpollSelector())


if hasattr(select, "epoll"):

    class EpollSelector(selectors.EpollSelector):
        """One look-up for each socket that is ready. The attributes below are private to Python 3.11 and 3.12, of which
        no release will change them any more."""

        _selector: select.epoll
        _fd_to_key: dict[int, SelectorKey]

        def select(self, timeout: float | None = None) -> list[tuple[SelectorKey, int]]:
            # Rounded up: a wait that is too short would only end in another one.
            wait = -1 if timeout is None else max(0, math.ceil(timeout * 1000) / 1000)
            keys = self._fd_to_key
            try:
                ready = self._selector.poll(wait, len(keys) or 1)
            except InterruptedError:
                return []
            return [
                (keys[fd], EVENT_READ if mask == select.EPOLLIN else _events(keys[fd], mask))
                for fd, mask in ready
                if fd in keys
            ]

    def _events(key: SelectorKey, mask: int) -> int:
        """What a mask of epoll says about the awaited events; an error or a hang-up shows as both."""
        readable = EVENT_READ if mask & ~select.EPOLLOUT else 0
        writable = EVENT_WRITE if mask & ~select.EPOLLIN else 0
        return key.events & (readable | writable)

"""What is known here of sessions that other gateways have as well: when it counts, and who hears of changes. I/O.

A client that calls one gateway after the other, one call at a time, sees one session. Three rules make that true:

    in memory      what is known of a session counts for LEASE seconds from the beginning of the last look at what
                   others changed; after that, after an outage, and before every page and every played response
                   the database is asked who has the session
    a change       a pin, a playback, a fault, a new recording is answered when it is stored and every other gateway has
                   looked since, or its lease is over: then no gateway acts on what was before
    a played step  its place is stored with its exchange, before the last bytes of its response leave

Traffic that is relayed is not held up: one comparison of times for each request. While the database is away, what is
known goes on.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from ..errors import GatewayError
from ..protocols import LiveSession, PlaybackMode, SharedSessionStore

if TYPE_CHECKING:
    from .registry import LiveSessions

LOOK: Final = 0.25  # seconds between two looks for sessions that other gateways have now
LEASE: Final = 1.5  # seconds: several looks, and a pause of a busy process


class SessionSharing:
    """For one event loop."""

    def __init__(
        self, store: SharedSessionStore, resume: Callable[[str, str], Mapping[str, PlaybackMode]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        """`resume` loads what a session plays, out of what was stored of it."""
        self._store, self._resume, self._clock = store, resume, clock
        self._trusted_until = 0.0
        self._doubted: set[str] = set()  # sessions in memory that another gateway may have had meanwhile
        self._was_away = False

    def claim(self, id: str) -> LiveSession | None:
        """The session as any gateway left it, with its home here; None while the database does not answer."""
        found = self._store.claim(id)
        if found is None:
            self._doubted.add(id)
            return None
        self._doubted.discard(id)
        session, playing = found
        if playing:
            session.modes |= self._resume(id, playing)
        return session

    def is_elsewhere(self, session: LiveSession, *, surely: bool = False) -> bool:
        """Whether another gateway has become the home of a session in memory; `surely` asks in any case."""
        if session.mode != "live":  # a replay's stays where it runs
            return False
        trusted = self._clock() < self._trusted_until and session.id not in self._doubted
        if trusted and not session.modes and not surely:
            return False
        found = self._store.is_elsewhere(session.id)
        if found is not None:
            self._doubted.discard(session.id)
        return bool(found)

    def forget(self, id: str) -> None:
        """The session is not in memory any more."""
        self._doubted.discard(id)

    async def settle(self) -> None:
        """Until no gateway acts on what sessions were before the changes that are stored by now."""
        await asyncio.to_thread(self._store.wait_until_heard, LEASE)

    @asynccontextmanager
    async def following(self, sessions: LiveSessions) -> AsyncIterator[None]:
        """Hear of sessions that other gateways have now."""
        await self._look(sessions)
        task = asyncio.create_task(self._follow(sessions))
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _follow(self, sessions: LiveSessions) -> None:
        while True:
            await asyncio.sleep(LOOK)
            await self._look(sessions)

    async def _look(self, sessions: LiveSessions) -> None:
        begun = self._clock()
        try:
            changed = await asyncio.to_thread(self._store.changed)
            if self._was_away:
                self._doubted.update(one.id for one in sessions.all())
            self._was_away = False
            sessions.follow(changed)
            self._trusted_until = begun + LEASE
            await asyncio.to_thread(self._store.heard)
        except GatewayError:  # while the database is away nobody claims anything
            self._was_away = True

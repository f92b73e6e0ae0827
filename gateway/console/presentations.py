"""Shows that are under way: where each presenter is, who may watch, and the live run beside the recording. I/O."""

from __future__ import annotations

import asyncio
import secrets
import time
from typing import TYPE_CHECKING, Any, Final

from aiohttp import web

from ..errors import NotFoundError

if TYPE_CHECKING:
    from ..services.stepwise_replay import Stepping

MOST: Final = 200
WATCHERS: Final = 500  # streams of one audience


class Show:
    """One presenter's way through one recording. For one event loop."""

    def __init__(self, session: str, recording: str) -> None:
        self.session, self.recording = session, recording
        self.at = self.furthest = 0
        self.black = self.what_if = False
        self.code, self.until = "", 0.0  # the audience's link; no code, no audience
        self.watchers = 0
        self.stepping: Stepping | None = None  # the live run; None: offline
        self.trouble, self.trouble_at = "", 0  # why the live run ended by itself, and at which step
        self._news = asyncio.Event()

    def move(self, slide: int, *, black: bool = False, what_if: bool = False) -> None:
        self.at, self.black, self.what_if = slide, black, what_if
        self.furthest = max(self.furthest, slide)
        self.tell()

    def tell(self) -> None:
        """Everybody who watches looks again."""
        self._news.set()
        self._news = asyncio.Event()

    async def wait(self, seconds: float) -> None:
        """Until there is news, or for so long."""
        news = self._news
        try:
            async with asyncio.timeout(seconds):
                await news.wait()
        except TimeoutError:
            return

    def open_to_audience(self, lasts: float, now: float) -> None:
        """A link of its own for this audience; an earlier one ends."""
        self.code, self.until = secrets.token_urlsafe(24), now + lasts
        self.tell()

    def close_to_audience(self) -> None:
        self.code, self.until = "", 0.0
        self.tell()

    def is_open(self, now: float) -> bool:
        return bool(self.code) and now < self.until

    def state(self, now: float) -> dict[str, Any]:
        """What the audience's pages get."""
        return {"slide": self.at, "furthest": self.furthest, "black": self.black, "what_if": self.what_if,
                "live": self.stepping is not None, "over": not self.is_open(now)}  # fmt: skip


class Shows:
    """All of this server; the oldest go first, those with an audience last."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], Show] = {}
        self.closed = False

    def of(self, session: str, recording: str) -> Show:
        show = self._known.get((session, recording))
        if show is None:
            show = self._known[session, recording] = Show(session, recording)
            self._shrink()
        return show

    def find(self, session: str, recording: str) -> Show | None:
        """The show, when anything was ever done in it."""
        return self._known.get((session, recording))

    def by_code(self, code: str) -> Show:
        """NotFoundError when no such link holds (any more); all are compared in constant time."""
        now, found = time.time(), None
        for show in self._known.values():
            if show.code and secrets.compare_digest(show.code.encode(), code.encode("utf-8", "replace")):
                found = show
        if found is None or not found.is_open(now):
            raise NotFoundError("this show is over, or its link was never one", hint="ask the presenter for a new link")
        return found

    def close(self) -> None:
        """The server goes down: streams end."""
        self.closed = True
        for show in self._known.values():
            show.tell()

    def _shrink(self) -> None:
        over = len(self._known) - MOST
        now = time.time()
        for key in sorted(self._known, key=lambda key: self._known[key].is_open(now))[: max(0, over)]:
            del self._known[key]


SHOWS: web.AppKey[Shows] = web.AppKey("shows")

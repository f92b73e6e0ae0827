"""Replays that wait before every step until somebody says what to do. I/O."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from secrets import token_urlsafe
from typing import Any, Final

from ..errors import NotFoundError, UsageError
from ..replay.plan import Action, Send

PATIENCE: Final = 600.0  # seconds until nobody is there any more
WORDS: Final = ("go", "skip", "stop", "run")  # run: send the rest without asking

Tell = Callable[[dict[str, Any]], None]


class Steppers:
    """The replays of this server that wait, by a token that only their callers know."""

    def __init__(self) -> None:
        self._waiting: dict[str, asyncio.Queue[str]] = {}

    def say(self, token: str, word: str) -> None:
        """Let a replay go on; NotFoundError when none waits there."""
        if word not in WORDS:
            raise UsageError(f"{word!r} is not one of {', '.join(WORDS)}")
        if token not in self._waiting:
            raise NotFoundError("no replay waits there", hint="it has ended")
        self._waiting[token].put_nowait(word)

    def gate(self, tell: Tell) -> Callable[[Action], Awaitable[str]]:
        """Asks before every step of one replay; `tell` passes the question on."""
        token, run = token_urlsafe(18), False

        async def before(action: Action) -> str:
            nonlocal run
            if run or not isinstance(action, Send):
                return "go"
            self._waiting[token] = asyncio.Queue()
            request = action.request
            question = {
                "token": token, "step": action.step, "method": request.method,
                "environments": dict(action.environments), "bindings": list(action.bindings),
            }  # fmt: skip
            tell({"before": question})
            try:
                async with asyncio.timeout(PATIENCE):
                    word = await self._waiting[token].get()
            except TimeoutError:
                word = "stop"
            finally:
                del self._waiting[token]
            run = word == "run"
            return "go" if run else word

        return before

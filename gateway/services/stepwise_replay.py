"""Replays that wait before every step until somebody says what to do. I/O."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from secrets import token_urlsafe
from typing import Any, Final

from ..errors import NotFoundError, UsageError
from ..replay.branch import Edit, edited
from ..replay.plan import Action, Send, Stop
from ..replay.report import ReplayResult, StepResult, result_json, step_json
from .replay_run import GO, Word

PATIENCE: Final = 600.0  # seconds until nobody is there any more
KEPT: Final = 20  # replays that have ended and can still be looked at
WORDS: Final = ("go", "skip", "stop", "retry", "run", "pause")  # run: send the rest, or up to a step, without asking

Tell = Callable[[dict[str, Any]], None]


class Stepping:
    """One replay that asks: what waits, what came so far, what somebody said."""

    def __init__(self, of: str, total: int, *, stop_on_difference: bool = False) -> None:
        self.token, self.of, self.total = token_urlsafe(18), of, total
        self.steps: list[dict[str, Any]] = []
        self.result: dict[str, Any] | None = None
        self.error = ""
        self.waits: dict[str, Any] | None = None  # the question
        self._action: Action | None = None
        self._words: asyncio.Queue[Word] = asyncio.Queue()
        self._until = 0  # the last step that is sent without asking; 0: ask before each
        self._stop_on_difference = stop_on_difference
        self._tell: Tell = lambda line: None

    def told_to(self, tell: Tell) -> None:
        """Pass every question on."""
        self._tell = tell

    def say(self, do: str, *, edits: Sequence[Edit] = (), until: int = 0) -> None:
        """What to do next. UsageError where it does not fit."""
        if do not in WORDS:
            raise UsageError(f"{do!r} is not one of {', '.join(WORDS)}")
        if do == "pause":
            self._until = 0
            return
        if self.waits is None:
            raise UsageError("it does not wait now", hint="pause lets it wait before the next step")
        self._check(do, edits)
        self._until = (until or self.total + 1) if do == "run" else 0
        self.waits = None
        word = "go" if do == "run" else do
        self._words.put_nowait(Word(word, tuple(edits)))  # type: ignore[arg-type]

    def _check(self, do: str, edits: Sequence[Edit]) -> None:
        if do == "retry" and not self.steps:
            raise UsageError("no step was sent yet")
        if not edits:
            return
        if do != "go" or not isinstance(self._action, Send):
            raise UsageError("only a step that is sent now can be edited", hint="do: go, with set, unset or header")
        if any(edit.part == "method" for edit in edits):
            raise UsageError("the method stays as it is while a step waits", hint="gateway branch does it otherwise")
        edited(self._action.request, edits)  # complains about places that are not there

    def seen(self, result: StepResult) -> None:
        """A step is done, or done again."""
        line = step_json(result)
        if self.steps and self.steps[-1]["step"] == result.step:
            self.steps.pop()
        self.steps.append(line)
        if result.outcome in ("differs", "unsure") and self._stop_on_difference:
            self._until = 0

    async def gate(self, action: Action | None) -> Word:
        """Ask before a step, and at the end of all."""
        step = action.step if action is not None else self.total + 1
        if step <= self._until and isinstance(action, Send):
            return GO
        if action is None and self._until > self.total:
            return GO
        self._action, self.waits = action, question(action, self.token)
        self._tell({"before": self.waits})
        try:
            async with asyncio.timeout(PATIENCE):
                return await self._words.get()
        except TimeoutError:
            return Word("stop")
        finally:
            self.waits = self._action = None

    async def settled(self, limit: float = 1.0) -> None:
        """Wait a moment for the next question, so that a page has something to show."""
        end = asyncio.get_running_loop().time() + limit
        while self.waits is None and self.result is None and not self.error:
            if asyncio.get_running_loop().time() > end:
                return
            await asyncio.sleep(0.02)

    def ended(self, result: ReplayResult) -> None:
        self.result = result_json(result)

    def as_json(self) -> dict[str, Any]:
        """Where it stands."""
        return {
            "token": self.token, "of": self.of, "total": self.total, "steps": self.steps, "waits": self.waits,
            "result": self.result, "error": self.error or None,
        }  # fmt: skip


def question(action: Action | None, token: str) -> dict[str, Any]:
    """What somebody is asked; its request without what may be secret in it."""
    if action is None:
        return {"token": token, "step": None, "method": "", "path": "", "environments": {}, "bindings": [],
                "why": "every step is done"}  # fmt: skip
    facts = {"token": token, "step": action.step, "why": action.why if isinstance(action, Stop) else ""}
    if not isinstance(action, Send):
        return facts | {"method": "", "path": "", "environments": {}, "bindings": []}
    return facts | {
        "method": action.request.method, "path": action.request.target.partition("?")[0],
        "environments": dict(action.environments), "bindings": list(action.bindings),
    }  # fmt: skip


class Steppers:
    """The stepwise replays of this server, by a token that only their callers know."""

    def __init__(self) -> None:
        self._known: dict[str, Stepping] = {}

    def add(self, stepping: Stepping) -> None:
        over = [token for token, one in self._known.items() if one.result is not None or one.error]
        for token in over[: max(0, len(over) - KEPT)]:
            del self._known[token]
        self._known[stepping.token] = stepping

    def of(self, token: str) -> Stepping:
        """NotFoundError when there is no such replay, or it ended long ago."""
        if token not in self._known:
            raise NotFoundError("no replay waits there", hint="it has ended")
        return self._known[token]


@dataclass(frozen=True, slots=True)
class StoppedReplay:
    """A replay that stopped: how it was asked for (the body of the API's call), and what came."""

    body: dict[str, Any]
    result: ReplayResult


class StoppedReplays:
    """The latest ones of this server, by the id of the replay's recording, so that a page can ask for decisions."""

    def __init__(self) -> None:
        self._known: dict[str, StoppedReplay] = {}

    def add(self, body: dict[str, Any], result: ReplayResult) -> None:
        """Keep one that stopped; any other is none of these."""
        if result.outcome != "stopped" or not result.recording:
            return
        self._known[result.recording] = StoppedReplay(body, result)
        for over in list(self._known)[: max(0, len(self._known) - KEPT)]:
            del self._known[over]

    def of(self, recording: str) -> StoppedReplay | None:
        """None when it did not stop, or stopped long ago."""
        return self._known.get(recording)

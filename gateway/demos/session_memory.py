"""What the pages remember of each session and the store must not or need not: secrets, last results. Pure.

Secrets that a step keeps for later steps (a token) live only here: they never reach the disk in clear. Both
are bounded; after a restart of the gateway one signs in again.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .custom_what_if import Trial
from .definition.lineage import Origin
from .result import CallResult

SESSIONS = 1_000
RESULTS = 600  # of all sessions together; each holds at most a few bodies' worth of text


@dataclass(slots=True)
class SessionMemory:
    """One session: secrets by name, what was typed last, and what its pages show."""

    secrets: dict[str, Any] = field(default_factory=dict)
    typed: dict[tuple[str, str], Mapping[str, Any]] = field(default_factory=dict)
    shown: dict[tuple[str, str], str] = field(default_factory=dict)
    trials: dict[tuple[str, str], Trial] = field(default_factory=dict)  # tried last, by demo and step
    origins: dict[str, Origin] = field(default_factory=dict)  # by value


class Memories:
    """The sessions seen last."""

    def __init__(self) -> None:
        self._sessions: OrderedDict[str, SessionMemory] = OrderedDict()
        self._results: OrderedDict[tuple[str, str, str, str], CallResult] = OrderedDict()

    def of(self, session: str) -> SessionMemory:
        memory = self._sessions.setdefault(session, SessionMemory())
        self._sessions.move_to_end(session)
        if len(self._sessions) > SESSIONS:
            self._sessions.popitem(last=False)
        return memory

    def remember(self, session: str, demo: str, result: CallResult) -> None:
        """The latest result of this step or what-if; it is what the page shows next."""
        key = (session, demo, result.step, result.what_if)
        self._results.pop(key, None)
        self._results[key] = result
        if len(self._results) > RESULTS:
            self._results.popitem(last=False)
        self.of(session).shown[demo, result.step] = result.what_if

    def results(self, session: str, demo: str, step: str) -> dict[str, CallResult]:
        """By what-if slug, oldest first; "" is the step itself."""
        return {key[3]: result for key, result in self._results.items() if key[:3] == (session, demo, step)}

    def happy(self, session: str, demo: str) -> dict[str, CallResult]:
        """The results of the demo's steps themselves, by step."""
        return {key[2]: result for key, result in self._results.items() if key[:2] == (session, demo) and key[3] == ""}

    def shown(self, session: str, demo: str, step: str) -> CallResult | None:
        """The result that came last at this step."""
        slug = self.of(session).shown.get((demo, step))
        return None if slug is None else self._results.get((session, demo, step, slug))

    def forget(self, session: str) -> None:
        """Start over: nothing of the session is known any more."""
        self._sessions.pop(session, None)
        for key in [key for key in self._results if key[0] == session]:
            del self._results[key]

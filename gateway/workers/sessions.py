"""Sessions of several processes: the owner has them all, and lends those that need nothing but their steps. I/O.

    home ─ lend ─> lent: every worker may take steps of it, and so may the owner
      ^              │
      └── recall ────┘  before anything of the session changes: a pin, a fault, playback, its recording, its eviction

A session can be lent while its client showed who it is by a name, our cookie or a pass (a client without any is known
by what the owner alone remembers), and while it plays nothing, has no fault and is live. Pins go with it.

What may never happen: a worker that serves a session by what was true before a recall (StepTable); a session that two
processes number apart.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ..protocols import ElsewhereError, LiveSession, Pin
from ..sessions.cookieless import LONGEST, cookie_marks
from ..sessions.registry import MOST, LiveSessions

if TYPE_CHECKING:
    from .steps import StepTable

Loan = tuple[int, int]  # slot, number
# id, slot, number of the loan, recording, pins (cluster, environment, until), whether a client named it
Message = tuple[str, int, int, str, list[tuple[str, str, float]], bool]


class HomeSessions(LiveSessions):
    """The owner's."""

    def __init__(self, keys: Any, table: StepTable, **given: Any) -> None:
        """`given` is what LiveSessions take besides their keys."""
        super().__init__(keys, **given)
        self._table = table
        self._lent: dict[str, Loan] = {}
        self._free = list(range(table.slots - 1, -1, -1))
        self._touched: dict[str, float] = {}

    # -- loans

    def is_lendable(self, session: LiveSession) -> bool:
        """Whether any worker can serve the session, as its last request showed it."""
        return (
            (session.by_cookie or session.named)
            and session.mode == "live"
            and not (session.modes or session.faults or session.is_guarded)
            and (session.id in self._lent or bool(self._free))
            and session.id in self._sessions
        )

    def lend(self, session: LiveSession) -> Message:
        """What a worker has to know of the session; lent from now on, if it was not."""
        loan = self._lent.get(session.id)
        if loan is None:
            slot = self._free.pop()
            loan = self._lent[session.id] = slot, self._table.lend(slot, session.steps)
        pins = [(cluster, pin.environment, pin.until) for cluster, pin in session.pins.items()]
        return session.id, *loan, session.recording, pins, session.named

    def recall(self, session: LiveSession) -> None:
        """No worker takes another step of it."""
        loan = self._lent.pop(session.id, None)
        if loan is not None:
            session.steps = self._table.end(loan[0])
            self._free.append(loan[0])

    def touch(self, ids: Sequence[str]) -> None:
        """Workers served these sessions just now. From any thread."""
        self._touched |= dict.fromkeys(ids, time.time())

    def _absorb(self) -> None:
        """Those seen last come last."""
        if not self._touched:
            return
        touched, self._touched = self._touched, {}
        for id, seen in list(touched.items()):
            if (session := self._sessions.pop(id, None)) is not None:
                session.seen = max(session.seen, seen)
                self._sessions[id] = self._changed[id] = session

    def _counted(self, session: LiveSession) -> LiveSession:
        """With the steps that were given out by now."""
        loan = self._lent.get(session.id)
        if loan is not None:
            session.steps = self._table.steps(loan[0])
        return session

    # -- as LiveSessions do

    def next_step(self, session: LiveSession) -> int:
        loan = self._lent.get(session.id)
        if loan is None:
            return super().next_step(session)
        session.steps = self._table.take(*loan)
        return session.steps

    def get(self, id: str) -> LiveSession | None:
        session = super().get(id)
        return session and self._counted(session)

    def all(self) -> Sequence[LiveSession]:
        self._absorb()
        return [self._counted(session) for session in super().all()]

    def start_recording(self, session: LiveSession, title: str = "") -> str:
        self.recall(session)
        return super().start_recording(session, title)

    def keep(self, session: LiveSession) -> None:
        self.recall(session)
        super().keep(session)

    def changed(self) -> list[LiveSession]:
        self._absorb()
        return super().changed()

    def _session(self, id: str, *, is_new: bool = False) -> LiveSession:
        return self._counted(super()._session(id, is_new=is_new))

    def _add(self, session: LiveSession) -> LiveSession:
        if len(self._sessions) >= self._most:
            self._absorb()
        return super()._add(session)

    def _forget(self, id: str) -> None:
        self.recall(self._sessions[id])
        super()._forget(id)

    def _whole(self, session: LiveSession) -> LiveSession:
        return super()._whole(self._counted(session))


@dataclass(slots=True)
class LentSession(LiveSession):
    """A session as a worker knows it."""

    slot: int = 0
    loan: int = 0


class LentSessions(LiveSessions):
    """A worker's: those that the owner lent. ElsewhereError for every other one: the owner has it."""

    def __init__(self, keys: Any, table: StepTable, *, learned: Callable[[str, bytes], None]) -> None:
        """`learned` gets the id of a session whose client an upstream gives a cookie, and the cookie."""
        super().__init__(keys)
        self._table, self._learned = table, learned

    def add(self, message: Message) -> None:
        """The owner lends this one."""
        id, slot, loan, recording, pins, named = message
        session = LentSession(id, recording, slot=slot, loan=loan, named=named)
        session.pins = {cluster: Pin(environment, until) for cluster, environment, until in pins}
        while len(self._sessions) >= MOST:
            self._forget(next(iter(self._sessions)))
        self._sessions[id] = session

    def learn(self, session: LiveSession, set_cookie: bytes) -> None:
        if len(set_cookie) <= LONGEST and any(cookie_marks(set_cookie.partition(b";")[0])):
            self._learned(session.id, set_cookie)

    def next_step(self, session: LiveSession) -> int:
        """0 when the loan has ended since the request was identified."""
        assert isinstance(session, LentSession)
        session.steps = self._table.take(session.slot, session.loan)
        return session.steps

    def _session(self, id: str, *, is_new: bool = False) -> LiveSession:
        session = self._sessions.get(id)
        if not isinstance(session, LentSession):
            raise ElsewhereError
        if not self._table.holds(session.slot, session.loan):
            del self._sessions[id]
            raise ElsewhereError
        return session

    def _without_cookie(
        self, found: dict[int, bytes], client: str, *, secure: bool
    ) -> tuple[LiveSession, bytes | None]:
        raise ElsewhereError


SLOTS: Final = MOST

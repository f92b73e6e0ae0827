"""When what is known of a session may be trusted, and who is asked else; on a store that notes what it is asked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import Future
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from cryptography.fernet import Fernet

from gateway.errors import StoreError
from gateway.keys import Keys
from gateway.protocols import LiveSession, Pin
from gateway.sessions.registry import LiveSessions
from gateway.sessions.sharing import LEASE, SessionSharing

ANN = [(b"Gateway-Session", b"ann")]


@dataclass
class Database:
    """One row for each session, and who has it."""

    rows: dict[str, LiveSession] = field(default_factory=dict)
    homes: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    is_away: bool = False
    now: float = 100.0

    def claim(self, id: str) -> tuple[LiveSession, str] | None:
        self.asked.append("claim")
        if self.is_away:
            return None
        self.homes[id] = "here"
        return replace(self.rows.setdefault(id, LiveSession(id, recording="r")), page={}), ""

    def is_elsewhere(self, id: str) -> bool | None:
        self.asked.append("home")
        return None if self.is_away or id not in self.rows else self.homes[id] != "here"

    def changed(self) -> list[LiveSession]:
        if self.is_away:
            raise StoreError("away", code="away")
        return []

    def heard(self) -> None:
        self.asked.append("heard")

    def wait_until_heard(self, seconds: float) -> None:
        self.asked.append("wait")

    def close(self) -> None: ...

    def elsewhere(self, **facts: Any) -> None:
        """Another gateway took the session, and changed it."""
        self.rows["ann"] = replace(self.rows["ann"], **facts)
        self.homes["ann"] = "there"


@asynccontextmanager
async def gateway(database: Database) -> AsyncIterator[LiveSessions]:
    sharing = SessionSharing(database, lambda id, text: {}, lambda: database.now)

    def save(session: LiveSession) -> Future[None]:
        done = Future[None]()
        done.set_result(None)
        return done

    sessions = LiveSessions(Keys.of([Fernet.generate_key().decode()]), keep=save, sharing=sharing)
    async with sharing.following(sessions):
        database.asked.clear()
        yield sessions


def ann(sessions: LiveSessions) -> LiveSession:
    return sessions.identify(ANN, client="10.0.0.1")[0]


async def test_traffic_asks_once_for_a_session_and_not_again_while_looks_go_well() -> None:
    database = Database()
    async with gateway(database) as sessions:
        first = ann(sessions)
        assert [ann(sessions) for _ in range(3)] == [first] * 3
        assert database.asked == ["claim"]


async def test_after_the_lease_each_request_asks_and_an_own_session_stays_the_same_object() -> None:
    database = Database()
    async with gateway(database) as sessions:
        first = ann(sessions)
        database.now += LEASE
        assert ann(sessions) is first
        database.elsewhere(pins={"orders": Pin("qa", 0.0)})
        assert ann(sessions).pins == {"orders": Pin("qa", 0.0)}
        assert database.asked == ["claim", "home", "home", "claim"]


async def test_a_page_and_a_session_that_plays_ask_in_any_case() -> None:
    database = Database()
    async with gateway(database) as sessions:
        session = ann(sessions)
        assert sessions.confirmed(session) is session
        database.elsewhere(recording="newer")
        session = sessions.confirmed(session)
        assert (session.recording, session.named, ann(sessions)) == ("newer", True, session)
        session.modes["orders"] = None  # type: ignore[assignment]
        database.elsewhere(recording="newest")
        assert ann(sessions).recording == "newest"


async def test_while_the_database_is_away_what_is_known_goes_on_and_is_asked_for_afterwards() -> None:
    database = Database()
    async with gateway(database) as sessions:
        known = ann(sessions)
        database.is_away, database.now = True, database.now + LEASE
        stranger = sessions.identify([(b"Gateway-Session", b"bob")], client="10.0.0.1")[0]
        assert ann(sessions) is known
        database.rows["bob"], database.homes["bob"] = LiveSession("bob", recording="of before"), "there"
        database.is_away = False
        assert sessions.identify([(b"Gateway-Session", b"bob")], client="10.0.0.1")[0].recording == "of before"
        assert stranger.recording != "of before"


async def test_a_session_of_an_outage_is_asked_for_although_looks_go_well_again() -> None:
    database = Database()
    async with gateway(database) as sessions:
        known = ann(sessions)
        database.is_away = True
        async with asyncio.timeout(30):
            while not sessions._sharing._was_away:  # type: ignore[union-attr]
                await asyncio.sleep(0.01)
            database.is_away = False
            while sessions._sharing._was_away:  # type: ignore[union-attr]
                await asyncio.sleep(0.01)
        database.elsewhere(recording="newer")
        assert ann(sessions) is not known
        assert ann(sessions).recording == "newer"


async def test_a_change_is_settled_when_others_have_heard_of_it() -> None:
    database = Database()
    async with gateway(database) as sessions:
        before = sessions.changes
        sessions.pin(ann(sessions), "orders", "qa")
        assert sessions.changes == before + 1
        await sessions.settle()
        assert database.asked[-1] == "wait"

"""The owner lends sessions and takes them back before anything of them changes; workers serve those that are lent."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from cryptography.fernet import Fernet

from gateway.keys import Keys
from gateway.protocols import ElsewhereError, LiveSession
from gateway.workers.sessions import HomeSessions, LentSessions
from gateway.workers.steps import StepTable

MOST = 10


class Both:
    """An owner and a worker."""

    def __init__(self, table: StepTable) -> None:
        keys = Keys.of([Fernet.generate_key().decode()])
        self.learned: list[tuple[str, bytes]] = []
        self.home = HomeSessions(keys, table, most=MOST)
        self.lent = LentSessions(keys, table, learned=lambda id, cookie: self.learned.append((id, cookie)))

    def session(self, name: str) -> LiveSession:
        return self.home.identify([(b"Gateway-Session", name.encode())], client="10.0.0.1")[0]

    def at_worker(self, *fields: tuple[bytes, bytes]) -> LiveSession:
        return self.lent.identify(list(fields), client="10.0.0.1")[0]

    def named(self, name: str) -> LiveSession:
        return self.at_worker((b"Gateway-Session", name.encode()))


@pytest.fixture
def both() -> Iterator[Both]:
    table = StepTable.made(MOST)
    yield Both(table)
    table.close()


def test_both_count_the_steps_of_a_session_that_is_lent(both: Both) -> None:
    session = both.session("ann")
    assert both.home.next_step(session) == 1
    both.lent.add(both.home.lend(session))
    there = both.named("ann")
    assert there.recording == session.recording
    assert [both.lent.next_step(there), both.home.next_step(session), both.lent.next_step(there)] == [2, 3, 4]
    assert both.session("ann").steps == 4


def test_a_worker_knows_nobody_that_was_not_lent(both: Both) -> None:
    for fields in ([(b"Gateway-Session", b"bob")], [(b"User-Agent", b"tool")], [(b"baggage", b"gateway-session=bob")]):
        with pytest.raises(ElsewhereError):
            both.at_worker(*fields)


@pytest.mark.parametrize("change", ["pin", "unpin", "keep", "start_recording"])
def test_a_change_ends_the_loan_first(both: Both, change: str) -> None:
    session = both.session("ann")
    both.home.pin(session, "orders", "qa")
    both.lent.add(both.home.lend(session))
    there = both.named("ann")
    assert there.pins["orders"].environment == "qa"
    assert both.lent.next_step(there) == 1
    more = {"pin": ("orders", "test"), "unpin": ("orders",)}.get(change, ())
    getattr(both.home, change)(session, *more)
    assert both.lent.next_step(there) == 0
    with pytest.raises(ElsewhereError):
        both.named("ann")
    assert both.home.next_step(session) == (1 if change == "start_recording" else 2)


def test_a_session_is_lent_again_with_what_it_is_now(both: Both) -> None:
    session = both.session("ann")
    both.lent.add(both.home.lend(session))
    both.home.pin(session, "orders", "test")
    recording = both.home.start_recording(session)
    both.lent.add(both.home.lend(session))
    there = both.named("ann")
    assert (there.recording, there.pins["orders"].environment) == (recording, "test")
    assert both.lent.next_step(there) == 1


def test_who_plays_has_a_fault_or_is_known_by_address_is_not_lent(both: Both) -> None:
    session = both.session("ann")
    assert both.home.is_lendable(session)
    for name, value in (("mode", "replay"), ("modes", {"orders": None}), ("faults", {"orders": None})):
        usual = getattr(session, name)
        setattr(session, name, value)
        assert not both.home.is_lendable(session)
        setattr(session, name, usual)
    stranger = both.home.identify([(b"User-Agent", b"tool")], client="10.0.0.1")[0]
    assert not both.home.is_lendable(stranger)


def test_a_cookie_of_ours_and_a_pass_lead_a_worker_to_the_same_session(both: Both) -> None:
    session = both.home.begin("demo")
    cookie = both.home.offer(session.id).partition(b";")[0]
    field = (b"Gateway-Session", both.home.credential(session).encode())
    assert both.home.identify([field], client="10.0.0.1")[0] is session
    both.lent.add(both.home.lend(session))
    assert both.at_worker(field).id == both.at_worker((b"Cookie", b"x=1; " + cookie)).id == session.id


def test_cookies_that_may_tell_a_client_go_to_the_owner(both: Both) -> None:
    session = both.session("ann")
    both.lent.learn(session, b"sessionid=abc; Path=/")
    both.lent.learn(session, b"theme=dark")
    assert both.learned == [("ann", b"sessionid=abc; Path=/")]


def test_the_longest_unseen_is_forgotten_and_its_loan_ends(both: Both) -> None:
    """Bounds: as many loans as there are slots, however many sessions come."""
    for number in range(10 * MOST):
        session = both.session(f"s{number}")
        if both.home.is_lendable(session):
            both.lent.add(both.home.lend(session))
        if number >= MOST - 1:
            both.home.touch(["s0"])  # a worker serves it all the time
    assert len(both.home.all()) == MOST
    assert len(both.home._lent) + len(both.home._free) == MOST
    assert not both.home._touched
    assert both.named("s0").id == "s0"
    with pytest.raises(ElsewhereError):
        both.named("s1")

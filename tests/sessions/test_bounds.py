"""No table of who calls grows without bound: ten times each limit, at the seam. `make hostile` sends a million."""

from __future__ import annotations

import json

import pytest
from cryptography.fernet import Fernet

from gateway.keys import Keys
from gateway.sessions import registry
from gateway.sessions.cookieless import MARKS, MOST
from gateway.sessions.identity import FieldKinds
from gateway.sessions.registry import LiveSessions
from gateway.sessions.sharing import SessionSharing
from gateway.store import open_recorder
from gateway.store import tables as store_tables
from gateway.store.sqlite.writer import WriterThread


@pytest.fixture
def live():
    return LiveSessions(Keys.of([Fernet.generate_key().decode()]), most=1000)


def test_named_sessions(live):
    for number in range(10_000):
        live.identify([(b"Gateway-Session", b"s%d" % number)], client="10.0.0.1")
        live.identify([(b"baggage", b"gateway-session=b%d" % number)], client="10.0.0.1")
    assert len(live.all()) == 1000 and len(live.changed()) <= 1000


def test_clients_without_a_cookie():
    live = LiveSessions(Keys.of([Fernet.generate_key().decode()]), most=MOST)
    for number in range(10 * MOST):
        headers = [(b"User-Agent", b"a%d" % number), (b"Authorization", b"Bearer t%d" % number)]
        live.identify(headers, client="10.0.0.1")
    clients = live._cookieless
    assert len(clients._clients) <= MOST and len(clients._marked) <= MOST and len(clients._by_session) <= 2 * MOST


def test_marks_of_one_client(live):
    for number in range(10 * MARKS):
        cookie = b"; ".join(b"sess%d=%d" % (n, n) for n in range(number, number + 3))
        live.identify([(b"User-Agent", b"tool"), (b"Cookie", cookie)], client="10.0.0.1")
    assert all(len(client.marks) <= MARKS for client in live._cookieless._by_session.values())


def test_cookies_fields_and_passes(live, monkeypatch):
    monkeypatch.setattr(registry, "MOST_COOKIES", 100)
    for number in range(1000):
        cookie = live.offer(f"client·{number}").partition(b";")[0]
        live.identify([(b"Cookie", b"x=%d; %b" % (number, cookie))], client="10.0.0.1")
        live.identify([(b"Gateway-Session", live.credential(live.begin("replay")).encode())], client="127.0.0.1")
    assert max(len(live._cookies), len(live._fields), len(live._passes)) <= 100


def test_spellings_of_header_names():
    kinds = FieldKinds()
    for number in range(10 * 1024):
        kinds[b"x-%d" % number]
    assert len(kinds) <= 1024


def test_sessions_in_the_store(tmp_path, monkeypatch):
    monkeypatch.setattr(store_tables, "MOST_SESSIONS", 50)
    monkeypatch.setattr(store_tables, "TRIM_EVERY", 2)
    recorder = open_recorder(tmp_path / "gateway.db", seal=None)
    assert isinstance(recorder._thread, WriterThread)
    tables = recorder._thread._tables
    assert tables is not None
    for number in range(500):
        tables.save_sessions([(f"s{number}", f"r{number}", 0, "{}", float(number), True, "", "", "", "")])
        tables.keep_values(f"s{number}", {"a": json.dumps(number)})
    kept = [id for (id,) in tables.connection.execute("SELECT id FROM sessions ORDER BY seen DESC")]
    values = tables.connection.execute("SELECT count(*) FROM session_values").fetchone()[0]
    assert kept[0] == "s499" and len(kept) <= 51 and values <= 52
    recorder._thread.end()


def test_sessions_that_another_gateway_may_have():
    class Away:
        def claim(self, id):
            return None

    sharing = SessionSharing(Away(), lambda id, text: {})
    live = LiveSessions(Keys.of([Fernet.generate_key().decode()]), most=1000, sharing=sharing)
    for number in range(10_000):
        live.identify([(b"Gateway-Session", b"s%d" % number)], client="10.0.0.1")
    assert len(sharing._doubted) <= 1000

"""Who is calling: header, baggage, cookie, then address and user agent; pins, recordings, bounds, restarts."""

import json
from base64 import urlsafe_b64encode
from urllib.parse import quote

import pytest
from cryptography.fernet import Fernet

from gateway.errors import UsageError
from gateway.ids import renewed_id
from gateway.keys import Keys
from gateway.model.headers import Fields
from gateway.protocols import LiveSession, Pin
from gateway.sessions import COOKIE_NAME, LiveSessions
from gateway.sessions.cookieless import OFFERS, WINDOW

ROOT = Fernet.generate_key().decode()
PAGE = [(b"Accept", b"text/html,*/*"), (b"User-Agent", b"Browser")]
CALL = [(b"Accept", b"*/*"), (b"User-Agent", b"tool/1")]


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def sessions(*, root: str = ROOT, clock: Clock | None = None, most: int = 100) -> LiveSessions:
    return LiveSessions(Keys.of([root]), clock=clock or Clock(), most=most)


def pair(offer: bytes | None) -> bytes:
    """The Cookie field of a client that keeps what it was offered."""
    assert offer is not None
    return offer.partition(b";")[0]


def identify(live: LiveSessions, *fields: tuple[bytes, bytes], client: str = "10.0.0.1"):
    return live.identify(list(fields), client=client)


# -- named by the client


def test_the_header_names_the_session():
    live = sessions()
    session, offer = identify(live, (b"gateway-session", b"my/run-7"))
    assert (session.id, session.named, offer) == ("my/run-7", True, None)
    assert identify(live, (b"Gateway-Session", b"my/run-7"))[0] is session


def test_the_header_goes_before_baggage_and_baggage_before_the_cookie():
    live = sessions()
    cookie = (b"Cookie", pair(identify(live, *PAGE)[1]))
    baggage = (b"baggage", b"k=v, gateway-session=from%2Dbaggage;p=1")
    assert identify(live, cookie, baggage)[0].id == "from-baggage"
    assert identify(live, cookie, baggage, (b"Gateway-Session", b"from-header"))[0].id == "from-header"


def test_baggage_without_our_key_says_nothing():
    live = sessions()
    assert identify(live, *CALL, (b"baggage", b"user=gateway-session"))[0].named is False


@pytest.mark.parametrize(
    "fields",
    [
        [(b"Gateway-Session", b"")],
        [(b"Gateway-Session", b"a b")],
        [(b"Gateway-Session", b"x" * 129)],
        [(b"Gateway-Session", b"one"), (b"Gateway-Session", b"two")],
        [(b"baggage", b"gateway-session=%FF")],
    ],
    ids=["empty", "blank", "long", "two", "baggage"],
)
def test_an_invalid_name_is_the_callers_mistake(fields):
    with pytest.raises(UsageError):
        identify(sessions(), *fields)


# -- cookies


def test_a_cookie_is_offered_once_and_then_recognised():
    live = sessions()
    session, offer = identify(live, *PAGE)
    assert offer is not None
    assert offer.endswith(b"; HttpOnly; Path=/; SameSite=Lax")
    assert session.id.encode() not in offer
    for _ in range(2):
        again, more = identify(live, *PAGE, (b"Cookie", b"a=1; " + pair(offer) + b"; mine=1"))
        assert again is session
        assert more is None


def test_a_cookie_holds_over_a_restart_and_a_new_key():
    offer = identify(sessions(), *PAGE)[1]
    newest = Fernet.generate_key().decode()
    rotated = LiveSessions(Keys.of([newest, ROOT]))
    first, more = identify(rotated, (b"Cookie", pair(offer)))
    assert more is None
    assert identify(rotated, (b"Cookie", pair(offer)))[0] is first


def test_two_browsers_that_look_alike_are_two_sessions():
    live = sessions()
    (one, offer_one), (two, offer_two) = identify(live, *PAGE), identify(live, *PAGE)
    assert one is not two
    assert identify(live, *PAGE, (b"Cookie", pair(offer_two)))[0] is two
    assert identify(live, *PAGE, (b"Cookie", pair(offer_one)))[0] is one


GOOD = identify(sessions(), *PAGE)[1]
FOREIGN = identify(sessions(root=Fernet.generate_key().decode()), *PAGE)[1]


@pytest.mark.parametrize(
    "cookie",
    [
        b"gateway_session=chosen-by-an-attacker",
        b"gateway_session=",
        b"gateway_session",
        pair(GOOD)[:-10],
        pair(GOOD)[:60] + (b"B" if pair(GOOD)[60:61] == b"A" else b"A") + pair(GOOD)[61:],
        pair(FOREIGN),
        b"gateway_session=" + b"x" * 9000,
        "gateway_session=ключ".encode(),
        b"gateway_session=\xff\x00\xfe",
        COOKIE_NAME + b"=" + Keys.of([ROOT]).cookie.encrypt(b'{"session": {"id": "../../etc"}}'),
        COOKIE_NAME + b"=" + Keys.of([ROOT]).cookie.encrypt(b"[]"),
        COOKIE_NAME + b"=" + urlsafe_b64encode(Keys.of([ROOT]).sealing.encrypt(b'{"session": {"id": "aaaaaaaaaaaaaaaaaaaaaaaa"}}', b"p", "R")),
    ],
    ids=[
        "chosen", "empty", "valueless", "cut", "tampered", "foreign", "oversized", "letters", "bytes", "odd-id",
        "odd-shape", "other-purpose",
    ],
)  # fmt: skip
def test_a_cookie_that_we_did_not_seal_gives_a_fresh_session(cookie):
    live = sessions()
    session, offer = identify(live, *PAGE, (b"Cookie", cookie))
    assert session.id.encode() not in cookie
    assert pair(offer) != cookie


def test_a_good_cookie_behind_a_bad_one_counts():
    live = sessions()
    session, offer = identify(live, *PAGE)
    assert identify(live, *PAGE, (b"Cookie", b"gateway_session=bad; " + pair(offer)))[0] is session
    assert identify(live, *PAGE, (b"Cookie", b"a=1"), (b"Cookie", pair(offer)))[0] is session


# -- clients without a cookie


def test_a_client_that_keeps_no_cookie_stays_one_session():
    live = sessions()
    found = [identify(live, *CALL) for _ in range(50)]
    assert len({session.id for session, _ in found}) == 1
    assert found[0][1] is not None
    assert all(offer is None for _, offer in found[OFFERS:])


def test_the_first_offer_is_for_that_very_session():
    live = sessions()
    session, offer = identify(live, *CALL)
    assert identify(live, *CALL, (b"Cookie", pair(offer)))[0] is session


def test_a_second_client_that_looks_alike_gets_a_session_of_its_own():
    live = sessions()
    shared, first = identify(live, *CALL)
    second = identify(live, *CALL)[1]
    mine = identify(live, *CALL, (b"Cookie", pair(second)))[0]
    assert mine is not shared
    assert identify(live, *CALL, (b"Cookie", pair(first)))[0] is shared


def test_a_session_whose_cookie_came_back_is_not_lent_to_others():
    live = sessions()
    session, offer = identify(live, *CALL)
    identify(live, *CALL, (b"Cookie", pair(offer)))
    other, another_offer = identify(live, *CALL)
    assert other is not session
    assert another_offer is not None


@pytest.mark.parametrize(("idle", "same"), [(WINDOW - 1, True), (WINDOW + 1, False)], ids=["within", "after"])
def test_the_idle_window_ends_a_session_without_cookie(idle, same):
    clock = Clock()
    live = sessions(clock=clock)
    session, _ = identify(live, *CALL)
    clock.now += idle
    assert (identify(live, *CALL)[0] is session) is same


def test_address_and_user_agent_tell_clients_apart():
    live = sessions()
    one = identify(live, *CALL, client="10.0.0.1")[0]
    assert identify(live, *CALL, client="10.0.0.2")[0] is not one
    assert identify(live, (b"User-Agent", b"tool/2"), client="10.0.0.1")[0] is not one


def test_a_fetch_from_a_page_is_no_navigation():
    live = sessions()
    fields = [(b"Accept", b"text/html"), (b"Sec-Fetch-Mode", b"cors"), (b"User-Agent", b"Browser")]
    assert identify(live, *fields)[0] is identify(live, *fields)[0]


# -- recordings and pins


def test_a_new_recording_starts_at_step_one():
    live = sessions()
    session, _ = identify(live, (b"Gateway-Session", b"s"))
    before, session.steps = session.recording, 5
    assert live.start_recording(session, "Second try") == session.recording != before
    assert (session.steps, session.title) == (0, "Second try")


def test_a_pin_with_a_life_vanishes_and_one_without_stays():
    clock = Clock()
    live = sessions(clock=clock)
    session, _ = identify(live, (b"Gateway-Session", b"s"))
    live.pin(session, "orders", "qa", ttl=60)
    live.pin(session, "payments", "test")
    assert session.pins == {"orders": Pin("qa", clock.now + 60), "payments": Pin("test", 0.0)}
    clock.now += 61
    assert list(identify(live, (b"Gateway-Session", b"s"))[0].pins) == ["payments"]
    live.unpin(session, "payments")
    live.unpin(session, "never-pinned")
    assert session.pins == {}


def test_looking_a_session_up_also_ends_its_pins():
    clock = Clock()
    live = sessions(clock=clock)
    session, _ = identify(live, (b"Gateway-Session", b"s"))
    live.pin(session, "orders", "qa", ttl=60)
    clock.now += 61
    assert live.get("s") is session
    assert live.all()[0].pins == {}


def test_a_session_nobody_knows_is_none():
    assert sessions().get("nobody") is None


# -- bounds and restarts


def test_the_longest_unseen_session_goes_first():
    live = sessions(most=3)
    for name in (b"a", b"b", b"c", b"a", b"d"):
        identify(live, (b"Gateway-Session", name))
    assert [session.id for session in live.all()] == ["d", "a", "c"]


def test_an_evicted_session_with_a_cookie_comes_back_under_its_id():
    live = sessions(most=1)
    session, offer = identify(live, *PAGE)
    identify(live, (b"Gateway-Session", b"other"))
    assert live.get(session.id) is None
    assert identify(live, *PAGE, (b"Cookie", pair(offer)))[0].id == session.id


def test_what_changed_is_given_out_once_for_saving():
    live = sessions()
    session, _ = identify(live, (b"Gateway-Session", b"s"))
    assert live.changed() == [session]
    assert live.changed() == []
    live.pin(session, "orders", "qa")
    assert live.changed() == [session]


def test_restored_sessions_go_on_where_they_were():
    live = sessions(most=2)
    rows = [LiveSession(f"s{n}", f"r{n}", steps=n, pins={"orders": Pin("qa")}, seen=float(n)) for n in (3, 1, 2)]
    live.restore(rows)
    assert [session.id for session in live.all()] == ["s3", "s2"]
    session, _ = identify(live, (b"Gateway-Session", b"s3"))
    assert (session.recording, session.steps, session.pins["orders"].environment) == ("r3", 3, "qa")
    assert live.changed() == [session]


def test_fields_that_come_again_are_of_the_same_session_and_count_as_seen():
    clock = Clock()
    live = sessions(clock=clock)
    session, offer = identify(live, *CALL)
    fields = Fields([(b"Cookie", pair(offer))])
    for moment in (1_000_010.0, 1_000_020.0):
        clock.now = moment
        again, offer = live.identify(fields, client="10.0.0.9")
        assert (again is session, offer, again.seen) == (True, None, moment)
    named = Fields([(b"Gateway-Session", b"mine")])
    assert [live.identify(named, client="10.0.0.9")[0].id for _ in range(2)] == ["mine", "mine"]


# -- ids, and what leads into a session


@pytest.fixture
def live():
    return sessions()


def test_an_id_that_we_made_cannot_be_sent_as_a_name(live):
    session, _ = live.identify([(b"User-Agent", b"Mozilla/5.0"), (b"Sec-Fetch-Mode", b"navigate")], client="10.0.0.1")
    assert session.id.startswith("client·")
    for value in (session.id.encode(), session.id.encode("latin-1")):
        with pytest.raises(UsageError):
            live.identify([(b"Gateway-Session", value)], client="10.0.0.2")
        with pytest.raises(UsageError):
            live.identify([(b"baggage", b"gateway-session=" + value)], client="10.0.0.2")
    with pytest.raises(UsageError):
        live.identify([(b"baggage", b"gateway-session=" + quote(session.id).encode())], client="10.0.0.2")


@pytest.mark.parametrize(
    "name",
    ["abcdefghijklmnopqrstuvwx", "6f1c0f4e-3f0f-4e7c-9d1f-3b9b7a1f2c3d", "replay-01J0000000000000000000000", "x"],
)
def test_a_name_is_its_own_id_however_much_it_looks_like_one_of_ours(live, name):
    session, cookie = live.identify([(b"Gateway-Session", name.encode())], client="10.0.0.1")
    assert (session.id, session.named, session.by_cookie, cookie) == (name, True, False, None)


def test_a_cookie_from_before_ids_had_the_dot_keeps_its_session_and_gives_the_old_id_to_nobody(live):
    old = "abcdefghijklmnopqrstuvwx"
    value = live._cipher.encrypt(json.dumps({"created": 1, "session": {"id": old}}).encode())
    session, _ = live.identify([(b"Cookie", b"gateway_session=" + value)], client="10.0.0.1")
    assert session.id == renewed_id(old) and session.by_cookie
    other, _ = live.identify([(b"Gateway-Session", old.encode())], client="10.0.0.1")
    assert other is not session and other.named


def test_a_pass_leads_into_its_session_and_beats_baggage(live):
    replay = live.begin("replay")
    value = live.credential(replay).encode()
    found, cookie = live.identify(
        [(b"Gateway-Session", value), (b"baggage", b"gateway-session=other")], client="127.0.0.1"
    )
    assert found is replay and found.by_cookie and cookie is None
    with pytest.raises(UsageError):  # it is too long for a name, and not ours
        live.identify([(b"Gateway-Session", value[:-2] + b"AA")], client="127.0.0.1")
    session, _ = live.identify([(b"Cookie", b"gateway_session=" + value)], client="127.0.0.1")
    assert session is not replay, "a pass is no cookie"


def test_a_cookie_is_no_pass(live):
    cookie = live.offer("client·aaaaaaaaaaaaaaaa").partition(b";")[0].partition(b"=")[2]
    with pytest.raises(UsageError):
        live.identify([(b"Gateway-Session", cookie)], client="127.0.0.1")


def test_the_credential_of_a_named_session_is_its_name(live):
    session, _ = live.identify([(b"Gateway-Session", b"ada")], client="10.0.0.1")
    assert live.credential(session) == "ada"


def test_who_shows_the_cookie_is_told_from_who_looks_alike(live):
    headers = [(b"User-Agent", b"Mozilla/5.0"), (b"Sec-Fetch-Mode", b"navigate")]
    session, cookie = live.identify(headers, client="10.0.0.1")
    assert not session.by_cookie
    again, _ = live.identify([*headers, (b"Cookie", cookie.partition(b";")[0])], client="10.0.0.1")
    assert again is session and session.by_cookie
    third, _ = live.identify([(b"User-Agent", b"Mozilla/5.0"), (b"Sec-Fetch-Mode", b"cors")], client="10.0.0.1")
    assert not third.by_cookie, "also where it is taken for the same page load"


def test_a_cookie_for_a_named_session_leads_there(live):
    named, _ = live.identify([(b"Gateway-Session", b"abcdefghijklmnopqrstuvwx")], client="10.0.0.1")
    cookie = live.join(named).partition(b";")[0]
    found, _ = live.identify([(b"Cookie", cookie)], client="10.0.0.9")
    assert found is named and found.named

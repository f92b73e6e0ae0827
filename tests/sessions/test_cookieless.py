"""Clients without our cookie: one page load is one session, people are told apart by what tells them apart."""

import base64
import json

import pytest
from cryptography.fernet import Fernet

from gateway.keys import Keys
from gateway.protocols import LiveSession
from gateway.sessions import LiveSessions
from gateway.sessions.cookieless import BURST, WINDOW, CookielessClients, cookie_marks, is_browser, token_marks

FIREFOX = b"Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0"
HERE, THERE = "127.0.0.1", "192.168.7.20"


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


class Browser:
    """Sends fields as a browser does; `cookie` is what it keeps."""

    def __init__(
        self, live: LiveSessions, client: str = THERE, agent: bytes = FIREFOX, language: bytes = b"de"
    ) -> None:
        self.live, self.client, self.cookie = live, client, b""
        self.fields = [(b"User-Agent", agent), (b"Accept-Language", language)]

    def call(self, *more: tuple[bytes, bytes], page: bool = False, keep: bool = True):
        kind = (b"Sec-Fetch-Mode", b"navigate" if page else b"cors")
        cookie = [(b"Cookie", self.cookie)] if self.cookie else []
        session, offer = self.live.identify([*self.fields, kind, *cookie, *more], client=self.client)
        if offer is not None and keep:
            self.cookie = offer.partition(b";")[0]
        return session


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def live(clock):
    return LiveSessions(Keys.of([Fernet.generate_key().decode()]), clock=clock)


@pytest.mark.parametrize("client", [HERE, THERE, "::1"])
@pytest.mark.parametrize("pages", [0, 3], ids=["calls", "tabs"])
def test_calls_at_once_without_a_cookie_are_one_session_and_so_is_what_follows(live, client, pages):
    browser = Browser(live, client)
    first = [browser.call(page=index < pages, keep=False) for index in range(6)]
    browser.call(keep=True)
    later = [browser.call() for _ in range(3)]
    assert len({session.id for session in [*first, *later]}) == 1


def test_every_cookie_of_a_page_load_is_for_its_session_whichever_comes_last(live):
    browser = Browser(live)
    session = browser.call(keep=False)
    offered = set()
    for _ in range(6):
        browser.call()
        offered.add(live.identify([(b"Cookie", browser.cookie)], client="x")[0].id)
        browser.cookie = b""
    assert offered == {session.id}


def test_a_page_that_is_opened_after_its_calls_is_of_the_same_session(live, clock):
    browser = Browser(live, HERE)
    calls = browser.call(keep=False)
    clock.now += 600  # somebody reads; a front end without credentials keeps no cookie
    assert browser.call(page=True) is calls
    assert browser.call() is calls


def test_from_elsewhere_a_page_that_is_opened_later_is_another_persons(live, clock):
    calls = Browser(live).call(keep=False)
    clock.now += BURST + 1
    assert Browser(live).call(page=True) is not calls


@pytest.mark.parametrize("page", [True, False])
@pytest.mark.parametrize("client", [HERE, THERE])
def test_once_the_cookie_has_come_back_a_later_call_without_one_is_somebody_elses(live, clock, client, page):
    mine = Browser(live, client)
    session = mine.call(page=True)
    assert mine.call() is session
    clock.now += BURST + 1
    other = Browser(live, client).call(page=page)
    assert other is not session
    assert mine.call() is session


def test_a_tab_that_waited_for_its_connection_is_still_of_the_page_load(live, clock):
    mine = Browser(live)
    session = mine.call(page=True)
    assert mine.call() is session  # the first tab has its cookie already
    clock.now += BURST - 1
    assert Browser(live).call(page=True) is session


@pytest.mark.parametrize(
    ("agent", "language", "client"),
    [(FIREFOX.replace(b"X11", b"Wayland"), b"de", THERE), (FIREFOX, b"en", THERE), (FIREFOX, b"de", "192.168.7.21")],
    ids=["browser", "language", "address"],
)
def test_address_browser_and_language_tell_people_apart(live, agent, language, client):
    assert Browser(live).call() is not Browser(live, client, agent, language).call()


def jwt(**claims: object) -> bytes:
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=")
    return b"eyJhbGciOiJIUzI1NiJ9." + payload + b".c2lnbmF0dXJl"


TOKENS = [
    (b"Authorization", b"Bearer aaaa", b"Bearer bbbb"),
    (b"Authorization", b"Basic YTpi", b"Basic Yzpk"),
    (b"X-Api-Key", b"key-of-ann", b"key-of-bob"),
    (b"X-Auth-Token", b"gAAAAABf-ann", b"gAAAAABf-bob"),
    (b"Authorization", b"Bearer " + jwt(sub="ann", iss="x"), b"Bearer " + jwt(sub="bob", iss="x")),
    (b"Cookie", b"JSESSIONID=A1; theme=dark", b"theme=dark; JSESSIONID=B2"),
    (b"Cookie", b"connect.sid=s%3Aa", b"connect.sid=s%3Ab"),
]


@pytest.mark.parametrize(("name", "one", "two"), TOKENS)
def test_a_token_or_a_cookie_of_the_upstream_tells_people_apart(live, clock, name, one, two):
    phone = [(b"User-Agent", b"ShopApp/1.0")]

    def call(value: bytes | None):
        return live.identify([*phone, *([(name, value)] if value else [])], client=THERE)[0]

    begun = call(None)  # the sign-in itself has no token yet
    ann = call(one)
    assert ann is begun
    bob = call(two)
    assert bob is not ann
    clock.now += 60
    assert [call(one), call(two), call(one)] == [ann, bob, ann]
    assert "token" in ann.told_by or "cookie" in ann.told_by


def test_a_refreshed_token_of_the_same_subject_is_the_same_person(live):
    def call(token: bytes):
        return live.identify([(b"User-Agent", b"app"), (b"Authorization", b"Bearer " + token)], client=THERE)[0]

    assert call(jwt(sub="ann", iss="x", exp=1)) is call(jwt(sub="ann", iss="x", exp=2))


def test_credentials_of_another_scheme_are_no_other_person(live):
    def call(value: bytes):
        return live.identify([(b"User-Agent", b"app"), (b"Authorization", value)], client=THERE)[0]

    assert call(b"Basic YTpi") is call(b"Bearer token") is call(b"Basic YTpi")


def test_a_cookie_that_the_upstream_changes_at_the_sign_in_is_still_of_the_same_client(live):
    def call(value: bytes):
        return live.identify([(b"User-Agent", b"app"), (b"Cookie", value)], client=THERE)[0]

    session = call(b"PHPSESSID=before")
    live.learn(session, b"PHPSESSID=after; Path=/; HttpOnly")
    assert call(b"PHPSESSID=after") is session
    assert call(b"PHPSESSID=another") is not session


def test_a_joined_session_keeps_its_calls_without_a_cookie(live, clock):
    page = Browser(live, HERE)  # on another origin: fetch sends and keeps no cookie
    session = page.call(keep=False)
    cookie = live.join(session).partition(b";")[0]
    console, _ = live.identify([(b"Cookie", cookie)], client=HERE)
    assert console is session
    clock.now += 3 * BURST
    assert page.call(keep=False) is session


def test_a_cookie_for_https_alone_says_so(live):
    _, offer = live.identify([(b"User-Agent", FIREFOX)], client=THERE, secure=True)
    assert offer is not None
    assert offer.endswith(b"; HttpOnly; Path=/; SameSite=Lax; Secure")


def test_what_strangers_send_is_bounded():
    ids = iter(range(10**9))
    clients = CookielessClients(lambda: str(next(ids)), most=50)
    from gateway.sessions.cookieless import CookielessRequest

    for number in range(500):
        asked = CookielessRequest(("10.0.0.1", b"%d" % number, b""), marks=(("token:bearer", number),))
        clients.find(asked, 1.0)
    assert max(map(len, (clients._clients, clients._marked))) <= 50
    assert len(clients._by_session) <= 100


def test_the_window_ends_what_a_token_was_known_by(live, clock):
    def call():
        return live.identify([(b"User-Agent", b"app"), (b"Authorization", b"Bearer a")], client=THERE)[0]

    session = call()
    clock.now += WINDOW + 1
    assert call() is not session


@pytest.mark.parametrize(
    ("cookies", "kinds"),
    [
        (b"_ga=1; theme=dark", []),
        (b"a=1; PHPSESSID=x; b=2", ["cookie:PHPSESSID"]),
        (b"XSRF-TOKEN=a; laravel_session=b", ["cookie:laravel_session"]),
        (b"sid", []),
        (b"sid=; SID=a=b;\tauth_token=c", ["cookie:SID", "cookie:auth_token"]),
        (b"my sid=a; sid =b; x_csrf_token=c; v=sid=d", []),
        (b"sess" * 2000, []),
        (b"", []),
    ],
)
def test_cookies_that_tell(cookies, kinds):
    assert [kind for kind, _ in cookie_marks(cookies)] == kinds


@pytest.mark.parametrize("value", [b"", b"Bearer", b"Bearer ", b"Bearer " + b"x" * 9000])
def test_values_that_tell_nothing(value):
    assert list(token_marks(value)) == []


def test_who_is_a_browser():
    assert is_browser(FIREFOX, b"")
    assert is_browser(b"", b"cors")
    assert not is_browser(b"curl/8.5.0", b"")


def test_a_restart_tells_clients_apart_as_before(clock):
    keys = Keys.of([Fernet.generate_key().decode()])
    stored = {}
    live = LiveSessions(keys, clock=clock, keep=lambda one: stored.update({one.id: one}))
    token = (b"Authorization", b"Bearer of-ada")
    ada, tool = Browser(live), Browser(live, agent=b"tool/1")
    sessions = [ada.call(token), tool.call(keep=False)]
    assert {one.id for one in live.newcomers()} == {one.id for one in sessions}
    assert live.newcomers() == []
    assert all("of-ada" not in one.caller for one in sessions)
    clock.now += BURST + 1
    again = LiveSessions(keys, clock=clock)
    again.restore([LiveSession(one.id, one.recording, seen=one.seen, caller=one.caller) for one in sessions])
    ada.live = tool.live = again
    assert tool.call(keep=False).id == sessions[1].id
    ada.cookie = b""
    assert ada.call(token).id == sessions[0].id
    assert ada.call((b"Authorization", b"Bearer of-eve"), keep=False).id != sessions[0].id


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"address": 1}', "no JSON", '{"marks": {}}'])
def test_a_caller_that_was_written_otherwise_is_a_stranger(clock, text):
    live = LiveSessions(Keys.of([Fernet.generate_key().decode()]), clock=clock)
    live.restore([LiveSession("a.b", "R1", seen=clock.now, caller=text)])
    assert Browser(live).call().id != "a.b"


def test_an_api_key_that_everybody_shares_tells_nobody_apart_from_their_own_tokens(live):
    def call(token: bytes) -> str:
        shared = (b"X-Api-Key", b"of-the-app")
        headers = [(b"User-Agent", b"app"), shared, (b"Authorization", b"Bearer " + token)]
        return live.identify(headers, client=THERE)[0].id

    assert call(b"ann") == call(b"ann") != call(b"bob")

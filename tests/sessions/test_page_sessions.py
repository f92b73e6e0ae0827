"""Sessions of our own pages over real sockets: one cookie, on every kind of answer."""

import aiohttp
import aiohttp_session
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from aiohttp_session.cookie_storage import EncryptedCookieStorage
from cryptography.fernet import Fernet

from gateway.keys import Keys
from gateway.sessions import LiveSessions
from gateway.sessions.page_sessions import setup_sessions

BROWSER = {"Accept": "text/html", "User-Agent": "Browser"}


def pages() -> tuple[web.Application, LiveSessions]:
    sessions = LiveSessions(Keys.of([Fernet.generate_key().decode()]))
    app = web.Application()
    session_of = setup_sessions(app, sessions)

    async def page(request: web.Request) -> web.Response:
        assert session_of(request) is session_of(request)
        return web.Response(text=session_of(request).id)

    async def stored(request: web.Request) -> web.Response:
        session = await aiohttp_session.get_session(request)
        assert session.identity == session_of(request).id
        session["visits"] = session.get("visits", 0) + 1
        return web.Response(text=str(session.identity), headers={"Visits": str(session["visits"])})

    async def stream(request: web.Request) -> web.StreamResponse:
        session_of(request)
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"data: 1\n\n")
        return response

    async def error(request: web.Request) -> web.Response:
        session_of(request)
        raise web.HTTPNotFound

    app.add_routes([web.get(f"/{handler.__name__}", handler) for handler in (page, stored, stream, error)])
    return app, sessions


async def test_the_cookie_comes_with_the_first_answer_and_is_not_sent_again():
    app, sessions = pages()
    async with TestClient(TestServer(app), cookie_jar=aiohttp.CookieJar(unsafe=True)) as client:
        async with client.get("/page", headers=BROWSER) as first:
            id = await first.text()
            cookie = first.headers.getall("Set-Cookie")
        assert len(cookie) == 1
        assert {"HttpOnly", "Path=/", "SameSite=Lax"} <= set(cookie[0].split("; "))
        for path in ("/page", "/stored"):
            async with client.get(path, headers=BROWSER) as again:
                assert await again.text() == id
                assert "Set-Cookie" not in again.headers
        assert [session.id for session in sessions.all()] == [id]


async def test_pages_keep_values_in_the_live_session_for_the_next_request():
    app, sessions = pages()
    async with TestClient(TestServer(app), cookie_jar=aiohttp.CookieJar(unsafe=True)) as client:
        for visit in ("1", "2", "3"):
            async with client.get("/stored", headers=BROWSER) as response:
                assert response.headers["Visits"] == visit
    async with TestClient(TestServer(pages()[0]), cookie_jar=aiohttp.DummyCookieJar()) as stranger:
        async with stranger.get("/stored", headers=BROWSER) as response:
            assert response.headers["Visits"] == "1"
    assert [session.page for session in sessions.all()] == [{"visits": 3}]


async def test_streams_and_errors_carry_the_cookie_too():
    app, _ = pages()
    async with TestClient(TestServer(app), cookie_jar=aiohttp.DummyCookieJar()) as client:
        for path in ("/stream", "/error", "/stored"):
            async with client.get(path, headers=BROWSER) as response:
                assert response.headers["Set-Cookie"].startswith("gateway_session="), path


async def test_aiohttp_sessions_encrypted_storage_can_read_the_cookie():
    keys = Keys.of([Fernet.generate_key().decode()])
    session, offer = LiveSessions(keys).identify([(b"Accept", b"text/html")], client="")
    assert offer is not None
    app = web.Application()
    aiohttp_session.setup(app, EncryptedCookieStorage(keys.cookie._fernets[0], cookie_name="gateway_session"))

    async def show(request: web.Request) -> web.Response:
        return web.Response(text=(await aiohttp_session.get_session(request))["id"])

    app.add_routes([web.get("/", show)])
    cookie = {"Cookie": offer.partition(b";")[0].decode()}
    async with TestClient(TestServer(app)) as client, client.get("/", headers=cookie) as response:
        assert await response.text() == session.id

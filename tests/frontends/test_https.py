"""HTTPS in real browsers: trusted after the documented step, with the console, event streams, WebSocket and cookies."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from browsing import ARGUMENTS, CHROMIUM
from playwright.async_api import async_playwright
from serving import serving
from web_pages import ChromiumPage, firefox_page

pytestmark = [pytest.mark.browser, pytest.mark.slow]

ROUTES = """\
version: 1
environments: [dev]
clusters:
  chat: {{path: /chat, environment: dev, upstreams: {{dev: "{url}"}}}}
"""
NAME = "What-If Gateway local authority"
CALLS = """(async () => {
  const set = await fetch("/chat/login");
  const cookie = await (await fetch("/chat/cookie")).text();
  const socket = new WebSocket("wss://" + location.host + "/chat/socket");
  const said = await new Promise((done, failed) => {
    socket.onopen = () => socket.send("hello");
    socket.onmessage = (event) => done(event.data);
    socket.onerror = () => failed("the socket failed");
  });
  const source = new EventSource("/chat/events");
  const event = await new Promise((done) => { source.onmessage = (one) => { source.close(); done(one.data); }; });
  return [set.status, cookie, said, event, window.isSecureContext];
})()"""


async def respond(request: web.Request) -> web.StreamResponse:
    if request.path == "/socket":
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            await socket.send_str(message.data.upper())
        return socket
    if request.path == "/events":
        stream = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await stream.prepare(request)
        await stream.write(b"data: now\n\n")
        await asyncio.sleep(1)
        return stream
    if request.path == "/login":
        cookie = "__Host-sid=1; Path=/; Secure; SameSite=None; HttpOnly"
        return web.Response(text="in", headers={"Set-Cookie": cookie, "Strict-Transport-Security": "max-age=9"})
    return web.Response(text=request.headers.get("Cookie", ""))


@contextlib.asynccontextmanager
async def secured(folder: Path) -> AsyncIterator[tuple[str, Path]]:
    """(the address of the TLS port, the authority's certificate)."""
    app = web.Application()
    app.router.add_get("/{path}", respond)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    routes = ROUTES.format(url=f"http://127.0.0.1:{runner.addresses[0][1]}")
    try:
        async with serving(folder, routes, tls_auto=True, tls_port=0) as gateway:
            state = gateway.services.tls()
            assert state is not None
            assert state.authority is not None
            yield state.url.replace("127.0.0.1", "localhost"), state.authority
    finally:
        await runner.cleanup()


async def trust(database: Path, authority: Path) -> None:
    """The documented step: certutil -A -t C,, -n NAME -i FILE."""
    certutil = shutil.which("certutil") or pytest.skip("certutil is not installed: apt-get install libnss3-tools")
    database.mkdir(parents=True, exist_ok=True)
    at = f"sql:{database}"
    for words in (["-N", "--empty-password"], ["-A", "-t", "C,,", "-n", NAME, "-i", str(authority)]):
        process = await asyncio.create_subprocess_exec(certutil, "-d", at, *words)
        assert await process.wait() == 0


async def check(page, url: str) -> None:
    await page.open(f"{url}/_gateway/")
    assert "Board" in await page.evaluate("document.body.textContent")
    status, cookie, said, event, secure = await page.evaluate(CALLS)
    assert (status, cookie, said, event, secure) == (200, "__Host-sid=1", "HELLO", "now", True)


@pytest.fixture(autouse=True)
def only_where_asked(dev_servers):
    """With the dev servers, in `make browsers`."""


async def test_chromium_trusts_the_authority(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    async with secured(tmp_path) as (url, authority):
        await trust(tmp_path / "home" / ".pki" / "nssdb", authority)
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
            try:
                await check(ChromiumPage(await browser.new_page()), url)
            finally:
                await browser.close()


async def test_chromium_does_not_trust_it_without_that_step(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    async with secured(tmp_path) as (url, _), async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        try:
            page = await browser.new_page()
            with pytest.raises(Exception, match="ERR_CERT_AUTHORITY_INVALID"):
                await page.goto(f"{url}/_gateway/")
        finally:
            await browser.close()


async def test_firefox_trusts_the_authority(tmp_path):
    async with secured(tmp_path) as (url, authority):
        await trust(tmp_path / "firefox", authority)
        async with firefox_page(tmp_path) as page:
            await check(page, url)

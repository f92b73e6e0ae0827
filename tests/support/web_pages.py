"""One page of a real browser, Chromium or Firefox, in the few words that the tests need.

Chromium is driven by playwright. Debian's Firefox is driven by WebDriver BiDi (W3C): playwright drives only builds of its
own, and BiDi is a WebSocket with JSON that every Firefox speaks.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import shutil
from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path
from typing import Any, Protocol

import aiohttp
import pytest
from browsing import chromium

START = 60.0  # seconds for a slow machine
STEP = 20.0  # seconds until a page shows what it is to show


READING: set[asyncio.Task[None]] = set()


class Page(Protocol):
    async def open(self, url: str) -> None: ...
    async def evaluate(self, script: str) -> Any:
        """The value of an expression, awaited when it is a promise."""


async def text_of(page: Page, selector: str) -> str:
    return str(await page.evaluate(f"document.querySelector({json.dumps(selector)})?.textContent ?? ''"))


async def shows(page: Page, text: str, selector: str = "#seen") -> None:
    """Wait until the page shows this text."""
    seen = ""
    try:
        async with asyncio.timeout(STEP):
            while (seen := await text_of(page, selector)) != text:
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(f"the page shows {seen!r}, not {text!r}") from None


async def click(page: Page, selector: str) -> None:
    await page.evaluate(f"document.querySelector({json.dumps(selector)}).click()")


class ChromiumPage:
    def __init__(self, page: Any) -> None:
        self.page = page

    async def open(self, url: str) -> None:
        await self.page.goto(url)

    async def evaluate(self, script: str) -> Any:
        return await self.page.evaluate(f"async () => {script}")


class FirefoxPage:
    """A tab, by its browsing context."""

    def __init__(self, bidi: BiDi, context: str) -> None:
        self.bidi, self.context = bidi, context

    async def open(self, url: str) -> None:
        await self.bidi.call("browsingContext.navigate", context=self.context, url=url, wait="complete")

    async def evaluate(self, script: str) -> Any:
        expression = f"(async () => JSON.stringify(await ({script})))()"
        done = await self.bidi.call(
            "script.evaluate", expression=expression, target={"context": self.context}, awaitPromise=True
        )
        if done["type"] != "success":
            raise AssertionError(done["exceptionDetails"]["text"])
        value = done["result"].get("value")
        return None if value is None else json.loads(value)


class BiDi:
    """A WebDriver BiDi session."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket, self._ids = socket, count(1)

    async def call(self, method: str, **params: Any) -> Any:
        """Send a command and wait for its result; events in between are not asked for."""
        id = next(self._ids)
        await self.socket.send_json({"id": id, "method": method, "params": params})
        async with asyncio.timeout(START):
            while (message := await self.socket.receive_json()).get("id") != id:
                pass
        if message["type"] != "success":
            raise AssertionError(f"{method}: {message.get('message')}")
        return message["result"]


@contextlib.asynccontextmanager
async def firefox_page(folder: Path, *, preferences: str = "") -> AsyncIterator[FirefoxPage]:
    program = shutil.which("firefox-esr") or shutil.which("firefox")
    if program is None:
        pytest.skip("no Firefox on this machine: apt-get install firefox-esr")
    profile = folder / "firefox"
    profile.mkdir(exist_ok=True)
    (profile / "user.js").write_text(preferences)
    process = await asyncio.create_subprocess_exec(
        program, "--headless", "--no-remote", "--profile", str(profile), "--remote-debugging-port", "0", "about:blank",
        stderr=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        async with aiohttp.ClientSession() as session, session.ws_connect(await _address(process)) as socket:
            bidi = BiDi(socket)
            await bidi.call("session.new", capabilities={"alwaysMatch": {"acceptInsecureCerts": False}})
            context = (await bidi.call("browsingContext.create", type="tab"))["context"]
            yield FirefoxPage(bidi, context)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def _address(process: asyncio.subprocess.Process) -> str:
    assert process.stderr is not None
    async with asyncio.timeout(START):
        while not (match := re.search(rb"ws://[0-9.:\[\]]+", line := await process.stderr.readline())):
            assert line, "Firefox ended"
    READING.add(asyncio.create_task(_drain(process.stderr)))  # it ends with the process
    return match[0].decode() + "/session"


async def _drain(stream: asyncio.StreamReader) -> None:
    while await stream.readline():
        pass


@contextlib.asynccontextmanager
async def chromium_page(folder: Path) -> AsyncIterator[ChromiumPage]:
    async with chromium() as browser:
        yield ChromiumPage(await browser.new_page())


BROWSERS = {"chromium": chromium_page, "firefox": firefox_page}

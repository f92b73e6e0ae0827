"""A real Chromium for browser tests, and pages that tell when anything recorded comes alive."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, BrowserContext, Page, async_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")  # as in .ci/chromium
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), "/usr/bin/chromium")
ARGUMENTS = (
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--no-first-run",
)  # fmt: skip

WATCH = """
window.violations = [];
document.addEventListener("securitypolicyviolation",
  (event) => window.violations.push(event.violatedDirective + " " + event.blockedURI + " " + event.sample));
"""
ALIVE = """() => [...document.querySelectorAll("*")].flatMap((element) => [...element.attributes]
  .filter((one) => /^on/i.test(one.name) || one.name === "style" || one.name === "srcdoc"
    || /^(href|src|action|formaction|data|xlink:href)$/i.test(one.name) && /^\\s*[a-z]+:/i.test(one.value))
  .map((one) => element.tagName + " " + one.name + "=" + one.value))"""


@contextlib.asynccontextmanager
async def chromium(*arguments: str) -> AsyncIterator[Browser]:
    """Skips, and says so, where there is no Chromium."""
    if not Path(CHROMIUM).exists():
        pytest.skip("no chromium on this machine: browser tests did NOT run")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=[*ARGUMENTS, *arguments])
        try:
            yield browser
        finally:
            await browser.close()


class Watched:
    """A page whose dialogs, errors, policy violations and foreign requests are kept."""

    def __init__(self, page: Page, origin: str) -> None:
        self.page, self.origin = page, origin
        self.faults: list[str] = []
        page.on("dialog", self._dialog)
        page.on("pageerror", lambda error: self.faults.append(f"error: {error}"))
        page.on("request", lambda request: self._request(request.url))
        page.on("console", lambda message: self._console(message.text))

    async def open(self, path: str) -> str:
        """Go there; the text that a reader sees."""
        await self.page.goto(self.origin + path, wait_until="load")
        return await self.page.inner_text("body")

    async def check(self) -> None:
        """Nothing ran, nothing was blocked, nothing could run."""
        self.faults += [f"violation: {one}" for one in await self.page.evaluate("window.violations || []")]
        self.faults += [f"alive: {one}" for one in await self.page.evaluate(ALIVE)]
        assert not self.faults, self.faults

    async def _dialog(self, dialog: Any) -> None:
        self.faults.append(f"dialog: {dialog.message}")
        await dialog.dismiss()

    def _request(self, url: str) -> None:
        if not url.startswith((self.origin + "/", "data:image/svg+xml")):
            self.faults.append(f"request: {url}")

    def _console(self, text: str) -> None:
        if "Content Security Policy" in text or "Refused to" in text:
            self.faults.append(f"console: {text}")


async def watched(context: BrowserContext, origin: str) -> Watched:
    await context.add_init_script(WATCH)
    return Watched(await context.new_page(), origin)


@contextlib.asynccontextmanager
async def browsed(origin: str, **look: Any) -> AsyncIterator[Watched]:
    """A page in a Chromium of its own; at the end it is checked."""
    async with chromium() as browser:
        watch = await watched(await browser.new_context(**look), origin)
        yield watch
        await watch.check()

"""Every page that links lead to, after a purchase with what-ifs in the real demo: axe finds nothing serious."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from pathlib import Path
from urllib.parse import urldefrag

import pytest
from browsing import chromium, watched
from playwright.async_api import ConsoleMessage, Page

FILES = re.compile(r"/export|-body|\.json|\.svg|/api/|/metrics|/logs?\b|/pin\?|/chunks|/document")
STEPS = {
    "sign-in": (),
    "find-the-book": ("unknown ISBN", "same book on dev"),
    "order-it": (),
    "pay": (),
}
NOWHERE = "/_gateway/nowhere"  # the gateway's own 404
ENOUGH = 80  # kinds of pages


@pytest.fixture
async def demo(tmp_path):
    """The URL of a running `gateway demo`."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GATEWAY_")}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gateway", "demo", "--no-open", "--port", "0", cwd=tmp_path, env=environment,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        while not (found := re.search(rb"http://127\.0\.0\.1:\d+", await process.stdout.readline())):
            pass
        yield found[0].decode()
    finally:
        process.send_signal(signal.SIGINT)
        await process.communicate()


async def purchase(page: Page, origin: str) -> None:
    for step, what_ifs in STEPS.items():
        await page.goto(f"{origin}/demos/bookshop/{step}")
        await page.locator("button[name=what_if][value='']").click()
        await page.wait_for_load_state()
        for name in what_ifs:
            await page.get_by_role("button", name=f"What if: {name}").click()
            await page.wait_for_load_state()


def errors(message: ConsoleMessage) -> list[str]:
    """What the browser complains of; a page that is not there may be missed."""
    url = message.location["url"]
    return [f"{url}: {message.text}"] if message.type == "error" and not url.endswith(NOWHERE) else []


async def compared(page: Page, origin: str) -> None:
    """A what-if and runs on two environments, so that the pages about them have something to show."""
    await page.goto(f"{origin}/_gateway/recordings")
    await page.locator("a.row-link").first.click()
    await page.goto(f"{page.url}/compare")
    for name in ("qa", "test"):
        await page.locator(f"#env-catalogue-{name}").check()
    await page.locator("#compare-yes").check()
    await page.get_by_role("button", name="Run the ticked ones").click()
    await page.locator("table.matrix").wait_for()


def kind(path: str) -> str:
    """Pages that differ only in whose they are."""
    return re.sub(r"[0-9A-Z]{26}|\d+", "#", path)


async def links(page: Page, origin: str) -> list[str]:
    found = await page.evaluate(
        "[...document.querySelectorAll('a[href]')].map((one) => new URL(one.getAttribute('href'), location).href)"
    )
    mine = (urldefrag(one)[0].removeprefix(origin) for one in found if one.startswith(origin + "/"))
    return [one for one in mine if not FILES.search(one)]


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_no_page_has_a_serious_fault(tools, demo, theme):
    axe = Path(tools.package("axe-core"), "axe.min.js").read_text()
    seen, faults = set(), []
    async with chromium() as browser:
        watch = await watched(await browser.new_context(color_scheme=theme), demo)
        watch.page.on("console", lambda one: faults.extend(errors(one)))
        await purchase(watch.page, demo)
        await compared(watch.page, demo)
        waiting = ["/", "/demos/bookshop/pay", "/_gateway/diff", "/_gateway/pin", NOWHERE]
        while waiting and len(seen) < ENOUGH:
            path = waiting.pop(0)
            if kind(path) in seen:
                continue
            seen.add(kind(path))
            await watch.page.goto(demo + path, wait_until="load")
            await watch.page.evaluate(axe)
            found = await watch.page.evaluate("axe.run()")
            faults += [
                f"{path}: {one['id']} ({one['impact']}): {one['nodes'][0]['html'][:160]} {one['nodes'][0].get('failureSummary', '')[:200]}"
                for one in found["violations"]
                if one["impact"] in ("serious", "critical")
            ]
            waiting += await links(watch.page, demo)
        await watch.check()
    assert len(seen) > 15, seen
    assert not faults, "\n".join(faults)

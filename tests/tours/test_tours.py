"""Newcomer tours through the real demo, and every page under axe: two themes, three widths, with and without scripts.

`make tours` installs axe and runs this; the suite has the shortest tours in tests/browser.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from pathlib import Path

import pytest
from browsing import chromium, watched
from playwright.async_api import expect

AXE = os.environ.get("GATEWAY_TOURS", "")
pytestmark = [pytest.mark.browser, pytest.mark.skipif(not AXE, reason="make tours installs axe and runs these")]
WIDTHS = (1440, 1280, 390)
THEMES = ("light", "dark")
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
FOUND = """async (tags) => (await axe.run(document, {runOnly: {type: "tag", values: tags}})).violations.map((one) =>
  `${one.id} (${one.impact}): ${one.nodes.slice(0, 3).map((node) => node.target.join(" ")).join(" | ")}`)"""
SHIFTS = """window.shifted = 0; new PerformanceObserver((list) => { for (const one of list.getEntries())
  if (!one.hadRecentInput) window.shifted += one.value; }).observe({type: "layout-shift", buffered: true});"""
FIRST_VISIT = 75 << 10  # bytes of style sheets, scripts and icons


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


async def press(page, origin, step, what_if=""):
    await page.goto(f"{origin}/demos/bookshop/{step}")
    await page.locator(f'form.demo-form button:visible[name="what_if"][value="{what_if}"]').last.click()
    await page.wait_for_load_state()


async def purchase(page, origin):
    """The bookshop, two what-ifs, a replay elsewhere; the address of the recording."""
    for step in ("sign-in", "find-the-book", "order-it", "pay"):
        await press(page, origin, step)
    for what_if in ("unknown-isbn", "same-book-on-dev"):
        await press(page, origin, "find-the-book", what_if)
    await page.goto(f"{origin}/_gateway/recordings")
    return await page.locator("a.row-link", has_text="Order a book").first.get_attribute("href")


def pages_of(recording):
    present = f"/_gateway/present/{recording.rpartition('/')[2]}"
    return [
        "/", "/demos/bookshop/order-it", "/_gateway/", "/_gateway/history", "/_gateway/connect", "/_gateway/live",
        "/_gateway/recordings", recording, *(f"{recording}?tab={tab}" for tab in ("steps", "why", "what-ifs", "values", "export")),
        f"{recording}?view=timing", f"{recording}?view=picture", f"{recording}/what-if/2", f"{recording}/compare",
        f"{recording}/redact", "/_gateway/diff", "/_gateway/sessions", "/_gateway/drift", "/_gateway/settings",
        "/_gateway/statistics", "/_gateway/access", "/_gateway/audit", "/_gateway/docs", "/_gateway/docs/routes",
        "/_gateway/find?q=book", present, f"{present}/2", f"{present}/5", f"{present}/7", f"{present}/speaker?slide=2",
        f"{present}/audience",
    ]  # fmt: skip


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("width", WIDTHS)
async def test_axe_finds_nothing_and_nothing_is_cut_or_moves(demo, theme, width):
    axe = Path(AXE).read_text("utf-8")
    faults = []
    async with chromium() as browser:
        context = await browser.new_context(color_scheme=theme, viewport={"width": width, "height": 900})
        await context.add_init_script(SHIFTS)
        watch = await watched(context, demo)
        watch.page.on(
            "console", lambda message: message.type == "error" and faults.append(f"{watch.page.url}: {message.text}")
        )
        for path in pages_of(await purchase(watch.page, demo)):
            await watch.page.goto(demo + path, wait_until="load")
            await watch.page.wait_for_function("document.readyState === 'complete'")
            await watch.page.evaluate("scrollTo(0, document.body.scrollHeight)")  # the drawer covers nothing there
            if "speaker" not in path:  # its frames have pages of their own, which are in the list
                await watch.page.evaluate(axe)
                faults += [f"{path}: {one}" for one in await watch.page.evaluate(FOUND, TAGS)]
            whole, seen, shifted = await watch.page.evaluate(
                "[document.documentElement.scrollWidth, document.documentElement.clientWidth, window.shifted]"
            )
            if whole != seen:
                faults.append(f"{path}: {whole} pixels wide")
            if shifted > 0.001:
                faults.append(f"{path}: moves by {shifted:.4f}")
        assert not faults, "\n".join(faults)
        await watch.check()


async def test_static_files_come_once_and_are_small(demo):
    async with chromium() as browser:
        page = await (await browser.new_context()).new_page()
        sizes = {}

        async def note(response):
            if "/static/" in response.url:
                sizes.setdefault(response.url, []).append((await response.request.sizes())["responseBodySize"])

        page.on("response", lambda response: asyncio.ensure_future(note(response)))
        await page.goto(demo, wait_until="load")
        await page.goto(f"{demo}/_gateway/", wait_until="load")
        await page.wait_for_timeout(500)
        first = dict(sizes)
        assert sum(size for one in first.values() for size in one[:1]) <= FIRST_VISIT
        await page.goto(f"{demo}/_gateway/recordings", wait_until="load")
        await page.goto(f"{demo}/_gateway/", wait_until="load")
        await page.wait_for_timeout(500)
        again = {
            url: size for url, size in sizes.items() if any(more > 0 for more in size[1:])
        }  # below 0: out of its cache
        assert again == {}


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
class TestTours:
    async def test_from_home_to_the_reason_of_a_404_in_four_clicks(self, demo, script):
        async with chromium() as browser:
            page = await (await browser.new_context(java_script_enabled=script)).new_page()
            await press(page, demo, "find-the-book")
            await page.get_by_role("button", name=re.compile("unknown ISBN")).click()
            await page.goto(demo)
            await page.get_by_role("link", name="Open its story").click()
            await expect(page.locator(".why").first).to_contain_text("ISBN 978-9 is unknown on catalogue")

    async def test_a_front_end_developer_finds_headers_pin_simulation_and_cors(self, demo, script):
        async with chromium() as browser:
            page = await (await browser.new_context(java_script_enabled=script)).new_page()
            await page.goto(demo)
            await page.get_by_role("link", name=re.compile("lines to copy")).click()
            main = page.locator("main")
            await expect(main).to_contain_text("Gateway-Session")
            await expect(main).to_contain_text("Gateway-Env")
            for tab in ("Pin", "Simulate", "CORS"):
                await page.get_by_role("link", name=tab, exact=True).first.click()
                await expect(main).to_contain_text(
                    {"Pin": "until", "Simulate": "503", "CORS": "origin"}[tab], ignore_case=True
                )

    async def test_a_presenter_sends_a_what_if_with_two_clicks(self, demo, script):
        async with chromium() as browser:
            page = await (await browser.new_context(java_script_enabled=script)).new_page()
            recording = await purchase(page, demo)
            await page.goto(f"{demo}/_gateway/present/{recording.rpartition('/')[2]}/2")
            await page.locator(".chips").get_by_label("Allow writes").check()
            await page.locator(".chips button", has_text="unknown ISBN").first.click()
            await expect(page.locator("#slide")).to_contain_text("as it was really sent")
            await expect(page.locator("#slide")).to_contain_text("404 Not Found")
            await expect(page.locator(".mode")).to_contain_text("LIVE")

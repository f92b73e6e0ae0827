"""Makes the pictures of docs/pictures from the real demo: starts `gateway demo`, clicks through it, and photographs it.

.venv/bin/python docs/screenshots.py
"""

from __future__ import annotations

import asyncio
import re
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import Page, async_playwright

PICTURES = Path(__file__).parent / "pictures"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), "")
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync", "--no-first-run"]
SIZE = {"width": 1280, "height": 800}


@asynccontextmanager
async def demo() -> AsyncIterator[str]:
    """The URL of a demo with a recordings file of its own; Ctrl-C ends it."""
    with tempfile.TemporaryDirectory() as folder:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "gateway", "demo", "--no-open", "--port", "0", "--recordings", f"{folder}/gateway.db",
            stdout=asyncio.subprocess.PIPE, cwd=folder,
        )  # fmt: skip
        assert process.stdout is not None
        banner = ""
        while "Ctrl-C" not in banner:
            banner += (await process.stdout.readline()).decode()
        found = re.search(r"http://127\.0\.0\.1:\d+", banner)
        try:
            yield found[0] if found else ""
        finally:
            process.send_signal(signal.SIGINT)
            await process.wait()


async def press(page: Page, url: str, step: str, button: str = "") -> None:
    """Open a step of the bookshop and press Send, or a what-if."""
    await page.goto(f"{url}/demos/bookshop/{step}")
    await page.locator(f'form.demo-form button:visible[name="what_if"][value="{button}"]').last.click()
    await page.wait_for_load_state()


async def photograph(page: Page, name: str, *, part: str = "") -> None:
    await page.wait_for_timeout(300)  # the live parts have come in
    target = page.locator(part) if part else page
    await target.screenshot(path=PICTURES / f"{name}.png")
    print(PICTURES / f"{name}.png")


async def compare(page: Page, recording: str) -> None:
    """The chain on two environments, side by side."""
    await page.goto(f"{recording}/compare")
    for name in ("qa", "test"):
        await page.locator(f"#env-catalogue-{name}").check()
    await page.locator("#compare-yes").check()
    await page.get_by_role("button", name="Run the ticked ones").click()
    await page.locator("table.matrix").wait_for()
    await page.set_viewport_size({**SIZE, "height": 1150})
    await photograph(page, "compare")
    await page.set_viewport_size(SIZE)


async def walk(page: Page, url: str) -> None:
    """The first ten minutes, with a camera."""
    for step in ("sign-in", "find-the-book", "order-it", "pay"):
        await press(page, url, step)
    await page.goto(url)
    await photograph(page, "home")
    await page.goto(f"{url}/demos/bookshop/order-it")
    await photograph(page, "step")
    await press(page, url, "find-the-book", "unknown-isbn")
    await press(page, url, "find-the-book", "same-book-on-dev")
    await page.set_viewport_size({**SIZE, "height": 1150})  # with what differs, below the answer
    await photograph(page, "what-if")
    await page.set_viewport_size(SIZE)
    await page.goto(f"{url}/_gateway/")
    await page.locator("#move-catalogue-test > summary").click()
    await page.wait_for_timeout(600)  # the button takes no click at first
    await page.locator("#move-catalogue-test").get_by_role("button", name="Move to test").click()
    await page.locator("#undo").wait_for()
    await photograph(page, "board")
    await page.locator("#undo").click()
    await page.goto(f"{url}/catalog/books/1")
    await photograph(page, "not-found")
    await page.goto(f"{url}/_gateway/recordings")
    recording = await page.locator("a.row-link", has_text="Order a book").first.get_attribute("href") or ""
    await page.goto(url + recording)
    await photograph(page, "recording")
    await page.goto(f"{url + recording}?tab=steps")
    await photograph(page, "steps")
    await compare(page, url + recording)
    await page.goto(f"{url}/_gateway/present/{recording.rpartition('/')[2]}/3")
    await photograph(page, "presenter")
    export = f"{url}/_gateway/api/v1/recordings/{recording.rpartition('/')[2]}/export?as=html"
    answer = await page.request.get(export)
    with tempfile.NamedTemporaryFile(suffix=".html") as file:
        file.write(await answer.body())
        file.flush()
        await page.goto(f"file://{file.name}")
        await page.evaluate("document.querySelector('.rows').closest('section').scrollIntoView()")
        await photograph(page, "document")


async def main() -> None:
    PICTURES.mkdir(exist_ok=True)
    async with demo() as url, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM or None, args=QUIET)
        page = await browser.new_page(viewport=SIZE, color_scheme="light")
        await walk(page, url)
        await browser.close()


if __name__ == "__main__":
    asyncio.run(main())

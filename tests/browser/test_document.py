"""The HTML document in a real browser: it loads nothing, presents itself by keys, and runs nothing that was recorded."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from gateway.formats import html
from gateway.model.exchange import Exchange
from gateway.model.message import Body, Request, Response
from gateway.model.recording import Recording

NASTY = "<script>window.ran = 1</script><img src=x onerror='window.ran = 1'>"


def an_exchange(step: int, status: int) -> Exchange:
    response = Response(headers=(("Content-Type", "text/plain"),), body=Body(len(NASTY), NASTY.encode()), status=status)
    return Exchange(
        id=f"x{step}", recording="r", step=step, session="s", started_at=f"2026-11-22T06:00:{step:02}.000000Z",
        url=f"http://127.0.0.1:8080/api/orders/{step}", request=Request(target=f"/api/orders/{step}"),
        response=response, status=status, cluster="orders", environment="qa", notes=(NASTY,),
    )  # fmt: skip


@pytest.mark.browser
@pytest.mark.skipif(not shutil.which("chromium"), reason="Chromium is not installed")
def test_the_document_presents_itself(tmp_path: Path) -> None:
    from playwright.sync_api import sync_playwright

    file = tmp_path / "how-to.html"
    recording = Recording(id="r", title=NASTY, session="s", notes=(NASTY,))
    file.write_text(html.dump([(recording, [an_exchange(1, 200), an_exchange(2, 404)])], version="1"), "utf-8")
    said: list[str] = []
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: said.append(request.url) if not request.url.startswith("file:") else None)
        page.goto(file.as_uri())
        page.keyboard.press("p")
        seen = [page.inner_text("header output")]
        for key in ("ArrowRight", "j", "k", "End", "Home"):
            page.keyboard.press(key)
            seen.append(page.inner_text("header output"))
        shown = page.locator("[data-slide].now").count()
        page.keyboard.press("t")
        theme = page.evaluate("document.documentElement.dataset.bsTheme")
        page.keyboard.press("Escape")
        presenting = page.evaluate("document.body.classList.contains('presenting')")
        ran = page.evaluate("window.ran")
        browser.close()
    assert seen == ["1 / 6", "2 / 6", "3 / 6", "2 / 6", "6 / 6", "1 / 6"]
    assert (shown, theme, presenting, ran, said) == (1, "dark", False, None, [])

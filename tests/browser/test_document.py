"""The HTML document in a real browser: it loads nothing, presents itself by keys, and runs nothing that was recorded."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gateway.export.documents import html
from gateway.model.exchange import Exchange
from gateway.model.message import Body, Request, Response
from gateway.model.recording import Recording

if TYPE_CHECKING:
    from playwright.sync_api import Page

NASTY = "<script>window.ran = 1</script><img src=x onerror='window.ran = 1'>"


def an_exchange(step: int, status: int) -> Exchange:
    response = Response(headers=(("Content-Type", "text/plain"),), body=Body(len(NASTY), NASTY.encode()), status=status)
    return Exchange(
        id=f"x{step}", recording="r", step=step, session="s", started_at=f"2026-11-22T06:00:{step:02}.000000Z",
        url=f"http://127.0.0.1:8080/api/orders/{step}", request=Request(target=f"/api/orders/{step}"),
        response=response, status=status, cluster="orders", environment="qa", notes=(NASTY,),
    )  # fmt: skip


def an_order() -> list[Exchange]:
    """Sixty calls, of which one gives an id that two need."""
    answer = b'{"order_id": "ord-8842-9917"}'
    steps = [replace(an_exchange(step, 200), notes=()) for step in range(1, 60)]
    made = Response(headers=(("Content-Type", "application/json"),), body=Body(len(answer), answer), status=201)
    steps[0] = replace(steps[0], response=made, status=201)
    for at in (3, 40):
        steps[at] = replace(steps[at], request=Request(target="/api/orders/orders/ord-8842-9917"))
    return [
        replace(one, request=replace(one.request, target=f"{one.request.target}{'/x' * (one.step % 7)}"))
        for one in steps
    ]


def following(page: Page) -> tuple[list[str | None], int, list[str | None]]:
    """The value whose button is pressed, how many arrows are seen, the steps that stand out."""
    pressed = [one.get_attribute("value") for one in page.locator(".values [aria-pressed=true]").all()]
    arrows = [one for one in page.locator(".flows .flow").all() if one.is_visible()]
    return pressed, len(arrows), [one.get_attribute("data-step") for one in page.locator(".step.carries").all()]


@pytest.mark.browser
@pytest.mark.skipif(not shutil.which("chromium"), reason="Chromium is not installed")
def test_the_diagram_keeps_its_heads_and_follows_a_value(tmp_path: Path) -> None:
    from playwright.sync_api import sync_playwright

    file = tmp_path / "how-to.html"
    file.write_text(html.dump([(Recording(id="r", title="Order", session="s"), an_order())], version="1"), "utf-8")
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_context(offline=True, viewport={"width": 1200, "height": 700}).new_page()
        page.goto(file.as_uri())
        before = following(page)
        page.evaluate("document.querySelector('.picture').scrollTop = 800")
        page.keyboard.press("v")
        chosen = following(page)
        shown = page.locator(".step.carries").first.bounding_box()
        box = page.locator(".picture").bounding_box()
        page.locator(".values button").first.click()
        after = following(page)
        gap = page.evaluate(
            """() => { const box = document.querySelector('.picture'); box.scrollTop = 500;
            return box.querySelector('.heads').getBoundingClientRect().top - box.getBoundingClientRect().top; }"""
        )
        page.evaluate("scrollTo(0, 0)")  # presenting begins at the part that is in view
        page.keyboard.press("p")
        page.keyboard.press("j")
        sizes = page.evaluate("() => [...document.querySelectorAll('.picture svg')].map(one => one.clientWidth)")
        page.keyboard.press("Escape")
        page.emulate_media(media="print")
        printed = page.evaluate("() => getComputedStyle(document.querySelector('.picture')).maxHeight")
        browser.close()
    assert before == ([], 0, [])
    assert chosen == (["order_id"], 2, ["1", "4", "41"])
    assert shown and box and box["y"] < shown["y"] < box["y"] + 200, "the step that gives it is in view"
    assert after == ([], 0, [])
    assert round(gap) in (0, 1), "below the border"
    assert sizes[0] == sizes[1] > 600
    assert printed == "none"


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

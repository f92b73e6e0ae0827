"""Presenting: a page for every slide, with and without a script; the audience follows and sees nothing else.

Covers: console/presentations, console/presenter_slides, console/slides, web/keys.
"""

import asyncio
import json
import re
import time
from dataclasses import replace

import consoling
import pytest

from gateway.console import presenter_slides
from gateway.console.presentations import SHOWS, Shows
from gateway.console.slides import deck, picture
from gateway.errors import NotFoundError
from gateway.model.recording import Recording

ROOT = f"/_gateway/present/{consoling.RECORDING}"
SECRET_NOTE = "say hello to the front row"
POLYGLOT = """'"><script>alert(1)</script><img src=x onerror=alert(1)>{{7*7}}</pre><a href="javascript:alert(1)">"""
SEALED = "sealed_ekahqx7w77kg47hwuzdo_16"


async def text_of(client, path, **options):
    answer = await client.get(path, **options)
    assert answer.status == 200, path
    return await answer.text()


async def send(client, path, page=None, **fields):
    token = re.search(r'name="csrf_token" value="(\w+)"', await text_of(client, page or f"{ROOT}/1"))[1]
    return await client.post(path, data={"csrf_token": token, **fields}, allow_redirects=False)


async def test_every_step_is_a_slide_between_the_title_and_the_errors(client):
    title = await text_of(client, ROOT)
    assert "<h1>Order a book</h1>" in title
    assert f'rel="next" href="{ROOT}/1"' in title
    assert 'rel="prev"' not in title
    step = await text_of(client, f"{ROOT}/2")
    assert "404 Not Found" in step
    assert re.search(r'orders <b class="env [^"]*">qa</b>', step)
    assert re.search(r'class="story-row failing now"><a class="lane" href="[^"]*/2" data-step="2">', step)
    assert f'rel="prev" href="{ROOT}/1"' in step
    last = await text_of(client, f"{ROOT}/4")
    assert "Errors, and how to avoid them" in last
    assert 'rel="next"' not in last
    assert "502 connection refused" in await text_of(client, f"{ROOT}/3")


async def test_what_is_beyond_the_end_is_the_end_and_nonsense_is_refused(client):
    assert "Errors, and how" in await text_of(client, f"{ROOT}/99")
    assert (await client.get(f"{ROOT}/abc")).status == 400
    assert (await client.get("/_gateway/present/01KNOBODY")).status == 404


async def test_it_is_offline_until_somebody_says_otherwise(client):
    page = await text_of(client, f"{ROOT}/1")
    assert 'class="mode offline"' in page
    assert "LIVE" not in page
    assert 'data-live="no"' in page


async def test_pages_carry_no_inline_script_and_no_style(client):
    for path in (ROOT, f"{ROOT}/1", f"{ROOT}/speaker", f"{ROOT}/audience"):
        page = await text_of(client, path)
        assert not re.search(r"<script(?![^>]*src=)", page)
        assert not re.search(r"\son\w+=|\sstyle=", page)


async def test_notes_are_for_the_speaker_s_window_alone(client, book, app):
    book.kept[consoling.RECORDING] = replace(book.kept[consoling.RECORDING], notes=(SECRET_NOTE,))
    book.steps[consoling.RECORDING][0] = replace(book.steps[consoling.RECORDING][0], notes=("point at the id",))
    assert SECRET_NOTE in await text_of(client, f"{ROOT}/speaker")
    speaker = await text_of(client, f"{ROOT}/speaker?slide=1")
    assert "point at the id" in speaker
    assert "404 Not Found" in speaker, "what comes next"
    show = app[SHOWS].of("browser", consoling.RECORDING)
    show.open_to_audience(60.0, time.time())
    show.move(4)
    for slide in range(5):
        for page in (
            await text_of(client, f"{ROOT}/{slide}"),
            await text_of(client, f"/_gateway/watch/{show.code}/{slide}"),
        ):
            assert SECRET_NOTE not in page
            assert "point at the id" not in page


async def test_the_speaker_s_window_shows_this_slide_and_the_next_and_nothing_there_can_be_pressed(client):
    window = await text_of(client, f"{ROOT}/speaker?slide=1")
    assert re.findall(r'<iframe title="[^"]*" src="([^"]+)"', window) == [f"{ROOT}/1?bare=1", f"{ROOT}/2?bare=1"]
    inner = await client.get(f"{ROOT}/1?bare=1")
    text = await inner.text()
    assert "frame-ancestors 'self'" in inner.headers["Content-Security-Policy"]
    assert "201 Created" in text
    for word in ("<form", "<button", "csrf_token", "<nav"):
        assert word not in text
    whole = await client.get(f"{ROOT}/1")
    assert "frame-ancestors 'none'" in whole.headers["Content-Security-Policy"]


async def test_a_slide_says_why_its_step_failed_as_the_pages_do(client):
    slide = await text_of(client, f"{ROOT}/2")
    story = await text_of(client, f"/_gateway/recordings/{consoling.RECORDING}")
    cause = re.search(r'<div class="why warn"><p>(?:<b>2 × 404.</b> )?<b>([^<]+)', slide)[1].strip()
    assert cause.rstrip(" ") in story


async def test_hostile_content_stays_text(client, book):
    hostile = consoling.an_exchange(9, target=f"/api/orders/{POLYGLOT}", answer=json.dumps({"a": POLYGLOT}).encode(),
                                    sent=json.dumps({"b": POLYGLOT}).encode(), reason=POLYGLOT)  # fmt: skip
    book.add(Recording("01KHOSTILE0000000000000001", POLYGLOT, "eve", notes=(POLYGLOT,)), hostile, hostile)
    root = "/_gateway/present/01KHOSTILE0000000000000001"
    for path in (root, f"{root}/1", f"{root}/2", f"{root}/3", f"{root}/speaker", f"{root}/audience"):
        page = await text_of(client, path)
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert 'href="javascript:' not in page
        assert ">49<" not in page


async def test_secrets_are_masked_on_every_slide_and_shown_only_after_the_audit_knows(client, book, services, app):
    sealed = consoling.an_exchange(8, method="GET", target="/api/orders/1", status=200, reason="OK",
                                   headers=(("Authorization", f"Bearer {SEALED}"),),
                                   answer=json.dumps({"token": SEALED}).encode())  # fmt: skip
    book.add(Recording("01KSEALED00000000000000001", "Sealed", "ada"), sealed)
    object.__setattr__(services, "secrets", lambda recording: {SEALED: "swordfish"})
    root = "/_gateway/present/01KSEALED00000000000000001"
    page = await text_of(client, f"{root}/1")
    assert SEALED not in page
    assert "swordfish" not in page
    answer = await send(client, f"{root}/reveal", f"{root}/1", slide="1", why="")
    assert answer.status == 400
    assert book.audited == []
    answer = await send(client, f"{root}/reveal", f"{root}/1", slide="1", why="the token of ticket 512")
    shown = await answer.text()
    assert answer.status == 200
    assert "swordfish" in shown
    assert [(one.action, one.source) for one in book.audited] == [("reveal", "presenter")]
    assert "swordfish" not in await text_of(client, f"{root}/1"), "until the next slide"


async def test_what_explains_an_error_masks_secrets_too(client, book):
    made = [
        consoling.an_exchange(number, method="GET", target=f"/api/orders/1?token={token}", status=status, reason="x")
        for number, token, status in ((1, SEALED, 200), (2, SEALED.replace("a", "b"), 403))
    ]
    book.add(Recording("01KCARDS000000000000000001", "Cards", "ada"), *made)
    for slide in range(4):
        page = await text_of(client, f"/_gateway/present/01KCARDS000000000000000001/{slide}")
        assert "sealed_" not in page, slide
    assert "step 2" in page


async def test_the_audience_sees_where_the_presenter_is_and_what_was_shown(client, app):
    answer = await send(client, f"{ROOT}/audience", f"{ROOT}/audience", ttl="30m")
    assert answer.status == 303
    page = await text_of(client, f"{ROOT}/audience")
    link = re.search(r'id="link" readonly value="http://[^/]+(/_gateway/watch/[\w-]{32})"', page)[1]
    assert "<h1>Order a book</h1>" in await text_of(client, link)
    assert "<h1>Order a book</h1>" in await text_of(client, f"{link}/3"), "nobody looks ahead"
    assert (await send(client, f"{ROOT}/at", slide="2")).status == 303
    seen = await text_of(client, link)
    assert "404 Not Found" in seen
    assert "201 Created" in await text_of(client, f"{link}/1"), "the way back"
    for word in ("/_gateway/recordings", "/_gateway/exchanges", "csrf_token", 'href="/_gateway/"', "<form"):
        assert word not in seen
    assert (await send(client, f"{ROOT}/audience/end", f"{ROOT}/audience")).status == 303
    assert (await client.get(link)).status == 404


async def test_beside_a_step_stands_what_was_tried_of_it_in_the_same_recording(client):
    page = await text_of(client, f"{ROOT}/1?w=1")
    beside = page.partition('id="what-if"')[2].partition("</section>")[0]
    assert "step 2</b>" in beside
    assert "404 Not Found" in beside
    assert "no such order" in beside
    assert "502 connection refused" in beside
    assert "What if (2)" in page
    assert "No what-if here yet." in await text_of(client, f"{ROOT}/2?w=1")


async def test_the_audience_sees_the_what_if_when_the_presenter_shows_it(client, app):
    await send(client, f"{ROOT}/audience", ttl="2h")
    link = f"/_gateway/watch/{next(iter(app[SHOWS]._known.values())).code}"
    answer = await send(client, f"{ROOT}/at", slide="1", what_if="yes")
    assert answer.headers["Location"].endswith("/1?w=1")
    page = await text_of(client, link)
    assert 'aria-label="What if" hidden' not in page
    assert "step 2</b>" in page
    await send(client, f"{ROOT}/at", slide="2", black="no")
    assert "step 2</b>" not in await text_of(client, f"{link}/1")


async def test_a_link_ends_by_itself_and_a_new_one_ends_the_old_one(client, app):
    show = app[SHOWS].of("browser", consoling.RECORDING)
    show.open_to_audience(60.0, time.time() - 61.0)
    assert (await client.get(f"/_gateway/watch/{show.code}")).status == 404
    show.open_to_audience(60.0, time.time())
    old = show.code
    show.open_to_audience(60.0, time.time())
    assert (await client.get(f"/_gateway/watch/{old}")).status == 404
    assert (await client.get(f"/_gateway/watch/{show.code}")).status == 200
    assert (await client.get("/_gateway/watch/")).status == 404
    assert (await client.get("/_gateway/watch/nonsense")).status == 404


async def test_the_audience_is_told_at_once_and_at_the_end(client, app):
    show = app[SHOWS].of("browser", consoling.RECORDING)
    show.open_to_audience(60.0, time.time())
    async with asyncio.timeout(10), client.get(f"/_gateway/watch/{show.code}/events") as stream:
        assert json.loads(await line_of(stream))["slide"] == 0
        show.move(2, black=True)
        told = json.loads(await line_of(stream))
        assert (told["slide"], told["furthest"], told["black"], told["live"]) == (2, 2, True, False)
        assert show.watchers == 1
        show.close_to_audience()
        assert b"event: over" in await stream.content.read()
    assert show.watchers == 0


async def line_of(stream):
    await stream.content.readuntil(b"event: at\ndata: ")
    return await stream.content.readline()


async def test_two_presenters_of_one_recording_do_not_disturb_each_other(client, app):
    for name in ("ada", "bob"):
        app[SHOWS].of(name, consoling.RECORDING).open_to_audience(60.0, time.time())
    ada, bob = (app[SHOWS].of(name, consoling.RECORDING) for name in ("ada", "bob"))
    ada.move(3)
    assert (bob.at, bob.furthest) == (0, 0)
    assert ada.code != bob.code


def test_shows_with_an_audience_outlive_the_others():
    shows = Shows()
    shows.of("ada", "first").open_to_audience(1e6, time.time())
    code = shows.of("ada", "first").code
    for number in range(300):
        shows.of("ada", str(number))
    assert shows.by_code(code).recording == "first"
    assert shows.find("ada", "0") is None
    with pytest.raises(NotFoundError, match="is over"):
        shows.by_code("")


async def test_a_deck_is_made_once_however_many_ask(services, monkeypatch):
    made = []
    real = presenter_slides.deck
    monkeypatch.setattr(presenter_slides, "deck", lambda *given: made.append(1) or real(*given))
    decks = presenter_slides.Decks()
    found = await asyncio.gather(*(decks.of(services, consoling.RECORDING) for _ in range(20)))
    assert len(made) == 1
    assert all(one is found[0] for one in found)
    with pytest.raises(NotFoundError):
        await decks.of(services, "01KNOBODY")


async def test_steps_lead_to_their_slides(client):
    for step, slide in (("2", "2"), ("99", "0")):
        answer = await client.get(f"{ROOT}/go?step={step}", allow_redirects=False)
        assert (answer.status, answer.headers["Location"]) == (303, f"{ROOT}/{slide}")


async def test_the_twin_lists_the_slides(client):
    twin = await (await client.get(f"{ROOT}.json")).json()
    assert [one["step"] for one in twin["slides"]] == [0, 1, 2, 3, 0]
    assert twin["slides"][2]["status"] == "404 Not Found"


def test_a_long_recording_shows_the_neighbours_of_a_step_and_links_to_their_slides(book):
    steps = [
        replace(consoling.an_exchange(number, target=f"/api/orders/{chr(96 + number % 26)}{number}"), recording="r",
                step=number, cluster=f"c{number % 9}", status=200)
        for number in range(1, 60)
    ]  # fmt: skip
    found = deck(Recording("r", "Long", "ada", steps=59), steps)
    drawn = picture(found, found.slide(30), "/p")
    assert re.findall(r'data-step="(\d+)"', drawn) == ["29", "30", "31"]
    assert drawn.count(' now"') == 1
    assert 'href="/p/31"' in drawn


def test_an_empty_recording_has_a_title_and_an_end():
    found = deck(Recording("r", "Nothing", "ada"), [])
    assert [one.heading for one in found.slides] == ["Nothing", "The whole story"]
    assert "No calls yet." in picture(found, found.slide(1), "/p")

"""The recording page: tabs, the sentence, acts of reasons, no more than forty controls, old links.

Covers: console/reason_card.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html import unescape

import consoling
import pytest
from consoling import RECORDING, an_exchange

from gateway.console.reason_card import place_parts
from gateway.console.recording_pages import TABS
from gateway.model.recording import Recording

HERE = f"/_gateway/recordings/{RECORDING}"


@pytest.fixture
def book():
    """Found on qa; unknown; the same on dev; a write that is refused because of one member."""
    book = consoling.Book()
    good = {"method": "GET", "status": 200, "reason": "OK", "sent": b"", "answer": b'{"id":7}', "prefix": "/api/orders"}
    bad = good | {"status": 404, "reason": "Not Found", "answer": b'{"detail":"no order 9"}'}
    write = {"target": "/api/orders/orders", "prefix": "/api/orders", "status": 201, "reason": "Created"}
    book.add(
        Recording(RECORDING, "Order a book", "ada", clusters=("orders@qa", "orders@dev")),
        an_exchange(1, target="/api/orders/orders/7", **good),
        replace(an_exchange(2, target="/api/orders/orders/9", **bad), notes=("what if: unknown; 404, as expected",)),
        replace(an_exchange(3, target="/api/orders/orders/7", **bad), environment="dev"),
        an_exchange(4, **write, sent=b'{"qty":1}'),
        an_exchange(5, **write | {"status": 422, "reason": ""}, sent=b'{"qty":0}'),
    )
    return book


@pytest.fixture
async def client(book, tmp_path, aiohttp_client):
    return await aiohttp_client(consoling.an_app(consoling.some_services(tmp_path, book)))


async def text_of(client, path):
    answer = await client.get(path, headers={"Accept": "text/html"})
    assert answer.status == 200, path
    return unescape(await answer.text())


def plain(text):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", text))


async def test_the_story_says_what_happened_and_why_before_anything_else(client):
    text = plain(await text_of(client, HERE))
    assert "5 calls to 1 API. 3 failed, for 3 reasons: an unknown order, only on orders dev, qty 0." in text, text[
        text.find("5 calls") :
    ][:200]
    assert text.index("3 failed") < text.index("Order 9 is unknown on orders qa;")
    assert "2 What if: unknown GET /orders/9" in text


@pytest.mark.parametrize("tab", TABS)
async def test_every_tab_is_a_link_and_says_which_it_is(client, tab):
    text = await text_of(client, f"{HERE}?tab={tab}")
    assert re.search(rf'aria-current="page">{re.escape(TABS[tab]).replace("&", "&(amp;)?")}', text)
    assert text.count("<h1") == 1


@pytest.mark.parametrize(
    ("query", "tab"),
    [
        ("?q=orders", "Steps"),
        ("?values=all", "Values"),
        ("?cursor=1", "Steps"),
        ("?steps=1-2", "Story"),
        ("?tab=x", "Story"),
    ],
)
async def test_older_links_lead_to_what_they_showed(client, query, tab):
    assert f'aria-current="page">{tab}' in await text_of(client, HERE + query)


async def test_a_safe_attempt_is_one_click_and_a_write_is_a_draft(client):
    text = await text_of(client, HERE)
    ready = [json.loads(one) for one in re.findall(r'name="ready" value="([^>]*)">', text)]
    assert ready == [[2, {"set": ["path:4=7"]}], [3, {"env": ["orders=qa"]}]]
    assert f"{HERE}/what-if/5?preview=yes&more=json%3A%2Fqty%3D1" in text


async def test_the_json_twin_is_as_it_was(client):
    answer = await client.get(f"{HERE}.json")
    assert sorted(await answer.json()) == ["items", "next", "q", "recording"]


@pytest.mark.parametrize("tab", ["story", "steps", "why", "what-ifs", "values"])
async def test_seventy_steps_have_at_most_forty_controls_in_sight(client, book, tab):
    calls = [
        ("GET", "/api/orders/orders/7", 200),
        ("POST", "/api/orders/orders", 201),
        ("GET", "/api/orders/receipts/7", 200),
    ]
    steps = [
        an_exchange(n, method=method, target=target, status=404 if n in (7, 28, 70) else status)
        for n, (method, target, status) in zip(range(1, 71), calls * 30, strict=False)
    ]
    book.add(replace(book.kept[RECORDING], id="01KLONG"), *steps)
    text = await text_of(client, f"/_gateway/recordings/01KLONG?tab={tab}")
    main = re.search(r'<div id="tab".*?</main>', text, re.DOTALL)[0]
    shown = re.sub(r"<details(?![^>]*\bopen\b).*?</details>", "<summary></summary>", main, flags=re.DOTALL)
    if tab != "steps":  # a list of links, one a step: moving through it is one stop
        assert len(re.findall(r"<(?:a|button|select|textarea|summary|input(?! type=.hidden))\b", shown)) <= 40


async def test_responses_that_lead_past_the_gateway_are_named_with_their_steps(client, book):
    assert "past the gateway" not in await text_of(client, HERE)
    leading = replace(
        an_exchange(1, answer=b'{"next": "http://127.0.0.1:9000/orders?page=2"}', status=200),
        upstream_url="http://127.0.0.1:9000",
        id="01KLEADING",
    )
    book.add(replace(book.kept[RECORDING], id="01KPAST"), leading)
    text = await text_of(client, "/_gateway/recordings/01KPAST")
    assert "A response leads past the gateway (step 1" in plain(text)
    pane = await text_of(client, f"/_gateway/recordings/01KPAST?tab=steps&sel={leading.id}&part=pane")
    assert "leads its client past the gateway" in pane


def rounds(book):
    calls = [("GET", "/api/orders/orders/7"), ("POST", "/api/orders/orders"), ("GET", "/api/orders/receipts/7")]
    steps = [
        an_exchange(n, method=method, target=target, status=404 if n == 28 else 200)
        for n, (method, target) in zip(range(1, 71), calls * 30, strict=False)
    ]
    book.add(replace(book.kept[RECORDING], id="01KROUNDS"), *steps)
    return [one.id for one in steps]


async def test_the_steps_show_the_first_failure_beside_the_list_and_fold_rounds(client, book):
    ids = rounds(book)
    text = await text_of(client, "/_gateway/recordings/01KROUNDS?tab=steps")
    assert re.search(r'class="lrow target sel" href="[^"]*tab=steps&(?:amp;)?sel=' + ids[27], text)
    assert "Step 28 of" in plain(text)
    assert 'aria-label="Why it failed"' in text
    assert len(re.findall('<details class="rounds">', text)) >= 2
    unfolded = await text_of(client, "/_gateway/recordings/01KROUNDS?tab=steps&fold=no")
    assert '<details class="rounds"' not in unfolded
    assert [one in unfolded for one in ids] == [True] * 70


async def test_a_step_is_selected_by_its_address_and_its_round_opens(client, book):
    ids = rounds(book)
    text = await text_of(client, f"/_gateway/recordings/01KROUNDS?tab=steps&sel={ids[40]}&pane=request")
    assert re.search(r'data-pane="request" aria-current="true"', text)
    assert "Step 41 of" in plain(text)
    assert len(re.findall('<details class="rounds" open>', text)) == 1
    pane = await text_of(client, f"/_gateway/recordings/01KROUNDS?tab=steps&sel={ids[40]}&part=pane")
    assert pane.strip().startswith('<section class="pane"')


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("Only on a@qa; 200 on @dev.", [("Only on a", "qa"), ("; 200 on ", ""), ("", "dev"), (".", "")]),
        ("mail b@other stays", [("mail b@other stays", "")]),
        ("", []),
    ],
)
def test_places_in_a_sentence(text, parts):
    found = place_parts(frozenset(("a@qa", "@dev", "@qa")), text)
    joined = [(word, environment) for word, environment in found]
    assert "".join(f"{word}{'@' if environment else ''}{environment}" for word, environment in joined) == text
    assert [environment for _, environment in joined if environment] == [one for _, one in parts if one]

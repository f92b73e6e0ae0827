"""Two recordings beside each other: the step that differs first, in two columns, with words for what changed."""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape

import consoling
import pytest
from consoling import RECORDING, an_exchange

from gateway.model.recording import Recording

OTHER = "01KRECORDING00000000000002"
PAGE = f"/_gateway/diff?a={RECORDING}&b={OTHER}"


@pytest.fixture
async def client(tmp_path, aiohttp_client):
    book = consoling.Book()
    facts = {"method": "GET", "status": 200, "reason": "OK", "sent": b"", "target": "/api/orders/orders/7"}
    first = an_exchange(1, **facts, answer=b'{"id":7,"author":"Knuth","price":12.5}')
    same = an_exchange(2, **facts | {"target": "/api/orders/receipts"}, answer=b"[]")
    book.add(Recording(RECORDING, "Before", "ada"), same, replace(first, notes=("Find the order",)))
    after = an_exchange(3, **facts, answer=b'{"id":7,"authors":["Knuth"],"price":{"amount":12.5}}')
    book.add(Recording(OTHER, "After", "ada"), replace(same, id="01KSAME"), replace(after, environment="test"))
    return await aiohttp_client(consoling.an_app(consoling.some_services(tmp_path, book)))


async def text_of(client, path):
    answer = await client.get(path, headers={"Accept": "text/html"})
    assert answer.status == 200
    return unescape(await answer.text())


def plain(text):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text))


async def test_the_step_that_differs_first_is_shown_in_two_columns(client):
    text = await text_of(client, PAGE)
    assert "They differ, first at step 2." in text
    words = plain(text)
    assert "1 of 2 steps differs." in words
    assert "clients that read author , price must change" in words
    assert "2 · Find the order" in words
    assert "other server: qa → test" in words
    causes = re.findall(r'<span class="cause hi">([^<]+)</span>', text)
    assert causes == ["now a list", "now an object"]


async def test_another_step_and_another_part_are_links(client):
    words = plain(await text_of(client, PAGE + "&step=1&part=headers"))
    assert "1 · GET /api/orders/receipts" in words
    assert "The headers are the same." in words
    assert "2 · Find the order" in plain(await text_of(client, PAGE + "&step=99&part=nonsense"))


async def test_the_picker_proposes_recordings_by_title(client):
    text = await text_of(client, "/_gateway/diff")
    assert re.search(rf'<option value="{OTHER}">After', text)


async def test_a_call_shows_its_json_as_lines_with_paths(client):
    text = await text_of(client, "/_gateway/exchanges/01KEXCHANGE000000000000003")
    assert 'data-path="$.price.amount"' in text

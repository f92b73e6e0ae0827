"""Static files: one style sheet and one script, packed, kept by browsers for ever."""

import re

import consoling
import pytest

BUDGET = 75 * 1024


@pytest.fixture
async def client(aiohttp_client, services):
    return await aiohttp_client(consoling.an_app(services))


async def assets(client, path="/_gateway/"):
    text = await (await client.get(path)).text()
    return dict.fromkeys(re.findall(r'(?:href|src|data-events)="(/_gateway/static/[^"#]+)', text))


@pytest.mark.parametrize("coding", ["gzip", "br"])
async def test_a_page_needs_few_packed_files_once(client, coding):
    total = 0
    for address in await assets(client):
        async with client.session.get(
            client.make_url(address), headers={"Accept-Encoding": coding}, auto_decompress=False
        ) as answer:
            total += len(await answer.read())
            assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
            assert answer.headers["Content-Encoding"] == coding
            assert answer.headers["Vary"] == "Accept-Encoding"
    assert total <= BUDGET


async def test_what_is_sent_packed_is_the_file(client):
    address = next(one for one in await assets(client) if one.endswith(".css"))
    plain = await (await client.get(address, headers={"Accept-Encoding": "identity"})).read()
    for coding in ("gzip", "br"):
        assert await (await client.get(address, headers={"Accept-Encoding": coding})).read() == plain
    assert b"--env-3:" in plain and b".btn" in plain


async def test_a_hash_that_is_none_leads_nowhere(client):
    address = next(iter(await assets(client)))
    assert (await client.get(re.sub(r"-[0-9a-f]{10}", "-0123456789", address))).status == 404


async def test_the_plain_name_is_asked_for_again_by_its_tag(client):
    first = await client.get("/_gateway/static/problem.css")
    assert first.headers["Cache-Control"] == "no-cache"
    again = await client.get("/_gateway/static/problem.css", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status, await again.read()) == (304, b"")

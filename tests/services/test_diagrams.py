"""The pictures of the console: a part of a recording, the way of a value, the what-ifs; two recordings side by side."""

from __future__ import annotations

import aiohttp
import pytest
from shopping import a_shop

from gateway.replay.plan import ReplayOptions
from gateway.services.replay import replay
from gateway.services.replay_run import ReplayOrder


@pytest.fixture
async def shop(tmp_path):
    async with a_shop(tmp_path) as found:
        yield found


@pytest.fixture
async def page(shop):
    async with aiohttp.ClientSession(shop.gateway.url) as client:

        async def get(path):
            async with client.get(f"/_gateway/{path}") as answer:
                text = await answer.text()
                assert answer.status == 200, text
                return text

        yield get


async def test_the_picture_stands_below_its_participants(shop, page):
    text = await page(f"recordings/{shop.recording}?view=picture")
    assert text.count('class="sequence heads"') == 1
    assert text.index('class="sequence heads"') < text.index('class="sequence" role="group"')
    assert text.count("data-step=") == 6
    assert "position: sticky" in await page("static/diagram.css")


async def test_some_steps(shop, page):
    text = await page(f"recordings/{shop.recording}?steps=2-3")
    assert text.count("data-step=") == 2
    assert "steps 2-3" in text
    assert 'href="?view=picture&amp;#sequence">All steps' in text
    assert (await page(f"recordings/{shop.recording}?steps=two")).count("data-step=") == 6


async def test_a_filter_chooses_what_is_drawn(shop, page):
    assert (await page(f"recordings/{shop.recording}?view=picture&q=cluster:orders")).count("data-step=") == 3


async def test_a_value_is_followed_with_arrows(shop, page):
    text = await page(f"recordings/{shop.recording}?view=picture")
    assert 'href="?view=picture&amp;value=order_id#sequence"' in text
    assert 'class="flow"' not in text
    text = await page(f"recordings/{shop.recording}?view=picture&value=order_id")
    assert text.count('class="flow"') == 3
    assert 'class="value chosen">order_id<' in text
    assert 'class="flow"' not in await page(f"recordings/{shop.recording}?view=picture&value=%3Cscript%3E")


async def test_what_ifs_and_differences_are_drawn(shop, page):
    order = ReplayOrder(
        shop.recording, ReplayOptions(environments={2: {"catalogue": "dev"}}), yes=True, kind="variant", branched_at=2,
        title="What if, at step 2: catalogue@dev",
    )  # fmt: skip
    variant = (await replay(shop.gateway.services, order)).recording
    assert 'class="between"' not in await page(f"recordings/{shop.recording}")
    text = await page(f"recordings/{shop.recording}?whatifs=yes")
    assert "what if: catalogue@dev" in text
    assert "Without what-ifs" in text
    text = await page(f"diff?a={shop.recording}&b={variant}")
    assert "changed</" in text or " changed)" in text
    assert 'aria-label="Both as a picture"' in text

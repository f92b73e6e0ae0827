"""What-ifs and replays beside the original, step by step, with a reason in every row that differs.

Covers: services/story.
"""

from __future__ import annotations

import aiohttp
import pytest
from bookshop import a_shop

from gateway.errors import UsageError
from gateway.replay.plan import ReplayOptions
from gateway.services.family_tree import family_tree
from gateway.services.story import read_story, title_of


async def branch(client, of, body):
    async with client.post(f"/_gateway/api/v1/recordings/{of}/branch", json=body | {"yes": True}) as answer:
        return (await answer.json())["recording"]


async def test_every_row_that_differs_says_why_and_equal_replays_are_one(tmp_path):
    async with a_shop(tmp_path) as shop, aiohttp.ClientSession(shop.gateway.url) as client:
        titles = {"step": 2, "set": ["path=/api/catalogue/titles/978-1"], "env": ["catalogue=test"], "title": "titles"}
        await branch(client, shop.recording, titles)
        await branch(client, shop.recording, {"step": 3, "set": ["json:/qty=0"], "title": "quantity 0"})
        await branch(client, shop.recording, {"step": 2, "status": 503, "title": "catalogue answers 503"})
        for _ in range(2):
            await shop.run(ReplayOptions(to={"catalogue": "test"}))
        store = shop.gateway.services.store
        tree = family_tree(store, shop.recording, limit=50)
        assert tree.total == 6
        original, shape, quantity, simulated, replayed = tree.rows
        assert [cell.status for cell in original.cells] == [200, 200, 201, 404, 201, 200]
        assert not original.differs
        assert (shape.cells[1].state, shape.cells[1].branches) == ("differs", True)
        assert shape.why.startswith("same status at step 2, ")
        assert quantity.why.startswith("422 because body /qty is 0")
        assert [cell.state for cell in quantity.cells] == ["same", "same", "differs", "unsent", "unsent", "unsent"]
        assert simulated.why.startswith("503 because a fault was injected")
        assert (replayed.equal, replayed.cells[1].status) == (2, 404)
        assert replayed.why.startswith("404 only on catalogue@test")
        with pytest.raises(UsageError):
            family_tree(store, shop.recording, limit=50, cursor="x")


async def test_a_slice_of_the_family_keeps_the_originals_columns(tmp_path):
    async with a_shop(tmp_path) as shop, aiohttp.ClientSession(shop.gateway.url) as client:
        await branch(client, shop.recording, {"step": 2, "set": ["path:4=978-9"], "title": "unknown"})
        tree = family_tree(shop.gateway.services.store, shop.recording, limit=1, cursor="1")
        assert [row.title for row in tree.rows] == ["unknown"]
        assert [step for step, _ in tree.names] == [1, 2, 3, 4, 5, 6]
        assert tree.next is None


async def test_a_story_is_told_with_its_reasons_and_a_what_if_with_those_beside_its_parent(tmp_path):
    async with a_shop(tmp_path) as shop, aiohttp.ClientSession(shop.gateway.url) as client:
        store = shop.gateway.services.store
        told = read_story(store, store.recording(shop.recording), ("dev", "test", "qa"))
        assert told.summary.text == "6 calls to 4 APIs. 1 failed, for one reason: the order of calls."
        assert title_of(store.recording(shop.recording), told) == "login, books, orders and 2 more"
        assert {column.hue for column in told.story.columns[1:]} == {3}
        unknown = await branch(client, shop.recording, {"step": 2, "set": ["path:4=978-9"], "title": "unknown"})
        told = read_story(store, store.recording(unknown), ("dev", "test", "qa"))
        reason = told.reasons.groups[0].first
        assert reason.cause == "ISBN 978-9 is unknown on catalogue@qa"
        assert reason.succeeded == store.step(shop.recording, 2).id  # of the recording that it comes from
        assert title_of(store.recording(unknown), told) == "unknown"

"""A cluster moves: marked recordings that touch it are checked again, and the board shows the result."""

from __future__ import annotations

import asyncio

import aiohttp
from bookshop import a_shop


async def found(client, count=1):
    async with asyncio.timeout(10):
        while True:
            async with client.get("/_gateway/api/v1/rechecks") as answer:
                items = (await answer.json())["items"]
            if len(items) >= count:
                return items
            await asyncio.sleep(0.02)


async def test_a_move_checks_marked_recordings_and_only_reads(tmp_path):
    async with a_shop(tmp_path) as shop, aiohttp.ClientSession(shop.gateway.url) as client:
        api = "/_gateway/api/v1"
        await client.post(f"{api}/routes/payments/move", json={"environment": "test"})
        async with client.patch(f"{api}/recordings/{shop.recording}", json={"tags": ["recheck"]}) as answer:
            assert answer.status == 200
        await client.post(f"{api}/routes/catalogue/move", json={"environment": "test"})
        (one,) = await found(client)
        assert (one["recording"], one["cluster"], one["environment"], one["good"]) == (
            shop.recording, "catalogue", "test", False,
        )  # fmt: skip
        assert one["why"].startswith(
            "step 2: 404 only on catalogue@test: the same request answers 200 on catalogue@qa."
        )
        assert {step.method for step in shop.gateway.services.store.exchanges(one["look"]).items} == {"GET"}
        board = await (await client.get("/_gateway/")).text()
        assert "not as recorded" in board and "404 only on catalogue@test" in board
        await client.post(f"{api}/routes/catalogue/move", json={"environment": "qa"})
        async with asyncio.timeout(10):
            while not (one := (await found(client))[0])["good"]:
                await asyncio.sleep(0.02)
        assert one["environment"] == "qa" and one["why"] == ""
        assert "same responses" in await (await client.get("/_gateway/")).text()


async def test_without_the_mark_nothing_is_sent_and_the_mark_can_be_taken_away(tmp_path):
    async with a_shop(tmp_path) as shop, aiohttp.ClientSession(shop.gateway.url) as client:
        path = f"/_gateway/api/v1/recordings/{shop.recording}"
        for tags in (["recheck", "demo"], ["-recheck"]):
            async with client.patch(path, json={"tags": tags}) as answer:
                kept = (await answer.json())["tags"]
        assert kept == ["demo"]
        async with client.post("/_gateway/api/v1/routes/catalogue/recheck", json={}) as answer:
            assert (await answer.json())["items"] == []


async def test_writes_only_for_who_asks_for_them(tmp_path):
    async with a_shop(tmp_path) as shop, aiohttp.ClientSession(shop.gateway.url) as client:
        await client.patch(f"/_gateway/api/v1/recordings/{shop.recording}", json={"tags": ["recheck"]})
        path = "/_gateway/api/v1/routes/orders/recheck"
        async with client.post(path, json={}) as answer:
            assert (await answer.json())["items"][0]["good"] and len(shop.samples.shops["qa"].orders) == 1
        async with client.post(path, json={"writes": True}) as answer:
            assert (await answer.json())["items"][0]["good"] and len(shop.samples.shops["qa"].orders) == 2
        assert (await client.post("/_gateway/api/v1/routes/nobody/recheck", json={})).status == 404

"""The family of a recording as a tree: variants of variants, siblings side by side, each with why it ended otherwise."""

from __future__ import annotations

import asyncio
import json

import aiohttp
from bookshop import a_shop

from gateway.cli.main import main


async def branch(client, of, body):
    async with client.post(f"/_gateway/api/v1/recordings/{of}/branch", json=body | {"yes": True}) as answer:
        return (await answer.json())["recording"]


async def a_family(shop, client):
    """The purchase; an unknown book, and the same on dev below it; a payment of nothing."""
    unknown = await branch(client, shop.recording, {"step": 2, "set": ["path:4=978-9"], "title": "unknown book"})
    below = await branch(client, unknown, {"step": 2, "set": ["path:4=978-1"], "title": "known again"})
    unpaid = await branch(client, shop.recording, {"step": 5, "set": ["amount=0"], "title": "nothing paid"})
    dev = await branch(client, shop.recording, {"step": 2, "env": ["catalogue=dev"], "title": "on dev"})
    return unknown, below, unpaid, dev


async def test_the_tree_is_the_same_from_each_of_its_members(tmp_path):
    async with a_shop(tmp_path) as shop, aiohttp.ClientSession(shop.gateway.url) as client:
        unknown, below, unpaid, dev = await a_family(shop, client)
        for id in (shop.recording, below):
            async with client.get(f"/_gateway/api/v1/recordings/{id}/variants") as answer:
                found = await answer.json()
            assert [(one["id"], one["depth"], one["status"]) for one in found["items"]] == [
                (shop.recording, 0, None), (unknown, 1, 404), (below, 2, 200), (unpaid, 1, 422), (dev, 1, 404),
            ]  # fmt: skip
        told = {one["id"]: one["card"]["sentence"] for one in found["items"] if one["card"]}
        assert told[unknown].startswith("404 because isbn 978-9 is unknown on catalogue@qa; 978-1 answers 200.")
        assert told[below] == told[unknown], "seen from below, it is why the other one failed"
        assert told[unpaid].startswith("422 because body /amount is 0, and 25.0 answers 201 on payments@qa.")
        assert told[dev].startswith("404 only on catalogue@dev: the same request answers 200 on catalogue@qa.")
        assert [cell["status"] for cell in found["items"][3]["outcomes"]] == [200, 200, 201, 404, 422, 404]


async def test_the_page_shows_them_side_by_side_and_in_slices(tmp_path):
    async with a_shop(tmp_path) as shop, aiohttp.ClientSession(shop.gateway.url) as client:
        await a_family(shop, client)
        page = f"/_gateway/recordings/{shop.recording}/variants"
        text = await (await client.get(page)).text()
        assert "5 recordings in this family" in text and "404 only on catalogue@dev" in text and "level 2" in text
        async with client.get(f"/_gateway/api/v1/recordings/{shop.recording}/variants", params={"limit": 2}) as answer:
            first = await answer.json()
        assert (len(first["items"]), first["next"], first["total"]) == (2, "2", 5)
        rest = await (await client.get(f"{page}.json", params={"cursor": "4"})).json()
        assert [one["title"] for one in rest["items"]] == ["on dev"] and rest["next"] is None
        assert (await client.get(page, params={"cursor": "x"})).status == 400


async def test_other_orders_of_steps_are_explained_by_what_came_before(tmp_path):
    async with a_shop(tmp_path) as shop, aiohttp.ClientSession(shop.gateway.url) as client:
        twice = await branch(client, shop.recording, {"step": 5, "repeat": True})
        early = await branch(client, shop.recording, {"step": 5, "swap": 6})
        async with client.get(f"/_gateway/api/v1/recordings/{shop.recording}/variants") as answer:
            items = {one["id"]: one for one in (await answer.json())["items"]}
        assert items[shop.recording]["title"].startswith("POST /api/users/login")
        told = {id: items[id]["card"]["sentence"] for id in (twice, early)}
        assert told[twice].startswith("409 because the same request had been answered before")
        assert told[early].startswith("404 because POST /api/payments/orders/{}/payments had not been sent before")


async def test_why_it_failed_is_told_on_the_variants_own_page_with_this_runs_values(tmp_path):
    """The receipt of another order number is no other request: the payment is what is missing."""
    async with a_shop(tmp_path) as shop, aiohttp.ClientSession(shop.gateway.url) as client:
        _, _, unpaid, _ = await a_family(shop, client)
        text = await (await client.get(f"/_gateway/recordings/{unpaid}?tab=why")).text()
        assert "422 because amount is 0;" in text and "with 25.0 it answers 201." in text
        assert "404 because POST /api/payments/orders/{}/payments had not been sent before;" in text


async def test_show_tree(tmp_path, capsys):
    async with a_shop(tmp_path) as shop, aiohttp.ClientSession(shop.gateway.url) as client:
        _, below, _, dev = await a_family(shop, client)
        where = ["-r", str(tmp_path / "r" / "gateway.db")]
        assert await asyncio.to_thread(main, ["show", below, "--tree", *where]) == 0
        lines = [line for line in capsys.readouterr().out.splitlines() if "01" in line[:12]]
        leads = [line.partition("01")[0] for line in lines]
        assert leads == ["", "├─ ", "│  └─ ", "├─ ", "└─ "]
        assert lines[2].endswith("known again  (variant at step 2: 200) *")
        assert await asyncio.to_thread(main, ["show", dev, "--tree", "--json", *where]) == 0
        assert json.loads(capsys.readouterr().out)["total"] == 5

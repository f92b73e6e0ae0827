"""A fault is injected into one step of a variant: told on the answer, in its record, and in what differs.

Covers: services/origins.
"""

from __future__ import annotations

import json
from time import monotonic

import aiohttp
from bookshop import a_shop

from gateway.replay.fault import FIELD
from gateway.replay.plan import ReplayOptions


async def branched(shop, client, body):
    async with client.post(f"/_gateway/api/v1/recordings/{shop.recording}/branch", json=body | {"yes": True}) as answer:
        return answer.status, await answer.json()


async def test_a_forced_status_asks_no_upstream_and_no_write_guard(tmp_path):
    async with a_shop(tmp_path) as shop, aiohttp.ClientSession(shop.gateway.url) as client:
        status, found = await branched(shop, client, {"step": 5, "status": 503})
        paid = found["steps"][4]
        assert (status, paid["status"], paid["outcome"]) == (200, 503, "differs")
        assert {one["cause"] for one in paid["differences"]} == {"injected"}
        assert paid["card"]["sentence"].startswith("503 because a fault was injected: answer status 503.")
        assert len(shop.samples.shops["qa"].payments) == 1, "only the recorded payment"
        kept = shop.gateway.services.store.exchange(paid["exchange"])
        assert (kept.mode, kept.upstream_url, kept.response.header(FIELD)) == ("fault", "", "status=503")
        assert [step["status"] for step in found["steps"]] == [200, 200, 201, 404, 503, 404]


async def test_a_field_of_the_answer_is_altered_or_dropped_and_later_steps_follow(tmp_path):
    async with a_shop(tmp_path) as shop, aiohttp.ClientSession(shop.gateway.url) as client:
        _, found = await branched(shop, client, {"step": 2, "alter": ["price=0"], "drop": ["json:/title"], "until": 2})
        told = {one["pointer"]: one["cause"] for one in found["steps"][1]["differences"] if one["severity"] != "none"}
        assert told == {"/price": "injected", "/title": "injected"}
        kept = shop.gateway.services.store.exchange(found["steps"][1]["exchange"])
        assert json.loads(kept.response.body.data)["price"] == 0 and kept.mode == "fault"
        again = await shop.run(ReplayOptions(last=2))
        assert again.outcome in ("same", "expected"), "the next run is as before"
        _, found = await branched(shop, client, {"step": 3, "drop": ["json:/id", "header:Location"]})
        assert found["steps"][3]["outcome"] == "stopped" and "order_id is missing" in found["steps"][3]["message"]


async def test_a_delay_makes_the_answer_late(tmp_path):
    async with a_shop(tmp_path) as shop, aiohttp.ClientSession(shop.gateway.url) as client:
        begun = monotonic()
        _, found = await branched(shop, client, {"step": 2, "delay": 0.3, "until": 2})
        assert monotonic() - begun >= 0.3 and found["steps"][1]["outcome"] in ("same", "expected")
        assert shop.gateway.services.store.exchange(found["steps"][1]["exchange"]).mode == "fault"


async def test_a_place_that_the_answer_lacks_is_named_and_nothing_is_injected(tmp_path):
    async with a_shop(tmp_path) as shop, aiohttp.ClientSession(shop.gateway.url) as client:
        _, found = await branched(shop, client, {"step": 2, "drop": ["prise"], "until": 2})
        step = found["steps"][1]
        assert "nothing was injected: 'prise' is not in the answer; did you mean 'price'?" in step["message"]
        assert shop.gateway.services.store.exchange(step["exchange"]).mode == "replay"


async def test_a_variant_of_a_variant_keeps_the_fault(tmp_path):
    async with a_shop(tmp_path) as shop, aiohttp.ClientSession(shop.gateway.url) as client:
        _, first = await branched(shop, client, {"step": 2, "alter": ["price=0"]})
        path = f"/_gateway/api/v1/recordings/{first['recording']}/branch"
        async with client.post(path, json={"step": 3, "set": ["qty=1"], "yes": True}) as answer:
            found = await answer.json()
        kept = shop.gateway.services.store.exchange(found["steps"][1]["exchange"])
        assert kept.mode == "fault" and json.loads(kept.response.body.data)["price"] == 0
        assert shop.stored(found["recording"]).parent == first["recording"]

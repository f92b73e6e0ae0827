"""A recorded purchase is sent again, to real backends whose numbers start elsewhere, and means the same."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import aiohttp
import pytest
from bookshop import CLUSTERS, a_shop

from gateway.errors import UsageError
from gateway.replay.branch import read_header, read_set
from gateway.replay.plan import ReplayOptions
from gateway.replay.report import exit_code, junit, result_json
from gateway.services.replay import replay
from gateway.services.replay_run import ReplayOrder


async def test_it_replays_on_the_same_environment_with_new_numbers_and_right_data(tmp_path):
    async with a_shop(tmp_path) as shop:
        result = await shop.run()
        assert [step.status for step in result.steps] == [200, 200, 201, 404, 201, 200]
        assert (result.outcome, exit_code(result)) == ("expected", 0)
        assert {one.cause for step in result.steps for one in step.differences} <= {"correlated", "noise"}
        assert "order_id" in result.steps[4].bindings
        first, second = shop.samples.shops["qa"].orders
        assert shop.samples.shops["qa"].payments[second] | {"id": 0} == {
            "id": 0, "order": second, "amount": 25.0, "currency": "EUR", "status": "paid",
        }  # fmt: skip
        assert first != second
        stored = shop.stored(result.recording)
        assert (stored.kind, stored.parent, stored.steps) == ("replay", shop.recording, 6)
        assert {one.mode for one in shop.gateway.services.store.exchanges(stored.id).items} == {"replay"}


async def test_it_replays_on_another_environment_and_tells_the_planted_difference(tmp_path):
    async with a_shop(tmp_path) as shop:
        result = await shop.run(ReplayOptions(to=dict.fromkeys(CLUSTERS, "test")))
        assert [step.outcome for step in result.steps] == ["expected", "differs", *["expected"] * 4]
        assert shop.samples.shops["test"].payments and len(shop.samples.shops["qa"].payments) == 1
        planted = result.steps[1]
        assert (planted.recorded_status, planted.status, planted.where) == (200, 404, "catalogue@test")
        assert planted.differences[0].cause == "route"
        assert planted.card.sentence.startswith("404 only on catalogue@test: the same request answers 200 on")
        assert exit_code(result) == 1


async def test_no_secret_shows_in_what_it_reports(tmp_path):
    async with a_shop(tmp_path) as shop:
        result = await shop.run(
            ReplayOptions(edits={3: [read_header("Authorization: Bearer other-secret-1234567890")]})
        )
        text = json.dumps(result_json(result)) + junit([("x", result_json(result))])
        tokens = list(shop.samples.shops["qa"].tokens)
        assert tokens and not any(token in text for token in [*tokens, "lovelace", "other-secret"])


async def test_a_value_that_does_not_come_stops_the_step_that_needs_it(tmp_path):
    async with a_shop(tmp_path) as shop:
        result = await shop.run(ReplayOptions(edits={3: [read_set("json:/isbn=978-9")]}))
        assert [step.outcome for step in result.steps] == [
            "expected",
            "expected",
            "differs",
            "stopped",
            *["skipped"] * 2,
        ]
        assert "order_id is missing" in result.steps[3].message and "step 3" in result.steps[3].message
        assert result.outcome == "stopped" and exit_code(result) == 1
        assert len(shop.samples.shops["qa"].orders) == 1, "no request went out for the order of the recording"


async def test_an_edit_makes_a_variant_whose_card_says_why(tmp_path):
    async with a_shop(tmp_path) as shop:
        result = await shop.run(
            ReplayOptions(edits={2: [read_set("path:4=978-9")]}), kind="variant", branched_at=2, title="unknown book"
        )
        card = result.steps[1].card
        assert card.status == 404 and "978-9" in card.sentence and "978-1 answers 200" in card.sentence
        stored = shop.stored(result.recording)
        assert (stored.kind, stored.branched_at, stored.title) == ("variant", 2, "unknown book")


async def test_one_step_on_another_environment(tmp_path):
    async with a_shop(tmp_path) as shop:
        result = await shop.run(ReplayOptions(environments={2: {"catalogue": "dev"}}, last=2))
        assert result.steps[1].where == "catalogue@dev" and result.steps[1].status == 404
        assert [step.outcome for step in result.steps[2:]] == ["skipped"] * 4
        assert result.steps[1].card.rows[-1].place == "route"


async def test_steps_left_out_lend_their_recorded_values_and_say_so(tmp_path):
    async with a_shop(tmp_path) as shop:
        result = await shop.run(ReplayOptions(first=6))
        assert [step.outcome for step in result.steps] == ["skipped"] * 5 + ["same"]
        assert "order_id is the recorded one" in result.steps[5].message


def never(text):
    return text.replace("    path: /api/payments", "    path: /api/payments\n    writes: never")


async def test_the_write_guard_asks_refuses_and_sends_nothing(tmp_path):
    async with a_shop(tmp_path, change=never) as shop:
        asked = await shop.run(yes=False)
        assert asked.recording == "" and asked.outcome == "stopped"
        assert [step.outcome for step in asked.steps] == [
            "stopped",
            "skipped",
            "stopped",
            "skipped",
            "stopped",
            "skipped",
        ]
        refused = await shop.run(yes=True)
        assert [step.step for step in refused.steps if step.outcome == "stopped"] == [5]
        assert "never" in refused.steps[4].message and len(shop.samples.shops["qa"].orders) == 1
        until = await shop.run(ReplayOptions(last=4), yes=True)
        assert until.outcome == "expected" and len(shop.samples.shops["qa"].orders) == 2


async def test_an_upstream_that_is_down_is_unreachable_not_different(tmp_path):
    async with a_shop(tmp_path) as shop:
        file = tmp_path / "routes.yaml"
        urls = shop.samples.urls["catalogue"]["qa"]
        file.write_text(file.read_text().replace(urls, "http://127.0.0.1:1"))
        async with asyncio.timeout(10):
            while shop.gateway.services.routes.table.clusters["catalogue"].upstreams["qa"].port != 1:
                await asyncio.sleep(0.02)
        result = await shop.run(ReplayOptions(first=2, last=2))
        assert result.unreachable.step == 2 and exit_code(result) == 4


async def test_two_replays_at_once_do_not_touch_each_other(tmp_path):
    async with a_shop(tmp_path) as shop:
        one, other = await asyncio.gather(shop.run(), shop.run())
        assert one.recording != other.recording and {one.outcome, other.outcome} == {"expected"}
        assert len(shop.samples.shops["qa"].payments) == 3


@pytest.mark.parametrize(
    "wanted",
    [
        ReplayOptions(first=9),
        ReplayOptions(last=0),
        ReplayOptions(to={"nobody": "qa"}),
        ReplayOptions(to={"users": "prod"}),
    ],
)
async def test_what_does_not_exist_is_named_before_anything_is_sent(tmp_path, wanted):
    async with a_shop(tmp_path) as shop:
        with pytest.raises(UsageError):
            await shop.run(wanted)
        assert len(shop.gateway.services.store.recordings().items) == 1


async def test_the_api_replays_branches_and_compares(tmp_path):
    async with a_shop(tmp_path) as shop, aiohttp.ClientSession(shop.gateway.url) as client:
        api = f"/_gateway/api/v1/recordings/{shop.recording}"
        async with client.post(f"{api}/replay", json={"yes": True}) as answer:
            result = await answer.json()
        assert answer.status == 200 and result["outcome"] == "expected"
        accept = {"Accept": "application/x-ndjson"}
        body = {"step": 2, "set": ["path:4=978-9"], "until": 2, "yes": True}
        async with client.post(f"{api}/branch", json=body, headers=accept) as answer:
            lines = [json.loads(line) for line in (await answer.text()).splitlines()]
        assert [sorted(line) for line in lines] == [["step", "total"]] * 6 + [["result"]]
        variant = lines[-1]["result"]
        assert variant["steps"][1]["card"]["status"] == 404
        async with client.post(f"{api}/replay", json={"yes": True, "offline": True}) as answer:
            assert (await answer.json())["outcome"] == "same"
        async with client.get(
            "/_gateway/api/v1/diff", params={"a": shop.recording, "b": variant["recording"]}
        ) as answer:
            found = await answer.json()
        assert (found["outcome"], found["first"]) == ("differs", 2)
        assert [(step["a"], step["b"]) for step in found["steps"]][1:3] == [(2, 2), (3, None)]
        async with client.post(f"{api}/branch", json={"step": 2}) as answer:
            assert answer.status == 400 and "nothing is changed" in (await answer.json())["detail"]


async def test_no_answer_at_all_stops_its_step_and_what_was_done_is_told(tmp_path):
    """As when the gateway is killed in the middle: here its URL leads nowhere from the second step on."""
    async with a_shop(tmp_path) as shop:
        services = shop.gateway.services
        urls = iter([services.url(), "http://127.0.0.1:1"])
        broken = replace(services, url=lambda: next(urls))
        result = await replay(broken, ReplayOrder(shop.recording, yes=True))
        assert [step.outcome for step in result.steps] == ["expected", "stopped", *["skipped"] * 4]
        assert "no answer came" in result.steps[1].message and result.recording


async def test_a_moved_cluster_is_told_from_the_history_of_the_routes(tmp_path):
    async with a_shop(tmp_path) as shop, aiohttp.ClientSession(shop.gateway.url) as client:
        await client.post("/_gateway/api/v1/routes/catalogue/move", json={"environment": "test"})
        result = await shop.run(ReplayOptions(last=2))
        why = result.steps[1].differences[0].why
        assert why.startswith("catalogue@qa then, catalogue@test now; moved 2") and "(UTC) by " in why
        by_hand = await shop.run(ReplayOptions(last=2, to={"catalogue": "dev"}))
        assert by_hand.steps[1].differences[0].why == "catalogue@qa then, catalogue@dev now"
        async with client.get("/_gateway/api/v1/diff", params={"a": shop.recording, "b": result.recording}) as answer:
            found = (await answer.json())["steps"][1]
        assert "; moved 2" in found["differences"][0]["why"] and found["card"]["status"] == 404


async def test_the_payment_is_for_the_right_order_wherever_it_runs(tmp_path):
    """Asked of the shop itself, on qa and where the numbers start elsewhere; only the planted difference is told."""
    async with a_shop(tmp_path) as shop:
        for environment, planted in (("qa", set()), ("test", {2})):
            result = await shop.run(ReplayOptions(to=dict.fromkeys(CLUSTERS, environment)))
            there = shop.samples.shops[environment]
            order = max(there.orders)
            assert there.payments[order]["order"] == order
            assert there.payments[order]["amount"] == there.orders[order].total == 25.0
            assert {step.step for step in result.steps if step.outcome == "differs"} == planted
            told = [one for step in result.steps for one in step.differences if not one.expected]
            assert {one.cause for one in told} == ({"route"} if planted else set())
        ids = [max(shop.samples.shops[environment].orders) for environment in ("qa", "test")]
        assert ids == [70_002, 5_001]


async def test_a_replay_stops_at_the_first_difference(tmp_path):
    async with a_shop(tmp_path) as shop:
        result = await shop.run(ReplayOptions(to={"catalogue": "test"}), until_differs=True)
        assert shop.stored(result.recording).title.startswith("Replay on catalogue@test: ")
        assert [step.outcome for step in result.steps] == ["expected", "differs", *["skipped"] * 4]
        assert "stopped after step 2, which differs" in result.steps[2].message
        assert len(shop.samples.shops["qa"].orders) == 1


async def test_what_was_decided_about_a_recording_holds_for_its_variants(tmp_path):
    """The amount comes from the order: accepted once, it follows through variants of variants."""
    async with a_shop(tmp_path) as shop, aiohttp.ClientSession(shop.gateway.url) as client:
        api = "/_gateway/api/v1/recordings/"
        body = {"declare": ["5:json./amount=3:json:/total"]}
        async with client.patch(f"{api}{shop.recording}/correlations", json=body) as answer:
            assert answer.status == 200, await answer.text()
        of = shop.recording
        for qty, amount in ((1, 12.5), (3, 37.5)):
            async with client.post(f"{api}{of}/branch", json={"step": 3, "set": [f"qty={qty}"], "yes": True}) as answer:
                found = await answer.json()
            assert [step["status"] for step in found["steps"]] == [200, 200, 201, 404, 201, 200]
            payment = list(shop.samples.shops["qa"].payments.values())[-1]
            assert payment["amount"] == amount
            of = found["recording"]

"""A live replay is a second run: what moved on both sides and was taken is confirmed, for good."""

from __future__ import annotations

from bookshop import a_shop

from gateway.correlation import correlate
from gateway.replay.branch import read_set
from gateway.replay.plan import ReplayOptions
from gateway.replay.report import result_json
from gateway.services.replay import all_steps


def statuses(shop) -> dict[str, str]:
    store = shop.gateway.services.store
    found = correlate(all_steps(store, shop.recording), store.decisions(shop.recording))
    return {str(one.sink): one.status for one in found.bindings}


async def test_what_a_replay_proves_is_confirmed_beside_the_recording(tmp_path):
    async with a_shop(tmp_path) as shop:
        before = statuses(shop)
        assert set(before.values()) <= {"auto", "suggested"}
        result = await shop.run()
        after = statuses(shop)
        moved = {sink for sink, status in after.items() if status == "confirmed"}
        assert len(result.confirmed) == len(moved) == len(result_json(result)["confirmed"])
        assert {sink.partition("[")[0] for sink in moved} >= {"3:header:authorization", "5:path:4"}
        assert before.keys() == after.keys()
        again = await shop.run()
        assert again.confirmed == ()  # nothing new
        assert statuses(shop) == after


async def test_a_step_that_went_wrong_proves_nothing(tmp_path):
    async with a_shop(tmp_path) as shop:
        result = await shop.run(ReplayOptions(to={"catalogue": "test"}))
        wrong = {step.step for step in result.steps if step.status != step.recorded_status}
        assert wrong
        confirmed = {int(sink.partition(":")[0]) for sink, status in statuses(shop).items() if status == "confirmed"}
        assert not confirmed & wrong


async def test_what_was_edited_proves_nothing(tmp_path):
    async with a_shop(tmp_path) as shop:
        result = await shop.run(ReplayOptions(edits={3: [read_set("json:/qty=3")]}))
        assert result.confirmed == ()
        assert "confirmed" not in statuses(shop).values()

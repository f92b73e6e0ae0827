"""What earlier runs on one environment tell of a place: noise where each had another value, data where one came again."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web
from sessions import session
from two_servers import Server, record, run, two

from gateway.model.exchange import Exchange
from gateway.model.message import Body
from gateway.replay.differences.learned_noise import learned
from gateway.replay.plan import ReplayOptions


def answered(environment: str, status: int = 200, **members: object) -> Exchange:
    one = session("GET /day\n-> 200\n{}")[0]
    data = json.dumps(members).encode()
    assert one.response
    response = replace(one.response, status=status, body=Body(len(data), data))
    return replace(one, response=response, status=status, cluster="a", environment=environment)


RUNS = [
    ("two-runs-there", "dev", ["b", "c"], True),
    ("the-recording-counts", "qa", ["b"], True),
    ("one-run-is-not-enough", "dev", ["b"], False),
    ("none", "qa", [], False),
    ("a-value-that-came-again", "dev", ["b", "b"], False),
    ("a-value-as-recorded", "dev", ["b", "a"], False),
    ("three-runs", "dev", ["b", "c", "d"], True),
]  # fmt: skip


@pytest.mark.parametrize(
    ("recorded", "mottos", "is_noise"), [each[1:] for each in RUNS], ids=[each[0] for each in RUNS]
)
def test_a_place_is_learned_where_every_run_had_another_value(recorded: str, mottos: list[str], is_noise: bool) -> None:
    found = learned(answered(recorded, motto="a"), [answered("qa", motto=each) for each in mottos], "a", "qa")
    assert ("response.body/motto" in found) == is_noise


def test_runs_elsewhere_and_runs_that_failed_teach_nothing() -> None:
    earlier = [answered("test", motto="b"), answered("qa", 500, motto="c"), answered("qa", motto="d")]
    assert learned(answered("dev", motto="a"), earlier, "a", "qa") == {}


async def test_replays_learn_from_earlier_ones_on_the_same_environment(tmp_path: Path) -> None:
    """The motto has other words in every run; the price was raised once and stays a difference."""
    mottos, prices = iter(["carpe", "festina", "memento", "tempus", "veni"]), iter([10, 12, 12, 12, 12])

    async def handler(request: web.Request) -> web.StreamResponse:
        return web.json_response({"motto": next(mottos), "price": next(prices)})

    async with two(tmp_path, Server(handler), Server(handler)) as gateway:
        recording = await record(gateway, ("GET", "/day", None))
        runs = [await run(gateway, recording, ReplayOptions(to={"a": "qa"})) for _ in range(4)]
    causes = [
        {one.pointer: one.cause for one in each.steps[0].differences if one.where == "response.body"} for each in runs
    ]
    assert [each["/motto"] == "noise" for each in causes] == [False, False, True, True]
    assert [each["/price"] == "noise" for each in causes] == [False] * 4
    assert [each.steps[0].outcome for each in runs] == ["differs"] * 4

"""Every kind of ready what-if, tried on the bookshop: what it is answered, and why, in a sentence.

Covers: replay/playback/recording_index, services/replay_request.
"""

from __future__ import annotations

import asyncio

import aiohttp
import pytest
from bookshop import CLUSTERS, a_shop, buy_carefully

from gateway.cli.main import main
from gateway.replay.plan import ReplayOptions
from gateway.replay.what_if_gallery import gallery
from gateway.services.compare import elsewhere
from gateway.services.replay import all_steps, replay
from gateway.services.replay_request import branch_order

# (kind, title, step, what the step is then answered, its card)
KINDS = [
    ("unknown", "unknown books 999-9", 2, 404, "404 because isbn 999-9 is unknown on catalogue@qa; 978-1 answers 200."),
    ("unknown", "unknown isbn 999-9", 3, 422, "422 because body /isbn is 999-9, and 978-1 answers 201 on orders@qa."),
    ("elsewhere", "the same on dev", 2, 404, "404 only on catalogue@dev: the same request answers 200 on catalogue@qa."),
    ("credentials", "not signed in: without Authorization", 3, 401,
     "401 because header authorization is not sent, and 201 comes with Bearer (sealed) on orders@qa."),
    ("credentials", "with a token that is not valid", 3, 401,
     "401 because header authorization is another secret than the one that answers 201 on orders@qa."),
    ("credentials", "with a token that has expired", 3, 401,
     "401 because header authorization is another secret than the one that answers 201 on orders@qa."),
    ("missing", "without isbn", 3, 422, "422 because body /isbn is not sent, and 201 comes with 978-1 on orders@qa."),
    ("type", "qty of the wrong type", 3, 422, "422 because body /qty is many, and 2 answers 201 on orders@qa."),
    ("type", "isbn of the wrong type", 3, 422, "422 because body /isbn is [1], and 978-1 answers 201 on orders@qa."),
    ("stale", "with a stale ETag", 5, 412,
     'header if-match is "stale", and'),
    ("stale", "without If-Match", 5, 428, "428 because header if-match is not sent, and 200 comes with"),
    ("fault", "its server is overloaded: 503", 6, 503, "503 because a fault was injected: answer status 503."),
]  # fmt: skip


def offered(shop, number, homes=("dev", "test", "qa")):
    store = shop.gateway.services.store
    chain = all_steps(store, shop.recording)
    step = next(one for one in chain if one.step == number)
    return gallery(step, homes, chain=chain, foreign=elsewhere(store, step))


async def tried(shop, number, title, kind):
    """The result of the ready what-if of this title."""
    ready = {one.title: one for one in offered(shop, number)}
    assert title in ready, list(ready)
    assert ready[title].kind == kind
    body = dict(ready[title].body) | {"step": number, "yes": True}
    return await replay(shop.gateway.services, branch_order(shop.stored(shop.recording), body))


@pytest.mark.parametrize(("kind", "title", "number", "status", "sentence"), KINDS, ids=[one[1] for one in KINDS])
async def test_it_fails_as_expected_and_says_why(tmp_path, kind, title, number, status, sentence):
    async with a_shop(tmp_path, buying=buy_carefully) as shop:
        result = await tried(shop, number, title, kind)
        step = result.steps[number - 1]
        assert (step.step, step.status) == (number, status)
        assert sentence in step.card.sentence
        assert all(each.outcome in ("same", "expected") for each in result.steps[: number - 1])


async def test_a_payment_submitted_twice(tmp_path):
    async with a_shop(tmp_path, buying=buy_carefully) as shop:
        result = await tried(shop, 6, "submitted twice", "repeat")
        assert [step.step for step in result.steps] == [1, 2, 3, 4, 5, 6, 6, 7]
        first, second = result.steps[5:7]
        assert (first.status, second.status, result.steps[7].status) == (201, 409, 200)
        assert second.card.sentence.startswith(
            "409 because the same request had been answered before: the first time it answers 201 on payments@qa."
        )
        assert shop.stored(result.recording).steps == 8
        assert len(shop.samples.shops["qa"].payments) == 2


async def test_the_receipt_before_the_payment(tmp_path):
    async with a_shop(tmp_path, buying=buy_carefully) as shop:
        title = f"step 7, GET {all_steps(shop.gateway.services.store, shop.recording)[6].path}, comes first"
        result = await tried(shop, 6, title, "order")
        assert [(step.step, step.status) for step in result.steps[5:]] == [(7, 404), (6, 201)]
        assert result.steps[5].card.sentence.startswith(
            "404 because POST /api/payments/orders/{}/payments had not been sent before; after it the same request "
            "answers 200 on orders@qa. It says: order "
        )


async def test_an_id_of_another_environment(tmp_path):
    async with a_shop(tmp_path, buying=buy_carefully) as shop:
        there = await shop.run(ReplayOptions(to=dict.fromkeys(CLUSTERS, "test")))
        assert there.steps[3].status == 200, "the order was looked at on test"
        ready = next(one for one in offered(shop, 4) if one.kind == "foreign")
        assert ready.title == "orders 5001 of test"
        result = await tried(shop, 4, ready.title, "foreign")
        assert result.steps[3].status == 404
        assert result.steps[3].card.sentence.startswith(
            "404 because order 5001 is unknown on orders@qa; 70001 answers 200."
        )


async def test_the_api_and_the_command_list_them(tmp_path, capsys):
    async with a_shop(tmp_path) as shop, aiohttp.ClientSession(shop.gateway.url) as client:
        path = f"/_gateway/api/v1/recordings/{shop.recording}/what-ifs"
        async with client.get(path, params={"step": "2"}) as answer:
            items = (await answer.json())["items"]
        body = next(one["body"] for one in items if one["title"] == "the same on dev")
        assert body == {"env": ["catalogue=dev"]}
        async with client.post(path.replace("what-ifs", "branch"), json={"step": 2, "yes": True, **body}) as answer:
            assert (await answer.json())["steps"][1]["status"] == 404
        async with client.get(path, params={"step": "9"}) as answer:
            assert answer.status == 404
        where = ["-r", str(tmp_path / "r" / "gateway.db"), "-c", str(tmp_path / "routes.yaml")]
        assert await asyncio.to_thread(main, ["branch", shop.recording, "2", "--list", *where]) == 0
        out = capsys.readouterr().out
        assert f"gateway branch {shop.recording} 2 --env catalogue=dev" in out and "--status 503" in out

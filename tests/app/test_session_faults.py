"""Faults that one session asks for: its own calls get them, nobody else's, and the record says so."""

import aiohttp
import pytest
from aiohttp import web
from relaying import orders_at
from serving import serving

API = "/_gateway/api/v1"


@pytest.fixture
async def shop(tmp_path):
    """A gateway before one upstream, and how often that was asked."""
    asked = []

    async def handle(request):
        asked.append(request.path)
        return web.json_response({"id": 7, "total": 12.5})

    app = web.Application()
    app.router.add_get("/orders/7", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    await (site := web.TCPSite(runner, "127.0.0.1", 0)).start()
    async with serving(tmp_path, orders_at(site.name)) as gateway:
        yield gateway, asked
    await runner.cleanup()


def client_of(gateway, session):
    return aiohttp.ClientSession(gateway.url, headers={"Gateway-Session": session})


async def get(client):
    async with client.get("/api/orders/orders/7") as answer:
        return answer.status, await answer.json(content_type=None), answer.headers.get("Gateway-Fault", "")


async def put(client, cluster="orders", **fault):
    async with client.put(f"{API}/session/faults/{cluster}", json=fault) as answer:
        return answer.status, await answer.json()


async def test_a_status_is_forced_for_one_session_alone_and_recorded_as_a_fault(shop):
    gateway, asked = shop
    async with client_of(gateway, "ada") as ada, client_of(gateway, "bob") as bob:
        status, session = await put(ada, status=503, delay="10ms")
        assert (status, session["faults"]) == (
            200,
            {"orders": {"fault": "answer 0.01 s late, status 503", "rate": 1.0}},
        )
        assert (await get(ada))[0] == 503
        assert asked == []
        assert (await get(bob))[0] == 200
        async with ada.get(f"{API}/recordings") as answer:
            mine = next(one for one in (await answer.json())["items"] if one["session"] == "ada")
        async with ada.get(f"{API}/recordings/{mine['id']}/exchanges") as answer:
            assert [one["mode"] for one in (await answer.json())["items"]] == ["fault"]
        async with ada.delete(f"{API}/session/faults/orders", json={}) as answer:
            assert (await answer.json())["faults"] == {}
        assert (await get(ada))[0] == 200


async def test_an_answer_loses_a_field(shop):
    gateway, _ = shop
    async with client_of(gateway, "ada") as ada:
        await put(ada, drop=["json:/total"])
        assert await get(ada) == (200, {"id": 7}, "drop=json:/total")


async def test_a_rate_meets_some_of_the_calls(shop):
    gateway, asked = shop
    async with client_of(gateway, "ada") as ada:
        await put(ada, status=500, rate=0.5)
        found = {(await get(ada))[0] for _ in range(60)}
    assert found == {200, 500}  # but once in 2^59 runs
    assert 0 < len(asked) < 60


@pytest.mark.parametrize(
    ("cluster", "fault", "says"),
    [
        ("orders", {}, "does nothing"),
        ("orders", {"status": 99}, "99 is not a status"),
        ("orders", {"delay": "soon"}, "delay"),
        ("orders", {"status": 500, "rate": 0}, "a rate of 0"),
        ("oders", {"status": 500}, "the clusters are orders"),
    ],
)
async def test_what_cannot_be_injected_is_refused_by_name(shop, cluster, fault, says):
    gateway, _ = shop
    async with client_of(gateway, "ada") as ada:
        status, problem = await put(ada, cluster, **fault)
    assert status == (404 if cluster == "oders" else 400)
    assert says in problem["detail"] + problem.get("hint", "")

"""Recorded WebSockets and event streams are had again, and what the server says is compared message by message.

Covers: replay/differences/stream_difference.
"""

from __future__ import annotations

import aiohttp
from bookshop import a_shop

from gateway.replay.branch import read_set
from gateway.replay.differences.stream_difference import conversation
from gateway.replay.plan import ReplayOptions
from gateway.services.compare import compared


async def watch(url):
    """The stock of everything, then of one book, then goodbye."""
    async with (
        aiohttp.ClientSession(headers={"Gateway-Session": "ada"}) as client,
        client.ws_connect(f"{url.replace('http', 'ws', 1)}/api/catalogue/stock", protocols=("stock.v1",)) as socket,
    ):
        assert len((await socket.receive_json())["stock"]) == 5
        await socket.send_str("978-1")
        assert list((await socket.receive_json())["stock"]) == ["978-1"]
        await socket.send_str("bye")
        await socket.receive()


def said(shop, id):
    store = shop.gateway.services.store
    one = store.exchange(id)
    return [(message.sent, message.data) for message in conversation(one, store.chunks(id))]


async def test_the_same_is_said_and_answered(tmp_path):
    async with a_shop(tmp_path, buying=watch) as shop:
        result = await shop.run()
        (step,) = result.steps
        assert (step.status, step.outcome, step.recorded_status) == (101, "same", 101)
        recorded = shop.gateway.services.store.exchanges(shop.recording).items[0]
        assert said(shop, step.exchange) == said(shop, recorded.id)
        assert [sent for sent, _ in said(shop, step.exchange)] == [False, True, False, True]


async def test_elsewhere_the_server_says_something_else(tmp_path):
    async with a_shop(tmp_path, buying=watch) as shop:
        result = await shop.run(ReplayOptions(to={"catalogue": "test"}))
        (step,) = result.steps
        assert step.where == "catalogue@test" and step.outcome == "differs"
        told = {(one.pointer, one.cause) for one in step.differences if not one.expected}
        assert told == {("/0/0/stock/978-4", "route"), ("/0/0/stock/978-5", "route")}


async def test_two_recorded_conversations_are_compared_too(tmp_path):
    async with a_shop(tmp_path, buying=watch) as shop:
        result = await shop.run(ReplayOptions(to={"catalogue": "test"}))
        found = compared(shop.gateway.services.store, shop.recording, result.recording).steps[0]
        told = {one.pointer for one in found.differences if one.where == "response.messages" and not one.expected}
        assert told == {"/0/0/stock/978-4", "/0/0/stock/978-5"}
        alone = compared(shop.gateway.services.store, f"{shop.recording}/1", f"{shop.recording}/1").steps[0]
        assert alone.outcome == "same"


async def test_a_server_that_refuses_the_socket(tmp_path):
    async with a_shop(tmp_path, buying=watch) as shop:
        result = await shop.run(ReplayOptions(edits={1: [read_set("path=/api/catalogue/books")]}))
        assert (result.steps[0].status, result.steps[0].outcome) == (200, "differs")


async def follow(url):
    """Buy, and read the feed of the order until it has been shipped."""
    async with aiohttp.ClientSession(url, headers={"Gateway-Session": "ada"}) as client:

        async def ask(method, path, **more):
            async with client.request(method, path, **more) as answer:
                return await answer.json()

        signed = await ask("POST", "/api/users/login", json={"user": "ada", "password": "lovelace"})
        me = {"Authorization": f"Bearer {signed['token']}"}
        order = await ask("POST", "/api/orders/orders", json={"isbn": "978-1", "qty": 1}, headers=me)
        path = f"/orders/{order['id']}"
        await ask("POST", f"/api/payments{path}/payments", json={"amount": order["total"]})
        async with client.get(f"/api/orders{path}/events", headers=me) as feed:
            assert b"shipped" in await feed.read()


async def test_events_are_compared_with_this_runs_values(tmp_path):
    async with a_shop(tmp_path, buying=follow) as shop:
        result = await shop.run()
        feed = result.steps[3]
        assert feed.outcome == "expected", feed.differences
        told = [(one.pointer, one.cause) for one in feed.differences if one.where == "response.messages"]
        assert told == [("/0/0/order", "correlated"), ("/0/1/order", "correlated"), ("/0/2/order", "correlated")]
        texts = [data for _, data in said(shop, feed.exchange)]
        assert [text.count(b"70002") for text in texts] == [1, 1, 1] and b"shipped" in texts[2]


async def test_offline_the_recording_itself_talks(tmp_path):
    async with a_shop(tmp_path, buying=watch) as shop, aiohttp.ClientSession(shop.gateway.url) as client:
        path = f"/_gateway/api/v1/recordings/{shop.recording}/replay"
        async with client.post(path, json={"offline": True}) as answer:
            step = (await answer.json())["steps"][0]
        assert (step["status"], step["outcome"]) == (101, "same"), step["differences"]

"""A recorded WebSocket conversation is had again: the client says the same, and what the server says is compared."""

from __future__ import annotations

import aiohttp
from bookshop import a_shop

from gateway.replay.branch import read_set
from gateway.replay.messages import conversation
from gateway.replay.plan import Wanted


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
        result = await shop.run(Wanted(to={"catalogue": "test"}))
        (step,) = result.steps
        assert step.where == "catalogue@test" and step.outcome == "differs"
        told = {(one.pointer, one.cause) for one in step.differences if not one.expected}
        assert told == {("/0/0/stock/978-4", "route"), ("/0/0/stock/978-5", "route")}


async def test_a_server_that_refuses_the_socket(tmp_path):
    async with a_shop(tmp_path, buying=watch) as shop:
        result = await shop.run(Wanted(edits={1: [read_set("path=/api/catalogue/books")]}))
        assert (result.steps[0].status, result.steps[0].outcome) == (200, "differs")

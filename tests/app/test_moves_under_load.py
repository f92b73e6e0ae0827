"""A hundred moves and a hundred bad saves under the load of 32 connections: nobody notices."""

import asyncio
from itertools import cycle
from pathlib import Path

import pytest
from peers import field_of, raw_client, raw_upstream, status_of
from relaying import orders_at
from serving import serving

from gateway.store import SqliteStore

CONNECTIONS = 32
GET = b"GET /api/orders/1 HTTP/1.1\r\nHost: localhost\r\nGateway-Session: %d\r\n\r\n"

# Ways of leaving routes.yaml unusable; each is given the good text.
BAD_SAVES = [
    lambda good: good.replace("environment: qa", "environment: qaa").replace("environment: test", "environment: tset"),
    lambda good: good.replace("path:", "paht:"),
    lambda good: good + "  orders:\n    path: /x\n",
    lambda good: good.replace("version: 1", "version: on"),
    lambda good: good[: len(good) // 2] + "{",
    lambda good: "",
    lambda good: "a: [\n",
    lambda good: good.replace("    path", "\tpath"),
    lambda good: "!!python/object:os.system {}\n",
    lambda good: good.replace("http://", "ftp://"),
]


def answering(name: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(name), name)


class Load:
    """Clients that ask again and again, and what was wrong with any answer."""

    def __init__(self, url: str) -> None:
        self.url, self.going, self.answers, self.wrong = url, True, 0, []

    async def client(self, number: int) -> None:
        async with raw_client(self.url) as client:
            while self.going:
                await client.send(GET % number)
                head, body = await client.response()
                self.answers += 1
                route = field_of(head, b"Gateway-Route")
                if status_of(head) != 200 or route != b"orders@" + body:
                    self.wrong.append((head, body))

    async def __aenter__(self) -> "Load":
        self.tasks = [asyncio.create_task(self.client(n)) for n in range(CONNECTIONS)]
        return self

    async def __aexit__(self, *error) -> None:
        self.going = False
        await asyncio.gather(*self.tasks)


async def until(condition, seconds: float = 10.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


@pytest.mark.slow
async def test_moves_and_bad_saves_disturb_no_request_and_every_exchange_names_who_answered(tmp_path: Path):
    async with raw_upstream(answering(b"qa")) as qa, raw_upstream(answering(b"test")) as test:
        good = orders_at(qa.url) + f"      test: {test.url}\n"
        async with serving(tmp_path, good, reload_interval=0.05) as gateway:
            routes, file = gateway.services.routes, tmp_path / "routes.yaml"
            async with Load(gateway.url) as load:
                for _, environment in zip(range(100), cycle(("test", "qa")), strict=False):
                    await routes.move("orders", environment, source="test")
                    await asyncio.sleep(0.02)
                for _, spoil in zip(range(100), cycle(BAD_SAVES), strict=False):
                    file.write_text(spoil(good))
                    await until(lambda: routes.problems)
                    file.write_text(good)
                    await until(lambda: not routes.problems)
            assert load.wrong == [] and load.answers > 1000
            store = gateway.services.store
            assert isinstance(store, SqliteStore)
        recordings = store.recordings(limit=100).items
        assert sum(r.steps for r in recordings) == load.answers
        seen = 0
        for recording in recordings:
            cursor = None
            while True:
                page = store.exchanges(recording.id, limit=500, cursor=cursor)
                for exchange in page.items:
                    seen += 1
                    assert exchange.response is not None
                    assert exchange.response.body.data.decode() == exchange.environment
                if (cursor := page.next) is None:
                    break
        assert seen == load.answers
        store.close()


async def test_a_saved_move_is_in_force_soon_and_the_next_request_goes_there(tmp_path: Path):
    async with raw_upstream(answering(b"qa")) as qa, raw_upstream(answering(b"test")) as test:
        good = orders_at(qa.url) + f"      test: {test.url}\n"
        async with serving(tmp_path, good) as gateway, raw_client(gateway.url) as client:
            for environment in ("test", "qa", "test"):
                (tmp_path / "routes.yaml").write_text(good.replace("environment: qa", f"environment: {environment}"))
                table = gateway.services.routes
                await until(lambda e=environment, t=table: t.table.clusters["orders"].environment == e)
                await client.send(GET % 1)
                assert (await client.response())[1].decode() == environment

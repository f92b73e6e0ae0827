"""A gateway of two workers behaves as one of one process, whichever worker a connection reaches.

Covers: workers/fleet, workers/process, workers/handover, workers/sessions, workers/records.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import aiohttp
import pytest
from peers import Peer, raw_upstream
from serving import serving

from gateway.app import Gateway
from gateway.store import open_store

API = "/_gateway/api/v1"
PATIENCE = 30.0
TOKEN = "tok-7f3a9c1e5b2d8f46a0b1"


async def answer(peer: Peer) -> None:
    """Says what came: the target, and the body of what was sent. /wait/ waits for the end of the connection."""
    while True:
        head, body = await peer.request()
        target = head.split()[1]
        if b"/wait/" in target:
            await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
            await peer.reader.read()
            return
        text = json.dumps({"target": target.decode(), "sent": body.decode()}).encode()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(text))
        await peer.send(text)


@asynccontextmanager
async def two_workers(folder: Path, **options: object) -> AsyncIterator[Gateway]:
    async with raw_upstream(answer) as upstream:
        routes = (
            "version: 1\nenvironments: [test, qa]\nclusters:\n  orders:\n    path: /api/orders\n    environment: qa\n"
            f"    upstreams: {{test: '{upstream.url}/test', qa: '{upstream.url}/qa'}}\n"
        )
        async with serving(folder, routes, **{"workers": 2, **options}) as gateway:
            yield gateway


class Client:
    """One connection, of one session."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, session: str) -> None:
        self.reader, self.writer, self.session = reader, writer, session
        self.headers = b""  # of the last response

    async def call(self, path: str, body: str = "", **headers: str) -> dict[str, str]:
        """What the upstream said; the status, where somebody else answered."""
        more = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
        session = f"Gateway-Session: {self.session}\r\n" if self.session else ""
        head = f"POST /api/orders{path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{session}{more}Content-Length: {len(body)}\r\n"
        self.writer.write(f"{head}\r\n{body}".encode())
        async with asyncio.timeout(PATIENCE):
            self.headers = await self.reader.readuntil(b"\r\n\r\n")
            size = int(re.search(rb"(?i)content-length: (\d+)", self.headers)[1])
            text = await self.reader.readexactly(size)
        status = self.headers.split()[1].decode()
        return json.loads(text) if status == "200" else {"status": status}


@asynccontextmanager
async def at_each(gateway: Gateway, session: str) -> AsyncIterator[list[Client]]:
    """A connection at each worker: accepted while the others stand still."""
    clients = []
    port = int(gateway.url.rpartition(":")[2])
    for process in gateway.fleet.processes:
        others = [one for one in gateway.fleet.processes if one != process]
        for other in others:
            os.kill(other, signal.SIGSTOP)
        try:
            client = Client(*await asyncio.open_connection("127.0.0.1", port), "nobody")
            await client.call("/hello")
        finally:
            for other in others:
                os.kill(other, signal.SIGCONT)
        client.session = session
        clients.append(client)
    yield clients
    for client in clients:
        client.writer.close()


@asynccontextmanager
async def console(gateway: Gateway, session: str) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(gateway.url, headers={"Gateway-Session": session}) as client:
        yield client


async def ask(client: aiohttp.ClientSession, path: str, method: str = "GET", **given: object) -> dict:
    async with client.request(method, API + path, json=None if method == "GET" else given) as got:
        assert got.status in (200, 201), await got.text()
        return await got.json()


def stored(gateway: Gateway, session: str) -> list:
    with closing(open_store(gateway.services.options.recordings)) as store:
        recording = store.recording(session)
        return list(store.exchanges(recording.id).items)


async def test_calls_over_both_workers_are_one_recording_in_their_order(tmp_path: Path) -> None:
    async with two_workers(tmp_path) as gateway, at_each(gateway, "ann") as clients:
        for number in range(20):
            await clients[number % 2].call(f"/{number}")
        await asyncio.gather(*(one.call(f"/{name}") for one, name in zip(clients, "ab", strict=True)))
        async with console(gateway, "ann") as pages:
            assert (await ask(pages, "/session"))["steps"] == 22
            async with pages.get("/_gateway/metrics") as got:
                text = await got.text()
        assert 'gateway_requests_total{cluster="orders",environment="qa",status="200"} 24' in text
        assert "gateway_recorded_total 24" in text
        assert "gateway_clients 2" in text
        found = stored(gateway, "ann")
    assert [one.step for one in found] == list(range(1, 23))
    assert [one.path.rpartition("/")[2] for one in found][:20] == [str(number) for number in range(20)]


async def test_what_a_session_gets_counts_from_the_next_call_at_either_worker(tmp_path: Path) -> None:
    async with (
        two_workers(tmp_path) as gateway, at_each(gateway, "ann") as clients, at_each(gateway, "bob") as others,
        console(gateway, "ann") as pages,
    ):  # fmt: skip

        async def targets() -> set[str]:
            return {one.get("target") or one["status"] for one in [await client.call("/1") for client in clients]}

        assert await targets() == {"/qa/1"}
        await ask(pages, "/session/pins/orders", "PUT", environment="test")
        assert await targets() == {"/test/1"}
        await ask(pages, "/session/faults/orders", "PUT", status=418)
        assert await targets() == {"418"}
        assert {(await other.call("/1"))["target"] for other in others} == {"/qa/1"}
        await ask(pages, "/session/faults/orders", "DELETE")
        await ask(pages, "/session/pins/orders", "DELETE")
        assert await targets() == {"/qa/1"}
        begun = await ask(pages, "/session/recording", "POST", title="Second")
        await targets()
        assert {one.recording for one in stored(gateway, "Second")} == {begun["recording"]}
        assert [one.step for one in stored(gateway, "Second")] == [1, 2]


async def test_a_move_and_playback_count_from_the_next_call_at_either_worker(tmp_path: Path) -> None:
    async with (
        two_workers(tmp_path) as gateway, at_each(gateway, "ann") as clients, console(gateway, "ann") as pages,
    ):  # fmt: skip
        await clients[0].call("/1")
        for environment in ("test", "qa", "test"):
            await ask(pages, "/routes/orders/move", "POST", environment=environment)
            assert {(await one.call("/1"))["target"] for one in clients} == {f"/{environment}/1"}
        recording = stored(gateway, "ann")[0].recording
        await ask(pages, f"/recordings/{recording}/playback", "POST", end="404")
        played = [await one.call("/1") for one in clients]
        assert [one["target"] for one in played] == ["/qa/1", "/test/1"]  # as they were recorded, one after the other
        assert b"Gateway-Playback" in clients[0].headers
        assert b"Gateway-Playback" in clients[1].headers


async def test_a_token_that_one_worker_sealed_is_sealed_wherever_another_one_sees_it(tmp_path: Path) -> None:
    async with two_workers(tmp_path) as gateway, at_each(gateway, "ann") as clients:
        await clients[1].call("/before")
        await clients[0].call("/1", Authorization=f"Bearer {TOKEN}")
        await clients[1].call("/2", f'{{"note": "{TOKEN}"}}')
        await clients[1].call("/3", Authorization=f"Bearer {TOKEN[::-1]}")
        await clients[0].call(f"/4?q={TOKEN[::-1]}")
        found = stored(gateway, "ann")
    assert [one.step for one in found] == [1, 2, 3, 4, 5]
    everything = repr(found)
    assert "sealed_" in everything
    assert TOKEN not in everything
    assert TOKEN[::-1] not in everything


async def test_pages_that_watch_see_what_either_worker_relays(tmp_path: Path) -> None:
    async with two_workers(tmp_path) as gateway, at_each(gateway, "ann") as clients:
        async with gateway.services.live.subscribe() as events:
            for number, client in enumerate(clients):
                await client.call(f"/{number}")
            seen = []
            async with asyncio.timeout(PATIENCE):
                async for _, kind, data in events:
                    if kind == "exchange":
                        seen.append((data["path"], data["step"], data["status"]))
                    if len(seen) == 2:
                        break
    assert seen == [("/api/orders/0", 1, 200), ("/api/orders/1", 2, 200)]


async def test_a_client_without_a_session_gets_one_and_keeps_it(tmp_path: Path) -> None:
    async with two_workers(tmp_path) as gateway, at_each(gateway, "") as clients:
        await clients[0].call("/1")
        cookie = re.search(rb"(?i)set-cookie: ([^;]+)", clients[0].headers)[1].decode()
        for client in (*clients, *clients):
            await client.call("/2", Cookie=cookie)
            assert b"et-Cookie" not in client.headers
        (session,) = [one for one in gateway.services.sessions.all() if one.steps == 5]
        assert [one.step for one in stored(gateway, session.id)] == [1, 2, 3, 4, 5]


async def test_of_a_killed_worker_only_the_clients_fail_and_its_place_is_taken(tmp_path: Path) -> None:
    async with two_workers(tmp_path) as gateway, at_each(gateway, "ann") as clients:
        first, second = gateway.fleet.processes
        for client in clients:
            await client.call("/1")
        waiting = asyncio.create_task(clients[0].call("/wait/"))
        async with asyncio.timeout(PATIENCE):
            while not any(one.state == "open" for one in stored(gateway, "ann")):  # it shows after a second
                await asyncio.sleep(0.05)
        os.kill(first, signal.SIGKILL)
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await waiting
        await clients[1].call("/2")
        async with console(gateway, "bob") as pages:  # the one that starts learns it as well
            await ask(pages, "/routes/orders/move", "POST", environment="test")
        async with asyncio.timeout(PATIENCE):
            while first in gateway.fleet.processes or len(gateway.fleet.processes) < 2:
                await asyncio.sleep(0.01)
        assert second in gateway.fleet.processes
        async with at_each(gateway, "ann") as again:
            assert [(await client.call("/3"))["target"] for client in again] == ["/test/3", "/test/3"]
        async with asyncio.timeout(PATIENCE):
            while any(one.state == "open" for one in stored(gateway, "ann")):
                await asyncio.sleep(0.05)
        found = stored(gateway, "ann")
    assert [(one.step, one.state) for one in found] == [
        (1, "done"), (2, "done"), (3, "interrupted"), (4, "done"), (5, "done"), (6, "done"),
    ]  # fmt: skip

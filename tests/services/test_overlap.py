"""Calls that overlapped in the recording: what waits for a later one is sent ahead, everything else in its order.

Covers: replay/overlap, services/replay_run.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from sessions import session
from two_servers import Server, run, two

from gateway.app import Gateway
from gateway.replay.overlap import sent_ahead


class Board:
    """Notes that whoever listens or waits hears of: a stream, a long poll and a socket."""

    def __init__(self, first: int) -> None:
        self.first, self.held, self.changed = first, dict[int, str](), asyncio.Condition()
        self.server = Server(self.handle)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if request.path == "/events":
            return await self.stream(request)
        if request.path == "/wait":
            async with self.changed:
                await asyncio.wait_for(self.changed.wait(), 20)
            return web.json_response({"note": {"id": max(self.held)}})
        if request.path == "/ws":
            return await self.socket(request)
        if request.method == "POST":
            number = self.first + len(self.held)
            async with self.changed:
                self.held[number] = (await request.json())["text"]
                self.changed.notify_all()
            return web.json_response({"ok": True} if request.query.get("quiet") else {"id": number}, status=201)
        return web.json_response({}, status=200 if self.held.pop(int(request.path.rpartition("/")[2]), None) else 404)

    async def stream(self, request: web.Request) -> web.StreamResponse:
        stream = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await stream.prepare(request)
        await stream.write(b": hello\n\n")
        while "over" not in self.held.values():
            async with self.changed:
                await asyncio.wait_for(self.changed.wait(), 20)
            event = {"note": {"id": max(self.held)}}
            await stream.write(f"event: made\ndata: {json.dumps(event)}\n\n".encode())
        return stream

    async def socket(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            wanted = json.loads(message.data)
            await socket.send_json({"type": "dropped", "ok": self.held.pop(wanted["note"], None) is not None})
        return socket


def client(gateway: Gateway) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(gateway.url, headers={"Gateway-Session": "case"})


async def make(http: aiohttp.ClientSession, text: str, query: str = "") -> Any:
    async with http.post(f"/a/notes{query}", json={"text": text}) as response:
        return (await response.json()).get("id")


def recorded(gateway: Gateway) -> str:
    return gateway.services.store.recording("@last").id


async def test_a_stream_stays_open_while_the_calls_that_it_tells_of_are_sent(tmp_path: Path) -> None:
    """Its event gives the id that a later call needs, and no response gives it."""
    dev, qa = Board(3), Board(40)
    qa.held |= {3: "own", 4: "own"}
    async with two(tmp_path, dev.server, qa.server) as gateway, client(gateway) as http:
        async with http.get("/a/events") as stream:
            await stream.content.readuntil(b"\n\n")
            await make(http, "a", "?quiet=1")
            event = await stream.content.readuntil(b"\n\n")
            number = json.loads(event.partition(b"data: ")[2])["note"]["id"]
            async with http.delete(f"/a/notes/{number}"):
                pass
            await make(http, "over")
            await stream.content.read()
        result = await run(gateway, recorded(gateway))
        assert {one.outcome for one in result.steps} <= {"same", "expected"}, result.steps
        assert qa.held == {3: "own", 4: "own", 42: "over"}


async def test_a_read_that_waited_for_a_write_is_open_when_the_write_is_sent(tmp_path: Path) -> None:
    dev, qa = Board(3), Board(40)
    qa.held |= {3: "own"}
    async with two(tmp_path, dev.server, qa.server) as gateway, client(gateway) as http:
        waits = asyncio.create_task(_json(http, "/a/wait"))
        await asyncio.sleep(0.3)
        await make(http, "a", "?quiet=1")
        number = (await waits)["note"]["id"]
        async with http.delete(f"/a/notes/{number}"):
            pass
        result = await run(gateway, recorded(gateway))
        assert [one.status for one in result.steps] == [200, 201, 200] and qa.held == {3: "own"}
        assert {one.outcome for one in result.steps} <= {"same", "expected"}


async def test_a_message_of_an_open_socket_has_the_id_of_a_call_beside_it(tmp_path: Path) -> None:
    dev, qa = Board(3), Board(40)
    qa.held |= {3: "own"}
    async with two(tmp_path, dev.server, qa.server) as gateway, client(gateway) as http:
        async with http.ws_connect("/a/ws") as socket:
            number = await make(http, "a")
            await socket.send_json({"type": "drop", "note": number})
            assert (await socket.receive_json())["ok"]
        result = await run(gateway, recorded(gateway))
        assert qa.held == {3: "own"} and {one.outcome for one in result.steps} <= {"same", "expected"}


async def _json(http: aiohttp.ClientSession, path: str) -> Any:
    async with http.get(path) as response:
        return await response.json()


OVERLAPS = """
GET /slow
@ 0 {slow}
-> 200

POST /orders
@ 100 50
-> 201

{method} /orders/1
@ 120 {other}
-> 200
"""


def ahead(**facts: object) -> set[int]:
    return set(sent_ahead(session(OVERLAPS.format(**{"slow": 500, "method": "GET", "other": 20} | facts))))


def test_only_reads_during_which_a_write_began_are_sent_ahead() -> None:
    assert ahead() == {1}
    assert ahead(slow=120) == {1}, "it may have ended because of the write"
    assert ahead(slow=90) == set(), "it had ended before"
    assert ahead(method="DELETE", other=500) == {1}, "two writes are never open beside one another"


def test_reads_beside_reads_are_sent_in_their_order() -> None:
    assert set(sent_ahead(session(OVERLAPS.format(slow=500, method="GET", other=20).replace("POST", "GET")))) == set()

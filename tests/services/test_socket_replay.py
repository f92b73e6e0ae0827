"""A WebSocket's and an event stream's values in a replay, on servers with other ids.

Covers: replay/message_values, replay/socket_client.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from two_servers import Server, run, two

from gateway.app import Gateway
from gateway.replay.plan import ReplayOptions

Speak = Callable[[web.WebSocketResponse, dict[str, Any]], Awaitable[None]]


def boxes(first: int) -> tuple[Server, dict[int, str], list[dict[str, Any]]]:
    """Boxes by HTTP and over a socket, numbered from `first`; every message that came."""
    held: dict[int, str] = {}
    came: list[dict[str, Any]] = []

    def make(text: str) -> int:
        number = first + len(held)
        held[number] = text
        return number

    async def handler(request: web.Request) -> web.StreamResponse:
        if request.path == "/ws":
            socket = web.WebSocketResponse()
            await socket.prepare(request)
            await socket.send_json({"type": "welcome", "heartbeat": 30})
            async for message in socket:
                wanted = json.loads(message.data)
                came.append(wanted)
                if wanted["type"] == "make":
                    await socket.send_json({"type": "noise", "load": len(held)})
                    await socket.send_json(
                        {"type": "box.made", "box": {"id": make(wanted["label"])}, "re": wanted["id"]}
                    )
                elif wanted["type"] == "drop":
                    gone = held.pop(wanted.get("box", wanted.get("wobble")), None)
                    await socket.send_json({"type": "dropped", "ok": gone is not None, "re": wanted["id"]})
            return socket
        if request.path == "/events":
            stream = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
            await stream.prepare(request)
            number = make("of an event")
            await stream.write(f'event: made\ndata: {{"box": {{"id": {number}}}}}\n\n'.encode())
            return stream
        if request.method == "POST":
            return web.json_response({"id": make("by http")}, status=201)
        return web.json_response({}, status=200 if held.pop(int(request.path.rpartition("/")[2]), None) else 404)

    return Server(handler), held, came


async def speak(gateway: Gateway, *messages: dict[str, Any], path: str = "/ws") -> list[dict[str, Any]]:
    """What the server says to these messages; callables make them of what it said before."""
    said: list[dict[str, Any]] = []
    headers = {"Gateway-Session": "case"}
    async with aiohttp.ClientSession(gateway.url) as client, client.ws_connect(f"/a{path}", headers=headers) as socket:
        said.append(await socket.receive_json())
        for message in messages:
            await socket.send_json({key: value(said) if callable(value) else value for key, value in message.items()})
            while said[-1].get("re") != message["id"]:
                said.append(await socket.receive_json())
    return said


def made(said: list[dict[str, Any]]) -> Any:
    return next(each["box"]["id"] for each in reversed(said) if "box" in each)


async def http(gateway: Gateway, method: str, path: str) -> Any:
    headers = {"Gateway-Session": "case"}
    async with aiohttp.ClientSession(gateway.url, headers=headers) as client:
        async with client.request(method, f"/a{path}") as response:
            return await (response.text() if "event" in response.content_type else response.json())


def recorded(gateway: Gateway) -> str:
    return gateway.services.store.recording("@last").id


@pytest.mark.parametrize("name", ["box", "wobble"])
async def test_a_small_id_of_an_earlier_response_goes_out_new_in_a_message_or_not_at_all(
    tmp_path: Path, name: str
) -> None:
    (dev, _, _), (qa, held, came) = boxes(3), boxes(40)
    held |= {3: "own"}
    async with two(tmp_path, dev, qa) as gateway:
        number = (await http(gateway, "POST", "/boxes"))["id"]
        await speak(gateway, {"type": "drop", name: number, "id": 1})
        result = await run(gateway, recorded(gateway))
        assert held == {3: "own"} if name == "box" else held == {3: "own", 41: "by http"}
        if name == "box":
            assert came == [{"type": "drop", "box": 41, "id": 1}] and result.steps[1].outcome in ("same", "expected")
        else:
            assert came == [] and result.steps[1].outcome == "stopped"
            for word in ("message 1 of the client", "/wobble is 3", "this run has 41", "--yes-to 2"):
                assert word in result.steps[1].message
            await run(gateway, recorded(gateway), ReplayOptions(to={"a": "qa"}, yes_to=frozenset((2,))))
            assert came == [{"type": "drop", "wobble": 3, "id": 1}]


async def test_a_small_id_that_a_message_gave_goes_out_new_in_the_next_ones_and_over_http(tmp_path: Path) -> None:
    (dev, _, _), (qa, held, came) = boxes(3), boxes(40)
    held |= {3: "own", 4: "own"}
    async with two(tmp_path, dev, qa) as gateway:
        said = await speak(
            gateway,
            {"type": "make", "label": "a", "id": 1},
            {"type": "make", "label": "b", "id": 2},
            {"type": "drop", "box": made, "id": 3},
        )
        first = next(each["box"]["id"] for each in said if "box" in each)
        await http(gateway, "DELETE", f"/boxes/{first}")
        result = await run(gateway, recorded(gateway))
        assert [each.get("box") for each in came] == [None, None, 43]
        assert held == {3: "own", 4: "own"}, result.steps
        assert {each.outcome for each in result.steps} <= {"same", "expected"}


async def test_a_small_id_that_an_event_gave_goes_out_new(tmp_path: Path) -> None:
    (dev, _, _), (qa, held, _) = boxes(3), boxes(40)
    held |= {3: "own"}
    async with two(tmp_path, dev, qa) as gateway:
        text = await http(gateway, "GET", "/events")
        await http(gateway, "DELETE", f"/boxes/{json.loads(text.partition('data: ')[2])['box']['id']}")
        result = await run(gateway, recorded(gateway))
        assert held == {3: "own"} and result.steps[1].status == 200

"""Synapse, a Matrix homeserver: rooms, events and sync tokens. Client: matrix-nio."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import requests
from common import TAG, check, main
from nio import AsyncClient, AsyncClientConfig


async def signed_in(base: str, name: str, session: str = "") -> AsyncClient:
    headers = {"Gateway-Session": session} if session else {}
    config = AsyncClientConfig(custom_headers=headers, max_limit_exceeded=0, max_timeouts=1)
    c = AsyncClient(base, name, config=config)
    said = await c.login("lovelace", device_name="flow")
    check(c.access_token, said)
    return c


def good(said: Any) -> Any:
    check("Error" not in type(said).__name__, said)
    return said


async def _seed(base: str) -> None:
    c = await signed_in(base, "bob")
    room = good(await c.room_create(name="own", topic="of the other server")).room_id
    good(await c.room_send(room, "m.room.message", {"msgtype": "m.text", "body": "own"}))
    await c.close()


def seed(base: str) -> None:
    asyncio.run(_seed(base))


async def _flow(base: str, session: str) -> None:
    c = await signed_in(base, "ann", session)
    room = good(await c.room_create(name=f"crew {TAG}", topic="boats")).room_id
    other = good(await c.room_create(name=f"quiet {TAG}")).room_id
    first = good(await c.room_send(room, "m.room.message", {"msgtype": "m.text", "body": "ahoy"}, tx_id="t1")).event_id
    second = good(await c.room_send(room, "m.room.message", {"msgtype": "m.text", "body": "oops"}, tx_id="t2")).event_id
    good(await c.room_redact(room, second, reason="typing", tx_id="t3"))
    relation = {"m.relates_to": {"rel_type": "m.annotation", "event_id": first, "key": "+"}}
    good(await c.room_send(room, "m.reaction", relation, tx_id="t4"))
    good(await c.sync(timeout=0, full_state=False))
    good(await c.room_put_state(room, "m.room.topic", {"topic": "new boats"}))
    page = good(await c.sync(timeout=0, since=c.next_batch))
    check(room in page.rooms.join, page)
    good(await c.room_messages(room, start=page.next_batch, limit=5))
    good(await c.room_read_markers(room, fully_read_event=first, read_event=first))
    good(await c.room_leave(other))
    good(await c.logout())
    await c.close()


def flow(base: str, session: str) -> None:
    asyncio.run(_flow(base, session))


def state(base: str) -> Iterator[str]:
    for name in ("ann", "bob"):
        body = {"type": "m.login.password", "identifier": {"type": "m.id.user", "user": name}, "password": "lovelace"}
        token = requests.post(f"{base}/_matrix/client/v3/login", json=body).json()["access_token"]
        get = requests.Session()
        get.headers["Authorization"] = f"Bearer {token}"
        for room in get.get(f"{base}/_matrix/client/v3/joined_rooms").json()["joined_rooms"]:
            states = {
                one["type"]: one["content"] for one in get.get(f"{base}/_matrix/client/v3/rooms/{room}/state").json()
            }
            label = f"{name}: {states['m.room.name']['name']} ({states.get('m.room.topic', {}).get('topic')})"
            yield f"room {label}"
            events = get.get(f"{base}/_matrix/client/v3/rooms/{room}/messages?dir=b&limit=50").json()["chunk"]
            bodies = {
                one["event_id"]: one["content"].get("body", "redacted")
                for one in events
                if one["type"] == "m.room.message"
            }
            yield from (f"message {body} in {label}" for body in bodies.values())
            for one in events:
                if one["type"] == "m.reaction":
                    yield f"reaction in {label} to {bodies.get(one['content']['m.relates_to']['event_id'])}"


main(seed, flow, state)

"""Server-sent events for pages and programs that watch. I/O."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from aiohttp import web

from ..services.status import routes_event
from ..web.access import still_in
from ..web.keys import SERVICES
from .operation import ApiCall, ApiField
from .schemas import TEXT

if TYPE_CHECKING:
    from ..protocols import Services

HEARTBEAT = 15.0  # seconds of silence after which a comment is sent, so that a dead connection is noticed


async def live(request: web.Request) -> web.StreamResponse:
    """Events as they happen; first "hello" with the state of things, then what came after Last-Event-ID."""
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    async with request.app[SERVICES].live.subscribe(_after(request)) as events:
        with contextlib.suppress(ConnectionError):  # the reader went away, as readers do
            await response.prepare(request)
            await response.write(b"retry: 1000\n\n" + _event("hello", _state(request.app[SERVICES])))
            async for piece in _pieces(events):
                if not still_in(request):
                    break
                await response.write(piece)
    return response


async def _pieces(events: AsyncIterator[tuple[int, str, Mapping[str, Any]]]) -> AsyncIterator[bytes]:
    """Each event as it is written, and a comment after every silence."""
    while True:
        try:
            async with asyncio.timeout(HEARTBEAT):
                id, event, data = await anext(events)
        except TimeoutError:
            yield b": still here\n\n"
        except StopAsyncIteration:
            return
        else:
            yield _event(event, data, id)


def _state(services: Services) -> dict[str, Any]:
    return {"routes": routes_event(services, ()), "recorder": asdict(services.recorder.status())}


def _after(request: web.Request) -> int | None:
    text = request.headers.get("Last-Event-ID") or request.query.get("after", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else None


def _event(name: str, data: Mapping[str, Any], id: int | None = None) -> bytes:
    # JSON has no raw line breaks, so the data is always one line.
    number = f"id: {id}\n" if id is not None else ""
    return f"{number}event: {name}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n".encode()


OPERATIONS = (
    ApiCall(
        "GET",
        "live",
        live,
        "Events (exchange, routes, health, recorder) as they happen; Last-Event-ID continues",
        TEXT,
        query=(ApiField("after", "string", "an event id to continue from, as Last-Event-ID"),),
        media="text/event-stream",
    ),
)

"""The JSON API's calls that make recordings out of recordings, and count what the store holds. I/O."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any

from aiohttp import web

from ..errors import UsageError
from ..model.json_shapes import recording_json
from ..services import listing
from ..store.compose import Composition, merged, split, trimmed
from ..store.sqlite.statistics import Statistics
from ..web.keys import SERVICES
from .operation import ApiCall, ApiField, read_body
from .schemas import INTEGER, NUMBER_OR_NULL, TEXT, page, shape

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..protocols import Services

TITLE = ApiField("title", "string", "the new recording's title")
TRIM = (
    ApiField("from", "integer", "the first step to keep"),
    ApiField("until", "integer", "the last step to keep"),
    ApiField("without", "strings", "steps to leave out, as numbers"),
    TITLE,
)
SPLIT = (ApiField("at", "strings", "the steps that begin another recording, as numbers", required=True), TITLE)
MERGE = (
    ApiField("recordings", "strings", "which, two or more", required=True),
    ApiField("append", "boolean", "one after the other; without it by time"),
    TITLE,
)


async def trim_recording(request: web.Request) -> web.Response:
    body = await read_body(request, TRIM)
    services = request.app[SERVICES]
    found = await listing.recording(services, request.match_info["id"])
    without = numbers(body.get("without", ()))
    new = trimmed(found, body.get("from", 1), body.get("until"), without, title=body.get("title", ""))
    return await _made(services, [new])


async def split_recording(request: web.Request) -> web.Response:
    body = await read_body(request, SPLIT)
    services = request.app[SERVICES]
    found = await listing.recording(services, request.match_info["id"])
    return await _made(services, split(found, numbers(body["at"]), title=body.get("title", "")))


async def merge_recordings(request: web.Request) -> web.Response:
    body = await read_body(request, MERGE)
    services = request.app[SERVICES]
    found = [await listing.recording(services, ref) for ref in body["recordings"]]
    return await _made(services, [merged(found, by_time=not body.get("append"), title=body.get("title", ""))])


async def _made(services: Services, wanted: Sequence[Composition]) -> web.Response:
    ids = await asyncio.wrap_future(services.recorder.compose(wanted))
    items = [recording_json(await listing.recording(services, id)) for id in ids]
    return web.json_response({"items": items, "next": None}, status=201)


def numbers(texts: Sequence[str]) -> list[int]:
    """Steps as numbers; UsageError names one that is none."""
    for text in texts:
        if not (text.isascii() and text.isdigit() and len(text) < 10):
            raise UsageError(f"{text[:40]!r} is not the number of a step")
    return [int(text) for text in texts]


async def get_statistics(request: web.Request) -> web.Response:
    services = request.app[SERVICES]
    counted = await asyncio.to_thread(services.store.statistics)
    return web.json_response(asdict(counted) | {"recorder": asdict(services.recorder.status())})


COUNTS: dict[str, Any] = dict.fromkeys(
    (one.name for one in fields(Statistics) if one.name not in ("oldest", "newest")), INTEGER
)
STATUS = shape(recorded=INTEGER, missed=INTEGER, backlog=INTEGER, reason=TEXT)
OPERATIONS = (
    ApiCall(
        "POST",
        "recordings/{id}/trim",
        trim_recording,
        "A new recording of some of the steps",
        page("Recording"),
        body=TRIM,
    ),
    ApiCall(
        "POST",
        "recordings/{id}/split",
        split_recording,
        "New recordings, each of a part",
        page("Recording"),
        body=SPLIT,
    ),
    ApiCall("POST", "merge", merge_recordings, "A new recording of several", page("Recording"), body=MERGE),
    ApiCall(
        "GET",
        "statistics",
        get_statistics,
        "What the recordings file holds, and what this gateway recorded and missed",
        shape(**COUNTS, oldest=NUMBER_OR_NULL, newest=NUMBER_OR_NULL, recorder=STATUS),
    ),
)

"""The JSON API's calls about recordings and exchanges. I/O."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

from aiohttp import web

from ..errors import NotFoundError
from ..export import FORMATS, format_named
from ..model.bodies import charset, codings, text_of
from ..model.json_shapes import exchange_json, recording_json
from ..services import changes, listing
from ..services.export import Wish, exported, routing_of
from ..web.access import who_of
from ..web.keys import SERVICES
from .operation import ApiCall, ApiField, query_int, query_text, read_body
from .schemas import TEXT, page, ref, shape

if TYPE_CHECKING:
    from ..model.exchange import Exchange
    from ..model.message import Message
    from ..model.recording import Page

FILTER = ApiField("q", "string", "plain words and key:value terms, such as status:404 cluster:orders")
LIMIT = ApiField("limit", "integer", "how many at most")
CURSOR = ApiField("cursor", "string", "`next` of the slice before")
CHANGES = (
    ApiField("title", "string", "the recording's title"),
    ApiField("note", "string", "a note to add"),
    ApiField("tags", "strings", "tags to add"),
    ApiField("pinned", "boolean", "keep it from being tidied away"),
    ApiField("step", "integer", "add the note and the tags to this step instead"),
)

# Served for saving only: whatever was recorded, a browser must not run it with the console's rights.
RAW_HEADERS = {"Content-Security-Policy": "sandbox; default-src 'none'; frame-ancestors 'none'"}


async def list_recordings(request: web.Request) -> web.Response:
    found = await asyncio.to_thread(
        request.app[SERVICES].store.recordings,
        query_text(request, "q"),
        limit=query_int(request, "limit", 50, most=1000),
        cursor=request.query.get("cursor"),
    )
    return web.json_response({"items": [recording_json(one) for one in found.items], "next": found.next})


async def get_recording(request: web.Request) -> web.Response:
    services = request.app[SERVICES]
    found = await listing.recording(services, request.match_info["id"])
    past = await asyncio.to_thread(listing.past_gateway, services, found.id)
    return web.json_response(recording_json(found) | past)


async def change_recording(request: web.Request) -> web.Response:
    body = await read_body(request, CHANGES)
    services = request.app[SERVICES]
    id = await changes.annotate(services, request.match_info["id"], **body)
    return web.json_response(recording_json(await listing.recording(services, id)))


async def delete_recording(request: web.Request) -> web.Response:
    deleted = await changes.delete(request.app[SERVICES], request.match_info["id"], source="api", who=who_of(request))
    return web.json_response({"deleted": deleted})


async def list_exchanges(request: web.Request) -> web.Response:
    services = request.app[SERVICES]
    recording = await listing.recording(services, request.match_info["id"])
    limit, query = query_int(request, "limit", 1000, most=1000), query_text(request, "q")
    found = await listing.exchanges(
        services, recording.id, limit=limit, cursor=request.query.get("cursor"), query=query
    )
    text = await asyncio.to_thread(_exchanges, found)  # bodies may be large: not on the event loop
    return web.Response(text=text, content_type="application/json")


async def get_exchange(request: web.Request) -> web.Response:
    return web.json_response(exchange_json(await listing.exchange(request.app[SERVICES], request.match_info["id"])))


async def get_request_body(request: web.Request) -> web.Response:
    found = await listing.exchange(request.app[SERVICES], request.match_info["id"])
    return _raw(found.request, f"{found.id}-request")


async def get_response_body(request: web.Request) -> web.Response:
    found = await listing.exchange(request.app[SERVICES], request.match_info["id"])
    if found.response is None:
        raise NotFoundError(f"exchange {found.id} has no response")
    return _raw(found.response, f"{found.id}-response")


async def list_chunks(request: web.Request) -> web.Response:
    services = request.app[SERVICES]
    found = await listing.exchange(services, request.match_info["id"])
    return web.json_response({"items": await listing.pieces(services, found), "next": None})


async def export_recording(request: web.Request) -> web.Response:
    services = request.app[SERVICES]
    wish = Wish(
        format=format_named(query_text(request, "as", "json")),
        refs=[request.match_info["id"], *filter(None, query_text(request, "also").split(","))],
        variants=query_text(request, "variants") in ("yes", "true", "1"),
        cluster=query_text(request, "cluster"),
        steps=query_text(request, "steps"),
    )
    found = await asyncio.to_thread(exported, services.store, wish, routing_of(services.routes.table))
    text = found.media_type != "application/zip"
    headers = {
        **RAW_HEADERS,
        "Content-Type": f"{found.media_type}; charset=utf-8" if text else found.media_type,
        "Content-Disposition": f'attachment; filename="{found.name}"',
    }
    return web.Response(body=found.data, headers=headers)


def _exchanges(found: Page[Exchange]) -> str:
    return json.dumps({"items": [exchange_json(one) for one in found.items], "next": found.next})


def _raw(message: Message, name: str) -> web.Response:
    """The stored bytes, to be saved; as text where they are, never as what they claim to be."""
    charset = _charset(message)
    suffix = ".txt" if charset else ".bin"
    headers = {
        **RAW_HEADERS,
        "Content-Type": f"text/plain; charset={charset}" if charset else "application/octet-stream",
        "Content-Disposition": f'attachment; filename="{name}{suffix}"',
    }
    return web.Response(body=message.body.data, headers=headers)


def _charset(message: Message) -> str:
    """The Python name of the charset when the stored bytes are text as they stand, else ""."""
    if codings(message) or text_of(message) is None:
        return ""
    name = charset(message)
    try:
        message.body.data.decode(name)
    except ValueError:
        return ""
    return name


OPERATIONS = (
    ApiCall(
        "GET",
        "recordings",
        list_recordings,
        "Recordings, newest first",
        page("Recording"),
        query=(
            FILTER,
            LIMIT,
            CURSOR,
        ),
    ),
    ApiCall("GET", "recordings/{id}", get_recording, "One recording", ref("Recording")),
    ApiCall(
        "PATCH",
        "recordings/{id}",
        change_recording,
        "Set title and pin; add a note and tags",
        ref("Recording"),
        body=CHANGES,
    ),
    ApiCall("DELETE", "recordings/{id}", delete_recording, "Delete a recording for good", shape(deleted=TEXT)),
    ApiCall(
        "GET",
        "recordings/{id}/exchanges",
        list_exchanges,
        "The steps of a recording, in order",
        page("Exchange"),
        query=(FILTER, LIMIT, CURSOR),
    ),
    ApiCall(
        "GET",
        "recordings/{id}/export",
        export_recording,
        "The recording in another format",
        TEXT,
        query=(
            ApiField("as", "string", f"one of {', '.join(FORMATS)}; json without it"),
            ApiField("also", "string", "further recordings for the same file, separated by commas"),
            ApiField("variants", "string", "yes: the what-ifs of these recordings as well"),
            ApiField("cluster", "string", "one cluster's file, where the format has one per cluster"),
            ApiField("steps", "string", "only these steps: 12-40, 12- or 12"),
        ),
        media="*/*",
    ),
    ApiCall("GET", "exchanges/{id}", get_exchange, "One exchange", ref("Exchange")),
    ApiCall(
        "GET",
        "exchanges/{id}/request-body",
        get_request_body,
        "The request's body as stored, to be saved",
        TEXT,
        media="*/*",
    ),
    ApiCall(
        "GET",
        "exchanges/{id}/response-body",
        get_response_body,
        "The response's body as stored, to be saved",
        TEXT,
        media="*/*",
    ),
    ApiCall(
        "GET",
        "exchanges/{id}/chunks",
        list_chunks,
        "The WebSocket frames or events of a stream, decoded",
        page("Piece"),
    ),
)

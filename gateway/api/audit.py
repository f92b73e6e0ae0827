"""The JSON API's call that lists the audit log. I/O."""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp import web

from ..model.audit import audit_json
from ..web.keys import SERVICES
from .operation import ApiCall, ApiField, query_int
from .schemas import page


async def read_audit(request: web.Request) -> dict[str, Any]:
    """A slice of the audit, newest first: ?q=words&limit=50&cursor=."""
    found = await asyncio.to_thread(
        request.app[SERVICES].store.audit,
        request.query.get("q", ""),
        limit=query_int(request, "limit", 50, most=1000),
        cursor=request.query.get("cursor"),
    )
    return {"items": [audit_json(entry) for entry in found.items], "next": found.next}


async def list_audit(request: web.Request) -> web.Response:
    return web.json_response(await read_audit(request))


OPERATIONS = (
    ApiCall(
        "GET",
        "audit",
        list_audit,
        "Who moved, deleted or unmasked what, newest first",
        page("AuditEntry"),
        query=(
            ApiField("q", "string", "words that stand somewhere in an entry"),
            ApiField("limit", "integer", "how many at most"),
            ApiField("cursor", "string", "`next` of the slice before"),
        ),
    ),
)

"""The audit of what people do here: every move, deletion and unmasking, with who asked. I/O."""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from aiohttp import web

from ..model.audit import Action, AuditEntry, Who, audit_json
from .access import login_of
from .keys import SERVICES, SESSION_OF
from .operation import Field, Operation, query_int
from .schemas import page

if TYPE_CHECKING:
    from ..protocols import Services

log = logging.getLogger("gateway.audit")


def who_of(request: web.Request) -> Who:
    """Whoever sent this request, as far as it can be known."""
    login, session = login_of(request), request.app[SESSION_OF](request).id
    if login is None:  # nobody needs to sign in
        return Who("operator", session, request.remote or "")
    return Who(login.role, session, request.remote or "", " ".join(filter(None, (login.name, login.handle))))


def note(services: Services, action: Action, subject: str, detail: str = "", *, who: Who, source: str) -> Future[None]:
    """Write a line of the audit. What must not happen unseen, an unmasking, awaits the result first:

        await asyncio.wrap_future(note(services, "reveal", f"{id}/{step}", who=who_of(request), source="console"))

    Else nobody need wait: a line that cannot be stored is in the log.
    """
    entry = AuditEntry(action, subject, detail, source, who)
    future = services.recorder.add_audit(entry)
    future.add_done_callback(lambda done: _tell(entry, done))
    return future


def _tell(entry: AuditEntry, done: Future[None]) -> None:
    if not done.cancelled() and done.exception() is not None:
        log.error("not in the audit, because the store fails: %s", ascii(audit_json(entry)))


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
    Operation(
        "GET",
        "audit",
        list_audit,
        "Who moved, deleted or unmasked what, newest first",
        page("AuditEntry"),
        query=(
            Field("q", "string", "words that stand somewhere in an entry"),
            Field("limit", "integer", "how many at most"),
            Field("cursor", "string", "`next` of the slice before"),
        ),
    ),
)

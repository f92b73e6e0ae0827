"""The JSON API's calls about secrets: seal a recording for good, reveal those of an exchange, change the keys. I/O."""

from __future__ import annotations

from aiohttp import web

from ..errors import UsageError
from ..routes.patterns import problem_of
from ..routes.table import RedactRules
from ..services import sealing
from ..web.access import who_of
from ..web.keys import SERVICES
from .operation import ApiCall, ApiField, read_body
from .schemas import INTEGER, TEXT, TEXTS, shape

RULES = (
    ApiField("headers", "strings", "names of header fields; with any of the three, instead of the rules in force"),
    ApiField("json", "strings", "JSONPaths"),
    ApiField("query", "strings", "keys of queries, forms and multipart"),
)
REVEAL = (
    ApiField("why", "string", "what you need it for; the audit keeps it", required=True),
    ApiField("names", "strings", "the placeholders to reveal; all of the exchange without them"),
)


async def seal_recording(request: web.Request) -> web.Response:
    body = await read_body(request, RULES)
    for problem in filter(None, map(problem_of, body.get("json", ()))):
        raise UsageError(problem)
    rules = (
        RedactRules(
            frozenset(name.lower() for name in body.get("headers", ())),
            tuple(body.get("json", ())),
            frozenset(body.get("query", ())),
        )
        if body
        else None
    )
    id, changed = await sealing.seal(
        request.app[SERVICES], request.match_info["id"], rules, source="api", who=who_of(request)
    )
    return web.json_response({"recording": id, "changed": changed})


async def reveal_secrets(request: web.Request) -> web.Response:
    body = await read_body(request, REVEAL)
    found, secrets = await sealing.reveal(
        request.app[SERVICES],
        request.match_info["id"],
        body.get("names", ()),
        body["why"],
        source="api",
        who=who_of(request),
    )
    return web.json_response(
        {"exchange": found.id, "recording": found.recording, "step": found.step, "secrets": secrets}
    )


async def rotate_keys(request: web.Request) -> web.Response:
    return await _changed(request, sealing.rotate)


async def renew_keys(request: web.Request) -> web.Response:
    return await _changed(request, sealing.renew)


async def retire_keys(request: web.Request) -> web.Response:
    return await _changed(request, sealing.retire)


async def _changed(request: web.Request, change: sealing.KeyChange) -> web.Response:
    await read_body(request, ())
    return web.json_response(await change(request.app[SERVICES], source="api", who=who_of(request)))


KEYS = shape(keys=TEXTS, renewed=INTEGER, lost=INTEGER, retired=INTEGER)
OPERATIONS = (
    ApiCall(
        "POST",
        "recordings/{id}/redact",
        seal_recording,
        "Seal for good what the stored recording holds under younger rules",
        shape(recording=TEXT, changed=INTEGER),
        body=RULES,
    ),
    ApiCall(
        "POST",
        "exchanges/{id}/reveal",
        reveal_secrets,
        "The secrets of an exchange by placeholder, once the audit knows who asked, and why",
        shape(exchange=TEXT, recording=TEXT, step=INTEGER, secrets={"type": "object"}),
        body=REVEAL,
    ),
    ApiCall("POST", "keys/rotate", rotate_keys, "A new key for everything; sessions begin new recordings", KEYS),
    ApiCall("POST", "keys/renew", renew_keys, "Bring all sealed secrets under the newest key", KEYS),
    ApiCall("POST", "keys/retire", retire_keys, "The same, and then take the older keys away", KEYS),
)

"""The JSON API's calls that replay recordings: replay, branch, differences. I/O."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

from aiohttp import web

from ..errors import UsageError
from ..replay.compare import comparison_json
from ..services import listing
from ..services.compare import compared
from ..services.replay_request import branch_order, read_edits, replay_order
from ..services.stepwise_replay import WORDS
from ..services.variants import variants, what_ifs
from ..web.keys import SERVICES, STEPPERS
from .operation import ApiCall, ApiField, query_int, query_text, read_body
from .recordings import CURSOR, LIMIT
from .replay_runs import answer
from .schemas import INTEGER, INTEGER_OR_NULL, TEXT, TEXT_OR_NULL, TEXTS, page, shape

if TYPE_CHECKING:
    pass

YES = ApiField("yes", "boolean", "let writes pass whose guard says ask")
TO = ApiField("to", "strings", "cluster=environment: where to send the steps of a cluster")
TITLE = ApiField("title", "string", "the new recording's title")
UNTIL_DIFFERS = ApiField("stop_on_difference", "boolean", "stop after the first step that really differs")
DECISIONS = (
    ApiField("accept", "strings", "ids of suggested correlations that this run binds"),
    ApiField("declare", "strings", "bindings of this run, such as 3:path.order_id=2:json:/id"),
    ApiField("yes_to", "integers", "writes that go out with a recorded value that this run has otherwise"),
    ApiField(
        "fresh", "strings", "inputs that get a new value wherever they are sent, such as a name that must be unique"
    ),
    ApiField("wait", "number", "seconds that a poll is repeated until it has the recorded state (30); 0 = never"),
    ApiField("pace", "string", "fast, or recorded: the steps as far apart as they were"),
)
REPLAY = (
    YES,
    TO,
    *DECISIONS,
    ApiField("offline", "boolean", "answered from the recording itself, no upstream touched"),
    ApiField("as_recorded", "boolean", "send every step to the environment that answered it then"),
    ApiField("from", "integer", "the first step to send"),
    ApiField("until", "integer", "the last step to send"),
    ApiField("set", "strings", "STEP:PLACE=VALUE, such as 3:json:/qty=2"),
    ApiField("stepwise", "boolean", "wait before every step, and say so"),
    UNTIL_DIFFERS,
    ApiField("only_assertions", "boolean", "differences are shown, but only assertions decide"),
    TITLE,
)
EDITS = (
    ApiField("set", "strings", "PLACE=VALUE, such as json:/qty=2, query:page=3, path:4=978-9, header:X-Tenant=blue"),
    ApiField("unset", "strings", "a place to take away"),
    ApiField("header", "strings", "NAME: VALUE; without a value the field is taken away"),
)
WORD = (
    ApiField("do", "string", f"{', '.join(WORDS)}: run sends the rest without asking", required=True),
    ApiField("until", "integer", "with run: ask again after this step"),
    *EDITS,
)
BRANCH = (
    ApiField("step", "integer", "the step that is changed", required=True),
    *EDITS,
    ApiField("env", "strings", "cluster=environment for this one step"),
    ApiField("delay", "number", "seconds: its answer comes so much later"),
    ApiField(
        "status", "integer", "its answer has this status; the upstream is not asked, unless the answer is altered"
    ),
    ApiField("alter", "strings", "PLACE=VALUE of its answer, such as json:/price=0 or header:ETag=x"),
    ApiField("drop", "strings", "a place of its answer to take away, such as json:/id"),
    ApiField("repeat", "boolean", "send it twice"),
    ApiField("swap", "integer", "send it in the place of this step, and that one in its place"),
    ApiField("until", "integer", "the last step to send"),
    TO,
    YES,
    *DECISIONS,
    TITLE,
)
DIFFERENCE = shape(where=TEXT, pointer=TEXT, recorded={}, replayed={}, severity=TEXT, cause=TEXT, kind=TEXT, why=TEXT)
STEP = shape(
    step={"type": "integer"}, status=INTEGER_OR_NULL, recorded_status=INTEGER_OR_NULL, outcome=TEXT,
    differences={"type": "array", "items": DIFFERENCE}, bindings=TEXTS, message=TEXT_OR_NULL,
)  # fmt: skip
RESULT = shape(
    recording=TEXT_OR_NULL, of=TEXT, outcome=TEXT, steps={"type": "array", "items": STEP}, warnings=TEXTS,
    confirmed=TEXTS,
)  # fmt: skip
STEPWISE = shape(
    token=TEXT, of=TEXT, total=INTEGER, steps={"type": "array", "items": STEP}, waits={}, result={}, error=TEXT_OR_NULL
)  # fmt: skip
COMPARED = shape(
    a=INTEGER_OR_NULL, b=INTEGER_OR_NULL, outcome=TEXT, differences={"type": "array", "items": DIFFERENCE}
)  # fmt: skip
COMPARISON = shape(a=TEXT, b=TEXT, outcome=TEXT, first=INTEGER_OR_NULL, steps={"type": "array", "items": COMPARED})


async def replay_recording(request: web.Request) -> web.StreamResponse:
    services = request.app[SERVICES]
    body = await read_body(request, REPLAY)
    found = await listing.recording(services, request.match_info["id"])
    order = await asyncio.to_thread(replay_order, services, found.id, body)
    return await answer(request, order, total=found.steps, stepwise=body.get("stepwise", False))


async def branch_recording(request: web.Request) -> web.StreamResponse:
    services = request.app[SERVICES]
    body = await read_body(request, BRANCH)
    found = await listing.recording(services, request.match_info["id"])
    return await answer(request, branch_order(found, body), total=found.steps)


async def list_variants(request: web.Request) -> web.Response:
    limit, cursor = query_int(request, "limit", 50, most=200), request.query.get("cursor")
    store, id = request.app[SERVICES].store, request.match_info["id"]
    return web.json_response(await asyncio.to_thread(variants, store, id, limit=limit, cursor=cursor))


async def list_what_ifs(request: web.Request) -> web.Response:
    services, number = request.app[SERVICES], query_int(request, "step", 1, most=1_000_000)
    found = await listing.recording(services, request.match_info["id"])
    homes = {name: tuple(cluster.upstreams) for name, cluster in services.routes.table.clusters.items()}
    items = await asyncio.to_thread(what_ifs, services.store, found.id, number, homes)
    return web.json_response({"items": items, "next": None})


async def get_stepwise(request: web.Request) -> web.Response:
    return web.json_response(request.app[STEPPERS].of(request.match_info["id"]).as_json())


async def step_replay(request: web.Request) -> web.Response:
    """Let a replay that waits go on."""
    body = await read_body(request, WORD)
    stepping = request.app[STEPPERS].of(request.match_info["id"])
    stepping.say(body["do"], edits=read_edits(body), until=body.get("until", 0))
    return web.json_response({"do": body["do"]})


async def compare(request: web.Request) -> web.Response:
    services = request.app[SERVICES]
    a, b = query_text(request, "a"), query_text(request, "b")
    if not a or not b:
        raise UsageError("a and b name what to compare", hint="diff?a=REC&b=REC, or REC/STEP, or ids of exchanges")
    noise = query_text(request, "noise")
    text = await asyncio.to_thread(lambda: json.dumps(comparison_json(compared(services.store, a, b, noise))))
    return web.Response(text=text, content_type="application/json")


OPERATIONS = (
    ApiCall(
        "POST",
        "recordings/{id}/replay",
        replay_recording,
        "Send a recording's requests again; every step as it comes for who accepts NDJSON",
        RESULT,
        body=REPLAY,
    ),
    ApiCall(
        "POST",
        "recordings/{id}/branch",
        branch_recording,
        "Send them again with one step changed: a variant",
        RESULT,
        body=BRANCH,
    ),
    ApiCall(
        "GET",
        "recordings/{id}/variants",
        list_variants,
        "Its replays and variants, theirs, and where it comes from: a tree, depth first",
        page("Relative", recording=TEXT, total=INTEGER),
        query=(LIMIT, CURSOR),
    ),
    ApiCall(
        "GET",
        "recordings/{id}/what-ifs",
        list_what_ifs,
        "Ready what-ifs of a step: how to get, or avoid, its usual errors",
        shape(
            items={"type": "array", "items": shape(title=TEXT, kind=TEXT, body={"type": "object"})}, next=TEXT_OR_NULL
        ),
        query=(ApiField("step", "integer", "the step; 1 without it"),),
    ),
    ApiCall("GET", "replays/{id}", get_stepwise, "Where a stepwise replay stands", STEPWISE),
    ApiCall("POST", "replays/{id}", step_replay, "What a waiting replay shall do", shape(do=TEXT), body=WORD),
    ApiCall(
        "GET",
        "diff",
        compare,
        "What differs between two recordings, steps or exchanges",
        COMPARISON,
        query=(
            ApiField("a", "string", "REC, REC/STEP or the id of an exchange", required=True),
            ApiField("b", "string", "the same", required=True),
            ApiField("noise", "string", "another run of a: what it changed, every run may change"),
        ),
    ),
)

"""The JSON API's calls that bring a recording to life: replay, branch, differences. I/O."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from aiohttp import web

from ..errors import GatewayError, NotFoundError, UsageError
from ..relay.tapes import load_tape
from ..replay.branch import Edit, read_header, read_set, read_step_set, read_unset
from ..replay.correlation import correlate
from ..replay.plan import Wanted
from ..replay.report import StepResult, result_json, step_json
from ..replay.runs import Comparison, compare_runs, compare_steps, comparison_json
from ..replayer import Order, all_steps, replay
from . import reads
from .keys import SERVICES, STEPPERS
from .operation import Field, Operation, query_text, read_body
from .schemas import INTEGER_OR_NULL, TEXT, TEXT_OR_NULL, TEXTS, shape
from .stepping import WORDS

if TYPE_CHECKING:
    from ..protocols import Services, Store

NDJSON = "application/x-ndjson"
YES = Field("yes", "boolean", "let writes pass whose guard says ask")
TO = Field("to", "strings", "cluster=environment: where to send the steps of a cluster")
TITLE = Field("title", "string", "the new recording's title")
REPLAY = (
    YES,
    TO,
    Field("offline", "boolean", "answered from the recording itself, no upstream touched"),
    Field("as_recorded", "boolean", "send every step to the environment that answered it then"),
    Field("from", "integer", "the first step to send"),
    Field("until", "integer", "the last step to send"),
    Field("set", "strings", "STEP:PLACE=VALUE, such as 3:json:/qty=2"),
    Field("stepwise", "boolean", "wait before every step, and say so: NDJSON only"),
    TITLE,
)
WORD = (Field("do", "string", f"{', '.join(WORDS)}: run sends the rest without asking", required=True),)
BRANCH = (
    Field("step", "integer", "the step that is done otherwise", required=True),
    Field("set", "strings", "PLACE=VALUE, such as json:/qty=2, query:page=3, path:4=978-9, header:X-Tenant=blue"),
    Field("unset", "strings", "a place to take away"),
    Field("header", "strings", "NAME: VALUE; without a value the field is taken away"),
    Field("env", "strings", "cluster=environment for this one step"),
    Field("until", "integer", "the last step to send"),
    TO,
    YES,
    TITLE,
)
DIFFERENCE = shape(where=TEXT, pointer=TEXT, recorded={}, replayed={}, severity=TEXT, cause=TEXT, kind=TEXT, why=TEXT)
STEP = shape(
    step={"type": "integer"}, status=INTEGER_OR_NULL, recorded_status=INTEGER_OR_NULL, outcome=TEXT,
    differences={"type": "array", "items": DIFFERENCE}, bindings=TEXTS, message=TEXT_OR_NULL,
)  # fmt: skip
RESULT = shape(
    recording=TEXT_OR_NULL, of=TEXT, outcome=TEXT, steps={"type": "array", "items": STEP}, warnings=TEXTS
)  # fmt: skip
COMPARED = shape(
    a=INTEGER_OR_NULL, b=INTEGER_OR_NULL, outcome=TEXT, differences={"type": "array", "items": DIFFERENCE}
)  # fmt: skip
COMPARISON = shape(a=TEXT, b=TEXT, outcome=TEXT, first=INTEGER_OR_NULL, steps={"type": "array", "items": COMPARED})


async def replay_recording(request: web.Request) -> web.StreamResponse:
    services = request.app[SERVICES]
    body = await read_body(request, REPLAY)
    found = await reads.recording(services, request.match_info["id"])
    edits: dict[int, list[Edit]] = {}
    for text in body.get("set", ()):
        step, edit = read_step_set(text)
        edits.setdefault(step, []).append(edit)
    wanted = Wanted(
        first=body.get("from", 1), last=body.get("until"), to=environments(body.get("to", ())), edits=edits,
        as_recorded=body.get("as_recorded", False),
    )  # fmt: skip
    offline = body.get("offline", False)
    tape = await asyncio.to_thread(load_tape, services.store, services.secrets, found.id) if offline else None
    order = Order(found.id, wanted, yes=body.get("yes", False), tape=tape, title=body.get("title", ""))
    return await _answer(request, services, order, stepwise=body.get("stepwise", False))


async def step_replay(request: web.Request) -> web.Response:
    body = await read_body(request, WORD)
    request.app[STEPPERS].say(request.match_info["id"], body["do"])
    return web.json_response({"do": body["do"]})


async def branch_recording(request: web.Request) -> web.StreamResponse:
    services = request.app[SERVICES]
    body = await read_body(request, BRANCH)
    found = await reads.recording(services, request.match_info["id"])
    step, env = body["step"], environments(body.get("env", ()))
    edits = [read_set(text) for text in body.get("set", ())] + [read_unset(text) for text in body.get("unset", ())]
    edits += [read_header(text) for text in body.get("header", ())]
    if not edits and not env:
        raise UsageError("nothing is done otherwise", hint="set, unset, header or env")
    wanted = Wanted(
        last=body.get("until"), to=environments(body.get("to", ())), edits={step: edits} if edits else {},
        environments={step: env} if env else {},
    )  # fmt: skip
    told = ", ".join([*map(str, edits), *(f"{cluster}@{name}" for cluster, name in env.items())])
    title = body.get("title", "") or f"What if, at step {step}: {told}"[:200]
    order = Order(found.id, wanted, yes=body.get("yes", False), kind="variant", branched_at=step, title=title)
    return await _answer(request, services, order)


async def _answer(
    request: web.Request, services: Services, order: Order, *, stepwise: bool = False
) -> web.StreamResponse:
    """The result as JSON or, for who asks for NDJSON, every step as it comes and then the result."""
    if stepwise and NDJSON not in request.headers.get("Accept", ""):
        raise UsageError("who wants to be asked before every step must accept NDJSON", hint=f"Accept: {NDJSON}")
    if NDJSON not in request.headers.get("Accept", ""):
        return web.json_response(result_json(await replay(services, order, seen=_publishing(services, order))))
    response = web.StreamResponse(headers={"Content-Type": NDJSON, "Cache-Control": "no-store"})
    lines: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
    publish = _publishing(services, order)

    def seen(step: StepResult) -> None:
        publish(step)
        lines.put_nowait({"step": step_json(step)})

    gate = request.app[STEPPERS].gate(lines.put_nowait) if stepwise else None

    async def run() -> None:
        try:
            lines.put_nowait({"result": result_json(await replay(services, order, seen=seen, gate=gate))})
        except GatewayError as error:
            lines.put_nowait({"error": {"status": error.status, "detail": error.message, "hint": error.hint}})
        finally:
            lines.put_nowait(None)

    await response.prepare(request)
    task = asyncio.create_task(run())
    try:
        while (line := await lines.get()) is not None:
            await response.write(json.dumps(line).encode() + b"\n")
        await task
    finally:
        task.cancel()
    return response


def _publishing(services: Services, order: Order) -> Any:
    def publish(step: StepResult) -> None:
        if services.live.listening:
            services.live.publish("replay", {"of": order.recording, "step": step.step, "outcome": step.outcome})

    return publish


async def compare(request: web.Request) -> web.Response:
    services = request.app[SERVICES]
    a, b = query_text(request, "a"), query_text(request, "b")
    if not a or not b:
        raise UsageError("a and b name what to compare", hint="diff?a=REC&b=REC, or REC/STEP, or ids of exchanges")
    noise = query_text(request, "noise")
    text = await asyncio.to_thread(lambda: json.dumps(comparison_json(compared(services.store, a, b, noise))))
    return web.Response(text=text, content_type="application/json")


def compared(store: Store, a: str, b: str, noise: str = "") -> Comparison:
    """Two recordings, or two of their steps, or two exchanges by id; `noise` is another run of A. Blocking."""
    one, other = _steps(store, a), _steps(store, b)
    if isinstance(one, Sequence) and isinstance(other, Sequence):
        again = all_steps(store, store.recording(noise).id) if noise else ()
        return compare_runs(a, b, one, other, correlate(one, store.decisions(one[0].recording)), again=again)
    if isinstance(one, Sequence) or isinstance(other, Sequence):
        raise UsageError("a recording cannot be compared with a single step", hint="REC/STEP names a step")
    return compare_steps(a, b, one, other)


def _steps(store: Store, ref: str) -> Any:
    """All exchanges of REC, or the exchange REC/STEP, or the exchange of this id."""
    before, slash, number = ref.rpartition("/")
    try:
        return all_steps(store, store.recording(ref).id)
    except NotFoundError as error:
        if slash and number.isascii() and number.isdigit():
            found = all_steps(store, store.recording(before).id)
            step = next((exchange for exchange in found if exchange.step == int(number)), None)
            if step is None:
                raise NotFoundError(f"recording {before} has no step {number}", hint=f"gateway show {before}") from None
            return step
        try:
            return store.exchange(ref)
        except NotFoundError:
            raise error from None


def environments(chosen: Sequence[str]) -> Mapping[str, str]:
    """["orders=qa", "catalogue=test"] as a mapping."""
    found = {}
    for text in chosen:
        cluster, equals, environment = text.partition("=")
        if not (cluster.strip() and equals and environment.strip()):
            raise UsageError(f"{text!r} is not CLUSTER=ENVIRONMENT", hint="catalogue=test")
        found[cluster.strip()] = environment.strip()
    return found


OPERATIONS = (
    Operation(
        "POST",
        "recordings/{id}/replay",
        replay_recording,
        "Send a recording's requests again; step by step as NDJSON for who accepts it",
        RESULT,
        body=REPLAY,
    ),
    Operation(
        "POST",
        "recordings/{id}/branch",
        branch_recording,
        "Send them again with one step done otherwise: a variant",
        RESULT,
        body=BRANCH,
    ),
    Operation("POST", "replays/{id}", step_replay, "What a waiting replay shall do", shape(do=TEXT), body=WORD),
    Operation(
        "GET",
        "diff",
        compare,
        "What differs between two recordings, steps or exchanges",
        COMPARISON,
        query=(
            Field("a", "string", "REC, REC/STEP or the id of an exchange", required=True),
            Field("b", "string", "the same", required=True),
            Field("noise", "string", "another run of a: what it changed, every run may change"),
        ),
    ),
)

"""Runs replays for who asked: at once, line by line while it runs, or step by step on a page. I/O."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from aiohttp import web

from ..errors import GatewayError
from ..replay.report import StepResult, result_json, step_json
from ..services.replay import replay
from ..services.replay_request import NDJSON, publishing
from ..services.stepwise_replay import Stepping
from ..web.keys import SERVICES, STEPPERS

if TYPE_CHECKING:
    from ..protocols import Services
    from ..services.replay_run import ReplayOrder

STEPWISE: web.AppKey[list[asyncio.Task[None]]] = web.AppKey("stepwise")


async def answer(request: web.Request, order: ReplayOrder, *, total: int, stepwise: bool = False) -> web.StreamResponse:
    """The result; every step as it comes for who accepts NDJSON; where it waits for who steps without."""
    services, lines = request.app[SERVICES], NDJSON in request.headers.get("Accept", "")
    stepping = Stepping(order.recording, total, stop_on_difference=order.until_differs) if stepwise else None
    if stepping is not None:
        request.app[STEPPERS].add(stepping)
    if lines:
        return await _as_lines(request, order, total, stepping)
    if stepping is None:
        found = await replay(services, order, seen=publishing(services, order, total))
        return web.json_response(result_json(found))
    start(request.app, order, stepping)
    return web.json_response(stepping.as_json(), status=202)


def start(app: web.Application, order: ReplayOrder, stepping: Stepping) -> None:
    """Run a stepwise replay that nobody's connection holds."""
    task = asyncio.create_task(_stepped(app[SERVICES], order, stepping))
    waiting = app[STEPWISE]
    waiting.append(task)
    task.add_done_callback(waiting.remove)


async def _stepped(services: Services, order: ReplayOrder, stepping: Stepping) -> None:
    publish = publishing(services, order, stepping.total)
    stepping.told_to(lambda line: services.live.publish("replay", {"of": order.recording} | line))

    def seen(step: StepResult) -> None:
        stepping.seen(step)
        publish(step)

    try:
        stepping.ended(await replay(services, order, seen=seen, gate=stepping.gate))
    except GatewayError as error:
        stepping.error = str(error)
    services.live.publish("replay", {"of": order.recording, "token": stepping.token, "ended": True})


async def _as_lines(
    request: web.Request, order: ReplayOrder, total: int, stepping: Stepping | None
) -> web.StreamResponse:
    services = request.app[SERVICES]
    response = web.StreamResponse(headers={"Content-Type": NDJSON, "Cache-Control": "no-store"})
    lines: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
    publish = publishing(services, order, total)
    if stepping is not None:
        stepping.told_to(lines.put_nowait)

    def seen(step: StepResult) -> None:
        publish(step)
        if stepping is not None:
            stepping.seen(step)
        lines.put_nowait({"step": step_json(step), "total": total})

    async def run() -> None:
        try:
            found = await replay(services, order, seen=seen, gate=stepping.gate if stepping else None)
            lines.put_nowait({"result": result_json(found)})
            if stepping is not None:
                stepping.ended(found)
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


def add_stepwise(app: web.Application) -> None:
    """Those that still wait end with the server."""
    app[STEPWISE] = []
    app.on_shutdown.append(_end_stepwise)


async def _end_stepwise(app: web.Application) -> None:
    waiting = app[STEPWISE]
    tasks = waiting[:]  # each takes itself out when it ends
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)

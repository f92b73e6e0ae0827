"""What machines ask: is it up, is it ready, what does it count, which version. I/O."""

from __future__ import annotations

from aiohttp import web

from .. import __version__
from ..services.status import problem_lines
from .access import login_of
from .keys import ACCESS, SERVICES


async def healthz(request: web.Request) -> web.Response:
    """The process answers."""
    return web.Response(text="ok\n")


async def readyz(request: web.Request) -> web.Response:
    """200 while routes.yaml is in force and everything is recorded; else 503 with the reasons, one a line."""
    services = request.app[SERVICES]
    recorder = services.recorder.status()
    reasons = list(problem_lines(services))
    if request.app[ACCESS].needed and login_of(request) is None:  # to anybody: that it is not, not what the file says
        reasons = [f"{services.routes.name} is not in force; the last good table is"] if reasons else []
    if recorder.reason:
        missed = f" ({recorder.missed} exchanges missed)" if recorder.missed else ""
        reasons.append(f"recorder: {recorder.reason}{missed}")
    if not reasons:
        # The last good contract is in force, and no traffic depends on one: it is shown, and is no reason to restart.
        shown = () if request.app[ACCESS].needed and login_of(request) is None else services.contracts.problems
        return web.Response(text="".join(f"{line}\n" for line in ("ready", *(f"contract: {one}" for one in shown))))
    return web.Response(status=503, text="\n".join(reasons) + "\n")


async def metrics(request: web.Request) -> web.Response:
    services = request.app[SERVICES]
    await services.counted()
    headers = {"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}
    return web.Response(body=services.metrics().encode(), headers=headers)


async def version(request: web.Request) -> web.Response:
    return web.json_response({"name": "What-If Gateway", "version": __version__})


PROBES = (healthz, readyz, metrics, version)


def add_probes(app: web.Application) -> None:
    for handler in PROBES:
        app.router.add_get(f"/_gateway/{handler.__name__}", handler)

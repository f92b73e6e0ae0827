"""Errors of our own pages as problem details: ours, aiohttp's, and those nobody expected. I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from ..errors import ConfigError, GatewayError, NotFoundError, StoreError, UpstreamError, UsageError, nearest
from ..problems import ProblemDetails, problem
from .keys import SERVICES

if TYPE_CHECKING:
    from ..protocols import Routes

TITLES: dict[type[GatewayError], str] = {
    UsageError: "The call is off",
    ConfigError: "The configuration is invalid",
    UpstreamError: "An upstream could not be reached",
    NotFoundError: "Not found",
    StoreError: "The recording file cannot be used",
}

HINTS = {
    401: "sign in at /_gateway/sign-in; on the gateway's machine, gateway access link prints a link that does",
    403: "sign in as an operator, or ask one",
    405: "use one of the methods in Allow",
}


def our_problem(error: GatewayError) -> ProblemDetails:
    """What happened, where, and what to try."""
    title = next((title for kind, title in TITLES.items() if isinstance(error, kind)), "Refused")
    detail = f"{error.where}: {error.message}" if error.where else error.message
    return ProblemDetails(error.status, title, detail, hint=error.hint)


def http_problem(request: web.Request, error: web.HTTPException) -> ProblemDetails:
    """aiohttp's own refusals; a path that nobody knows is the gateway's 404, with the nearest one that exists."""
    if error.status == 404 and request.match_info.http_exception is not None:
        return _no_such_path(request)
    return ProblemDetails(error.status, error.reason, _detail(request, error), hint=_hint(error))


def unexpected_problem() -> ProblemDetails:
    return problem(
        "proxy_internal_error",
        "Something went wrong that should not have; the log of the gateway has one line about it.",
        hint="start the gateway with --log-level debug to see where it happened",
    )


def nearest_path(routes: Routes, path: str, own: tuple[str, ...]) -> str:
    """The public prefix or page that somebody may have meant."""
    if path.startswith("/_gateway"):
        return nearest(path, own, cutoff=0.6) or "/_gateway/"
    return routes.table.nearest(path.encode("utf-8", "surrogateescape")) or ""


def _no_such_path(request: web.Request) -> ProblemDetails:
    near = nearest_path(request.app[SERVICES].routes, request.rel_url.raw_path, _pages(request.app))
    return problem(
        "destination_not_found",
        f"No cluster, page or demo is at {request.path[:500]}.",
        hint=f"did you mean {near}?" if near else "see /_gateway/ for the clusters and their paths",
    )


def _pages(app: web.Application) -> tuple[str, ...]:
    paths = {resource.canonical for resource in app.router.resources()}
    return tuple(sorted(path for path in paths if path.startswith("/_gateway") and "{" not in path))


def _detail(request: web.Request, error: web.HTTPException) -> str:
    if isinstance(error, web.HTTPMethodNotAllowed):
        return f"{request.path} takes {', '.join(sorted(error.allowed_methods))}, not {error.method}."
    if isinstance(error, web.HTTPRequestEntityTooLarge):
        return "The body is too large for a form or an API call."
    text = error.text or ""
    return "" if text == f"{error.status}: {error.reason}" else text


def _hint(error: web.HTTPException) -> str:
    return HINTS.get(error.status, "")

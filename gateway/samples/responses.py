"""How all sample backends answer: JSON, helpful errors, bearer tokens, /health and /version. I/O."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from aiohttp import web

from .shop import Shop

if TYPE_CHECKING:
    from aiohttp.typedefs import Handler

SHOP = web.AppKey("shop", Shop)
BUILDS = {"dev": "2.1.0-dev.418", "test": "2.0.0-rc.2", "qa": "1.9.3"}


class Refusal(Exception):
    """An error answer: status, a short name, a sentence, and further members."""

    def __init__(self, status: int, error: str, detail: str, **more: Any) -> None:
        super().__init__(detail)
        self.status, self.body = status, {"error": error, "detail": detail, **more}


@web.middleware
async def speak_json(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Every response is JSON, the framework's own errors included."""
    try:
        return await handler(request)
    except Refusal as refusal:
        headers = {"WWW-Authenticate": 'Bearer realm="bookshop"'} if refusal.status == 401 else None
        return web.json_response(refusal.body, status=refusal.status, headers=headers)
    except web.HTTPException as error:
        detail = f"{request.method} {request.path} is not part of this API"
        body = {"error": error.reason.lower(), "detail": detail if error.status in (404, 405) else error.reason}
        allow = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else None
        return web.json_response(body, status=error.status, headers=allow)


def application(shop: Shop, cluster: str, routes: list[web.RouteDef]) -> web.Application:
    """One cluster of one environment, with what every backend has."""
    app = web.Application(middlewares=[speak_json])
    app[SHOP] = shop

    async def health(request: web.Request) -> web.Response:
        return web.json_response({"status": "ok", "service": cluster, "environment": shop.environment})

    async def version(request: web.Request) -> web.Response:
        return web.json_response({"service": cluster, "build": BUILDS[shop.environment]})

    app.router.add_get("/health", health)
    app.router.add_get("/version", version)
    app.router.add_routes(routes)
    return app


async def fields_of(request: web.Request) -> dict[str, Any]:
    """The members of a JSON object body, or those of a form."""
    if request.content_type in ("application/x-www-form-urlencoded", "multipart/form-data"):
        return dict(await request.post())
    try:
        body = json.loads(await request.text() or "null")
    except ValueError as error:
        raise Refusal(400, "bad request", f"the body is not JSON: {error}") from None
    if not isinstance(body, dict):
        raise Refusal(422, "invalid", "the body must be a JSON object")
    return body


def signed_in(request: web.Request) -> str:
    """The user whose token this is; 401 else."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Refusal(401, "not signed in", "send 'Authorization: Bearer <token>'; POST /login of users gives a token")
    user = request.app[SHOP].tokens.get(token)
    if user is None:
        where = request.app[SHOP].environment
        raise Refusal(401, "unknown token", f"this token is not one of {where}; sign in again on {where}")
    return user


def number_in(request: web.Request, name: str) -> int:
    """A number of the path; anything else cannot exist, hence 404."""
    text = request.match_info[name]
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        raise Refusal(404, "not found", f"{name} {text[:80]!r} does not exist; such ids are numbers")
    return int(text)

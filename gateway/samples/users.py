"""Sample backend `users`: sign in, and who am I. I/O."""

from __future__ import annotations

import hmac

from aiohttp import web

from .responses import SHOP, Refusal, application, fields_of, signed_in
from .shop import Shop


def users(shop: Shop) -> web.Application:
    return application(shop, "users", [web.post("/login", login), web.get("/me", me)])


async def login(request: web.Request) -> web.Response:
    """A new random token for a known user and password."""
    body, shop = await fields_of(request), request.app[SHOP]
    missing = [name for name in ("user", "password") if not isinstance(body.get(name), str)]
    if missing:
        raise Refusal(422, "invalid", f"missing: {', '.join(missing)}", missing=missing)
    known = shop.accounts.get(body["user"], "")
    if not known or not hmac.compare_digest(known.encode(), body["password"].encode("utf-8", "replace")):
        raise Refusal(401, "sign-in failed", "the user or the password is wrong")
    token = shop.sign_in(body["user"])
    return web.json_response({"token": token, "user": {"name": body["user"]}, "environment": shop.environment})


async def me(request: web.Request) -> web.Response:
    return web.json_response({"name": signed_in(request)})

"""The JSON API's calls about who may use the console. I/O."""

from __future__ import annotations

from aiohttp import web

from ..web import sign_in
from .operation import ApiCall, ApiField, read_body
from .schemas import BOOLEAN, TEXT, page, ref, shape

LINK = (ApiField("role", "string", '"operator" or "viewer"; "viewer" without it'),)


async def get_access(request: web.Request) -> web.Response:
    found = sign_in.access_json(request)
    return web.json_response({"needed": found["needed"], "me": found["me"]})


async def list_sign_ins(request: web.Request) -> web.Response:
    return web.json_response({"items": sign_in.access_json(request)["sessions"], "next": None})


async def end_sign_in(request: web.Request) -> web.Response:
    gone = sign_in.revoke(request, request.match_info["id"], source="api")
    return web.json_response({"revoked": gone.handle})


async def make_link(request: web.Request) -> web.Response:
    role = (await read_body(request, LINK)).get("role", "viewer")
    return web.json_response({"role": role, "url": sign_in.link(request, role)})


OPERATIONS = (
    ApiCall(
        "GET",
        "access",
        get_access,
        "Whether anybody has to sign in, and who asks",
        shape(needed=BOOLEAN, me={"oneOf": [ref("Login"), {"type": "null"}]}),
    ),
    ApiCall("GET", "access/sessions", list_sign_ins, "Who is signed in, newest first", page("Login")),
    ApiCall("DELETE", "access/sessions/{id}", end_sign_in, "Sign somebody out at once", shape(revoked=TEXT)),
    ApiCall(
        "POST",
        "access/links",
        make_link,
        "A link that signs in once, within 24 hours",
        shape(role=TEXT, url=TEXT),
        body=LINK,
    ),
)

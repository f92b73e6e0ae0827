"""How to trust the local authority: a page with a QR code, its certificate, and a profile for Apple's systems. I/O.

Open to everybody, over the plain port too: who is to trust the authority cannot do so before having been here. What is
served travels in the clear, so the page asks to compare the fingerprint with the one that the terminal shows.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import segno
from aiohttp import web

from ..errors import NotFoundError
from ..https import apple_profile, der_of, machine_addresses, steps_for
from ..web.keys import SERVICES
from ..web.page_shell import rendered

if TYPE_CHECKING:
    from pathlib import Path

    from ..protocols import Services, TlsState

CERTIFICATE = "application/x-x509-ca-cert"
PROFILE = "application/x-apple-aspen-config"


def addresses(services: Services, state: TlsState) -> list[str]:
    """Where other devices find this page, the likeliest first; none when only this machine can reach it."""
    host = services.options.host
    if host in ("127.0.0.1", "localhost", "::1"):
        return []
    base = urlsplit(state.plain or state.url)
    hosts = [str(one) for one in machine_addresses()] if host in ("0.0.0.0", "::", "") else [host]
    if host == "0.0.0.0":
        hosts = [one for one in hosts if ":" not in one]
    named = [one for one in hosts if one in state.names] or hosts
    shown = (f"[{one}]" if ":" in one else one for one in named)
    return [f"{base.scheme}://{one}:{base.port}/_gateway/tls" for one in shown]


async def tls_json(request: web.Request) -> web.Response:
    services, state = request.app[SERVICES], request.app[SERVICES].tls()
    if state is None:
        return web.json_response({"url": None, "names": [], "until": None, "fingerprint": None, "addresses": []})
    found = await asyncio.to_thread(addresses, services, state)
    fingerprint = state.fingerprint or None
    about = {"url": state.url, "names": list(state.names), "until": state.until, "fingerprint": fingerprint}
    return web.json_response(about | {"addresses": found})


async def tls_page(request: web.Request) -> web.Response:
    services, state = request.app[SERVICES], request.app[SERVICES].tls()
    found = await asyncio.to_thread(addresses, services, state) if state else []
    code = segno.make(found[0], error="m").svg_data_uri(scale=5, border=2) if found else ""
    steps = steps_for("ca.crt", found[0] if found else "/_gateway/tls") if state and state.authority else ()
    data = {"tls": state, "addresses": found, "code": code, "steps": steps}
    return await rendered(request, "console/tls.html", data)


async def certificate(request: web.Request) -> web.Response:
    file = _authority(request)
    body = await asyncio.to_thread(file.read_bytes)
    return web.Response(body=body, content_type=CERTIFICATE, headers=_saved_as("what-if-gateway.crt"))


async def profile(request: web.Request) -> web.Response:
    file, state = _authority(request), request.app[SERVICES].tls()
    pem = await asyncio.to_thread(file.read_bytes)
    body = apple_profile(der_of(pem), state.fingerprint if state else "")
    return web.Response(body=body, content_type=PROFILE, headers=_saved_as("what-if-gateway.mobileconfig"))


def _authority(request: web.Request) -> Path:
    state = request.app[SERVICES].tls()
    if state is None or state.authority is None:
        raise NotFoundError("this gateway has no local authority", hint="gateway serve --tls auto")
    return state.authority


def _saved_as(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"'}


def add_tls_page(app: web.Application) -> None:
    app.router.add_get("/_gateway/tls", tls_page)
    app.router.add_get("/_gateway/tls/tls.json", tls_json)
    app.router.add_get("/_gateway/tls/ca.crt", certificate)
    app.router.add_get("/_gateway/tls/ca.mobileconfig", profile)

"""`writes: never` on a whole gateway: the request is judged where it is routed, so no edit of a replay leads around it."""

from __future__ import annotations

import aiohttp
import pytest
from aiohttp import web
from serving import serving

ROUTES = """\
version: 1
environments: [dev, test, ask]
writes: {{dev: allow, test: never, ask: ask}}
clusters:
  a:
    path: /api/a
    environment: dev
    upstreams: {{dev: "http://127.0.0.1:{dev}", test: "http://127.0.0.1:{test}", ask: "http://127.0.0.1:{test}"}}
"""
NEVER = (
    {"to": ["a=test"]},
    {"set": ["1:header:Gateway-Env=a=test"]},
    {"set": ["1:header:gateway-env= a = test ,"]},
    {"set": ["1:header:baggage=gateway-env.a=test"]},
    {"set": ["1:header:Baggage=x=1, gateway-env.a=test;p"]},
    {"set": ["1:header:Gateway-Session=pinned"]},
    {"set": ["1:header:baggage=gateway-session=pinned"]},
    {"set": ["1:header:Host=evil.example", "1:header:Gateway-Env=a=test"]},
    {"set": ["1:header:Gateway-Env=a=test", "1:method=DELETE"]},
    {"set": ["1:header:Gateway-Env=a=test", "1:method=GET", "1:header:X-HTTP-Method-Override=DELETE"]},
)


@pytest.fixture
async def upstreams(aiohttp_server):
    seen: dict[str, list[str]] = {"dev": [], "test": []}

    def app(name):
        async def answer(request):
            seen[name].append(request.method)
            return web.json_response({})

        made = web.Application()
        made.router.add_route("*", "/{path:.*}", answer)
        return made

    servers = {name: await aiohttp_server(app(name)) for name in seen}
    return seen, ROUTES.format(dev=servers["dev"].port, test=servers["test"].port)


async def recorded(http, gateway, api):
    async with http.post(f"{gateway.url}/api/a/x", headers={"Gateway-Session": "writer"}, json={}) as reply:
        await reply.read()
    async with http.get(f"{api}/recordings?q=session:writer") as reply:
        return (await reply.json())["items"][0]["id"]


@pytest.mark.parametrize("wanted", NEVER, ids=str)
async def test_never_holds_for_every_edit(tmp_path, upstreams, wanted):
    seen, routes = upstreams
    async with serving(tmp_path, routes) as gateway, aiohttp.ClientSession() as http:
        api = f"{gateway.url}/_gateway/api/v1"
        recording = await recorded(http, gateway, api)
        pinned = {"Gateway-Session": "pinned"}
        async with http.put(f"{api}/session/pins/a", headers=pinned, json={"environment": "test"}) as reply:
            assert reply.status == 200
        edits = [edit.removeprefix("1:") for edit in wanted.get("set", ())]
        branch = {"step": 1, "yes": True, "set": edits, "to": wanted.get("to", [])}
        for call, body in (("replay", {"yes": True, **wanted}), ("branch", branch)):
            async with http.post(f"{api}/recordings/{recording}/{call}", headers=pinned, json=body) as reply:
                assert reply.status in (200, 400), await reply.text()
    assert seen["test"] == []


async def test_ask_needs_a_yes_also_where_only_the_relay_knows(tmp_path, upstreams):
    seen, routes = upstreams
    async with serving(tmp_path, routes) as gateway, aiohttp.ClientSession() as http:
        api = f"{gateway.url}/_gateway/api/v1"
        recording = await recorded(http, gateway, api)
        for yes in (False, True):
            body = {"yes": yes, "set": ["1:header:Gateway-Env=a=ask"]}
            async with http.post(f"{api}/recordings/{recording}/replay", json=body) as reply:
                assert reply.status == 200
            assert bool(seen["test"]) == yes


async def test_the_relay_refuses_what_was_decided_without_it(tmp_path, upstreams):
    """The last line: a session of a replay whose pin, set behind its back, leads to the guarded environment."""
    seen, routes = upstreams
    async with serving(tmp_path, routes) as gateway, aiohttp.ClientSession() as http:
        sessions = gateway.services.sessions
        live = sessions.begin("replay")
        live.mode, live.is_guarded, live.may_write = "replay", True, True
        sessions.pin(live, "a", "test")
        own = {"Gateway-Session": sessions.credential(live)}
        async with http.post(f"{gateway.url}/api/a/x", headers=own, json={}) as reply:
            assert reply.status == 403 and "writes are: never" in (await reply.json())["detail"]
        async with http.get(f"{gateway.url}/api/a/x", headers=own) as reply:
            assert reply.status == 200
    assert seen["test"] == ["GET"]

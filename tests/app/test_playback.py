"""From the recording of a real chain to its playback with every upstream gone: real store, real seals, real console."""

import asyncio
import json
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web
from relaying import orders_at
from serving import serving

from gateway.store import SqliteStore

SECRET = 'tok-"7f3a9c/1e5b+2d8f46"'  # what JSON must escape


@asynccontextmanager
async def a_shop(first=500123):
    """Orders that need a token, a receipt that is 404 until paid, and a feed; ids of their own at every start."""
    paid, app = set(), web.Application()
    routes = web.RouteTableDef()

    @routes.post("/login")
    async def login(request):
        await request.post()
        answer = web.json_response({"token": SECRET})
        answer.set_cookie("sid", "c0ffee-c0ffee-1234", max_age=60, httponly=True)
        return answer

    @routes.post("/orders")
    async def order(request):
        if request.headers.get("Authorization") != f"Bearer {SECRET}":
            raise web.HTTPUnauthorized
        return web.json_response({"id": first}, status=201)

    @routes.post("/orders/{id}/payments")
    async def pay(request):
        paid.add(request.match_info["id"])
        return web.json_response({"order": int(request.match_info["id"])}, status=201)

    @routes.get("/orders/{id}/receipt")
    async def receipt(request):
        done = request.match_info["id"] in paid
        return web.json_response({"paid": done}, status=200 if done else 404)

    @routes.get("/feed")
    async def feed(request):
        answer = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await answer.prepare(request)
        for n in range(3):
            await answer.write(b"data: %d\n\n" % n)
        return answer

    @routes.get("/stock")
    async def stock(request):
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            await socket.send_json({"left": len(message.data), "token": SECRET, "note": "x" * 500})
        return socket

    app.add_routes(routes)
    runner = web.AppRunner(app)
    await runner.setup()
    await (site := web.TCPSite(runner, "127.0.0.1", 0)).start()
    try:
        yield site.name
    finally:
        await runner.cleanup()


async def call(client, method, path, **kwargs):
    async with client.request(method, path, **kwargs) as answer:
        return answer.status, await answer.text(), answer.headers


async def ordered(client, id):
    """Order until the upstream that gives this id answers."""
    headers = {"Authorization": f"Bearer {SECRET}"}
    for _ in range(100):
        _, text, _ = await call(client, "POST", "/api/orders/orders", json={"isbn": 1}, headers=headers)
        if json.loads(text).get("id") == id:
            return
        await asyncio.sleep(0.05)
    raise AssertionError(text)


async def chain(client):
    """(status, body) of each call; the token and the id go on as a client would carry them."""
    said = [await call(client, "POST", "/api/orders/login", json={"user": "ada", "password": "s3cret-pass-1"})]
    token = json.loads(said[0][1])["token"]
    said.append(
        await call(client, "POST", "/api/orders/orders", json={"isbn": 1}, headers={"Authorization": f"Bearer {token}"})
    )
    id = json.loads(said[1][1])["id"]
    said.append(await call(client, "GET", f"/api/orders/orders/{id}/receipt"))
    said.append(await call(client, "POST", f"/api/orders/orders/{id}/payments", json={"amount": 5}))
    said += [await call(client, "GET", f"/api/orders/orders/{id}/receipt") for _ in range(2)]
    said.append(await call(client, "GET", "/api/orders/feed"))
    return said


async def ask_stock(client):
    async with client.ws_connect("/api/orders/stock", compress=15) as socket:
        await socket.send_str("abc")
        first = await socket.receive_json()
        await socket.send_str("abcdef")
        return first, await socket.receive_json()


def a_client(gateway, session):
    headers = {"Gateway-Session": session}
    return aiohttp.ClientSession(gateway.url, headers=headers, cookie_jar=aiohttp.DummyCookieJar())


async def test_a_recorded_chain_plays_with_everything_down_for_two_people_at_once(tmp_path):
    async with a_shop() as url, serving(tmp_path, orders_at(url)) as gateway, a_client(gateway, "ada") as ada:
        live = await chain(ada)
        stock = await ask_stock(ada)
    assert [status for status, _, _ in live] == [200, 201, 404, 201, 200, 200, 200]
    async with serving(tmp_path) as gateway, a_client(gateway, "bob") as bob, a_client(gateway, "eve") as eve:
        recording = json.loads((await call(bob, "GET", "/_gateway/api/v1/recordings"))[1])["items"][0]["id"]
        for client in (bob, eve):
            status, text, _ = await call(client, "POST", f"/_gateway/api/v1/recordings/{recording}/playback", json={})
            assert status == 200, text
        played, again = await chain(bob), await chain(eve)
        for (status, body, headers), recorded in zip(played, live, strict=True):
            assert (status, body) == recorded[:2]
            assert headers["Gateway-Route"] == "orders@qa; mode=playback"
        assert [one[:2] for one in again] == [one[:2] for one in played]
        assert played[0][2]["Set-Cookie"].startswith("sid=c0ffee-c0ffee-1234;")
        assert await ask_stock(bob) == stock
        status, body, _ = await call(
            bob, "POST", "/api/orders/login", json={"user": "ada", "password": "an0ther-pass-2"}
        )
        assert status == 404
        assert "pass-" not in body
        text = (await call(bob, "GET", "/_gateway/api/v1/recordings"))[1]
        mine = next(one for one in json.loads(text)["items"] if one["session"] == "bob")
        assert mine["steps"] == 9
        assert mine["title"].startswith("Playback of ")
        text = (await call(bob, "GET", f"/_gateway/api/v1/recordings/{mine['id']}/exchanges"))[1]
        items = json.loads(text)["items"]
        assert {one["mode"] for one in items} == {"playback"}
        assert items[-1]["failure"]["kind"] == "playback_miss"
        assert SECRET not in text


async def test_live_with_a_net_falls_back_with_the_ids_and_tokens_of_today(tmp_path):
    """What differs since the recording is what the upstream gave out: it is known by its role."""
    async with serving(tmp_path, orders_at("http://127.0.0.1:1")) as gateway, a_client(gateway, "ada") as ada:
        async with a_shop() as url:
            (tmp_path / "routes.yaml").write_text(orders_at(url))
            for _ in range(100):
                status, _, _ = await call(ada, "GET", "/api/orders/orders/1/receipt")
                if status == 404:
                    break
                await asyncio.sleep(0.05)
            await call(ada, "POST", "/_gateway/api/v1/session/recording", json={})
            await chain(ada)
            text = (await call(ada, "GET", "/_gateway/api/v1/session"))[1]
            recording = json.loads(text)["recording"]
        play = f"/_gateway/api/v1/recordings/{recording}/playback"
        status, text, _ = await call(ada, "POST", play, json={"mode": "live-then-playback"})
        assert status == 200, text
        unknown, _, _ = await call(ada, "GET", "/api/orders/orders/777888/receipt")  # the gateway's 502: nobody gave it
        async with a_shop(777888) as url:
            (tmp_path / "routes.yaml").write_text(orders_at(url))
            await ordered(ada, 777888)
        receipts = [await call(ada, "GET", "/api/orders/orders/777888/receipt") for _ in range(3)]
        paid, _, _ = await call(ada, "POST", "/api/orders/orders/777888/payments", json={"amount": 5})

        correlations = f"/_gateway/api/v1/recordings/{recording}/correlations"
        found = json.loads((await call(ada, "GET", correlations))[1])["items"]
        status, text, _ = await call(ada, "PATCH", correlations, json={"reject": [one["id"] for one in found]})
        assert status == 200, text
        await call(ada, "POST", play, json={})
        _, rejected, _ = await call(ada, "POST", "/api/orders/orders/777888/payments", json={"amount": 5})
    assert unknown == 502
    assert [status for status, _, _ in receipts] == [404, 200, 200]
    assert receipts[0][2]["Gateway-Playback"] == f"{recording}/3; match=role; after=connection_refused"
    assert paid == 201
    assert json.loads(rejected)["type"] == "urn:gateway:problem:playback_miss"  # people's word wins


async def test_a_restart_goes_on_where_each_playback_was(tmp_path):
    """Two people in the middle of one recording, one of them with rules and one cluster live: nothing begins anew."""
    async with a_shop() as url, serving(tmp_path, orders_at(url)) as gateway, a_client(gateway, "ada") as ada:
        live = await chain(ada)
    id = json.loads(live[1][1])["id"]
    receipt = f"/api/orders/orders/{id}/receipt"
    rules = {"match": "strict", "end": "404", "ignore_headers": ["X-Any"], "pace": 0.5, "shift": False}
    async with serving(tmp_path) as gateway, a_client(gateway, "bob") as bob, a_client(gateway, "eve") as eve:
        recording = json.loads((await call(bob, "GET", "/_gateway/api/v1/recordings"))[1])["items"][0]["id"]
        for client, given in ((bob, {}), (eve, rules)):
            await call(client, "POST", f"/_gateway/api/v1/recordings/{recording}/playback", json=given)
        assert [(await call(bob, "GET", receipt))[0] for _ in range(2)] == [404, 200]
        before = (await call(eve, "GET", "/_gateway/api/v1/session"))[1]
        store = gateway.services.store
        assert isinstance(store, SqliteStore)
        kept = store.playing(since=0)  # in the file already: a server may be killed at any moment
        assert set(kept) == {"bob", "eve"}
    async with serving(tmp_path) as gateway, a_client(gateway, "bob") as bob, a_client(gateway, "eve") as eve:
        assert (await call(eve, "GET", "/_gateway/api/v1/session"))[1] == before
        status, _, headers = await call(bob, "GET", receipt)
        assert (status, headers["Gateway-Playback"]) == (200, f"{recording}/6; match=exact")
        assert (await call(eve, "GET", receipt))[0] == 404
        assert (await call(bob, "DELETE", "/_gateway/api/v1/session/modes", json={}))[0] == 200
    async with serving(tmp_path) as gateway, a_client(gateway, "bob") as bob, a_client(gateway, "eve") as eve:
        assert (await call(bob, "GET", receipt))[0] == 502  # live, and nobody is there
        assert (await call(eve, "GET", receipt))[0] == 200

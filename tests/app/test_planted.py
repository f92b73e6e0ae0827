"""Planted secrets: sent and answered in every way that secrets travel, then looked for in everything that is kept,
logged, shown or exported. The replaying side still has every one of them."""

from __future__ import annotations

import asyncio
import base64
import gzip
import io
import itertools
import json
import logging
import zipfile
import zlib
from pathlib import Path
from urllib.parse import quote

import pytest
from aiohttp import ClientSession, FormData, WSMsgType, web
from serving import serving
from yarl import URL

from gateway.export import FORMATS

NUMBERS = itertools.count(1)
PLANTED: dict[str, str] = {}
MAX_BODY = 4096
ROUTES = """\
version: 1
environments: [qa]
clusters:
  shop: {{path: /api/shop, environment: qa, upstreams: {{qa: "{url}"}}}}
redact: {{headers: [X-Tenant-Pass], json: ["$..iban"], query: [otp]}}
recording: {{max_body: 4KiB}}
"""
CONSOLE = {"Accept": "text/html"}


def plant(where: str) -> str:
    """A secret of its own for this place, long enough to be found in anything."""
    return PLANTED.setdefault(where, f"Cnry{next(NUMBERS):02d}x9Qf7{abs(hash(where)) % 10**9:09d}Zk")


def jwt(where: str) -> str:
    """A token whose signature is the secret."""
    head, claims = (
        base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in (b'{"alg":"HS256"}', b'{"sub":"1"}')
    )
    return f"{head}.{claims}.{plant(where)}"


async def answers(request: web.Request) -> web.StreamResponse:
    """The upstream: gives secrets in every way."""
    await request.read()
    kind = request.path.rpartition("/")[2]
    if kind == "json":
        token, pin = plant("JSON answer"), int(plant("JSON number")[-11:-2])
        return web.json_response(
            {"access_token": token, "passcode": pin, "deep": [{"client_secret": plant("JSON, deep")}]}
        )
    if kind == "cookie":
        response = web.Response(text="ok")
        response.headers.add("Set-Cookie", f"sid={plant('Set-Cookie')}; Path=/; HttpOnly")
        response.headers.add("Set-Cookie", f'other="{plant("a second Set-Cookie")}"')
        return response
    if kind == "location":
        where = f"http://bob:{plant('userinfo of Location')}@127.0.0.1/x?token={plant('query of Location')}"
        return web.Response(status=302, headers={"Location": f"{where}#access_token={plant('fragment of Location')}"})
    if kind == "gzip":
        data = gzip.compress(json.dumps({"password": plant("gzip answer"), "x": "y" * 50}).encode())
        return web.Response(body=data, headers={"Content-Encoding": "gzip", "Content-Type": "application/json"})
    if kind == "html":
        text = f'<form><input type="hidden" name="csrf_token" value="{plant("HTML input")}"></form>'
        return web.Response(text=f"{text}<script>var t = '{jwt('JWT in a page')}';</script>", content_type="text/html")
    if kind == "odd":
        cookies = f"a={plant('a joined Set-Cookie')}; Path=/, b={plant('the second of a joined Set-Cookie')}"
        headers = {"Set-Cookie": cookies, "Link": f'</x?api_key={plant("Link")}>; rel="next"'}
        key = f"-----BEGIN PRIVATE KEY-----\n{plant('private key')}\n-----END PRIVATE KEY-----\n"
        text = f"user: ann\npassword: {plant('YAML')}\nkey: |\n{key}"
        return web.Response(text=text, status=401, reason=f"bad token={plant('reason')}", headers=headers)
    if kind == "xml":
        text = (
            f"<r><Password><![CDATA[{plant('CDATA')}]]></Password><add key='api_key' value='{plant('attribute')}'/></r>"
        )
        return web.Response(text=text, content_type="application/xml")
    if kind == "long":
        text = json.dumps({"fill": "f" * (MAX_BODY - 60), "api_key": plant("cut off by the limit") * 4})
        return web.Response(text=text, content_type="application/json")
    return await streams(request, kind)


async def streams(request: web.Request, kind: str) -> web.StreamResponse:
    if kind == "events":
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        event = f'data: {{"session_id": "{plant("event, split over pieces")}"}}\n\n'.encode()
        for at in range(0, len(event), 17):
            await response.write(event[at : at + 17])
            await asyncio.sleep(0.01)
        return response
    if kind == "chunked":
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        for piece in (
            b'{"pass',
            b'word": "',
            plant("split over chunks")[:9].encode(),
            plant("split over chunks")[9:].encode(),
        ):
            await response.write(piece)
            await asyncio.sleep(0.01)
        await response.write(b'"}')
        return response
    if kind == "socket":
        socket = web.WebSocketResponse(compress="x" in request.query)
        await socket.prepare(request)
        async for message in socket:
            if message.type == WSMsgType.TEXT:
                await socket.send_str(json.dumps({"token": plant(f"WebSocket answer {request.query_string}"), "n": 1}))
        return socket
    return web.Response(text="ok")


async def send(client: ClientSession, at: str) -> None:
    """The client: gives secrets in every way."""
    headers = {
        "Authorization": f"Bearer {plant('Bearer')}", "X-Api-Key": plant("X-Api-Key"), "X-Tenant-Pass": plant("a ruled header"),
        "Cookie": f"theme=dark; token={plant('Cookie')}", "X-Any": jwt("JWT in any header"),
        "Proxy-Authorization": "Basic " + plant("Proxy-Authorization"), "X-Shop-Secret": plant("a header that ends in -secret"),
        "Referer": f"http://shop/?api_key={plant('query of Referer')}",
    }  # fmt: skip
    form = FormData()
    form.add_field("password", plant("multipart"))
    form.add_field("about", json.dumps({"token": plant("JSON in multipart")}), content_type="application/json")
    await client.get(f"{at}/plain?token={plant('query')}&x=1&otp={plant('a ruled query key')}", headers=headers)
    await client.get(f"{at}/plain/{jwt('JWT in the path')}")
    await client.post(f"{at}/plain", json={"user": "ann", "password": plant("JSON"), "iban": plant("a ruled JSONPath")})
    await client.post(f"{at}/plain", json={"text": json.dumps({"password": plant("JSON in JSON")})})
    await client.post(f"{at}/plain", data={"user": "ann", "passwd": plant("form")})
    await client.post(f"{at}/plain", data=form)
    encoded = quote(quote(json.dumps({"password": plant("JSON, encoded twice, in a query")})))
    await client.get(
        URL(f"{at}/plain?next=%252Fy%253Ftoken%253D{plant('a URL, encoded twice')}&q={encoded}", encoded=True)
    )
    patch = [{"op": "replace", "path": "/users/1/password", "value": plant("JSON Patch")}]
    await client.post(f"{at}/plain", json=patch, headers={"baggage": f"token={plant('baggage')},user=1"})
    login = f'mutation {{ login(name: "ann", password: "{plant("GraphQL")}") {{ id }} }}'
    await client.post(f"{at}/plain", json={"query": login})
    lines = "\n".join(json.dumps({"n": n, "secret": plant(f"NDJSON {n}")}) for n in range(2))
    await client.post(f"{at}/plain", data=lines.encode("utf-16"), headers={"Content-Type": "application/x-ndjson"})
    inner = (
        f'--I\r\nContent-Disposition: form-data;\r\n name="pwd"\r\n\r\n{plant("multipart in multipart")}\r\n--I--\r\n'
    )
    outer = f"--O\r\nContent-Type: multipart/mixed; boundary=I\r\n\r\n{inner}\r\n--O--\r\n".encode()
    await client.post(f"{at}/plain", data=outer, headers={"Content-Type": "multipart/mixed; boundary=O"})
    squeezed = zlib.compress(json.dumps({"secret": plant("deflate")}).encode())
    await client.post(
        f"{at}/plain", data=squeezed, headers={"Content-Encoding": "deflate", "Content-Type": "application/json"}
    )
    await client.post(f"{at}/plain", data=f"log in with password='{plant('plain text')}'".encode())
    for kind in ("json", "cookie", "location", "gzip", "html", "odd", "xml", "long", "events", "chunked"):
        answer = await client.get(f"{at}/{kind}", allow_redirects=False)
        await answer.read()
    for query, compress in (("", 0), ("x", 15)):
        async with client.ws_connect(f"{at}/socket?{query}", compress=compress) as socket:
            for _ in range(3):
                await socket.send_str(json.dumps({"password": plant(f"WebSocket {query}")}))
                assert plant(f"WebSocket answer {query}") in (await socket.receive()).data


async def shown(client: ClientSession, url: str, recording: str, exchanges: list[str]) -> dict[str, bytes]:
    """Every page and every answer of the API that tells of the recording, by its path."""
    paths = ["", "live", "recordings", "history", "audit", "api/v1/audit", "api/v1/session", "metrics"]
    paths += [f"recordings/{recording}", f"recordings/{recording}.json", f"recordings/{recording}?values=all"]
    paths += [f"api/v1/recordings/{recording}{part}" for part in ("", "/exchanges", "/correlations")]
    paths += [f"api/v1/recordings/{recording}/export?as={name}" for name in FORMATS]
    paths += [f"api/v1/recordings?q={PLANTED['JSON']}", f"diff?a={recording}/1&b={recording}/2"]
    paths += [f"diff?a={recording}&b={recording}", f"recordings/{recording}?whatifs=yes&steps=1-9"]
    for id in exchanges:
        paths += [f"exchanges/{id}", f"exchanges/{id}.json", f"api/v1/exchanges/{id}/chunks"]
        paths += [f"api/v1/exchanges/{id}/request-body", f"api/v1/exchanges/{id}/response-body"]
    found = {}
    for path in paths:
        async with client.get(f"{url}/_gateway/{path}", headers=CONSOLE) as answer:
            assert answer.status < 500, path
            text = await answer.read()
            if answer.content_type == "application/zip":  # a format of several files: packed, nothing would be found
                archive = zipfile.ZipFile(io.BytesIO(text))
                text = b"".join(archive.read(name) for name in archive.namelist())
                assert text
            found[path] = (
                text.replace(PLANTED["JSON"].encode(), b"") if path.startswith("api/v1/recordings?q=") else text
            )
    return found


async def test_no_planted_secret_is_found_anywhere_and_every_one_can_be_unsealed(
    tmp_path: Path, aiohttp_server, caplog: pytest.LogCaptureFixture
) -> None:
    PLANTED.clear()
    caplog.set_level(logging.DEBUG)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answers)
    upstream = await aiohttp_server(app)
    routes = ROUTES.format(url=f"http://127.0.0.1:{upstream.port}")
    async with serving(tmp_path, routes) as gateway:
        async with ClientSession(headers={"Gateway-Session": "ann"}) as client:
            await send(client, f"{gateway.url}/api/shop")
        async with ClientSession() as client:
            store = gateway.services.store
            async with asyncio.timeout(10):
                while gateway.services.recorder.status().backlog:
                    await asyncio.sleep(0.01)
                await asyncio.sleep(0.3)
            recording = (await asyncio.to_thread(store.recordings, "session:ann")).items[0]
            steps = (await asyncio.to_thread(store.exchanges, recording.id)).items
            assert len(PLANTED) >= 50 and len(steps) == 25
            places = await shown(client, gateway.url, recording.id, [one.id for one in steps])
            known = await asyncio.to_thread(gateway.services.secrets, recording.id)
        places |= {f"{file.name} while it runs": file.read_bytes() for file in (tmp_path / "recordings").iterdir()}
    places |= {file.name: file.read_bytes() for file in (tmp_path / "recordings").iterdir()}
    places["log"] = "\n".join(  # not the upstream's own
        record.getMessage() for record in caplog.records if record.name != "aiohttp.access"
    ).encode()
    assert not [(where, place) for where, secret in PLANTED.items() for place in places if leaks(secret, places[place])]
    unsealed = "\n".join(known.values())
    lost = [where for where, secret in PLANTED.items() if secret not in unsealed and where not in PARTLY]
    assert lost == []


# Of a number its digits, of what the limit cut what was kept.
PARTLY = ("JSON number", "cut off by the limit")


def leaks(secret: str, data: bytes) -> bool:
    """Half of it is too much as well."""
    if secret[:14].encode("utf-16-le") in data:
        return True
    return secret[:14].encode() in data or secret[-14:].encode() in data or secret[-11:-2].encode() in data

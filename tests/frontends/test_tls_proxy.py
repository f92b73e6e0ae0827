"""nginx ends TLS before the gateway, configured as docs/browsers.md says."""

from __future__ import annotations

import asyncio
import re
import shutil
import ssl
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from serving import serving

from gateway.https import Authority, Names

pytestmark = pytest.mark.slow
DOCS = Path(__file__).parents[2] / "docs" / "browsers.md"
ROUTES = """\
version: 1
environments: [dev]
clusters:
  orders: {{path: /api/orders, environment: dev, upstreams: {{dev: "{url}"}}}}
"""


async def respond(request: web.Request) -> web.StreamResponse:
    if request.path == "/socket":
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            await socket.send_str(message.data.upper())
        return socket
    names = ("X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host")
    response = web.json_response({name: request.headers.get(name) for name in names})
    response.headers["Set-Cookie"] = "sid=1; Path=/; Secure"
    response.headers["Location"] = f"https://{request.headers['X-Forwarded-Host']}/next"
    return response


def configuration(folder: Path, authority: Authority, port: int, gateway: str) -> str:
    block = re.search(r"```nginx\n(.*?)```", DOCS.read_text("utf-8"), re.DOTALL)
    assert block is not None
    temporary = "".join(
        f"{one}_temp_path {folder}/{one};\n" for one in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    return (
        f"daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log; events {{}}\nhttp {{ access_log off;\n{temporary}"
        f"server {{ listen 127.0.0.1:{port} ssl; server_name demo.example;\n"
        f"ssl_certificate {authority.leaf_file}; ssl_certificate_key {authority.leaf_key_file};\n"
        + block[1].replace("http://127.0.0.1:8080", gateway)
        + "} }\n"
    )


async def test_nginx_as_documented(dev_servers, tmp_path):
    nginx = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/bin") or pytest.skip("nginx is not installed")
    authority = Authority(tmp_path / "ca")
    authority.ensure(Names(("demo.example",), (), ("demo.example",)))
    app = web.Application()
    app.router.add_get("/{path}", respond)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    routes = ROUTES.format(url=f"http://127.0.0.1:{runner.addresses[0][1]}")
    async with serving(tmp_path, routes, hosts=("demo.example",)) as gateway:
        server = await asyncio.get_running_loop().create_server(asyncio.Protocol, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        server.close()
        (tmp_path / "nginx.conf").write_text(configuration(tmp_path, authority, port, gateway.url))
        words = ("-c", f"{tmp_path}/nginx.conf", "-e", f"{tmp_path}/error.log")
        process = await asyncio.create_subprocess_exec(nginx, *words)
        try:
            await check(port, ssl.create_default_context(cafile=authority.file), gateway.url)
        finally:
            process.terminate()
            await process.wait()
    await runner.cleanup()


class Resolver(aiohttp.abc.AbstractResolver):
    """demo.example is here."""

    async def resolve(self, host, port=0, family=0):
        return [{"hostname": host, "host": "127.0.0.1", "port": port, "family": 2, "proto": 0, "flags": 0}]

    async def close(self) -> None:
        pass


async def check(port: int, context: ssl.SSLContext, gateway: str) -> None:
    url = f"https://demo.example:{port}"
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context, resolver=Resolver())) as client:
        for _ in range(100):
            try:
                async with client.get(f"{url}/api/orders/7") as response:
                    break
            except aiohttp.ClientConnectorError:
                await asyncio.sleep(0.05)
        async with client.get(f"{url}/api/orders/7") as response:
            seen, cookies = await response.json(), response.headers.getall("Set-Cookie", [])
            assert seen["X-Forwarded-For"] == "127.0.0.1, 127.0.0.1"
            assert seen["X-Forwarded-Proto"] == "https"
            assert seen["X-Forwarded-Host"] == "demo.example"
            assert "sid=1; Path=/api/orders; Secure" in cookies
            assert response.headers["Location"] == "https://demo.example/api/orders/next"
        async with client.ws_connect(f"{url}/api/orders/socket", headers={"Origin": "https://demo.example"}) as socket:
            await socket.send_str("hello")
            assert await socket.receive_str() == "HELLO"
        async with client.get(f"{url}/_gateway/") as response:
            assert response.status == 200
        body = {"environment": "dev"}
        origin = {"Origin": "https://demo.example", "Sec-Fetch-Site": "same-origin"}
        async with client.put(f"{url}/_gateway/api/v1/session/pins/orders", json=body, headers=origin) as response:
            assert response.status == 200, await response.text()
        async with client.get(f"{gateway}/_gateway/api/v1/recordings") as response:
            (one, *_) = (await response.json())["items"]
        async with client.get(f"{gateway}/_gateway/api/v1/recordings/{one['id']}/exchanges") as response:
            urls = {each["url"] for each in (await response.json())["items"]}
        assert "https://demo.example/api/orders/7" in urls

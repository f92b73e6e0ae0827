"""A gateway that speaks HTTPS: by curl, node, Python, WebSocket and event streams; renewed under load; plain ports.

Covers: https/server.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import ssl
import sys
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from peers import field_of, raw_client, raw_upstream, status_of
from serving import serving

from gateway.errors import ConfigError, UsageError
from gateway.https import Authority, Names

ROUTES = """\
version: 1
environments: [dev]
clusters:
  orders: {{path: /api/orders, environment: dev, upstreams: {{dev: "{url}"}}}}
"""
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nStrict-Transport-Security: max-age=9\r\n\r\nhi"


@contextlib.asynccontextmanager
async def secured(folder: Path, answer=OK, **options):
    """(the gateway, the address of its TLS port, its authority's file)."""
    async with raw_upstream(answer) as upstream:
        async with serving(
            folder, ROUTES.format(url=upstream.url), **{"tls_auto": True, "tls_port": 0} | options
        ) as gateway:
            state = gateway.services.tls()
            assert state is not None
            yield gateway, state.url, folder / "recordings" / "tls" / "ca.crt"


def trusting(file: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=file)


async def run(*command: str, **environment: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", **environment},
    )  # fmt: skip
    out, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_programs_trust_it_after_the_documented_step(tmp_path, host):
    async with secured(tmp_path) as (_, url, ca):
        address = url.replace("127.0.0.1", host) + "/api/orders/7"
        if shutil.which("curl"):
            assert await run("curl", "-sS", "--cacert", str(ca), address) == (0, "hi")
            code, words = await run("curl", "-sS", address)
            assert code == 60, words  # not without it
        if shutil.which("node"):
            script = "fetch(process.argv[1]).then((r) => r.text()).then((t) => process.stdout.write(t))"
            assert await run("node", "-e", script, address, NODE_EXTRA_CA_CERTS=str(ca)) == (0, "hi")
        script = "import sys, urllib.request as u; print(u.urlopen(sys.argv[1]).read().decode(), end='')"
        assert await run(sys.executable, "-c", script, address, SSL_CERT_FILE=str(ca)) == (0, "hi")


async def test_the_upstream_and_the_client_see_https(tmp_path):
    async def talk(peer):
        while True:
            head, _ = await peer.request()
            body = (field_of(head, b"X-Forwarded-Proto") or b"") + b" " + (field_of(head, b"Forwarded") or b"")
            cookie = b"Set-Cookie: __Host-sid=1; Path=/; Secure; SameSite=None"
            await peer.send(b"HTTP/1.1 200 OK\r\n%b\r\nContent-Length: %d\r\n\r\n%b" % (cookie, len(body), body))

    async with secured(tmp_path, talk) as (gateway, url, ca), aiohttp.ClientSession() as client:
        async with client.get(f"{url}/api/orders/7", ssl=trusting(ca)) as response:
            assert (await response.text()).startswith("https for=127.0.0.1;host=")
            assert "proto=https" in await response.text()
            cookies = response.headers.getall("Set-Cookie")
            assert "__Host-sid=1; Path=/; Secure; SameSite=None" in cookies
            own = next(one for one in cookies if one.startswith("gateway_session"))
            assert "Secure" not in own, "the plain port answers too: a Secure cookie would lock its session out"
            session = own.partition(";")[0]
        async with client.get(f"{gateway.url}/_gateway/api/v1/session", headers={"Cookie": session}) as response:
            plain = await response.json()
        async with client.get(
            f"{url}/_gateway/api/v1/session", headers={"Cookie": session}, ssl=trusting(ca)
        ) as response:
            assert (await response.json())["recording"] == plain["recording"], "one session on both ports"
        async with client.get(f"{gateway.url}/_gateway/api/v1/recordings/{plain['recording']}/exchanges") as response:
            (one,) = (await response.json())["items"]
        assert one["url"] == f"{url}/api/orders/7"


async def test_no_upstream_sets_hsts(tmp_path):
    async with secured(tmp_path) as (_, url, ca), aiohttp.ClientSession() as client:
        for path in ("/api/orders/7", "/_gateway/", "/nowhere"):
            async with client.get(url + path, ssl=trusting(ca)) as response:
                assert "Strict-Transport-Security" not in response.headers


async def test_websockets_and_event_streams_over_tls(tmp_path):
    async def chat(request: web.Request) -> web.StreamResponse:
        if request.path == "/events":
            stream = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
            await stream.prepare(request)
            await stream.write(b"data: one\n\n")
            await asyncio.sleep(0.05)
            await stream.write(b"data: two\n\n")
            return stream
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            await socket.send_str(message.data.upper())
        return socket

    app = web.Application()
    app.router.add_get("/{path}", chat)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    routes = ROUTES.format(url=f"http://127.0.0.1:{runner.addresses[0][1]}")
    try:
        async with serving(tmp_path, routes, tls_auto=True, tls_port=0) as gateway, aiohttp.ClientSession() as client:
            state = gateway.services.tls()
            assert state is not None
            context = trusting(tmp_path / "recordings/tls/ca.crt")
            origin = {"Origin": state.url}
            async with client.ws_connect(f"{state.url}/api/orders/chat", ssl=context, headers=origin) as socket:
                await socket.send_str("hello")
                assert await socket.receive_str() == "HELLO"
            async with client.get(f"{state.url}/api/orders/events", ssl=context) as response:
                assert await response.text() == "data: one\n\ndata: two\n\n"
            async with client.get(f"{state.url}/_gateway/api/v1/live", ssl=context) as response:
                assert (await response.content.readline()).startswith(b"retry:")
    finally:
        await runner.cleanup()


async def test_a_hundred_renewals_under_load_fail_nobody(tmp_path):
    async with secured(tmp_path) as (_, url, ca):
        authority, context, done, over = Authority(ca.parent), trusting(ca), [], asyncio.Event()

        async def load() -> None:
            while not over.is_set():
                connector = aiohttp.TCPConnector(force_close=True)  # a handshake for each
                async with aiohttp.ClientSession(connector=connector) as client:
                    for _ in range(5):
                        async with client.get(f"{url}/api/orders/7", ssl=context) as response:
                            assert await response.text() == "hi"
                            done.append(response.status)

        loads = [asyncio.create_task(load()) for _ in range(4)]
        names = Names(("localhost",), tuple(authority_names(authority)))
        for _ in range(100):
            await asyncio.to_thread(authority.renew, names)
            await asyncio.sleep(0.02)
        over.set()
        await asyncio.gather(*loads)
        assert len(done) >= 50
        assert set(done) == {200}


def authority_names(authority: Authority):
    from gateway.https import names_of

    assert authority.leaf is not None
    return names_of(authority.leaf).addresses


async def test_plain_http_on_the_tls_port_gets_one_line(tmp_path):
    async with secured(tmp_path) as (_, url, _ca), raw_client(url.replace("https", "http")) as client:
        await client.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        head, body = await client.response()
        assert status_of(head) == 400
        assert body == b"This port speaks HTTPS: write https:// before the address.\n"


async def test_a_plain_port_that_leads_to_https(tmp_path):
    async with secured(tmp_path, plain="redirect") as (gateway, url, ca):
        assert gateway.url == url, "commands and demos call the TLS port"
        plain = f"http://127.0.0.1:{gateway.plain_port}"
        async with aiohttp.ClientSession() as client:
            async with client.get(f"{plain}/api/orders/7?x=1", allow_redirects=False) as response:
                assert (response.status, response.headers["Location"]) == (308, f"{url}/api/orders/7?x=1")
            async with client.post(f"{plain}/api/orders", data=b"secret") as response:
                assert response.status == 403
                assert url in await response.text()
            async with client.get(f"{plain}/_gateway/tls") as response:
                assert response.status == 200
                state = gateway.services.tls()
                assert state is not None
                assert state.fingerprint in await response.text()
            async with client.get(f"{plain}/_gateway/tls/ca.crt") as response:
                assert await response.read() == ca.read_bytes()
            async with client.get(f"{plain}/_gateway/tls/ca.mobileconfig") as response:
                assert response.content_type == "application/x-apple-aspen-config"
            async with client.get(f"{plain}/_gateway/healthz", allow_redirects=False) as response:
                assert response.status == 308
            async with client.get(f"{plain}/api/orders/7", headers={"X-Forwarded-Proto": "https"}) as response:
                assert response.status == 200, "a trusted proxy got it by https"
            async with client.get(f"{url}/api/orders/7", ssl=trusting(ca)) as response:
                assert "; Secure" in response.headers["Set-Cookie"]


async def test_a_client_that_speaks_http2_only_is_told(tmp_path):
    async with raw_upstream(OK) as upstream, serving(tmp_path, ROUTES.format(url=upstream.url)) as gateway:
        async with raw_client(gateway.url) as client:
            await client.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00")
            head = await client.head()
            assert status_of(head) == 505
            assert b"HTTP/2 and gRPC are not spoken" in await client.rest()


async def test_options_that_contradict_each_other_are_refused(tmp_path):
    for wrong in (
        {"plain": "redirect"},
        {"tls_cert": (tmp_path / "a",)},
        {"tls_auto": True, "tls_cert": (tmp_path / "a",)},
    ):
        with pytest.raises(UsageError):
            async with serving(tmp_path, ROUTES.format(url="http://127.0.0.1:9"), **wrong):
                pass
    with pytest.raises(ConfigError, match=r"none\.crt"):
        files = {"tls_cert": (tmp_path / "none.crt",), "tls_key": (tmp_path / "none.key",), "tls_port": 0}
        async with serving(tmp_path, ROUTES.format(url="http://127.0.0.1:9"), **files):
            pass


async def test_certificates_of_ones_own_are_chosen_by_server_name(tmp_path):
    pairs = {}
    for name in ("one.test", "two.test"):
        made = Authority(tmp_path / name)
        made.ensure(Names((name,), (), (name,)))
        pairs[name] = made
    files = {
        "tls_cert": tuple(one.leaf_file for one in pairs.values()),
        "tls_key": tuple(one.leaf_key_file for one in pairs.values()),
    }
    async with secured(tmp_path, tls_auto=False, **files) as (gateway, url, _):
        port = int(url.rpartition(":")[2])
        for name, made in pairs.items():
            _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trusting(made.file), server_hostname=name)
            writer.close()
            await writer.wait_closed()
        state = gateway.services.tls()
        assert state is not None
        assert (state.names, state.fingerprint) == (("one.test",), "")


async def test_the_console_port_speaks_https_too(tmp_path):
    async with secured(tmp_path, console_port=0) as (gateway, _, ca):
        assert gateway.console.startswith("https://") and gateway.console != gateway.url
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=trusting(ca))) as http:
            async with http.get(f"{gateway.console}/_gateway/") as page:
                assert page.status == 200
            async with http.get(f"{gateway.console}/_gateway/api/v1/live") as stream:
                assert stream.status == 200 and stream.content_type == "text/event-stream"
        plain = gateway.console.replace("https://", "http://")
        async with aiohttp.ClientSession() as http, http.get(f"{plain}/_gateway/") as refused:
            assert refused.status == 400 and "https" in await refused.text()
        port = int(gateway.console.rpartition(":")[2])
    with pytest.raises(OSError):
        await asyncio.open_connection("127.0.0.1", port)

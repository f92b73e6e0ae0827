"""A cluster with a port to itself: opened, moved and closed as routes.yaml changes, recorded by its path."""

import asyncio
import socket

import aiohttp
from peers import raw_client, raw_upstream, status_of
from serving import serving

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
ROUTES = """\
version: 1
environments: [dev]
clusters:
  registry:
    path: /registry
    environment: dev
{more}
    upstreams: {{dev: "{url}"}}
"""


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


async def until_it_listens(port: int, *, yes: bool = True) -> None:
    async with asyncio.timeout(10):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                if yes:
                    return
            except OSError:
                if not yes:
                    return
            await asyncio.sleep(0.05)


async def ask(port: int, path: str) -> tuple[int, bytes]:
    async with raw_client(f"http://127.0.0.1:{port}") as client:
        await client.send(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nGateway-Session: s\r\n\r\n".encode())
        head, body = await client.response()
        return status_of(head), body


async def test_a_cluster_has_a_port_to_itself(tmp_path):
    first, second = free_port(), free_port()
    async with raw_upstream(OK % (2, b"{}")) as upstream:
        routes = ROUTES.format(url=upstream.url, more=f"    listen: 127.0.0.1:{first}")
        async with serving(tmp_path, routes) as gateway:
            assert await ask(first, "/_gateway/lodash?x=1") == (200, b"{}")
            assert upstream.heads[0].startswith(b"GET /_gateway/lodash?x=1 HTTP/1.1"), "all of it is the cluster's"
            async with aiohttp.ClientSession(gateway.url) as client:
                async with client.get("/_gateway/api/v1/recordings/s/exchanges") as response:
                    (one,) = (await response.json())["items"]
            assert one["url"] == f"{gateway.url}/registry/_gateway/lodash?x=1"

            file = gateway.services.routes.file
            file.write_text(routes.replace(f":{first}", f":{second}"))
            await until_it_listens(second)
            await until_it_listens(first, yes=False)
            assert (await ask(second, "/a"))[0] == 200
            file.write_text(ROUTES.format(url=upstream.url, more=""))
            await until_it_listens(second, yes=False)
            assert (await ask(int(gateway.url.rpartition(":")[2]), "/registry/a"))[0] == 200


async def test_an_address_that_is_taken_is_said_and_harms_nothing_else(tmp_path, caplog):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        async with raw_upstream(OK % (2, b"{}")) as upstream:
            routes = ROUTES.format(url=upstream.url, more=f"    listen: 127.0.0.1:{port}")
            async with serving(tmp_path, routes) as gateway:
                assert (await ask(int(gateway.url.rpartition(":")[2]), "/registry/a"))[0] == 200
                assert f"registry cannot listen at 127.0.0.1:{port}" in caplog.text


async def test_a_response_that_leads_past_the_gateway_is_marked(tmp_path):
    async def talk(peer):
        while True:
            await peer.request()
            body = b'{"next": "%b/page/2"}' % upstream.url.encode()
            await peer.send(OK % (len(body), body))

    async with raw_upstream(talk) as upstream:
        async with serving(tmp_path, ROUTES.format(url=upstream.url, more="")) as gateway:
            assert (await ask(int(gateway.url.rpartition(":")[2]), "/registry/page/1"))[0] == 200
            async with aiohttp.ClientSession(gateway.url, headers={"Gateway-Session": "s"}) as client:
                async with client.get("/_gateway/api/v1/recordings/s") as response:
                    found = await response.json()
                assert found["past_gateway"] == [{"step": 1, "addresses": [upstream.url]}]
                assert found["past_gateway_read"] == 1
                async with client.get("/_gateway/api/v1/recordings/s/exchanges") as response:
                    (one,) = (await response.json())["items"]
                async with client.get(f"/_gateway/api/v1/exchanges/{one['id']}") as response:
                    assert (await response.json())["past_gateway"] == [upstream.url]
                async with client.get(f"/_gateway/exchanges/{one['id']}", headers={"Accept": "text/html"}) as response:
                    assert "an address past the gateway" in await response.text()


async def ask_as(port: int, host: str) -> int:
    async with raw_client(f"http://127.0.0.1:{port}") as client:
        await client.send(f"GET /a HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        return status_of((await client.response())[0])


async def test_a_foreign_name_does_not_reach_a_cluster_at_its_own_port(tmp_path):
    """A web site that points its name at this machine (DNS rebinding) is refused there as at the gateway's port."""
    port = free_port()
    more = f"    listen: 127.0.0.1:{port}\n    names: [registry.corp.example]"
    async with raw_upstream(OK % (2, b"{}")) as upstream:
        async with serving(tmp_path, ROUTES.format(url=upstream.url, more=more)) as gateway:
            main = int(gateway.url.rpartition(":")[2])
            for host in (
                f"127.0.0.1:{port}",
                "localhost",
                "box",
                f"registry.corp.example:{port}",
                "Registry.Corp.Example.",
            ):
                assert (host, await ask_as(port, host)) == (host, 200)
            reached = len(upstream.heads)
            for host in ("evil.example", f"evil.example:{port}", "127.0.0.1.evil.example", "corp.example"):
                assert (host, await ask_as(port, host)) == (host, 421)
                assert (host, await ask_as(main, host)) == (host, 421)
            assert len(upstream.heads) == reached
            assert await ask_as(main, "registry.corp.example") == 200, "a name that routes.yaml lists"


async def test_where_others_reach_the_port_of_a_cluster_every_name_passes(tmp_path):
    port = free_port()
    async with raw_upstream(OK % (2, b"{}")) as upstream:
        routes = ROUTES.format(url=upstream.url, more=f'    listen: "0.0.0.0:{port}"')
        async with serving(tmp_path, routes):
            assert await ask_as(port, "team.corp.example") == 200

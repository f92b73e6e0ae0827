"""Upstreams with several addresses, behind a proxy of one's network, and in both families of localhost.

Covers: https/certificates, proxy/pool, proxy/tunnel.
"""

import asyncio
import contextlib
import ssl
import time

import pytest
from peers import raw_client, raw_upstream, status_of
from relaying import orders_at, relaying

from gateway.proxy.connecting import DELAY, first_to_stand, interleaved

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"


async def ask(url: str, request: bytes = b"GET /api/orders/7?x=1 HTTP/1.1\r\nHost: x\r\n\r\n") -> tuple[bytes, bytes]:
    async with raw_client(url) as client:
        await client.send(request)
        return await client.response()


class Network:
    """Addresses that stand, refuse, or say nothing."""

    def __init__(self, **after: float | str) -> None:
        self.after, self.tried, self.discarded, self.given_up = after, [], [], []

    async def connect(self, address: str) -> str:
        self.tried.append(address)
        after = self.after[address]
        if isinstance(after, str):
            raise ConnectionRefusedError(111, after)
        try:
            await asyncio.sleep(after)
        except asyncio.CancelledError:
            self.given_up.append(address)
            raise
        return f"to {address}"

    async def first(self, *addresses: str) -> tuple[str, str]:
        return await first_to_stand(addresses, self.connect, self.discarded.append)


async def test_a_silent_address_costs_a_quarter_of_a_second():
    network, begun = Network(silent=60.0, good=0.0), time.monotonic()
    assert await network.first("silent", "good") == ("good", "to good")
    assert DELAY <= time.monotonic() - begun < 2
    assert network.given_up == ["silent"]


async def test_one_that_refuses_costs_nothing():
    network, begun = Network(bad="no", good=0.0), time.monotonic()
    assert await network.first("bad", "good") == ("good", "to good")
    assert time.monotonic() - begun < DELAY


async def test_a_slow_first_address_wins_where_the_second_is_slower():
    network = Network(slow=DELAY * 1.5, slower=60.0)
    assert (await network.first("slow", "slower"))[0] == "slow"
    assert network.given_up == ["slower"]


async def test_all_refused_is_an_error_and_a_cancelled_wait_leaves_nothing():
    with pytest.raises(ConnectionRefusedError):
        await Network(a="no", b="no").first("a", "b")
    network = Network(a=60.0, b=60.0)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(DELAY * 2):
            await network.first("a", "b")
    assert sorted(network.given_up) == ["a", "b"]


def test_families_take_turns():
    assert interleaved(["::1", "::2", "::3", "1.1.1.1"]) == ["::1", "1.1.1.1", "::2", "::3"]
    assert interleaved(["1.1.1.1"]) == ["1.1.1.1"]


async def test_localhost_is_met_in_either_family():
    async def talk(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK)
        writer.close()

    for host in ("127.0.0.1", "::1"):
        server = await asyncio.start_server(talk, host, 0)
        async with server, relaying(orders_at(f"http://localhost:{server.sockets[0].getsockname()[1]}")) as gw:
            assert (await ask(gw.url))[1] == b"hi"


@contextlib.asynccontextmanager
async def a_proxy(answer: bytes = b"HTTP/1.1 200 Connection established\r\n\r\n"):
    """A proxy of a network: notes what it is asked, and opens tunnels to where `127.0.0.1:port` leads."""
    heads: list[bytes] = []

    async def serve(reader, writer):
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError), contextlib.closing(writer):
            head = await reader.readuntil(b"\r\n\r\n")
            heads.append(head)
            if not head.startswith(b"CONNECT "):
                writer.write(OK)
                return
            writer.write(answer)
            if b" 200 " not in answer:
                return
            there = await asyncio.open_connection("127.0.0.1", int(head.split(b" ")[1].rpartition(b":")[2]))

            async def copy(source, target):
                while data := await source.read(65536):
                    target.write(data)
                target.close()

            with contextlib.closing(there[1]):
                await asyncio.gather(copy(reader, there[1]), copy(there[0], writer))

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", heads
        server.close()


async def test_a_proxy_gets_the_whole_url_of_an_http_upstream():
    async with a_proxy() as (url, heads):
        proxy = url.replace("//", "//ann:secret@")
        async with relaying(orders_at("http://qa.corp.example:8088/v3", f'        proxy: "{proxy}"\n')) as gw:
            head, body = await ask(gw.url)
            assert (status_of(head), body) == (200, b"hi")
            assert heads[0].startswith(b"GET http://qa.corp.example:8088/v3/7?x=1 HTTP/1.1\r\n")
            assert b"\r\nHost: qa.corp.example:8088\r\n" in heads[0]
            assert b"\r\nProxy-Authorization: Basic YW5uOnNlY3JldA==\r\n" in heads[0]
            (capture,) = await gw.recorder.until(1)
            assert capture.upstream_url == "http://qa.corp.example:8088/v3/7?x=1"


async def test_an_https_upstream_is_met_through_a_tunnel(tmp_path):
    from gateway.https.authority import Authority, local_names
    from gateway.https.certificates import Certificates, KeyPair

    authority = Authority(tmp_path)
    authority.ensure(local_names())
    context = Certificates([KeyPair(authority.leaf_file, authority.leaf_key_file)]).context
    async with a_proxy() as (proxy, heads), raw_upstream(OK, ssl=context) as upstream:
        url = upstream.url.replace("127.0.0.1", "localhost")
        more = f"        proxy: {proxy}\n        tls: {{ca: {authority.file}}}\n"
        async with relaying(orders_at(url, more)) as gw:
            head, body = await ask(gw.url)
            assert (status_of(head), body) == (200, b"hi")
            assert heads[0].startswith(b"CONNECT localhost:")
            assert len(heads) == 1
            assert (await ask(gw.url))[1] == b"hi"  # over the same tunnel, or another one


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        (b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", b"put user and password into its URL"),
        (b"HTTP/1.1 403 Forbidden\r\n\r\n", b"403 Forbidden"),
        (b"SSH-2.0-x\r\n\r\n", b"no proxy"),
    ],
)
async def test_a_proxy_that_does_not_open_the_way_is_named(answer, word):
    async with a_proxy(answer) as (url, _), relaying(orders_at("https://qa.example", f"        proxy: {url}\n")) as gw:
        head, body = await ask(gw.url)
        assert status_of(head) == 502
        assert word in body
        assert url.encode() in body


async def test_a_proxy_that_is_not_there_is_named():
    async with relaying(orders_at("https://qa.example", "        proxy: http://127.0.0.1:9\n")) as gw:
        assert (
            b"the proxy http://127.0.0.1:9 refused the connection; it is to lead to qa.example:443"
            in (await ask(gw.url))[1]
        )


@pytest.mark.parametrize(
    "frame", [b"\x00\x00\x00\x04\x00\x00\x00\x00\x00", b"\x00\x00\x08\x07\x00\x00\x00\x00\x00" + bytes(8)]
)
async def test_an_upstream_that_speaks_http2_only_is_named_so(frame):
    async with raw_upstream(frame) as upstream, relaying(orders_at(upstream.url)) as gw:
        head, body = await ask(gw.url)
        assert status_of(head) == 502
        assert b"it is HTTP/2, and the gateway speaks HTTP/1.1 with upstreams" in body


async def test_an_upstream_whose_tls_wants_http2_is_named_so():
    from gateway.proxy.pool import named

    error = ssl.SSLError(1, "[SSL: TLSV1_ALERT_NO_APPLICATION_PROTOCOL] x")
    error.reason = "TLSV1_ALERT_NO_APPLICATION_PROTOCOL"
    assert "it speaks HTTP/2 only" in named(error, "qa:443", 1.0).detail

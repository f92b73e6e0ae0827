"""H1-H15 of client faults: refused clearly or served exactly, and nothing leaks."""

import asyncio
import contextlib
import os

import pytest
from peers import field_of, raw_client, raw_upstream, status_of
from relaying import orders_at, relaying

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
GET = b"GET /api/orders HTTP/1.1\r\nHost: x\r\n\r\n"


def open_files() -> int:
    return len(os.listdir(f"/proc/{os.getpid()}/fd"))


async def test_h1_aborts_let_go_of_the_upstream_and_leak_nothing():
    gone = 0

    async def talk(peer):
        nonlocal gone
        await peer.head()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\npart")
        await peer.reader.read(-1)
        gone += 1

    async with raw_upstream(talk) as upstream, relaying(orders_at(upstream.url)) as gw:
        before = open_files()
        for _ in range(10):
            clients = []
            for _ in range(10):
                reader, writer = await asyncio.open_connection("127.0.0.1", int(gw.url.rpartition(":")[2]))
                writer.write(GET)
                clients.append((reader, writer))
            for reader, writer in clients:
                await reader.readuntil(b"part")
                writer.transport.abort()
        captures = await gw.recorder.until(100)
        assert {c.failure[0] for c in captures} == {"client_closed"}
        async with asyncio.timeout(5):
            while gone < 100 or open_files() > before + 2 or gw.relay.clients:
                await asyncio.sleep(0.02)
        assert not gw.relay.flows
        assert not gw.relay.clients


async def test_h1_abort_in_mid_upload():
    async with raw_upstream(OK) as upstream, relaying(orders_at(upstream.url)) as gw:
        async with raw_client(gw.url) as client:
            await client.send(b"POST /api/orders HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf")
            await asyncio.sleep(0.05)
            client.writer.transport.abort()
        (capture,) = await gw.recorder.until(1)
        assert capture.failure[0] == "client_closed"
        assert capture.request_size == 4


async def test_h2_ten_thousand_pipelined_requests_are_read_as_they_are_answered():
    async with raw_upstream(OK) as upstream, relaying(orders_at(upstream.url)) as gw, raw_client(gw.url) as client:

        async def write():
            for _ in range(100):
                await client.send(GET * 100)

        writing = asyncio.create_task(write())
        for _ in range(10_000):
            head = await client.reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200")
            assert await client.reader.readexactly(2) == b"hi"
            assert all(len(c._buffer) < 1 << 19 for c in gw.relay.clients)
        await writing
        assert upstream.connections == 1


POST = b"POST /api/orders HTTP/1.1\r\nHost: x\r\n"


@pytest.mark.parametrize(
    "request_bytes",
    [
        pytest.param(POST + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", id="cl-te"),
        pytest.param(POST + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n", id="te-cl"),
        pytest.param(POST + b"Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcde", id="two-cl"),
        pytest.param(POST + b"Content-Length: +4\r\n\r\nabcd", id="cl-plus"),
        pytest.param(POST + b"Content-Length: 4, 4\r\n\r\nabcd", id="cl-list"),
        pytest.param(POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n", id="two-te"),
        pytest.param(POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", id="te-unknown"),
        pytest.param(POST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", id="te-space"),
        pytest.param(POST + b"Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n", id="te-vt"),
        pytest.param(POST + b"Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n", id="chunk-size-overflow"),
        pytest.param(POST + b"Transfer-Encoding: chunked\r\n\r\n-1\r\nx\r\n", id="chunk-size-negative"),
        pytest.param(POST + b"Transfer-Encoding: chunked\r\n\r\n0x1\r\nx\r\n0\r\n\r\n", id="chunk-size-prefix"),
        pytest.param(POST + b"Transfer-Encoding: chunked\r\n\r\n1\nx\n0\n\n", id="chunk-bare-lf"),
        pytest.param(POST + b"Transfer-Encoding: chunked\r\n\r\n1;a\nb\r\nx\r\n0\r\n\r\n", id="chunk-ext-bare-lf"),
        pytest.param(b"GET /api/orders HTTP/1.1\r\nHost: x\r\nA: b\r\n folded\r\n\r\n", id="h4-obs-fold"),
        pytest.param(b"GET /api/orders HTTP/1.1\nHost: x\n\n", id="h4-bare-lf"),
        pytest.param(b"GET /api/orders HTTP/1.1\rHost: x\r\n\r\n", id="h4-bare-cr"),
        pytest.param(b"GET /api/orders HTTP/1.1\r\nHost: x\r\nA: b\x00\r\n\r\n", id="h4-nul"),
        pytest.param(b"GET /api/orders HTTP/1.1\r\nHost: x\r\nA(: b\r\n\r\n", id="h4-bad-name"),
        pytest.param(b"GET /api/orders HTTP/1.1\r\n Host: x\r\n\r\n", id="h4-leading-space"),
        pytest.param(b"GET /api/orders\r\n\r\n", id="http-0.9"),
        pytest.param(b"GET /api/orders HTTP/3.0\r\nHost: x\r\n\r\n", id="version"),
        pytest.param(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", id="h8-http2-preface"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", id="h8-tls"),
        pytest.param(b"CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n", id="h8-connect"),
        pytest.param(b"TRACE /api/orders HTTP/1.1\r\nHost: x\r\n\r\n", id="h8-trace"),
        pytest.param(b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", id="h8-options-star"),
        pytest.param(b"GET api/orders HTTP/1.1\r\nHost: x\r\n\r\n", id="h8-no-slash"),
        pytest.param(b"GET /api/orders HTTP/1.1\r\n\r\n", id="h9-no-host"),
        pytest.param(b"GET /api/orders HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", id="h9-two-hosts"),
        pytest.param(b"GET /api/orders HTTP/1.1\r\nHost: a b\r\n\r\n", id="h9-bad-host"),
        pytest.param(b"GET /api/orders HTTP/1.1\r\nHost: x/../y\r\n\r\n", id="h9-host-with-path"),
        pytest.param(b"GET /api/orders/../x HTTP/1.1\r\nHost: x\r\n\r\n", id="h7-dots"),
        pytest.param(b"GET /api/orders/..%2f..%2f_gateway HTTP/1.1\r\nHost: x\r\n\r\n", id="h7-encoded-dots"),
        pytest.param(b"GET /api/orders/%2e%2e/x HTTP/1.1\r\nHost: x\r\n\r\n", id="h7-percent-dots"),
        pytest.param(b"GET /api/orders/a\\b HTTP/1.1\r\nHost: x\r\n\r\n", id="h7-backslash"),
        pytest.param(b"GET /api/orders/%zz HTTP/1.1\r\nHost: x\r\n\r\n", id="h7-bad-percent"),
        pytest.param(b"GET /api/orders/%00 HTTP/1.1\r\nHost: x\r\n\r\n", id="h7-nul"),
        pytest.param(b"GET /api/orders#f HTTP/1.1\r\nHost: x\r\n\r\n", id="h7-fragment"),
        pytest.param("GET /api/orders/é HTTP/1.1\r\nHost: x\r\n\r\n".encode(), id="h7-non-ascii"),
        pytest.param(GET.replace(b"orders ", b"orders/" + b"a" * (2 << 20) + b" "), id="h5-2mib-url"),
        pytest.param(GET[:-2] + b"".join(b"X-%d: 1\r\n" % i for i in range(200_000)) + b"\r\n", id="h5-200k-fields"),
        pytest.param(GET[:-2] + b"X: 1\r\n" * 2000 + b"\r\n", id="h5-2k-fields"),
        pytest.param(
            POST + b"Connection: close\r\nExpect: the-unexpected\r\nContent-Length: 0\r\n\r\n", id="h13-expect"
        ),
        pytest.param(
            GET.replace(b"1.1", b"1.0")[:-2] + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", id="h14-chunked-1.0"
        ),
    ],
)
async def test_what_is_not_a_proper_request_is_refused_and_never_forwarded(request_bytes):
    upstream_bytes = bytearray()

    async def talk(peer):
        upstream_bytes.extend(await peer.reader.read(65536))

    async with raw_upstream(talk) as upstream, relaying(orders_at(upstream.url)) as gw, raw_client(gw.url) as client:
        with contextlib.suppress(ConnectionError):
            await client.send(request_bytes)
        head = await client.head()
        assert 400 <= status_of(head) < 506 and status_of(head) not in (404, 502), head
        assert b"application/problem+json" in field_of(head, b"Content-Type")
        await client.rest()
        assert b"_gateway" not in upstream_bytes
        assert upstream_bytes.count(b" HTTP/1.1") <= 1
        assert not upstream_bytes or b"chunk" in bytes(upstream_bytes)  # a bad chunk may follow a good head


async def test_h5_a_long_url_and_a_hundred_fields_pass():
    async with raw_upstream(OK) as upstream, relaying(orders_at(upstream.url)) as gw, raw_client(gw.url) as client:
        fields = b"".join(b"X-%d: %d\r\n" % (i, i) for i in range(100))
        await client.send(b"GET /api/orders/" + b"a" * 7168 + b" HTTP/1.1\r\nHost: x\r\n" + fields + b"\r\n")
        assert status_of((await client.response())[0]) == 200
        assert len(upstream.heads[0]) > 7168
        assert b"X-99: 99" in upstream.heads[0]


@pytest.mark.parametrize(
    "path", [b"/api/order/1", b"/api/ordersX", b"/API/orders", b"/api//orders", b"//api/orders", b"/api/orders%2f"]
)
async def test_h7_a_prefix_matches_whole_segments_only(path):
    async with raw_upstream(OK) as upstream, relaying(orders_at(upstream.url)) as gw, raw_client(gw.url) as client:
        await client.send(b"GET %b HTTP/1.1\r\nHost: x\r\n\r\n" % path)
        assert (await client.rest()).endswith(b"own")
        assert upstream.connections == 0


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        (b"/api/orders@127.0.0.1:9/", None),
        (b"/api/orders/@127.0.0.1:9/x", b"/@127.0.0.1:9/x"),
        (b"/api/orders//evil.test/", b"//evil.test/"),
        (b"/api/orders?@evil", b"/?@evil"),
        (b"/api/orders/a:b/%40", b"/a:b/%40"),
    ],
)
async def test_no_path_chooses_the_server(path, sent):
    async with raw_upstream(OK) as upstream, relaying(orders_at(upstream.url)) as gw, raw_client(gw.url) as client:
        await client.send(b"GET %b HTTP/1.1\r\nHost: x\r\n\r\n" % path)
        await client.head()
        seen = [head.split(b" ")[1] for head in upstream.heads]
        assert seen == ([sent] if sent else [])


async def test_h10_h2c_upgrades_stay_http_1():
    async with raw_upstream(OK) as upstream, relaying(orders_at(upstream.url)) as gw, raw_client(gw.url) as client:
        await client.send(
            GET[:-2] + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMA\r\n\r\n"
        )
        assert status_of((await client.response())[0]) == 200
        assert b"pgrade" not in upstream.heads[0]
        assert b"HTTP2" not in upstream.heads[0]


async def test_h11_a_head_must_come_within_its_time():
    async with (
        raw_upstream(OK) as upstream,
        relaying(orders_at(upstream.url), header_timeout=0.5) as gw,
        raw_client(gw.url) as client,
    ):
        await client.send(b"GET /api/orders HTTP/1.1\r\n")
        for _ in range(3):
            await asyncio.sleep(0.1)
            await client.send(b"X-Slow: 1\r\n")
        assert status_of(await client.head()) == 408


async def test_h11_idle_connections_are_closed():
    async with (
        raw_upstream(OK) as upstream,
        relaying(orders_at(upstream.url), keep_alive=0.3) as gw,
        raw_client(gw.url) as client,
    ):
        await client.send(GET)
        await client.response()
        assert await client.rest() == b""


async def test_h15_conditions_and_ranges_pass():
    answer = b"HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-1/9\r\nContent-Length: 2\r\n\r\nhi"
    async with raw_upstream(answer) as upstream, relaying(orders_at(upstream.url)) as gw, raw_client(gw.url) as client:
        await client.send(GET[:-2] + b'Range: bytes=0-1\r\nIf-Match: "a"\r\nIf-None-Match: *\r\n\r\n')
        head, _ = await client.response()
        assert status_of(head) == 206
        assert field_of(head, b"Content-Range") == b"bytes 0-1/9"
        assert field_of(upstream.heads[0], b"Range") == b"bytes=0-1"
        assert field_of(upstream.heads[0], b"If-Match") == b'"a"'


async def test_a_client_that_stops_sending_still_gets_its_answer():
    async def talk(peer):
        await peer.request()
        await asyncio.sleep(0.1)
        await peer.send(OK)

    async with raw_upstream(talk) as upstream, relaying(orders_at(upstream.url)) as gw, raw_client(gw.url) as client:
        await client.send(GET)
        client.writer.write_eof()
        assert (await client.rest()).endswith(b"hi")


async def test_a_loop_is_seen_at_its_first_turn():
    async with raw_upstream(OK) as upstream, relaying(orders_at(upstream.url)) as gw, raw_client(gw.url) as client:
        await client.send(GET[:-2] + gw.relay.via + b"\r\n\r\n")
        head, _ = await client.response()
        assert status_of(head) == 508
        assert b"proxy_loop_detected" in field_of(head, b"Proxy-Status")
        assert upstream.connections == 0


async def test_forwarding_fields_of_the_client_are_appended_to_or_replaced():
    async with raw_upstream(OK) as upstream, relaying(orders_at(upstream.url)) as gw, raw_client(gw.url) as client:
        await client.send(
            GET[:-2]
            + b"X-Forwarded-For: 9.9.9.9\r\nX-Forwarded-Host: evil\r\nX-Forwarded-Proto: https\r\nForwarded: for=9.9.9.9\r\n\r\n"
        )
        await client.response()
        head = upstream.heads[0]
        assert field_of(head, b"X-Forwarded-For") == b"9.9.9.9, 127.0.0.1"
        assert field_of(head, b"X-Forwarded-Host") == b"x"
        assert field_of(head, b"X-Forwarded-Proto") == b"http"
        assert field_of(head, b"Forwarded").startswith(b"for=9.9.9.9, for=127.0.0.1")

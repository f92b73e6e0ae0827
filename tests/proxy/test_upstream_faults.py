"""U1-U22 of upstream faults: each answered clearly, recorded with its kind, and no other exchange disturbed."""

import asyncio
import json
import os
import signal
import socket
import ssl
import subprocess
import time

import pytest
from peers import field_of, fields_of, raw_client, raw_upstream, status_of
from relaying import orders_at, relaying

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
GET = b"GET /api/orders HTTP/1.1\r\nHost: x\r\n\r\n"


async def ask(url: str, request: bytes = GET) -> tuple[bytes, bytes]:
    async with raw_client(url) as client:
        await client.send(request)
        return await client.response()


def failing(head: bytes, body: bytes, kind: str, status: int) -> dict:
    assert status_of(head) == status, body
    assert field_of(head, b"Proxy-Status").decode().startswith(f"gateway; error={kind}"), head
    return json.loads(body)


async def test_u2_a_name_that_does_not_resolve():
    async with relaying(orders_at("http://nosuch.invalid:81")) as gw:
        problem = failing(*await ask(gw.url), "dns_error", 502)
        assert "nosuch.invalid" in problem["detail"]
        assert problem["hint"]


async def test_u3_a_connection_that_is_never_accepted():
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
        text = orders_at(f"http://127.0.0.1:{full.getsockname()[1]}", "        timeout: {connect: 300ms}")
        async with relaying(text) as gw:
            problem = failing(*await ask(gw.url), "connection_timeout", 504)
            assert "0.3 s" in problem["detail"]
        for filler in fillers:
            filler.close()


async def test_u4_an_upstream_that_never_answers():
    async def talk(peer):
        await peer.request()
        await asyncio.sleep(30)

    async with (
        raw_upstream(talk) as upstream,
        relaying(orders_at(upstream.url, "        timeout: {response: 300ms}")) as gw,
    ):
        failing(*await ask(gw.url), "http_response_timeout", 504)


async def test_u5_a_stall_in_mid_body_breaks_the_response_visibly():
    async def talk(peer):
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
        await asyncio.sleep(30)

    async with (
        raw_upstream(talk) as upstream,
        relaying(orders_at(upstream.url, "        timeout: {idle: 300ms}")) as gw,
    ):
        async with raw_client(gw.url) as client:
            await client.send(GET)
            assert (await client.rest()).endswith(b"half")
        (capture,) = await gw.recorder.until(1)
        assert capture.failure[0] == "connection_read_timeout"
        assert capture.status == 200


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        pytest.param(b"", "connection_terminated", id="u6-at-once"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-", "http_response_incomplete", id="u6-mid-head"),
        pytest.param(b"garbage\r\n\r\n", "http_protocol_error", id="u9-garbage"),
        pytest.param(b"HTTP/1.1 abc OK\r\n\r\n", "http_protocol_error", id="u9-bad-status"),
        pytest.param(b"HTTP/1.1 200 OK\r\nA: b\r\n folded\r\n\r\n", "http_protocol_error", id="u9-obs-fold"),
        pytest.param(b"HTTP/1.1 200 OK\r\nA: b\x00c\r\n\r\n", "http_protocol_error", id="u9-nul"),
        pytest.param(b"HTTP/1.1 200 OK\r\nA b: c\r\n\r\n", "http_protocol_error", id="u9-bad-name"),
        pytest.param(b"HTTP/1.1 200 OK\nContent-Length: 0\n\n", "http_protocol_error", id="u9-bare-lf"),
        pytest.param(b"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n", "http_protocol_error", id="u9-version"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "http_protocol_error",
            id="u12-both",
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nhi", "http_protocol_error", id="u12-two"
        ),
        pytest.param(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
            "http_upgrade_failed",
            id="u13-unasked-101",
        ),
    ],
)
async def test_answers_that_are_none_are_502_with_their_kind(answer, kind):
    async def talk(peer):
        await peer.request()
        await peer.send(answer)

    async with raw_upstream(talk) as upstream, relaying(orders_at(upstream.url)) as gw:
        failing(*await ask(gw.url), kind, 502)
        (capture,) = await gw.recorder.until(1)
        assert capture.failure[0] == kind


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", id="length"),
        pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n", id="chunked"),
        pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nzz\r\n", id="bad-chunk"),
    ],
)
async def test_u7_an_incomplete_body_is_seen_as_incomplete(answer):
    async def talk(peer):
        await peer.request()
        await peer.send(answer)

    async with raw_upstream(talk) as upstream, relaying(orders_at(upstream.url)) as gw, raw_client(gw.url) as client:
        await client.send(GET)
        text = await client.rest()
        assert b"half" in text
        assert not text.endswith(b"0\r\n\r\n")
        (capture,) = await gw.recorder.until(1)
        assert capture.failure[0] in ("http_response_incomplete", "http_protocol_error")
        assert b"".join(capture.response_body) == b"half"


async def test_u8_get_is_sent_again_once_on_a_stale_connection_and_post_never():
    async def talk(peer):
        await peer.request()
        await peer.send(OK)
        await peer.request()  # the second request on a connection dies unanswered
        seen.append(peer.number)

    seen: list[int] = []
    async with raw_upstream(talk) as upstream, relaying(orders_at(upstream.url)) as gw:
        assert (await ask(gw.url))[1] == b"hi"
        assert (await ask(gw.url))[1] == b"hi"
        assert upstream.connections == 2
        assert (await gw.recorder.until(2))[1].attempts == 2
        put = b"PUT /api/orders HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"
        assert (await ask(gw.url, put))[1] == b"hi"
        assert b"".join(gw.recorder.captures[2].request_body) == b"abc"
        failing(*await ask(gw.url, put.replace(b"PUT", b"POST")), "connection_terminated", 502)
        assert gw.recorder.captures[3].attempts == 1
        assert len(seen) == 3


async def test_u10_endless_heads_are_cut():
    async def talk(peer):
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\n")
        while True:
            await peer.send(b"X-A: " + b"a" * 8000 + b"\r\n")

    async with raw_upstream(talk) as upstream, relaying(orders_at(upstream.url)) as gw:
        failing(*await ask(gw.url), "http_response_header_section_size", 502)


async def test_u10_two_hundred_fields_pass():
    fields = b"".join(b"X-%d: %d\r\n" % (i, i) for i in range(200))
    async with raw_upstream(b"HTTP/1.1 200 OK\r\n" + fields + b"Content-Length: 0\r\n\r\n") as upstream:
        async with relaying(orders_at(upstream.url)) as gw:
            head, _ = await ask(gw.url)
            assert field_of(head, b"X-199") == b"199"


@pytest.mark.parametrize(
    "surplus",
    [
        OK + b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
        b"HTTP/1.1 204 No Content\r\n\r\nevil",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
    ],
)
async def test_u11_surplus_bytes_never_reach_the_next_exchange(surplus):
    async def talk(peer):
        await peer.request()
        await peer.send(surplus if peer.number == 1 else OK)
        await peer.request()
        await peer.send(OK)

    async with raw_upstream(talk) as upstream, relaying(orders_at(upstream.url)) as gw, raw_client(gw.url) as client:
        await client.send(GET)
        head = await client.head()
        await client.reader.readexactly(2 if b"Content-Length: 2" in head else 12 if b"chunked" in head else 0)
        await client.send(GET)
        assert (await client.response())[1] == b"hi"
        assert upstream.connections == 2


async def test_u11_bytes_on_an_idle_connection_end_it():
    async def talk(peer):
        await peer.request()
        await peer.send(OK)
        if peer.number == 1:
            await asyncio.sleep(0.05)
            await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
        await peer.request()
        await peer.send(OK)

    async with raw_upstream(talk) as upstream, relaying(orders_at(upstream.url)) as gw:
        await ask(gw.url)
        await asyncio.sleep(0.15)
        assert (await ask(gw.url))[1] == b"hi"
        assert upstream.connections == 2


async def test_u14_an_early_answer_in_mid_upload_reaches_the_client():
    async def talk(peer):
        await peer.head()
        await peer.send(b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig")
        await asyncio.sleep(0.2)

    async with raw_upstream(talk) as upstream, relaying(orders_at(upstream.url)) as gw, raw_client(gw.url) as client:
        await client.send(b"POST /api/orders HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 1000)
        head, body = await client.response()
        assert status_of(head) == 413
        assert body == b"big"
        assert field_of(head, b"Connection") == b"close"


async def test_u16_encoded_bodies_pass_as_they_are():
    bad = b"\x1f\x8bnot gzip"
    answer = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%b" % (len(bad), bad)
    async with raw_upstream(answer) as upstream, relaying(orders_at(upstream.url)) as gw:
        head, body = await ask(gw.url)
        assert body == bad
        assert field_of(head, b"Content-Encoding") == b"gzip"


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """(folder) good.pem/key for localhost, and one that has expired."""
    folder = tmp_path_factory.mktemp("tls")
    for name, subject, days in (("good", "localhost", "2"), ("wrong", "elsewhere.test", "2")):
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", days, "-subj",
             f"/CN={subject}", "-addext", f"subjectAltName=DNS:{subject}", "-keyout", f"{name}.key", "-out", f"{name}.pem"],
            cwd=folder, check=True, capture_output=True,
        )  # fmt: skip
    return folder


def server_context(folder, name: str, *, client_ca: bool = False) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / f"{name}.pem", folder / f"{name}.key")
    if client_ca:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(folder / "good.pem")
    return context


def tls_at(url: str, folder, extra: str) -> str:
    return orders_at(url.replace("127.0.0.1", "localhost"), f"        tls: {{{extra.format(d=folder)}}}")


@pytest.mark.parametrize(
    ("certificate", "extra", "words"),
    [
        pytest.param("good", "verify: true", "self", id="self-signed"),
        pytest.param("wrong", "ca: '{d}/wrong.pem'", "ostname mismatch", id="wrong-name"),
    ],
)
async def test_u17_untrusted_certificates_are_named(certificates, certificate, extra, words):
    async with raw_upstream(OK, ssl=server_context(certificates, certificate)) as upstream:
        async with relaying(tls_at(upstream.url, certificates, extra)) as gw:
            problem = failing(*await ask(gw.url), "tls_certificate_error", 502)
            assert words in problem["detail"]
            assert "tls" in problem["hint"]


@pytest.mark.parametrize(
    ("certificate", "extra"),
    [
        pytest.param("good", "ca: '{d}/good.pem'", id="own-ca"),
        pytest.param("wrong", "ca: '{d}/wrong.pem', server_name: elsewhere.test", id="sni"),
        pytest.param("wrong", "verify: false", id="not-verified"),
    ],
)
async def test_u17_tls_with_own_ca_name_or_without_verification(certificates, certificate, extra):
    async with raw_upstream(OK, ssl=server_context(certificates, certificate)) as upstream:
        async with relaying(tls_at(upstream.url, certificates, extra)) as gw:
            assert (await ask(gw.url))[1] == b"hi"


async def test_u17_client_certificates(certificates):
    async with raw_upstream(OK, ssl=server_context(certificates, "good", client_ca=True)) as upstream:
        mine = "ca: '{d}/good.pem', cert: '{d}/good.pem', key: '{d}/good.key'"
        async with relaying(tls_at(upstream.url, certificates, mine)) as gw:
            assert (await ask(gw.url))[1] == b"hi"
        async with relaying(tls_at(upstream.url, certificates, "ca: '{d}/good.pem'")) as gw:
            head, body = await ask(gw.url)
            assert status_of(head) == 502
            assert json.loads(body)["cluster"] == "orders"


async def test_u17_plain_http_on_a_tls_port(certificates):
    async def talk(peer):
        await peer.reader.read(100)
        await peer.send(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")

    async with raw_upstream(talk) as upstream:
        async with relaying(tls_at(upstream.url.replace("http:", "https:"), certificates, "verify: true")) as gw:
            head, _body = await ask(gw.url)
            assert status_of(head) == 502
            assert b"tls" in field_of(head, b"Proxy-Status")


async def test_u18_redirects_are_passed_on_and_foreign_ones_untouched():
    answer = b"HTTP/1.1 302 Found\r\nLocation: %b\r\nContent-Length: 0\r\n\r\n"
    for location in (
        b"//evil.test/x",
        b"http://user@evil.test/",
        b"https://elsewhere.test/api",
        b"relative/path",
        b"?q=1",
    ):
        async with raw_upstream(answer % location) as upstream, relaying(orders_at(upstream.url)) as gw:
            head, _ = await ask(gw.url)
            assert status_of(head) == 302
            assert field_of(head, b"Location") == location


async def test_u19_cookies_keep_number_and_order():
    cookies = [b"a=1", b"b=2; Secure; SameSite=None", b"a=3; Path=/x", b"__Host-c=4; Secure; Path=/"]
    answer = (
        b"HTTP/1.1 200 OK\r\n" + b"".join(b"Set-Cookie: %b\r\n" % c for c in cookies) + b"Content-Length: 0\r\n\r\n"
    )
    async with raw_upstream(answer) as upstream, relaying(orders_at(upstream.url)) as gw:
        head, _ = await ask(gw.url)
        names = [v.split(b"=")[0] for n, v in fields_of(head) if n == b"Set-Cookie"]
        assert names == [b"a", b"b", b"a", b"http__Host-c"]  # browsers refuse the prefix over http


async def test_u20_twenty_stalled_upstream_connections_block_nobody():
    async def talk(peer):
        while True:
            head, _ = await peer.request()
            if b"/slow" in head:
                await asyncio.sleep(30)
            await peer.send(OK)

    async with raw_upstream(talk) as upstream, relaying(orders_at(upstream.url)) as gw:
        stalled = [asyncio.create_task(ask(gw.url, GET.replace(b"orders ", b"orders/slow "))) for _ in range(20)]
        await asyncio.sleep(0.2)
        assert (await ask(gw.url))[1] == b"hi"
        for task in stalled:
            task.cancel()
        await asyncio.gather(*stalled, return_exceptions=True)


async def test_u21_http_1_0_and_close_delimited_answers():
    async def talk(peer):
        await peer.request()
        await peer.send(b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nuntil the end")

    async with raw_upstream(talk) as upstream, relaying(orders_at(upstream.url)) as gw, raw_client(gw.url) as client:
        await client.send(GET)
        head = await client.head()
        assert head.startswith(b"HTTP/1.1 200")
        assert field_of(head, b"Transfer-Encoding") == b"chunked"
        assert await client.reader.readuntil(b"0\r\n\r\n") == b"d\r\nuntil the end\r\n0\r\n\r\n"
        await client.send(GET)
        assert status_of(await client.head()) == 200


async def test_u21_odd_status_codes_pass():
    async with (
        raw_upstream(b"HTTP/1.1 799 Odd\r\nContent-Length: 2\r\n\r\nhi") as upstream,
        relaying(orders_at(upstream.url)) as gw,
    ):
        head, _ = await ask(gw.url)
        assert head.startswith(b"HTTP/1.1 799 Odd\r\n")


@pytest.mark.parametrize("step", [1, 3])
async def test_u22_an_answer_in_slices(step):
    answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nT: 1\r\n\r\n"

    async def talk(peer):
        await peer.request()
        for i in range(0, len(answer), step):
            await peer.send(answer[i : i + step])
            await asyncio.sleep(0.001)
        await peer.request()
        await peer.send(OK)

    async with raw_upstream(talk) as upstream, relaying(orders_at(upstream.url)) as gw, raw_client(gw.url) as client:
        await client.send(GET)
        head = await client.head()
        assert status_of(head) == 200
        body = await client.reader.readuntil(b"\r\n\r\n")
        assert body in (b"2\r\nhi\r\n0\r\nT: 1\r\n\r\n", b"1\r\nh\r\n1\r\ni\r\n0\r\nT: 1\r\n\r\n")
        await client.send(GET)
        assert (await client.response())[1] == b"hi"
        assert upstream.connections == 1


async def test_a_stopped_upstream_is_a_time_out_and_goes_on_later(tmp_path):
    """SIGSTOP: the kernel still accepts, nobody answers."""
    script = tmp_path / "server.py"
    script.write_text(
        "import http.server, sys\n"
        "class H(http.server.BaseHTTPRequestHandler):\n"
        "    def do_GET(self):\n"
        "        self.send_response(200); self.send_header('Content-Length', '2'); self.end_headers(); self.wfile.write(b'hi')\n"
        "    def log_message(self, *a): pass\n"
        "s = http.server.HTTPServer(('127.0.0.1', 0), H); print(s.server_port, flush=True); s.serve_forever()\n"
    )
    process = subprocess.Popen(["python3", str(script)], stdout=subprocess.PIPE, text=True)
    try:
        port = process.stdout.readline().strip()
        text = orders_at(f"http://127.0.0.1:{port}", "        timeout: {response: 400ms}")
        async with relaying(text) as gw:
            assert status_of((await ask(gw.url))[0]) == 200
            os.kill(process.pid, signal.SIGSTOP)
            failing(*await ask(gw.url), "http_response_timeout", 504)
            os.kill(process.pid, signal.SIGCONT)
            end = time.monotonic() + 10
            while status_of((await ask(gw.url))[0]) != 200:
                assert time.monotonic() < end
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


async def test_u21_an_answer_before_the_request_is_complete_ends_that_connection():
    """Else the next request would follow half a body, and the upstream would take it for the rest of it."""

    async def talk(peer):
        await peer.head()
        await peer.send(OK)
        seen.append(await peer.reader.read(1000))

    seen: list[bytes] = []
    async with raw_upstream(talk) as upstream, relaying(orders_at(upstream.url)) as gw:
        for _ in range(2):
            async with raw_client(gw.url) as client:
                await client.send(b"POST /api/orders HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n")
                head, body = await client.response()
                assert body == b"hi" and field_of(head, b"Connection") == b"close"
                await client.send(b"late")
                assert await client.rest() == b""
        assert upstream.connections == 2 and not [rest for rest in seen if b"POST" in rest]


async def test_u21_the_record_of_an_early_answer_has_the_body_that_was_on_its_way():
    """Many servers answer 401 without reading; many clients send head and body one after the other."""

    async def talk(peer):
        await peer.head()
        await peer.send(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno")
        await peer.reader.read(100)

    async with raw_upstream(talk) as upstream, relaying(orders_at(upstream.url)) as gw, raw_client(gw.url) as client:
        await client.send(b"POST /api/orders HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n")
        await asyncio.sleep(0.02)
        await client.send(b"body")
        head, body = await client.response()
        assert status_of(head) == 401 and body == b"no"
        (capture,) = await gw.recorder.until(1)
        assert b"".join(capture.request_body) == b"body" and capture.request_size == 4


async def test_the_record_of_a_refused_connection_has_the_body_that_was_on_its_way():
    async with relaying(orders_at("http://127.0.0.1:1")) as gw, raw_client(gw.url) as client:
        await client.send(b"POST /api/orders HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n")
        await asyncio.sleep(0.02)
        await client.send(b"body")
        assert status_of((await client.response())[0]) == 502
        (capture,) = await gw.recorder.until(1)
        assert b"".join(capture.request_body) == b"body" and capture.failure[0] == "connection_refused"

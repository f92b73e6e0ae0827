"""What passes, what changes, what is kept: the relay between raw peers.

Covers: problems, proxy/admission, proxy/cors, proxy/flow, proxy/own_responses, proxy/request_sender.
"""

import asyncio
import gc
import json

import pytest
from peers import Peer, field_of, fields_of, raw_client, raw_upstream, status_of
from relaying import orders_at, relaying, table_of

from gateway.model.exchange import trace_of
from gateway.proxy.flow import Flow
from gateway.proxy.request_sender import Outgoing

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"


async def exchange(url: str, request: bytes) -> tuple[bytes, bytes]:
    async with raw_client(url) as client:
        await client.send(request)
        return await client.response()


async def test_head_bytes_pass_in_order_spelling_and_repeats():
    async with raw_upstream(OK) as upstream, relaying(orders_at(upstream.url)) as gw:
        await exchange(
            gw.url,
            b"GET /api/orders/a%2Fb//c?x=1&x=%20y&z HTTP/1.1\r\nhOsT: gw.test\r\nX-B: 2\r\nx-a: \xe9\r\nX-B: 1\r\nCookie: a=1; b=2\r\n\r\n",
        )
        head = upstream.heads[0]
        assert head.startswith(b"GET /a%2Fb//c?x=1&x=%20y&z HTTP/1.1\r\n")
        mine = [pair for pair in fields_of(head) if pair[0].lower() in (b"x-a", b"x-b", b"cookie")]
        assert mine == [(b"X-B", b"2"), (b"x-a", b"\xe9"), (b"X-B", b"1"), (b"Cookie", b"a=1; b=2")]
        assert field_of(head, b"Host") == upstream.url[7:].encode()
        assert field_of(head, b"X-Forwarded-Host") == b"gw.test"
        assert field_of(head, b"X-Forwarded-Prefix") == b"/api/orders"
        assert field_of(head, b"Forwarded") == b'for=127.0.0.1;host="gw.test";proto=http'
        assert b"gateway" in field_of(head, b"Via")
        assert len(field_of(head, b"traceparent")) == 55


async def test_response_bytes_pass_and_provenance_is_added():
    answer = (
        b"HTTP/1.1 404 Nope, sir\r\nX-Z: 1\r\nset-cookie: a=1\r\nSet-Cookie: b=2; Path=/\r\nX-Latin: \xe9\r\n"
        b"Content-Length: 3\r\n\r\n\x00\xffz"
    )
    async with raw_upstream(answer) as upstream, relaying(orders_at(upstream.url)) as gw:
        head, body = await exchange(gw.url, b"GET /api/orders HTTP/1.1\r\nHost: x\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 404 Nope, sir\r\n")
        assert body == b"\x00\xffz"
        names = [name for name, _ in fields_of(head)]
        assert names[:5] == [b"X-Z", b"set-cookie", b"Set-Cookie", b"X-Latin", b"Content-Length"]
        assert field_of(head, b"X-Latin") == b"\xe9"
        assert field_of(head, b"Gateway-Route") == b"orders@qa"
        assert field_of(head, b"Via") == b"1.1 gateway"
        assert field_of(head, b"Server-Timing").startswith(b"gateway;dur=")
        (capture,) = await gw.recorder.until(1)
        assert field_of(head, b"Gateway-Exchange").decode() == capture.id
        assert capture.status == 404
        assert capture.reason == b"Nope, sir"
        assert b"".join(capture.response_body) == b"\x00\xffz"
        assert (b"X-Latin", b"\xe9") in capture.response_headers
        assert upstream.heads[0].startswith(b"GET / HTTP/1.1")


async def test_the_last_bytes_wait_for_the_record():
    async with raw_upstream(OK) as upstream, relaying(orders_at(upstream.url)) as gw:
        gw.recorder.hold = True
        async with raw_client(gw.url) as client:
            await client.send(b"GET /api/orders HTTP/1.1\r\nHost: x\r\n\r\n")
            await gw.recorder.until(1)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1):
                    await client.reader.read(1)
            gw.recorder.release()
            assert (await client.response())[1] == b"hi"


@pytest.mark.parametrize(
    "method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "QUERY", "MERGE", "FROBNICATE"]
)
async def test_every_method_passes(method):
    async with raw_upstream(OK) as upstream, relaying(orders_at(upstream.url)) as gw:
        head, _ = await exchange(
            gw.url, f"{method} /api/orders/1 HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n".encode()
        )
        assert status_of(head) == 200
        assert upstream.heads[0].startswith(f"{method} /1 HTTP/1.1\r\n".encode())


async def test_keep_alive_on_both_sides_and_pipelining_keeps_order():
    async def echo(peer):
        while True:
            head, body = await peer.request()
            text = head.split(b" ")[1] + b":" + body
            await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(text), text))

    async with raw_upstream(echo) as upstream, relaying(orders_at(upstream.url)) as gw, raw_client(gw.url) as client:
        requests = [
            b"POST /api/orders/%d HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n%d" % (i, i % 10) for i in range(50)
        ]
        await client.send(b"".join(requests))
        for i in range(50):
            assert (await client.response())[1] == b"/%d:%d" % (i, i % 10)
        assert upstream.connections == 1
        assert [c.step for c in await gw.recorder.until(50)] == list(range(1, 51))


async def test_chunked_requests_with_trailers_pass_and_the_next_one_is_found():
    async def echo(peer):
        while True:
            _head, body = await peer.request()
            await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))

    pieces = b"3\r\nabc\r\n5;ext=1\r\n\r\n\r\nx\r\n0\r\nX-T: 1\r\n\r\n"
    request = b"POST /api/orders HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + pieces
    async with raw_upstream(echo) as upstream, relaying(orders_at(upstream.url)) as gw:
        for step in (len(request) * 2, 1, 7):
            async with raw_client(gw.url) as client:
                both = request + b"GET /api/orders HTTP/1.1\r\nHost: x\r\n\r\n"
                for i in range(0, len(both), step):
                    await client.send(both[i : i + step])
                    await asyncio.sleep(0)
                _, body = await client.response()
                assert body.endswith(b"\r\n0\r\nX-T: 1\r\n\r\n"), body
                assert (await client.response())[1] == b""
        captures = await gw.recorder.until(6)
        assert b"".join(captures[0].request_body) == b"abc\r\n\r\nx"
        assert captures[0].request_size == 8
        assert captures[0].request_trailers == [(b"X-T", b"1")]


async def test_chunked_responses_pass_with_trailers():
    answer = (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nWiki\r\n5;a=b\r\npedia\r\n0\r\nX-Sum: 9\r\n\r\n"
    )
    async with raw_upstream(answer) as upstream, relaying(orders_at(upstream.url)) as gw, raw_client(gw.url) as client:
        await client.send(b"GET /api/orders HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        text = await client.rest()
        assert text.endswith(b"\r\n\r\n4\r\nWiki\r\n5\r\npedia\r\n0\r\nX-Sum: 9\r\n\r\n"), text
        (capture,) = await gw.recorder.until(1)
        assert b"".join(capture.response_body) == b"Wikipedia"
        assert capture.response_trailers == [(b"X-Sum", b"9")]


async def test_http_1_0_clients_get_no_chunks_and_a_close():
    answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nWiki\r\n0\r\n\r\n"
    async with raw_upstream(answer) as upstream, relaying(orders_at(upstream.url)) as gw, raw_client(gw.url) as client:
        await client.send(b"GET /api/orders HTTP/1.0\r\n\r\n")
        text = await client.rest()
        assert text.endswith(b"\r\n\r\nWiki")
        assert b"Transfer-Encoding" not in text
        assert text.startswith(b"HTTP/1.1 200")


async def test_http_1_0_keep_alive_is_honoured():
    async with raw_upstream(OK) as upstream, relaying(orders_at(upstream.url)) as gw, raw_client(gw.url) as client:
        for _ in range(2):
            await client.send(b"GET /api/orders HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            head, body = await client.response()
            assert body == b"hi"
            assert field_of(head, b"Connection") == b"keep-alive"


@pytest.mark.parametrize(
    ("answer", "method"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n", b"HEAD"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"HEAD"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b"GET"),
        (b'HTTP/1.1 304 Not Modified\r\nContent-Length: 77\r\nETag: "1"\r\n\r\n', b"GET"),
        (b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", b"DELETE"),
    ],
)
async def test_answers_without_a_body_leave_the_connection_in_step(answer, method):
    async def talk(peer):
        await peer.request()
        await peer.send(answer)
        await peer.request()
        await peer.send(OK)

    async with raw_upstream(talk) as upstream, relaying(orders_at(upstream.url)) as gw, raw_client(gw.url) as client:
        await client.send(method + b" /api/orders HTTP/1.1\r\nHost: x\r\n\r\n")
        assert status_of(await client.head()) == int(answer.split()[1])
        await client.send(b"GET /api/orders HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await client.response())[1] == b"hi"
        assert upstream.connections == 1


async def test_interim_answers_pass_at_once():
    async def talk(peer):
        head = await peer.head()
        assert b"expect: 100-continue" in head.lower()
        await peer.send(b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n")
        body = await peer.reader.readexactly(5)
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n" + body)

    async with raw_upstream(talk) as upstream, relaying(orders_at(upstream.url)) as gw, raw_client(gw.url) as client:
        await client.send(b"POST /api/orders HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
        hints = await client.head()
        assert status_of(hints) == 103
        assert field_of(hints, b"Link") == b"</a.css>"
        assert status_of(await client.head()) == 100
        await client.send(b"hello")
        assert (await client.response())[1] == b"hello"


async def test_a_cluster_at_the_root_takes_everything_but_our_own_pages():
    async with raw_upstream(OK) as upstream, relaying(orders_at(upstream.url, path="/")) as gw:
        await exchange(gw.url, b"GET /anything/at?all HTTP/1.1\r\nHost: x\r\n\r\n")
        assert upstream.heads[0].startswith(b"GET /anything/at?all HTTP/1.1")
        async with raw_client(gw.url) as client:
            await client.send(b"POST /_gateway/x HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody")
            assert (await client.rest()).endswith(b"own")
        assert gw.own[0].endswith(b"\r\n\r\nbody")


async def test_own_pages_after_a_proxied_request_on_one_connection():
    async with raw_upstream(OK) as upstream, relaying(orders_at(upstream.url)) as gw, raw_client(gw.url) as client:
        await client.send(b"GET /api/orders HTTP/1.1\r\nHost: x\r\n\r\nGET /_gateway/ HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await client.response())[1] == b"hi"
        assert (await client.rest()).endswith(b"own")
        assert gw.own == [b"GET /_gateway/ HTTP/1.1\r\nHost: x\r\n\r\n"]


async def test_absolute_form_is_routed_by_its_path_and_names_the_host():
    async with raw_upstream(OK) as upstream, relaying(orders_at(upstream.url)) as gw:
        await exchange(gw.url, b"GET http://other.test/api/orders/1?q HTTP/1.1\r\nHost: x\r\n\r\n")
        assert upstream.heads[0].startswith(b"GET /1?q HTTP/1.1\r\n")
        assert field_of(upstream.heads[0], b"X-Forwarded-Host") == b"other.test"


async def test_overrides_pins_and_their_refusals():
    async with (
        raw_upstream(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nqa") as qa,
        raw_upstream(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ntest") as test,
    ):
        text = orders_at(qa.url) + f"      test: {test.url}\n"
        async with relaying(text) as gw:

            async def get(*fields: bytes) -> tuple[bytes, bytes]:
                return await exchange(
                    gw.url, b"\r\n".join([b"GET /api/orders HTTP/1.1", b"Host: x", *fields, b"", b""])
                )

            assert (await get(b"Gateway-Env: orders=test"))[1] == b"test"
            assert (await get(b"baggage: a=b, gateway-env.orders=test;p=1"))[1] == b"test"
            from gateway.protocols import Pin

            gw.sessions.session.pins["orders"] = Pin("test")
            assert (await get())[1] == b"test"
            assert (await get(b"Gateway-Env: orders=qa"))[1] == b"qa"
            gw.sessions.session.pins["orders"] = Pin("test", until=1.0)
            assert (await get())[1] == b"qa"
            head, body = await get(b"Gateway-Env: orders=uat")
            assert status_of(head) == 400
            assert b"qa, test" in body
            head, body = await get(b"Gateway-Env: nosuch=qa")
            assert status_of(head) == 400
            assert b"orders" in body
            head, body = await get(b"Gateway-Env: nonsense")
            assert status_of(head) == 400
            assert b"Gateway-Env" in body
            overrides = [c.override for c in gw.recorder.captures[:5]]
            assert overrides == ["header", "baggage", "pin", "header", None]
            sent = [h for h in qa.heads + test.heads if b"gateway-env:" in h.lower()]
            assert not sent


async def test_problem_answers_name_cluster_upstream_and_cause():
    async with relaying(orders_at("http://127.0.0.1:1")) as gw:
        head, body = await exchange(gw.url, b"GET /api/orders HTTP/1.1\r\nHost: x\r\n\r\n")
        problem = json.loads(body)
        assert status_of(head) == problem["status"] == 502
        assert problem["cluster"] == "orders"
        assert problem["environment"] == "qa"
        assert problem["upstream"] == "http://127.0.0.1:1"
        assert field_of(head, b"Proxy-Status").startswith(b"gateway; error=connection_refused")
        assert field_of(head, b"Content-Type") == b"application/problem+json"
        (capture,) = await gw.recorder.until(1)
        assert capture.failure[0] == "connection_refused"
        assert capture.status == 502
        assert problem["instance"].endswith(capture.id)
        head, body = await exchange(gw.url, b"GET /api/orders HTTP/1.1\r\nHost: x\r\nAccept: text/html\r\n\r\n")
        assert field_of(head, b"Content-Type").startswith(b"text/html")
        assert b"127.0.0.1:1" in body


async def test_faults_on_purpose():
    async with raw_upstream(OK) as upstream:
        text = orders_at(upstream.url) + "    fault: {status: 503, rate: 1, delay: 20ms}\n"
        async with relaying(text) as gw:
            head, body = await exchange(gw.url, b"GET /api/orders HTTP/1.1\r\nHost: x\r\n\r\n")
            assert status_of(head) == 503
            assert b"fault" in body.lower()
            (capture,) = await gw.recorder.until(1)
            assert capture.mode == "fault"
            assert upstream.connections == 0


async def test_cors_for_listed_origins_only():
    answer = b"HTTP/1.1 200 OK\r\nAccess-Control-Allow-Origin: *\r\nContent-Length: 2\r\n\r\nhi"
    async with raw_upstream(answer) as upstream:
        text = orders_at(upstream.url) + 'cors: {origins: ["http://localhost:4200"]}\n'
        async with relaying(text) as gw:
            preflight = b"OPTIONS /api/orders HTTP/1.1\r\nHost: x\r\nOrigin: %b\r\nAccess-Control-Request-Method: PUT\r\nAccess-Control-Request-Headers: x-a\r\n\r\n"
            head, _ = await exchange(gw.url, preflight % b"http://localhost:4200")
            assert status_of(head) == 204
            assert field_of(head, b"Access-Control-Allow-Origin") == b"http://localhost:4200"
            assert b"PUT" in field_of(head, b"Access-Control-Allow-Methods")
            assert upstream.connections == 0
            head, _ = await exchange(
                gw.url, b"GET /api/orders HTTP/1.1\r\nHost: x\r\nOrigin: http://localhost:4200\r\n\r\n"
            )
            origins = [v for n, v in fields_of(head) if n.lower() == b"access-control-allow-origin"]
            assert origins == [b"http://localhost:4200"]


async def test_locations_and_cookies_point_back_to_the_gateway():
    async def talk(peer):
        while True:
            await peer.request()
            await peer.send(
                f"HTTP/1.1 302 Found\r\nLocation: {upstream.url}/v3/orders/7\r\nRefresh: 5; url={upstream.url}/v3/x\r\n"
                "Set-Cookie: a=1; Path=/v3; HttpOnly\r\nSet-Cookie: gateway_session=evil\r\nContent-Length: 0\r\n\r\n".encode()
            )

    async with raw_upstream(talk) as upstream, relaying(orders_at(upstream.url + "/v3")) as gw:
        head, _ = await exchange(gw.url, b"GET /api/orders/1 HTTP/1.1\r\nHost: gw.test:8080\r\n\r\n")
        assert field_of(head, b"Location") == b"http://gw.test:8080/api/orders/orders/7"
        assert field_of(head, b"Refresh") == b"5; url=http://gw.test:8080/api/orders/x"
        cookies = [v for n, v in fields_of(head) if n == b"Set-Cookie"]
        assert cookies == [b"a=1; Path=/api/orders; HttpOnly"]
        (capture,) = await gw.recorder.until(1)
        assert (b"Location", f"{upstream.url}/v3/orders/7".encode()) in capture.rewritten
        assert (b"Location", b"http://gw.test:8080/api/orders/orders/7") in capture.response_headers


async def test_connection_options_are_dropped_but_never_framing_or_host():
    async with raw_upstream(OK) as upstream, relaying(orders_at(upstream.url)) as gw:
        await exchange(
            gw.url,
            b"POST /api/orders HTTP/1.1\r\nX-Gone: 1\r\nHost: x\r\nX-Kept: 1\r\nConnection: x-gone, host, content-length\r\n"
            b"Keep-Alive: timeout=5\r\nProxy-Authorization: Basic eA==\r\nContent-Length: 2\r\n\r\nhi",
        )
        head = upstream.heads[0]
        assert field_of(head, b"X-Gone") is None
        assert field_of(head, b"Keep-Alive") is None
        assert field_of(head, b"X-Kept") == b"1"
        assert field_of(head, b"Content-Length") == b"2"
        assert field_of(head, b"Host")
        assert field_of(head, b"Proxy-Authorization") == b"Basic eA=="


async def test_fields_that_come_again_are_read_as_carefully_as_the_first_time():
    fields = b" HTTP/1.1\r\nHost: x\r\nX-A: 1\r\n\r\n"
    async with raw_upstream(OK) as upstream, relaying(orders_at(upstream.url)) as gw, raw_client(gw.url) as client:
        for line in (
            b"GET /api/orders/1",
            b"GET /api/orders/2?q",
            b"DELETE /api/orders/3",
            b"GET http://y/api/orders/4",
            b"GET /api/orders/5",
        ):
            await client.send(line + fields)
            assert (await client.response())[1] == b"hi"
        seen = [(h.split(b" ")[0], h.split(b" ")[1], field_of(h, b"X-Forwarded-Host")) for h in upstream.heads]
        assert seen == [
            (b"GET", b"/1", b"x"),
            (b"GET", b"/2?q", b"x"),
            (b"DELETE", b"/3", b"x"),
            (b"GET", b"/4", b"y"),
            (b"GET", b"/5", b"x"),
        ]
        assert len({field_of(h, b"traceparent") for h in upstream.heads}) == 5, "each exchange its own trace"
        await client.send(b"TRACE /api/orders/6" + fields)
        assert status_of((await client.response())[0]) == 405
    assert len(upstream.heads) == 5


async def test_fields_of_an_older_version_do_not_count_for_a_newer_one():
    async with raw_upstream(OK) as upstream, relaying(orders_at(upstream.url)) as gw, raw_client(gw.url) as client:
        fields = b"\r\nConnection: keep-alive\r\n\r\n"
        await client.send(b"GET /api/orders HTTP/1.0" + fields)
        assert (await client.response())[1] == b"hi"
        await client.send(b"GET /api/orders HTTP/1.1" + fields)
        assert status_of((await client.response())[0]) == 400, "1.1 needs a Host"


async def test_what_is_not_recorded_passes_all_the_same_and_is_no_step():
    async with raw_upstream(OK) as upstream:
        text = orders_at(upstream.url) + 'recording: {skip: ["GET *.js"]}\n'
        async with relaying(text) as gw, raw_client(gw.url) as client:
            for path in (b"1", b"a.js", b"2"):
                await client.send(b"GET /api/orders/%b HTTP/1.1\r\nHost: x\r\n\r\n" % path)
                assert (await client.response())[1] == b"hi"
            captures = await gw.recorder.until(2)
            assert [(c.step, c.target) for c in captures] == [(1, b"/api/orders/1"), (2, b"/api/orders/2")]


async def test_an_answer_that_comes_again_is_read_as_carefully_as_the_first_time():
    fields = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"
    answers = [
        fields + b"X-A: 1\r\n\r\nhi",
        fields + b"X-A: 1\r\n\r\nho",
        fields + b"X-A: 2\r\n\r\nhi",
        fields + b"Location: http://%b/a\r\n\r\nhi",
        fields + b"Location: http://%b/a\r\n\r\nhi",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nho\r\n0\r\n\r\n",
    ]

    async def talk(peer: Peer) -> None:
        for answer in answers:
            await peer.head()
            await peer.send(answer.replace(b"%b", upstream.url[7:].encode()))

    async with raw_upstream(talk) as upstream, relaying(orders_at(upstream.url)) as gw, raw_client(gw.url) as client:
        seen = []
        for _ in answers:
            await client.send(b"GET /api/orders HTTP/1.1\r\nHost: x\r\n\r\n")
            head, body = await client.response()
            if not body:  # in chunks
                body = (await client.head())[3:5]
            assert head.count(b"Gateway-Exchange:") == 1
            seen.append((body, field_of(head, b"X-A"), field_of(head, b"Location")))
        here = b"http://x/api/orders/a"
        assert seen == [
            (b"hi", b"1", None), (b"ho", b"1", None), (b"hi", b"2", None), (b"hi", None, here), (b"hi", None, here),
            (b"hi", None, None), (b"ho", None, None),
        ]  # fmt: skip
        assert upstream.connections == 1
    kept = [capture.response_headers for capture in gw.recorder.captures]
    assert [(b"X-A", b"1") in fields for fields in kept] == [True, True, *[False] * 5]


async def test_exchanges_leave_nothing_to_the_garbage_collector():
    """What they hold is freed when they end: else every so many of them would wait for a collection."""
    async with raw_upstream(OK) as upstream, relaying(orders_at(upstream.url)) as gw, raw_client(gw.url) as client:

        async def asked(times: int) -> None:
            for _ in range(times):
                await client.send(b"POST /api/orders HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}")
                await client.response()
            gw.recorder.captures.clear()

        await asked(5)
        gc.collect()
        gc.disable()
        try:
            await asked(100)
            assert not [one for one in gc.get_objects() if isinstance(one, (Flow, Outgoing)) and one.capture.ended]
        finally:
            gc.enable()


async def test_a_request_that_comes_again_goes_where_the_routes_say_by_then():
    fields, other = b" HTTP/1.1\r\nHost: x\r\n\r\n", b" HTTP/1.1\r\nHost: x\r\nX-A: 1\r\n\r\n"
    async with raw_upstream(OK) as upstream, raw_upstream(OK) as moved:
        async with relaying(orders_at(upstream.url)) as gw, raw_client(gw.url) as client:
            for line, rest in (
                (b"GET /api/orders/1", fields), (b"GET /api/orders/1", fields), (b"GET /api/orders/1", fields),
                (b"GET /api/orders/1", other), (b"DELETE /api/orders/1", other), (b"DELETE /api/orders/1", other),
                (b"GET /api/orders/1", fields), (b"GET /api/orders/1", fields),
            ):  # fmt: skip
                await client.send(line + rest)
                assert (await client.response())[1] == b"hi"
            seen = [(head.split(b" ")[0], field_of(head, b"X-A")) for head in upstream.heads]
            assert seen == [(b"GET", None)] * 3 + [(b"GET", b"1")] + [(b"DELETE", b"1")] * 2 + [(b"GET", None)] * 2
            gw.routes.table = table_of(orders_at(moved.url + "/v3"))
            await client.send(b"GET /api/orders/1" + fields)
            assert (await client.response())[1] == b"hi"
            assert [head.split(b" ")[1] for head in moved.heads] == [b"/v3/1"]
            captures = await gw.recorder.until(9)
            assert captures[-1].upstream_url == moved.url + "/v3/1"
            assert captures[-2].upstream_url == upstream.url + "/1"


@pytest.mark.parametrize(
    ("sent", "made"),
    [(b"", True), (b"traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n", False)],
    ids=["made", "sent"],
)
async def test_the_trace_that_went_upstream_is_kept(sent, made):
    async with raw_upstream(OK) as upstream, relaying(orders_at(upstream.url)) as gw:
        await exchange(gw.url, b"GET /api/orders HTTP/1.1\r\nHost: x\r\n" + sent + b"\r\n")
        (capture,) = await gw.recorder.until(1)
        trace = trace_of(capture.trace)
        assert (f"00-{trace.id}-{trace.span}-01", trace.made) == (
            field_of(upstream.heads[0], b"traceparent").decode(),
            made,
        )


@pytest.mark.parametrize(
    ("value", "kept"),
    [("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00", "4bf92f3577b34da6a3ce929d0e0e4736"), ("nonsense", "")],
)
async def test_a_trace_that_the_route_sets_is_the_one_that_is_kept(value, kept):
    async with raw_upstream(OK) as upstream:
        text = orders_at(upstream.url, f'        headers: {{traceparent: "{value}"}}\n')
        async with relaying(text) as gw:
            await exchange(gw.url, b"GET /api/orders HTTP/1.1\r\nHost: x\r\n\r\n")
            (capture,) = await gw.recorder.until(1)
            assert field_of(upstream.heads[0], b"traceparent").decode() == value
            found = trace_of(capture.trace)
            assert (found.id if found else "", found.made if found else False) == (kept, False)

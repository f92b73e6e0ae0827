"""A session plays a recording through a real relay: nothing listens where its upstreams were.

Covers: proxy/playback_loader, proxy/websocket_playback.
"""

import asyncio
import contextlib
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime

import aiohttp
import pytest
from peers import field_of, raw_client, raw_upstream, status_of
from relaying import orders_at, relaying, table_of

from gateway.model.exchange import Chunk, Exchange, Failure, Timing
from gateway.model.frames import Frame
from gateway.model.message import Body, Request, Response
from gateway.protocols import LiveSession, PlaybackMode
from gateway.redact import SealedCapture
from gateway.replay.playback.matching import MatchRules
from gateway.replay.playback.playback import Playback
from gateway.replay.playback.recording_index import Tape

NOWHERE = "http://127.0.0.1:1"  # a port that nothing can listen on


def a_step(step, method="GET", path="/api/orders/1", *, status=200, answer=b"", sent=b"", headers=(), **facts):
    """A recorded exchange of the orders cluster in qa."""
    kind = (("Content-Type", "application/json"),)
    one = Exchange(
        id=f"01JEX{step}", recording="01JREC", step=step, session="s1", started_at="2025-11-22T06:00:00.000000Z",
        url="http://127.0.0.1:8080" + path, request=Request(method=method, target=path, body=Body(len(sent), sent),
        headers=kind if sent else ()), response=Response(status=status, reason="Fine", headers=headers or kind,
        body=Body(len(answer), answer)), status=status, cluster="orders", environment="qa",
    )  # fmt: skip
    return replace(one, **facts)


PAID = (
    a_step(1, path="/api/orders/1/receipt", status=404, answer=b'{"error":"not paid"}'),
    a_step(2, "POST", "/api/orders/1/payments", status=201, sent=b'{"amount": 5}', answer=b'{"id":9}'),
    a_step(3, path="/api/orders/1/receipt", answer=b'{"paid":true}'),
    a_step(4, path="/api/orders/1/receipt", answer=b'{"paid":true,"again":1}'),
)


@contextlib.asynccontextmanager
async def playing(*steps, mode="playback", upstream=NOWHERE, rules=None, extra="", chunks=None, roles=None, **how):
    """A relay whose one session plays these steps."""
    tape = Tape("01JREC", "Order a book", steps, chunks=chunks, roles=roles)
    async with relaying(orders_at(upstream, extra)) as gateway:
        playback = Playback(tape, rules or MatchRules(), **how)
        gateway.sessions.session.modes["orders"] = PlaybackMode(mode, playback)
        yield gateway


async def ask(client, path="/api/orders/1", method=b"GET", body=b"", fields=b""):
    length = b"Content-Type: application/json\r\nContent-Length: %d\r\n" % len(body) if body else b""
    head = b"%b %b HTTP/1.1\r\nHost: gw:80\r\n%b%b\r\n%b" % (method, path.encode(), length, fields, body)
    await client.send(head)
    return await client.response()


async def test_the_same_request_gets_the_next_recorded_answer_on_one_connection() -> None:
    async with playing(*PAID) as gateway, raw_client(gateway.url) as client:
        receipts = [await ask(client, "/api/orders/1/receipt") for _ in range(4)]
        assert [status_of(head) for head, _ in receipts] == [404, 200, 200, 200]
        assert [body for _, body in receipts][1:3] == [b'{"paid":true}', b'{"paid":true,"again":1}']
        captures = await gateway.recorder.until(4)
    assert [(one.mode, one.environment, one.status) for one in captures] == [
        ("playback", "qa", 404), ("playback", "qa", 200), ("playback", "qa", 200), ("playback", "qa", 200),
    ]  # fmt: skip
    assert [one.step for one in captures] == [1, 2, 3, 4]
    assert all(one.failure is None for one in captures)


async def test_who_paid_first_is_past_the_404() -> None:
    async with playing(*PAID) as gateway, raw_client(gateway.url) as client:
        head, body = await ask(client, "/api/orders/1/payments", b"POST", b'{"amount":5}')
        assert (status_of(head), body) == (201, b'{"id":9}')
        head, body = await ask(client, "/api/orders/1/receipt")
        assert (status_of(head), body) == (200, b'{"paid":true}')


async def test_the_answer_says_where_it_came_from_and_carries_the_usual_fields() -> None:
    step = a_step(
        7, answer=b"{}", headers=(("X-Build", "7"), ("Transfer-Encoding", "chunked"), ("Content-Length", "99"))
    )
    async with playing(step) as gateway, raw_client(gateway.url) as client:
        head, body = await ask(client)
        (capture,) = await gateway.recorder.until(1)
    assert body == b"{}"
    assert field_of(head, b"Gateway-Route") == b"orders@qa; mode=playback"
    assert field_of(head, b"Gateway-Playback") == b"01JREC/7; match=exact"
    assert field_of(head, b"Gateway-Exchange") == capture.id.encode()
    assert field_of(head, b"Via") == b"1.1 gateway"
    assert field_of(head, b"X-Build") == b"7"
    assert field_of(head, b"Transfer-Encoding") is None
    assert head.count(b"Content-Length") == 1
    assert (b"Gateway-Playback", b"01JREC/7; match=exact") in capture.response_headers
    assert capture.response_version == "1.1"
    assert b"".join(capture.response_body) == b"{}"


async def test_a_miss_names_the_nearest_requests_and_what_differed_field_by_field() -> None:
    step = a_step(3, "POST", "/api/orders/orders?x=1", status=201, sent=b'{"isbn":"978-1","qty":1}', answer=b"{}")
    async with playing(step) as gateway, raw_client(gateway.url) as client:
        head, body = await ask(client, "/api/orders/orders?x=2", b"POST", b'{"isbn":"978-9","qty":1,"gift":true}')
        (capture,) = await gateway.recorder.until(1)
    problem = json.loads(body)
    assert (status_of(head), field_of(head, b"Content-Type")) == (404, b"application/problem+json")
    assert problem["type"] == "urn:gateway:problem:playback_miss"
    (near,) = problem["near_misses"]
    assert (near["step"], near["method"], near["status"]) == (3, "POST", 201)
    assert near["differences"] == [
        {"where": "request.query", "pointer": "x", "recorded": "1", "asked": "2"},
        {"where": "request.body", "pointer": "/isbn", "recorded": "978-1", "asked": "978-9"},
        {"where": "request.body", "pointer": "/gift", "recorded": None, "asked": True},
    ]
    assert capture.failure is not None
    assert capture.failure[0] == "playback_miss"
    assert capture.mode == "playback"
    assert "upstream" not in problem  # nobody asked it
    assert b"".join(capture.request_body) == b'{"isbn":"978-9","qty":1,"gift":true}'


async def test_a_browser_gets_its_miss_as_a_page() -> None:
    async with playing(a_step(3, path="/api/orders/2")) as gateway, raw_client(gateway.url) as client:
        _, body = await ask(client, "/api/orders/9", fields=b"Accept: text/html\r\n")
    assert (
        b"<li>step 3, GET /api/orders/2, answered 200: path segment 3: recorded &quot;2&quot;, asked &quot;9&quot;</li>"
        in body
    )


async def test_a_near_miss_never_tells_a_secret(tmp_path) -> None:
    from gateway.keys import load_keys
    from gateway.redact import Sealer

    step = a_step(1, "POST", sent=b'{"password":"sealed_aaaaaaaaaaaaaaaaaaaa_8"}', answer=b"{}")
    async with playing(step) as gateway, raw_client(gateway.url) as client:
        gateway.relay.seal = Sealer(load_keys(tmp_path, {})).seal
        head, body = await ask(client, method=b"POST", body=b'{"password":"hunter2!"}')
    assert status_of(head) == 404
    assert b"hunter2" not in body
    assert b"sealed_" in body


async def test_pipelined_requests_are_answered_in_their_order() -> None:
    async with playing(*PAID) as gateway, raw_client(gateway.url) as client:
        await client.send(b"GET /api/orders/1/receipt HTTP/1.1\r\nHost: gw\r\n\r\n" * 3)
        assert [status_of((await client.response())[0]) for _ in range(3)] == [404, 200, 200]


async def test_an_old_client_gets_its_answer_and_the_end() -> None:
    step = a_step(1, stream="sse", headers=(("Content-Type", "text/event-stream"),), timing=Timing(first_byte_ms=10.0))
    async with playing(a_step(2, path="/api/orders/2", answer=b"two"), step, chunks={1: EVENTS}) as gateway:
        for path, body in ((b"2", b"two"), (b"1", b"data: 0\n\ndata: 1\n\ndata: 2\n\n")):
            async with raw_client(gateway.url) as client:
                await client.send(b"GET /api/orders/%b HTTP/1.0\r\n\r\n" % path)
                head, _, rest = (await client.rest()).partition(b"\r\n\r\n")
            assert (rest, field_of(head + b"\r\n\r\n", b"Transfer-Encoding")) == (body, None)


async def test_a_malformed_body_is_refused_and_nothing_is_played() -> None:
    async with playing(a_step(1, "POST", answer=b"x")) as gateway, raw_client(gateway.url) as client:
        await client.send(b"POST /api/orders/1 HTTP/1.1\r\nHost: gw\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n")
        assert b" 400 " in (await client.rest())[:20]
        assert gateway.sessions.session.modes["orders"].playback.answered == 0


async def test_who_leaves_in_the_middle_of_a_request_leaves_nothing_behind() -> None:
    async with playing(a_step(1, "POST", answer=b"x")) as gateway:
        async with raw_client(gateway.url) as client:
            await client.send(b"POST /api/orders/1 HTTP/1.1\r\nHost: gw\r\nContent-Length: 10\r\n\r\nabc")
            await asyncio.sleep(0.05)
        (capture,) = await gateway.recorder.until(1)
        assert capture.failure is not None
        assert capture.failure[0] == "client_closed"
        assert b"".join(capture.request_body) == b"abc"
        assert not gateway.relay.flows


async def test_a_body_that_stops_halfway_is_not_waited_for_for_ever() -> None:
    timeout = "        timeout: {idle: 200ms}\n"
    async with playing(a_step(1, "POST"), extra=timeout) as gateway, raw_client(gateway.url) as client:
        await client.send(b"POST /api/orders/1 HTTP/1.1\r\nHost: gw\r\nContent-Length: 10\r\n\r\nabc")
        assert b" 408 " in (await client.rest())[:20]


async def test_an_upload_beyond_what_is_gathered_is_a_miss_or_goes_on(monkeypatch) -> None:
    monkeypatch.setattr("gateway.proxy.playback.GATHERED", 100_000)
    body = b"x" * 400_000
    seen = []

    async def talk(peer) -> None:
        seen.append((await peer.request())[1])
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    async with raw_upstream(talk) as upstream:
        for mode, status in (("playback", 404), ("playback-then-live", 200)):
            async with playing(mode=mode, upstream=upstream.url) as gateway, raw_client(gateway.url) as client:
                head, _ = await ask(client, method=b"PUT", body=body)
                (capture,) = await gateway.recorder.until(1)
            assert (status_of(head), capture.request_size) == (status, len(body))
    assert seen == [body]


async def test_a_miss_of_a_large_body_tells_a_few_of_its_differences() -> None:
    recorded, asked = ({"items": [{"id": at, "name": f"{word} {at}"} for at in range(9000)]} for word in ("old", "new"))
    step = a_step(1, "PUT", sent=json.dumps(recorded).encode())
    long = a_step(2, "PUT", "/api/orders/2", sent=b'{"name": "a1%b"}' % (b"b" * 90_000))
    async with playing(step, long) as gateway, raw_client(gateway.url) as client:
        head, body = await ask(client, method=b"PUT", body=json.dumps(asked).encode())
        assert (status_of(head), len(body) < 20_000) == (404, True)
        assert json.loads(body)["near_misses"][0]["more"] == 8980
        head, body = await ask(client, "/api/orders/2", b"PUT", b'{"name": "a1%b"}' % (b"c" * 90_000))
        assert (status_of(head), len(body) < 20_000) == (404, True)


async def test_large_requests_are_searched_for_apart_and_each_gets_its_turn(monkeypatch) -> None:
    """What is worked out in threads moves the session's place as it would one after the other."""
    monkeypatch.setattr("gateway.proxy.playback.COMPARED_HERE", -1)
    monkeypatch.setattr("gateway.proxy.playback.ANSWERED_HERE", -1)
    steps = [a_step(at, path=f"/api/orders/{at % 3 + 1}", answer=b'{"turn": %d}' % at) for at in range(1, 13)]
    async with playing(*steps, rules=MatchRules(end="404")) as gateway:
        gateway.relay.seal_apart = _sealed_apart

        async def turns(number: int) -> list[int]:
            async with raw_client(gateway.url) as client:
                answers = [await ask(client, f"/api/orders/{number}") for _ in range(4)]
                end, _ = await ask(client, f"/api/orders/{number}")
            assert status_of(end) == 404
            return [json.loads(body)["turn"] for _, body in answers]

        found = await asyncio.gather(*map(turns, (1, 2, 3)))
    assert found == [[3, 6, 9, 12], [1, 4, 7, 10], [2, 5, 8, 11]]


async def _sealed_apart(capture) -> None:
    await asyncio.sleep(0)


async def test_two_sessions_play_one_tape_each_at_its_own_place() -> None:
    tape = Tape("01JREC", "Order a book", PAID)
    async with relaying(orders_at(NOWHERE)) as gateway:
        people = {b"ada": LiveSession("ada", "r1"), b"bob": LiveSession("bob", "r2")}
        for session in people.values():
            session.modes["orders"] = PlaybackMode("playback", Playback(tape))
        gateway.sessions.identify = lambda headers, *, client, secure=False: (
            people[dict(headers)[b"Gateway-Session"]],
            None,
        )
        async with raw_client(gateway.url) as one, raw_client(gateway.url) as other:
            ada = [await ask(one, "/api/orders/1/receipt", fields=b"Gateway-Session: ada\r\n") for _ in range(2)]
            bob = [await ask(other, "/api/orders/1/receipt", fields=b"Gateway-Session: bob\r\n") for _ in range(2)]
    assert [status_of(head) for head, _ in ada] == [status_of(head) for head, _ in bob] == [404, 200]


async def test_what_is_not_recorded_goes_live_with_its_whole_body() -> None:
    body = b'{"note":"' + b"x" * 200_000 + b'"}'
    seen = []

    async def talk(peer) -> None:
        while True:
            seen.append(await peer.request())
            await peer.send(b"HTTP/1.1 202 Accepted\r\nContent-Length: 4\r\n\r\nlive")

    async with (
        raw_upstream(talk) as upstream,
        playing(*PAID, mode="playback-then-live", upstream=upstream.url) as gateway,
        raw_client(gateway.url) as client,
    ):
        played, _ = await ask(client, "/api/orders/1/receipt")
        live, answer = await ask(client, "/api/orders/new", b"PUT", body)
        captures = await gateway.recorder.until(2)
    assert (status_of(played), status_of(live), answer) == (404, 202, b"live")
    assert seen[0][1] == body
    assert field_of(live, b"Gateway-Route") == b"orders@qa"
    assert [one.mode for one in captures] == ["playback", "live"]
    assert b"".join(captures[1].request_body) == body


async def test_chunked_bodies_are_gathered_and_sent_on() -> None:
    seen = []

    async def talk(peer) -> None:
        seen.append(await peer.request())
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    async with (
        raw_upstream(talk) as upstream,
        playing(mode="playback-then-live", upstream=upstream.url) as gateway,
        raw_client(gateway.url) as client,
    ):
        await client.send(b"POST /api/orders/x HTTP/1.1\r\nHost: gw\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
        await client.send(b"2\r\nde\r\n0\r\n\r\n")
        head, _ = await client.response()
    assert status_of(head) == 200
    assert seen[0][1] == b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"


async def test_when_the_upstream_is_gone_the_recording_answers_and_says_so() -> None:
    async with playing(*PAID, mode="live-then-playback") as gateway, raw_client(gateway.url) as client:
        head, body = await ask(client, "/api/orders/1/payments", b"POST", b'{"amount":5}')
        (capture,) = await gateway.recorder.until(1)
    assert (status_of(head), body) == (201, b'{"id":9}')
    assert field_of(head, b"Gateway-Route") == b"orders@qa; mode=playback"
    assert field_of(head, b"Gateway-Playback") == b"01JREC/2; match=exact; after=connection_refused"
    assert (capture.mode, capture.failure) == ("playback", None)
    assert b"".join(capture.request_body) == b'{"amount":5}'


async def test_what_was_done_live_is_done_when_the_recording_takes_over() -> None:
    answers = [b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n", b"HTTP/1.1 201 Yes\r\nContent-Length: 0\r\n\r\n"]

    async def talk(peer) -> None:
        for answer in answers:
            await peer.request()
            await peer.send(answer)

    async with (
        raw_upstream(talk) as upstream,
        playing(*PAID, mode="live-then-playback", upstream=upstream.url) as gateway,
        raw_client(gateway.url) as client,
    ):
        live = [await ask(client, "/api/orders/1/receipt")]
        live.append(await ask(client, "/api/orders/1/payments", b"POST", b'{"amount":5}'))
        gateway.routes.table = table_of(orders_at(NOWHERE))
        head, body = await ask(client, "/api/orders/1/receipt")
    assert [field_of(one, b"Gateway-Route") for one, _ in live] == [b"orders@qa", b"orders@qa"]
    assert (status_of(head), body) == (200, b'{"paid":true}')


async def test_who_waits_for_100_continue_hears_it() -> None:
    step = a_step(1, "PUT", sent=b"{}", answer=b"kept")
    async with playing(step) as gateway, raw_client(gateway.url) as client:
        await client.send(b"PUT /api/orders/1 HTTP/1.1\r\nHost: gw\r\nExpect: 100-continue\r\nContent-Length: 2\r\n")
        await client.send(b"Content-Type: application/json\r\n\r\n")
        assert await client.head() == b"HTTP/1.1 100 Continue\r\n\r\n"
        await client.send(b"{}")
        assert (await client.response())[1] == b"kept"


async def test_a_large_upload_is_read_to_its_end_when_the_upstream_is_gone() -> None:
    body = b'{"note":"' + b"x" * 300_000 + b'"}'
    step = a_step(1, "PUT", sent=body, answer=b"kept")
    async with playing(step, mode="live-then-playback") as gateway, raw_client(gateway.url) as client:
        head, answer = await ask(client, method=b"PUT", body=body)
    assert (status_of(head), answer) == (200, b"kept")


@pytest.mark.parametrize("status", [502, 503, 504])
async def test_a_gateway_error_of_the_upstream_counts_as_down(status) -> None:
    answer = b"HTTP/1.1 %d Down\r\nContent-Length: 4\r\n\r\ndown" % status
    async with (
        raw_upstream(answer) as upstream,
        playing(*PAID, mode="live-then-playback", upstream=upstream.url) as gateway,
        raw_client(gateway.url) as client,
    ):
        head, body = await ask(client, "/api/orders/1/payments", b"POST", b'{"amount":5}')
        assert (status_of(head), body) == (201, b'{"id":9}')
        assert field_of(head, b"Gateway-Playback") == b"01JREC/2; match=exact; after=%d" % status
        head, body = await ask(client, "/api/orders/unknown")
        assert (status_of(head), body) == (status, b"down")


async def test_an_upstreams_own_404_is_no_failure() -> None:
    async with (
        raw_upstream(b"HTTP/1.1 404 No\r\nContent-Length: 2\r\n\r\nno") as upstream,
        playing(*PAID, mode="live-then-playback", upstream=upstream.url) as gateway,
        raw_client(gateway.url) as client,
    ):
        head, body = await ask(client, "/api/orders/1/payments", b"POST", b'{"amount":5}')
    assert (status_of(head), body, field_of(head, b"Gateway-Route")) == (404, b"no", b"orders@qa")


async def test_gone_and_not_recorded_is_the_failure_with_the_near_misses() -> None:
    async with playing(*PAID, mode="live-then-playback") as gateway, raw_client(gateway.url) as client:
        head, body = await ask(client, "/api/orders/2/receipt")
    problem = json.loads(body)
    assert status_of(head) == 502
    assert problem["type"] == "urn:gateway:problem:connection_refused"
    assert problem["near_misses"][0]["differences"][0] == {
        "where": "request.path", "pointer": "3", "recorded": "1", "asked": "2",
    }  # fmt: skip


async def test_a_recorded_failure_fails_again() -> None:
    step = a_step(1, status=502, response=None, failure=Failure("connection_refused", "nobody there"))
    async with playing(step) as gateway, raw_client(gateway.url) as client:
        head, body = await ask(client)
    assert status_of(head) == 502
    assert json.loads(body)["detail"] == "as recorded: nobody there"
    assert field_of(head, b"Gateway-Route") == b"orders@qa; mode=playback"


async def test_half_an_answer_is_not_passed_off_as_a_whole_one() -> None:
    step = a_step(1, response=Response(body=Body(5000, b"x" * 100)))
    async with playing(step) as gateway, raw_client(gateway.url) as client:
        head, body = await ask(client)
    assert status_of(head) == 404
    assert "only a part of the answer's 5000 bytes" in json.loads(body)["detail"]


async def test_dates_cookies_and_age_are_moved_to_now_or_left() -> None:
    recorded = datetime(2025, 11, 22, 6, tzinfo=UTC)
    headers = (
        ("Date", format_datetime(recorded, usegmt=True)),
        ("Age", "77"),
        ("Set-Cookie", f"a=1; Expires={format_datetime(recorded + timedelta(hours=1), usegmt=True)}; Path=/"),
    )
    step = a_step(1, headers=headers)
    async with playing(step) as gateway, raw_client(gateway.url) as client:
        head, _ = await ask(client)
        now = datetime.now(UTC)
        expires = parsedate_to_datetime(field_of(head, b"Set-Cookie").decode().split("Expires=")[1].split(";")[0])
        assert abs(parsedate_to_datetime(field_of(head, b"Date").decode()) - now) < timedelta(minutes=2)
        assert abs(expires - now - timedelta(hours=1)) < timedelta(minutes=2)
        assert field_of(head, b"Age") == b"0"
    async with playing(step, shift=False) as gateway, raw_client(gateway.url) as client:
        head, _ = await ask(client)
        assert field_of(head, b"Date") == b"Sat, 22 Nov 2025 06:00:00 GMT"
        assert field_of(head, b"Age") == b"77"


async def test_a_redirect_leads_to_where_the_gateway_is_now() -> None:
    step = a_step(1, status=302, headers=(("Location", "http://127.0.0.1:8080/api/orders/2"),))
    async with playing(step) as gateway, raw_client(gateway.url) as client:
        head, _ = await ask(client)
    assert field_of(head, b"Location") == b"http://gw:80/api/orders/2"


EVENTS = tuple(Chunk(at, 10.0 + at * 40, "received", b"data: %d\n\n" % at) for at in range(3))


async def test_events_come_in_their_pieces_and_are_recorded_as_a_stream() -> None:
    step = a_step(1, stream="sse", headers=(("Content-Type", "text/event-stream"),), timing=Timing(first_byte_ms=10.0))
    async with playing(step, chunks={1: EVENTS}) as gateway, raw_client(gateway.url) as client:
        began = asyncio.get_running_loop().time()
        await client.send(b"GET /api/orders/1 HTTP/1.1\r\nHost: gw\r\n\r\n")
        head = await client.head()
        async with asyncio.timeout(10):
            body = await client.reader.readuntil(b"0\r\n\r\n")
        took = asyncio.get_running_loop().time() - began
        await gateway.recorder.until(1)
    assert field_of(head, b"Transfer-Encoding") == b"chunked"
    assert body == b"9\r\ndata: 0\n\n\r\n9\r\ndata: 1\n\n\r\n9\r\ndata: 2\n\n\r\n0\r\n\r\n"
    assert took > 0.075  # never faster than recorded; how much slower depends on the machine
    assert [data for _, _, data in gateway.recorder.chunks] == [b"data: 0\n\n", b"data: 1\n\n", b"data: 2\n\n"]
    assert gateway.recorder.captures[0].stream == "sse"


async def test_a_client_that_leaves_in_the_middle_of_a_stream_ends_it() -> None:
    late = (Chunk(0, 10.0, "received", b"data: 0\n\n"), Chunk(1, 3_600_000.0, "received", b"data: 1\n\n"))
    step = a_step(1, stream="sse", headers=(("Content-Type", "text/event-stream"),), timing=Timing(first_byte_ms=10.0))
    async with playing(step, chunks={1: late}) as gateway:
        async with raw_client(gateway.url) as client:
            await client.send(b"GET /api/orders/1 HTTP/1.1\r\nHost: gw\r\n\r\n")
            await client.reader.readuntil(b"data: 0")
        (capture,) = await gateway.recorder.until(1)
        assert capture.failure is not None
        assert not gateway.relay.flows
    assert len(gateway.recorder.chunks) == 1


async def test_a_pace_of_zero_waits_for_nothing() -> None:
    late = (Chunk(0, 10.0, "received", b"data: 0\n\n"), Chunk(1, 3_600_000.0, "received", b"data: 1\n\n"))
    step = a_step(1, stream="sse", headers=(("Content-Type", "text/event-stream"),))
    async with playing(step, chunks={1: late}, pace=0.0) as gateway, raw_client(gateway.url) as client:
        await client.send(b"GET /api/orders/1 HTTP/1.1\r\nHost: gw\r\n\r\n")
        await client.head()
        async with asyncio.timeout(10):
            assert b"data: 1" in await client.reader.readuntil(b"0\r\n\r\n")


def a_socket(*frames):
    """A tape of one WebSocket whose frames are (at_ms, direction, kind, data)."""
    step = a_step(1, status=101, stream="websocket", headers=(("Sec-WebSocket-Extensions", "permessage-deflate"),))
    return step, Tape(
        "01JREC",
        "t",
        [step],
        frames={1: [Frame(at, way, kind, True, len(data), data) for at, way, kind, data in frames]},
    )


@contextlib.asynccontextmanager
async def socket_to(gateway, tape):
    gateway.sessions.session.modes["orders"] = PlaybackMode("playback", Playback(tape))
    async with aiohttp.ClientSession() as client, client.ws_connect(f"{gateway.url}/api/orders/1") as socket:
        yield socket


async def test_a_socket_speaks_in_its_turns_and_says_goodbye() -> None:
    _, tape = a_socket(
        (0.0, "received", "text", b"hello"), (5.0, "sent", "text", b"first"), (6.0, "received", "text", b"one" * 30_000),
        (7.0, "received", "binary", b"two"), (8.0, "sent", "text", b"second"), (9.0, "received", "text", b"three"),
    )  # fmt: skip
    async with playing() as gateway:
        async with asyncio.timeout(10), socket_to(gateway, tape) as socket:
            assert (await socket.receive_str()) == "hello"
            with pytest.raises(TimeoutError):
                await socket.receive(timeout=0.1)  # the client's turn
            await socket.send_str("anything")
            assert (await socket.receive_str()) == "one" * 30_000
            assert (await socket.receive_bytes()) == b"two"
            await socket.send_str("anything else")
            assert (await socket.receive_str()) == "three"
            assert (await socket.receive()).type == aiohttp.WSMsgType.CLOSE
            assert socket.close_code == 1000
        (capture,) = await gateway.recorder.until(1)
    assert (capture.status, capture.stream, capture.mode, capture.failure) == (101, "websocket", "playback", None)
    assert not gateway.relay.flows


async def test_a_played_socket_repeats_the_ids_of_todays_client() -> None:
    """In one frame and in fragments; the query of the handshake has made-up values too."""
    old, new = "5f0c3a529d3e4f518a3c0a1b2c3d4e5f", "c2a4b6d8135742469abcdef012345678"
    _, tape = a_socket(
        (1.0, "sent", "text", b'{"header": {"msg_id": "%b"}}' % old.encode()),
        (2.0, "received", "text", b'{"parent_header": {"msg_id": "%b"}}' % old.encode()),
        (3.0, "sent", "text", b'{"id": 1, "method": "x"}'), (4.0, "received", "text", b'{"id": 1, "result": 1}'),
    )  # fmt: skip
    half = len(b'{"parent_header": {"msg_')
    whole = tape.frames[1][1]
    parts = [
        replace(whole, data=whole.data[:half], final=False),
        replace(whole, kind="continuation", data=whole.data[half:]),
    ]
    tape.frames = {1: [tape.frames[1][0], *parts, *tape.frames[1][2:]]}
    async with playing() as gateway, asyncio.timeout(10), socket_to(gateway, tape) as socket:
        await socket.send_json({"header": {"msg_id": new}})
        assert (await socket.receive_json()) == {"parent_header": {"msg_id": new}}
        await socket.send_json({"id": 41, "method": "x"})
        assert (await socket.receive_json()) == {"id": 41, "result": 1}


async def test_events_repeat_the_id_of_todays_call() -> None:
    """An event may have come in two pieces."""
    pieces = (b'event: message\ndata: {"jsonrpc": "2.0", "id"', b': 7, "result": 1}\n\n', b"data: 2\n\n")
    step = a_step(
        1, "POST", "/api/orders/rpc", sent=b'{"jsonrpc": "2.0", "id": 7, "method": "x"}', stream="sse",
        headers=(("Content-Type", "text/event-stream"),),
    )  # fmt: skip
    chunks = [Chunk(at, float(at), "received", data) for at, data in enumerate(pieces)]
    async with playing(step, chunks={1: chunks}) as gateway, raw_client(gateway.url) as client:
        body = b'{"jsonrpc": "2.0", "id": 12, "method": "x"}'
        await client.send(b"POST /api/orders/rpc HTTP/1.1\r\nHost: gw\r\nContent-Type: application/json\r\n"
                          b"Content-Length: %d\r\n\r\n%b" % (len(body), body))  # fmt: skip
        assert status_of(await client.head()) == 200
        async with asyncio.timeout(10):
            told = await client.reader.readuntil(b"0\r\n\r\n")
    assert b'"id": 12, "result": 1}' in told and b"data: 2" in told


async def test_a_client_may_close_a_played_socket_at_any_time() -> None:
    _, tape = a_socket(
        (0.0, "received", "text", b"hello"), (5.0, "sent", "text", b"x"), (1e6, "received", "text", b"late")
    )
    async with playing() as gateway:
        async with asyncio.timeout(10), socket_to(gateway, tape) as socket:
            assert (await socket.receive_str()) == "hello"
            await socket.close(code=1001)
            assert socket.close_code == 1001
        (capture,) = await gateway.recorder.until(1)
    assert capture.failure is None


async def test_a_plain_request_is_no_socket() -> None:
    _, tape = a_socket((0.0, "received", "text", b"hello"))
    async with playing() as gateway, raw_client(gateway.url) as client:
        gateway.sessions.session.modes["orders"] = PlaybackMode("playback", Playback(tape))
        head, _ = await ask(client)
    assert status_of(head) == 404


async def test_head_and_304_have_no_body() -> None:
    steps = (
        a_step(1, "HEAD", headers=(("Content-Length", "12"),)),
        a_step(2, "GET", status=304, headers=(("ETag", '"a"'),)),
    )
    async with playing(*steps) as gateway, raw_client(gateway.url) as client:
        await client.send(b"HEAD /api/orders/1 HTTP/1.1\r\nHost: gw\r\n\r\n")
        head = await client.head()
        assert (status_of(head), field_of(head, b"Content-Length")) == (200, b"12")
        head, _ = await ask(client, fields=b'If-None-Match: "a"\r\n')
        assert (status_of(head), field_of(head, b"ETag")) == (304, b'"a"')
        head, _ = await ask(client)
        assert status_of(head) == 404  # who has no copy has no use for a 304


async def test_a_step_of_another_environment_answers_only_who_asks_for_it() -> None:
    steps = (a_step(1, answer=b"qa"), a_step(2, status=404, answer=b"dev", environment="test", override="header"))
    extra = f"      test:\n        url: {NOWHERE}\n"
    async with playing(*steps, extra=extra) as gateway, raw_client(gateway.url) as client:
        assert (await ask(client))[1] == b"qa"
        head, body = await ask(client, fields=b"Gateway-Env: orders=test\r\n")
        assert (body, field_of(head, b"Gateway-Route")) == (b"dev", b"orders@test; mode=playback")
        assert (await ask(client))[1] == b"qa"


async def test_other_clusters_and_other_sessions_stay_live() -> None:
    async with (
        raw_upstream(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlive") as upstream,
        playing(*PAID, upstream=upstream.url) as gateway,
        raw_client(gateway.url) as client,
    ):
        del gateway.sessions.session.modes["orders"]
        head, body = await ask(client, "/api/orders/1/receipt")
    assert (body, field_of(head, b"Gateway-Route")) == (b"live", b"orders@qa")


async def test_at_the_end_of_the_sequence_it_may_go_live() -> None:
    async with (
        raw_upstream(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlive") as upstream,
        playing(a_step(1, answer=b"old"), upstream=upstream.url, rules=MatchRules(end="live")) as gateway,
        raw_client(gateway.url) as client,
    ):
        assert [(await ask(client))[1] for _ in range(2)] == [b"old", b"live"]


@pytest.mark.parametrize(
    ("allowed", "origin", "status"),
    [
        ("http://a.example", b"http://a.example", 204),
        ("*", b"http://b.example", 204),
        ("http://a.example", b"http://b.example", 404),
    ],
)
async def test_a_preflight_that_was_not_recorded_is_allowed_what_the_upstream_allowed(allowed, origin, status) -> None:
    step = a_step(1, answer=b"{}", headers=(("Access-Control-Allow-Origin", allowed),))
    fields = b"Origin: %b\r\nAccess-Control-Request-Method: PUT\r\nAccess-Control-Request-Headers: x-a\r\n" % origin
    async with playing(step) as gateway, raw_client(gateway.url) as client:
        head, _ = await ask(client, "/api/orders/9", b"OPTIONS", fields=fields)
        assert status_of(head) == status
        if status == 204:
            assert field_of(head, b"Access-Control-Allow-Origin") == origin
            assert field_of(head, b"Access-Control-Allow-Methods") == b"PUT"
            assert field_of(head, b"Access-Control-Allow-Headers") == b"x-a"


@contextlib.asynccontextmanager
async def sealed_apart(*steps, upstream):
    """A session that is live and then plays; a body is sealed in a thread that takes its time, and never on the loop."""

    def on_the_loop(capture):
        raise AssertionError("the loop seals a large body")

    async def in_a_thread(capture):
        await asyncio.sleep(0.05)
        return SealedCapture(capture)

    async with playing(*steps, mode="live-then-playback", upstream=upstream) as gateway:
        gateway.relay.seal, gateway.relay.seal_apart = on_the_loop, in_a_thread
        yield gateway


LARGE = b'{"note":"' + b"x" * 100_000 + b'"}'
PUT = a_step(1, "PUT", sent=LARGE, answer=b"kept")
UP = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"


async def test_a_large_body_is_sealed_beside_the_loop_while_the_upstream_answers() -> None:
    async def talk(peer) -> None:
        while True:  # the connection is used again
            await peer.request()
            await peer.send(UP + b"fresh")

    async with (
        raw_upstream(talk) as upstream,
        sealed_apart(
            PUT, *(a_step(n, "PUT", sent=LARGE, answer=b"%d" % n) for n in (2, 3)), upstream=upstream.url
        ) as gateway,
        raw_client(gateway.url) as client,
    ):
        first, second = [await ask(client, method=b"PUT", body=LARGE) for _ in range(2)]
        gateway.routes.table = table_of(orders_at(NOWHERE))
        third = await ask(client, method=b"PUT", body=LARGE)
    assert [status_of(head) for head, _ in (first, second)] == [200, 200]
    assert [first[1], second[1]] == [b"fresh", b"fresh"]
    assert (status_of(third[0]), third[1]) == (200, b"3"), "two steps were done live"


async def test_a_large_body_whose_upstream_is_down_is_answered_as_recorded() -> None:
    async with (
        raw_upstream(b"HTTP/1.1 503 Down\r\nContent-Length: 4\r\n\r\ndown") as upstream,
        sealed_apart(PUT, upstream=upstream.url) as gateway,
        raw_client(gateway.url) as client,
    ):
        head, body = await ask(client, method=b"PUT", body=LARGE)
        assert (status_of(head), body) == (200, b"kept")
        assert field_of(head, b"Gateway-Playback").endswith(b"after=503")
        assert status_of((await ask(client, "/api/orders/unknown", b"PUT", LARGE))[0]) == 503


async def test_a_response_that_breaks_off_while_a_large_body_is_sealed_breaks_off() -> None:
    async def talk(peer) -> None:
        await peer.request()
        await peer.send(UP + b"fre")
        peer.writer.close()

    async with (
        raw_upstream(talk) as upstream,
        sealed_apart(PUT, upstream=upstream.url) as gateway,
        raw_client(gateway.url) as client,
    ):
        with pytest.raises(asyncio.IncompleteReadError) as broken:
            await ask(client, method=b"PUT", body=LARGE)
        (capture,) = await gateway.recorder.until(1)
    assert broken.value.partial == b"fre"
    assert (capture.status, capture.failure[0]) == (200, "http_response_incomplete")


async def test_a_client_that_leaves_while_its_body_is_sealed_is_recorded_as_gone() -> None:
    asked = asyncio.Event()

    async def talk(peer) -> None:
        await peer.request()
        await peer.send(UP)
        asked.set()
        await peer.reader.read()

    async with raw_upstream(talk) as upstream, sealed_apart(PUT, upstream=upstream.url) as gateway:
        async with raw_client(gateway.url) as client:
            await client.send(b"PUT /api/orders/1 HTTP/1.1\r\nHost: gw\r\nContent-Length: %d\r\n\r\n" % len(LARGE))
            await client.send(LARGE)
            await asked.wait()
        (capture,) = await gateway.recorder.until(1)
    assert capture.failure[0] == "client_closed"

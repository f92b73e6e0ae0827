"""Faults that a session injects into its own calls, between raw peers: what is sent, what is kept, what is left alone."""

from __future__ import annotations

import gzip
import json

import pytest
from peers import field_of, raw_client, raw_upstream, status_of
from relaying import orders_at, relaying

from gateway.replay.fault import read_fault

BOOK = b'{"isbn": "978-1", "price": 12.5}'


def answer(body=BOOK, *fields, status=b"200 OK", length=True):
    head = [b"HTTP/1.1 " + status, b"Content-Type: application/json", *fields]
    return b"\r\n".join([*head, *([b"Content-Length: %d" % len(body)] if length else []), b"", body])


async def asked(gw, request=b"GET /api/orders/1 HTTP/1.1\r\nHost: x\r\n\r\n", **fault):
    gw.sessions.session.faults["orders"] = read_fault(**fault)
    async with raw_client(gw.url) as client:
        await client.send(request)
        head, body = await client.response()
    (capture,) = await gw.recorder.until(1)
    return head, body, capture


async def test_a_forced_status_takes_the_whole_request_and_asks_nobody():
    async with raw_upstream(answer()) as upstream, relaying(orders_at(upstream.url)) as gw:
        request = b"POST /api/orders HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n\r\n" + b"x" * 200_000
        head, body, capture = await asked(gw, request, status=503)
        assert status_of(head) == 503 and json.loads(body)["title"] == "Injected fault"
        assert field_of(head, b"Gateway-Fault") == b"status=503" and field_of(head, b"Gateway-Route") == b"orders@qa"
        assert (capture.mode, capture.status, capture.request_size, capture.upstream_url) == ("fault", 503, 200_000, "")
        assert (b"Gateway-Fault", b"status=503") in capture.response_headers and upstream.heads == []


@pytest.mark.parametrize("status", [204, 304])
async def test_statuses_without_a_body_have_none(status):
    async with raw_upstream(answer()) as upstream, relaying(orders_at(upstream.url)) as gw:
        head, body, capture = await asked(gw, status=status)
        assert (status_of(head), body, capture.response_size) == (status, b"", 0)


async def test_an_altered_answer_is_framed_anew_and_the_rest_of_it_stays():
    fields = (b"x-Odd: \xe9", b'ETag: "7"')
    async with raw_upstream(answer(BOOK, *fields)) as upstream, relaying(orders_at(upstream.url)) as gw:
        head, body, capture = await asked(gw, alter=["price=0"], drop=["header:etag"])
        assert json.loads(body) == {"isbn": "978-1", "price": 0}
        assert field_of(head, b"Content-Length") == b"%d" % len(body) and field_of(head, b"x-Odd") == b"\xe9"
        assert field_of(head, b"Gateway-Fault") == b"drop=header:etag&alter=json:/price%3D0"
        assert b"etag" not in head.lower().replace(b"header:etag", b"")
        assert (capture.mode, b"".join(capture.response_body)) == ("fault", body)


async def test_compressed_and_chunked_answers_are_altered_too():
    packed = gzip.compress(BOOK)
    chunked = b"%x\r\n%b\r\n0\r\n\r\n" % (len(packed), packed)
    whole = answer(chunked, b"Content-Encoding: gzip", b"Transfer-Encoding: chunked", length=False)
    async with raw_upstream(whole) as upstream, relaying(orders_at(upstream.url)) as gw:
        head, body, _ = await asked(gw, drop=["json:/price"], status=201)
        assert status_of(head) == 201 and json.loads(body) == {"isbn": "978-1"}
        assert b"gzip" not in head and b"chunked" not in head


async def test_what_is_not_there_is_not_injected_and_the_answer_passes_as_it_is():
    async with raw_upstream(answer()) as upstream, relaying(orders_at(upstream.url)) as gw:
        head, body, capture = await asked(gw, drop=["json:/nothing"])
        assert (status_of(head), body, capture.mode) == (200, BOOK, "live") and b"Gateway-Fault" not in head


async def test_an_upstream_that_is_down_is_no_injected_fault():
    async with relaying(orders_at("http://127.0.0.1:1")) as gw:
        head, _, capture = await asked(gw, alter=["price=0"])
        assert status_of(head) == 502 and b"Gateway-Fault" not in head
        assert (capture.mode, capture.failure[0]) == ("live", "connection_refused")


async def test_the_next_call_without_a_fault_is_as_ever():
    async with raw_upstream(answer()) as upstream, relaying(orders_at(upstream.url)) as gw:
        await asked(gw, status=503)
        gw.sessions.session.faults.clear()
        async with raw_client(gw.url) as client:
            await client.send(b"GET /api/orders/1 HTTP/1.1\r\nHost: x\r\n\r\n")
            head, body = await client.response()
        assert (status_of(head), body) == (200, BOOK)
        assert [one.mode for one in await gw.recorder.until(2)] == ["fault", "live"]


@pytest.mark.parametrize(
    "fault", [{"status": 503}, {"status": 204}, {"status": 500, "delay": 0.02}, {"delay": 0.02}, {"alter": ["price=0"]}]
)
async def test_no_duration_is_negative_or_absurd(fault):
    """A forced status asks nobody: what was never sent took no time."""
    async with raw_upstream(answer()) as upstream, relaying(orders_at(upstream.url)) as gw:
        head, _, _ = await asked(gw, **fault)
    durations = [float(part.partition(b"dur=")[2]) for part in field_of(head, b"Server-Timing").split(b",")]
    assert len(durations) == 2 and all(0 <= duration < 5000 for duration in durations)

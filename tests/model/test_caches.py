"""Caches never change what is said: varied traffic through a whole gateway, with all of them on and off.

Covers: model/caches.
"""

from __future__ import annotations

import asyncio
import re
from contextlib import closing, nullcontext
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from peers import Peer, raw_client, raw_upstream
from serving import serving

from gateway.model import caches
from gateway.model.caches import BoundedCache, of_process, off, remembered
from gateway.store import open_store

ROUTES = """version: 1
environments: [qa]
clusters:
  orders: {{path: /api/orders, environment: qa, upstreams: {{qa: "{url}/v3"}}, rewrite_bodies: true}}
  books: {{path: /api/books, environment: qa, upstreams: {{qa: {{url: "{url}", headers: {{X-Route: one}}}}}}}}
"""
TOKEN = b"tok3n-AbCdEf0123456789x"


def requests() -> list[bytes]:
    """Each kind several times, so that it is new, known, and known by its shape; with secrets in every place."""
    made = []
    for turn in range(6):
        session = b"Gateway-Session: one\r\n" if turn % 3 else b"Gateway-Session: two\r\n"
        varying = b'X-Request-Id: %032d\r\nIf-None-Match: "e%d"\r\n' % (turn, turn)
        for target, more, body in (
            (b"/api/orders/7", b"", b""),
            (b"/api/orders/%d?page=%d&token=%s" % (turn, turn, TOKEN), b"", b""),
            (b"/api/books/a%2Fb?q=1", b"Authorization: Bearer " + TOKEN + b"\r\n", b""),
            (b"/api/books/x", b"Cookie: sid=0123456789abcdefXYZ; theme=dark\r\nAuthorization: Basic YTpodXNo\r\n", b""),
            (
                b"/api/orders",
                b"Content-Type: application/json\r\n",
                b'{"password": "hush-%d", "id": %d}' % (turn, turn),
            ),
            (b"/api/orders", b"Content-Type: application/x-www-form-urlencoded\r\n", b"user=ann&password=Winter2026"),
        ):
            method = b"POST" if body else b"GET"
            length = b"Content-Length: %d\r\n" % len(body) if body else b""
            head = method + b" " + target + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n" + session + varying + more + length
            made.append(head + b"\r\n" + body)
    return made


async def talk(peer: Peer) -> None:
    """Repeats what was sent in the body, so that secrets come back, with addresses and cookies to be translated."""
    count = 0
    while True:
        try:
            head, body = await peer.request()
        except asyncio.IncompleteReadError:
            return
        count += 1
        line = head.partition(b"\r\n")[0]
        said = b'{"line": "%s", "next": "/v3/%d", "echo": "%s"}' % (line, count % 3, body.replace(b'"', b"'"))
        await peer.send(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nSet-Cookie: id=0123456789abcdef; Path=/v3\r\n"
            b'ETag: "t%d"\r\nLocation: /v3/%d\r\nCache-Control: max-age=9\r\nContent-Length: %d\r\n\r\n'
            % (count, count, len(said))
            + said
        )


# What is new with each run: ids, times, traces, the names of the ports.
NEW = re.compile(
    rb"01[0-9A-HJKMNP-TV-Z]{24}|dur=[0-9.]+|[0-9a-f]{32}-[0-9a-f]{16}|127\.0\.0\.1:[0-9]+|localhost:[0-9]+|\(\w{12}\)"
)


async def seen(folder: Path) -> tuple[list[bytes], list[bytes], list[Any]]:
    """(what the clients got, what the server got, what was recorded), without what is new with each run."""
    folder.mkdir()
    got, sent = [], []

    async def listening(peer: Peer) -> None:
        ask = peer.request

        async def request() -> tuple[bytes, bytes]:
            head, body = await ask()
            sent.append(NEW.sub(b"*", head + body))
            return head, body

        peer.request = request  # type: ignore[method-assign]
        await talk(peer)

    async with raw_upstream(listening) as upstream, serving(folder, ROUTES.format(url=upstream.url)) as gateway:
        async with raw_client(gateway.url) as client:
            for request in requests():
                await client.send(request)
                head, body = await client.response()
                got.append(NEW.sub(b"*", head + body))
    with closing(open_store(folder / "recordings" / "gateway.db")) as store:
        kept = [
            (
                one.session, one.step, one.request.target, one.status, one.cluster,
                *(
                    (NEW.sub(b"*", repr(side.headers).encode()), NEW.sub(b"*", side.body.data))
                    for side in (one.request, one.response) if side
                ),
            )
            for recording in store.recordings().items
            for one in store.exchanges(recording.id).items
        ]  # fmt: skip
    return got, sent, sorted(kept, key=lambda row: row[:2])


async def test_all_caches_off_changes_no_byte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(
        "GATEWAY_SECRET_KEY", Fernet.generate_key().decode()
    )  # so that equal secrets get equal placeholders
    runs = {}
    for name, switch in (("on", nullcontext()), ("off", off()), ("on again", nullcontext())):
        with switch:
            runs[name] = await seen(tmp_path / name)
    assert len(runs["on"][0]) == len(requests())
    assert runs["on"] == runs["off"] == runs["on again"]


def test_off_nothing_is_kept_and_what_the_process_knew_is_gone() -> None:
    known = of_process(2)
    known.keep("a", 1)
    calls = []

    @remembered(4)
    def work(text: str) -> str:
        calls.append(text)
        return text

    try:
        work("a")
        with off():
            assert not known and not caches.are_on()
            known.keep("b", 2)
            work("a")
            work("a")
            assert not known
        work("a")
        work("a")
    finally:
        caches._of_process[-2:] = []
    assert calls == ["a"] * 4


def test_a_full_cache_forgets_and_goes_on() -> None:
    cache: BoundedCache[int, int] = BoundedCache(3)
    for number in range(10):
        cache.keep(number, number)
        assert len(cache) <= 3 and cache[number] == number
    cache.keep(9, 0)
    assert cache[9] == 0

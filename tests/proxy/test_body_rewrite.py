"""Bodies that name an upstream's address, translated: lengths, codings, tags and limits."""

import gzip
import json
import zlib

import brotli
import pytest
from peers import field_of, fields_of, raw_client, raw_upstream, status_of
from relaying import orders_at, relaying

from gateway.proxy import body_rewrite


def routes(url: str) -> str:
    return orders_at(url).replace("    environment: qa\n", "    environment: qa\n    rewrite_bodies: true\n")


async def ask(
    url: str, request: bytes = b"GET /api/orders/pkg HTTP/1.1\r\nHost: gw.test:80\r\n\r\n"
) -> tuple[bytes, bytes]:
    async with raw_client(url) as client:
        await client.send(request)
        return await client.response()


def answering(kind: bytes, *more: bytes, coding=lambda body: body, body: str = '{{"tarball": "{url}/a.tgz"}}'):
    """An upstream whose body names its own address."""

    async def talk(peer):
        while True:
            head, _ = await peer.request()
            url = "http://" + (field_of(head, b"Host") or b"").decode()
            data = coding(body.format(url=url).encode())
            lines = [b"HTTP/1.1 200 OK", b"Content-Type: " + kind, b"Content-Length: %d" % len(data), *more, b"", b""]
            await peer.send(b"\r\n".join(lines) + (b"" if head.startswith(b"HEAD") else data))

    return talk


CODINGS = [
    ((), lambda body: body),
    ((b"Content-Encoding: gzip",), gzip.compress),
    ((b"Content-Encoding: deflate",), zlib.compress),
    ((b"Content-Encoding: br",), brotli.compress),
]


@pytest.mark.parametrize(("more", "coding"), CODINGS, ids=["plain", "gzip", "deflate", "br"])
async def test_an_address_in_json_leads_through_the_gateway(more, coding):
    async with raw_upstream(answering(b"application/json", *more, b'ETag: "v1"', coding=coding)) as upstream:
        async with relaying(routes(upstream.url)) as gw:
            head, body = await ask(gw.url)
            assert json.loads(body) == {"tarball": "http://gw.test:80/api/orders/a.tgz"}
            names = [name.lower() for name, _ in fields_of(head)]
            assert b"content-encoding" not in names
            assert (names.count(b"content-length"), field_of(head, b"ETag")) == (1, b'W/"v1"')
            (capture,) = await gw.recorder.until(1)
            assert b"".join(capture.response_body) == body, "recorded as the client saw it"
            assert (b"ETag", b'"v1"') in capture.rewritten


@pytest.mark.parametrize(
    ("kind", "body", "expected"),
    [
        (
            b"application/xml",
            "<Location>{url}/b/k</Location>",
            b"<Location>http://gw.test:80/api/orders/b/k</Location>",
        ),
        (b"text/html; charset=utf-8", '<a href="{url}/x">', b'<a href="http://gw.test:80/api/orders/x">'),
        (b"application/hal+json", '"{url}"', b'"http://gw.test:80/api/orders"'),
        (b"application/x-amz-json-1.0", '"{url}/q"', b'"http://gw.test:80/api/orders/q"'),
    ],
)
async def test_other_texts_too(kind, body, expected):
    async with raw_upstream(answering(kind, body=body)) as upstream, relaying(routes(upstream.url)) as gw:
        assert (await ask(gw.url))[1] == expected


@pytest.mark.parametrize(
    ("kind", "more"),
    [(b"image/png", ()), (b"application/octet-stream", ())],
)
async def test_what_is_no_text_passes_byte_for_byte(kind, more):
    async with raw_upstream(answering(kind, *more)) as upstream, relaying(routes(upstream.url)) as gw:
        head, body = await ask(gw.url)
        assert body == b'{"tarball": "%b/a.tgz"}' % upstream.url.encode()
        assert field_of(head, b"Content-Length") == b"%d" % len(body)


async def test_a_body_without_an_address_keeps_its_coding_and_its_tag():
    more = (b"Content-Encoding: gzip", b'ETag: "v1"')
    async with raw_upstream(answering(b"application/json", *more, coding=gzip.compress, body='{{"a": 1}}')) as upstream:
        async with relaying(routes(upstream.url)) as gw:
            head, body = await ask(gw.url)
            assert gzip.decompress(body) == b'{"a": 1}'
            assert field_of(head, b"ETag") == b'"v1"'


async def test_a_body_that_is_too_large_passes(monkeypatch):
    monkeypatch.setattr(body_rewrite, "LARGEST", 1000)
    async with raw_upstream(answering(b"text/plain", body="{url} " + "x" * 200_000)) as upstream:
        async with relaying(routes(upstream.url)) as gw:
            _, body = await ask(gw.url)
            assert body.startswith(upstream.url.encode())
            assert len(body) > 200_000


async def test_head_and_clusters_without_the_key_are_left_alone():
    async with raw_upstream(answering(b"application/json")) as upstream:
        async with relaying(routes(upstream.url)) as gw, raw_client(gw.url) as client:
            await client.send(b"HEAD /api/orders/pkg HTTP/1.1\r\nHost: gw.test:80\r\n\r\n")
            assert status_of(await client.head()) == 200
        async with relaying(orders_at(upstream.url)) as gw:
            assert upstream.url.encode() in (await ask(gw.url))[1]


async def test_a_fault_is_injected_into_what_was_translated():
    from gateway.replay.fault import read_fault

    async with raw_upstream(answering(b"application/json")) as upstream, relaying(routes(upstream.url)) as gw:
        gw.sessions.session.faults["orders"] = read_fault(alter=("json:/more=1",))
        body = json.loads((await ask(gw.url))[1])
        assert body == {"tarball": "http://gw.test:80/api/orders/a.tgz", "more": 1}

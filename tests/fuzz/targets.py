"""The parsers of foreign bytes, each with seeds and what it must keep: a result or a refusal in words, nothing else."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress

from cryptography.fernet import Fernet
from peers import raw_client, raw_upstream
from relaying import orders_at, relaying

from gateway.demos.definition.parse import parse_demo
from gateway.errors import GatewayError
from gateway.export import bundle
from gateway.export.readers import import_file
from gateway.keys import Keys
from gateway.model.capture import Capture
from gateway.model.exchange import Chunk
from gateway.model.frames import sse_events, websocket_frames
from gateway.redact import Sealer
from gateway.redact.streams import FrameSealer
from gateway.routes.parse import parse

from .engine import Target

KEYS = Keys.of([Fernet.generate_key().decode()])
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
PATIENCE = 3.0  # seconds for an answer


def routes(data: bytes) -> None:
    found = parse(data)
    assert (found.config is None) is bool(found.problems)
    assert all(problem.line >= 1 and problem.message for problem in found.problems)


def demo(data: bytes) -> None:
    found = parse_demo(data, name="d", file="demo.yaml", files=())
    assert found.demo is not None or found.problems


def imported(format: str, data: bytes) -> None:
    try:
        found = import_file.read(data, name=f"a.{format}", format=format)
    except GatewayError as error:
        assert error.message
        return
    for recording in found.recordings:
        assert all(exchange.request.method for exchange in recording.exchanges)


def frames(data: bytes) -> None:
    chunks = [Chunk(0, 0.0, "received", data[: len(data) // 2]), Chunk(1, 1.0, "received", data[len(data) // 2 :])]
    list(sse_events(chunks))
    list(websocket_frames(chunks))
    sealer = FrameSealer(None, sent=False)
    middle = len(data) // 3
    kept = sealer.feed(data[:middle], lambda text: text, last=False) + sealer.feed(
        data[middle:], lambda text: text, last=True
    )
    assert sorted(kept) == sorted(data), "no byte is lost; a control frame may pass a message that waits for its end"


def sealed(data: bytes) -> None:
    kind, _, body = data.partition(b"\n")
    capture = Capture()
    capture.id, capture.recording, capture.target = "1", "R", b"/x?" + body[:200].replace(b" ", b"")
    capture.request_headers, capture.request_body = [(b"Content-Type", kind[:200])], [body]
    once = Sealer(KEYS).seal(capture)
    opened = {name: Sealer(KEYS).unseal(name, ciphertext) for name, ciphertext in once.secrets}
    assert all(len(secret) <= len(data) * 4 + 16 for secret in opened.values())
    twice = Sealer(KEYS).seal(once.capture)
    with suppress(ValueError):
        json.loads(body)
        assert twice.capture.request_body == once.capture.request_body, "sealing twice changes nothing"


def request(data: bytes) -> None:
    asyncio.run(_request(data))


async def _request(data: bytes) -> None:
    wrong: list[str] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: wrong.append(str(context)))
    async with raw_upstream(OK) as upstream, relaying(orders_at(upstream.url)) as gateway:
        async with raw_client(gateway.url) as client:
            await client.send(data)
            client.writer.write_eof()
            async with asyncio.timeout(PATIENCE):
                answer = await client.reader.read(-1)
        assert not answer or answer.startswith(b"HTTP/1.1 "), answer[:80]
        async with raw_client(gateway.url) as client:
            await client.send(b"GET /api/orders/x HTTP/1.1\r\nHost: a\r\n\r\n")
            head, body = await client.response()
        assert body == b"ok", head
    assert not wrong, wrong[0]


def response(data: bytes) -> None:
    asyncio.run(_response(data))


async def _response(data: bytes) -> None:
    wrong: list[str] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: wrong.append(str(context)))

    async def talk(peer: object) -> None:
        await peer.request()  # type: ignore[attr-defined]
        await peer.send(data)  # type: ignore[attr-defined]

    async with raw_upstream(talk) as upstream, relaying(orders_at(upstream.url)) as gateway:
        async with raw_client(gateway.url) as client:
            await client.send(b"GET /api/orders/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            async with asyncio.timeout(PATIENCE):
                answer = await client.reader.read(-1)
        assert answer.startswith(b"HTTP/1.1 "), answer[:80]
    assert not wrong, wrong[0]


ROUTES = b"""version: 1
environments: [dev, qa]
clusters:
  orders:
    path: /api/orders
    environment: qa
    upstreams: {dev: "http://127.0.0.1:9101", qa: {url: "http://127.0.0.1:9201", headers: {A: "${T:-x}"}}}
    redact: {json: ["$..iban"], kinds: [card]}
    fault: {delay: 200ms, status: 503, rate: 0.1}
recording: {max_body: 1MiB, skip: ["GET *.js"]}
"""
DEMO = b"""title: Buy
steps:
  - title: Sign in
    call: POST users:/login
    fields: [{name: user, required: true}, {name: password, type: password}]
    body: {user: "{{ user }}", password: "{{ password }}"}
    keep: {token: "json:/token"}
  - title: Order
    call: POST orders:/orders
    headers: {Authorization: "Bearer {{ token }}"}
    expect: 201
"""
HAR = json.dumps({"log": {"version": "1.2", "creator": {"name": "a", "version": "1"}, "entries": [{
    "startedDateTime": "2026-11-30T12:00:00.000Z", "time": 12.5,
    "request": {"method": "POST", "url": "https://h.example/a?x=1", "httpVersion": "HTTP/1.1", "headers":
        [{"name": "Accept", "value": "*/*"}], "queryString": [], "cookies": [], "headersSize": -1, "bodySize": 2,
        "postData": {"mimeType": "application/json", "text": "{}"}},
    "response": {"status": 200, "statusText": "OK", "httpVersion": "HTTP/1.1", "headers": [], "cookies": [],
        "content": {"size": 2, "mimeType": "text/plain", "text": "b2s=", "encoding": "base64"}, "redirectURL": ""},
    "cache": {}, "timings": {"send": 1, "wait": 2, "receive": 3}}]}}).encode()  # fmt: skip
POSTMAN = json.dumps({"info": {"name": "c", "schema": "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"},
    "variable": [{"key": "base", "value": "https://h.example"}], "item": [{"name": "a", "request": {"method": "POST",
        "url": {"raw": "{{base}}/a?x=1", "host": ["{{base}}"], "path": ["a"], "query": [{"key": "x", "value": "1"}]},
        "header": [{"key": "A", "value": "b"}], "auth": {"type": "basic", "basic": [{"key": "username", "value": "u"}]},
        "body": {"mode": "urlencoded", "urlencoded": [{"key": "a", "value": "b"}]}}}]}).encode()  # fmt: skip
CURL = b"curl 'https://ann:pw@h.example/a?x=1' -X POST -H 'Accept: */*' -b 'a=b' --data-raw $'{\"a\": \"\\u0021\"}' -F 'f=@x' --next -G -d q=1\n"
READ = import_file.read(HAR, name="a.har", format="har").recordings[0]
BUNDLE = bundle.dump([(READ.recording, READ.exchanges)], version="1").encode()
GET = b"GET /api/orders/x?a=1 HTTP/1.1\r\nHost: a\r\nAccept: */*\r\nCookie: a=b\r\n\r\n"
POST = b"POST /api/orders/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n2\r\nab\r\n0\r\nX: y\r\n\r\n"
HEADS = (b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n", b"Host: b\r\n", b"Connection: close, x\r\n", b"\r\n\r\n", b"HTTP/1.1",
         b"Upgrade: websocket\r\n", b"Expect: 100-continue\r\n", b"0\r\n\r\n", b"\t", b"/../", b"%2e%2e", b"*", b"CONNECT", b"http://a/")  # fmt: skip
YAML_WORDS = (
    b": ",
    b"- ",
    b"\n  ",
    b"&a ",
    b"*a",
    b"<<: ",
    b"!!python/object",
    b"|",
    b">-",
    b"{",
    b"}",
    b"${A:?x}",
    b"on",
    b"012",
    b"'",
    b"\t",
)
JSON_WORDS = (
    b"null",
    b"{}",
    b"[]",
    b'"',
    b"-1",
    b"1e999",
    b"true",
    b'"text"',
    b"\\ud800",
    b"{{base}}",
    b"http://[",
    b"%zz",
    b"data:",
)

TARGETS = (
    Target("routes.yaml", routes, [ROUTES], YAML_WORDS, ("routes/parse.py", "routes/yaml.py", "routes/validation.py")),
    Target("demo.yaml", demo, [DEMO], YAML_WORDS, ("demos/definition/parse.py", "demos/definition/schema.py")),
    Target("har", lambda data: imported("har", data), [HAR], JSON_WORDS, ("export/readers/har.py", "export/readers/foreign_json.py")),
    Target("postman", lambda data: imported("postman", data), [POSTMAN], JSON_WORDS, ("export/readers/postman.py",)),
    Target("curl", lambda data: imported("curl", data), [CURL], (b"'", b'"', b"\\\n", b"$'", b"--data", b"-d", b"@", b"^", b"$(", b"|"),
        tuple(f"curl_reader/{name}.py" for name in ("__init__", "command", "form", "globs", "options", "shell", "shell_syntax", "windows"))),
    Target("bundle", lambda data: imported("bundle", data), [BUNDLE], JSON_WORDS, ("export/bundle.py",)),
    Target("frames", frames, [b"\x81\x05hello\x88\x00", b"\x81\x85abcd" + bytes(5), b"event: a\ndata: b\nid: 1\n\n", b"\x01\x01a\x80\x01b"],
        (b"data: ", b"\x81\x7e\xff\xff", b"\xc1\x02", b"\r\n\r\n"), ("model/frames.py", "redact/streams.py")),
    Target("bodies", sealed, [
        b'application/json\n{"password": "hunter2", "a": [{"token": 12, "name": "secret", "value": "x"}]}',
        b"application/x-www-form-urlencoded\na=1&password=hunter2&x=%7B%22token%22%3A%22abc%22%7D",
        b'multipart/form-data; boundary=B\n--B\r\nContent-Disposition: form-data; name="pwd"\r\n\r\nx\r\n--B--',
        b"text/html\n<input type=password value='x'><password>y</password><![CDATA[z]]>", b"text/yaml\npassword: |\n  x\n  y\na: b\n",
        b"text/event-stream\ndata: {\"token\":\ndata: \"x\"}\n\n"], (b"password=", b'"token":"', b"\\", b'\\"', b"&", b"%22", b"://a:b@",
        b"eyJhbGciOiJub25lIn0.e30.", b"sealed_", b"\xff\xfe", b"<password>", b"ghp_"),
        ("redact/text.py", "redact/bodies.py", "redact/json_text.py", "redact/markup.py", "redact/echoes.py")),
    Target("requests", request, [GET, POST, GET + POST], HEADS, ("proxy/client.py", "proxy/request.py")),
    Target("responses", response, [OK, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n", b"HTTP/1.1 204 N\r\n\r\n"],
        (*HEADS, b"HTTP/1.1 100 C\r\n\r\n", b"Set-Cookie: gateway_session=x\r\n", b"Location: //x\r\n"), ("proxy/upstream.py", "proxy/response.py")),
)  # fmt: skip

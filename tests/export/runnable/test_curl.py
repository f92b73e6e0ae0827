"""The script, run by a real bash against a real server, sends what was recorded."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from gateway.export.runnable import curl
from gateway.model.message import Body


class Seen:
    """A server on loopback that keeps every request it gets."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str, dict[str, str], bytes]] = []
        seen = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                fields = {name.lower(): value for name, value in self.headers.items()}
                seen.requests.append((self.command, self.path, fields, body))
                self.send_response(404)
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_GET = do_POST = do_PUT = do_PATCH = do_HEAD = do_DELETE = answer

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,))
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def server() -> Iterator[Seen]:
    seen = Seen()
    yield seen
    seen.close()


def run(script: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "no_proxy": "*", **variables}
    command = ["bash", "-s"]
    return subprocess.run(
        command, input=script, env=environment, capture_output=True, text=True, timeout=60, check=False
    )


def test_the_bookshop_runs_from_start_to_end(bookshop, server):
    ran = run(curl.dump([bookshop], version="1"), BASE_URL=server.url, SECRET_1="it's $HOME", SECRET_2="the token")
    assert ran.returncode == 0, ran.stderr
    login, find, order, cover, *_ = server.requests
    assert login[3] == b'{"user": "ada", "password": "it\'s $HOME"}'
    assert find[1] == "/api/catalogue/books/978-1?lang=fr&q=caf%C3%A9+noir&empty="
    assert order[2]["authorization"] == "Bearer the token"
    assert "user-agent" not in order[2]
    assert cover[3] == b"\x89PNG\r\n\x1a\n\x00\xff"
    methods = [request[0] for request in server.requests]
    assert methods == ["POST", "GET", "POST", "PUT", "GET", "POST", "HEAD"]
    assert "skipped, curl does not speak WebSocket: 8 GET" in ran.stderr
    assert "skipped, the recording kept 4 of 4096 bytes of its body: 7 PUT" in ran.stderr
    assert "is empty" not in ran.stderr


def test_a_secret_that_is_not_given_says_where_it_belongs(bookshop, server):
    ran = run(curl.dump([bookshop], version="1"), BASE_URL=server.url)
    assert ran.returncode == 0
    assert "SECRET_2 is empty; it stands for header Authorization of step 3" in ran.stderr


def test_equal_placeholders_share_a_variable(an_exchange, a_recording):
    token = "sealed_abcdefghijklmnopqrst_l32"
    exchanges = [an_exchange(step, headers=(("Authorization", token), ("X-Token", token))) for step in (1, 2)]
    script = curl.dump([(a_recording(2), exchanges)], version="1")
    assert script.count('"$SECRET_1"') == 5
    assert "SECRET_2" not in script


BODIES = {
    "at sign": b"@/etc/passwd",
    "quotes": b'it\'s "$HOME" `id` $(id) \\ !x',
    "lines": b"a\nb\r\nc\n",
    "unicode": "é 日本 \u202e😀".encode(),
    "invalid utf-8": b"\xff\xfe",
    "nul": b"a\0b",
    "large text": b"x" * 200_000,
    "large binary": bytes(range(256)) * 800,
    "the delimiter": b"END\nEND",
    "empty": b"",
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_bodies_arrive_byte_for_byte(an_exchange, a_recording, server, body):
    exchange = an_exchange(1, method="POST", sent=body, origin=server.url)
    ran = run(curl.dump([(a_recording(1), [exchange])], version="1"))
    assert ran.returncode == 0, ran.stderr
    (request,) = server.requests
    assert request[3] == body
    assert request[2]["content-length"] == str(len(body))
    assert "expect" not in request[2]


TARGETS = ["/a/../b", "/a//b", "/[x]{y}?q=[1-9]", "/'$(id)'", "/a%2Fb?x=%20y&x=", "/;&|<>", "/\\"]


@pytest.mark.parametrize("target", TARGETS)
def test_targets_arrive_as_they_were_sent(an_exchange, a_recording, server, target):
    exchange = an_exchange(1, target=target, origin=server.url)
    ran = run(curl.dump([(a_recording(1), [exchange])], version="1"))
    assert ran.returncode == 0, ran.stderr
    assert server.requests[0][1] == target


def test_headers_arrive_without_those_of_the_connection(an_exchange, a_recording, server):
    headers = (
        ("Connection", "keep-alive, X-Hop"), ("X-Hop", "1"), ("X-Empty", ""), ("X-Odd", "a'b\"c;d é"), ("@file", "x"),
        ("Expect", "100-continue"), ("Content-Length", "999"),
    )  # fmt: skip
    exchange = an_exchange(1, headers=headers, origin=server.url)
    ran = run(curl.dump([(a_recording(1), [exchange])], version="1"))
    assert ran.returncode == 0, ran.stderr
    got = server.requests[0][2]
    assert (got["x-empty"], got["x-odd"].encode("latin-1").decode()) == ("", "a'b\"c;d é")
    assert set(got) == {"host", "x-empty", "x-odd"}


def test_a_body_that_the_record_decoded_is_sent_without_its_coding(an_exchange, a_recording, server):
    from dataclasses import replace

    exchange = an_exchange(1, method="POST", headers=(("Content-Encoding", "gzip"),), origin=server.url)
    exchange = replace(exchange, request=replace(exchange.request, body=Body(4, b"text", plain=True)))
    assert run(curl.dump([(a_recording(1), [exchange])], version="1")).returncode == 0
    assert "content-encoding" not in server.requests[0][2]


def test_nothing_recorded_becomes_code(an_exchange, a_recording, server, tmp_path):
    evil = f"\n touch {tmp_path}/owned; `touch {tmp_path}/owned` $(touch {tmp_path}/owned) '"
    exchange = an_exchange(1, target="/" + evil, cluster=evil, reason=evil, notes=(evil,), origin=server.url)
    ran = run(curl.dump([(a_recording(1, title=evil), [exchange])], version="1"))
    assert ran.returncode == 0, ran.stderr
    assert list(tmp_path.iterdir()) == []


def test_another_origin_gets_a_variable_of_its_own(an_exchange, a_recording):
    exchanges = [an_exchange(1), an_exchange(2, origin="http://localhost:8080"), an_exchange(3)]
    script = curl.dump([(a_recording(3), exchanges)], version="1")
    assert "BASE_URL_2=${BASE_URL_2:-http://localhost:8080}" in script
    assert script.count('"$BASE_URL"/') == 2

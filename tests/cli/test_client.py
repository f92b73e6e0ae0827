"""Finding and calling a running gateway."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from gateway.cli.client import RunningGateway, find_server, find_writer
from gateway.errors import ConfigError, GatewayError, NotFoundError, StoreError, UpstreamError, UsageError


@pytest.fixture(autouse=True)
def no_gateway_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GATEWAY_URL", raising=False)


class Stub(ThreadingHTTPServer):
    """A gateway's stand-in: `healthy` and `answer` are what it says, `seen` what it was asked."""

    seen: list[tuple[str, str, Any, bytes]]
    healthy: int
    answer: tuple[int, bytes]
    url: str


@pytest.fixture
def server() -> Iterator[Stub]:
    """Keeps what it was asked in `server.seen`; answers `server.answer`, and healthz with `server.healthy`."""

    class Handler(BaseHTTPRequestHandler):
        server: Stub

        def go(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.server.seen.append((self.command, self.path, self.headers, body))
            healthz = self.path.endswith("/_gateway/healthz")
            status, answer = (self.server.healthy, b"ok") if healthz else self.server.answer
            self.send_response(status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_GET = do_POST = do_PATCH = do_DELETE = go

        def log_message(self, *args: object) -> None: ...

    with Stub(("127.0.0.1", 0), Handler) as running:
        running.seen, running.healthy, running.answer = [], 200, (200, b"{}")
        running.url = f"http://127.0.0.1:{running.server_port}"
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def test_a_call_sends_and_gives_json(server: Stub) -> None:
    server.answer = (200, b'{"moved": true}')
    answer = RunningGateway(server.url).call("POST", "/_gateway/api/v1/routes/orders/move", {"environment": "qa"})
    method, path, headers, body = server.seen[0]
    assert answer == {"moved": True}
    assert (method, path, json.loads(body)) == ("POST", "/_gateway/api/v1/routes/orders/move", {"environment": "qa"})
    assert headers["Content-Type"] == "application/json"


def test_a_call_without_a_body_still_proves_that_it_is_no_form(server: Stub) -> None:
    server.answer = (204, b"")
    assert RunningGateway(server.url).call("DELETE", "/_gateway/api/v1/recordings/1") is None
    assert server.seen[0][2]["Content-Type"] == "application/json"


def test_a_proxy_in_the_environment_is_not_asked(server: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert RunningGateway(server.url).call("GET", "/x") == {}


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, UsageError), (403, UsageError), (404, NotFoundError), (409, UsageError), (500, GatewayError),
     (502, UpstreamError), (503, StoreError)],
)  # fmt: skip
def test_a_problem_answer_is_raised_as_the_fitting_error(server: Stub, status: int, kind: type[GatewayError]) -> None:
    server.answer = (status, json.dumps({"title": "T", "detail": "what happened", "hint": "do this"}).encode())
    with pytest.raises(GatewayError) as caught:
        RunningGateway(server.url).call("GET", "/x")
    assert type(caught.value) is kind
    assert str(caught.value) == "what happened\n  try: do this"


def test_the_problems_of_a_file_come_through(server: Stub) -> None:
    detail = "routes.yaml:10:13: error: clusters.orders: 'qaa' is not one of dev, qa\nC:/teams/a.yaml:1:1: warning: x"
    server.answer = (422, json.dumps({"detail": detail}).encode())
    with pytest.raises(ConfigError) as caught:
        RunningGateway(server.url).call("POST", "/x")
    assert str(caught.value) == detail
    assert [(p.file, p.line, p.severity) for p in caught.value.problems] == [
        ("routes.yaml", 10, "error"), ("C:/teams/a.yaml", 1, "warning"),
    ]  # fmt: skip


def test_an_answer_that_is_not_json(server: Stub) -> None:
    server.answer = (200, b"<html>")
    with pytest.raises(UpstreamError, match="no gateway"):
        RunningGateway(server.url).call("GET", "/x")


def test_the_run_file_beside_the_recordings_names_the_server(server: Stub, tmp_path: Path) -> None:
    (tmp_path / "gateway.run.json").write_text(json.dumps({"url": server.url, "pid": 1}))
    assert find_server(tmp_path / "gateway.db", None) == RunningGateway(server.url)


@pytest.mark.parametrize("text", ["", "not json", "[]", '{"pid": 1}', '{"url": "nonsense"}', '{"url": null}'])
def test_a_run_file_that_says_nothing(text: str, tmp_path: Path) -> None:
    (tmp_path / "gateway.run.json").write_text(text)
    assert find_server(tmp_path / "gateway.db", None) is None


def test_a_run_file_left_over_from_a_crash(unused_tcp_port: int, tmp_path: Path) -> None:
    (tmp_path / "gateway.run.json").write_text(json.dumps({"url": f"http://127.0.0.1:{unused_tcp_port}"}))
    assert find_server(tmp_path / "gateway.db", None) is None


def test_something_else_on_that_port_is_no_gateway(server: Stub, tmp_path: Path) -> None:
    server.healthy = 404
    (tmp_path / "gateway.run.json").write_text(json.dumps({"url": server.url}))
    assert find_server(tmp_path / "gateway.db", None) is None


def test_the_argument_beats_the_environment_beats_the_run_file(
    server: Stub, tmp_path: Path, unused_tcp_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead = f"http://127.0.0.1:{unused_tcp_port}"
    (tmp_path / "gateway.run.json").write_text(json.dumps({"url": dead}))
    monkeypatch.setenv("GATEWAY_URL", server.url + "/")
    assert find_server(tmp_path / "gateway.db", None) == RunningGateway(server.url)
    with pytest.raises(UpstreamError, match="no gateway answers"):
        find_server(tmp_path / "gateway.db", dead)


def test_a_server_that_was_named_must_answer(unused_tcp_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEWAY_URL", f"http://127.0.0.1:{unused_tcp_port}")
    with pytest.raises(UpstreamError, match="no gateway answers"):
        find_server(None, None)


@pytest.mark.parametrize("url", ["127.0.0.1:8080", "ftp://x", "http://", "http://x:99999", "http://x:port"])
def test_a_url_that_is_none(url: str) -> None:
    with pytest.raises(UsageError, match="no URL of a gateway"):
        find_server(None, url)


def test_a_gateway_that_writes_another_file_of_the_folder_is_not_asked_to_write_this_one(
    server: Stub, tmp_path: Path
) -> None:
    ours, other = tmp_path / "gateway.db", tmp_path / "other.db"
    (tmp_path / "gateway.run.json").write_text(json.dumps({"url": server.url, "recordings": str(ours)}))
    found = find_writer(ours, None)
    assert found is not None
    assert found.url == server.url
    assert find_writer(other, None) is None
    assert find_writer(other, server.url) == RunningGateway(server.url), "one that was named is asked"

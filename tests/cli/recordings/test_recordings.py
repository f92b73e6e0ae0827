"""gateway recordings, show, annotate, delete: on real files, with and without a running gateway."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from captures import a_capture, recorded

from gateway.cli.main import main
from gateway.model.capture import Capture
from gateway.store import open_recorder, open_store

FIRST, SECOND = "01JAAAAAAAAAAAAAAAAAAAAAAA", "01JBBBBBBBBBBBBBBBBBBBBBBB"


@pytest.fixture(autouse=True)
def no_other_gateway(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("GATEWAY_URL", raising=False)
    monkeypatch.chdir(tmp_path)


def write(path: Path, *captures: Capture) -> None:
    async def once() -> None:
        recorder = open_recorder(path, seal=None)
        await recorder.start()
        await recorded(recorder, *captures)
        await recorder.stop()

    asyncio.run(once())


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "recordings" / "gateway.db"
    write(
        path,
        a_capture(
            1, FIRST, method=b"POST", target=b"/api/users/login", cluster="users", request_body=[b'{"name": "a"}']
        ),
        a_capture(2, FIRST, status=404, reason=b"Not Found"),
        a_capture(1, SECOND, session="bob"),
    )
    return path


def run(capsys: pytest.CaptureFixture[str], *words: str | Path, code: int = 0) -> str:
    assert main(list(map(str, words))) == code
    return capsys.readouterr().out


def test_recordings_lists_newest_first(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = run(capsys, "recordings", "-r", file).splitlines()
    assert lines[0].split() == ["recording", "started", "(UTC)", "steps", "session", "title", "tags"]
    assert [line.split()[0] for line in lines[1:]] == [SECOND, FIRST]
    assert "POST /api/users/login … 2 steps" in lines[2]


def test_a_negated_term_is_no_option(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    every = json.loads(run(capsys, "recordings", "--json", "-r", file))["items"]
    without = json.loads(run(capsys, "recordings", "-status:404", "--json", "-r", file))["items"]
    assert 0 < len(without) < len(every)
    assert main(["recordings", "-stauts:404", "-r", str(file)]) == 2
    assert "did you mean 'status'?" in capsys.readouterr().err


def test_recordings_by_filter_as_json(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = json.loads(run(capsys, "recordings", "status:404", "cluster:orders", "--json", "-r", file))
    assert [item["id"] for item in found["items"]] == [FIRST]
    assert found["next"] is None
    assert found["items"][0]["clusters"] == ["users@qa", "orders@qa"]


def test_a_limit_says_that_there_is_more(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["recordings", "-n", "1", "-r", str(file)]) == 0
    assert "--limit 10" in capsys.readouterr().err


def test_an_unknown_filter_gets_a_suggestion(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["recordings", "stauts:404", "-r", str(file)]) == 2
    assert "did you mean 'status'?" in capsys.readouterr().err


def test_a_missing_file_is_not_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["recordings", "-r", str(tmp_path / "none.db")]) == 5
    assert "there is no recordings file" in capsys.readouterr().err


def test_an_empty_store_lists_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path / "new.db")
    assert main(["recordings", "-r", str(tmp_path / "new.db")]) == 0
    assert capsys.readouterr() == ("", "nothing is recorded yet\n")


def test_show_a_recording(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = run(capsys, "show", FIRST, "-r", file)
    assert "clusters  users@qa, orders@qa" in text
    rows = [line.split() for line in text.splitlines()[-2:]]
    assert [row[:4] for row in rows] == [["1", "POST", "200", "12.0"], ["2", "GET", "404", "12.0"]]


@pytest.mark.parametrize("ref", [FIRST, FIRST[:10], FIRST.lower()[:8], "@last~1"])
def test_a_recording_has_many_names(file: Path, capsys: pytest.CaptureFixture[str], ref: str) -> None:
    shown = json.loads(run(capsys, "show", ref, "--json", "-r", file))
    assert shown["id"] == FIRST
    assert [exchange["step"] for exchange in shown["exchanges"]] == [1, 2]


def test_an_ambiguous_prefix_names_the_candidates(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(file, a_capture(1, FIRST[:-1] + "B"))
    assert main(["show", FIRST[:10], "-r", str(file)]) == 2
    assert FIRST in capsys.readouterr().err


def test_show_a_step(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = run(capsys, "show", f"{FIRST}/1", "-r", file)
    assert text.startswith("POST http://127.0.0.1:8080/api/users/login\n")
    assert '"name": "a"' in text
    assert "response  HTTP/1.1 200 OK" in text
    assert "took      12.0 ms (first byte 10.0, upstream 11.0)" in text


def test_show_a_step_as_json(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shown = json.loads(run(capsys, "show", "@last~1/2", "--json", "-r", file))
    assert (shown["step"], shown["status"], shown["query"]) == (2, 404, [["x", "2"]])


def test_a_step_that_is_not_there(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", f"{FIRST}/9", "-r", str(file)]) == 5
    assert "no step 9" in capsys.readouterr().err


def test_what_was_recorded_cannot_command_the_terminal(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    evil = b"\x1b]0;owned\x07\x1b[2J"
    write(
        file,
        a_capture(
            3, SECOND, target=b"/" + evil, response_headers=[(b"X-Evil", evil), (b"Content-Type", b"text/plain")],
            response_body=[evil + "\u202e\r\nline".encode()], reason=evil, session="bob" + evil.decode(),
        ),
    )  # fmt: skip
    for words in (("recordings",), ("show", SECOND), ("show", f"{SECOND}/3")):
        text = run(capsys, *words, "-r", file)
        assert not [mark for mark in text if (ord(mark) < 32 and mark != "\n") or mark in "\x7f\u202e"]
    assert "\\x1b[2J" in text


def test_annotate_without_a_gateway(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("--title", "Sign in/2", "--note", "for Monday", "--tag", "demo", "--tag", "x", "--pin")
    assert run(capsys, "annotate", FIRST[:10], *words, "-r", file) == f"{FIRST}: title, note, tags, pinned\n"
    run(capsys, "annotate", "Sign in/2", "--unpin", "-r", file)
    run(capsys, "annotate", "Sign in/2/2", "--note", "the 404", "-r", file)
    shown = json.loads(run(capsys, "show", "Sign in/2", "--json", "-r", file))
    assert (shown["title"], shown["notes"], shown["tags"], shown["pinned"]) == (
        "Sign in/2", ["for Monday"], ["demo", "x"], False
    )  # fmt: skip
    assert shown["exchanges"][1]["notes"] == ["the 404"]


def test_annotate_needs_something(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["annotate", FIRST, "-r", str(file)]) == 2
    assert "nothing to add" in capsys.readouterr().err


def test_delete_without_a_gateway(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "delete", FIRST, "--yes", "-r", file) == f"{FIRST}: deleted\n"
    store = open_store(file)
    assert [recording.id for recording in store.recordings().items] == [SECOND]
    store.close()


def test_delete_asks_and_needs_yes_where_nobody_is(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["delete", FIRST, "-r", str(file)]) == 2
    assert "--yes" in capsys.readouterr().err
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("SELECT count(*) FROM recordings").fetchone() == (2,)


def test_a_file_that_a_gateway_holds_is_left_to_it(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    holder = open_recorder(file, seal=None)
    assert main(["annotate", FIRST, "--note", "x", "-r", str(file)]) == 1
    assert "another gateway writes to this file" in capsys.readouterr().err
    asyncio.run(holder.stop())


class Gateway(ThreadingHTTPServer):
    """Notes the API calls that a running gateway would get."""

    daemon_threads = True
    calls: list[tuple[str, str, Any]]


class Handler(BaseHTTPRequestHandler):
    server: Gateway

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.calls.append((self.command, self.path, json.loads(body) if body else None))
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    do_GET = do_PATCH = do_DELETE = _answer

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    with Gateway(("127.0.0.1", 0), Handler) as server:
        server.calls = []
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_changes_go_through_a_running_gateway(file: Path, capsys: pytest.CaptureFixture[str], gateway: Gateway) -> None:
    url = f"http://127.0.0.1:{gateway.server_port}"
    run(capsys, "annotate", f"{FIRST[:10]}/2", "--note", "x", "-r", file, "--url", url)
    run(capsys, "delete", "@last", "-y", "-r", file, "--url", url)
    assert [call for call in gateway.calls if call[0] != "GET"] == [
        ("PATCH", f"/_gateway/api/v1/recordings/{FIRST}", {"note": "x", "step": 2}),
        ("DELETE", f"/_gateway/api/v1/recordings/{SECOND}", None),
    ]
    store = open_store(file)
    assert store.recording(SECOND).steps == 1
    store.close()

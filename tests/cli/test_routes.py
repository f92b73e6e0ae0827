"""check, routes, move, which, history, schema."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from gateway.cli.main import main
from gateway.model.recording import Revision
from gateway.store import open_recorder

ROUTES = """\
version: 1
environments: [test, qa]
clusters:
  orders:
    path: /api/orders
    environment: qa   # now
    upstreams: {test: http://127.0.0.1:9203, qa: http://127.0.0.1:9303}
  users: {path: /api/users, environment: qa, upstreams: {qa: http://127.0.0.1:9301}}
recording: {skip: ["GET *.js"]}
"""


@pytest.fixture(autouse=True)
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GATEWAY_URL", raising=False)
    path = tmp_path / "routes.yaml"
    path.write_text(ROUTES)
    return path


class Said:
    """Runs a command, keeps what it said."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self.capsys = capsys

    def __call__(self, *words: str) -> int:
        code = main(list(words))
        self.out, self.err = self.capsys.readouterr()
        return code

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def gateway(capsys: pytest.CaptureFixture[str]) -> Said:
    return Said(capsys)


# -- check


def test_check_counts_what_is_good(gateway: Said) -> None:
    assert gateway("check") == 0
    assert (gateway.out, gateway.err) == ("routes.yaml: ok, 2 clusters, 2 environments\n", "")


def test_check_prints_every_problem_of_every_file(gateway: Said, tmp_path: Path) -> None:
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf/bad.yaml").write_text(ROUTES.replace("environment: qa   ", "environment: qaa  ") + "x: 1\n")
    assert gateway("check", "conf/bad.yaml", "routes.yaml", "none.yaml") == 3
    assert gateway.out.splitlines() == [
        "conf/bad.yaml:6:18: error: clusters.orders.environment: 'qaa' is not one of test, qa; did you mean 'qa'?",
        (
            "conf/bad.yaml:10:1: error: x: unknown key 'x'; known here: version, environments, clusters, writes, redact, "
            "cors, recording, include"
        ),
        "routes.yaml: ok, 2 clusters, 2 environments",
        "none.yaml:1:1: error: cannot be read: No such file or directory",
    ]


def test_check_names_included_files_as_they_can_be_opened(gateway: Said, tmp_path: Path) -> None:
    (tmp_path / "conf/teams").mkdir(parents=True)
    (tmp_path / "conf/routes.yaml").write_text(ROUTES + "include: [teams/*.yaml]\n")
    (tmp_path / "conf/teams/a.yaml").write_text("clusters: {pay: {}}\n")
    assert gateway("check", "conf/routes.yaml") == 3
    assert gateway.out.startswith("conf/teams/a.yaml:1:17: error: clusters.pay: 'path' is missing")


def test_check_as_json(gateway: Said, file: Path) -> None:
    assert gateway("check", "--json") == 0
    assert gateway.json == {
        "ok": True,
        "files": [
            {
                "file": "routes.yaml", "ok": True, "clusters": ["orders", "users"], "environments": ["test", "qa"],
                "problems": [],
            }
        ],
    }  # fmt: skip
    file.write_text("[")
    assert gateway("check", "--json") == 3
    (problem,) = gateway.json["files"][0]["problems"]
    assert (problem["file"], problem["line"], problem["severity"]) == ("routes.yaml", 2, "error")


def test_check_reads_dotenv_beside_the_file(gateway: Said, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text(ROUTES.replace("environment: qa   ", "environment: ${W} "))
    assert gateway("check") == 3
    (file.parent / ".env").write_text("W=test\n")
    assert gateway("check") == 0
    monkeypatch.setenv("W", "nowhere")
    assert gateway("check") == 3


# -- routes


def test_routes_shows_where_everything_lives(gateway: Said) -> None:
    assert gateway("routes") == 0
    assert gateway.out == (
        "orders  /api/orders  @qa\n"
        "     test  http://127.0.0.1:9203\n"
        "  -> qa    http://127.0.0.1:9303\n"
        "users   /api/users  @qa\n"
        "  -> qa    http://127.0.0.1:9301\n"
    )


def test_routes_as_json_has_the_shape_of_the_api(gateway: Said) -> None:
    assert gateway("routes", "--json") == 0
    found = gateway.json
    assert (found["source"], found["file"], found["environments"]) == ("file", "routes.yaml", ["test", "qa"])
    assert len(found["revision"]) == 64
    assert found["items"][1] == {
        "name": "users",
        "path": "/api/users",
        "environment": "qa",
        "pinned": None,
        "upstreams": [
            {"environment": "qa", "url": "http://127.0.0.1:9301", "current": True, "pinned": False, "health": None}
        ],
    }


def test_an_invalid_file_is_an_error_of_its_own(gateway: Said, file: Path) -> None:
    file.write_text("[")
    assert gateway("routes") == 3
    assert "routes.yaml:2:1: error: " in gateway.err
    file.unlink()
    assert gateway("which", "GET", "/") == 3
    assert "gateway init" in gateway.err


# -- move


def test_move_changes_one_word_and_says_how_to_undo_it(gateway: Said, file: Path) -> None:
    assert gateway("move", "orders", "test") == 0
    assert gateway.out == "orders: qa -> test (routes.yaml line 6)\n"
    assert gateway.err == "undo: gateway move orders qa\n"
    assert file.read_text() == ROUTES.replace("environment: qa   #", "environment: test   #")
    assert gateway("move", "orders", "qa") == 0
    assert file.read_text() == ROUTES


def test_a_dry_run_changes_nothing(gateway: Said, file: Path) -> None:
    assert gateway("move", "--dry-run", "orders", "test") == 0
    assert gateway.out == (
        "would move orders: qa -> test (routes.yaml line 6)\n"
        "  -    environment: qa   # now\n"
        "  +    environment: test   # now\n"
    )
    assert file.read_text() == ROUTES


def test_a_move_to_where_it_is(gateway: Said, file: Path) -> None:
    before = file.stat().st_mtime_ns
    assert gateway("move", "orders", "qa") == 0
    assert gateway.out == "orders is in qa already\n"
    assert file.stat().st_mtime_ns == before


def test_move_as_json(gateway: Said) -> None:
    assert gateway("move", "--json", "orders", "test") == 0
    found = gateway.json
    assert len(found.pop("revision")) == 64
    assert found == {
        "cluster": "orders", "environment": "test", "before": "qa", "changes": ["orders: qa -> test"],
        "file": "routes.yaml", "line": 6, "dry_run": False,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["order", "qa"], "there is no cluster 'order'; did you mean 'orders'?"),
        (["users", "test"], "users has no upstream in 'test'"),
    ],
)
def test_a_move_to_nowhere_is_not_found(gateway: Said, words: list[str], expected: str) -> None:
    assert gateway("move", *words) == 5
    assert expected in gateway.err


class Recorded(BaseHTTPRequestHandler):
    """Answers as a running gateway does, and keeps what it was asked."""

    asked: list[tuple[str, str, Any]] = []

    def do_GET(self) -> None:
        self.answer({} if self.path.endswith("healthz") else {"items": [], "environments": [], "problems": ["bad"]})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.asked.append(("POST", self.path, body))
        moved = {"cluster": "orders", "before": "qa", "environment": "test", "file": "routes.yaml", "line": 6}
        self.answer({**moved, "changes": ["orders: qa -> test"], "revision": "r"})

    def answer(self, body: Any) -> None:
        raw = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *args: Any) -> None: ...


@pytest.fixture
def server() -> Iterator[str]:
    Recorded.asked = []
    with ThreadingHTTPServer(("127.0.0.1", 0), Recorded) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


def test_a_running_gateway_moves_by_itself(gateway: Said, server: str, file: Path) -> None:
    assert gateway("move", "--url", server, "orders", "test") == 0
    assert Recorded.asked == [
        ("POST", "/_gateway/api/v1/routes/orders/move", {"environment": "test", "source": "command line"})
    ]
    assert gateway.out == "orders: qa -> test (routes.yaml line 6)\n"
    assert file.read_text() == ROUTES


def test_a_running_gateway_shows_its_own_routes(gateway: Said, server: str) -> None:
    assert gateway("routes", "--url", server, "--json") == 0
    assert gateway.json["source"] == "server"
    assert gateway("routes", "--url", server) == 0
    assert gateway.err == "bad\n"


# -- which


def test_which_says_where_and_why(gateway: Said) -> None:
    assert gateway("which", "get", "/api/orders/1?x=2") == 0
    assert gateway.out == (
        "GET /api/orders/1?x=2\n"
        "  goes to   http://127.0.0.1:9303/1?x=2\n"
        "  cluster   orders @qa, http://127.0.0.1:9303\n"
        "  because   /api/orders is the longest path that fits; orders is in qa, where it lives now\n"
        "  recorded  yes\n"
        "  replay    writes: ask\n"
    )


def test_which_says_why_not_and_answers_no(gateway: Said) -> None:
    assert gateway("which", "GET", "/api/order/1") == 1
    assert gateway.out == (
        "GET /api/order/1\n"
        "  because   no cluster's path fits; did you mean /api/orders?\n"
        "  not orders: /api/orders is spelled differently from /api/order\n"
    )


def test_which_takes_a_whole_url_and_gives_json(gateway: Said) -> None:
    assert gateway("which", "--json", "GET", "http://127.0.0.1:8080/api/users/a.js?x=1") == 0
    found = gateway.json
    assert (found["cluster"], found["url"], found["recorded"]) == ("users", "http://127.0.0.1:9301/a.js?x=1", False)


def test_which_needs_a_method_and_a_path(gateway: Said) -> None:
    assert gateway("which", "/api/orders", "GET") == 2
    assert "is no method" in gateway.err
    assert gateway("which", "GET", "api/orders") == 2


# -- history, schema


async def a_history(path: Path) -> None:
    recorder = open_recorder(path, seal=None)
    await recorder.start()
    for number, change in enumerate(["", "orders: test -> qa"]):
        at = f"2026-11-22T06:0{number}:00.123456Z"
        revision = Revision(str(number) * 64, at, "console", (change,) if change else (), "text")
        await asyncio.wrap_future(recorder.add_revision(revision))
    await recorder.stop()


def test_history_lists_who_moved_what_and_when(gateway: Said, tmp_path: Path) -> None:
    asyncio.run(a_history(tmp_path / "gateway.db"))
    assert gateway("history", "-r", "gateway.db") == 0
    assert gateway.out == (
        "2026-11-22 06:01:00Z  11111111  console       orders: test -> qa\n"
        "2026-11-22 06:00:00Z  00000000  console       no change of meaning\n"
    )
    assert gateway("history", "-r", "gateway.db", "--json", "--limit", "1") == 0
    assert gateway.json["items"] == [
        {
            "id": "1" * 64, "accepted_at": "2026-11-22T06:01:00.123456Z", "source": "console",
            "changes": ["orders: test -> qa"],
        }
    ]  # fmt: skip


def test_every_key_of_the_schema_is_described(gateway: Said) -> None:
    assert gateway("schema") == 0
    schema = gateway.json
    assert schema["properties"].keys() >= {"version", "environments", "clusters", "include"}
    parts = [schema, *schema["$defs"].values(), *schema["$defs"]["UpstreamConfig"]["anyOf"]]
    for part in parts:
        for name, key in part.get("properties", {}).items():
            assert key.get("description"), name


def test_the_sample_file_of_the_checkout_is_good(gateway: Said) -> None:
    sample = Path(__file__).parents[2] / "routes.yaml"
    assert gateway("check", str(sample)) == 0
    assert gateway.out.endswith("ok, 4 clusters, 3 environments\n")

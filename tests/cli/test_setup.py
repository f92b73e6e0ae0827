"""init, completion and healthcheck.

Covers: cli/completion.
"""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

from gateway.cli import completion
from gateway.cli.main import COMMANDS, main
from gateway.settings import SETTINGS


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """In an empty folder, with no gateway named by the environment."""
    monkeypatch.delenv("GATEWAY_URL", raising=False)
    monkeypatch.chdir(tmp_path)


class Stub(ThreadingHTTPServer):
    """A gateway's stand-in: `answer` is what it says."""

    answer: tuple[int, bytes]
    url: str


@pytest.fixture
def server() -> Iterator[Stub]:
    """Answers readyz with `server.answer`; GET of anything else is a 200."""

    class Handler(BaseHTTPRequestHandler):
        server: Stub

        def do_GET(self) -> None:
            status, body = self.server.answer if self.path == "/_gateway/readyz" else (200, b"{}")
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None: ...

    with Stub(("127.0.0.1", 0), Handler) as running:
        running.answer = (200, b"{}")
        running.url = f"http://127.0.0.1:{running.server_port}"
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def test_init_writes_a_folder_to_start_from(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "My Shop"]) == 0
    folder = tmp_path / "My Shop"
    routes = yaml.safe_load((folder / "routes.yaml").read_text())
    demo = yaml.safe_load((folder / "templates/demos/my-shop/demo.yaml").read_text())
    assert list(routes["clusters"]) == ["items"]
    assert demo["title"] == "My shop"
    assert [step["title"] for step in demo["steps"]] == ["List the items", "Look at one"]
    assert "recordings/*" in (folder / ".gitignore").read_text()
    assert (folder / "recordings").stat().st_mode & 0o777 == 0o700
    assert "cd 'My Shop' && gateway check" in capsys.readouterr().out


def test_init_overwrites_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "routes.yaml").write_text("mine")
    assert main(["init"]) == 0
    assert (tmp_path / "routes.yaml").read_text() == "mine"
    assert "kept    routes.yaml\n" in capsys.readouterr().out


def test_init_where_a_file_is_in_the_way(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "templates").write_text("")
    assert main(["init"]) == 2
    assert "templates/demos" in capsys.readouterr().err


def test_init_files_are_valid(tmp_path: Path) -> None:
    """The commented lines promise that `gateway check` and `gateway demos check` pass."""
    main(["init", "myshop"])
    assert main(["check", "myshop/routes.yaml"]) == 0
    assert main(["demos", "check", "-c", "myshop/routes.yaml", "-t", "myshop/templates"]) == 0


@pytest.mark.parametrize("shell", completion.SHELLS)
def test_completion_knows_every_command_and_option(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert all(name in script for name in COMMANDS)
    words = {setting.flag[2:] if shell in ("fish", "tcsh") else setting.flag for setting in SETTINGS}
    assert {word for word in words if word not in script} == set()


def test_completion_for_another_shell(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", "fihs"]) == 2
    assert "'fihs' is not one of bash, zsh, fish, powershell, tcsh; did you mean 'fish'?" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["mo"], {"move"}),
        (["completion", "z"], {"zsh"}),
        (["serve", "--durability", ""], {"strict", "relaxed", "fsync"}),
        (["export", "@last", "--as", "har"], {"har"}),
        (["serve", "--no-h"], {"--no-health"}),
        (["serve", ""], set()),
    ],
)
def test_bash_completes(words: list[str], offered: set[str]) -> None:
    line = shlex.join(["gateway", *words])
    typed = " ".join(shlex.quote(word) for word in ["gateway", *words])
    script = (
        f"{completion.completion_script('bash')}\nCOMP_LINE={shlex.quote(line)}; COMP_POINT=${{#COMP_LINE}}; "
        f'COMP_WORDS=({typed}); COMP_CWORD={len(words)}; _shtab_gateway; echo "${{COMPREPLY[@]}}"'
    )
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert set(done.stdout.split()) == offered


@pytest.mark.parametrize("shell", ["zsh", "fish", "tcsh"])
def test_a_shell_that_is_there_reads_its_script(shell: str, tmp_path: Path) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    file = tmp_path / "gateway.completion"
    file.write_text(completion.completion_script(shell))
    done = subprocess.run([shell, "-n", str(file)], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_ready(server: Stub, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["healthcheck", "--url", server.url]) == 0
    assert capsys.readouterr().out == f"{server.url}: ready\n"


def test_not_ready_prints_why(server: Stub, capsys: pytest.CaptureFixture[str]) -> None:
    server.answer = (503, b"routes.yaml:10:13: error: x\nrecorder: disk full\n")
    assert main(["healthcheck", "--url", server.url]) == 1
    assert capsys.readouterr().out == f"{server.url}: not ready\n  routes.yaml:10:13: error: x\n  recorder: disk full\n"


def test_not_ready_as_json(server: Stub, capsys: pytest.CaptureFixture[str]) -> None:
    server.answer = (503, b"plain words")
    assert main(["healthcheck", "--url", server.url, "--json"]) == 1
    assert json.loads(capsys.readouterr().out) == {"ready": False, "url": server.url, "reasons": ["plain words"]}


def test_healthcheck_finds_the_server_by_its_run_file(server: Stub, tmp_path: Path) -> None:
    (tmp_path / "gateway.run.json").write_text(json.dumps({"url": server.url, "pid": 1}))
    assert main(["healthcheck", "-r", str(tmp_path / "gateway.db")]) == 0


def test_nobody_there_is_not_ready(
    unused_tcp_port: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GATEWAY_SERVE_PORT", str(unused_tcp_port))
    assert main(["healthcheck"]) == 1
    said = capsys.readouterr().out
    assert f"http://127.0.0.1:{unused_tcp_port}: not ready" in said
    assert "does not answer" in said

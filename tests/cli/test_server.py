"""`gateway demo` and `gateway serve` as processes: what they print, what they leave alone, how they stop."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pytest

from gateway.cli.main import main

START = 60.0  # seconds for a slow machine


def begin(*words: str, cwd: Path) -> subprocess.Popen[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GATEWAY_")}
    return subprocess.Popen(
        [sys.executable, "-m", "gateway", *words], cwd=cwd, env=environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


@contextmanager
def demo(*words: str, cwd: Path, stop: int = signal.SIGINT):
    """A running demo: its URL and routes.yaml as the banner names them. Must end with 0 and say nothing odd."""
    process = begin("demo", "--no-open", "--port", "0", *words, cwd=cwd)
    try:
        lines: list[str] = []
        while "Ctrl-C" not in "".join(lines):
            lines.append(process.stdout.readline())
            assert lines[-1], process.stderr.read()
        banner = "".join(lines)
        other = re.search(r"export GATEWAY_RECORDINGS=.*", banner)[0]
        yield re.search(r"http://\S+", banner)[0], cwd / re.search(r"routes\.yaml +(\S+)", banner)[1], other
        process.send_signal(stop)
        _, talk = process.communicate(timeout=START)
        gone = "" if "-r" in words or "--recordings" in words else " (the recordings of this demo go with it)"
        assert (process.returncode, talk) == (0, f"\nstopping ...{gone}\n")
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()


def status(url: str) -> int:
    with urllib.request.urlopen(url, timeout=START) as answer:
        return answer.status


def test_a_second_demo_on_the_same_recordings_is_refused_and_does_not_disturb_the_first(tmp_path: Path) -> None:
    with demo("-r", "kept/gateway.db", cwd=tmp_path, stop=signal.SIGTERM) as (url, routes, _):
        before = routes.read_bytes()
        second = begin("demo", "--no-open", "--port", "0", "-r", "kept/gateway.db", cwd=tmp_path)
        shown, talk = second.communicate(timeout=START)
        assert second.returncode == 1
        assert shown == ""
        assert "another gateway writes to this file" in talk
        assert routes.read_bytes() == before
        assert status(url + "/api/catalogue/books") == 200


def test_the_demo_leaves_a_routes_yaml_of_ones_own_alone(tmp_path: Path) -> None:
    mine = tmp_path / "routes.yaml"
    mine.write_text("version: 1\n")
    with demo("-r", "gateway.db", cwd=tmp_path) as (url, routes, _):
        assert status(url + "/api/catalogue/books") == 200
        assert routes != mine
        assert routes.parent.stat().st_mode & 0o777 == 0o700
    assert mine.read_text() == "version: 1\n"
    assert not routes.parent.exists()
    assert (tmp_path / "gateway.db").stat().st_size > 0


@pytest.mark.parametrize("words", [(), ("-r", "my shop/gateway.db")], ids=["a new folder", "kept"])
def test_the_banner_tells_another_terminal_how_to_read_and_move(words: tuple[str, ...], tmp_path: Path) -> None:
    with demo(*words, cwd=tmp_path) as (url, _, line):
        assert status(url + "/api/catalogue/books") == 200
        (tmp_path / "elsewhere").mkdir()
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        done = subprocess.run(
            ["sh", "-c", f"{line} && gateway move catalogue test"], cwd=tmp_path / "elsewhere",
            env={"PATH": path}, capture_output=True, text=True,
        )  # fmt: skip
        assert (done.returncode, "GET /api/catalogue/books" in done.stdout) == (0, True), done.stderr
        assert "catalogue: qa -> test" in done.stdout


@pytest.mark.parametrize("command", ["serve", "demo"])
def test_a_port_that_does_not_exist_is_a_mistake_of_usage(command: str, tmp_path: Path) -> None:
    main(["init", str(tmp_path)])
    process = begin(command, "-p", "65536", cwd=tmp_path)
    shown, talk = process.communicate(timeout=START)
    assert (process.returncode, shown) == (2, "")
    assert "65536 is no port" in talk


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--workers=0"], "no number of workers"),
        (["--workers=-1"], "no number of workers"),
        (["--workers=many"], "no number of workers"),
        (["--workers=2", "--tls=auto", "--plain=redirect"], "the plain port"),
        (["--workers=2", "--recordings=postgresql://nobody@127.0.0.1:9/none"], "a database"),
    ],
    ids=["none", "negative", "a word", "no plain port", "a database"],
)
def test_workers_are_refused_in_words_where_there_can_be_none(
    words: list[str], why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["serve", "--port=0", *words]) == 2
    said = capsys.readouterr().err
    assert "--workers" in said
    assert why in said
    assert list(tmp_path.iterdir()) == []

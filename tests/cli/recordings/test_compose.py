"""gateway merge, split, trim, stats: in the file, and through a gateway that runs."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from captures import a_capture, recorded
from serving import serving

from gateway.cli.main import main
from gateway.store import open_recorder, open_store

A, B = "01JCOMP000000000000000000A", "01JCOMP000000000000000000B"
ROUTES = """\
version: 1
environments: [qa]
clusters:
  orders: {path: /api/orders, environment: qa, upstreams: {qa: "http://127.0.0.1:9101"}}
"""


@pytest.fixture(autouse=True)
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("GATEWAY_URL", raising=False)
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "recordings" / "gateway.db"

    async def fill() -> None:
        recorder = open_recorder(path, seal=None)
        await recorder.start()
        await recorded(recorder, *(a_capture(step, id) for id in (A, B) for step in (1, 2, 3)))
        await recorder.stop()

    asyncio.run(fill())
    return path


def run(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> tuple[str, str]:
    assert main(list(words)) == code
    return capsys.readouterr()


def made(out: str) -> list[tuple[str, int]]:
    return [(item["title"], item["steps"]) for item in json.loads(out)["items"]]


def test_the_three_commands_say_what_they_made(capsys) -> None:
    assert made(run(capsys, "merge", A, B, "--title", "Both", "--json")[0]) == [("Both", 6)]
    assert [steps for _, steps in made(run(capsys, "split", A, "3", "--json")[0])] == [2, 1]
    assert made(run(capsys, "trim", B, "--without", "1", "--until", "2", "--title", "T", "--json")[0]) == [("T", 1)]
    assert "Both" in run(capsys, "recordings", "kind:import")[0]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("trim", A), "--from"), (("trim", A, "--from", "9"), "step 9"), (("split", A, "x"), "'x'"),
        (("merge", A), "two different"), (("split", A, "1"), "second"), (("trim", f"{A}/2", "--from", "2"), "not a step"),
    ],
)  # fmt: skip
def test_what_cannot_be_made_is_said(capsys, words: tuple[str, ...], message: str) -> None:
    assert message in run(capsys, *words, code=2)[1]


def test_stats_count(capsys) -> None:
    assert json.loads(run(capsys, "stats", "--json")[0])["exchanges"] == 6
    out, _ = run(capsys, "stats")
    assert "exchanges          6\n" in out and "UTC" in out


async def test_through_a_gateway_that_runs(tmp_path: Path, file: Path, capsys) -> None:
    async with serving(tmp_path, ROUTES):
        for words in (("merge", A, B), ("split", A, "2"), ("trim", A, "--from", "2")):
            assert await asyncio.to_thread(main, list(words)) == 0
    assert sorted(one.steps for one in open_store(file).recordings("kind:import").items) == [1, 2, 2, 6]

"""gateway backup and prune: on real files, with and without a running gateway."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest
from captures import a_capture, recorded

from gateway.cli.main import main
from gateway.store import open_recorder, open_store

OLD, PINNED, NEW = (f"01J{letter * 23}" for letter in "ABC")
DAY = 86400.0
ROUTES = """\
version: 1
environments: [qa]
clusters:
  orders: {path: /api/orders, environment: qa, upstreams: {qa: "http://127.0.0.1:9101"}}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("GATEWAY_URL", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def file(folder: Path) -> Path:
    """Two recordings of forty days ago, one of them pinned, and one of today; 100 KiB each."""
    path = folder / "recordings" / "gateway.db"

    async def fill() -> None:
        recorder = open_recorder(path, seal=None)
        await recorder.start()
        for number, id in enumerate((OLD, PINNED, NEW)):
            begun = time.time() - (40 * DAY if id != NEW else 2 * 3600)
            body = [bytes([number]) + os.urandom(100_000)]
            await recorded(recorder, a_capture(1, id, started_at=begun, response_body=body))
        await asyncio.wrap_future(recorder.annotate(PINNED, pinned=True))
        await recorder.stop()

    asyncio.run(fill())
    return path


def run(capsys: pytest.CaptureFixture[str], *words: str | Path, code: int = 0) -> tuple[str, str]:
    assert main(list(map(str, words))) == code
    return capsys.readouterr()


def ids(path: Path) -> list[str]:
    store = open_store(path)
    found = [recording.id for recording in store.recordings().items]
    store.close()
    return found


def test_a_backup_is_one_sound_file_that_can_be_used(
    file: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, _ = run(capsys, "backup", "copies/mine.db")
    assert out.startswith("copies/mine.db: 3 exchanges, ")
    assert sorted(path.name for path in (folder / "copies").iterdir()) == ["mine.db"]
    assert (folder / "copies" / "mine.db").stat().st_mode & 0o777 == 0o600
    assert ids(folder / "copies" / "mine.db") == ids(file) == [NEW, PINNED, OLD]


async def test_a_backup_while_a_gateway_writes_holds_what_was_safe_by_then(file: Path, folder: Path) -> None:
    recorder = open_recorder(file, seal=None)
    await recorder.start()
    await recorded(recorder, *(a_capture(step, NEW) for step in range(2, 50)))
    writing = asyncio.create_task(recorded(recorder, *(a_capture(step, NEW) for step in range(50, 500))))
    assert await asyncio.to_thread(main, ["backup", "live.db"]) == 0
    await writing
    await recorder.stop()
    with closing(sqlite3.connect("live.db")) as copy:
        assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        steps = [step for (step,) in copy.execute("SELECT step FROM exchanges WHERE recording = ? ORDER BY 1", (NEW,))]
    assert steps[:49] == list(range(1, 50))
    assert steps == list(range(1, len(steps) + 1))


def test_a_backup_overwrites_nothing(file: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "mine.db").write_text("mine")
    _, err = run(capsys, "backup", "mine.db", code=2)
    assert "nothing is overwritten" in err
    assert (folder / "mine.db").read_text() == "mine"


def test_without_a_name_a_backup_is_called_by_its_time(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = run(capsys, "backup", "--json")
    copy = Path(json.loads(out)["file"])
    assert copy.name.startswith("gateway.db.backup-20")
    assert json.loads(out)["bytes"] == copy.stat().st_size


def test_prune_deletes_what_is_too_old_but_nothing_pinned(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, err = run(capsys, "prune", "--days", "30", "--dry-run")
    assert OLD in out
    assert "too old" in out
    assert PINNED not in out
    assert "1 recording would be deleted" in err
    assert ids(file) == [NEW, PINNED, OLD]
    out, _ = run(capsys, "prune", "--days", "30", "--json")
    assert [(one["recording"], one["why"], one["deleted"]) for one in json.loads(out)["items"]] == [(OLD, "age", True)]
    assert ids(file) == [NEW, PINNED]
    assert json.loads(run(capsys, "prune", "--days", "30", "--json")[0])["items"] == []


def test_prune_makes_room_by_the_oldest(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = file.stat().st_size
    out, _ = run(capsys, "prune", "--bytes", str(before - 50_000), "--json")
    assert [(one["recording"], one["why"]) for one in json.loads(out)["items"]] == [(OLD, "room")]
    assert file.stat().st_size < before - 50_000  # the file itself is smaller
    run(capsys, "prune", "--bytes", "1kB")
    assert ids(file) == [PINNED]


def test_prune_asks_routes_yaml(file: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "there is no such file" in run(capsys, "prune", code=5)[1]
    (folder / "routes.yaml").write_text(ROUTES)
    assert "neither days nor bytes" in run(capsys, "prune", code=2)[1]
    (folder / "routes.yaml").write_text(ROUTES + "recording: {keep: {days: 39, bytes: 1GiB}}\n")
    run(capsys, "prune")
    assert ids(file) == [NEW, PINNED]
    (folder / "routes.yaml").write_text(ROUTES + "recording: {keep: {dais: 39}}\n")
    assert "did you mean 'days'" in run(capsys, "prune", code=3)[1]
    assert "is not a size" in run(capsys, "prune", "--bytes", "much", code=2)[1]

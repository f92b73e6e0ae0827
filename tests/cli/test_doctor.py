"""gateway doctor: sound things are said to be sound, broken ones come with what to do.

Covers: cli/recordings/text, errors.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections import namedtuple
from contextlib import closing
from pathlib import Path

import pytest
from captures import a_capture, recorded

from gateway.cli import doctor
from gateway.cli.main import main
from gateway.errors import StoreError
from gateway.keys import load_keys
from gateway.store import open_recorder
from gateway.store.sqlite.repair import recover

ROUTES = """\
version: 1
environments: [test, qa]
clusters:
  orders:
    path: /api/orders
    environment: ENV
    upstreams: {test: "http://127.0.0.1:9101", qa: "http://127.0.0.1:9201"}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("GATEWAY_URL", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "routes.yaml").write_text(ROUTES.replace("ENV", "qa"))
    return tmp_path


@pytest.fixture
def file(folder: Path) -> Path:
    path = folder / "recordings" / "gateway.db"

    async def once() -> None:
        recorder = open_recorder(path, seal=None)
        await recorder.start()
        await recorded(recorder, a_capture(1), a_capture(2))
        await recorder.stop()

    asyncio.run(once())
    return path


def findings(capsys: pytest.CaptureFixture[str], code: int) -> dict[str, tuple[str, str]]:
    assert main(["doctor", "--json"]) == code
    answer = json.loads(capsys.readouterr().out)
    assert answer["healthy"] is (code == 0)
    return {found["name"]: (found["level"], found["detail"]) for found in answer["findings"]}


def test_all_is_well(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = findings(capsys, 0)
    assert {level for level, _ in found.values()} <= {"ok", "warn"}
    assert found["recordings"][1].startswith("recordings/gateway.db: 1 recording, 2 exchanges")
    assert found["integrity"] == ("ok", "integrity check finds no damage")
    assert found["writer"] == ("ok", "nobody writes to it now")
    assert found["routes"] == ("ok", "routes.yaml: 1 cluster")
    assert {"schema", "disk", "python", "sqlite", "aiohttp", "httptools"} <= set(found)


def test_lines_for_people(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.chmod(0o644)
    assert main(["doctor"]) == 0
    lines = capsys.readouterr().out.splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("warn  modes"))
    assert lines[at + 1].strip() == "try: chmod 600 recordings/gateway.db"


def test_nothing_recorded_yet_is_no_failure(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert findings(capsys, 0)["recordings"][0] == "ok"
    assert not (folder / "recordings").exists()


def test_a_damaged_file_fails(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_bytes(b"nonsense" * 1000)
    level, detail = findings(capsys, 1)["recordings"]
    assert level == "fail"
    assert "no SQLite file" in detail


def test_a_lost_body_fails(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("DELETE FROM bodies")
        connection.commit()
    assert findings(capsys, 1)["bodies"] == ("fail", "2 exchanges have lost a body")


def test_a_writer_is_named(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    holder = open_recorder(file, seal=None)
    found = findings(capsys, 0)
    assert "writes to it; 0 exchanges under way" in found["writer"][1]
    assert found["gateway"] == ("ok", "none wrote down where it answers")
    asyncio.run(holder.stop())


def test_a_crash_is_told(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("UPDATE exchanges SET state = 'open' WHERE step = 2")
        connection.commit()
    level, detail = findings(capsys, 0)["writer"]
    assert level == "warn"
    assert "1 exchanges are open" in detail


def test_routes_that_are_off_fail_with_their_place(
    file: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "routes.yaml").write_text(ROUTES.replace("ENV", "qaa"))
    level, detail = findings(capsys, 1)["routes"]
    assert level == "fail"
    assert "routes.yaml:6:18: error: clusters.orders.environment" in detail


def test_no_routes_is_a_warning(file: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "routes.yaml").unlink()
    assert findings(capsys, 0)["routes"][0] == "warn"


def test_a_full_disk_fails(file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda folder: usage(1 << 30, 1 << 30, 1 << 20))
    assert findings(capsys, 1)["disk"][0] == "fail"


@pytest.mark.parametrize(
    ("version", "bug"),
    [
        ((3, 40, 1), True), ((3, 51, 2), True), ((3, 51, 3), False), ((3, 44, 6), False), ((3, 44, 5), True),
        ((3, 50, 7), False), ((3, 50, 6), True), ((3, 6, 23), False), ((3, 53, 0), False),
    ],
)  # fmt: skip
def test_which_sqlite_has_the_wal_reset_bug(version: tuple[int, ...], bug: bool) -> None:
    assert doctor.has_wal_reset_bug(version) is bug


def test_statistics_in_a_line(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    level, detail = findings(capsys, 0)["contents"]
    assert level == "ok"
    assert detail.startswith("the oldest recording is of 2025-11-22, 0 pinned, 0 bytes free for what comes, ")
    assert detail.endswith("2 exchanges wait for the search index")


def test_a_damaged_file_is_repaired_and_kept(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--repair"]) == 0
    assert "nothing to repair" in capsys.readouterr().out
    with file.open("r+b") as damaged:
        damaged.write(b"\0" * 100)
    before = file.read_bytes()
    assert findings(capsys, 1)["recordings"][0] == "fail"
    assert main(["doctor", "--repair"]) == 0
    out = capsys.readouterr().out
    assert "1 recording with 2 exchanges saved" in out
    (aside,) = file.parent.glob("gateway.db.corrupt-*Z")
    assert aside.read_bytes() == before
    found = findings(capsys, 0)
    assert "1 recording, 2 exchanges" in found["recordings"][1]
    assert found["aside"] == ("warn", f"{aside.name} was damaged and set aside")


@pytest.mark.parametrize(("schema", "said"), [(0, "older schema"), (99, "has schema 99")])
def test_a_file_of_another_release_is_not_repaired(
    file: Path, capsys: pytest.CaptureFixture[str], schema: int, said: str
) -> None:
    with closing(sqlite3.connect(file)) as connection:
        connection.execute(f"PRAGMA user_version = {schema}")
    before = file.read_bytes()
    assert main(["doctor", "--repair"]) == 1
    assert said in capsys.readouterr().err
    assert file.read_bytes() == before
    if schema:
        with pytest.raises(StoreError, match=said):
            recover(file)
        assert file.read_bytes() == before


def test_a_key_that_does_not_open_the_secrets_is_told(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    keys = load_keys(file.parent, {})
    sealed = keys.sealing.encrypt(b"hunter2", b"sealed_x_8", "R1")
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("INSERT INTO secrets VALUES ('R1', 'sealed_x_8', ?)", (sealed,))
        connection.commit()
    level, told = findings(capsys, 0)["keys"]
    assert level == "ok"
    assert told.endswith("they open the secrets of the oldest and newest recordings")
    (file.parent / "gateway.key").unlink()
    level, told = findings(capsys, 1)["keys"]
    assert level == "fail"
    assert told.endswith("the key was lost or replaced")
    assert not (file.parent / "gateway.key").exists()
    load_keys(file.parent, {})  # as a start does: the new key does not open them either
    assert findings(capsys, 1)["keys"] == ("fail", told)

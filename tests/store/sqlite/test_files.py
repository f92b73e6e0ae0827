"""Which files are taken, which refused, and that a refused one stays byte for byte as it was.

Covers: store/sqlite/rows, store/sqlite/schema.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from captures import a_capture, recorded
from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from gateway.errors import NotFoundError, StoreError
from gateway.store import open_recorder, open_store
from gateway.store.sqlite import files
from gateway.store.sqlite.files import PAGE, WriterLock, code_of, connect_writer, lock_holder, unwritable
from gateway.store.sqlite.rows import USUAL
from gateway.store.sqlite.schema import APPLICATION, VERSION, migrations


def a_recording(path: Path) -> None:
    async def once() -> None:
        recorder = open_recorder(path, seal=None)
        await recorder.start()
        await recorded(recorder, a_capture())
        await recorder.stop()

    asyncio.run(once())


def refused(path: Path, match: str) -> None:
    """Reading and writing are refused, and nothing about the file changes."""
    before = path.read_bytes()
    with pytest.raises(StoreError, match=match):
        open_recorder(path, seal=None)
    with pytest.raises(StoreError, match=match):
        open_store(path).recordings()
    assert path.read_bytes() == before
    assert lock_holder(path) is None


def test_a_new_file_is_wal_strict_and_marked_as_ours(path: Path) -> None:
    a_recording(path)
    with closing(sqlite3.connect(path)) as connection:
        ask = connection.execute
        assert ask("PRAGMA application_id").fetchone() == (APPLICATION,)
        assert ask("PRAGMA user_version").fetchone() == (VERSION,)
        assert ask("PRAGMA journal_mode").fetchone() == ("wal",)
        assert ask("PRAGMA page_size").fetchone() == (PAGE,)
        loose = ask(
            "SELECT name FROM pragma_table_list WHERE NOT strict AND name NOT GLOB '*sqlite_*' AND name NOT GLOB 'texts*'"
        ).fetchall()
        assert loose == []


def test_after_a_stop_one_file_holds_everything(path: Path) -> None:
    a_recording(path)
    assert sorted(file.name for file in path.parent.iterdir()) == ["gateway.db", "gateway.db.lock", "gateway.db.missed"]


def test_text_is_refused(path: Path) -> None:
    path.parent.mkdir()
    path.write_text("these are my notes, not a database\n" * 50)
    refused(path, "no SQLite file")


def test_a_zeroed_header_is_refused(path: Path) -> None:
    a_recording(path)
    with path.open("r+b") as file:
        file.write(b"\0" * 100)
    refused(path, "damaged|no SQLite file")


def test_a_damaged_page_is_refused_or_reported(path: Path) -> None:
    a_recording(path)
    with path.open("r+b") as file:
        file.seek(100)
        file.write(os.urandom(4000))
    refused(path, "damaged")


def test_a_foreign_database_is_refused(path: Path) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE customers (name TEXT)")
        connection.commit()
    refused(path, "holds no recordings")


def test_a_newer_schema_is_refused(path: Path) -> None:
    a_recording(path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {VERSION + 1}")
    refused(path, f"has schema {VERSION + 1}, this gateway knows schemas up to {VERSION}")


def test_a_folder_in_the_place_of_the_file(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no file"):
        open_recorder(tmp_path, seal=None)


def test_a_file_in_the_place_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "recordings").touch()
    with pytest.raises(StoreError, match="the folder cannot be made"):
        open_recorder(tmp_path / "recordings" / "gateway.db", seal=None)


def test_a_missing_file_is_said_at_the_first_read(path: Path) -> None:
    store = open_store(path)
    with pytest.raises(NotFoundError, match="there is no recordings file"):
        store.recordings()
    assert not path.exists()


def test_an_empty_file_becomes_a_store(path: Path) -> None:
    path.parent.mkdir()
    path.touch()
    a_recording(path)
    store = open_store(path)
    assert store.recording("@last").steps == 1
    store.close()


def next_schema() -> Migrations:
    steps = migrations()

    @steps()
    def next_mood(db: Database) -> None:
        db.execute("ALTER TABLE recordings ADD COLUMN mood TEXT")

    return steps


def test_an_older_schema_is_migrated_and_kept_aside(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    a_recording(path)
    monkeypatch.setattr(files, "TELL_AFTER", 0.0)
    monkeypatch.setattr(files, "BACKUP_PAGES", 8)
    with caplog.at_level("INFO", logger="gateway.store"):
        connect_writer(path, steps=next_schema(), newest=VERSION + 1).close()
    told = [record.getMessage() for record in caplog.records]
    assert f"older schema {VERSION}" in told[0]
    assert len([line for line in told if "% kept" in line]) > 1
    assert f"upgraded to schema {VERSION + 1}" in told[-1]
    with closing(sqlite3.connect(path)) as new:
        assert new.execute("PRAGMA user_version").fetchone() == (VERSION + 1,)
        assert new.execute("SELECT mood FROM recordings").fetchone() == (None,)
    backup = path.with_name(f"gateway.db.schema{VERSION}")
    with closing(sqlite3.connect(backup)) as old:
        assert old.execute("PRAGMA user_version").fetchone() == (VERSION,)
        assert old.execute("SELECT count(*) FROM exchanges").fetchone() == (1,)
    assert backup.stat().st_mode & 0o777 == 0o600


def test_a_file_of_the_first_release_is_searched_like_any_other(path: Path) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path, isolation_level=None)) as first:
        migrations().apply(Database(first), stop_before="m002_search")
        first.execute(f"PRAGMA application_id = {APPLICATION}")
        first.execute("PRAGMA user_version = 1")
        first.execute("INSERT INTO recordings (id, session, started_at, updated_at, steps) VALUES ('R', 's', 1, 1, 1)")
        facts = dict.fromkeys([name for name in USUAL if name not in ("prefix", "trace")], "") | {
            "id": "X",
            "recording": "R",
            "step": 1,
            "target": "/zebra",
            "state": "done",
        }
        facts |= {"started_at": 1.0, "request_size": 0, "response_size": 0, "request_head": b"", "response_head": b""}
        facts |= dict.fromkeys(("status", "request_body", "response_body", "total_ms", "first_byte_ms", "upstream_ms"))
        marks = ", ".join("?" * len(facts))
        first.execute(f"INSERT INTO exchanges ({', '.join(facts)}) VALUES ({marks})", tuple(facts.values()))
    connect_writer(path).close()
    assert path.with_name("gateway.db.schema1").exists()
    store = open_store(path)
    assert [one.id for one in store.recordings("zebra").items] == ["R"]
    store.close()


def test_a_migration_that_fails_changes_nothing(path: Path) -> None:
    a_recording(path)
    steps = migrations()

    @steps()
    def next_broken(db: Database) -> None:
        db.execute("ALTER TABLE recordings ADD COLUMN mood TEXT")
        db.execute("ALTER TABLE nonsense ADD COLUMN x TEXT")

    with pytest.raises(StoreError):
        connect_writer(path, steps=steps, newest=VERSION + 1).close()
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (VERSION,)
        names = [row[1] for row in connection.execute("PRAGMA table_info(recordings)")]
    assert "mood" not in names


def test_a_reader_leaves_an_older_schema_to_the_gateway(path: Path) -> None:
    a_recording(path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 0")
    with pytest.raises(StoreError, match="older schema"):
        open_store(path).recordings()


def test_the_lock_names_its_holder_and_ends_with_it(path: Path) -> None:
    lock = WriterLock(path)
    lock.acquire()
    assert lock_holder(path) == os.getpid()
    lock.release()
    assert lock_holder(path) is None
    WriterLock(path).acquire()


def test_names_that_mean_something_in_a_url(tmp_path: Path) -> None:
    path = tmp_path / "a?mode=memory#b %41" / "gateway 100%.db"
    a_recording(path)
    assert path.stat().st_size > 0
    store = open_store(path)
    assert store.recording("@last").steps == 1
    store.close()


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("SQLITE_NOTADB", "not_a_database"), ("SQLITE_CORRUPT_INDEX", "damaged"), ("SQLITE_BUSY_SNAPSHOT", "locked"),
        ("SQLITE_FULL", "full"), ("SQLITE_READONLY_DBMOVED", "read_only"), ("SQLITE_CANTOPEN_ISDIR", "cannot_open"),
        ("SQLITE_IOERR_FSYNC", "io"), ("SQLITE_CONSTRAINT_UNIQUE", ""), ("", ""),
    ],
)  # fmt: skip
def test_what_sqlite_reports_is_told_by_its_code_and_not_by_its_words(name: str, code: str) -> None:
    error = sqlite3.DatabaseError("database disk image is malformed, locked and full")
    if name:
        error.sqlite_errorname = name
    assert code_of(error) == code
    assert unwritable(Path("r.db"), error).code == (code or "unreadable")

"""Addresses and troubles of a database: each a sentence with what to try, and no password in it.

Covers: paths.
"""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import pytest
from postgres import a_schema, server_url

from gateway.errors import StoreError, UsageError
from gateway.paths import DatabasePath, url_of
from gateway.store import open_recorder, open_store
from gateway.store.postgres import connection
from gateway.store.postgres.connection import connect, failed, passwords_of, shown, without_password

SECRET = "hunter%202"


@pytest.mark.parametrize(
    ("url", "found"),
    [
        (
            f"postgresql://ada:{SECRET}@db.example:6432/record?sslmode=require",
            "postgresql://ada@db.example:6432/record",
        ),
        ("postgres://db/record", "postgresql://db/record"),
        (f"postgresql://ada:{SECRET}@[::1]:5432/x", "postgresql://ada@[::1]:5432/x"),
        (f"postgresql:///x?host=/run/postgresql&password={SECRET}", "postgresql:///x"),
        ("postgresql://ada:x@[broken/x", "postgresql://..."),
    ],
)
def test_an_address_is_shown_without_its_password(url: str, found: str) -> None:
    assert shown(url) == found


def test_a_message_shows_no_password_however_it_is_spelled() -> None:
    url = f"postgresql://ada:{SECRET}@db/x"
    said = f"bad: {url}, that is hunter 2"
    assert "hunter" not in without_password(said, url)


def test_passwords_are_found_wherever_an_address_has_them() -> None:
    url = f"postgresql://ada:{SECRET}@db/x?sslmode=require&password=o%2Fther&sslpassword=third"
    assert set(passwords_of(url)) == {SECRET, "hunter 2", "o%2Fther", "o/ther", "third"}
    assert passwords_of("postgresql://ada@db/x?passfile=y") == []


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def test_a_database_that_cannot_be_reached_is_told_with_what_to_try() -> None:
    pytest.importorskip("psycopg")
    with pytest.raises(StoreError, match="Connection refused") as told:
        connect(f"postgresql://ada:{SECRET}@127.0.0.1:{free_port()}/x", patience=2)
    assert told.value.code == "away"
    assert "pg_isready" in told.value.hint
    assert "hunter" not in str(told.value)


def test_a_database_that_is_not_there_is_told() -> None:
    with pytest.raises(StoreError, match="does not exist") as told:
        connect(server_url().replace("/postgres", "/no_such_database", 1))
    assert (told.value.code, told.value.hint) == ("denied", "make it: createdb NAME")


def test_what_is_no_address_is_refused() -> None:
    pytest.importorskip("psycopg")
    with pytest.raises(UsageError, match="no address of a database"):
        connect("postgresql://ada@db/x?no_such_word=1")


def test_a_server_that_is_too_old_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    url = server_url()
    monkeypatch.setattr(connection, "OLDEST", 990_000)
    with pytest.raises(StoreError, match="the oldest that works is 99") as told:
        connect(url)
    assert told.value.code == "too_old"


def test_without_psycopg_the_address_is_refused_with_the_line_that_installs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(UsageError, match="needs psycopg") as told:
        open_recorder(DatabasePath.of("postgresql://db/x", tmp_path), seal=None)
    assert told.value.hint == "pip install 'whatif-gateway[postgres]'"


def test_a_database_that_takes_no_writes_is_away() -> None:
    with a_schema() as url:
        reading = connect(url, read_only=True)
        with pytest.raises(Exception, match="read-only") as told:
            reading.execute("CREATE TABLE x (y INTEGER)")
        reading.close()
        assert failed(url, told.value).code == "read_only"


def test_values_and_rows_are_those_of_sqlite() -> None:
    with a_schema() as url:
        database = connect(url)
        row = database.execute(
            "SELECT ?::int AS truth, ?::text AS words, ?::bytea AS data", (True, "a\0b", b"\0x")
        ).fetchone()
        assert row is not None
        assert (row["truth"], row["words"], row["data"], row[0]) == (1, "a\ufffdb", b"\0x", 1)
        assert row.keys() == ["truth", "words", "data"]
        truth, words, data = row
        assert (truth, words, data) == tuple(row)
        database.close()


def test_a_database_without_recordings_is_told_at_the_first_read(tmp_path: Path) -> None:
    with a_schema() as url, pytest.raises(StoreError, match="holds no recordings"):
        open_store(DatabasePath.of(url, tmp_path)).recordings()


def test_the_path_of_a_database_is_in_the_folder_of_the_gateway_and_names_no_password(tmp_path: Path) -> None:
    url = f"postgresql://ada:{SECRET}@db.example:6432/record/s?sslmode=require"
    path = DatabasePath.of(url, tmp_path)
    assert path == tmp_path / "db.example-6432-record_s.postgresql"
    assert (url_of(path), url_of(path.resolve()), url_of(path.parent)) == (url, url, "")
    assert path.exists()
    assert not path.parent.joinpath("x").exists()
    assert url_of(tmp_path / "gateway.db") == ""

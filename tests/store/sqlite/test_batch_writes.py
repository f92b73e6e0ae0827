"""What is in the file already is left out of what is written, and written again once it was deleted.

Covers: store/batch, store/sqlite/write_connection.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from captures import a_capture

from gateway.model.capture import Capture
from gateway.redact import SealedCapture
from gateway.store.batch import KNOWN, SPARE, Batch, Stored
from gateway.store.sqlite.files import connect_writer
from gateway.store.sqlite.journal import Journal, Pending
from gateway.store.sqlite.write_connection import SqliteTables

SECRET = ("sealed_aaaaaaaaaaaaaaaaaaaa_16", b"sealed bytes")


@pytest.fixture
def tables(tmp_path: Path) -> Iterator[SqliteTables]:
    with closing(connect_writer(tmp_path / "gateway.db")) as connection:
        yield SqliteTables(connection)


def with_secret(capture: Capture) -> SealedCapture:
    return SealedCapture(capture, (SECRET,))


def a_batch(tables: SqliteTables, *steps: int) -> Batch:
    batch = Batch(with_secret, None, tables.stored)
    for step in steps:
        batch.add(a_capture(step))
    return batch


def secrets(tables: SqliteTables) -> list[tuple[str, bytes]]:
    return tables.connection.execute("SELECT placeholder, sealed FROM secrets").fetchall()


def test_a_secret_that_comes_again_is_written_once(tables: SqliteTables, tmp_path: Path) -> None:
    pending = Pending(Journal(tmp_path / "gateway.db", 0))
    first, second = a_batch(tables, 1), None
    pending.keep(first, tables, sync=False)
    second = a_batch(tables, 2)
    assert first.secret_rows() and not second.secret_rows()
    pending.keep(second, tables, sync=False)
    assert pending.move(tables) == []
    assert secrets(tables) == [SECRET]
    assert not a_batch(tables, 3).secret_rows()


def test_a_batch_for_another_file_has_all_its_secrets(tables: SqliteTables) -> None:
    tables.write(a_batch(tables, 1))
    batch = a_batch(tables, 2)
    assert not batch.secret_rows()
    batch.suit(Stored())
    assert batch.secret_rows() == [(a_capture(2).recording, *SECRET)]


def test_after_its_recording_was_deleted_a_secret_is_written_again(tables: SqliteTables) -> None:
    recording = a_capture(1).recording
    under_way = a_capture(1)
    under_way.state = "open"
    opened = Batch(with_secret, None, tables.stored)
    opened.add(under_way)
    tables.write(opened)
    tables.delete(recording)
    assert secrets(tables) == []
    late = a_batch(tables, 2)  # as the journal has it: it counts as stored
    tables.stored.remember(late)
    tables.write(late)
    assert secrets(tables) == []
    tables.title_recording(recording, "s", "an import", now=1.0)
    tables.write(a_batch(tables, 3))
    assert secrets(tables) == [SECRET]


def test_of_many_secrets_and_bodies_the_latest_are_remembered() -> None:
    stored = Stored()
    for group in range(3):
        batch = Batch(with_secret, None, stored)
        for number in range(group * KNOWN, (group + 1) * KNOWN):
            batch.secrets["R", f"sealed_{number}_16"] = b""
            batch.keys[b"%d" % number] = b""
        stored.remember(batch)
        assert KNOWN <= len(stored.secrets) <= KNOWN + SPARE and KNOWN <= len(stored.bodies) <= KNOWN + SPARE
    assert ("R", f"sealed_{3 * KNOWN - 1}_16") in stored.secrets and b"%d" % (2 * KNOWN + SPARE) in stored.bodies
    assert ("R", "sealed_0_16") not in stored.secrets and b"0" not in stored.bodies

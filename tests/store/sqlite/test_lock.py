"""One recordings file, one writer, by the file itself: symbolic links, hard links, and a file that is replaced.

Covers: store/sqlite/backup, store/sqlite/retention.
"""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest

from gateway.errors import StoreError
from gateway.store import open_recorder
from gateway.store.sqlite.files import WriterLock, lock_holder


@pytest.fixture
def held(tmp_path: Path):
    path = tmp_path / "one" / "gateway.db"
    recorder = open_recorder(path, seal=None)
    yield path
    recorder._thread.end()


def elsewhere(tmp_path: Path, make, path: Path) -> Path:
    other = tmp_path / "two" / "other.db"
    other.parent.mkdir()
    make(path, other)
    return other


@pytest.mark.parametrize("make", [os.symlink, os.link], ids=["symbolic", "hard"])
def test_a_second_writer_is_refused_by_any_name(tmp_path, held, make):
    other = elsewhere(tmp_path, make, held)
    with pytest.raises(StoreError, match="another gateway writes to this file"):
        open_recorder(other, seal=None)
    assert lock_holder(other) is not None
    assert sqlite3.connect(held).execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_link_to_the_folder_is_the_same_folder(tmp_path, held):
    (tmp_path / "linked").symlink_to(held.parent, target_is_directory=True)
    with pytest.raises(StoreError, match=str(os.getpid())):
        open_recorder(tmp_path / "linked" / "gateway.db", seal=None)


def test_a_link_is_written_where_its_file_lies(tmp_path):
    path = tmp_path / "one" / "gateway.db"
    open_recorder(path, seal=None)._thread.end()
    other = elsewhere(tmp_path, os.symlink, path)
    recorder = open_recorder(other, seal=None)
    assert recorder._thread.path == path.resolve()
    assert not list(other.parent.glob("*-wal")), "SQLite keeps its log beside the file"
    recorder._thread.end()


def test_when_the_writer_ends_others_may_write(tmp_path):
    path = tmp_path / "gateway.db"
    open_recorder(path, seal=None)._thread.end()
    other = elsewhere(tmp_path, os.link, path)
    open_recorder(other, seal=None)._thread.end()
    assert lock_holder(path) is None


def test_a_file_that_takes_the_place_of_the_old_one_is_locked_too(tmp_path):
    path = tmp_path / "gateway.db"
    open_recorder(path, seal=None)._thread.end()
    lock = WriterLock(path)
    lock.acquire()
    path.rename(tmp_path / "moved.db")
    WriterLock(tmp_path / "moved.db")
    path.touch()
    lock.hold()
    other = elsewhere(tmp_path, os.link, path)
    with pytest.raises(StoreError, match="by another of its names"):
        WriterLock(other).acquire()
    WriterLock(tmp_path / "moved.db").acquire()  # nobody has that one any more
    lock.release()


def test_who_is_refused_leaves_the_holder_s_name(tmp_path, held):
    with pytest.raises(StoreError):
        WriterLock(held).acquire()
    assert lock_holder(held) == os.getpid()


def test_a_folder_that_takes_the_place_of_the_old_one_is_locked_too(tmp_path):
    """A disk that is mounted anew has a lock file of its own, which nobody holds yet."""
    folder = tmp_path / "recordings"
    path = folder / "gateway.db"
    open_recorder(path, seal=None)._thread.end()
    lock = WriterLock(path)
    lock.acquire()
    folder.rename(tmp_path / "before")
    folder.mkdir()
    lock.hold()
    assert lock_holder(path) == os.getpid()
    with pytest.raises(StoreError, match=str(os.getpid())):
        WriterLock(path).acquire()
    lock.release()
    assert lock_holder(path) is None

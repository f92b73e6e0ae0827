"""The count of what clients got and nothing holds, over a crash."""

import os
from pathlib import Path

import pytest

from gateway.store.missed import Ledger, ledger_of, read_ledger


def test_a_new_one_is_private_and_counts_nothing(tmp_path: Path):
    ledger = Ledger(tmp_path / "gateway.db")
    assert (ledger.left, read_ledger(tmp_path / "gateway.db")) == (0, 0)
    assert ledger_of(tmp_path / "gateway.db").stat().st_mode & 0o777 == 0o600
    ledger.close()


def test_what_was_noted_last_is_left_for_the_next_run(tmp_path: Path):
    path = tmp_path / "gateway.db"
    ledger = Ledger(path)
    ledger.note(missed=3, waiting=500)
    ledger.note(missed=4, waiting=20)
    assert read_ledger(path) == 24  # no close: the process was killed
    assert Ledger(path).left == 24


@pytest.mark.parametrize("content", [b"", b"missed", b"missed x waiting y\n", b"\0" * 40])
def test_a_damaged_one_counts_nothing(tmp_path: Path, content: bytes):
    path = tmp_path / "gateway.db"
    ledger_of(path).write_bytes(content)
    assert Ledger(path).left == 0


def test_without_a_place_to_keep_it_counting_goes_on(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    ledger = Ledger(tmp_path / "nowhere" / "gateway.db")
    ledger.note(missed=1, waiting=1)
    ledger.close()
    assert "cannot be opened" in caplog.text


def test_a_full_disk_does_not_stop_it(tmp_path: Path):
    """The line has the same length whatever it says: its room is taken."""
    path = tmp_path / "gateway.db"
    ledger = Ledger(path)
    before = os.stat(ledger_of(path)).st_size
    ledger.note(missed=999_999_999_999, waiting=999_999_999_999)
    assert os.stat(ledger_of(path)).st_size == before

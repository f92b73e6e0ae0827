from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.store import SqliteRecorder, SqliteStore, open_recorder, open_store


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "recordings" / "gateway.db"


@pytest.fixture
async def recorder(path: Path) -> AsyncIterator[SqliteRecorder]:
    recorder = open_recorder(path, seal=None)
    await recorder.start()
    yield recorder
    await recorder.stop()


@pytest.fixture
async def store(path: Path, recorder: SqliteRecorder) -> AsyncIterator[SqliteStore]:
    store = open_store(path)
    yield store
    store.close()

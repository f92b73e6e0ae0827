"""A store on each engine: a test that asks for `path` runs on both.

Tests below sqlite/ and those marked `sqlite_only` speak of a file, its journal or its log; modules there that say
`ENGINES = BOTH` do not.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from postgres import BOTH, a_schema

from gateway.paths import DatabasePath
from gateway.store import SqliteRecorder, StoreReader, open_recorder, open_store


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Two runs of each test that does not speak of a file."""
    if "engine" in metafunc.fixturenames:
        usual = BOTH[:1] if Path(str(metafunc.module.__file__)).parent.name == "sqlite" else BOTH
        engines = getattr(metafunc.module, "ENGINES", usual)
        only = metafunc.definition.get_closest_marker("sqlite_only")
        metafunc.parametrize("engine", BOTH[:1] if only else engines, indirect=True)


@pytest.fixture
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def path(engine: str, tmp_path: Path) -> Iterator[Path]:
    """Where recordings are, on this engine."""
    if engine == "sqlite":
        yield tmp_path / "recordings" / "gateway.db"
        return
    with a_schema() as url:
        yield DatabasePath.of(url, tmp_path / "recordings")


@pytest.fixture
async def recorder(path: Path) -> AsyncIterator[SqliteRecorder]:
    recorder = open_recorder(path, seal=None)
    await recorder.start()
    yield recorder
    await recorder.stop()


@pytest.fixture
async def store(path: Path, recorder: SqliteRecorder) -> AsyncIterator[StoreReader]:
    store = open_store(path)
    yield store
    store.close()

"""Findings on each engine: a file has them, a database that gateways share says in words that it has none.

Covers: store/sqlite/drift, store/postgres/reader, store/postgres/tables.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from captures import a_capture

from gateway.errors import NotFoundError, UsageError
from gateway.model.filter import parse_filter
from gateway.routes.table import ContractRules
from gateway.services.contract_supervisor import ContractSupervisor
from gateway.store import SqliteRecorder, StoreReader
from gateway.store.sqlite import drift

SAID = "contracts are checked on SQLite only in this release"
FILTERS = ("has:drift", "-has:drift", "drift:wrong-type")


async def recorded(recorder: SqliteRecorder) -> None:
    safe = asyncio.get_running_loop().create_future()
    recorder.put(a_capture(), lambda: safe.set_result(None))
    async with asyncio.timeout(30):
        await safe


@pytest.mark.sqlite_only
async def test_a_file_has_findings(recorder: SqliteRecorder, store: StoreReader) -> None:
    await recorded(recorder)
    assert store.reading(drift.places) == [] and store.reading(drift.findings) == []
    assert [len(store.latest(query=query).items) for query in FILTERS] == [0, 1, 0]


@pytest.mark.parametrize("query", FILTERS)
async def test_a_shared_database_refuses_what_asks_for_findings(
    recorder: SqliteRecorder, store: StoreReader, engine: str, query: str
) -> None:
    await recorded(recorder)
    assert parse_filter(query)
    if engine == "sqlite":
        assert store.recordings(query).next is None
        return
    recording = store.recordings().items[0].id
    for ask in (
        lambda: store.recordings(query), lambda: store.latest(query=query),
        lambda: store.exchanges(recording, query=query),
    ):  # fmt: skip
        with pytest.raises(UsageError, match=SAID):
            ask()
    with pytest.raises(NotFoundError, match=SAID):
        store.reading(drift.findings)
    with pytest.raises(NotFoundError, match=SAID):
        await asyncio.wrap_future(recorder.accept_finding("3f2a9c1b", None))


async def test_names_of_operations_and_failures_are_found_on_both(recorder: SqliteRecorder, store: StoreReader) -> None:
    await recorded(recorder)
    assert not store.latest(query="op:getOrder").items
    assert not store.latest(query="has:error").items
    assert store.latest().items[0].contract_name == ""


async def test_with_a_database_no_checker_starts_and_readiness_says_why(tmp_path: Path) -> None:
    rules = ContractRules(str(tmp_path / "shop.yaml"), "shop.yaml")
    cluster = SimpleNamespace(name="shop", contract=rules, upstreams={})
    routes: Any = SimpleNamespace(table=SimpleNamespace(clusters={"shop": cluster}))
    supervisor = ContractSupervisor(routes, cast("Any", None), cast("Any", None), None)
    await supervisor.start()
    assert supervisor.pid is None and not supervisor.is_running and not supervisor.states
    assert supervisor.problems == [f"shop: {SAID}"]
    await supervisor.stop()

"""Filters by what was asked for and by failures inside a 2xx, before and after the writer has worked them out."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from contextlib import closing

import pytest
from captures import a_capture, recorded

from gateway.model.exchange import FailedWhen
from gateway.store import open_recorder, open_store
from gateway.store.sqlite import full_text, operations
from gateway.store.sqlite.files import connect_writer

JSON = [(b"Content-Type", b"application/json")]
CALLS = {
    1: ({"query": "query ListOrders { orders { id } }"}, {"data": {"orders": []}}),
    2: ({"query": "mutation Pay { pay { id } }"}, {"data": None, "errors": [{"message": "card declined"}]}),
    3: ([{"query": "query ListOrders { o }"}, {"query": "query Me { me }"}], [{"data": {}}, {"data": {}}]),
    4: ({"jsonrpc": "2.0", "method": "eth_call", "id": 1}, {"jsonrpc": "2.0", "id": 1, "error": {"message": "no"}}),
    5: ({"order": 1}, {"ok": False, "message": "no funds"}),
}
RULES = (FailedWhen("/ok", False, "/message"),)


def call(step):
    asked, answered = (json.dumps(one).encode() for one in CALLS[step])
    return a_capture(
        step, method=b"POST", target=b"/api/orders/graphql", request_headers=JSON, request_body=[asked],
        response_body=[answered], prefix=b"/api/orders",
    )  # fmt: skip


def rules(cluster):
    return RULES if cluster == "orders" else ()


async def file_with_calls(path, *, is_indexed):
    recorder = open_recorder(path, seal=None, rules=rules)
    await recorder.start()
    missing = a_capture(6, status=404, target=b"/api/orders/9")
    await recorded(recorder, *map(call, CALLS), missing)
    for _ in range(200):
        await asyncio.sleep(0.02)
        with closing(sqlite3.connect(path)) as connection:
            if full_text.indexed(connection) == 6:
                break
    await recorder.stop()
    if not is_indexed:
        with closing(connect_writer(path)) as connection:
            full_text.index_anew(connection)


@pytest.mark.parametrize("is_indexed", [True, False], ids=["worked out", "not yet"])
@pytest.mark.parametrize(
    ("query", "steps"),
    [
        ("op:ListOrders", [1, 3]), ("op:listorders", [1, 3]), ("op:mutation*", [2]), ("op:Me", [3]), ("op:pa*", [2]),
        ("op:graphql", [1, 2, 3]), ("op:eth_call", [4]), ("op:eth", []), ('op:"mutation Pay"', [2]), ("op:*", [1, 2, 3, 4]),
        ("op:?ay", []), ("-op:graphql", [4, 5, 6]), ("has:error op:graphql", [2]), ("has:error status:404", [6]),
        ("-has:error", [1, 3]), ("op:ListOrders body:nothing", []), ("operation:Pay", [2]),
    ],
)  # fmt: skip
async def test_exchanges_are_found_by_operation_and_error(path, is_indexed, query, steps):
    await file_with_calls(path, is_indexed=is_indexed)
    store = open_store(path, rules=rules)
    found = store.exchanges("01JREC0000000000000000000A", query=query).items
    if not is_indexed and "-has:error" in query:
        steps = [1, 3, 5]  # rules of clusters are known to the writer alone
    assert [one.step for one in found] == steps
    assert [one.step for one in store.latest(query=query).items] == steps[::-1]
    assert len(store.recordings(query).items) == (0 if query.startswith("-") or not steps else 1)
    store.close()


async def test_a_rule_of_the_cluster_is_found_by_the_writer(path):
    await file_with_calls(path, is_indexed=True)
    store = open_store(path, rules=rules)
    assert [one.step for one in store.exchanges("01JREC0000000000000000000A", query="has:error").items] == [2, 4, 5, 6]
    assert store.step("01JREC0000000000000000000A", 5).failed_when == RULES
    store.close()


async def test_an_exchange_knows_the_public_path_of_its_cluster(path):
    await file_with_calls(path, is_indexed=True)
    store = open_store(path)
    assert store.step("01JREC0000000000000000000A", 1).prefix == "/api/orders"
    assert store.step("01JREC0000000000000000000A", 6).prefix is None  # an older record does not say
    store.close()


async def test_names_of_older_files_are_worked_out_later(path):
    await file_with_calls(path, is_indexed=True)
    with closing(connect_writer(path)) as connection:
        operations.begin_anew(connection)
        for table in operations.TABLES:
            connection.execute(f"DELETE FROM {table}")
        assert full_text.is_pending(connection)
        while full_text.is_pending(connection):
            full_text.index_some(connection, rules)
        assert connection.execute("SELECT count(*) FROM operations").fetchone()[0] == 5
        operations.forget(connection, "01JREC0000000000000000000A")
        assert connection.execute("SELECT count(*) FROM operation_words").fetchone()[0] == 0


TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.mark.parametrize("is_indexed", [True, False], ids=["indexed", "not yet"])
@pytest.mark.parametrize(
    ("query", "steps"),
    [
        (f"trace:{TRACE}", [2]),
        ("trace:4BF92F35", [2, 3]),
        ("-trace:4bf9", [1]),
        ("trace:00f067aa0ba902b7", []),
        ("trace:ffff", []),
    ],
)
async def test_a_trace_is_found_by_its_id(tmp_path, is_indexed, query, steps):
    path = tmp_path / "gateway.db"
    recorder = open_recorder(path, seal=None)
    await recorder.start()
    quoting = [(b"X-Trace", b"ffff0000000000000000000000000000")]
    await recorded(
        recorder, a_capture(1, trace="", request_headers=quoting), a_capture(2, trace=f"{TRACE}-00f067aa0ba902b7+"),
        a_capture(3, trace="4bf92f35000000000000000000000001-00f067aa0ba902b7"),
    )  # fmt: skip
    await recorder.stop()
    if not is_indexed:
        with closing(connect_writer(path)) as connection:
            full_text.index_anew(connection)
    store = open_store(path)
    found = store.exchanges("01JREC0000000000000000000A", query=query).items
    assert [one.step for one in found] == steps
    assert [one.step for one in found if one.trace and one.trace.made] == [step for step in steps if step == 2]
    assert bool(store.recordings(query).items) == (bool(steps) and not query.startswith("-"))

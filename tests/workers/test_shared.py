"""What goes from process to process arrives as it was: a route table, and rows for a batch.

Covers: workers/shared, routes/table, store/batch.
"""

from __future__ import annotations

import pickle
from pathlib import Path

from captures import a_capture

from gateway.routes.files import load
from gateway.store.batch import Batch, ReadyRows, Stored
from gateway.store.sqlite.rows import REQUEST_BODY, RESPONSE_BODY, body_key, hash_of
from gateway.workers.shared import pickled

ROUTES = """\
version: 1
environments: [test, qa]
clusters:
  shop:
    path: /api/shop
    environment: qa
    names: [shop.example.com]
    upstreams:
      test: http://127.0.0.1:9/test
      qa: {url: "https://127.0.0.1:9/qa", headers: {X-Key: abc}}
  pages: {path: /, environment: qa, upstreams: {qa: "http://127.0.0.1:8"}, rewrite_bodies: true}
redact: {json: [$.pin], headers: [X-Pin]}
cors: {origins: ["http://localhost:3000"]}
recording: {max_body: 64KiB, skip: ["GET /health"]}
"""


def test_a_route_table_is_the_same_in_another_process(tmp_path: Path) -> None:
    file = tmp_path / "routes.yaml"
    file.write_text(ROUTES)
    loaded = load(file, environ={})
    assert loaded.table is not None, loaded.parsed.problems
    table = pickle.loads(pickled(loaded.table))
    for name in ("revision", "environments", "cors", "redact", "recording"):
        assert getattr(table, name) == getattr(loaded.table, name)
    assert repr(table.clusters) == repr(loaded.table.clusters)
    assert list(table.by_name) == [b"shop.example.com"]
    assert table.match(b"/api/shop/1").name == "shop"
    assert table.match(b"/else").name == "pages"
    assert table.redact.of("shop") == loaded.table.redact.of("shop")


def a_batch(stored: Stored, *bodies: bytes) -> Batch:
    batch = Batch(lambda capture: capture, None, stored)
    for number, body in enumerate(bodies):
        batch.add(a_capture(id=f"X{number}", request_body=[], response_body=[body]))
    return batch


def the_rows(batch: Batch) -> ReadyRows:
    return ReadyRows(
        batch.exchanges, [*batch.bodies.values()], batch.secret_rows(), batch.chunks, ends=len(batch.exchanges),
        is_admitted=lambda: True, settled=lambda: None,
    )  # fmt: skip


def test_bodies_that_are_stored_are_not_written_again_and_their_rows_name_the_stored_ones() -> None:
    stored, known, new = Stored(), b"known" * 300, b"new"
    key = stored.bodies[hash_of(known)] = body_key(hash_of(known), 1.0)
    batch = a_batch(stored)
    batch.add_rows(the_rows(a_batch(Stored(), known, new, known)))
    assert list(batch.bodies.values()) == [(batch.exchanges[1][RESPONSE_BODY], 3, 0, new)]
    assert [row[RESPONSE_BODY] == key for row in batch.exchanges] == [True, False, True]
    assert {row[REQUEST_BODY] for row in batch.exchanges} == {None}
    batch.suit(Stored())  # another file lies there now: all of it is written
    assert {row[3] if not row[2] else known for row in batch.bodies.values()} == {known, new}

"""SQL that is written for both engines, as PostgreSQL reads it."""

from __future__ import annotations

import pytest

from gateway.store.postgres.dialect import translated


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        ("SELECT 1 WHERE a = ? AND b LIKE '%x'", "SELECT 1 WHERE a = %s AND b ILIKE '%%x'"),
        ("INSERT OR IGNORE INTO t (a) VALUES (?)", "INSERT INTO t (a) VALUES (%s) ON CONFLICT DO NOTHING"),
        ("INSERT OR IGNORE INTO t SELECT a FROM u;\n", "INSERT INTO t SELECT a FROM u ON CONFLICT DO NOTHING"),
        ("SELECT e.seq FROM exchanges e INDEXED BY exchanges_facts", "SELECT e.seq FROM exchanges e"),
        ("t.tag = ? COLLATE NOCASE", "lower(t.tag) = lower(%s)"),
        ("max(e.request_size, e.response_size)", "greatest(e.request_size, e.response_size)"),
        ("SELECT max(step) FROM t", "SELECT max(step) FROM t"),
        ("round(e.total_ms, 3) BETWEEN ? AND ?", "round((e.total_ms)::numeric, 3)::float8 BETWEEN %s AND %s"),
        (
            "e.seq IN (SELECT value FROM json_each(?))",
            "e.seq IN (SELECT value::bigint FROM json_array_elements_text(%s::json))",
        ),
    ],
)
def test_what_differs_is_turned(sql: str, found: str) -> None:
    assert translated(sql) == found

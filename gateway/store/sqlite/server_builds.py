"""Which version ran where, and since when, as the upstreams said it: one row for every change. I/O."""

from __future__ import annotations

from typing import Final

from ..sql import SqlConnection

LAST: Final = "SELECT build FROM builds WHERE cluster = ? AND environment = ? ORDER BY since DESC LIMIT 1"
ADD: Final = f"""
INSERT INTO builds (cluster, environment, build, since) SELECT ?, ?, ?, ? WHERE NOT coalesce(({LAST}) = ?, FALSE)
"""
FIND: Final = """
SELECT build FROM builds WHERE cluster = ? AND environment = ? AND since <= ? ORDER BY since DESC LIMIT 1
"""
# Before its first poll a gateway knows nothing: what that poll says held a minute earlier, too.
FIRST: Final = """
SELECT build FROM builds WHERE cluster = ? AND environment = ? AND since <= ? + 60 ORDER BY since, seq LIMIT 1
"""


def add_build(connection: SqlConnection, *, cluster: str, environment: str, build: str, since: float) -> None:
    """Unless it is the last one known already."""
    connection.execute(ADD, (cluster, environment, build, since, cluster, environment, build))


def build_at(connection: SqlConnection, cluster: str, environment: str, moment: float) -> str:
    """What ran there at this moment (epoch seconds); "" when nobody knows."""
    for sql in (FIND, FIRST):
        row = connection.execute(sql, (cluster, environment, moment)).fetchone()
        if row is not None:
            return str(row[0])
    return ""

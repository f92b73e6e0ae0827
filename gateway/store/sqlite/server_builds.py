"""Which version ran where, and since when, as the upstreams said it: one row for every change. I/O."""

from __future__ import annotations

from typing import Final

from ..sql import SqlConnection

ADD: Final = """
INSERT INTO builds (cluster, environment, build, since)
SELECT :cluster, :environment, :build, :since
WHERE :build IS NOT (
    SELECT build FROM builds WHERE cluster = :cluster AND environment = :environment ORDER BY since DESC LIMIT 1
)
"""
FIND: Final = """
SELECT build FROM builds WHERE cluster = :cluster AND environment = :environment AND since <= :moment
ORDER BY since DESC LIMIT 1
"""
# Before its first poll a gateway knows nothing: what that poll says held a minute earlier, too.
FIRST: Final = """
SELECT build FROM builds WHERE cluster = :cluster AND environment = :environment AND since <= :moment + 60
ORDER BY since, seq LIMIT 1
"""


def add_build(connection: SqlConnection, *, cluster: str, environment: str, build: str, since: float) -> None:
    """Unless it is the last one known already."""
    values = {"cluster": cluster, "environment": environment, "build": build, "since": since}
    connection.execute(ADD, values)


def build_at(connection: SqlConnection, cluster: str, environment: str, moment: float) -> str:
    """What ran there at this moment (epoch seconds); "" when nobody knows."""
    values = {"cluster": cluster, "environment": environment, "moment": moment}
    for sql in (FIND, FIRST):
        row = connection.execute(sql, values).fetchone()
        if row is not None:
            return str(row[0])
    return ""

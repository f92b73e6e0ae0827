"""Reads who comes from whom, and how the steps of many recordings ended, without reading a body. I/O."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from ...model.recording import Relative, in_tree
from .rows import default_title, timestamp

RELATED: Final = """
SELECT id, title, kind, parent, branched_at, started_at, steps FROM recordings WHERE parent IS NOT NULL OR id = ?
OR id IN (SELECT parent FROM recordings WHERE parent IS NOT NULL)
"""
FIRST: Final = "SELECT method, target FROM exchanges WHERE recording = ? ORDER BY step LIMIT 1"
AT_BRANCH: Final = "SELECT status FROM exchanges WHERE recording = ? AND step = ?"
STATUSES: Final = """
SELECT recording, step, status, id FROM exchanges WHERE recording IN ({}) AND step <= ? ORDER BY recording, step
"""


def family(connection: sqlite3.Connection, recording: str) -> list[Relative]:
    """The family of a recording (a full id) as a tree, depth first."""
    rows = connection.execute(RELATED, (recording,)).fetchall()
    found = [
        Relative(
            row["id"], row["title"], row["kind"], row["parent"], row["branched_at"],
            timestamp(row["started_at"]), row["steps"],
        )
        for row in rows
    ]  # fmt: skip
    return [_complete(connection, one) for one in in_tree(found, recording)]


def _complete(connection: sqlite3.Connection, one: Relative) -> Relative:
    """With a title, and with what came at the step where it branched."""
    if not one.title:
        first = connection.execute(FIRST, (one.id,)).fetchone()
        one = replace(one, title=default_title(first["method"], first["target"], one.steps) if first else one.id)
    if one.branched_at is None:
        return one
    row = connection.execute(AT_BRANCH, (one.id, one.branched_at)).fetchone()
    return replace(one, status=row["status"] if row else None)


def outcomes(
    connection: sqlite3.Connection, recordings: Sequence[str], *, most: int
) -> dict[str, list[tuple[int, int | None, str]]]:
    """By recording: (step, status, exchange id) of its first `most` steps."""
    found: dict[str, list[tuple[int, int | None, str]]] = {one: [] for one in recordings}
    for at in range(0, len(recordings), 500):
        some = recordings[at : at + 500]
        sql = STATUSES.format(",".join("?" * len(some)))
        for row in connection.execute(sql, (*some, most)):
            found[row["recording"]].append((row["step"], row["status"], row["id"]))
    return found

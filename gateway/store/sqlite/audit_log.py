"""The audit: one row for every move, deletion and unmasking, never changed and never deleted. I/O."""

from __future__ import annotations

from typing import Any, Final, cast

from ...model.audit import Action, AuditEntry, Role, Who
from ..sql import SqlConnection
from .rows import timestamp

ADD: Final = """
INSERT INTO audit (at, action, subject, detail, source, role, login, session, address)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
WORDS: Final = ("action", "subject", "detail", "source", "role", "login", "session", "address")


def add_entry(connection: SqlConnection, entry: AuditEntry, now: float) -> None:
    """At the time of the gateway's clock, whatever the entry says."""
    who = entry.who
    row = (
        now, entry.action, entry.subject, entry.detail, entry.source, who.role, who.login, who.session, who.address
    )  # fmt: skip
    connection.execute(ADD, row)


def entries(connection: SqlConnection, *, before: int, limit: int, words: str) -> list[tuple[int, AuditEntry]]:
    """(seq, entry), newest first; each of `words` stands somewhere in it."""
    conditions = ["seq < ?"]
    values: list[Any] = [before]
    for word in words.split():
        conditions.append("(" + " OR ".join(f"instr(lower({name}), ?) > 0" for name in WORDS) + ")")
        values += [word.lower()] * len(WORDS)
    sql = f"SELECT * FROM audit WHERE {' AND '.join(conditions)} ORDER BY seq DESC LIMIT ?"
    return [(row["seq"], _entry(row)) for row in connection.execute(sql, [*values, limit])]


def _entry(row: Any) -> AuditEntry:
    who = Who(cast("Role", row["role"]), row["session"], row["address"], row["login"])
    at = timestamp(row["at"])
    return AuditEntry(cast("Action", row["action"]), row["subject"], row["detail"], row["source"], who, at)

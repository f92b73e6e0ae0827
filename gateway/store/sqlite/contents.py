"""The bodies that rows of exchanges name by their hashes. I/O."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from ..sql import SqlConnection
from .rows import unpacked

SOME: Final = 500  # SQLite allows 999 parameters where it was built long ago


def bodies_of(connection: SqlConnection, rows: Sequence[Any]) -> dict[bytes, bytes]:
    """hash -> body, unpacked."""
    hashes = list({row[side] for row in rows for side in ("request_body", "response_body")} - {None})
    found: dict[bytes, bytes] = {}
    for at in range(0, len(hashes), SOME):
        some = hashes[at : at + SOME]
        sql = f"SELECT sha256, packed, data FROM bodies WHERE sha256 IN ({','.join('?' * len(some))})"
        found |= {digest: unpacked(packed, data) for digest, packed, data in connection.execute(sql, some)}
    return found

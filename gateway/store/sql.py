"""What the store asks of a connection, whichever engine is behind it. Pure."""

from __future__ import annotations

from typing import Any, Protocol


class SqlConnection(Protocol):
    """sqlite3's connection, and the one of gateway/store/postgres: statements with `?`, rows by place and by name where
    rows have names. A cursor is what `execute` gives: it iterates, and has fetchone, fetchall and rowcount."""

    def execute(self, sql: str, values: Any = ..., /) -> Any: ...
    def cursor(self) -> Any:
        """One whose `row_factory` may be set; rows of a database have names without it."""

    def executemany(self, sql: str, rows: Any, /) -> Any: ...

"""Connections to the database that gateways share: made with every trouble in a sentence, rows by name and place. I/O.

psycopg is an extra: without it a `postgresql://` address is refused with the line that installs it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar, Final
from urllib.parse import unquote, urlsplit

from ...errors import StoreError, UsageError
from .dialect import translated

if TYPE_CHECKING:
    from psycopg import Connection, Cursor

OLDEST: Final = 150_000  # server_version_num
# Executions after which a statement is prepared on the server. Never where groups are written in pipelines: after one
# that failed, psycopg 3.3 takes statements for prepared that the server has skipped or dropped.
PREPARED: Final = 3
PATIENCE: Final = 5  # seconds for a connection to be made
PARAMETER: Final = re.compile(r"(?:^|&)(?:ssl)?password=([^&]*)")
SCHEMES: Final = ("postgresql://", "postgres://")
INSTALL: Final = "pip install 'whatif-gateway[postgres]'"
# SQLSTATEs (PostgreSQL, appendix A): class or code -> our code. What is "away" may come back by itself.
AWAY: Final = ("08", "53", "57P", "25006", "55000", "58", "XX000")
DENIED: Final = ("28", "3D000", "42501")


class Row(tuple[Any, ...]):
    """A row as sqlite3.Row is one: values by place and by name."""

    __slots__ = ()
    names: ClassVar[dict[str, int]] = {}

    def __getitem__(self, key: Any) -> Any:
        return tuple.__getitem__(self, self.names[key] if type(key) is str else key)

    def keys(self) -> list[str]:
        return list(self.names)


@lru_cache(maxsize=512)
def _row_class(names: tuple[str, ...]) -> type[Row]:
    return type("Row", (Row,), {"__slots__": (), "names": {name: at for at, name in enumerate(names)}})


def row_factory(cursor: Cursor[Any]) -> Callable[[Sequence[Any]], Row]:
    """For psycopg: rows of this cursor's columns."""
    described = cursor.description
    if described is None:
        return Row
    return _row_class(tuple(column.name for column in described))


class Database:
    """One connection, asked as sqlite3's is: statements with `?`, rows that have names."""

    def __init__(self, connection: Connection[Any]) -> None:
        self.raw = connection

    def execute(self, sql: str, values: Sequence[Any] = ()) -> Cursor[Any]:
        return self.raw.execute(translated(sql).encode(), values)

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        with self.raw.cursor() as cursor:
            cursor.executemany(translated(sql).encode(), rows)

    def cursor(self) -> Database:
        """sqlite3's cursors have a row factory of their own; here all rows have names."""
        return self

    def close(self) -> None:
        self.raw.close()


def is_database(text: str) -> bool:
    """Whether `-r` names a database rather than a file."""
    return text.startswith(SCHEMES)


def shown(url: str) -> str:
    """The address without its password and parameters: for people, pages and logs."""
    try:
        parts = urlsplit(url)
        user = f"{parts.username}@" if parts.username else ""
        host = f"[{parts.hostname}]" if parts.hostname and ":" in parts.hostname else parts.hostname or ""
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "postgresql://..."
    return f"postgresql://{user}{host}{port}{parts.path}"


def connect(url: str, *, read_only: bool = False, options: str = "", patience: int = PATIENCE) -> Database:
    """A connection in autocommit. UsageError without psycopg, StoreError says why there is none. `options` are
    settings of the session, as `-c name=value`."""
    psycopg = _psycopg()
    known = psycopg.conninfo.conninfo_to_dict(_checked(url, psycopg))
    given: dict[str, Any] = {
        "application_name": "whatif-gateway", "connect_timeout": patience,
        "options": f"{known.get('options', '')} {options} {'-c default_transaction_read_only=on' if read_only else ''}",
        "keepalives_idle": 30, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 10_000,
    }  # fmt: skip
    if not read_only:
        given["target_session_attrs"] = known.get("target_session_attrs", "any")
    try:
        connection = psycopg.connect(
            url, autocommit=True, row_factory=row_factory, prepare_threshold=PREPARED if read_only else None,
            **{name: value for name, value in given.items() if name == "options" or name not in known},
        )  # fmt: skip
    except psycopg.Error as error:
        raise unreachable(url, error) from None
    version = connection.info.server_version
    if version < OLDEST:
        connection.close()
        raise StoreError(
            f"the database is PostgreSQL {version // 10_000}, and the oldest that works is {OLDEST // 10_000}",
            where=shown(url), code="too_old",
            hint="upgrade the server, or record into a file: -r recordings/gateway.db",
        )  # fmt: skip
    _adapt(connection)
    return Database(connection)


def _psycopg() -> Any:
    try:
        import psycopg
        import psycopg.conninfo
    except ImportError as error:
        raise UsageError(
            f"recording into PostgreSQL needs psycopg, which is not installed ({error})", hint=INSTALL
        ) from None
    return psycopg


def _checked(url: str, psycopg: Any) -> str:
    try:
        psycopg.conninfo.conninfo_to_dict(url)
    except psycopg.ProgrammingError as error:
        said = without_password(str(error), url)
        raise UsageError(
            f"this is no address of a database: {said.strip()}", where=shown(url),
            hint="postgresql://USER@HOST:5432/DATABASE?sslmode=verify-full; the password in PGPASSFILE",
        ) from None  # fmt: skip
    return url


def without_password(text: str, url: str) -> str:
    """A message of libpq or the server with no password of the address in it, however it is spelled there."""
    for password in passwords_of(url):
        text = text.replace(password, "***")
    return text


def passwords_of(url: str) -> list[str]:
    """The passwords in an address, before the @ and among its parameters, as written and as meant; longest first."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return [url]
    found = {password for password in (parts.password, *PARAMETER.findall(parts.query)) if password}
    return sorted(found | {unquote(password) for password in found}, key=len, reverse=True)


# libpq gives words alone where no connection stands: its own, which are not translated in psycopg's wheels, and those
# of the server. They choose the hint; the message has them all.
HINTS: Final = (
    (r"password authentication failed|no password supplied", "denied",
     "check the user, and the password in PGPASSFILE, PGPASSWORD or the address"),
    (r"no pg_hba\.conf entry", "denied",
     "let this machine in by the server's pg_hba.conf, or use TLS: ?sslmode=require"),
    (r"database \".*\" does not exist", "denied", "make it: createdb NAME"),
    (r"role \".*\" does not exist", "denied", "make it: createuser NAME"),
    (r"certificate verify failed|server certificate for|root certificate file", "tls",
     "name the authority with ?sslrootcert=FILE (or sslrootcert=system), and the host as its certificate does"),
    (r"server does not support SSL", "tls", "turn TLS on in postgresql.conf, or connect with ?sslmode=prefer"),
    (r"SSL|TLS|certificate", "tls", "see sslmode, sslrootcert, sslcert in the documentation of libpq"),
    (r"Connection refused|could not translate host name|timeout expired|Name or service|No route|unreachable", "away",
     "is the server up, and is this its host and port? pg_isready -d URL asks it"),
    (r"starting up|shutting down|recovery mode|too many clients|remaining connection slots", "away",
     "it may be ready in a moment"),
    (r"read-only|not in hot standby|session is not read-write", "read_only",
     "name the primary: ?target_session_attrs=read-write with all hosts in the address"),
)  # fmt: skip


def unreachable(url: str, error: Exception) -> StoreError:
    """Why no connection could be made, as a sentence."""
    said = _one_line(without_password(str(error), url))
    code, hint = next(
        ((code, hint) for pattern, code, hint in HINTS if re.search(pattern, said)),
        ("away", "pg_isready -d URL asks it"),
    )
    return StoreError(f"the database cannot be used: {said}", where=shown(url), hint=hint, code=code)


def failed(url: str, error: Exception) -> StoreError:
    """Why a statement failed. Code "away" where the connection or the server is gone for now."""
    state = str(getattr(error, "sqlstate", None) or "")
    said = _one_line(without_password(str(error), url))
    if state == "53100":
        return StoreError("the disk of the database is full", where=shown(url), code="full")
    if state == "25006":
        return StoreError(
            "the database takes no writes: it is a standby, or read-only", where=shown(url), code="read_only"
        )
    if state.startswith(DENIED):
        return StoreError(f"the database refuses: {said}", where=shown(url), code="denied")
    code = "away" if not state or state.startswith(AWAY) else "io"
    return StoreError(f"the database failed: {said}", where=shown(url), code=code)


def _one_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("LINE ")]
    return " ".join(lines[:3])[:400] or "the connection is lost"


def _adapt(connection: Connection[Any]) -> None:
    """Values as SQLite takes them: truth as 1 and 0, and no NUL in a text, which PostgreSQL cannot hold."""
    from psycopg.adapt import Dumper
    from psycopg.types.string import StrDumper

    class Truth(Dumper):
        oid = 23  # int4

        def dump(self, obj: Any) -> bytes:
            return b"1" if obj else b"0"

    class Text(StrDumper):
        def dump(self, obj: str) -> Any:
            return super().dump(obj.replace("\0", "\ufffd") if "\0" in obj else obj)

    connection.adapters.register_dumper(bool, Truth)
    connection.adapters.register_dumper(str, Text)

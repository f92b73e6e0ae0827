"""Seals what is stored already, for good: a recording that was made before a redaction rule existed. I/O.

On the writer's connection, when somebody asks for it deliberately. The bytes that go are overwritten in the file, its
log and the index of words; copies and backups are not ours to reach.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from ..errors import NotFoundError, UsageError
from ..model.exchange import Exchange
from .batch import Seal, SealPiece, Stored
from .imports import PlainSeal, capture_of
from .masking import sealed_chunks
from .sqlite.contents import bodies_of
from .sqlite.full_text import rows_of
from .sqlite.rows import COLUMNS, DEFAULTS, USUAL, chunk_of, exchange_of

if TYPE_CHECKING:
    from .sql import SqlConnection
    from .tables import Tables

SOME: Final = 100  # exchanges read at once
CHANGED: Final = (
    "target", "upstream_url", "failure_detail", "request_head", "response_head", "request_trailers",
    "response_trailers", "rewritten", "request_body", "response_body", "request_kept", "request_plain",
    "response_kept", "response_plain",
)  # fmt: skip
UPDATE: Final = f"UPDATE exchanges SET {', '.join(f'{name} = ?' for name in CHANGED)} WHERE id = ?"
BODY: Final = "INSERT OR IGNORE INTO bodies (sha256, size, packed, data) VALUES (?, ?, ?, ?)"
SECRET: Final = "INSERT OR IGNORE INTO secrets (recording, placeholder, sealed) VALUES (?, ?, ?)"


def reseal(tables: Tables, recording: str, *, seal: Seal, seal_piece: SealPiece | None, rules: object) -> int:
    """How many exchanges had secrets under these rules; they have placeholders now. NotFoundError, UsageError."""
    connection = tables.connection
    _check(connection, recording)
    with tables.overwriting():
        with tables.transaction():
            changed = sum(
                _one(tables, one, row, seal, seal_piece, rules) for one, row in _exchanges(connection, recording)
            )
            if changed:
                tables.index_anew()
        if changed:
            tables.sweep_all()
    return changed


def _check(connection: SqlConnection, recording: str) -> None:
    ask = connection.execute
    if not ask("SELECT 1 FROM recordings WHERE id = ?", (recording,)).fetchone():
        raise NotFoundError(f"there is no recording {recording}", hint="gateway recordings")
    if ask("SELECT 1 FROM exchanges WHERE recording = ? AND state = 'open'", (recording,)).fetchone():
        raise UsageError("an exchange of it is still under way", hint="seal it when that has ended")


def _exchanges(connection: SqlConnection, recording: str) -> Iterator[tuple[Exchange, Any]]:
    step, sql = -1, "SELECT * FROM exchanges WHERE recording = ? AND step > ? ORDER BY step LIMIT ?"
    while rows := rows_of(connection, sql, (recording, step, SOME)):
        bodies = bodies_of(connection, rows)
        for row in rows:
            yield exchange_of(row, bodies), row
        step = rows[-1]["step"]


def _one(tables: Tables, one: Exchange, before: Any, seal: Seal, seal_piece: SealPiece | None, rules: object) -> bool:
    """Seal one exchange and its pieces; whether there was anything to seal."""
    connection = tables.connection
    pieces = _pieces(connection, one, seal_piece, rules)
    plain = one.request.body.plain, one.response is not None and one.response.body.plain
    capture = capture_of(one)
    capture.redact = rules
    batch = tables.batch_class(PlainSeal(seal, {one.id: plain}), None, Stored())
    batch.add(capture, kept=(one.request.body.kept, one.response.body.kept if one.response else None), plain=plain)
    connection.executemany(SECRET, batch.secret_rows())  # of its pieces, too
    if batch.captures[0] is capture:
        return pieces
    row = batch.exchanges[0]
    after: dict[str, Any] = dict(zip(COLUMNS, (*row, *(DEFAULTS if len(row) == len(USUAL) else ())), strict=True))
    gone = [(before[name],) for name in ("request_body", "response_body") if before[name] not in (None, after[name])]
    connection.executemany("INSERT OR IGNORE INTO orphans VALUES (?)", gone)
    connection.executemany(BODY, batch.bodies.values())
    connection.execute(UPDATE, [*(after[name] for name in CHANGED), one.id])
    return True


def _pieces(connection: SqlConnection, one: Exchange, seal_piece: SealPiece | None, rules: object) -> bool:
    if not one.stream or seal_piece is None:
        return False
    rows = rows_of(connection, "SELECT * FROM chunks WHERE exchange = ? ORDER BY number", (one.id,))
    before = tuple(map(chunk_of, rows))
    after = sealed_chunks(one, before, rules, seal_piece)
    changed = [(new.data, new.size, one.id, new.index) for old, new in zip(before, after, strict=True) if old != new]
    connection.executemany("UPDATE chunks SET data = ?, size = ? WHERE exchange = ? AND number = ?", changed)
    return bool(changed)

"""Takes a part in a shared database: connects, migrates, names this gateway, opens its spool. I/O."""

from __future__ import annotations

import secrets
import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import StoreError
from ..batch import Seal, SealPiece
from .connection import connect, failed, shown
from .schema import migrate
from .spool import Spool
from .tables import BEAT
from .writer import PostgresWriter, session_options

if TYPE_CHECKING:
    from ...protocols import EventSink


def open_database(
    url: str, path: Path, *, seal: Seal, seal_piece: SealPiece | None, durability: str, live: EventSink | None
) -> PostgresWriter:
    """The writer of this gateway; `path` is in the folder of what it keeps for itself. UsageError without psycopg,
    StoreError when the database cannot be reached, is too old or newer than this gateway."""
    connection = connect(url, options=session_options(durability))
    try:
        migrate(connection, shown(url))
        name = f"{socket.gethostname()[:40]}-{secrets.token_hex(3)}"
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        spool = Spool(path.parent, name)
        # From now on others wait until it has heard of their changes.
        connection.execute(BEAT, (name, "{}", time.time()))
    except Exception as error:
        connection.close()
        if isinstance(error, StoreError) or not type(error).__module__.startswith("psycopg"):
            raise
        raise failed(url, error) from None
    return PostgresWriter(
        url, path, name, spool, connection, seal=seal, seal_piece=seal_piece, durability=durability, live=live
    )

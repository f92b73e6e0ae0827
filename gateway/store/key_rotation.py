"""Brings sealed secrets under the newest key, some at a time, and sessions to new recordings with it. I/O."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ..ids import new_id

if TYPE_CHECKING:
    from .tables import Tables

SOME: Final = 400  # secrets of one transaction: about 40 ms of the writer
NEXT: Final = """
SELECT recording, placeholder, sealed FROM secrets WHERE (recording, placeholder) > (?, ?)
ORDER BY recording, placeholder LIMIT ?
"""
Place = tuple[str, str]  # (recording, placeholder)
FIRST: Final[Place] = ("", "")


@dataclass(frozen=True, slots=True)
class Renewed:
    """What one piece of the work did: secrets under the newest key, secrets that no key opens, where to go on."""

    renewed: int = 0
    lost: int = 0
    next: Place | None = None


Renew = Callable[[bytes, str, str], bytes | None]  # of a sealed secret, its placeholder and recording


def renew_some(tables: Tables, after: Place, renew: Renew) -> Renewed:
    """The secrets behind `after`. `renew` gives None for what no key opens: it stays as it is."""
    rows = tables.connection.execute(NEXT, (*after, SOME)).fetchall()
    fresh = [(renew(sealed, placeholder, recording), recording, placeholder) for recording, placeholder, sealed in rows]
    good = [row for row in fresh if row[0] is not None]
    with tables.transaction():
        sql = "UPDATE secrets SET sealed = ? WHERE recording = ? AND placeholder = ?"
        tables.connection.executemany(sql, good)
    more = (rows[-1][0], rows[-1][1]) if len(rows) == SOME else None
    return Renewed(len(good), len(fresh) - len(good), more)


def begin_anew(tables: Tables) -> None:
    """Every session of the last run begins a new recording: within one, equal secrets have equal placeholders."""
    with tables.transaction():
        ids = [id for (id,) in tables.connection.execute("SELECT id FROM sessions")]
        sql = "UPDATE sessions SET recording = ?, steps = 0, title = '' WHERE id = ?"
        tables.connection.executemany(sql, [(new_id(), id) for id in ids])

"""What people decided about the correlations of a recording, beside it. I/O."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from ..sql import SqlConnection

if TYPE_CHECKING:
    from ...correlation import Decisions

OTHER: Final = {"accepted": "rejected", "rejected": "accepted"}
FORGOTTEN: Final = (*OTHER, "declared", "asserted")
SET: Final = "INSERT OR IGNORE INTO decisions (recording, verdict, what, decided_at) VALUES (?, ?, ?, ?)"
UNSET: Final = "DELETE FROM decisions WHERE recording = ? AND verdict = ? AND what = ?"


def decide(connection: SqlConnection, recording: str, words: Iterable[tuple[str, str]], now: float) -> None:
    """Each (verdict, what): "accepted" and "rejected" undo each other, "forgotten" undoes whatever was said."""
    for verdict, what in words:
        for other in [OTHER[verdict]] if verdict in OTHER else FORGOTTEN if verdict == "forgotten" else []:
            connection.execute(UNSET, (recording, other, what))
        if verdict != "forgotten":
            connection.execute(SET, (recording, verdict, what, now))


def decisions_of(connection: SqlConnection, recording: str) -> Decisions:
    """Everything decided so far, declarations in the order in which they were made."""
    rows: Sequence[tuple[str, str]] = connection.execute(
        "SELECT verdict, what FROM decisions WHERE recording = ? ORDER BY seq", (recording,)
    ).fetchall()
    said = {name: [what for verdict, what in rows if verdict == name] for name in (*OTHER, "declared")}
    from ...correlation import Decisions, read_declared  # with all that reads recordings, which a start does not

    declared = tuple(map(read_declared, said["declared"]))
    return Decisions(frozenset(said["accepted"]), frozenset(said["rejected"]), declared)


def asserted_of(connection: SqlConnection, recording: str) -> tuple[str, ...]:
    """What steps of a recording must answer, in the order in which it was said."""
    sql = "SELECT what FROM decisions WHERE recording = ? AND verdict = 'asserted' ORDER BY seq"
    return tuple(what for (what,) in connection.execute(sql, (recording,)))

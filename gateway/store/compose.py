"""New recordings out of steps of old ones: merged, split, trimmed. The old ones stay as they are. I/O.

Rows are copied as they stand, their bodies shared, with what lies beside them: notes and tags of the steps, pieces of
streams, and the seals of their secrets.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from ..errors import NotFoundError, UsageError
from ..ids import new_id
from .sqlite.rows import COLUMNS

if TYPE_CHECKING:
    from ..model.recording import Recording
    from .sql import SqlConnection
    from .tables import Tables


TAKEN: Final = "id", "recording", "step"
REST: Final = ", ".join(name for name in COLUMNS if name not in TAKEN)
COPY: Final = f"INSERT INTO exchanges (id, recording, step, {REST}) SELECT ?, ?, ?, {REST} FROM exchanges WHERE id = ?"
CHUNKS: Final = """
INSERT INTO chunks (exchange, number, at_ms, sent, size, data)
SELECT ?, number, at_ms, sent, size, data FROM chunks WHERE exchange = ?
"""
NOTES: Final = """
INSERT INTO notes (recording, step, text, written_at)
SELECT ?, ?, text, written_at FROM notes WHERE recording = ? AND step = ? ORDER BY seq
"""
TAGS: Final = """
INSERT OR IGNORE INTO tags (recording, step, tag)
SELECT ?, ?, tag FROM tags WHERE recording = ? AND step = ? ORDER BY seq
"""
SECRETS: Final = """
INSERT OR IGNORE INTO secrets (recording, placeholder, sealed)
SELECT ?, placeholder, sealed FROM secrets WHERE recording = ?
"""
USES: Final = """
INSERT OR IGNORE INTO uses (recording, cluster, environment)
SELECT recording, cluster, environment FROM exchanges
WHERE recording = ? AND cluster <> '' AND environment <> '' ORDER BY step
"""
RECORDING: Final = """
INSERT INTO recordings (id, session, title, kind, started_at, updated_at, steps)
SELECT ?, ?, ?, 'import', min(started_at), max(started_at + coalesce(total_ms, 0) / 1000), count(*)
FROM exchanges WHERE recording = ?
"""
OF: Final = """
SELECT id, step, started_at, session FROM exchanges
WHERE recording = ? AND step BETWEEN ? AND ? AND state <> 'open' ORDER BY step
"""


@dataclass(frozen=True, slots=True)
class RecordingPart:
    """Steps of one recording (a full id), both ends included."""

    recording: str
    first: int = 1
    last: int = 1 << 40
    without: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Composition:
    """What a new recording is made of, one part after the other, or by time; `note` says where it comes from."""

    parts: Sequence[RecordingPart]
    title: str = ""
    note: str = ""
    by_time: bool = False


def trimmed(of: Recording, first: int, last: int | None, without: Sequence[int], *, title: str = "") -> Composition:
    """The steps from `first` to `last`, both included, but for those `without`; UsageError when there are none."""
    last = of.steps if last is None else last
    _check(of, [first, last, *without])
    if last < first:
        raise UsageError(f"step {last} comes before step {first}")
    left_out = f" without {', '.join(map(str, sorted(without)))}" if without else ""
    note = f"Trimmed from {of.id}: steps {first} to {last}{left_out}."
    return Composition([RecordingPart(of.id, first, last, frozenset(without))], title, note)


def split(of: Recording, at: Sequence[int], *, title: str = "") -> list[Composition]:
    """One recording up to the first of these steps, and one from each of them on. UsageError when a step is the
    first, or not there."""
    if not at or 1 in at:
        raise UsageError("a recording is split before a step from the second on", hint=f"gateway show {of.id}")
    _check(of, at)
    edges = [1, *sorted(set(at)), of.steps + 1]
    parts = [(first, end - 1) for first, end in pairwise(edges)]
    return [
        Composition(
            [RecordingPart(of.id, first, last)], f"{title} ({number})" if title else "",
            f"Split from {of.id}: steps {first} to {last}.",
        )
        for number, (first, last) in enumerate(parts, 1)
    ]  # fmt: skip


def merged(of: Sequence[Recording], *, by_time: bool, title: str = "") -> Composition:
    """All steps of several recordings: by time, else one recording after the other. UsageError for fewer than two, or
    one named twice."""
    if len({one.id for one in of}) < 2:
        raise UsageError("two different recordings or more can be merged", hint="gateway merge REC REC")
    if len({one.id for one in of}) < len(of):
        raise UsageError("a recording is named twice")
    note = f"Merged from {', '.join(one.id for one in of)}, {'by time' if by_time else 'one after the other'}."
    return Composition([RecordingPart(one.id) for one in of], title, note, by_time)


def _check(of: Recording, steps: Sequence[int]) -> None:
    for step in steps:
        if not 1 <= step <= of.steps:
            raise UsageError(f"step {step} is not one of 1 to {of.steps}", where=of.id)


def compose(tables: Tables, wanted: Sequence[Composition], now: float) -> list[str]:
    """The ids of the new recordings, all or none of them. NotFoundError, and UsageError when one would be empty."""
    with tables.transaction():
        return [_one(tables.connection, one, now) for one in wanted]


def _one(connection: SqlConnection, wanted: Composition, now: float) -> str:
    found = _rows(connection, wanted)
    if not found:
        raise UsageError("no step is left: the new recording would be empty", hint="gateway show REC lists the steps")
    new, run = new_id(), connection.execute
    for step, (_, recording, old_step, id, _) in enumerate(found, 1):
        exchange = new_id()
        run(COPY, (exchange, new, step, id))
        run(CHUNKS, (exchange, id))
        for beside in (NOTES, TAGS):
            run(beside, (new, step, recording, old_step))
    for part in dict.fromkeys(part.recording for part in wanted.parts):
        run(SECRETS, (new, part))
    run(RECORDING, (new, found[0][4], wanted.title, new))
    run(USES, (new,))
    if wanted.note:
        run("INSERT INTO notes (recording, step, text, written_at) VALUES (?, 0, ?, ?)", (new, wanted.note, now))
    return new


def _rows(connection: SqlConnection, wanted: Composition) -> list[tuple[float, str, int, str, str]]:
    """(began, recording, step, exchange, session) of every step, in the order of the new recording."""
    found = []
    for part in wanted.parts:
        there = connection.execute("SELECT 1 FROM recordings WHERE id = ?", (part.recording,)).fetchone()
        if there is None:
            raise NotFoundError(f"there is no recording {part.recording}", hint="gateway recordings")
        rows = connection.execute(OF, (part.recording, part.first, part.last))
        found += [
            (began, part.recording, step, id, session) for id, step, began, session in rows if step not in part.without
        ]
    return sorted(found, key=lambda row: row[0]) if wanted.by_time else found

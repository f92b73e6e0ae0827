"""Findings beside the recordings: what the checker handed over, what people accepted, what is read of it. I/O.

A place is a cluster in an environment under one contract; `current` marks the one in force. Findings of earlier
contracts stay until the next one: they tell whether a finding is new.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from ...errors import NotFoundError, UsageError
from ..sql import SqlConnection
from .full_text import rows_of
from .rows import timestamp

if TYPE_CHECKING:
    from ...contracts.batches import DriftBatch, DriftPlace, DriftQuery, PlaceDelta
    from ...contracts.findings import Accepted, Finding

MARK: Final = "SELECT value FROM marks WHERE name = 'drift'"
SET_MARK: Final = """
INSERT INTO marks (name, value) VALUES ('drift', ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value
"""
SKIPPED: Final = """
INSERT INTO marks (name, value) VALUES ('drift_skipped', ?)
ON CONFLICT (name) DO UPDATE SET value = marks.value + excluded.value
"""
PLACE: Final = "SELECT * FROM drift_places WHERE cluster = ? AND environment = ? AND sha256 = ?"
ADD_PLACE: Final = """
INSERT INTO drift_places (cluster, environment, sha256, source, title, since, judged, unjudged, dropped, current)
VALUES (?, ?, ?, ?, ?, ?, 0, '{}', 0, 1)
"""
OPERATION: Final = """
INSERT INTO drift_operations (place, label, count, last_at) VALUES (?, ?, ?, ?) ON CONFLICT (place, label)
DO UPDATE SET count = drift_operations.count + excluded.count, last_at = max(drift_operations.last_at, excluded.last_at)
"""
FOUND: Final = "INSERT OR IGNORE INTO finding_exchanges VALUES (?, ?, ?, ?)"
NAME: Final = """
INSERT INTO contract_names (exchange, name, word) VALUES (?, ?, ?)
ON CONFLICT (exchange) DO UPDATE SET name = excluded.name, word = excluded.word
"""
DOCUMENT: Final = """
INSERT INTO contract_documents (source, sha256, packed) VALUES (?, ?, ?)
ON CONFLICT (source) DO UPDATE SET sha256 = excluded.sha256, packed = excluded.packed
"""
SEEN: Final = "INSERT OR IGNORE INTO drift_seen VALUES (?, ?, ?)"
KEPT_PLACES: Final = 5  # contracts of one place that are remembered
CURRENT: Final = "finding_exchanges x JOIN findings f ON f.id = x.finding JOIN drift_places p ON p.seq = f.place"


def mark(connection: SqlConnection) -> int:
    """Up to which exchange the checker has come; -1 when it never began."""
    row = connection.execute(MARK).fetchone()
    return int(row[0]) if row else -1


def late(connection: SqlConnection) -> list[int]:
    """Exchanges that were open when the checker passed them."""
    return [seq for (seq,) in connection.execute("SELECT exchange FROM drift_late ORDER BY exchange")]


# -- writing, inside the writer's transaction


def write(connection: SqlConnection, batch: DriftBatch, now: float) -> bool:
    """Add a batch; False, and nothing, when it does not begin where the last one ended."""
    if mark(connection) != batch.begin:
        return False
    for place in batch.places:
        _write_place(connection, place, now)
    connection.execute("DELETE FROM drift_late")
    connection.executemany("INSERT OR IGNORE INTO drift_late VALUES (?)", [(number,) for number in batch.late])
    if batch.skipped:
        connection.execute(SKIPPED, (batch.skipped,))
    connection.execute(SET_MARK, (batch.end,))
    return True


def _write_place(connection: SqlConnection, delta: PlaceDelta, now: float) -> None:
    run = connection.execute
    accepted = _begin(connection, delta, now) if delta.begins else {}
    row = _first(connection, PLACE, (delta.cluster, delta.environment, delta.sha256))
    if row is None:
        return  # its contract was replaced in the meantime
    unjudged = json.loads(row["unjudged"])
    for reason, count in delta.unjudged.items():
        unjudged[reason] = unjudged.get(reason, 0) + count
    run(
        "UPDATE drift_places SET judged = judged + ?, dropped = dropped + ?, unjudged = ?, title = ? WHERE seq = ?",
        (delta.judged, delta.dropped, json.dumps(unjudged), delta.title, row["seq"]),
    )
    many, place = connection.executemany, row["seq"]
    many(OPERATION, [(place, label, count, at) for label, (count, at) in delta.operations.items()])
    many(SEEN, [(place, kind, what) for kind, what in delta.seen])
    for finding in delta.findings:
        _write_finding(connection, place, replace(finding, accepted=accepted.get(finding.id)))
    many(FOUND, delta.exchanges)
    many(NAME, [(seq, name, name.lower()) for name, numbers in delta.names.items() for seq in numbers])


def _begin(connection: SqlConnection, delta: PlaceDelta, now: float) -> dict[str, Accepted]:
    """Another contract is in force in a place: what was counted under it before is counted anew. What people accepted
    under the very same contract is given back."""
    run, place = connection.execute, (delta.cluster, delta.environment)
    there = _first(connection, PLACE, (*place, delta.sha256))
    accepted: dict[str, Accepted] = {}
    if there is not None:
        for (value,) in run("SELECT value FROM findings WHERE place = ?", (there["seq"],)):
            if (one := _read(value)).accepted is not None:
                accepted[one.id] = one.accepted
        _forget_place(connection, there["seq"])
    theirs = (
        "(SELECT id FROM findings WHERE place IN (SELECT seq FROM drift_places WHERE cluster = ? AND environment = ?))"
    )
    run(f"DELETE FROM finding_exchanges WHERE finding IN {theirs}", place)
    run("UPDATE drift_places SET current = 0 WHERE cluster = ? AND environment = ?", place)
    run(ADD_PLACE, (*place, delta.sha256, delta.source, delta.title, now))
    old = "SELECT seq FROM drift_places WHERE cluster = ? AND environment = ? ORDER BY seq DESC LIMIT -1 OFFSET ?"
    for (seq,) in run(old, (*place, KEPT_PLACES)).fetchall():
        _forget_place(connection, seq)
    return accepted


def _forget_place(connection: SqlConnection, place: int) -> None:
    for table in ("drift_operations", "drift_seen", "findings"):
        connection.execute(f"DELETE FROM {table} WHERE place = ?", (place,))
    connection.execute("DELETE FROM drift_places WHERE seq = ?", (place,))


def _write_finding(connection: SqlConnection, place: int, finding: Finding) -> None:
    row = _first(connection, "SELECT * FROM findings WHERE id = ?", (finding.id,))
    if row is not None:
        from ...contracts.findings import merged

        whole = merged(_read(row["value"]), finding)
        connection.execute(
            "UPDATE findings SET value = ?, last_at = ? WHERE id = ?",
            (json.dumps(whole.json()), _seconds(whole.last.at), finding.id),
        )
        return
    connection.execute(
        "INSERT INTO findings (id, place, kind, value, last_at) VALUES (?, ?, ?, ?, ?)",
        (finding.id, place, finding.kind, json.dumps(finding.json()), _seconds(finding.last.at)),
    )


def accept(connection: SqlConnection, id: str, accepted: Accepted | None) -> Finding:
    """Live with a finding until its contract changes, or not any more; NotFoundError, UsageError for an id that is of
    none or of several."""
    finding = find(connection, id)
    whole = replace(finding, accepted=accepted)
    connection.execute("UPDATE findings SET value = ? WHERE id = ?", (json.dumps(whole.json()), whole.id))
    return whole


def keep_document(connection: SqlConnection, source: str, sha256: str, contents: Mapping[str, bytes]) -> None:
    """The last good document of a URL, for a start at which it cannot be fetched."""
    packed = zlib.compress(json.dumps({name: data.decode("latin-1") for name, data in contents.items()}).encode(), 6)
    connection.execute(DOCUMENT, (source, sha256, packed))


def forget(connection: SqlConnection, recording: str) -> None:
    """Before the exchanges of a recording are deleted."""
    theirs = "(SELECT seq FROM exchanges WHERE recording = ?)"
    for table in ("finding_exchanges", "contract_names", "drift_late"):
        connection.execute(f"DELETE FROM {table} WHERE exchange IN {theirs}", (recording,))


def forgotten(connection: SqlConnection) -> None:
    """After a deletion: SQLite gives the numbers of the last rows again."""
    sql = "UPDATE marks SET value = min(value, coalesce((SELECT max(seq) FROM exchanges), 0)) WHERE name = 'drift'"
    connection.execute(sql)


# -- reading


def places(connection: SqlConnection, *, current: bool = True) -> list[DriftPlace]:
    """Where contracts are in force, with what was judged there; with `current=False` the earlier ones, too."""
    sql = f"SELECT * FROM drift_places {'WHERE current = 1' if current else ''} ORDER BY cluster, environment, seq"
    counts: dict[int, dict[str, tuple[int, str]]] = {}
    for place, label, count, at in connection.execute("SELECT * FROM drift_operations"):
        counts.setdefault(place, {})[label] = (count, at)
    from ...contracts.batches import DriftPlace

    return [
        DriftPlace(
            row["cluster"], row["environment"], row["sha256"], row["source"], row["title"], timestamp(row["since"]),
            row["judged"], json.loads(row["unjudged"]), row["dropped"], counts.get(row["seq"], {}),
        )
        for row in rows_of(connection, sql, ())
    ]  # fmt: skip


def findings(connection: SqlConnection, query: DriftQuery | None = None) -> list[Finding]:
    """The findings of the contracts in force, the worst first."""
    from ...contracts.batches import DriftQuery
    from ...contracts.findings import ordered

    query = query or DriftQuery()
    sql = """
        SELECT f.value, f.last_at, o.count AS of_it FROM findings f JOIN drift_places p ON p.seq = f.place
        LEFT JOIN drift_operations o ON o.place = f.place
            AND o.label = json_extract(f.value, '$.method') || ' ' || json_extract(f.value, '$.path')
        WHERE p.current = 1
    """
    found = ((_finding(row), row["last_at"]) for row in rows_of(connection, sql, ()))
    return ordered(one for one, last in found if query.takes(one, last))


def find(connection: SqlConnection, id: str) -> Finding:
    """One by its id or a unique beginning of it; NotFoundError, UsageError when it is ambiguous."""
    places = "findings f JOIN drift_places p ON p.seq = f.place"
    sql = f"SELECT f.value, NULL AS of_it FROM {places} WHERE p.current = 1 AND f.id LIKE ?"
    wanted = "".join(char for char in id.lower() if char in "0123456789abcdef")
    rows = rows_of(connection, sql, (f"{wanted}%",)) if len(wanted) >= 4 and wanted == id.lower() else []
    if not rows:
        raise NotFoundError(f"there is no finding {id}", hint="gateway drift --all")
    if len(rows) > 1:
        raise UsageError(f"'{id}' is the beginning of {len(rows)} findings", hint="write more of it")
    found = _finding(rows[0])
    count = next((one.of for one in findings(connection) if one.id == found.id), found.of)
    return replace(found, of=count)


def of_exchanges(connection: SqlConnection, numbers: Sequence[int]) -> dict[int, list[str]]:
    """Ids of findings by the numbers of exchanges."""
    given = "(SELECT value FROM json_each(?))"
    sql = f"SELECT x.exchange, x.finding FROM {CURRENT} WHERE p.current = 1 AND x.exchange IN {given}"
    found: dict[int, list[str]] = {}
    for seq, id in connection.execute(sql, (json.dumps(list(numbers)),)):
        found.setdefault(seq, []).append(id)
    return found


def of_recording(connection: SqlConnection, recording: str) -> dict[int, list[str]]:
    """Ids of findings by the steps of a recording."""
    sql = f"""
        SELECT e.step, x.finding FROM {CURRENT} JOIN exchanges e ON e.seq = x.exchange
        WHERE p.current = 1 AND e.recording = ? ORDER BY e.step
    """
    found: dict[int, list[str]] = {}
    for step, id in connection.execute(sql, (recording,)):
        found.setdefault(step, []).append(id)
    return found


def sightings(connection: SqlConnection, id: str, *, limit: int = 50) -> list[tuple[str, int, str]]:
    """(recording, step, exchange) in which a finding was seen, the newest first."""
    sql = """
        SELECT e.recording, e.step, e.id FROM finding_exchanges x JOIN exchanges e ON e.seq = x.exchange
        WHERE x.finding = ? ORDER BY e.seq DESC LIMIT ?
    """
    return [(recording, step, exchange) for recording, step, exchange in connection.execute(sql, (id, limit))]


def seen(connection: SqlConnection, cluster: str, environment: str) -> list[tuple[str, str]]:
    """What was seen of the contract in force in a place."""
    sql = """
        SELECT s.kind, s.what FROM drift_seen s JOIN drift_places p ON p.seq = s.place
        WHERE p.current = 1 AND p.cluster = ? AND p.environment = ?
    """
    return [(kind, what) for kind, what in connection.execute(sql, (cluster, environment))]


def names(connection: SqlConnection, numbers: Iterable[int]) -> dict[int, str]:
    """The operations of the contract that exchanges are, by their numbers."""
    sql = "SELECT exchange, name FROM contract_names WHERE exchange IN (SELECT value FROM json_each(?))"
    return dict(connection.execute(sql, (json.dumps(list(numbers)),)).fetchall())


def open_in(connection: SqlConnection, numbers: Iterable[int]) -> dict[int, int]:
    """How many errors and warnings that nobody accepted exchanges have, by their numbers."""
    sql = f"""
        SELECT x.exchange, count(*) FROM {CURRENT} WHERE p.current = 1 AND x.severity <> 'info'
        AND json_extract(f.value, '$.accepted') IS NULL AND x.exchange IN (SELECT value FROM json_each(?))
        GROUP BY x.exchange
    """
    return dict(connection.execute(sql, (json.dumps(list(numbers)),)).fetchall())


def document(connection: SqlConnection, source: str) -> tuple[str, dict[str, bytes]] | None:
    """(hash, files) of the last good document of a URL."""
    row = connection.execute("SELECT sha256, packed FROM contract_documents WHERE source = ?", (source,)).fetchone()
    if row is None:
        return None
    files = json.loads(zlib.decompress(row[1]))
    return row[0], {name: text.encode("latin-1") for name, text in files.items()}


def behind(connection: SqlConnection) -> tuple[int, int]:
    """(exchanges that the checker has not come to, those that it jumped over)."""
    last = int(connection.execute("SELECT coalesce(max(seq), 0) FROM exchanges").fetchone()[0])
    skipped = connection.execute("SELECT value FROM marks WHERE name = 'drift_skipped'").fetchone()
    return max(0, last - max(0, mark(connection))), int(skipped[0]) if skipped else 0


def _finding(row: Any) -> Finding:
    found = _read(row["value"])
    return replace(found, of=row["of_it"]) if row["of_it"] is not None else found


def _seconds(at: str) -> float:
    return datetime.fromisoformat(at).timestamp()


def _first(connection: SqlConnection, sql: str, values: Sequence[Any]) -> Any:
    return next(iter(rows_of(connection, sql, values)), None)


def _read(value: str) -> Finding:
    """A finding as it is stored. What judges contracts is imported with the first one: a tenth of a start."""
    from ...contracts.batches import finding_from

    return finding_from(json.loads(value))

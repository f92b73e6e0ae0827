"""The tables of a recordings file and their migrations; says what kind of file it is. I/O."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Final

from ...errors import StoreError
from ...ids import renewed_id

if TYPE_CHECKING:
    from sqlite_utils import Database
    from sqlite_utils.migrations import Migrations

APPLICATION: Final = 0x47576179  # "GWay" in the file's header: PRAGMA application_id
VERSION: Final = 15  # how many migrations there are: PRAGMA user_version

# What is looked up is in front, the heads are behind: a scan of the facts then never reads an overflow page.
FIRST: Final = """
CREATE TABLE recordings (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    session TEXT NOT NULL,
    title TEXT NOT NULL DEFAULT '',
    kind TEXT NOT NULL DEFAULT 'live',
    parent TEXT,
    branched_at INTEGER,
    started_at REAL NOT NULL,
    updated_at REAL NOT NULL,
    steps INTEGER NOT NULL DEFAULT 0,
    pinned INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX recordings_session ON recordings (session);
CREATE TABLE exchanges (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL,
    recording TEXT NOT NULL,
    step INTEGER NOT NULL,
    session TEXT NOT NULL,
    state TEXT NOT NULL,
    started_at REAL NOT NULL,
    method TEXT NOT NULL,
    target TEXT NOT NULL,
    cluster TEXT NOT NULL,
    environment TEXT NOT NULL,
    status INTEGER,
    request_body BLOB,
    response_body BLOB,
    mode TEXT NOT NULL,
    total_ms REAL,
    first_byte_ms REAL,
    upstream_ms REAL,
    client TEXT NOT NULL,
    origin TEXT NOT NULL,
    upstream_url TEXT NOT NULL,
    routes_revision TEXT NOT NULL,
    request_version TEXT NOT NULL,
    request_size INTEGER NOT NULL,
    response_version TEXT NOT NULL,
    reason TEXT NOT NULL,
    response_size INTEGER NOT NULL,
    failure_kind TEXT,
    failure_detail TEXT,
    override TEXT,
    stream TEXT NOT NULL DEFAULT '',
    attempts INTEGER NOT NULL DEFAULT 1,
    connect_ms REAL,
    request_kept INTEGER,
    request_plain INTEGER NOT NULL DEFAULT 0,
    response_kept INTEGER,
    response_plain INTEGER NOT NULL DEFAULT 0,
    request_head BLOB NOT NULL,
    response_head BLOB NOT NULL,
    request_trailers BLOB NOT NULL DEFAULT x'',
    response_trailers BLOB NOT NULL DEFAULT x'',
    rewritten BLOB NOT NULL DEFAULT x''
) STRICT;
CREATE UNIQUE INDEX exchanges_id ON exchanges (id);
CREATE UNIQUE INDEX exchanges_step ON exchanges (recording, step);
CREATE INDEX exchanges_open ON exchanges (seq) WHERE state = 'open';
CREATE TABLE bodies (
    seq INTEGER PRIMARY KEY,
    sha256 BLOB NOT NULL UNIQUE,
    size INTEGER NOT NULL,
    packed INTEGER NOT NULL,
    data BLOB NOT NULL
) STRICT;
CREATE TABLE chunks (
    exchange TEXT NOT NULL,
    number INTEGER NOT NULL,
    at_ms REAL NOT NULL,
    sent INTEGER NOT NULL,
    size INTEGER NOT NULL,
    data BLOB NOT NULL,
    PRIMARY KEY (exchange, number)
) STRICT, WITHOUT ROWID;
CREATE TABLE uses (
    seq INTEGER PRIMARY KEY,
    recording TEXT NOT NULL,
    cluster TEXT NOT NULL,
    environment TEXT NOT NULL,
    UNIQUE (recording, cluster, environment)
) STRICT;
CREATE TABLE secrets (
    recording TEXT NOT NULL,
    placeholder TEXT NOT NULL,
    sealed BLOB NOT NULL,
    PRIMARY KEY (recording, placeholder)
) STRICT, WITHOUT ROWID;
CREATE TABLE notes (
    seq INTEGER PRIMARY KEY,
    recording TEXT NOT NULL,
    step INTEGER NOT NULL DEFAULT 0,
    text TEXT NOT NULL,
    written_at REAL NOT NULL
) STRICT;
CREATE INDEX notes_recording ON notes (recording, step);
CREATE TABLE tags (
    seq INTEGER PRIMARY KEY,
    recording TEXT NOT NULL,
    step INTEGER NOT NULL DEFAULT 0,
    tag TEXT NOT NULL,
    UNIQUE (recording, step, tag)
) STRICT;
CREATE TABLE revisions (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL,
    accepted_at TEXT NOT NULL,
    source TEXT NOT NULL,
    changes TEXT NOT NULL,
    text TEXT NOT NULL
) STRICT;
CREATE TABLE sessions (
    id TEXT PRIMARY KEY,
    recording TEXT NOT NULL,
    steps INTEGER NOT NULL,
    pins TEXT NOT NULL DEFAULT '{}',
    seen REAL NOT NULL,
    named INTEGER NOT NULL DEFAULT 0,
    title TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE TABLE session_values (
    session TEXT NOT NULL,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (session, name)
) STRICT, WITHOUT ROWID;
"""

# Full text, written in slack time. `texts` keeps no copy of what it indexes, and SQLite before 3.43 cannot delete from
# such a table: `documents` says which exchange a document is of, its numbers are never used again, and a document
# without an exchange is never found. `late` holds exchanges that ended after `marks.indexed` had passed them by.
SEARCH: Final = """
CREATE VIRTUAL TABLE texts USING fts5 (
    head, body, content = '', columnsize = 0, tokenize = 'unicode61 remove_diacritics 2'
);
CREATE TABLE documents (
    doc INTEGER PRIMARY KEY AUTOINCREMENT,
    exchange INTEGER NOT NULL UNIQUE
) STRICT;
CREATE TABLE late (
    exchange INTEGER PRIMARY KEY
) STRICT;
CREATE TABLE marks (
    name TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX exchanges_bad ON exchanges (status, recording) WHERE status >= 400;
CREATE INDEX exchanges_failed ON exchanges (recording) WHERE failure_kind IS NOT NULL;
"""

# Bodies of deleted recordings, until it is known whether another exchange has them, too.
ORPHANS: Final = """
CREATE TABLE orphans (
    sha256 BLOB PRIMARY KEY
) STRICT, WITHOUT ROWID;
"""

# What people decided about correlations: the verdict ("accepted", "rejected", "declared") and a binding's id, or the
# binding that they wrote; and what they say that a step must answer ("asserted").
DECISIONS: Final = """
CREATE TABLE decisions (
    seq INTEGER PRIMARY KEY,
    recording TEXT NOT NULL,
    verdict TEXT NOT NULL,
    what TEXT NOT NULL,
    decided_at REAL NOT NULL,
    UNIQUE (recording, verdict, what)
) STRICT;
"""

# Who moved, deleted or unmasked what. No recording's deletion touches it.
AUDIT: Final = """
CREATE TABLE audit (
    seq INTEGER PRIMARY KEY,
    at REAL NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail TEXT NOT NULL,
    source TEXT NOT NULL,
    role TEXT NOT NULL,
    login TEXT NOT NULL,
    session TEXT NOT NULL,
    address TEXT NOT NULL
) STRICT;
"""

# What a session plays, and how far it is: gateway/replay/playback/playback.py writes and reads it.
PLAYING: Final = "ALTER TABLE sessions ADD COLUMN playing TEXT NOT NULL DEFAULT ''"

# A filter reads these columns and no page of the table, in the order of `seq`, so that a list begins with the newest.
# Full text is kept in tables of SHARD exchanges each (gateway/store/sqlite/full_text.py), and made anew by the writer.
FACTS: Final = """
CREATE INDEX exchanges_facts ON exchanges (
    seq, recording, started_at, status, method, cluster, environment, total_ms, request_size, response_size, stream,
    target
);
DROP TABLE texts;
DELETE FROM documents;
DELETE FROM late;
DELETE FROM marks WHERE name = 'indexed'
"""

# Which version ran where, and since when: the documents of recordings tell it.
BUILDS: Final = """
CREATE TABLE builds (
    seq INTEGER PRIMARY KEY,
    cluster TEXT NOT NULL,
    environment TEXT NOT NULL,
    build TEXT NOT NULL,
    since REAL NOT NULL
) STRICT;
CREATE INDEX builds_place ON builds (cluster, environment, since);
"""

# The phases of an imported HAR, which the gateway does not measure: "blocked=5.0 dns=10.0".
PHASES: Final = "ALTER TABLE exchanges ADD COLUMN phases TEXT NOT NULL DEFAULT ''"

# The number of the last group of the journal that is in the file (gateway/store/sqlite/journal.py). With this schema
# the keys of new bodies begin with a time (body_key in rows.py): an older gateway would take them for damaged.
JOURNAL: Final = "INSERT OR IGNORE INTO marks VALUES ('journal', 0)"

# The public path of an exchange's cluster: documents and demos name paths below it. What exchanges ask for by name, and
# how they failed inside a 2xx (gateway/store/sqlite/operations.py); the writer fills it, for older exchanges as well.
OPERATIONS: Final = """
ALTER TABLE exchanges ADD COLUMN prefix TEXT;
CREATE TABLE operations (
    exchange INTEGER PRIMARY KEY,
    label TEXT NOT NULL,
    failed TEXT NOT NULL
) STRICT;
CREATE INDEX operations_failed ON operations (exchange) WHERE failed <> '';
CREATE TABLE operation_words (
    exchange INTEGER NOT NULL,
    word TEXT NOT NULL,
    PRIMARY KEY (word, exchange)
) STRICT, WITHOUT ROWID;
CREATE INDEX operation_words_exchange ON operation_words (exchange);
"""

# The trace context with which a request went upstream: "id-span", with a plus where the gateway made it.
TRACES: Final = "ALTER TABLE exchanges ADD COLUMN trace TEXT NOT NULL DEFAULT ''"

# What is injected into a session's calls (gateway/replay/fault.py), and how its client is known without a cookie
# (gateway/sessions/cookieless.py).
CALLERS: Final = """
ALTER TABLE sessions ADD COLUMN faults TEXT NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN caller TEXT NOT NULL DEFAULT '';
"""

# Drift from contracts (gateway/store/sqlite/drift.py): what was judged where, findings, the exchanges in which they
# were seen, what of a contract was seen, names that contracts give to exchanges, the last good document of a URL.
DRIFT: Final = """
CREATE TABLE drift_places (
    seq INTEGER PRIMARY KEY,
    cluster TEXT NOT NULL,
    environment TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    source TEXT NOT NULL,
    title TEXT NOT NULL,
    since REAL NOT NULL,
    judged INTEGER NOT NULL,
    unjudged TEXT NOT NULL,
    dropped INTEGER NOT NULL,
    current INTEGER NOT NULL,
    UNIQUE (cluster, environment, sha256)
) STRICT;
CREATE TABLE drift_operations (
    place INTEGER NOT NULL,
    label TEXT NOT NULL,
    count INTEGER NOT NULL,
    last_at TEXT NOT NULL,
    PRIMARY KEY (place, label)
) STRICT, WITHOUT ROWID;
CREATE TABLE drift_seen (
    place INTEGER NOT NULL,
    kind TEXT NOT NULL,
    what TEXT NOT NULL,
    PRIMARY KEY (place, kind, what)
) STRICT, WITHOUT ROWID;
CREATE TABLE drift_late (
    exchange INTEGER PRIMARY KEY
) STRICT;
CREATE TABLE findings (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    place INTEGER NOT NULL,
    kind TEXT NOT NULL,
    value TEXT NOT NULL,
    last_at REAL NOT NULL
) STRICT;
CREATE INDEX findings_place ON findings (place);
CREATE INDEX findings_kind ON findings (kind);
CREATE TABLE finding_exchanges (
    exchange INTEGER NOT NULL,
    rule TEXT NOT NULL,
    severity TEXT NOT NULL,
    finding TEXT NOT NULL,
    PRIMARY KEY (exchange, finding)
) STRICT, WITHOUT ROWID;
CREATE INDEX finding_exchanges_finding ON finding_exchanges (finding);
CREATE TABLE contract_names (
    exchange INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    word TEXT NOT NULL
) STRICT;
CREATE INDEX contract_names_word ON contract_names (word);
CREATE TABLE contract_documents (
    source TEXT PRIMARY KEY,
    sha256 TEXT NOT NULL,
    packed BLOB NOT NULL
) STRICT, WITHOUT ROWID;
"""


EARLIER: Final = {
    "m001_first": FIRST, "m002_search": SEARCH, "m003_orphans": ORPHANS, "m004_decisions": DECISIONS,
    "m005_audit": AUDIT, "m006_playing": PLAYING, "m007_facts": FACTS, "m008_builds": BUILDS,
}  # fmt: skip


def migrations() -> Migrations:
    """Every step from an empty file to the present schema. A released step is never changed: add another one."""
    from sqlite_utils.migrations import Migrations

    steps = Migrations("gateway")

    for name, statements in EARLIER.items():
        _add(steps, name, statements)

    @steps()
    def m009_session_ids(db: Database) -> None:
        """Ids made for cookies get the dot; what a client named keeps its name."""
        old = [id for (id,) in db.execute("SELECT id FROM sessions WHERE named = 0 AND length(id) = 24").fetchall()]
        for id in old:
            for table, column in (("sessions", "id"), ("session_values", "session"), ("recordings", "session")):
                db.execute(f"UPDATE {table} SET {column} = ? WHERE {column} = ?", (renewed_id(id), id))

    _add(steps, "m010_phases", PHASES)
    _add(steps, "m011_journal", JOURNAL)
    _add(steps, "m012_operations", OPERATIONS)
    _add(steps, "m013_traces", TRACES)
    _add(steps, "m014_callers", CALLERS)
    _add(steps, "m015_drift", DRIFT)
    return steps


def _add(steps: Migrations, name: str, statements: str) -> None:
    """A step that runs these statements; a file remembers it by its name."""

    def step(db: Database) -> None:
        _run(db, statements)

    step.__name__ = name
    steps()(step)


def _run(db: Database, statements: str) -> None:
    """Each by itself: executescript would commit the step's transaction."""
    for statement in statements.strip().removesuffix(";").split(";"):
        db.execute(statement)


def migrate(connection: sqlite3.Connection, steps: Migrations | None = None) -> None:
    """Bring the file to the present schema, one transaction for each step."""
    from sqlite_utils import Database

    steps = steps or migrations()
    steps.apply(Database(connection, execute_plugins=False))
    connection.execute(f"PRAGMA application_id = {APPLICATION}")
    connection.execute(f"PRAGMA user_version = {len(steps.applied(Database(connection, execute_plugins=False)))}")


def version_of(connection: sqlite3.Connection, where: str, *, newest: int = VERSION) -> int:
    """The schema of an opened file, 0 when it is empty. StoreError when it is not ours, or newer than we are."""
    found = int(connection.execute("PRAGMA user_version").fetchone()[0])
    application = int(connection.execute("PRAGMA application_id").fetchone()[0])
    tables = int(connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0])
    if application != APPLICATION and tables:
        begun = connection.execute("SELECT count(*) FROM sqlite_master WHERE name = '_sqlite_migrations'").fetchone()[0]
        if not begun or found:  # a start that was killed between the first migration and its mark is ours all the same
            hint = "name another file with --recordings"
            raise StoreError("this SQLite file holds no recordings of the gateway", where=where, hint=hint)
    if found > newest:
        raise StoreError(
            f"the file has schema {found}, this gateway knows schemas up to {newest}", where=where,
            hint="use the newer gateway that wrote it, or name another file with --recordings",
        )  # fmt: skip
    return found

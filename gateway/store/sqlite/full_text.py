"""Full text: URLs, headers and text bodies of exchanges, indexed when the writer has nothing else to do. I/O.

What the index has passed by is searched all the same: it is indexed in memory for the one query that asks. What it
has not come to yet is looked through by gateway/store/sqlite/search.py.
"""

from __future__ import annotations

import json
import re
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from ...model.bodies import TEXT_TYPE, text_of
from ...model.filter import Term
from ..sql import SqlConnection
from . import operations
from .contents import bodies_of
from .filter_sql import Condition
from .header_blob import words as head_words
from .rows import exchange_of, public_url

Document = tuple[str, str]  # head, body

MOST: Final = 64 << 10  # letters of one body that are indexed
SOME: Final = 32  # exchanges indexed in one transaction: some 2 ms, for which a record may have to wait
SHARD: Final = 25_000  # exchanges whose words are one table: a word that is everywhere is found in one in 30 ms
LATECOMERS: Final = 1000  # exchanges that the index has passed by, of which one query reads at most so many,
PATIENCE: Final = 0.05  # and for so many seconds: there are few, and the writer takes them first
STALE: Final = 1000  # documents of deleted exchanges before the index may be made anew

MARK: Final = "coalesce((SELECT value FROM marks WHERE name = 'indexed'), 0)"
NEXT: Final = f"SELECT * FROM exchanges WHERE seq > {MARK} ORDER BY seq LIMIT ?"
LATE: Final = "SELECT * FROM exchanges WHERE seq IN (SELECT exchange FROM late ORDER BY exchange LIMIT ?)"
NAMELESS: Final = f"SELECT * FROM exchanges WHERE seq > {operations.NAMED} AND seq <= {MARK} ORDER BY seq LIMIT ?"
PENDING: Final = f"""
SELECT coalesce((SELECT max(seq) FROM exchanges), 0) > {MARK} OR EXISTS (SELECT 1 FROM late)
    OR {MARK} > {operations.NAMED}
"""
WAITING: Final = f"""
SELECT * FROM exchanges WHERE seq <= {MARK} AND seq IN (SELECT exchange FROM late)
UNION ALL SELECT * FROM exchanges WHERE seq <= {MARK} AND state = 'open' AND seq NOT IN (SELECT exchange FROM late)
ORDER BY seq DESC LIMIT ?
"""
# An exchange that ended after the index had passed it by.
PASSED_BY: Final = f"INSERT OR IGNORE INTO late SELECT seq FROM exchanges WHERE id = ? AND seq <= {MARK}"
INTERRUPTED: Final = f"INSERT OR IGNORE INTO late SELECT seq FROM exchanges WHERE state = 'open' AND seq <= {MARK}"

PLAIN_TYPE: Final = re.compile(rb"(?:^|\n)content-type\n\s*([^\s;]+)\s*(?:;\s*charset=\"?utf-8\"?\s*)?(?:\n|$)")
FOUND: Final = "SELECT d.exchange FROM documents d WHERE d.doc IN (SELECT rowid FROM {table} WHERE {table} MATCH ?)"
TOKENS: Final = "'unicode61 remove_diacritics 2'"
CREATE: Final = f"""
CREATE VIRTUAL TABLE IF NOT EXISTS {{}} USING fts5 (head, body, content = '', columnsize = 0, tokenize = {TOKENS})
"""
SHARDS: Final = "SELECT name FROM sqlite_master WHERE name GLOB 'texts_[0-9]*' AND sql LIKE 'CREATE VIRTUAL%'"


COLUMN: Final = {"body": "body", "trace": "head"}  # where the words of a term stand; anywhere for the others


# -- writing, on the writer's connection, inside its transaction


def index_some(connection: SqlConnection, rules: operations.RulesOf = operations.no_rules) -> None:
    """Index a few exchanges, and note what they asked for by name; `rules`: what a cluster calls a failure."""
    rows = rows_of(connection, NAMELESS, [SOME])
    if rows:  # of a file that is older than the names
        operations.write(connection, rows, bodies_of(connection, rows), rules)
        connection.execute("INSERT OR REPLACE INTO marks VALUES ('named', ?)", (rows[-1]["seq"],))
        return
    rows = rows_of(connection, LATE, [SOME])
    late = bool(rows)
    if not rows:
        rows = rows_of(connection, NEXT, [SOME])
    if not rows:
        return
    bodies = bodies_of(connection, rows)
    operations.write(connection, rows, bodies, rules)
    for row, (head, body) in zip(rows, documents(connection, rows, bodies), strict=True):
        if row["state"] == "open":
            continue
        made = connection.execute("INSERT OR IGNORE INTO documents (exchange) VALUES (?)", (row["seq"],))
        if made.rowcount:
            table = _shard(connection, row["seq"] // SHARD)
            connection.execute(
                f"INSERT INTO {table} (rowid, head, body) VALUES (?, ?, ?)", (made.lastrowid, head, body)
            )
    if late:
        connection.executemany("DELETE FROM late WHERE exchange = ?", [(row["seq"],) for row in rows])
    else:
        for mark in ("indexed", "named"):
            connection.execute("INSERT OR REPLACE INTO marks VALUES (?, ?)", (mark, rows[-1]["seq"]))


def _shard(connection: SqlConnection, number: int) -> str:
    """The table of this shard; it is made with its first document."""
    name = f"texts_{number}"
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (name,)).fetchone():
        connection.execute(CREATE.format(name))
    return name


def is_pending(connection: SqlConnection) -> bool:
    """Whether there is something to index."""
    return bool(connection.execute(PENDING).fetchone()[0])


def forget(connection: SqlConnection, recording: str) -> None:
    """Before its exchanges are deleted. The index keeps words that lead nowhere."""
    theirs = "(SELECT seq FROM exchanges WHERE recording = ?)"
    for table in ("documents", "late"):
        connection.execute(f"DELETE FROM {table} WHERE exchange IN {theirs}", (recording,))
    operations.forget(connection, recording)


def forgotten(connection: SqlConnection) -> None:
    """After a deletion: SQLite gives the numbers of the last rows again, and most words may lead nowhere now."""
    ask = connection.execute
    sql = "UPDATE marks SET value = min(value, coalesce((SELECT max(seq) FROM exchanges), 0)) WHERE name IN (?, ?)"
    ask(sql, ("indexed", "named"))
    ever = ask("SELECT seq FROM sqlite_sequence WHERE name = 'documents'").fetchone()
    if ever is not None and ever[0] > STALE + 2 * ask("SELECT count(*) FROM documents").fetchone()[0]:
        index_anew(connection)


def index_anew(connection: SqlConnection) -> None:
    """Throw the index away: the writer makes it again."""
    for (name,) in connection.execute(SHARDS).fetchall():
        connection.execute(f"DROP TABLE {name}")
    connection.execute("DELETE FROM documents")
    connection.execute("DELETE FROM sqlite_sequence WHERE name = 'documents'")
    connection.execute("DELETE FROM marks WHERE name = 'indexed'")
    operations.begin_anew(connection)


# -- reading


def waiting(connection: SqlConnection) -> int:
    """How many exchanges are not indexed yet."""
    sql = f"SELECT (SELECT count(*) FROM exchanges WHERE seq > {MARK}) + (SELECT count(*) FROM late)"
    return int(connection.execute(sql).fetchone()[0])


def indexed(connection: SqlConnection) -> int:
    """Up to which exchange everything is indexed, but for what ended late."""
    return int(connection.execute(f"SELECT min({MARK}, {operations.NAMED})").fetchone()[0])


class TextSearch:
    """The exchanges of one shard that a term finds, for one query on one connection."""

    def __init__(self, connection: SqlConnection) -> None:
        self._connection = connection
        self._tail: sqlite3.Connection | None = None
        self._shards: set[str] | None = None
        self._fresh: dict[str, str] = {}
        self._late: list[Any] | None = None

    def __call__(self, term: Term, shard: int) -> Condition:
        """A set of numbers, as the inside of an IN."""
        if term.key in ("op", "has"):
            return self._of_operations(term)
        match, table = match_of(term), f"texts_{shard}"
        if not any(map(str.isalnum, term.value)):  # no word in it: the index knows nothing of signs
            return "SELECT NULL WHERE 0", []
        fresh = self._newest(match)
        if self._shards is None:
            self._shards = {name for (name,) in self._connection.execute(SHARDS)}
        if table not in self._shards:
            return "SELECT value FROM json_each(?)", [fresh]
        return f"{FOUND.format(table=table)} UNION ALL SELECT value FROM json_each(?)", [match, fresh]

    def _of_operations(self, term: Term) -> Condition:
        sql, values = operations.condition_of(term)
        if self._late is None:
            self._late = rows_of(self._connection, WAITING, [LATECOMERS])
        found = operations.found_in(self._late, bodies_of(self._connection, self._late), term)
        named, words = operations.by_contract(term)
        found_now = "SELECT value FROM json_each(?)"
        return f"{sql} UNION ALL {named} UNION ALL {found_now}", [*values, *words, json.dumps(list(found))]

    def close(self) -> None:
        if self._tail is not None:
            self._tail.close()

    def _newest(self, match: str) -> str:
        """What is found among the exchanges that the index has passed by, as JSON."""
        if match not in self._fresh:
            self._fresh[match] = json.dumps(matching(self._waiting(), match))
        return self._fresh[match]

    def _waiting(self) -> sqlite3.Connection:
        """An index in memory of what the file's has passed by, the newest first, for a moment at most."""
        if self._tail is None:
            self._tail = memory_index()
            rows, until = rows_of(self._connection, WAITING, [LATECOMERS]), time.monotonic() + PATIENCE
            for at in range(0, len(rows), SOME):
                some = rows[at : at + SOME]
                add(self._tail, zip([row["seq"] for row in some], documents(self._connection, some), strict=True))
                if time.monotonic() > until:
                    break
        return self._tail


def memory_index() -> sqlite3.Connection:
    """An index of a few exchanges, for one query."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.execute(CREATE.format("texts"))
    return connection


def add(index: sqlite3.Connection, found: Iterable[tuple[int, Document]]) -> None:
    index.execute("BEGIN")
    index.executemany(
        "INSERT INTO texts (rowid, head, body) VALUES (?, ?, ?)", [(seq, *document) for seq, document in found]
    )
    index.execute("COMMIT")


def matching(index: sqlite3.Connection, match: str) -> list[int]:
    return [seq for (seq,) in index.execute("SELECT rowid FROM texts WHERE texts MATCH ?", (match,))]


def match_of(term: Term) -> str:
    """A phrase whose last word may go on: order_id finds order_ids, too. Nothing in it is an operator."""
    phrase = '"' + term.value.replace("\0", " ").replace('"', '""') + '" *'
    column = COLUMN.get(term.key, "")
    return f"{column} : {phrase}" if column else phrase


def rows_of(connection: SqlConnection, sql: str, values: Sequence[Any]) -> list[Any]:
    cursor = connection.cursor()
    cursor.row_factory = sqlite3.Row
    found: list[Any] = cursor.execute(sql, values).fetchall()
    return found


# -- what is indexed


def documents(
    connection: SqlConnection, rows: Sequence[Any], bodies: Mapping[bytes, bytes] | None = None
) -> Iterator[Document]:
    """The texts of exchanges, from their rows."""
    bodies = bodies_of(connection, rows) if bodies is None else bodies
    for row in rows:
        pieces = _pieces(connection, row["id"]) if row["stream"] == "sse" else ""
        yield _clean(head_text(row)), _clean("\n".join([*body_texts(row, bodies), pieces]))


def head_text(row: Any) -> str:
    """URLs, headers and the failure's sentence."""
    lines = [row["method"], public_url(row["origin"], row["target"]), row["upstream_url"], row["trace"]]
    lines += [head_words(row[f"{side}_head"]) for side in _sides(row)]
    if row["failure_kind"]:
        lines.append(f"{row['failure_kind']} {row['failure_detail'] or ''}")
    return "\n".join(lines)


def body_texts(row: Any, bodies: Mapping[bytes, bytes]) -> list[str]:
    """Both bodies as far as they are text. Most say so and are not compressed: no need to take their heads apart."""
    found: list[str] = []
    for side in _sides(row):
        data = bodies.get(row[f"{side}_body"] or b"", b"")
        if data:
            text = plain_text(data, row[f"{side}_head"]) if len(data) <= MOST else None
            found.append(_slow_text(row, side, bodies) if text is None else text)
    return found


def _sides(row: Any) -> tuple[str, ...]:
    """Without a response of the upstream there is nothing to find in it."""
    return ("request", "response") if row["response_version"] else ("request",)


def plain_text(data: bytes, head: bytes) -> str | None:
    """A body that its head calls text, in UTF-8 and without a coding; None when it is not as simple as that."""
    low = head.lower()
    if (
        b"content-encoding" in low
        or not (found := PLAIN_TYPE.search(low))
        or not TEXT_TYPE.fullmatch(found[1].decode())
    ):
        return None
    try:
        return data.decode()
    except UnicodeDecodeError:
        return None


def _slow_text(row: Any, side: str, bodies: Mapping[bytes, bytes]) -> str:
    exchange = exchange_of(row, bodies)
    message = exchange.request if side == "request" else exchange.response
    return "" if message is None else (text_of(message, 16 * MOST) or "")[:MOST]


def _pieces(connection: SqlConnection, exchange: str) -> str:
    sql = "SELECT data FROM chunks WHERE exchange = ? AND sent = 0 ORDER BY number"
    data = b""
    for (piece,) in connection.execute(sql, (exchange,)):
        data += piece
        if len(data) >= MOST:
            break
    return data[:MOST].decode("utf-8", "replace")


def _clean(text: str) -> str:
    """Half a surrogate pair cannot be stored, and a NUL would end the text."""
    return text.encode("utf-8", "replace").decode().replace("\0", " ")

"""A large recordings file: varied traffic recorded by a gateway, then copied row by row under new ids.

    python bench/large.py FOLDER [EXCHANGES]        (1,000,000)

FOLDER gets gateway.db and gateway.key. Every copy has ids, recordings, sessions and hashes of its own, as random as
those of new exchanges, so that the indexes are those of a file that grew by traffic.
"""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
import sys
import tempfile
import time
from pathlib import Path

SEED = 20_000  # exchanges recorded before copying
SECONDS = 2.0


def count_of(file: Path) -> int:
    with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as db:
        return int(db.execute("SELECT count(*) FROM exchanges").fetchone()[0])


def grown(folder: Path, count: int) -> Path:
    """The file in `folder`, with so many exchanges."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "gateway.db"
    if not file.exists():
        record(folder)
    with sqlite3.connect(file, isolation_level=None) as db:
        copy(db, count)
    db.close()
    return file


def record(folder: Path) -> None:
    """Varied traffic through a gateway."""
    from contenders import backend, end, gateway

    with tempfile.TemporaryDirectory() as name, backend() as port:
        proxy = gateway(Path(name), port, "strict")
        recorded = 0
        while recorded < SEED:
            proxy.measure("seed", "varied", 64, SECONDS, 200)
            recorded += proxy.rounds["seed"][-1]["answered"]
        end([proxy.process])
        assert proxy.database is not None
        shutil.copy(proxy.database, folder / "gateway.db")
        shutil.copy(proxy.database.with_name("gateway.key"), folder / "gateway.key")


def copy(db: sqlite3.Connection, count: int) -> None:
    """Copy all rows under new names until there are so many exchanges."""
    begun = time.perf_counter()
    db.create_function("anew", 2, lambda value, turn: value and hashlib.sha256(b"%d" % turn + value).digest())
    for pragma in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -400000"):
        db.execute(f"PRAGMA {pragma}")
    seed = db.execute("SELECT count(*) FROM exchanges").fetchone()[0]
    ends = {
        table: db.execute(f"SELECT max(seq) FROM {table}").fetchone()[0]
        for table in ("recordings", "exchanges", "bodies")
    }
    for turn in range(1, 1 + max(0, -(-(count - seed) // seed))):
        mark = f"substr({{0}}, 1, 22) || '{turn:03}U'"  # no id of the gateway has a U
        db.execute("BEGIN")
        for table in ("recordings", "exchanges", "bodies", "secrets", "uses", "sessions"):
            names = [row[1] for row in db.execute(f"PRAGMA table_info({table})") if row[1] != "seq"]
            news = {"id": mark.format("id"), "recording": mark.format("recording")}
            news |= {name: f"anew({name}, {turn})" for name in ("sha256", "request_body", "response_body")}
            news["session"] = f"session || '-{turn}'"
            if table == "sessions":
                news["id"] = f"id || '-{turn}'"
            values = ", ".join(news.get(name, name) for name in names)
            if table in ends:
                where = f"WHERE seq <= {ends[table]}"
            else:
                where = f"WHERE recording IN (SELECT id FROM recordings WHERE seq <= {ends['recordings']})"
            db.execute(f"INSERT INTO {table} ({', '.join(names)}) SELECT {values} FROM {table} {where}")
        db.execute("COMMIT")
    newest = db.execute("SELECT max(seq) FROM exchanges").fetchone()[0]
    for mark in ("indexed", "named"):  # full text and names of operations are another bench's business
        db.execute("INSERT OR REPLACE INTO marks VALUES (?, ?)", (mark, newest))
    print(f"{newest:,} exchanges after {time.perf_counter() - begun:.0f} s", flush=True)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    grown(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1_000_000)

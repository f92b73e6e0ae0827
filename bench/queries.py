"""How fast lists and filters answer from a large store.

    python bench/queries.py [EXCHANGES [FILE]]        (a part of make bench: 1,000,000)

Builds a store by the recorder's own functions, indexes its words, and times every kind of filter on each list; words
also on a copy of which nothing is indexed. Then a recorder takes the copy over, and is timed while it indexes the last
100,000 exchanges in slack time, with a lone client beside it. With a FILE the store is kept for the next run.
"""

from __future__ import annotations

import asyncio
import random
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from gateway.model.capture import Capture
from gateway.store import SqliteRecorder, SqliteStore, open_recorder, open_store
from gateway.store.batch import Batch
from gateway.store.sqlite import full_text
from gateway.store.sqlite.files import connect_reader, connect_writer
from gateway.store.sqlite.write_connection import SqliteTables

GROUP = 2000  # exchanges of one transaction
AT_ONCE = 8  # sessions that take turns
ROUNDS = 3
BEGUN = 1_790_000_000.0
LISTED, ANSWERED = 50.0, 200.0  # milliseconds: a recording of 1,000; the first page of a filter
METHODS = ("GET",) * 70 + ("POST",) * 20 + ("PUT",) * 7 + ("DELETE",) * 3
STATUSES = (200,) * 880 + (201,) * 80 + (304,) * 15 + (404,) * 20 + (409,) * 4 + (503,)
WORDS = [
    f"{a}{b}{c}" for a in ("or", "cat", "pay", "us", "re") for b in ("der", "alogue", "ment", "er") for c in range(50)
]
PLACES = (("users", "qa"), ("catalogue", "qa"), ("catalogue", "test"), ("orders", "qa"), ("payments", "dev"))


def captures(count: int) -> Iterator[Capture]:
    """Sessions of 20 to 1,000 steps, a few at a time, in the order in which they end."""
    chance = random.Random(7)
    live: list[list[int]] = []
    sessions = 0
    for number in range(count):
        if len(live) < AT_ONCE:
            sessions += 1
            live.append([sessions, 0, 1000 if sessions % 20 == 1 else chance.randrange(20, 900)])
        one = live[number % len(live)]
        one[1] += 1
        yield capture(number, one[0], one[1], chance)
        if one[1] >= one[2]:
            live.remove(one)


def capture(number: int, session: int, step: int, chance: random.Random) -> Capture:
    made = Capture()
    cluster, made.environment = chance.choice(PLACES)
    status, method = chance.choice(STATUSES), chance.choice(METHODS)
    made.id, made.recording, made.session = f"01JE{number:022}", f"01JR{session:022}", f"session-{session:06}"
    made.step, made.started_at, made.client, made.cluster = step, BEGUN + number / 10, "127.0.0.1", cluster
    made.method, made.origin = method.encode(), b"http://127.0.0.1:8080"
    made.target = b"/api/%b/%b/%d" % (cluster.encode(), chance.choice(WORDS).encode(), number)
    made.upstream_url, made.routes_revision = f"http://127.0.0.1:9202/{number}", "f" * 64
    made.request_headers = [
        (b"Host", b"127.0.0.1:8080"), (b"Accept", b"application/json"), (b"User-Agent", b"bench/1"),
        (b"X-Request-Id", b"%032x" % number),
    ]  # fmt: skip
    made.status, made.reason, made.response_version = status, b"OK", "1.1"
    if status == 503:
        made.failure = ("connection_refused", "127.0.0.1:9202 refused the connection")
    made.response_headers = [(b"Content-Type", b"application/json"), (b"Server", b"shop"), (b"ETag", b'"%d"' % number)]
    text = " ".join(chance.choices(WORDS, k=12))
    made.response_body = [b'{"id": %d, "title": "%b", "everywhere": true}' % (number, text.encode())]
    made.response_size = len(made.response_body[0]) if number % 5000 else 3 << 20
    took = chance.lognormvariate(2.5, 1.0) / 1000
    made.begun, made.sent, made.first_byte, made.ended = 1.0, 1.0 + took / 9, 1.0 + took / 2, 1.0 + took
    return made


def build(path: Path, count: int) -> None:
    """The rows, then the words."""
    begun = time.perf_counter()
    tables = SqliteTables(connect_writer(path))
    tables.connection.execute("PRAGMA synchronous = OFF")
    batch = Batch(lambda capture: capture, None, tables.stored)
    for number, made in enumerate(captures(count), 1):
        batch.add(made)
        if number % GROUP == 0 or number == count:
            tables.write(batch)
            batch = Batch(lambda capture: capture, None, tables.stored)
        if number % 100_000 == 0:
            tables.fold("PASSIVE")
    tables.annotate(
        f"01JR{1:022}", step=7, title="Order a book", note="for Monday", tags=["demo"], pinned=None, now=0.0
    )
    rows = time.perf_counter() - begun
    while full_text.is_pending(tables.connection):
        tables.connection.execute("BEGIN IMMEDIATE")
        for _ in range(30):
            full_text.index_some(tables.connection)
        tables.connection.execute("COMMIT")
        tables.fold("PASSIVE")
    tables.fold("TRUNCATE")
    tables.connection.close()
    words = time.perf_counter() - begun - rows
    print(
        f"{count:,} exchanges in {path.stat().st_size >> 20:,} MiB; rows {rows:.0f} s, words {words:.0f} s", flush=True
    )


FILTERS = (
    "", "status:404", "status:409", "status:2xx", "-status:200", "status:>=500", "cluster:orders",
    "-cluster:orders", "env:dev", "env:nowhere", "method:POST", "-method:GET", "method:PATCH", "path:/api/orders",
    "path:/7777", "path:nothing-like-it", "took:>100ms", "took:>10s", "size:>1MiB", "size:<1kB", "after:2026-10-01",
    "before:2026-09-22", "has:failure", "has:stream", "has:body", "has:note", "tag:demo", "kind:live",
    "kind:variant", "session:session-000001", "everywhere", "order", "order7", "777777", "nothing-like-it",
    '"order7 catalogue8"', "body:everywhere", "body:777777", "-order7", "order7 status:404",
    "everywhere status:409", "method:DELETE status:404 took:>200ms", "cluster:payments -status:200 path:er9",
    "Monday",
)  # fmt: skip


WORDS_ONLY = (
    "everywhere", "order7", "777777", "nothing-like-it", '"order7 catalogue8"', "body:777777", "-order7",
    "-everywhere", "order7 status:404", "everywhere status:409", "Monday",
)  # fmt: skip


def timed(ask: Callable[[], object]) -> float:
    """Milliseconds: the median, after one that warms up."""
    ask()
    took = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        ask()
        took.append((time.perf_counter() - begun) * 1000)
    return statistics.median(took)


def measure(store: SqliteStore) -> int:
    """Prints each and returns how many were too slow."""
    longest = next(one for one in store.recordings(limit=1000).items if one.steps == 1000)
    listed = timed(lambda: store.exchanges(longest.id, limit=1000))
    deep = timed(lambda: store.latest(limit=50, cursor="500000"))
    late = "" if listed <= LISTED else f" (more than {LISTED:.0f})"
    print(f"a recording of 1,000 steps: {listed:.0f} ms{late}; a page in the middle of all exchanges: {deep:.1f} ms")
    return answered(store, longest.id, FILTERS, "filter")


def answered(store: SqliteStore, longest: str, queries: tuple[str, ...], title: str) -> int:
    """The first page of each filter on the three lists: full, or short with a cursor that goes on."""
    slow = 0
    print(f"{title:42} {'recordings':>12} {'exchanges':>12} {'in one':>12}   ms")
    for query in queries:
        took = (
            timed(lambda query=query: store.recordings(query, limit=50)),
            timed(lambda query=query: store.latest(limit=50, query=query)),
            timed(lambda query=query: store.exchanges(longest, limit=200, query=query)),
        )
        late = [one > ANSWERED for one in took]
        slow += sum(late)
        shown = " ".join(f"{one:11.1f}{'!' if over else ' '}" for one, over in zip(took, late, strict=True))
        print(f"{query or 'none':42} {shown}", flush=True)
    return slow


def unindexed(path: Path, copy: Path) -> int:
    """Words while none is indexed; then how soon the last exchanges can be found, and what that costs others."""
    shutil.copy(path, copy)
    forget(copy, 0)
    store = open_store(copy)
    longest = next(one for one in store.recordings(limit=1000).items if one.steps == 1000)
    slow = answered(store, longest.id, WORDS_ONLY, "words, nothing of it indexed")
    store.close()
    last = full_text.indexed(connect_reader(path))
    asyncio.run(catch_up(copy, last, 0))
    asyncio.run(catch_up(copy, last, min(last, 100_000)))
    return slow


def forget(path: Path, mark: int) -> None:
    """As if nothing behind this exchange had been indexed."""
    connection = connect_writer(path)
    full_text.index_anew(connection)
    connection.execute("INSERT OR REPLACE INTO marks VALUES ('indexed', ?)", (mark,))
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


async def catch_up(path: Path, last: int, behind: int) -> None:
    """A lone client whose records are waited for, twenty times a second, while the writer indexes what is behind."""
    forget(path, last - behind)
    recorder = open_recorder(path, seal=None)
    await recorder.start()
    reader, took, begun, done = connect_reader(path), list[float](), time.perf_counter(), 0.0
    while len(took) < 100 or not done:
        number = last + behind + len(took) + 1  # others than those of the run before
        took.append(await waited(recorder, capture(number, 10**9 + behind, len(took) + 1, random.Random(7))))
        await asyncio.sleep(0.05)
        if not done and full_text.indexed(reader) >= last:
            done = time.perf_counter() - begun
    await recorder.stop()
    took.sort()
    rate = f", all found after {done:.1f} s: {behind / done:,.0f} a second" if behind else ""
    late = took[-1 - len(took) // 100]
    print(
        f"{behind:,} to index: a lone record waits {statistics.median(took):.2f} ms, p99 {late:.1f}{rate}", flush=True
    )


async def waited(recorder: SqliteRecorder, made: Capture) -> float:
    safe: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    put = time.perf_counter()
    recorder.put(made, lambda: safe.set_result(None))
    await safe
    return (time.perf_counter() - put) * 1000


def main() -> int:
    count = int(sys.argv[1]) if sys.argv[1:2] and sys.argv[1].isdigit() else 1_000_000
    with tempfile.TemporaryDirectory() as folder:
        path = Path(sys.argv[2]) if len(sys.argv) > 2 and sys.argv[1].isdigit() else Path(folder, "gateway.db")
        if not path.exists():
            build(path, count)
        connect_writer(path).close()  # an older file is migrated
        slow = measure(open_store(path))
        slow += unindexed(path, Path(folder, "copy.db"))
    print(f"{slow} took longer than {ANSWERED:.0f} ms" if slow else f"each was answered within {ANSWERED:.0f} ms")
    return 0


if __name__ == "__main__":
    sys.exit(main())

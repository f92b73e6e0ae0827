"""A day's traffic in fast motion: many sessions at once, with streams, aborts, broken upstreams and reloads mixed in.

    python bench/soak.py [EXCHANGES [SESSIONS [WORKERS]]]        (make soak: 300,000 over 200 sessions, two workers)

Afterwards nothing may have leaked (tasks, descriptors, memory), nothing may stand in a session that is not its own, and
whatever a client got complete must be in the store. Exits with 1 when one of these does not hold.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import re
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "bench")]

from load import children  # noqa: E402

CONNECTIONS = 64  # at once; sessions take turns
RELOAD = 0.5  # seconds between two changes of routes.yaml
GROWTH = 30 << 20  # bytes of memory that the gateway may grow by after the first fifth
REST = 3.0  # seconds for what is under way to end
MIX = ("get",) * 62 + ("post",) * 22 + ("events",) * 4 + ("socket",) * 2 + ("abort", "leave", "broken", "refused") * 2
ROUTES = """\
version: 1
environments: [test, qa]
clusters:
  shop: {{path: /api/shop, environment: {environment}, upstreams: {{test: "{url}/test", qa: "{url}/qa"}}}}
  gone: {{path: /api/gone, environment: qa, upstreams: {{qa: "http://127.0.0.1:9"}}}}
recording: {{max_body: 64KiB}}
"""


# -- the upstream: says back who asked for what


async def upstream(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
        while await answer(reader, writer):
            await writer.drain()
    writer.close()


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    """One answer; whether the connection goes on."""
    head = await reader.readuntil(b"\r\n\r\n")
    path = head.split(b" ", 2)[1]
    fields = head.lower()
    at = fields.find(b"content-length:")
    body = await reader.readexactly(int(fields[at + 15 :].split(b"\r", 1)[0])) if at >= 0 else b""
    kind = path.split(b"/")[2]
    if kind == b"events":
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n")
        for number in range(3):
            writer.write(b"data: %b %d\n\n" % (path, number))
            await asyncio.sleep(0.01)
        return False
    if kind == b"socket":
        writer.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n")
        writer.write(b"Sec-WebSocket-Accept: x\r\n\r\n" + bytes((0x81, len(path))) + path)
        await reader.read(1 << 16)
        return False
    if kind == b"broken":
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        return False
    if kind == b"leave":
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 500000\r\n\r\n" + b"x" * 400_000)
        await writer.drain()
        return False
    text = json.dumps({"path": path.decode(), "sent": body.decode("latin-1")}).encode()
    writer.write(
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(text), text)
    )
    return True


# -- the clients


class Load:
    """What the clients do, and what came of it."""

    def __init__(self, port: int, exchanges: int, sessions: int) -> None:
        self.port, self.exchanges, self.sessions = port, exchanges, sessions
        self.done: Counter[str] = Counter()
        self.complete: list[str] = []  # exchange ids of answers that came whole
        self.wrong: list[str] = []
        self.random = random.Random(7)

    @property
    def total(self) -> int:
        return self.done.total()

    async def until(self, count: int) -> None:
        """Go on until so many exchanges are done."""
        await asyncio.gather(*(self.client(count) for _ in range(CONNECTIONS)))

    async def client(self, count: int) -> None:
        streams = None
        while self.total < count:
            session, kind = f"soak{self.random.randrange(self.sessions):04d}", self.random.choice(MIX)
            self.done[kind] += 1
            if streams is None:
                streams = await asyncio.open_connection("127.0.0.1", self.port, limit=1 << 20)
            try:
                keep = await self.exchange(*streams, session, kind, f"{session}-{self.total}")
            except (ConnectionError, asyncio.IncompleteReadError) as error:
                keep = False
                if kind not in ("broken", "leave", "abort"):
                    self.wrong.append(f"{kind} of {session}: {error!r}")
            if not keep:
                streams[1].close()
                streams = None
        if streams:
            streams[1].close()

    async def exchange(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, session: str, kind: str, tag: str
    ) -> bool:
        cluster = "gone" if kind == "refused" else "shop"
        head = f"{'POST' if kind in ('post', 'abort') else 'GET'} /api/{cluster}/{kind}/{tag} HTTP/1.1\r\n"
        head += (
            f"Host: 127.0.0.1:{self.port}\r\nGateway-Session: {session}\r\nAuthorization: Bearer token-of-{session}\r\n"
        )
        if kind == "socket":
            head += (
                "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: eA==\r\n"
            )
        if kind == "events":
            head += "Connection: close\r\n"
        if kind == "abort":  # goes away in the middle of what it sends
            writer.write(f"{head}Content-Length: 5000\r\n\r\nhalf".encode())
            await writer.drain()
            return False
        body = tag * 20 if kind == "post" else ""
        writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode())
        came = await reader.readuntil(b"\r\n\r\n")
        if kind == "leave":  # goes away in the middle of what comes
            await reader.read(1000)
            return False
        return await self.read(reader, writer, came, kind, tag, body)

    async def read(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, came: bytes, kind: str, tag: str, body: str
    ) -> bool:
        fields = {
            name.lower(): value for name, _, value in (line.partition(": ") for line in came.decode().split("\r\n"))
        }
        if kind == "events":
            text = await reader.read(-1)
            self.check(text.count(f"/{tag} ".encode()) == 3, kind, tag, fields)
            return False
        if kind == "socket":
            frame = await reader.readexactly(2)
            text = await reader.readexactly(frame[1])
            writer.write(bytes((0x88, 0x80, 0, 0, 0, 0)))
            self.check(text.endswith(f"/{tag}".encode()), kind, tag, {})
            return False
        text = await reader.readexactly(int(fields["content-length"]))
        if kind == "refused":
            self.check(came.startswith(b"HTTP/1.1 502"), kind, tag, fields)
        elif kind != "broken":
            said = json.loads(text)
            self.check(said["path"].endswith(f"/{tag}") and said["sent"] == body, kind, tag, fields)
        return True

    def check(self, good: bool, kind: str, tag: str, fields: dict[str, str]) -> None:
        if not good:
            self.wrong.append(f"{kind} {tag} got what is another's")
        elif "gateway-exchange" in fields:
            self.complete.append(fields["gateway-exchange"])


# -- the gateway, in a process of its own that tells how it is


async def serve(folder: Path, workers: int) -> None:
    """Runs a gateway; answers every line on stdin with what it holds, and ends with stdin."""
    from gateway.app import running
    from gateway.protocols import Options

    options = Options(
        folder / "routes.yaml", folder / "recordings" / "gateway.db", port=0, health_interval=0.0, workers=workers
    )
    async with running(options) as gateway:
        print(gateway.url, flush=True)
        while await asyncio.to_thread(sys.stdin.readline):
            await gateway.services.counted()
            gauges = dict(
                re.findall(r"^gateway_(clients|exchanges_under_way) (\d+)", gateway.services.metrics(), re.MULTILINE)
            )
            status = gateway.services.recorder.status()
            processes = [os.getpid(), *children(os.getpid())]
            held = {"tasks": len(asyncio.all_tasks()), "memory": sum(map(memory_of, processes))}
            held |= {"descriptors": sum(descriptors_of(one) for one in processes)}
            held |= {"clients": int(gauges["clients"]), "under_way": int(gauges["exchanges_under_way"])}
            print(json.dumps(held | {"missed": status.missed, "recorded": status.recorded}), flush=True)


def descriptors_of(process: int) -> int:
    return sum(1 for _ in Path(f"/proc/{process}/fd").iterdir())


def memory_of(process: int) -> int:
    """Bytes that no other process shares."""
    resident, shared = map(int, Path(f"/proc/{process}/statm").read_text().split()[1:3])
    return (resident - shared) * os.sysconf("SC_PAGE_SIZE")


async def ask(process: asyncio.subprocess.Process) -> dict[str, int]:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(b"\n")
    found: dict[str, int] = json.loads(await process.stdout.readline())
    return found


async def reloading(file: Path, url: str) -> None:
    """Saves routes.yaml again and again: the cluster moves to and fro."""
    for number in range(1 << 30):
        await asyncio.sleep(RELOAD)
        beside = file.with_suffix(".new")
        beside.write_text(ROUTES.format(environment=("test", "qa")[number % 2], url=url))
        beside.replace(file)


async def soak(exchanges: int, sessions: int, workers: int, folder: Path) -> list[str]:
    """What did not hold; empty when all did."""
    backend = await asyncio.start_server(upstream, "127.0.0.1", 0, limit=1 << 20)
    url = f"http://127.0.0.1:{backend.sockets[0].getsockname()[1]}"
    (folder / "routes.yaml").write_text(ROUTES.format(environment="qa", url=url))
    pipe, log = asyncio.subprocess.PIPE, (folder / "log").open("wb")
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        __file__,
        "--serve",
        str(folder),
        str(workers),
        stdin=pipe,
        stdout=pipe,
        stderr=log,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert process.stdin is not None
    assert process.stdout is not None
    port = int((await process.stdout.readline()).decode().rpartition(":")[2])
    reloads = asyncio.create_task(reloading(folder / "routes.yaml", url))
    load, begun = Load(port, exchanges, sessions), time.monotonic()
    samples = []
    for part in range(1, 11):
        await load.until(exchanges * part // 10)
        await asyncio.sleep(REST if part in (2, 10) else 0)
        samples.append(await ask(process))
        took = time.monotonic() - begun
        print(f"{load.total:>9} exchanges, {took:6.1f} s, {told(samples[-1])}", flush=True)
    reloads.cancel()
    process.stdin.close()
    code = await process.wait()
    backend.close()
    wrong = [*load.wrong[:5], *leaks(samples[1], samples[-1]), *unlike(folder / "recordings" / "gateway.db", load)]
    return wrong + ([f"the gateway ended with {code}"] if code else [])


def told(sample: dict[str, int]) -> str:
    return ", ".join(f"{value >> 20} MiB" if name == "memory" else f"{value} {name}" for name, value in sample.items())


def leaks(early: dict[str, int], late: dict[str, int]) -> list[str]:
    """What the gateway holds at rest must be what it held after the first fifth."""
    room = {
        "tasks": 4,
        "clients": 4,
        "descriptors": 2 * CONNECTIONS,
    }  # idle connections to upstreams are kept for a while
    found = [f"{name}: {early[name]} -> {late[name]}" for name, more in room.items() if late[name] > early[name] + more]
    if late["memory"] - early["memory"] > GROWTH:
        found.append(f"memory: {early['memory'] >> 20} -> {late['memory'] >> 20} MiB")
    return found + [f"{name}: {late[name]}" for name in ("under_way", "missed") if late[name]]


CHECKS = {
    "exchanges stand in another's session": """
        SELECT count(*) FROM exchanges WHERE instr(target, '/' || session || '-') = 0""",
    "bodies are another's": """
        SELECT count(*) FROM exchanges e JOIN bodies b ON b.sha256 = e.response_body
        WHERE packed = 0 AND target LIKE '/api/shop/_e%t/%' AND instr(data, CAST(session || '-' AS BLOB)) = 0""",
    "recordings have another's exchanges": """
        SELECT count(*) FROM exchanges e JOIN recordings r ON r.id = e.recording WHERE r.session <> e.session""",
    "recordings have holes": """
        SELECT count(*) FROM (SELECT 1 FROM exchanges GROUP BY recording HAVING max(step) <> count(*))""",
    "exchanges are still open": "SELECT count(*) FROM exchanges WHERE state = 'open'",
    "exchanges hold a token in clear": """
        SELECT count(*) FROM exchanges WHERE instr(request_head, CAST('token-of-' AS BLOB))""",
}


def unlike(path: Path, load: Load) -> list[str]:
    """What the store says about sessions, order and completeness."""
    connection = sqlite3.connect(path)

    def ask(sql: str) -> Any:
        return connection.execute(sql).fetchone()[0]

    found = [f"{count} {what}" for what, sql in CHECKS.items() if (count := ask(sql))]
    if (sound := ask("PRAGMA integrity_check")) != "ok":
        found.append(f"the file is damaged: {sound}")
    stored = {id for (id,) in connection.execute("SELECT id FROM exchanges WHERE state = 'done'")}
    if lost := sum(id not in stored for id in load.complete):
        found.append(f"{lost} of {len(load.complete)} answers that came whole are not in the store")
    print(
        f"{len(stored)} exchanges stored, of {ask('SELECT count(DISTINCT session) FROM exchanges')} sessions,", end=" "
    )
    print(f"{ask('SELECT count(*) FROM chunks')} pieces of streams, {path.stat().st_size >> 20} MiB;", end=" ")
    print(f"{len(load.complete)} answers came whole")
    return found


def main() -> int:
    if sys.argv[1:2] == ["--serve"]:
        asyncio.run(serve(Path(sys.argv[2]), int(sys.argv[3])))
        return 0
    words = [*sys.argv[1:4], *("300000", "200", "1")[len(sys.argv[1:4]) :]]
    exchanges, sessions, workers = map(int, words)
    with tempfile.TemporaryDirectory() as folder:
        wrong = asyncio.run(soak(exchanges, sessions, workers, Path(folder)))
    print("\n".join(wrong) if wrong else "nothing leaked, nothing crossed, nothing was lost")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

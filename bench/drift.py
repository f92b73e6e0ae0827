"""What comparing with a contract costs the gateway: its own CPU for each exchange, with the checker and without.

    python -m bench.drift [ROUNDS]

The checker is a process of its own and not counted; what the gateway does for it is: reading its findings, writing them
and the names of operations. Rounds with and without a contract take turns, the median ratio counts: 1.05 at most.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

CALLS = 6000  # of a round, on CLIENTS connections
CLIENTS = 8
WARM = 500

CONTRACT = """\
openapi: 3.1.0
info: {title: Shop, version: '1'}
paths:
  /orders/{id}:
    get:
      operationId: getOrder
      parameters: [{name: id, in: path, required: true, schema: {type: integer}}]
      responses:
        '200': {description: one, content: {application/json: {schema: {$ref: '#/components/schemas/Order'}}}}
components:
  schemas:
    Line: {type: object, required: [qty], properties: {qty: {type: integer}, isbn: {type: string}}}
    Order: {type: object, required: [id, lines], properties: {id: {type: integer}, note: {type: string},
      lines: {type: array, items: {$ref: '#/components/schemas/Line'}}}}
"""
REQUEST = b"GET /api/shop/orders/%d HTTP/1.1\r\nHost: x\r\nGateway-Session: s%d\r\n\r\n"
ROUTES = """\
version: 1
environments: [test]
clusters:
  shop: {{path: /api/shop, environment: test, upstreams: {{test: "{url}"}}{contract}}}
"""


def body_of(number: int) -> bytes:
    """An order of about a kilobyte that differs from every other."""
    lines = [{"qty": number % 9 + 1, "isbn": f"978-{number:010}"} for _ in range(20)]
    return json.dumps({"id": number, "note": f"order {number}", "lines": lines}).encode()


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(asyncio.IncompleteReadError, ConnectionError):
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            body = body_of(int(head.split()[1].rpartition(b"/")[2]))
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body))
            writer.write(body)
    writer.close()


async def call(port: int, numbers: range) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for number in numbers:
        writer.write(
            b"GET /api/shop/orders/%d HTTP/1.1\r\nHost: x\r\nGateway-Session: s%d\r\n\r\n" % (number, number % 8)
        )
        head = await reader.readuntil(b"\r\n\r\n")
        found = re.search(rb"content-length: (\d+)", head.lower())
        assert found is not None, head
        await reader.readexactly(int(found[1]))
    writer.close()


def cpu_of(pid: int) -> float:
    """Seconds of CPU of a process alone."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def one_round(url: str, *, contract: bool) -> float:
    """Microseconds of the gateway's own CPU for each exchange."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "shop.yaml").write_text(CONTRACT)
        (folder / "routes.yaml").write_text(
            ROUTES.format(url=url, contract=", contract: shop.yaml" if contract else "")
        )
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "gateway", "serve", "-p", "0", "--no-health", cwd=folder, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        assert process.stdout is not None
        try:
            line = await process.stdout.readline()
            port = int(line.split(b"http://127.0.0.1:")[1].split()[0].rstrip(b"/"))
            await call(port, range(WARM))
            await asyncio.sleep(3)  # the checker has begun, the writer has tidied
            before, share = cpu_of(process.pid), CALLS // CLIENTS
            await asyncio.gather(
                *(call(port, range(WARM + at * share, WARM + (at + 1) * share)) for at in range(CLIENTS))
            )
            await caught_up(folder / "recordings" / "gateway.db", WARM + CALLS if contract else 0)
            return (cpu_of(process.pid) - before) / CALLS * 1e6
        finally:
            process.terminate()
            await process.wait()


async def caught_up(path: Path, count: int) -> None:
    """Until the checker has counted so many, and the writer has nothing left to tidy."""
    import sqlite3

    until = time.monotonic() + 120
    while count and time.monotonic() < until:
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as store:
            (judged,) = store.execute("SELECT coalesce(sum(judged), 0) FROM drift_places").fetchone()
        if judged >= count:
            break
        await asyncio.sleep(0.5)
    await asyncio.sleep(6)


async def main(rounds: int) -> None:
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    pairs = []
    for number in range(rounds):
        without, with_it = [await one_round(url, contract=contract) for contract in (False, True)]
        pairs.append((without, with_it))
        print(
            f"round {number + 1}: {without:.0f} us without, {with_it:.0f} us with: {with_it / without:.3f}", flush=True
        )
    ratio = statistics.median(with_it / without for without, with_it in pairs)
    print(f"the gateway's own CPU for each exchange with its contract checked: {ratio:.3f} x (wanted: 1.05 at most)")
    server.close()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 5))

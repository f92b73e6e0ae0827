"""SIGTERM: what is under way is finished and stored, nothing new is taken, exit 0. A second signal ends at once."""

import asyncio
import json
import os
import signal
import sqlite3
import sys
import time
from pathlib import Path

import pytest
from peers import raw_client, raw_upstream, status_of
from relaying import orders_at

START = 60.0  # seconds for a slow machine
GET = b"GET /api/orders/%d HTTP/1.1\r\nHost: localhost\r\nGateway-Session: s\r\n\r\n"


async def started(folder: Path, url: str) -> tuple[asyncio.subprocess.Process, str]:
    """A real `gateway serve`, once it answers."""
    (folder / "routes.yaml").write_text(orders_at(url))
    words = ["serve", "-c", "routes.yaml", "-r", "r/gateway.db", "-p", "0", "--no-health", "--drain", "10"]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gateway", *words, cwd=folder, stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL, env={**os.environ, "PYTHONWARNINGS": ""},
    )  # fmt: skip
    file, end = folder / "r" / "gateway.run.json", time.monotonic() + START
    while not file.exists():
        assert process.returncode is None and time.monotonic() < end
        await asyncio.sleep(0.05)
    return process, json.loads(file.read_text())["url"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_what_is_under_way_is_finished_and_stored(tmp_path, number):
    asked, go = [], asyncio.Event()

    async def talk(peer):
        while True:
            await peer.request()
            asked.append(peer.number)
            await go.wait()
            await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")

    async def ask(n: int) -> bytes:
        async with raw_client(url) as client:
            await client.send(GET % n)
            head, body = await client.response()
            assert status_of(head) == 200
            assert await client.rest() == b"", "the connection closes after the last answer"
            return body

    async with raw_upstream(talk) as upstream:
        process, url = await started(tmp_path, upstream.url)
        tasks = [asyncio.create_task(ask(n)) for n in range(10)]
        async with asyncio.timeout(START):
            while len(asked) < 10:
                await asyncio.sleep(0.01)
        process.send_signal(number)
        async with asyncio.timeout(START):
            while True:  # nothing new is taken
                try:
                    async with raw_client(url):
                        await asyncio.sleep(0.02)
                except OSError:
                    break
        go.set()
        assert await asyncio.gather(*tasks) == [b"hi"] * 10
        async with asyncio.timeout(START):
            assert await process.wait() == 0
    with sqlite3.connect(f"file:{tmp_path / 'r' / 'gateway.db'}?mode=ro", uri=True) as db:
        assert db.execute("select count(*) from exchanges").fetchone() == (10,)
        assert db.execute("pragma integrity_check").fetchone() == ("ok",)
    db.close()


async def test_a_second_signal_does_not_wait(tmp_path):
    asked = asyncio.Event()

    async def talk(peer):
        await peer.request()
        asked.set()
        await asyncio.sleep(60)

    async with raw_upstream(talk) as upstream:
        process, url = await started(tmp_path, upstream.url)
        async with raw_client(url) as client:
            await client.send(GET % 1)
            await asyncio.wait_for(asked.wait(), START)
            process.send_signal(signal.SIGTERM)
            await asyncio.sleep(0.5)
            assert process.returncode is None, "the first waits for what is under way"
            process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(START):
                assert await process.wait() != 0


async def test_a_hangup_reads_the_routes_and_ends_nothing(tmp_path):
    async def status_at(path: bytes) -> int:
        async with raw_client(url) as client:
            await client.send(b"GET %b HTTP/1.1\r\nHost: localhost\r\n\r\n" % path)
            return status_of(await client.head())

    async with raw_upstream(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi") as upstream:
        process, url = await started(tmp_path, upstream.url)
        (tmp_path / "routes.yaml").write_text(orders_at(upstream.url, path="/api/elsewhere"))
        for _ in range(3):
            process.send_signal(signal.SIGHUP)
        async with asyncio.timeout(START):
            while await status_at(b"/api/elsewhere") != 200:
                await asyncio.sleep(0.02)
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0


STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: %b\r\n\r\n"


async def test_ctrl_c_with_open_streams_ends_soon_and_says_who_cut_them(tmp_path):
    """A stream, a slow download and a request without an answer."""
    held, asked = asyncio.Event(), []

    async def talk(peer):
        head, _ = await peer.request()
        asked.append(peer.number)
        if b"/1 " in head[:40]:
            await peer.send(STREAM % b"text/event-stream" + b"data: 1\n\n")
        elif b"/2 " in head[:40]:
            await peer.send(STREAM % b"application/octet-stream" + b"x" * 1000)
        await held.wait()

    async with raw_upstream(talk) as upstream:
        process, url = await started(tmp_path, upstream.url)
        async with raw_client(url) as events, raw_client(url) as download, raw_client(url) as waiting:
            for n, client in enumerate((events, download, waiting), 1):
                await client.send(GET % n)
            async with asyncio.timeout(START):
                while len(asked) < 3:
                    await asyncio.sleep(0.01)
                assert status_of(await events.head()) == status_of(await download.head()) == 200
            process.send_signal(signal.SIGINT)
            async with asyncio.timeout(START):  # without the end of a stream; --drain gives 10 s, Ctrl-C less
                assert await process.wait() == 0
            head, body = await waiting.response()
            assert status_of(head) == 503 and b"gateway_stopped" in body
        held.set()
    with sqlite3.connect(tmp_path / "r" / "gateway.db") as store:
        rows = store.execute("SELECT target, failure_kind FROM exchanges ORDER BY target").fetchall()
    assert rows == [(f"/api/orders/{n}", "gateway_stopped") for n in (1, 2, 3)]

"""Streams flow at once, in both directions, with bounded memory; WebSockets pass byte for byte."""

import asyncio
import base64
import os
import subprocess
import sys
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from peers import field_of, raw_client, raw_upstream, status_of
from relaying import orders_at, relaying

UPGRADE = (
    b"GET /api/orders/ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + base64.b64encode(b"0" * 16) + b"\r\n"
)


async def test_each_sse_event_passes_as_it_comes_and_is_kept_as_a_chunk():
    go = asyncio.Queue()

    async def talk(peer):
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
        while (event := await go.get()) is not None:
            await peer.send(event)

    async with raw_upstream(talk) as upstream, relaying(orders_at(upstream.url)) as gw, raw_client(gw.url) as client:
        await client.send(b"GET /api/orders/feed HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n")
        assert status_of(await client.head()) == 200
        assert gw.recorder.shown[0].stream == "sse", "visible while still open"
        for i in range(3):
            go.put_nowait(b"data: %d\n\n" % i)
            async with asyncio.timeout(5):
                assert await client.reader.readuntil(b"\n\n\r\n") == b"9\r\ndata: %d\n\n\r\n" % i
        assert [data for _, sent, data in gw.recorder.chunks] == [b"data: 0\n\n", b"data: 1\n\n", b"data: 2\n\n"]
        go.put_nowait(None)
        assert (await client.reader.readuntil(b"0\r\n\r\n")).endswith(b"0\r\n\r\n")
        (capture,) = await gw.recorder.until(1)
        assert capture.failure is None
        assert capture.response_size == 27


async def test_a_client_that_leaves_a_feed_lets_go_of_the_upstream():
    left = asyncio.Event()

    async def talk(peer):
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n")
        await peer.reader.read(1)
        left.set()

    async with raw_upstream(talk) as upstream, relaying(orders_at(upstream.url)) as gw:
        async with raw_client(gw.url) as client:
            await client.send(b"GET /api/orders/feed HTTP/1.1\r\nHost: x\r\n\r\n")
            await client.reader.readuntil(b"data: 1\n\n")
        async with asyncio.timeout(5):
            await left.wait()
        (capture,) = await gw.recorder.until(1)
        assert capture.failure[0] == "client_closed"
        assert capture.status == 200


async def test_a_slow_reader_holds_the_upstream_back():
    sent = 0

    async def talk(peer):
        nonlocal sent
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (64 << 20))
        piece = b"x" * 65536
        for _ in range(1024):
            await peer.send(piece)
            sent += len(piece)

    async with raw_upstream(talk) as upstream, relaying(orders_at(upstream.url)) as gw:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(gw.url.rpartition(":")[2]), limit=1024)
        writer.write(b"GET /api/orders HTTP/1.1\r\nHost: x\r\n\r\n")
        await asyncio.sleep(0.5)
        assert sent < 32 << 20, "the gateway read on though nobody takes it"
        size = 0
        async with asyncio.timeout(30):
            await reader.readuntil(b"\r\n\r\n")
            while size < 64 << 20:
                size += len(await reader.read(1 << 20))
        writer.close()
        (capture,) = await gw.recorder.until(1)
        assert capture.response_size == 64 << 20
        assert sum(map(len, capture.response_body)) == 1 << 20


async def test_a_slow_upstream_holds_the_client_back():
    go = asyncio.Event()

    async def talk(peer):
        await peer.head()
        peer.writer.transport.pause_reading()
        await go.wait()
        peer.writer.transport.resume_reading()
        await peer.reader.readexactly(64 << 20)
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")

    async with raw_upstream(talk) as upstream, relaying(orders_at(upstream.url)) as gw, raw_client(gw.url) as client:
        await client.send(b"POST /api/orders HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % (64 << 20))
        sent = 0
        piece = b"x" * 65536
        while sent < 64 << 20:
            try:
                async with asyncio.timeout(0.5):
                    await client.send(piece)
            except TimeoutError:
                assert not go.is_set()
                assert sent < 32 << 20, "the gateway read on though the upstream takes nothing"
                go.set()
            sent += len(piece)
        assert go.is_set()
        assert (await client.response())[1] == b"hi"
        (capture,) = await gw.recorder.until(1)
        assert capture.request_size == 64 << 20


async def websocket_upstream() -> tuple[web.AppRunner, str]:
    async def echo(request: web.Request) -> web.StreamResponse:
        if request.query.get("refuse"):
            return web.json_response({"error": "no"}, status=403)
        ws = web.WebSocketResponse(protocols=("chat",))
        await ws.prepare(request)
        async for message in ws:
            if message.data == "bye":
                await ws.close(code=4321, message=b"so long")
            elif message.type is aiohttp.WSMsgType.TEXT:
                await ws.send_str("echo " + message.data)
            else:
                await ws.send_bytes(message.data)
        return ws

    app = web.Application()
    app.router.add_get("/ws", echo)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    return runner, f"http://127.0.0.1:{runner.addresses[0][1]}"


async def test_websockets_pass_with_subprotocol_close_code_and_refusal():
    runner, url = await websocket_upstream()
    try:
        async with relaying(orders_at(url)) as gw, aiohttp.ClientSession() as client:
            async with client.ws_connect(gw.url + "/api/orders/ws", protocols=("chat",)) as ws:
                assert ws.protocol == "chat"
                await ws.send_str("hello")
                assert await ws.receive_str() == "echo hello"
                big = os.urandom(300_000)
                await ws.send_bytes(big)
                assert await ws.receive_bytes() == big
                await ws.send_str("bye")
                closing = await ws.receive()
                assert closing.type is aiohttp.WSMsgType.CLOSE
                assert (closing.data, closing.extra) == (4321, "so long")
            (capture,) = await gw.recorder.until(1)
            assert capture.status == 101
            assert capture.stream == "websocket"
            assert capture.failure is None
            assert {sent for _, sent, _ in gw.recorder.chunks} == {True, False}
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await client.ws_connect(gw.url + "/api/orders/ws?refuse=1")
            assert refused.value.status == 403
            async with client.get(gw.url + "/api/orders/ws?refuse=1") as response:
                assert response.status == 403
    finally:
        await runner.cleanup()


async def test_fragments_and_early_frames_pass_byte_for_byte():
    fragments = bytes.fromhex("0103414243 8003444546 8905 70696e6721".replace(" ", "")) + b"\xff\x00 not even a frame"

    async def talk(peer):
        await peer.head()
        await peer.send(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n" + fragments
        )
        assert await peer.reader.readexactly(4) == b"\x88\x02\x03\xe8"
        await peer.send(b"\x88\x02\x03\xe8")

    async with raw_upstream(talk) as upstream, relaying(orders_at(upstream.url)) as gw, raw_client(gw.url) as client:
        await client.send(UPGRADE + b"\r\n\x88\x02\x03\xe8")
        head = await client.head()
        assert status_of(head) == 101
        assert field_of(head, b"Gateway-Exchange")
        assert await client.rest() == fragments + b"\x88\x02\x03\xe8"
        await gw.recorder.until(1)
        received = b"".join(data for _, sent, data in gw.recorder.chunks if not sent)
        assert received == fragments + b"\x88\x02\x03\xe8"


async def test_a_websocket_from_a_foreign_origin_needs_to_be_listed():
    async def talk(peer):
        await peer.head()
        await peer.send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")

    async with raw_upstream(talk) as upstream:
        text = orders_at(upstream.url) + 'cors: {origins: ["http://localhost:4200"]}\n'
        async with relaying(text) as gw:
            for origin, status in ((b"https://evil.test", 403), (b"http://localhost:4200", 101), (b"http://x", 101)):
                async with raw_client(gw.url) as client:
                    await client.send(UPGRADE + b"Origin: " + origin + b"\r\n\r\n")
                    assert status_of(await client.head()) == status


async def test_a_move_leaves_running_streams_where_they_are():
    async def talk(peer):
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nold-")
        await go.wait()
        await peer.send(b"done")

    go = asyncio.Event()
    async with raw_upstream(talk) as old, raw_upstream(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nnew") as new:
        async with relaying(orders_at(old.url)) as gw, raw_client(gw.url) as client:
            await client.send(b"GET /api/orders HTTP/1.1\r\nHost: x\r\n\r\n")
            await client.head()
            from relaying import table_of

            gw.routes.table = table_of(orders_at(new.url))
            async with raw_client(gw.url) as other:
                await other.send(b"GET /api/orders HTTP/1.1\r\nHost: x\r\n\r\n")
                assert (await other.response())[1] == b"new"
            go.set()
            assert await client.reader.readexactly(8) == b"old-done"
            first, second = sorted(await gw.recorder.until(2), key=lambda c: c.step)
            assert first.upstream_url.startswith(old.url)
            assert second.upstream_url.startswith(new.url)


GIANT = """
import asyncio, resource, sys
sys.path.insert(0, {support!r})
from peers import raw_upstream
from relaying import orders_at, relaying
SIZE = 1 << 30
PIECE = b"x" * (1 << 18)
async def talk(peer):
    head = await peer.head()
    if head.startswith(b"POST"):
        left = SIZE
        while left:
            left -= len(await peer.reader.read(1 << 18))
        await peer.send(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nhi")
    else:
        await peer.send(b"HTTP/1.1 200 OK\\r\\nContent-Length: %d\\r\\n\\r\\n" % SIZE)
        for _ in range(SIZE // len(PIECE)):
            await peer.send(PIECE)
async def main():
    async with raw_upstream(talk, limit=1 << 18) as upstream, relaying(orders_at(upstream.url)) as gw:
        port = int(gw.url.rpartition(":")[2])
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 18)
        writer.write(b"GET /api/orders HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n")
        await reader.readuntil(b"\\r\\n\\r\\n")
        left = SIZE
        while left:
            left -= len(await reader.read(1 << 18))
        writer.write(b"POST /api/orders HTTP/1.1\\r\\nHost: x\\r\\nContent-Length: %d\\r\\n\\r\\n" % SIZE)
        for _ in range(SIZE // len(PIECE)):
            writer.write(PIECE)
            await writer.drain()
        await reader.readuntil(b"\\r\\n\\r\\nhi")
        writer.close()
        captures = await gw.recorder.until(2)
        assert captures[0].response_size == SIZE and captures[1].request_size == SIZE
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
asyncio.run(main())
"""


@pytest.mark.slow
def test_a_gibibyte_down_and_up_in_bounded_memory(tmp_path):
    """Gateway, upstream and client share one process here; its growth bounds the gateway's."""
    script = tmp_path / "giant.py"
    script.write_text(GIANT.format(support=str(Path(__file__).parent.parent / "support")))
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 30 * 1024, f"grew by {done.stdout.strip()} KiB"

"""The baseline: a bare, tuned aiohttp proxy that records nothing. `python bare_proxy.py PORT BACKEND`."""

import asyncio
import sys

import aiohttp
from aiohttp import web
from yarl import URL

HOP = frozenset(("connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade", "host", "content-length"))


async def main(port: int, backend: str) -> None:
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=30)
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=5, sock_read=30)
    async with aiohttp.ClientSession(
        connector=connector, timeout=timeout, auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar(),
        skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding"),
    ) as client:  # fmt: skip

        async def handler(request: web.BaseRequest) -> web.StreamResponse:
            headers = [(k, v) for k, v in request.headers.items() if k.lower() not in HOP]
            body = await request.read() if request.body_exists else None
            url = URL(backend + request.raw_path.removeprefix("/api/orders"), encoded=True)
            async with client.request(request.method, url, headers=headers, data=body, allow_redirects=False) as answer:
                kept = [(k, v) for k, v in answer.headers.items() if k.lower() not in HOP]
                return web.Response(status=answer.status, headers=kept, body=await answer.read())

        server = web.Server(handler, auto_decompress=False, access_log=None)
        runner = web.ServerRunner(server)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port, backlog=1024).start()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2]))

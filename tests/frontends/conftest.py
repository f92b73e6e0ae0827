"""A shop with two environments behind a real gateway, and the dev servers that `make browsers` installed in front of it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from aiohttp import ClientSession, web
from serving import serving

HERE = Path(__file__).parent
START = 120.0  # seconds: Angular builds the page first

ROUTES = """\
version: 1
environments: [dev, test]
clusters:
  shop:
    path: /api/shop
    environment: dev
    upstreams: {{dev: "{dev}", test: "{test}"}}
"""


class DevServers:
    """Starts the dev servers of the throwaway folder in copies of the projects beside this file."""

    def __init__(self, installed: Path, folder: Path) -> None:
        self.installed, self.folder = installed, folder

    @contextlib.asynccontextmanager
    async def running(self, kind: str, gateway: str, **variables: str) -> AsyncIterator[str]:
        """The address of the front end; `gateway` is where its proxy sends /api."""
        modules = self.installed / "node_modules"
        program = modules / ".bin" / {"vite": "vite", "angular": "ng"}[kind]
        if not program.exists():
            pytest.skip(f"{kind} is not installed: make browsers")
        project = self.folder / kind
        shutil.copytree(HERE / kind, project)
        (project / "node_modules").symlink_to(modules)
        port = _free_port()
        words = ["--port", str(port), "--host", "localhost"]
        command = [str(program), *(["--strictPort"] if kind == "vite" else ["serve"]), *words]
        environment = os.environ | {"GATEWAY": gateway, "NG_CLI_ANALYTICS": "false", "NO_COLOR": "1"} | variables
        process = await asyncio.create_subprocess_exec(
            *command, cwd=project, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        try:
            assert process.stdout is not None
            await _until_it_listens(process.stdout)
            reading = asyncio.create_task(_drain(process.stdout))
            yield f"http://localhost:{port}"
            reading.cancel()
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


async def _until_it_listens(output: asyncio.StreamReader) -> None:
    said = b""
    try:
        async with asyncio.timeout(START):
            while not re.search(rb"Local:\s+http://", said):
                line = await output.readline()
                assert line, f"the dev server ended: {said.decode()}"
                said += line
    except TimeoutError:
        raise AssertionError(f"the dev server does not start: {said.decode()}") from None


async def _drain(output: asyncio.StreamReader) -> None:
    while await output.readline():
        pass


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.fixture
def dev_servers(tmp_path):
    folder = os.environ.get("GATEWAY_BROWSERS")
    if not folder:
        pytest.skip("dev servers are tried in `make browsers`, which installs them first")
    return DevServers(Path(folder).absolute(), tmp_path)


@contextlib.asynccontextmanager
async def shop(name: str) -> AsyncIterator[str]:
    """An upstream that says its name after a moment, so that parallel calls overlap. It may be kept for an hour."""

    async def respond(request: web.Request) -> web.Response:
        await asyncio.sleep(0.05)
        return web.json_response({"from": name}, headers={"Cache-Control": "public, max-age=3600"})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", respond)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


class Operator:
    """Calls the API as the console and the command line do."""

    def __init__(self, session: ClientSession, url: str) -> None:
        self.session, self.url = session, url

    async def call(self, method: str, path: str, body: object = None):
        headers = {"Gateway-Session": "operator"}
        async with self.session.request(
            method, f"{self.url}/_gateway/api/v1/{path}", json=body if body is not None else {}, headers=headers
        ) as response:
            assert response.status < 300, await response.text()
            return await response.json() if response.status != 204 else None


@pytest.fixture
async def shop_gateway(tmp_path) -> AsyncIterator[tuple[str, Callable]]:
    """(the gateway's address, a function that calls its API)."""
    async with shop("dev") as dev, shop("test") as test, ClientSession() as client:
        async with serving(tmp_path, ROUTES.format(dev=dev, test=test)) as gateway:
            yield gateway.url, Operator(client, gateway.url).call

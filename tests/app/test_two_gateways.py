"""One session through two gateways of one database: its steps, pins and playback go with it.

Covers: store/postgres/sessions.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import signal
import socket
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from postgres import a_schema
from served import START, Served, served, upstream

from gateway.keys import load_keys
from gateway.paths import DatabasePath
from gateway.store import open_store

SESSION, PINS, FAULTS = (f"/_gateway/api/v1/session{part}" for part in ("", "/pins/orders", "/faults/orders"))


@pytest.fixture
def url() -> Iterator[str]:
    with a_schema() as url:
        yield url


@asynccontextmanager
async def two_gateways(tmp_path: Path, url: str) -> AsyncIterator[tuple[Served, Served]]:
    """Each with a folder of its own, and the same keys."""
    async with upstream(tmp_path) as folder:
        load_keys(tmp_path / "one", {})
        (tmp_path / "two").mkdir()
        shutil.copy(tmp_path / "one" / "gateway.key", tmp_path / "two" / "gateway.key")
        one, two = (DatabasePath.of(url, tmp_path / name) for name in ("one", "two"))
        async with serving_in(folder, one) as first, serving_in(folder, two) as second:
            yield first, second


@asynccontextmanager
async def serving_in(folder: Path, path: DatabasePath) -> AsyncIterator[Served]:
    """A gateway whose own files lie in the folder of `path`."""
    key = {"GATEWAY_SECRET_KEY": (path.parent / "gateway.key").read_text().strip()}
    (home := path.parent.parent / f"of-{path.parent.name}").mkdir(exist_ok=True)
    async with served(home, "-c", str(folder / "routes.yaml"), path=path, more=key) as gateway:
        yield gateway


def client(gateway: Served, name: str) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(f"http://127.0.0.1:{gateway.port}", headers={"Gateway-Session": name})


async def ask(gateway: Served, name: str, path: str = SESSION, method: str = "GET", **given: object) -> Any:
    async with client(gateway, name) as one, one.request(method, path, json=given or None) as got:
        assert got.status == 200, await got.text()
        return await got.json()


async def test_sequential_calls_round_robin_are_one_recording_in_the_order_of_the_calls(
    tmp_path: Path, url: str
) -> None:
    async with two_gateways(tmp_path, url) as (one, two):
        for number in range(100):
            await (one, two)[number % 2].calls(number, session=b"ann")
    with closing(open_store(one.path)) as store:
        (recording,) = store.recordings().items
        found = store.exchanges(recording.id).items
    assert [one.step for one in found] == list(range(1, 101))
    assert [int(one.path.rpartition("/")[2]) for one in found] == list(range(100))


async def test_parallel_calls_of_one_session_on_two_gateways_lose_nothing(tmp_path: Path, url: str) -> None:
    async with two_gateways(tmp_path, url) as (one, two):
        await one.calls(0, session=b"ann")
        await asyncio.gather(*(
            gateway.calls(*range(at * 100 + 1, at * 100 + 26), session=b"ann")
            for at, gateway in enumerate((one, two) * 4)
        ))  # fmt: skip
    with closing(open_store(one.path)) as store:
        found = [each for one in store.recordings().items for each in store.exchanges(one.id).items]
        places = {(one.recording, one.step) for one in found}
    assert len(found) == len(places) == 201


async def test_pins_and_faults_go_with_the_session_and_so_does_a_new_recording(tmp_path: Path, url: str) -> None:
    async with two_gateways(tmp_path, url) as (one, two):
        await one.calls(1, session=b"ann")
        await ask(one, "ann", PINS, "PUT", environment="test")
        await ask(one, "ann", FAULTS, "PUT", status=418, rate=0.5)
        await one.calls(2, session=b"bob")  # what was queued before it is stored
        before = await ask(one, "ann")
        assert await ask(two, "ann") == before
        async with client(two, "ann") as there, there.post("/_gateway/api/v1/session/recording", json={}) as got:
            new = (await got.json())["recording"]
        assert new != before["recording"]
        async with asyncio.timeout(START):
            while (await ask(one, "ann"))["recording"] != new:
                await asyncio.sleep(0.05)


async def test_a_playback_goes_on_at_the_other_gateway_when_one_is_killed(tmp_path: Path, url: str) -> None:
    async with two_gateways(tmp_path, url) as (one, two):
        await one.calls(7, 7, 7, session=b"source")
        recording = (await ask(one, "player", "/_gateway/api/v1/recordings"))["items"][0]["id"]
        await ask(one, "player", f"/_gateway/api/v1/recordings/{recording}/playback", "POST", end="404")

        async def step(gateway: Served) -> str:
            async with client(gateway, "player") as player, player.get("/api/orders/7") as got:
                await got.read()
                return str(got.headers["Gateway-Playback"].partition(";")[0].rpartition("/")[2])

        steps = [await step(one), await step(one)]
        one.process.send_signal(signal.SIGKILL)
        await one.process.wait()
        assert [*steps, await step(two)] == ["1", "2", "3"]


DOCS = Path(__file__).parents[2] / "docs" / "scale.md"


def configuration(folder: Path, port: int, gateways: Sequence[Served]) -> str:
    """nginx as the page has it, on these ports, writing nowhere but into the folder."""
    block = re.search(r"```nginx\n(.*?)```", DOCS.read_text("utf-8"), re.DOTALL)
    assert block
    text = block[1].replace("listen 8080", f"listen 127.0.0.1:{port}")
    for number, gateway in enumerate(gateways, 1):
        text = text.replace(f"gw-{number}.example:8080", f"127.0.0.1:{gateway.port}")
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in kinds)
    head = f"daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log; events {{}}\n"
    return f"{head}http {{ access_log off;\n{temporary}{text}}}\n"


@asynccontextmanager
async def in_front_of(folder: Path, *gateways: Served) -> AsyncIterator[str]:
    """The address of an nginx before the gateways."""
    nginx = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/bin") or pytest.skip("nginx is not installed")
    folder.mkdir()
    folder.chmod(0o755)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (folder / "nginx.conf").write_text(configuration(folder, port, gateways))
    process = await asyncio.create_subprocess_exec(nginx, "-c", f"{folder}/nginx.conf", "-e", f"{folder}/error.log")
    try:
        async with asyncio.timeout(START):
            while not socket_answers(port):
                await asyncio.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        await process.wait()


def socket_answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def steps_of_others(path: DatabasePath, recording: str) -> list[int]:
    """The steps in the database of the one recording beside this."""
    with closing(open_store(path)) as store:
        played = [one for one in store.recordings().items if one.id != recording]
        return [one.step for one in store.exchanges(played[0].id).items] if played else []


async def test_a_browser_behind_nginx_plays_on_while_the_gateway_that_it_is_on_is_killed(
    tmp_path: Path, url: str
) -> None:
    async with two_gateways(tmp_path, url) as gateways, in_front_of(tmp_path / "nginx", *gateways) as address:
        await gateways[0].calls(*[7] * 6, session=b"source")
        async with aiohttp.ClientSession(address, cookie_jar=aiohttp.CookieJar(unsafe=True)) as browser:
            async with browser.get("/_gateway/api/v1/recordings") as got:
                recording = (await got.json())["items"][0]["id"]
            async with browser.post(f"/_gateway/api/v1/recordings/{recording}/playback", json={"end": "404"}) as got:
                assert got.status == 200, await got.text()

            async def step() -> str:
                async with browser.get("/api/orders/7") as got:
                    await got.read()
                    return str(got.headers["Gateway-Playback"].partition(";")[0].rpartition("/")[2])

            before = [await one.counted("gateway_recorded_total") for one in gateways]
            steps = [await step() for _ in range(3)]
            after = [await one.counted("gateway_recorded_total") for one in gateways]
            home = max(range(2), key=lambda at: after[at] - before[at])
            # What a gateway has spooled, where the database was slow for a moment, another cannot know yet.
            async with asyncio.timeout(START):
                while await asyncio.to_thread(steps_of_others, gateways[0].path, recording) != [1, 2, 3]:
                    await asyncio.sleep(0.05)
            gateways[home].process.send_signal(signal.SIGKILL)
            await gateways[home].process.wait()
            steps += [await step() for _ in range(3)]
            assert steps == ["1", "2", "3", "4", "5", "6"]
            async with browser.get("/_gateway/") as page:
                assert page.status == 200
    with closing(open_store(gateways[0].path)) as store:
        played = next(one for one in store.recordings().items if one.id != recording)
        assert [one.step for one in store.exchanges(played.id).items] == [1, 2, 3, 4, 5, 6]

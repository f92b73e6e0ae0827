"""One session through two gateways of one database: its steps, pins and playback go with it.

Covers: store/postgres/sessions.
"""

from __future__ import annotations

import asyncio
import shutil
import signal
from collections.abc import AsyncIterator, Iterator
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

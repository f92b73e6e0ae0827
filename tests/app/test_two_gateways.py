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
from contextlib import AsyncExitStack, asynccontextmanager, closing
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from postgres import a_schema
from served import START, Served, served, upstream

from gateway.keys import load_keys
from gateway.model.exchange import Exchange
from gateway.model.recording import all_items
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


TOGETHER = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pair(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Served, Served]]:
    """Two gateways for all tests that end none of them; each test has sessions of its own."""
    async with AsyncExitStack() as stack:
        url = stack.enter_context(a_schema())
        yield await stack.enter_async_context(two_gateways(tmp_path_factory.mktemp("pair"), url))


def recordings_of(gateway: Served, session: str) -> list[list[Exchange]]:
    """The exchanges of each recording of a session, as they are in the database."""
    with closing(open_store(gateway.path)) as store:
        own = [one.id for one in all_items(lambda at: store.recordings(cursor=at)) if one.session == session]
        return [list(all_items(lambda at, id=id: store.exchanges(id, cursor=at))) for id in own]  # type: ignore[misc]


@asynccontextmanager
async def serving_in(folder: Path, path: DatabasePath) -> AsyncIterator[Served]:
    """A gateway whose own files lie in the folder of `path`."""
    key = {"GATEWAY_SECRET_KEY": (path.parent / "gateway.key").read_text().strip()}
    (home := path.parent.parent / f"of-{path.parent.name}").mkdir(exist_ok=True)
    async with served(home, "-c", str(folder / "routes.yaml"), path=path, more=key) as gateway:
        yield gateway


def client(gateway: Served, name: str) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(f"http://127.0.0.1:{gateway.port}", headers={"Gateway-Session": name})


async def ask(
    gateway: Served, name: str, path: str = SESSION, method: str = "GET", *, expected: int = 200, **given: object
) -> Any:
    async with client(gateway, name) as one, one.request(method, path, json=None if method == "GET" else given) as got:
        assert got.status == expected, await got.text()
        return await got.json()


@TOGETHER
async def test_sequential_calls_round_robin_are_one_recording_in_the_order_of_the_calls(
    pair: tuple[Served, Served],
) -> None:
    for number in range(100):
        await pair[number % 2].calls(number, session=b"in-turn")
    (found,) = recordings_of(pair[0], "in-turn")
    assert [one.step for one in found] == list(range(1, 101))
    assert [int(one.path.rpartition("/")[2]) for one in found] == list(range(100))


@TOGETHER
async def test_parallel_calls_of_one_session_on_two_gateways_lose_nothing(pair: tuple[Served, Served]) -> None:
    await pair[0].calls(0, session=b"parallel")
    await asyncio.gather(*(
        gateway.calls(*range(at * 100 + 1, at * 100 + 26), session=b"parallel") for at, gateway in enumerate(pair * 4)
    ))  # fmt: skip
    found = [one for each in recordings_of(pair[0], "parallel") for one in each]
    assert len(found) == len({(one.recording, one.step) for one in found}) == 201


@TOGETHER
async def test_pins_and_faults_go_with_the_session_and_so_does_a_new_recording(pair: tuple[Served, Served]) -> None:
    one, two = pair
    await one.calls(1, session=b"eve")
    await ask(one, "eve", PINS, "PUT", environment="test")
    await ask(one, "eve", FAULTS, "PUT", status=418, rate=0.5)
    before = await ask(one, "eve")
    assert await ask(two, "eve") == before
    new = (await ask(two, "eve", f"{SESSION}/recording", "POST"))["recording"]
    assert new != before["recording"]
    assert (await ask(one, "eve"))["recording"] == new


@TOGETHER
async def test_what_a_session_changes_at_one_gateway_holds_at_the_other_with_the_next_call(
    pair: tuple[Served, Served],
) -> None:
    """Each has the session in memory, and nobody gives it time to look."""
    for here, there in ((0, 1), (1, 0), (0, 1), (1, 0)):
        gateway, other = pair[here], pair[there]
        await gateway.calls(1, session=b"ann")
        await ask(gateway, "ann", PINS, "PUT", environment="test")
        assert "orders" in (await ask(other, "ann"))["pins"]
        await ask(other, "ann", PINS, "DELETE")
        await ask(other, "ann", FAULTS, "PUT", status=418)
        async with client(gateway, "ann") as ann, ann.get("/api/orders/2") as got:
            assert got.status == 418
        await ask(gateway, "ann", FAULTS, "DELETE")
        found = await ask(other, "ann")
        assert (found["pins"], found["faults"]) == ({}, {})


async def played(gateway: Served, session: str = "player") -> str:
    """The recorded step that answers the next call."""
    async with client(gateway, session) as player, player.get("/api/orders/7") as got:
        assert "Gateway-Playback" in got.headers, (got.status, dict(got.headers), await got.text())
        return got.headers["Gateway-Playback"].partition(";")[0].rpartition("/")[2]


async def play(gateway: Served, steps: int, session: str = "player") -> None:
    await gateway.calls(*[7] * steps, session=b"source")
    recordings = (await ask(gateway, session, "/_gateway/api/v1/recordings"))["items"]
    (recording,) = (one["id"] for one in recordings if one["session"] == "source")
    await ask(gateway, session, f"/_gateway/api/v1/recordings/{recording}/playback", "POST", end="404")


@TOGETHER
async def test_a_playback_through_two_gateways_in_turn_is_one_playback(pair: tuple[Served, Served]) -> None:
    """No step is given twice, and the recording is played from the first call on: nobody has to look first."""
    await ask(pair[1], "player")
    await play(pair[0], 8)
    assert [await played(pair[(number + 1) % 2]) for number in range(8)] == [str(step) for step in range(1, 9)]


async def test_a_playback_goes_on_at_the_other_gateway_when_one_is_killed(tmp_path: Path, url: str) -> None:
    async with two_gateways(tmp_path, url) as (one, two):
        await ask(two, "player")
        await play(one, 6)
        steps = [await played(one), await played(two), await played(one), await played(one)]
        one.process.send_signal(signal.SIGKILL)
        await one.process.wait()
        assert [*steps, await played(two), await played(two)] == ["1", "2", "3", "4", "5", "6"]


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

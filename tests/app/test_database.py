"""Whole gateways on one database: killed under load, with the database crashing under them, and the password nowhere.

Covers: cli/server.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from postgres import a_schema, a_server
from served import START, body_of, served, upstream

from gateway.cli.server import words_without
from gateway.paths import DatabasePath
from gateway.store import open_store

PASSWORD = "hunter-of-secrets"


@pytest.fixture
def path(tmp_path: Path) -> Iterator[DatabasePath]:
    with a_schema() as url:
        yield DatabasePath.of(url.replace("gateway@", f"gateway:{PASSWORD}@", 1), tmp_path / "recordings")


def stored(path: Path) -> dict[int, str]:
    """number -> exchange id of all recordings, each number once, every body as it was sent, no step twice."""
    found: dict[int, str] = {}
    with closing(open_store(path)) as store:
        for recording in store.recordings().items:
            exchanges = store.exchanges(recording.id, limit=100_000).items
            assert len({one.step for one in exchanges}) == len(exchanges)
            for one in exchanges:
                number = int(one.path.rpartition("/")[2])
                if one.state == "done" and one.failure is None:
                    assert number not in found
                    assert one.response is not None
                    assert one.response.body.data == body_of(number)
                    found[number] = one.id.upper()
    return found


async def until_stored(path: Path, got: dict[int, str]) -> dict[int, str]:
    """What was spooled is sent within a moment."""
    async with asyncio.timeout(START):
        while not got.items() <= (found := stored(path)).items():
            await asyncio.sleep(0.2)
    return found


async def test_gateways_that_are_killed_under_load_lose_nothing_that_a_client_got(
    tmp_path: Path, path: DatabasePath
) -> None:
    got: dict[int, str] = {}
    async with upstream(tmp_path) as folder, served(folder, path=path) as stays:
        for round in range(3):
            async with served(folder, path=path) as gateway:
                load = asyncio.create_task(gateway.load(round * 100_000))
                async with asyncio.timeout(START):
                    while len(gateway.got) < 20 + 9 * round:
                        await asyncio.sleep(0.001)
                gateway.process.send_signal(signal.SIGKILL)
                await load
                got |= gateway.got
        await stays.calls(900_000, 900_001)
        await until_stored(path, got | stays.got)
    assert len(got) >= 20 + 29 + 38


async def test_no_request_fails_while_the_database_crashes_and_comes_back(tmp_path: Path) -> None:
    with a_server(tmp_path) as database:
        path = DatabasePath.of(database.url, tmp_path / "recordings")
        async with upstream(tmp_path) as folder, served(folder, path=path) as gateway:
            for round in range(3):
                first = round * 1000
                await gateway.calls(*range(first, first + 20))
                await asyncio.to_thread(database.stop, "immediate")
                await gateway.calls(*range(first + 20, first + 60))
                await asyncio.to_thread(database.start)
                await gateway.calls(*range(first + 60, first + 80))
            assert len(gateway.got) == 240
            found = await until_stored(path, gateway.got)
            assert await gateway.counted("gateway_missed_total") == 0
            assert len(found) == 240


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
async def test_the_password_is_in_no_page_log_file_or_command_line(tmp_path: Path, path: DatabasePath) -> None:
    async with upstream(tmp_path) as folder, served(folder, "--log-level", "debug", path=path) as gateway:
        await gateway.calls(1)
        words = Path(f"/proc/{gateway.process.pid}/cmdline").read_bytes()
        assert b"gateway" in words
        assert PASSWORD.encode() not in words
        for page in ("/_gateway/", "/_gateway/readyz", "/_gateway/metrics", "/_gateway/api/v1/recordings"):
            status, text = await gateway.page(page)
            assert (status, PASSWORD in text) == (200, False), page
        assert gateway.stored().keys() == {1}
    files = [one for one in tmp_path.rglob("*") if one.is_file()]
    assert any(one.name == "gateway.key" for one in files)
    assert [one.name for one in files if PASSWORD.encode() in one.read_bytes()] == []


@pytest.mark.parametrize(
    ("words", "left"),
    [
        (["serve", "-r", "URL", "-p", "0"], ["serve", "-p", "0"]),
        (["-m", "gateway", "serve", "--recordings", "URL"], ["-m", "gateway", "serve"]),
        (["serve", "--recordings=URL", "-c", "x"], ["serve", "-c", "x"]),
        (["serve", "-rURL"], ["serve"]),
    ],
)
def test_the_address_is_taken_out_of_the_words(words: list[str], left: list[str]) -> None:
    assert words_without(words, "URL") == left

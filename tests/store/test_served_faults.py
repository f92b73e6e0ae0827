"""The catalogue of recording faults, each done to a whole `gateway serve`: it forwards, says so, counts, recovers."""

from __future__ import annotations

import asyncio
import os
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from datetime import datetime
from pathlib import Path

import aiohttp
import pytest
from disks import fill, mounted
from served import START, Served, body_of, served, upstream

from gateway.store import open_store

ROUNDS = int(os.environ.get("ROUNDS", "4"))  # of kill -9 for each fault

LOCKS = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('BEGIN EXCLUSIVE'); print(1, flush=True); sys.stdin.read()"


async def told_everywhere(gateway: Served, word: str) -> None:
    """readyz is 503 and names it, and so do the console, which stays usable, and the metrics."""
    await gateway.until_ready(503, word)
    status, page = await gateway.page("/_gateway/")
    assert status == 200 and word in page
    assert (await gateway.page("/_gateway/healthz"))[0] == 200
    assert await gateway.counted("gateway_recorder_ok") == 0


async def well_again(gateway: Served) -> None:
    await gateway.until_ready(200, "ready")
    assert await gateway.counted("gateway_recorder_ok") == 1
    async with asyncio.timeout(START):
        while await gateway.counted("gateway_recorder_backlog_bytes"):
            await asyncio.sleep(0.05)


async def test_a_full_disk(tmp_path: Path) -> None:
    async with upstream(tmp_path) as folder:
        with mounted(folder / "disk", "-t", "tmpfs", "-o", "size=64m", "tmpfs") as disk:
            async with served(folder, path=disk / "gateway.db") as gateway:
                await gateway.calls(*range(5))
                fill(disk / "ballast")
                await gateway.calls(*range(3000, 3600, 3))
                await told_everywhere(gateway, "full")
                await gateway.calls(*range(5, 10))  # answered all the same
                (disk / "ballast").unlink()
                await well_again(gateway)
                await gateway.calls(*range(10, 15))
                assert await gateway.counted("gateway_missed_total") == 0
                assert gateway.stored() == gateway.got
                assert gateway.sound()


async def test_the_log_does_not_take_what_a_small_disk_has_left(tmp_path: Path) -> None:
    """A lone client's commits write a hundred times as much to the log as to the file."""
    async with upstream(tmp_path) as folder:
        with mounted(folder / "disk", "-t", "tmpfs", "-o", "size=16m", "tmpfs") as disk:
            async with served(folder, path=disk / "gateway.db") as gateway:
                await gateway.calls(*(number * 4000 for number in range(600)))
                assert (await gateway.page("/_gateway/readyz"))[0] == 200
                assert gateway.stored() == gateway.got
                assert gateway.path.with_name("gateway.db-wal").stat().st_size < 8 << 20


async def test_a_lock_of_another_process(tmp_path: Path) -> None:
    async with upstream(tmp_path) as folder, served(folder) as gateway:
        await gateway.calls(*range(5))
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        with subprocess.Popen([sys.executable, "-c", LOCKS, gateway.path], **pipes) as other:  # type: ignore[call-overload]
            assert other.stdout.readline() == b"1\n"
            await gateway.calls(*range(5, 10))
            await told_everywhere(gateway, "locked")
            slowest = 0.0
            for number in range(10, 60):  # once it is known, nobody waits for the lock
                begun = time.monotonic()
                await gateway.calls(number)
                slowest = max(slowest, time.monotonic() - begun)
            assert slowest < 5
            other.stdin.close()
            other.wait()
        await well_again(gateway)
        assert await gateway.counted("gateway_missed_total") == 0
        assert gateway.stored() == gateway.got


@pytest.mark.parametrize("how", ["deleted", "moved"])
async def test_the_file_goes_away(tmp_path: Path, how: str) -> None:
    """The very next exchange is in a new file: no record goes to a file that nobody can reach."""
    async with upstream(tmp_path) as folder, served(folder) as gateway:
        await gateway.calls(*range(5))
        before = gateway.stored()  # what was in the journal is in the file now
        assert before == gateway.got
        elsewhere = tmp_path / "kept.db"
        for end in ("", "-wal", "-shm"):
            file = gateway.path.with_name(gateway.path.name + end)
            if how == "deleted":
                file.unlink(missing_ok=True)
            elif file.exists():
                file.rename(elsewhere.with_name(elsewhere.name + end))
        await gateway.calls(*range(5, 10))
        await told_everywhere(gateway, how)
        await gateway.calls(*range(10, 15))
        new = {number: id for number, id in gateway.got.items() if number not in before}
        assert gateway.stored() == new
        if how == "moved":
            assert Served(gateway.process, gateway.port, elsewhere).stored() == before


async def test_a_disk_that_turns_read_only_under_way(tmp_path: Path) -> None:
    """What ext4 does when its device reports errors; a remount of a busy file system is refused by the kernel.

    The mended disk is mounted over the broken one: between an unmount and a mount the gateway would rightly begin a
    file in the empty folder. What was written while the disk broke is gone with it, whatever write(2) had said."""
    image, mended = tmp_path / "image", tmp_path / "mended"
    with image.open("wb") as file:
        file.truncate(32 << 20)
    if subprocess.run(["mkfs.ext4", "-q", "-F", str(image)], capture_output=True, check=False).returncode:
        pytest.skip("needs mkfs.ext4")
    options = ("-o", "loop,errors=remount-ro")
    async with upstream(tmp_path) as folder:
        with mounted(folder / "disk", *options, str(image)) as disk:
            async with served(folder, path=disk / "gateway.db") as gateway:
                await gateway.calls(*range(5))
                assert gateway.stored() == gateway.got  # what was in the journal is in the file now
                subprocess.run(["sync", "-f", str(disk)], check=True)  # what only memory had would be gone with it
                break_file_system(disk)
                await gateway.calls(5)
                await told_everywhere(gateway, "read-only")
                while_it_broke = {5: gateway.got.pop(5)}
                await gateway.calls(*range(6, 10))
                subprocess.run(["cp", str(image), str(mended)], check=True)
                subprocess.run(["e2fsck", "-fy", str(mended)], capture_output=True, check=False)
                with over(disk, *options, str(mended)):
                    await gateway.calls(*range(10, 15))
                    async with asyncio.timeout(START):
                        while not gateway.got.items() <= (stored := gateway.stored()).items():
                            await asyncio.sleep(0.1)
                    assert stored.items() <= (gateway.got | while_it_broke).items()
                    assert await gateway.counted("gateway_missed_total") == 0
                    assert gateway.sound()


@contextmanager
def over(folder: Path, *words: str) -> Iterator[None]:
    """Another file system at the same folder: no moment without one."""
    subprocess.run(["mount", *words, str(folder)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def break_file_system(mount: Path) -> None:
    """Only ever the loop device that is mounted here."""
    device = os.stat(mount).st_dev
    found = Path(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}").resolve().name
    trigger = Path("/sys/fs/ext4", found, "trigger_fs_error")
    if not found.startswith("loop") or not trigger.exists():
        pytest.skip("needs a loop device and ext4's trigger_fs_error")
    trigger.write_text("a test")


@contextmanager
def locked(path: Path) -> Iterator[None]:
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", LOCKS, path], **pipes) as other:  # type: ignore[call-overload]
        assert other.stdout.readline() == b"1\n"
        yield
        other.stdin.close()
        other.wait()


@contextmanager
def filled(path: Path) -> Iterator[None]:
    fill(path.with_name("ballast"))
    yield
    path.with_name("ballast").unlink()


@pytest.mark.parametrize("fault", [locked, filled])
async def test_kill_9_while_recording_fails_loses_nothing_uncounted(
    tmp_path: Path, fault: Callable[[Path], AbstractContextManager[None]]
) -> None:
    """What a client got complete is in the store, or in the count that the next start begins with."""
    got: dict[int, str] = {}
    async with upstream(tmp_path) as folder:
        with mounted(folder / "disk", "-t", "tmpfs", "-o", "size=128m", "tmpfs") as disk:
            for round in range(ROUNDS):
                async with served(folder, path=disk / "gateway.db") as gateway:
                    load = asyncio.create_task(gateway.load(round * 1_000_000, clients=4 + round))
                    await asyncio.sleep(0.2 + round / 50)
                    with fault(gateway.path):
                        await gateway.until_ready(503, "recorder")  # on a full disk, once the log's own room is used up
                        before = len(gateway.got)
                        async with asyncio.timeout(START):
                            while len(gateway.got) < before + 100:  # the first of them wait for a second
                                await asyncio.sleep(0.01)
                        gateway.process.send_signal(signal.SIGKILL)
                        await load
                    got |= gateway.got
            async with served(folder, path=disk / "gateway.db") as gateway:
                counted = await gateway.counted("gateway_missed_total")
                stored = gateway.stored()
                held = open_store(gateway.path).statistics()
            lost = [number for number in got if number not in stored]
            assert all(stored[number] == got[number] for number in got if number in stored)
            assert len(lost) <= held.missed <= len(got) + 64 * ROUNDS
            assert len(lost) == 0 if fault is locked else len(lost) >= 50 * ROUNDS  # the journal can be written to
            assert counted <= held.missed  # the last round's
            assert gateway.sound()


CLOCK = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
/* The wall clock, moved by as many seconds as the file says. The monotonic one is left alone. */
int clock_gettime(clockid_t id, struct timespec *at) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
    int result = real(id, at);
    long seconds = 0;
    FILE *file = id == CLOCK_REALTIME ? fopen(getenv("CLOCK_MOVED"), "r") : NULL;
    if (file) { if (fscanf(file, "%ld", &seconds) == 1) at->tv_sec += seconds; fclose(file); }
    return result;
}
"""


async def test_a_clock_that_jumps(tmp_path: Path) -> None:
    """An hour back, then a day ahead: the order, the durations and the session stay what they are."""
    source, library, moved = tmp_path / "clock.c", tmp_path / "clock.so", tmp_path / "moved"
    source.write_text(CLOCK)
    if shutil.which("cc") is None:
        pytest.skip("needs a C compiler")
    subprocess.run(["cc", "-shared", "-fPIC", "-o", str(library), str(source), "-ldl"], check=True)
    more = {"LD_PRELOAD": str(library), "CLOCK_MOVED": str(moved)}
    async with upstream(tmp_path) as folder, served(folder, more=more) as gateway:
        for number, seconds in enumerate((0, -3600, -3600, 86400, 0)):
            moved.write_text(str(seconds))
            await gateway.calls(number)
        assert gateway.stored() == gateway.got
        store = open_store(gateway.path)
        steps = store.exchanges(store.recording("@last").id).items
        assert len(store.recordings().items) == 1
        assert [one.path.rpartition("/")[2] for one in steps] == list("01234")
        times = [datetime.fromisoformat(one.started_at).timestamp() for one in steps]
        assert times[1] < times[0] - 3000 and times[3] > times[0] + 80_000  # the clock did jump
        assert all(0 <= (one.timing.total_ms or 0) < 30_000 for one in steps)
        assert (await gateway.page("/_gateway/readyz"))[0] == 200
        assert (await gateway.page("/_gateway/recordings"))[0] == 200


async def test_a_clock_that_jumps_during_playback(tmp_path: Path) -> None:
    """What a session plays goes on at its place, and nothing of it reaches the upstream."""
    source, library, moved = tmp_path / "clock.c", tmp_path / "clock.so", tmp_path / "moved"
    source.write_text(CLOCK)
    if shutil.which("cc") is None:
        pytest.skip("needs a C compiler")
    subprocess.run(["cc", "-shared", "-fPIC", "-o", str(library), str(source), "-ldl"], check=True)
    more = {"LD_PRELOAD": str(library), "CLOCK_MOVED": str(moved)}
    async with upstream(tmp_path) as folder, served(folder, more=more) as gateway, aiohttp.ClientSession() as http:
        base, session = f"http://127.0.0.1:{gateway.port}", {"Gateway-Session": "s"}
        moved.write_text("0")
        await gateway.calls(*range(6))
        recording = open_store(gateway.path).recording("@last").id
        async with http.post(
            f"{base}/_gateway/api/v1/recordings/{recording}/playback", headers=session, json={}
        ) as reply:
            assert reply.status == 200
        for number, seconds in enumerate((0, -3600, 86400 * 400, -86400 * 400, 0)):
            moved.write_text(str(seconds))
            async with http.get(f"{base}/api/orders/{number}", headers=session) as reply:
                assert reply.status == 200 and reply.headers["Gateway-Playback"].startswith(
                    f"{recording}/{number + 1};"
                )
                assert await reply.read() == body_of(number)
        assert (await gateway.page("/_gateway/readyz"))[0] == 200


async def test_a_full_disk_during_a_move(tmp_path: Path) -> None:
    """The move is refused in words and routes.yaml stays as it was; with room again it is done."""
    async with upstream(tmp_path) as folder:
        with mounted(folder / "disk", "-t", "tmpfs", "-o", "size=16m", "tmpfs") as disk:
            routes = disk / "routes.yaml"
            # As many bytes as whole pages, so that one byte more needs another page.
            text = (folder / "routes.yaml").read_text().replace("environments: [test]", "environments: [test, longer]")
            text = re.sub(r"\{test: (\S+?)\}", r"{test: \1, longer: \1}", text)
            routes.write_text(text + "#" * (4095 - len(text.encode()) % 4096) + "\n")
            before = routes.read_bytes()
            async with served(folder, "-c", str(routes)) as gateway, aiohttp.ClientSession() as http:
                fill(disk / "ballast")
                address = f"http://127.0.0.1:{gateway.port}/_gateway/api/v1/routes/orders/move"
                async with http.post(address, json={"environment": "longer"}) as reply:
                    problem = await reply.json()
                    assert reply.status >= 400 and "No space left" in problem["detail"], problem
                assert routes.read_bytes() == before and not list(disk.glob(".routes*"))
                await gateway.calls(1)
                (disk / "ballast").unlink()
                async with http.post(address, json={"environment": "longer"}) as reply:
                    assert reply.status == 200
                assert b"environment: longer" in routes.read_bytes()


def a_newer_schema(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")


def a_zeroed_header(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(b"\0" * 100)


def no_database(path: Path) -> None:
    path.write_text("hello")


@pytest.mark.parametrize(
    ("damage", "said"),
    [(a_newer_schema, "has schema 99"), (a_zeroed_header, "is damaged"), (no_database, "no SQLite file")],
)
async def test_a_file_that_cannot_be_used_stops_the_start_and_stays_as_it_is(
    tmp_path: Path, damage: Callable[[Path], None], said: str
) -> None:
    async with upstream(tmp_path) as folder:
        async with served(folder) as gateway:
            await gateway.calls(1)
            gateway.process.terminate()
            await gateway.process.wait()
        damage(gateway.path)
        before = gateway.path.read_bytes()
        words = [sys.executable, "-m", "gateway", "serve", "-p", "0", "--no-health"]
        ended = await asyncio.to_thread(subprocess.run, words, cwd=folder, capture_output=True, text=True, check=False)
        assert (ended.returncode, ended.stdout) == (1, "")
        assert said in ended.stderr and "try: " in ended.stderr and "Traceback" not in ended.stderr
        assert gateway.path.read_bytes() == before


async def test_a_second_gateway_on_the_same_file_is_refused(tmp_path: Path) -> None:
    async with upstream(tmp_path) as folder, served(folder) as gateway:
        words = [sys.executable, "-m", "gateway", "serve", "-p", "0", "--no-health"]
        ended = await asyncio.to_thread(subprocess.run, words, cwd=folder, capture_output=True, text=True, check=False)
        assert ended.returncode == 1
        assert f"another gateway writes to this file (process {gateway.process.pid})" in ended.stderr
        await gateway.calls(1)
        assert gateway.stored() == gateway.got


def folded(path: Path) -> bool:
    with closing(sqlite3.connect(path)) as connection:
        return bool(connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0)


async def test_a_file_that_is_damaged_under_way_is_set_aside_and_another_begun(tmp_path: Path) -> None:
    async with upstream(tmp_path) as folder, served(folder) as gateway:
        await gateway.calls(*range(200))
        async with asyncio.timeout(START):  # all of the log is folded in: what it holds would mend the file again
            while not folded(gateway.path):
                await asyncio.sleep(0.1)
        with gateway.path.open("r+b") as file:
            file.seek(0)
            file.write(os.urandom(gateway.path.stat().st_size))
        number = 1000
        async with asyncio.timeout(START):
            while not list(gateway.path.parent.glob("gateway.db.corrupt-*")):
                await gateway.calls(number)
                number += 1
        await gateway.calls(5000)
        assert gateway.stored()[5000] == gateway.got[5000]
        assert gateway.sound()
        assert "damaged" in (await gateway.page("/_gateway/readyz"))[1]


async def test_a_power_cut_leaves_a_file_that_opens_clean(tmp_path: Path) -> None:
    """The file and its log as they are at a moment under load, without the last bytes of the log, which the system had
    not brought to the disk: what is left is sound, and a beginning of what was recorded, without a gap."""
    chance = random.Random(5)
    async with upstream(tmp_path) as folder, served(folder) as gateway:
        load = asyncio.create_task(gateway.load(0))
        log, copy = gateway.path.with_name("gateway.db-wal"), tmp_path / "copy.db"
        for _ in range(12):
            await asyncio.sleep(chance.random() / 5)
            gateway.process.send_signal(signal.SIGSTOP)
            await asyncio.sleep(0.02)
            shutil.copy(gateway.path, copy)
            cut = chance.randrange(log.stat().st_size // 2, log.stat().st_size)
            copy.with_name("copy.db-wal").write_bytes(log.read_bytes()[:cut])
            copy.with_name("copy.db-shm").unlink(missing_ok=True)
            gateway.process.send_signal(signal.SIGCONT)
            found = Served(gateway.process, gateway.port, copy)
            assert found.sound()
            with closing(sqlite3.connect(copy)) as connection:
                numbers = [seq for (seq,) in connection.execute("SELECT seq FROM exchanges ORDER BY seq")]
            assert numbers == list(range(1, len(numbers) + 1))
        gateway.process.kill()
        await load

"""A whole `gateway serve` whose disk, file or process fails under load: clients are answered, the record is honest."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import pytest
from served import START, body_of, refusing, served, upstream

from gateway.store import open_store


async def test_twenty_rounds_of_kill_9_under_load_lose_nothing_that_a_client_got(tmp_path: Path) -> None:
    got: dict[int, str] = {}
    async with upstream(tmp_path) as folder:
        for round in range(20):
            async with served(folder) as gateway:
                load = asyncio.create_task(gateway.load(round * 100_000))
                async with asyncio.timeout(START):
                    while len(gateway.got) < 1 + 9 * round:
                        await asyncio.sleep(0.001)
                gateway.process.send_signal(signal.SIGKILL)
                await load
                got |= gateway.got
    assert len(got) >= sum(1 + 9 * round for round in range(20))
    stored = gateway.stored()
    assert {number: stored.get(number) for number in got} == got
    assert gateway.sound()


@pytest.mark.parametrize(("error", "word"), [("ENOSPC", "the disk is full"), ("EIO", "the disk reports an error")])
async def test_a_disk_that_refuses_to_write_is_told_and_nothing_is_lost(tmp_path: Path, error: str, word: str) -> None:
    async with upstream(tmp_path) as folder, served(folder) as gateway:
        await gateway.calls(*range(5))
        async with refusing(gateway.process.pid, error):
            await gateway.calls(*range(5, 10))  # answered: what SQLite refuses is in the journal
            await gateway.until_ready(503, word)
            async with asyncio.timeout(START):  # a writer that is late for a second lets clients go before it counts
                while await gateway.counted("gateway_recorded_total") != 10:
                    await asyncio.sleep(0.05)
        await gateway.until_ready(200, "ready")
        await gateway.calls(*range(10, 15))
        assert await gateway.counted("gateway_missed_total") == 0
        assert gateway.stored() == gateway.got
    assert sorted(gateway.got) == list(range(15))
    assert gateway.sound()


async def test_a_frozen_gateway_goes_on_where_it_was(tmp_path: Path) -> None:
    """SIGSTOP and SIGCONT, as a debugger or a laptop's lid does it."""
    async with upstream(tmp_path) as folder, served(folder) as gateway:
        await gateway.calls(1)
        gateway.process.send_signal(signal.SIGSTOP)
        waiting = asyncio.create_task(gateway.calls(2, 3))
        await asyncio.sleep(0.3)
        assert sorted(gateway.got) == [1]
        gateway.process.send_signal(signal.SIGCONT)
        await asyncio.wait_for(waiting, START)
        assert gateway.stored() == gateway.got
        assert (await gateway.page("/_gateway/readyz"))[0] == 200


async def test_twenty_sessions_at_once_are_never_mixed(tmp_path: Path) -> None:
    async with upstream(tmp_path) as folder, served(folder) as gateway:
        numbers = {b"session-%d" % client: range(client * 1000, client * 1000 + 50) for client in range(20)}
        await asyncio.gather(*(gateway.calls(*theirs, session=session) for session, theirs in numbers.items()))
        store = open_store(gateway.path)
        found = store.recordings().items
        assert len(found) == 20
        for recording in found:
            steps = store.exchanges(recording.id).items
            assert [step.step for step in steps] == list(range(1, 51))
            assert {step.session for step in steps} == {recording.session}
            targets = [int(step.path.rpartition("/")[2]) for step in steps]
            assert targets == list(numbers[recording.session.encode()])
            assert all(
                step.response and step.response.body.data == body_of(n) for step, n in zip(steps, targets, strict=True)
            )
        store.close()

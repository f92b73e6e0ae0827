"""Rows of a worker are safe before anybody is answered; tokens that one process sealed are known to the others."""

from __future__ import annotations

import asyncio
import marshal
import socket
import threading
from collections import deque
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest
from captures import a_capture
from cryptography.fernet import Fernet

from gateway.keys import Keys
from gateway.redact import Sealer
from gateway.store import SqliteRecorder, open_recorder, open_store
from gateway.store.missed import NoLedger
from gateway.workers.channel import BlockingChannel
from gateway.workers.records import (
    LEARNED,
    MOST_FACTS,
    MOST_NEWS,
    Intake,
    RowSender,
    SharedSealer,
    TokenBoard,
    Unlearned,
    recalling,
)

TOKEN, OTHER = b"tok-7f3a9c1e5b2d8f46a0b1", b"tok-0011223344556677aabb"
KEYS = Keys.of([Fernet.generate_key().decode()])


class Owner:
    """The recordings, and workers as threads of this process."""

    def __init__(self, path: Path) -> None:
        self.news: deque[tuple[str, bytes]] = deque(maxlen=MOST_NEWS)
        self.sealer = Sealer(KEYS, lambda recording: (), news=self.news)
        self.recorder = open_recorder(path, seal=self.sealer, seal_piece=self.sealer.seal_chunk)
        self.board = TokenBoard(self.sealer, self.news)
        self.touched: list[str] = []
        self.heard: list[tuple[int, tuple]] = []
        self.workers: list[tuple[SqliteRecorder, RowSender, Intake]] = []

    def worker(self) -> SqliteRecorder:
        ours, theirs = map(BlockingChannel, socket.socketpair())
        news: list[tuple[str, bytes]] = []
        sealer = SharedSealer(KEYS, recalling(lambda: sender), news=news)
        sender = RowSender(self.recorder.path, theirs, sealer, news)
        intake = Intake(
            ours, self.recorder, self.board, touch=self.touched.extend, heard=lambda *fact: self.heard.append(fact)
        )
        recorder = SqliteRecorder(sender, backlog=1 << 20, held=True, live=None, ledger=NoLedger())
        self.workers.append((recorder, sender, intake))
        return recorder


@pytest.fixture
async def owner(tmp_path: Path) -> AsyncIterator[Owner]:
    owner = Owner(tmp_path / "gateway.db")
    await owner.recorder.start()
    yield owner
    for recorder, _, intake in owner.workers:
        await recorder.stop()
        await asyncio.to_thread(intake.end)
    await owner.recorder.stop()


async def put(recorder: SqliteRecorder, **facts: object) -> None:
    done = asyncio.Event()
    recorder.put(a_capture(**facts), done.set)
    await asyncio.wait_for(done.wait(), 30)


def stored(owner: Owner) -> list:
    with closing(open_store(owner.recorder.path)) as store:
        return list(store.exchanges(a_capture().recording).items)


async def test_rows_of_workers_and_owner_are_one_recording(owner: Owner) -> None:
    one, two = owner.worker(), owner.worker()
    await one.start()
    await two.start()
    for step, recorder in enumerate((one, owner.recorder, two, one), 1):
        await put(recorder, step=step, response_body=[b"the same body" * 200])
    assert [(found.step, found.response.body.data) for found in stored(owner)] == [
        (step, b"the same body" * 200) for step in (1, 2, 3, 4)
    ]
    assert owner.recorder.status().recorded == 4
    assert owner.touched == ["alice"] * 3


async def test_a_token_is_sealed_wherever_it_comes_next(owner: Owner) -> None:
    recorders = [owner.worker(), owner.worker(), owner.recorder]
    for recorder in recorders[:2]:
        await recorder.start()
    secrets = [(b"Authorization", b"Bearer " + TOKEN)], [(b"Authorization", b"Bearer " + OTHER)]
    for recorder in recorders:
        await put(recorder, step=recorders.index(recorder) + 1)  # each knows the recording by now
    await put(recorders[0], step=4, request_headers=secrets[0])
    await put(recorders[2], step=5, request_headers=secrets[1])
    for step, recorder in enumerate(recorders, 6):
        await put(recorder, step=step, response_body=[b"%b and %b" % (TOKEN, OTHER)])
    found = stored(owner)
    assert [one.step for one in found] == list(range(1, 9))
    for one in found[5:]:
        assert one.response.body.data.count(b"sealed_") == 2
        assert TOKEN not in one.response.body.data
        assert OTHER not in one.response.body.data


async def test_a_worker_that_comes_later_knows_the_tokens_of_a_recording(owner: Owner) -> None:
    first = owner.worker()
    await first.start()
    await put(first, step=1, request_headers=[(b"Authorization", b"Bearer " + TOKEN)])
    second = owner.worker()
    await second.start()
    await put(second, step=2, response_body=[b"echo " + TOKEN])
    assert TOKEN not in stored(owner)[1].response.body.data


async def test_facts_arrive_before_the_exchange_is_safe(owner: Owner) -> None:
    worker = owner.worker()
    _, sender, _ = owner.workers[0]
    sender.tell(LEARNED, "alice", b"sid=1")
    await worker.start()
    await put(worker)
    assert owner.heard == [(LEARNED, ("alice", b"sid=1"))]


async def test_what_a_worker_had_open_is_interrupted_when_it_is_gone(owner: Owner) -> None:
    worker = owner.worker()
    await worker.start()
    worker.opened(a_capture(step=1))
    await put(worker, step=2)
    await asyncio.to_thread(owner.workers[0][2].end)
    await asyncio.wrap_future(owner.recorder.change(lambda tables: None))
    assert [one.state for one in stored(owner)] == ["interrupted", "done"]
    owner.workers.clear()


async def test_without_its_owner_a_worker_lets_nothing_go(tmp_path: Path) -> None:
    ours, theirs = socket.socketpair()
    sender = RowSender(tmp_path / "gateway.db", BlockingChannel(theirs), SharedSealer(KEYS), [])
    recorder = SqliteRecorder(sender, backlog=1 << 20, held=True, live=None, ledger=NoLedger())
    await recorder.start()
    done = threading.Event()
    recorder.put(a_capture(), done.set)
    asked = await asyncio.to_thread(BlockingChannel(ours).receive)
    assert marshal.loads(asked)
    ours.close()
    await asyncio.sleep(0)
    assert not done.is_set()
    assert recorder.status().recorded == 0
    assert sender.current


def test_more_tokens_than_a_worker_can_learn_make_it_forget_all() -> None:
    unlearned = Unlearned()
    for number in range(10 * MOST_NEWS):
        unlearned.add([(f"r{number}", TOKEN)], is_all=False)
        assert sum(map(len, unlearned.tokens.values())) <= MOST_NEWS
    assert unlearned.is_all
    assert not unlearned.tokens


def test_facts_that_nobody_takes_along_do_not_gather(tmp_path: Path) -> None:
    one, two = socket.socketpair()
    sender = RowSender(tmp_path / "gateway.db", BlockingChannel(one), SharedSealer(KEYS), [])
    for number in range(10 * MOST_FACTS):
        sender.tell(LEARNED, "alice", b"%d" % number)
    assert len(sender._facts) <= MOST_FACTS
    assert sender._facts[-1] == (LEARNED, "alice", b"%d" % (10 * MOST_FACTS - 1))
    one.close()
    two.close()

"""Messages arrive whole, in order, each with its file, however the bytes are cut."""

from __future__ import annotations

import asyncio
import os
import socket
import threading

import pytest

from gateway.workers.channel import BlockingChannel, Channel

PATIENCE = 30.0


class Ends:
    """Both ends of a channel; `got` is what arrived at the second."""

    def __init__(self) -> None:
        one, two = socket.socketpair()
        for end in (one, two):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        self.got: list[tuple[int, bytes, int | None]] = []
        self.gone = asyncio.Event()
        self.one = Channel(one, lambda *message: None, lambda: None)
        self.two = Channel(two, lambda *message: self.got.append(message), self.gone.set)

    async def until(self, count: int) -> None:
        async with asyncio.timeout(PATIENCE):
            while len(self.got) < count:
                await asyncio.sleep(0)


async def test_messages_larger_than_the_sockets_buffers_arrive_whole_and_in_order() -> None:
    ends = Ends()
    sent = [(number, bytes([number]) * (number * 50_000)) for number in range(6)]
    for kind, payload in sent:
        ends.one.send(kind, payload)
    await ends.until(6)
    assert [(kind, payload) for kind, payload, _ in ends.got] == sent
    ends.one.close()
    await asyncio.wait_for(ends.gone.wait(), PATIENCE)


async def test_each_file_arrives_with_its_message() -> None:
    ends = Ends()
    pipes = [os.pipe() for _ in range(20)]
    for number, (reading, _) in enumerate(pipes):
        ends.one.send(1, b"x" * (number * 1000), reading if number % 3 else None)
    await ends.until(20)
    for number, (reading, writing) in enumerate(pipes):
        kind, payload, file = ends.got[number]
        assert (kind, len(payload), file is not None) == (1, number * 1000, bool(number % 3))
        os.write(writing, b"%d" % number)
        assert os.read(reading if file is None else file, 9) == b"%d" % number
        os.close(writing)
        os.close(reading if file is None else file)
    ends.one.close()
    ends.two.close()


async def test_a_file_for_nobody_is_closed() -> None:
    ends = Ends()
    reading, writing = os.pipe()
    ends.one.close()
    ends.one.send(1, b"", reading)
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(reading)
    os.close(writing)
    ends.two.close()


def test_a_conversation_ends_with_the_other_side() -> None:
    one, two = map(BlockingChannel, socket.socketpair())
    one.send(b"a question")
    assert two.receive() == b"a question"
    sent = [b"x" * 700_000, b"", b"two", b"at once"]
    sender = threading.Thread(target=lambda: [one.send(each) for each in sent])
    sender.start()
    assert [two.receive() for _ in sent] == sent
    sender.join()
    two.close()
    with pytest.raises(ConnectionError):
        one.receive()
    one.close()

"""The servers' event loop: its selector says what Python's own says."""

import asyncio
import contextlib
import select
import selectors
import signal
import socket
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import loop

pytestmark = pytest.mark.skipif(not hasattr(select, "epoll"), reason="epoll is Linux's")
MASKS = (selectors.EVENT_READ, selectors.EVENT_WRITE, selectors.EVENT_READ | selectors.EVENT_WRITE)


@given(
    st.lists(st.tuples(st.sampled_from(MASKS), st.sampled_from(["quiet", "data", "end", "reset", "full"])), max_size=6)
)
def test_it_finds_the_events_that_pythons_own_selector_finds(sockets):
    with contextlib.ExitStack() as stack:
        ours, theirs = stack.enter_context(loop.EpollSelector()), stack.enter_context(selectors.EpollSelector())
        for number, (mask, state) in enumerate(sockets):
            near, far = socket.socketpair()
            stack.enter_context(near)
            stack.enter_context(far)
            put_in(state, near, far)
            for selector in (ours, theirs):
                selector.register(near, mask, number)
        assert as_set(ours.select(0)) == as_set(theirs.select(0))


def put_in(state, near, far):
    near.setblocking(False)
    if state == "data":
        far.send(b"x")
    elif state == "end":
        far.shutdown(socket.SHUT_WR)
    elif state == "reset":
        near.send(b"x")
        far.close()
    elif state == "full":
        with contextlib.suppress(BlockingIOError):
            while True:
                near.send(b"x" * 65536)


def as_set(events):
    return {(key.data, key.fd, mask) for key, mask in events}


def test_it_waits_as_long_as_it_is_told_and_never_less():
    with loop.EpollSelector() as selector:
        for timeout in (0.0, -1.0, 0.0004, 0.02):
            begun = time.monotonic()
            assert selector.select(timeout) == []
            assert time.monotonic() - begun >= timeout


def test_it_waits_for_ever_until_something_comes():
    near, far = socket.socketpair()
    with near, far, loop.EpollSelector() as selector:
        selector.register(near, selectors.EVENT_READ)
        threading.Timer(0.05, far.send, (b"x",)).start()
        assert [mask for _, mask in selector.select()] == [selectors.EVENT_READ]


def test_the_servers_loop_runs_streams_timers_threads_and_signals():
    async def main():
        got = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, got.set)

        async def echo(reader, writer):
            writer.write(await reader.readexactly(5))
            writer.close()
            await writer.wait_closed()

        async with await asyncio.start_server(echo, "127.0.0.1", 0) as server:
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            writer.write(b"hello")
            word = await asyncio.wait_for(reader.read(), 5)
            writer.close()
            await writer.wait_closed()
        await asyncio.to_thread(signal.raise_signal, signal.SIGUSR1)
        await asyncio.wait_for(got.wait(), 5)
        await asyncio.sleep(0.01)
        return word, type(asyncio.get_running_loop())

    assert loop.run(main()) == (b"hello", asyncio.SelectorEventLoop)

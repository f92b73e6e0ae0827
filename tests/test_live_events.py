"""Events reach every page that watches, in order, once."""

import asyncio
import threading

import pytest

from gateway.live_events import LiveEvents


async def take(events, count):
    return [(await asyncio.wait_for(anext(events), 5))[1:] for _ in range(count)]


async def test_nobody_listens_and_publishing_is_harmless():
    live = LiveEvents()
    live.publish("exchange", {"id": "1"})
    assert not live.listening


async def test_every_listener_gets_every_event_in_order():
    live = LiveEvents()
    async with live.subscribe() as one, live.subscribe() as two:
        assert live.listening
        for number in range(5):
            live.publish("exchange", {"step": number})
        expected = [("exchange", {"step": number}) for number in range(5)]
        assert await take(one, 5) == expected
        assert await take(two, 5) == expected


async def test_a_page_that_comes_back_catches_up_from_its_last_event():
    live = LiveEvents()
    async with live.subscribe() as events:
        live.publish("exchange", {"step": 1})
        live.publish("exchange", {"step": 2})
        seen, _, _ = await anext(events)
    live.publish("exchange", {"step": 3})
    async with live.subscribe(after=seen) as events:
        assert [data["step"] for _, data in await take(events, 2)] == [2, 3]


async def test_an_id_from_the_future_begins_with_what_happens_now():
    live = LiveEvents()
    async with live.subscribe(after=10**18) as events:
        live.publish("routes", {"revision": "r"})
        assert await take(events, 1) == [("routes", {"revision": "r"})]


async def test_a_slow_page_loses_the_oldest_events_not_the_newest():
    live = LiveEvents(history=3)
    async with live.subscribe() as events:
        for number in range(10):
            live.publish("exchange", {"step": number})
        assert [data["step"] for _, data in await take(events, 3)] == [7, 8, 9]


async def test_a_timed_wait_that_runs_out_loses_nothing():
    live = LiveEvents()
    async with live.subscribe() as events:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(events), 0.01)
        live.publish("health", {"cluster": "orders"})
        assert await take(events, 1) == [("health", {"cluster": "orders"})]


async def test_the_history_is_forgotten_when_nobody_comes_back():
    live = LiveEvents(linger=0.0)
    async with live.subscribe() as events:
        live.publish("exchange", {"step": 1})
        seen, _, _ = await anext(events)
    while live.listening:
        await asyncio.sleep(0)
    async with live.subscribe(after=seen - 1) as events:
        live.publish("exchange", {"step": 2})
        assert [data["step"] for _, data in await take(events, 1)] == [2]


async def test_another_thread_may_publish():
    live = LiveEvents()
    async with live.subscribe() as events:
        writer = threading.Thread(target=lambda: [live.publish("exchange", {"step": n}) for n in range(3)])
        writer.start()
        assert [data["step"] for _, data in await take(events, 3)] == [0, 1, 2]
        writer.join()


async def test_closing_ends_every_listener():
    live = LiveEvents()
    async with live.subscribe() as events:
        waiting = asyncio.ensure_future(anext(events))
        await asyncio.sleep(0)
        live.close()
        with pytest.raises(StopAsyncIteration):
            await waiting

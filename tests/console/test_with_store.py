"""The pages and the API on the real recording file."""

import asyncio
import gzip
from dataclasses import replace

import consoling
import pytest
from captures import a_capture, recorded

from gateway.store import open_recorder, open_store


@pytest.fixture
async def services(tmp_path, book):
    services = consoling.some_services(tmp_path, book)
    recorder = open_recorder(tmp_path / "gateway.db", seal=None, live=services.live)
    await recorder.start()
    yield replace(services, store=open_store(tmp_path / "gateway.db"), recorder=recorder)
    await recorder.stop()


async def test_what_was_recorded_is_shown(client, services):
    body = gzip.compress(b'{"id": 123456789012345678901234567890}')
    await recorded(
        services.recorder,
        a_capture(1),
        a_capture(
            2, status=404, response_body=[body], response_size=len(body),
            response_headers=[(b"Content-Type", b"application/json"), (b"Content-Encoding", b"gzip")],
        ),
    )  # fmt: skip
    text = await (await client.get("/_gateway/recordings/@last")).text()
    assert "404" in text
    assert "<svg" in text
    found = await (await client.get("/_gateway/recordings/@last.json")).json()
    assert [one["step"] for one in found["items"]] == [1, 2]
    exchange = found["items"][1]["id"]
    text = await (await client.get(f"/_gateway/exchanges/{exchange}")).text()
    assert "123456789012345678901234567890" in text
    raw = await client.get(f"/_gateway/api/v1/exchanges/{exchange}/response-body")
    assert (await raw.read(), raw.content_type) == (body, "application/octet-stream")


async def test_the_live_list_begins_with_the_newest_of_a_long_recording(client, services):
    captures = [a_capture(number) for number in range(1, 80)]
    await recorded(services.recorder, *captures)
    found = await (await client.get("/_gateway/live.json?limit=10")).json()
    assert [one["step"] for one in found["items"]] == list(range(79, 69, -1))


async def test_notes_and_deletion_reach_the_file(client, services):
    await recorded(services.recorder, a_capture(1))
    answer = await client.patch("/_gateway/api/v1/recordings/@last", json={"title": "Mine", "note": "n", "tags": ["t"]})
    found = await answer.json()
    assert (found["title"], found["notes"], found["tags"]) == ("Mine", ["n"], ["t"])
    json = {"Content-Type": "application/json"}
    assert (await client.delete("/_gateway/api/v1/recordings/Mine", headers=json)).status == 200
    assert (await client.get("/_gateway/recordings/Mine")).status == 404


async def test_a_filter_that_is_off_says_what_was_meant(client, services):
    await recorded(services.recorder, a_capture(1))
    assert (await (await client.get("/_gateway/recordings.json?q=cluster:orders")).json())["items"]
    answer = await client.get("/_gateway/recordings.json?q=staus:404")
    assert answer.status == 400
    assert "status" in (await answer.json())["detail"]


async def test_nothing_recorded_yet_is_not_an_error(client):
    for path in ("/_gateway/", "/_gateway/live", "/_gateway/recordings", "/_gateway/history"):
        assert (await client.get(path)).status == 200, path
    assert (await client.get("/_gateway/recordings/@last")).status == 404


async def test_each_exchange_is_told_to_those_who_watch(client, services):
    async with services.live.subscribe() as events:
        await recorded(services.recorder, a_capture(1))
        _, name, data = await asyncio.wait_for(anext(events), 5)
    assert (name, data["step"], data["cluster"]) == ("exchange", 1, "orders")
    assert {"id", "recording", "method", "path", "status", "environment", "total_ms", "started_at", "failure"} <= set(
        data
    )

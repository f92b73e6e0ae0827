"""Decisions about correlations lie beside the recording: made, undone, read again, gone with it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from captures import a_capture, recorded

from gateway.correlation import Decisions, read_declared
from gateway.errors import NotFoundError, UsageError
from gateway.store import open_recorder, open_store

REC = "01JREC0000000000000000000A"
WRITTEN = "2:path.order_id=1:json:/id"


async def test_decisions_are_kept_beside_the_recording(tmp_path: Path) -> None:
    path = tmp_path / "gateway.db"
    recorder = open_recorder(path, seal=None)
    await recorder.start()
    await recorded(recorder, a_capture(1), a_capture(2))
    await asyncio.wrap_future(recorder.decide(REC, accept=["aaaa1111"], reject=["bbbb2222"], declare=[WRITTEN]))
    store = open_store(path)
    declared = read_declared(WRITTEN)
    assert store.decisions(REC) == Decisions(frozenset({"aaaa1111"}), frozenset({"bbbb2222"}), (declared,))

    await asyncio.wrap_future(recorder.decide(REC, reject=["aaaa1111"], forget=["bbbb2222", WRITTEN]))
    assert store.decisions(REC) == Decisions(rejected=frozenset({"aaaa1111"}))

    await asyncio.wrap_future(recorder.delete(REC))
    assert store.decisions(REC) == Decisions()
    await recorder.stop()


async def test_what_cannot_be_decided_is_said_before_anything_is_written(tmp_path: Path) -> None:
    recorder = open_recorder(tmp_path / "gateway.db", seal=None)
    await recorder.start()
    await recorded(recorder, a_capture(1))
    with pytest.raises(UsageError, match="is no binding"):
        recorder.decide(REC, declare=["order_id comes from somewhere"])
    with pytest.raises(NotFoundError, match="there is no recording 01JNOBODY"):
        await asyncio.wrap_future(recorder.decide("01JNOBODY", accept=["aaaa1111"]))
    await recorder.stop()

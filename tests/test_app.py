"""What only the whole gateway does: recordings that are past their retention limit are tidied away while it runs."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
from captures import a_capture, recorded
from serving import serving

from gateway.errors import NotFoundError

OLD, PINNED, NEW = (f"01J{letter * 23}" for letter in "ABC")
DAY = 86400.0
ROUTES = """\
version: 1
environments: [qa]
clusters:
  orders: {path: /api/orders, environment: qa, upstreams: {qa: "http://127.0.0.1:9"}}
"""


async def test_what_need_not_be_kept_any_longer_goes_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.app.TIDY_FIRST", 0.05)
    monkeypatch.setattr("gateway.app.TIDY", 0.05)
    async with serving(tmp_path, ROUTES) as gateway:
        store, recorder = gateway.services.store, gateway.services.recorder
        for id in (OLD, PINNED, NEW):
            begun = time.time() - (0 if id == NEW else 40 * DAY)
            await recorded(recorder, a_capture(1, id, session=id, started_at=begun))
        await asyncio.wrap_future(recorder.annotate(PINNED, pinned=True))
        await asyncio.sleep(0.2)
        assert len(store.recordings().items) == 3  # nothing says that any of them may go
        (tmp_path / "routes.yaml").write_text(ROUTES + "recording: {keep: {days: 30}}\n")
        async with asyncio.timeout(20):
            while len(store.recordings().items) > 2:
                await asyncio.sleep(0.05)
        assert [one.id for one in store.recordings().items] == [NEW, PINNED]
        with pytest.raises(NotFoundError):
            store.recording(OLD)

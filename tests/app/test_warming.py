"""Pages are compiled in the background, and not while traffic passes.

Covers: app, console/setup, own_pages.
"""

from __future__ import annotations

import asyncio

import aiohttp_jinja2
import jinja2
import pytest
from aiohttp import web

from gateway import own_pages as composition
from gateway.metrics import Metrics
from gateway.model.capture import Capture

PAGES = {"a.html": "a", "b.html": "b", "broken.html": "{% if %}", "c.html": "c"}


class Compiled(jinja2.DictLoader):
    """Says which pages were compiled."""

    def __init__(self) -> None:
        super().__init__(PAGES)
        self.names: list[str] = []

    def get_source(self, environment: jinja2.Environment, template: str):
        self.names.append(template)
        return super().get_source(environment, template)


class Busy(Metrics):
    """As long as it is busy another exchange has ended whenever one looks."""

    def __init__(self) -> None:
        super().__init__()
        self.busy, self.looks = True, 0

    @property
    def exchanges(self) -> int:
        self.looks += 1
        if self.busy:
            self.count(Capture())
        return super().exchanges


async def test_pages_are_compiled_when_no_traffic_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(composition, "WARM", 0)
    monkeypatch.setattr(composition, "CALM", 0)
    pages, metrics, app = Compiled(), Busy(), web.Application()
    aiohttp_jinja2.setup(app, loader=pages)
    async with composition._warming(app, metrics), asyncio.timeout(30):
        while metrics.looks < 20:
            await asyncio.sleep(0)
        assert pages.names == []
        metrics.busy = False
        while len(pages.names) < len(PAGES):
            await asyncio.sleep(0.001)
    assert pages.names == sorted(PAGES)

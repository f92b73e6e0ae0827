"""A real gateway in the test's own event loop: real store, real routes.yaml, real console."""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator
from pathlib import Path

from gateway.app import Gateway, running
from gateway.protocols import Options

WORKERS = int(os.environ.get("TEST_WORKERS", "1"))  # `make workers` runs the tests of a whole gateway with two


@contextlib.asynccontextmanager
async def serving(folder: Path, routes: str | None = None, **options) -> AsyncIterator[Gateway]:
    """A gateway on a free port; `routes` is written to routes.yaml first, None takes what is there."""
    file = folder / "routes.yaml"
    if routes is not None:
        file.write_text(routes)
    given = {"health_interval": 0.0, "drain": 2.0, "workers": WORKERS, **options}
    async with running(Options(file, folder / "recordings" / "gateway.db", port=0, **given)) as gateway:
        yield gateway

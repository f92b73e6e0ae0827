"""`python -m tests.hostile.probed FILE serve ...`: a gateway that notes every pause of its event loop in FILE.

A task sleeps 5 ms again and again. What it is late is a pause, as every client of the gateway feels it. Time in which
the operating system gave the processor to somebody else does not count: /proc tells it per thread (schedstat, the
second figure: nanoseconds spent runnable and waiting), and the largest of all threads is taken off, since the loop may
also wait for a thread that holds the interpreter's lock.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

STEP = 0.005  # seconds between two looks
WORTH = 0.010  # seconds: shorter pauses are not noted


def waited() -> dict[str, int]:
    """Nanoseconds that each thread has spent waiting for a processor; empty where the system does not say."""
    found = {}
    for task in Path("/proc/self/task").glob("*/schedstat"):
        with contextlib.suppress(OSError, IndexError, ValueError):
            found[task.parent.name] = int(task.read_text().split()[1])
    return found


async def watch(file: Path) -> None:
    """Append "monotonic seconds, pause in ms" for every pause."""
    with file.open("a", encoding="ascii", buffering=1) as out:
        before = waited()
        while True:
            begun = time.monotonic()
            await asyncio.sleep(STEP)
            late = time.monotonic() - begun - STEP
            if late < WORTH:
                continue
            now = waited()
            stolen = max((ns - before.get(thread, 0) for thread, ns in now.items()), default=0) / 1e9
            before = waited()
            if (pause := late - max(stolen, 0.0)) >= WORTH:
                out.write(f"{begun:.6f} {pause * 1000:.2f}\n")


def main() -> int:
    file = Path(sys.argv.pop(1))
    from gateway import app
    from gateway.cli.main import main as gateway

    running = app.running

    @contextlib.asynccontextmanager
    async def probed(options: Any) -> AsyncIterator[Any]:
        async with running(options) as found:
            task = asyncio.create_task(watch(file))
            try:
                yield found
            finally:
                task.cancel()

    app.running = probed  # type: ignore[assignment]
    return gateway(sys.argv[1:])


if __name__ == "__main__":
    os.environ.setdefault("PYTHONWARNINGS", "ignore")
    sys.exit(main())

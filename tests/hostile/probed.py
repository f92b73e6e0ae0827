"""`python -m tests.hostile.probed FILE serve ...`: a gateway that notes every pause of its event loop in FILE.

A task sleeps 5 ms again and again. What it is late is a pause, as every client of the gateway feels it. Time in which
the operating system gave the processor to somebody else does not count: /proc tells it per thread (schedstat, the
second figure: nanoseconds spent runnable and waiting), and the largest of all threads is taken off, since the loop may
also wait for a thread that holds the interpreter's lock. Beside it stands the processor time of the loop's own thread:
what the loop did itself, however busy the machine is.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import threading
import time
import traceback
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

STEP = 0.005  # seconds between two looks
LATE = 0.035  # seconds after which HOSTILE_STACKS=FILE tells what every thread does
WORTH = 0.010  # seconds: shorter pauses are not noted


def waited() -> dict[str, int]:
    """Nanoseconds that each thread has spent waiting for a processor; empty where the system does not say."""
    found = {}
    for task in Path("/proc/self/task").glob("*/schedstat"):
        with contextlib.suppress(OSError, IndexError, ValueError):
            found[task.parent.name] = int(task.read_text().split()[1])
    return found


async def watch(file: Path) -> None:
    """Append "monotonic seconds, pause in ms, processor time of the loop in ms" for every pause."""
    with file.open("a", encoding="ascii", buffering=1) as out:
        before = waited()
        while True:
            begun, spent = time.monotonic(), time.thread_time()
            await asyncio.sleep(STEP)
            late = time.monotonic() - begun - STEP
            if late < WORTH:
                continue
            now = waited()
            stolen = max((ns - before.get(thread, 0) for thread, ns in now.items()), default=0) / 1e9
            before = waited()
            if (pause := late - max(stolen, 0.0)) >= WORTH:
                out.write(f"{begun:.6f} {pause * 1000:.2f} {(time.thread_time() - spent) * 1000:.2f}\n")


def tell_where(file: Path) -> None:
    """A thread that writes the stacks of all threads whenever the loop has been late for LATE, to find out why."""
    seen = [time.monotonic()]
    main = threading.get_ident()

    async def beat() -> None:
        while True:
            seen[0] = time.monotonic()
            await asyncio.sleep(STEP)

    def look() -> None:
        told = 0.0
        with file.open("a", encoding="utf-8") as out:
            while True:
                time.sleep(STEP)
                if time.monotonic() - seen[0] > LATE and told != seen[0]:
                    told = seen[0]
                    for thread, frame in sys._current_frames().items():
                        mark = "loop" if thread == main else "thread"
                        out.write(f"--- {mark} at {told:.3f}\n{''.join(traceback.format_stack(frame)[-9:])}")
                    out.flush()

    threading.Thread(target=look, daemon=True).start()
    asyncio.get_running_loop().create_task(beat())


def main() -> int:
    file = Path(sys.argv.pop(1))
    from gateway import app
    from gateway.cli.main import main as gateway

    running = app.running

    @contextlib.asynccontextmanager
    async def probed(options: Any) -> AsyncIterator[Any]:
        async with running(options) as found:
            task = asyncio.create_task(watch(file))
            if os.environ.get("HOSTILE_STACKS"):
                tell_where(Path(os.environ["HOSTILE_STACKS"]))
            try:
                yield found
            finally:
                task.cancel()

    app.running = probed  # type: ignore[assignment]
    return gateway(sys.argv[1:])


if __name__ == "__main__":
    os.environ.setdefault("PYTHONWARNINGS", "ignore")
    sys.exit(main())

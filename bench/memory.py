"""Resident memory of a recording gateway: `python bench/memory.py [COUNT ...]` (10000 100000) prints MiB at each count
of recorded exchanges, varied traffic, 64 connections.
"""

import asyncio
import os
import sys
import tempfile
import time
from pathlib import Path

from contenders import CORES, backend, end, gateway, recorded, resident_mib
from load import load


def main() -> None:
    counts = [int(word) for word in sys.argv[1:]] or [10_000, 100_000]
    os.sched_setaffinity(0, {CORES[-1]})
    with tempfile.TemporaryDirectory() as name, backend() as port:
        proxy = gateway(Path(name), port, "strict")
        asked, first = 0, None
        try:
            for count in counts:
                while asked < count:
                    result = asyncio.run(load(proxy.url, "varied", 64, 2.0, 40))
                    proxy.rounds.setdefault("memory", []).append(result)
                    asked += result["answered"]
                time.sleep(2)  # what was queued is written
                now = resident_mib(proxy.process.pid)
                first = now if first is None else first
                print(f"{asked:>8} exchanges: {now:6.1f} MiB resident, {now - first:+.1f}; {recorded(proxy)} recorded")
        finally:
            end([proxy.process])


if __name__ == "__main__":
    main()

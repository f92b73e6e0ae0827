"""One process and several: CPU of an exchange and throughput, the load on the same cores.

`python bench/workers.py [--seconds 3] [--rounds 5] [--workers 2]` prints, for each scenario, the CPU microseconds of
all processes of the gateway for each exchange and the requests per second, with their ratios to one process in the same
round: medians, and from the least to the most of the rounds.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from pathlib import Path

from contenders import Proxy, backend, end, gateway, recorded

SCENARIOS = (
    ("main: varied, 64 connections, 40 sessions", "varied", 64, 40),
    ("many: varied, 64 connections, 1,000 sessions", "varied", 64, 1000),
    ("repeated: one request, 64 connections", "repeated", 64, 1),
)


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--seconds", type=float, default=3.0)
    words.add_argument("--rounds", type=int, default=5)
    words.add_argument("--workers", type=int, default=2)
    words.add_argument("--only", default="", help="first words of scenarios, with commas")
    args = words.parse_args()
    wanted = args.only.split(",") if args.only else []
    with tempfile.TemporaryDirectory() as name, backend() as port:
        one, several = (gateway(Path(name), port, "strict", workers=count) for count in (1, args.workers))
        try:
            for label, kind, connections, sessions in SCENARIOS:
                if wanted and label.partition(":")[0] not in wanted:
                    continue
                for _ in range(args.rounds):
                    for proxy in (one, several):
                        proxy.measure(label, kind, connections, args.seconds, sessions)
                report(one, several, label)
            for proxy in (one, several):
                print(f"{proxy.name}: {recorded(proxy)} recorded")
        finally:
            end([one.process, several.process])


def report(one: Proxy, several: Proxy, label: str) -> None:
    heads = f"{'CPU us':>8}{'x one':>8}{'least-most':>12}{'req/s':>8}{'x one':>8}{'least-most':>12}"
    print(f"\n{label}\n{'':<28}{heads}{'p50 ms':>8}{'failed':>8}")
    for proxy in (one, several):
        cells = f"{proxy.name:<28}"
        for figure in ("cpu_us", "rps"):
            ratios = proxy.ratios(one, label, figure)
            cells += f"{proxy.median(label, figure):>8.0f}{statistics.median(ratios):>8.2f}"
            cells += f"{f'{ratios[0]:.2f}-{ratios[-1]:.2f}':>12}"
        failed = sum(proxy.figures(label, "failed"))
        print(f"{cells}{proxy.median(label, 'p50_ms'):>8.2f}{failed:>8}", flush=True)


if __name__ == "__main__":
    main()

"""The gateway, recording everything, against a bare tuned aiohttp proxy, nginx and mitmproxy: one machine, one run,
interleaved.

`python bench/proxies.py [--seconds 3] [--rounds 5] [--only main,one] [--file FILE] [--large COUNT] [--short]` prints,
for each scenario, the CPU microseconds of the proxy's processes for each exchange, and its ratio to the bare proxy in
the same round: medians, and from the least to the most of the rounds. Then requests per second, latency, bytes written
to the disk, and the CPU that was left for later. A gateway that writes to a file of 1,000,000 exchanges (--large, or
--file) takes part in the varied scenarios. nginx and mitmproxy take part when they are installed; --short leaves them
out, with the other durabilities.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from contenders import Proxy, backend, bare, end, gateway, mitmproxy, nginx, recorded, resident_mib
from large import count_of, grown


@dataclass(frozen=True)
class Scenario:
    """What the load is. `each`: a new connection for each request."""

    name: str
    kind: str
    connections: int
    sessions: int
    each: bool = False


SCENARIOS = (
    Scenario("main: varied, 64 connections, 40 sessions", "varied", 64, 40),
    Scenario("many: varied, 64 connections, 1,000 sessions", "varied", 64, 1000),
    Scenario("one: varied, 1 connection, 40 sessions", "varied", 1, 40),
    Scenario("spread: bodies of 0.2-64 KiB, some compressed", "spread", 64, 40),
    Scenario("new: varied, a connection for each request", "varied", 16, 40, each=True),
    Scenario("repeated: one request, 64 connections", "repeated", 64, 1),
    Scenario("repeated1: one request, 1 connection", "repeated", 1, 1),
)


def contenders(folder: Path, port: int, large: Path | None, *, short: bool) -> list[Proxy]:
    found = [bare(port), gateway(folder, port, "strict")]
    if large is not None:
        found.append(gateway(folder, port, "strict", file=large))
    if not short:
        found += [gateway(folder, port, "relaxed"), gateway(folder, port, "fsync")]
        found.append(gateway(folder, port, "strict", "recording: {skip: ['* *']}\n"))
        found += [one for one in (nginx(folder, port), mitmproxy(folder, port)) if one is not None]
    return found


def report(proxies: list[Proxy], scenario: Scenario) -> None:
    label, base = scenario.name, proxies[0]
    print(f"\n{label}")
    print(
        f"{'proxy':<24}{'CPU us':>8}{'least-most':>13}{'x bare':>8}{'least-most':>12}{'req/s':>8}{'p50 ms':>8}"
        f"{'p99 ms':>8}{'disk B':>7}{'later us':>10}{'failed':>8}"
    )
    for proxy in proxies:
        if label not in proxy.rounds:
            continue
        cpu, ratios = sorted(proxy.figures(label, "cpu_us")), proxy.ratios(base, label, "cpu_us")
        spread, spread_ratio = f"{cpu[0]:.0f}-{cpu[-1]:.0f}", f"{ratios[0]:.2f}-{ratios[-1]:.2f}"
        middle = [proxy.median(label, name) for name in ("rps", "p50_ms", "p99_ms", "disk", "later_us")]
        failed = sum(proxy.figures(label, "failed"))
        print(
            f"{proxy.name:<24}{statistics.median(cpu):>8.0f}{spread:>13}{statistics.median(ratios):>8.2f}"
            f"{spread_ratio:>12}{middle[0]:>8.0f}{middle[1]:>8.2f}{middle[2]:>8.2f}{middle[3]:>7.0f}{middle[4]:>10.0f}"
            f"{failed:>8}",
            flush=True,
        )


def arguments() -> argparse.Namespace:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--seconds", type=float, default=3.0)
    words.add_argument("--rounds", type=int, default=5)
    words.add_argument("--only", default="", help="first words of scenarios, with commas")
    words.add_argument("--file", type=Path, help="a file made by bench/large.py")
    words.add_argument("--large", type=int, help="make one of so many exchanges (1,000,000; with --short none)")
    words.add_argument("--short", action="store_true", help="only the bare proxy and the strict gateway")
    return words.parse_args()


def main() -> None:
    args = arguments()
    wanted = args.only.split(",") if args.only else []
    scenarios = [one for one in SCENARIOS if not wanted or one.name.partition(":")[0] in wanted]
    with tempfile.TemporaryDirectory() as name, backend() as port:
        count = (0 if args.short else 1_000_000) if args.large is None else args.large
        large = args.file or (grown(Path(name, "large"), count) if count else None)
        before = count_of(large) if large else 0
        proxies = contenders(Path(name), port, large, short=args.short)
        try:
            for scenario in scenarios:
                for _ in range(args.rounds):
                    for proxy in proxies:
                        if "large file" in proxy.name and scenario.kind != "varied":
                            continue
                        proxy.measure(
                            scenario.name, scenario.kind, scenario.connections, args.seconds, scenario.sessions,
                            each=scenario.each,
                        )  # fmt: skip
                report(proxies, scenario)
            time.sleep(1)
            print()
            for proxy in proxies:
                share = recorded(proxy, before if "large file" in proxy.name else 0)
                print(f"{proxy.name}: {resident_mib(proxy.process.pid):.0f} MiB resident {share}")
        finally:
            end([proxy.process for proxy in proxies])


if __name__ == "__main__":
    main()

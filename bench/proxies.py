"""The gateway, recording everything, against a bare tuned aiohttp proxy, nginx and mitmproxy: one machine, one run,
interleaved.

`python bench/proxies.py [--seconds 3] [--rounds 3] [--connections 1 16 64] [--sessions 1]` prints requests per second,
CPU microseconds per request of the proxy's processes, latency, and ratios to the bare proxy: medians of the rounds, the
ratio's of what each round gave, because a busy machine slows all that runs in a round. nginx and mitmproxy take part
when they are installed.
"""

import argparse
import tempfile
import time
from pathlib import Path

from contenders import Proxy, backend, bare, end, gateway, mitmproxy, nginx, recorded, resident_mib


def report(proxies: list[Proxy], connections: list[int]) -> None:
    base = next(p for p in proxies if p.name == "bare aiohttp")
    print(f"{'proxy':<24}{'conns':>6}{'req/s':>9}{'x bare':>8}{'CPU us':>8}{'p50 ms':>8}{'p99 ms':>8}{'failed':>8}")
    for count in connections:
        for proxy in proxies:
            rps, ratio = proxy.median(count, "rps"), proxy.ratio(base, count)
            failed = sum(r["failed"] for r in proxy.rounds[count])
            figures = [f"{rps:9.0f}", f"{ratio:8.2f}", f"{proxy.median(count, 'cpu_us'):8.0f}"]
            figures += [f"{proxy.median(count, name):8.2f}" for name in ("p50_ms", "p99_ms")]
            print(f"{proxy.name:<24}{count:>6}{''.join(figures)}{failed:>8}")
    for proxy in proxies:
        print(f"{proxy.name}: {resident_mib(proxy.process.pid):.0f} MiB resident {recorded(proxy)}")


def contenders(folder: Path, port: int) -> list[Proxy]:
    quiet = "recording: {skip: ['GET *']}\n"
    recording = [gateway(folder, port, durability) for durability in ("strict", "relaxed", "fsync")]
    others = [nginx(folder, port), mitmproxy(folder, port)]
    return [bare(port), *recording, gateway(folder, port, "strict", quiet), *filter(None, others)]


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--seconds", type=float, default=3.0)
    words.add_argument("--rounds", type=int, default=3)
    words.add_argument("--connections", type=int, nargs="+", default=[1, 16, 64])
    words.add_argument("--sessions", type=int, default=1, help="browsers that share the connections")
    args = words.parse_args()
    with tempfile.TemporaryDirectory() as name, backend() as port:
        proxies = contenders(Path(name), port)
        try:
            for _ in range(args.rounds):
                for count in args.connections:
                    for proxy in proxies:
                        proxy.measure(count, args.seconds, args.sessions)
            time.sleep(1)
            report(proxies, args.connections)
        finally:
            end([proxy.process for proxy in proxies])


if __name__ == "__main__":
    main()

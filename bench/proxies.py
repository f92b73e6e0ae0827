"""The gateway, recording everything, against a bare tuned aiohttp proxy and nginx: one machine, one run, interleaved.

`python bench/proxies.py [--seconds 3] [--rounds 3] [--connections 1 16 64]` prints requests per second, CPU
microseconds per request of the proxy's processes, latency, and ratios to the bare proxy (medians of the rounds).
"""

import argparse
import json
import os
import shutil
import signal
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parent
TICK = os.sysconf("SC_CLK_TCK")
CORES = sorted(os.sched_getaffinity(0))


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def start(words: list[str], port: int, core: int, **options) -> subprocess.Popen:
    """A process on one core, once its port answers."""
    process = subprocess.Popen(
        words, stdout=subprocess.DEVNULL, preexec_fn=lambda: os.sched_setaffinity(0, {core}), **options
    )
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), 0.2).close()
            return process
        except OSError:
            time.sleep(0.05)
    process.kill()
    raise SystemExit(f"{words[0]} did not open port {port}")


def cpu_seconds(pid: int) -> float:
    """User and system time of a process and its children."""
    total = 0.0
    for entry in [pid, *children(pid)]:
        fields = Path(f"/proc/{entry}/stat").read_text().rpartition(")")[2].split()
        total += (int(fields[11]) + int(fields[12])) / TICK
    return total


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def resident_mib(pid: int) -> float:
    text = Path(f"/proc/{pid}/status").read_text()
    return int(text.partition("VmRSS:")[2].split()[0]) / 1024


class Proxy:
    """One contender: how it is started, and what it measured."""

    def __init__(self, name: str, process: subprocess.Popen, url: str, database: Path | None = None) -> None:
        self.name, self.process, self.url, self.database = name, process, url, database
        self.rounds: dict[int, list[dict]] = {}

    def measure(self, connections: int, seconds: float) -> None:
        before = cpu_seconds(self.process.pid)
        words = [sys.executable, str(HERE / "load.py"), self.url, str(connections), str(seconds)]
        out = subprocess.run(
            words, capture_output=True, text=True, check=True, preexec_fn=lambda: os.sched_setaffinity(0, {CORES[-1]})
        )
        result = json.loads(out.stdout)
        result["cpu_us"] = (cpu_seconds(self.process.pid) - before) * 1e6 / result["requests"]
        self.rounds.setdefault(connections, []).append(result)

    def median(self, connections: int, figure: str) -> float:
        return statistics.median(r[figure] for r in self.rounds[connections])


def nginx(folder: Path, backend: int) -> Proxy | None:
    binary = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if binary is None:
        return None
    port = free_port()
    conf = folder / "nginx.conf"
    conf.write_text(
        f"daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log /dev/null;\n"
        "events { worker_connections 1024; }\nhttp { access_log off; keepalive_requests 1000000;\n"
        f"upstream b {{ server 127.0.0.1:{backend}; keepalive 128; keepalive_requests 1000000; }}\n"
        f"server {{ listen 127.0.0.1:{port}; location /api/orders/ {{ proxy_pass http://b/; proxy_http_version 1.1; "
        'proxy_set_header Connection ""; } }\n}\n'
    )
    words = [binary, "-c", str(conf), "-p", str(folder), "-e", "/dev/null"]
    return Proxy("nginx", start(words, port, CORES[0]), f"http://127.0.0.1:{port}/api/orders/x")


def bare(backend: int) -> Proxy:
    port = free_port()
    words = [sys.executable, str(HERE / "bare_proxy.py"), str(port), f"http://127.0.0.1:{backend}"]
    return Proxy("bare aiohttp", start(words, port, CORES[0]), f"http://127.0.0.1:{port}/api/orders/x")


def gateway(folder: Path, backend: int, durability: str, extra: str = "") -> Proxy:
    port = free_port()
    home = folder / (durability + extra[:4].strip())
    home.mkdir()
    (home / "routes.yaml").write_text(
        "version: 1\nenvironments: [qa]\nclusters:\n  orders:\n    path: /api/orders\n    environment: qa\n"
        f"    upstreams: {{qa: 'http://127.0.0.1:{backend}'}}\n{extra}"
    )
    database = home / "recordings" / "gateway.db"
    words = [
        sys.executable, "-m", "gateway", "serve", "-c", str(home / "routes.yaml"), "-r", str(database), "-p", str(port),
        "--durability", durability, "--log-level", "error", "--no-health",
    ]  # fmt: skip
    name = "gateway, not recording" if extra else f"gateway, {durability}"
    return Proxy(
        name, start(words, port, CORES[0]), f"http://127.0.0.1:{port}/api/orders/x", None if extra else database
    )


def recorded(proxy: Proxy) -> str:
    """The share of the answered requests that is in the store."""
    if proxy.database is None:
        return ""
    with sqlite3.connect(f"file:{proxy.database}?mode=ro", uri=True) as db:
        count = db.execute("select count(*) from exchanges").fetchone()[0]
    asked = sum(r["requests"] for rounds in proxy.rounds.values() for r in rounds)
    asked += sum(len(rounds) for rounds in proxy.rounds.values())  # each load begins with one for its cookie
    return f"{100 * count / asked:.2f} %"


def report(proxies: list[Proxy], connections: list[int]) -> None:
    base = next(p for p in proxies if p.name == "bare aiohttp")
    print(f"{'proxy':<24}{'conns':>6}{'req/s':>9}{'x bare':>8}{'CPU us':>8}{'p50 ms':>8}{'p99 ms':>8}{'failed':>8}")
    for count in connections:
        for proxy in proxies:
            rps, ratio = proxy.median(count, "rps"), proxy.median(count, "rps") / base.median(count, "rps")
            failed = sum(r["failed"] for r in proxy.rounds[count])
            figures = [f"{rps:9.0f}", f"{ratio:8.2f}", f"{proxy.median(count, 'cpu_us'):8.0f}"]
            figures += [f"{proxy.median(count, name):8.2f}" for name in ("p50_ms", "p99_ms")]
            print(f"{proxy.name:<24}{count:>6}{''.join(figures)}{failed:>8}")
    for proxy in proxies:
        print(f"{proxy.name}: {resident_mib(proxy.process.pid):.0f} MiB resident {recorded(proxy)}")


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--seconds", type=float, default=3.0)
    words.add_argument("--rounds", type=int, default=3)
    words.add_argument("--connections", type=int, nargs="+", default=[1, 16, 64])
    args = words.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder, port = Path(name), free_port()
        backend = start([sys.executable, str(HERE / "backend.py"), str(port)], port, CORES[-1])
        proxies = [bare(port), gateway(folder, port, "strict"), gateway(folder, port, "relaxed")]
        proxies += [
            gateway(folder, port, "strict", "recording: {skip: ['GET *']}\n"),
            *filter(None, [nginx(folder, port)]),
        ]
        try:
            for _ in range(args.rounds):
                for count in args.connections:
                    for proxy in proxies:
                        proxy.measure(count, args.seconds)
            time.sleep(1)
            report(proxies, args.connections)
        finally:
            for process in [backend, *(p.process for p in proxies)]:
                process.send_signal(signal.SIGTERM)
            for process in [backend, *(p.process for p in proxies)]:
                process.wait(15)


if __name__ == "__main__":
    main()

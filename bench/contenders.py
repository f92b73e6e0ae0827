"""What is measured side by side: the gateway, a bare tuned aiohttp proxy, nginx and mitmproxy, each on one core."""

import contextlib
import json
import os
import shutil
import signal
import socket
import sqlite3
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from load import TICK, cpu_seconds

HERE = Path(__file__).parent
CORES = sorted(os.sched_getaffinity(0))


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def start(words: list[str], port: int, core: int | None) -> subprocess.Popen:
    """A process on one core, or on all of them, once its port answers."""
    cores = CORES if core is None else {core}
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, preexec_fn=lambda: os.sched_setaffinity(0, cores))
    for _ in range(600):
        try:
            socket.create_connection(("127.0.0.1", port), 0.2).close()
            return process
        except OSError:
            time.sleep(0.05)
    process.kill()
    raise SystemExit(f"{words[0]} did not open port {port}")


def settle(pid: int, patience: float = 30.0) -> None:
    """Wait until a process has done what it left for later: it would be measured with the next one."""
    until = time.monotonic() + patience
    before = cpu_seconds(pid)
    while time.monotonic() < until:
        time.sleep(0.5)
        now = cpu_seconds(pid)
        if now - before <= 2 / TICK:
            return
        before = now


def resident_mib(pid: int) -> float:
    text = Path(f"/proc/{pid}/status").read_text()
    return int(text.partition("VmRSS:")[2].split()[0]) / 1024


class Proxy:
    """One contender: how it is started, and what it measured in each scenario."""

    def __init__(
        self, name: str, process: subprocess.Popen, url: str, database: Path | None = None, *, everywhere: bool = False
    ) -> None:
        """`everywhere` when it and its load share all cores."""
        self.name, self.process, self.url, self.database = name, process, url, database
        self.cores = CORES if everywhere else CORES[-1:]  # of its load
        self.rounds: dict[str, list[dict]] = {}

    def measure(
        self, label: str, kind: str, connections: int, seconds: float, sessions: int = 1, *, each: bool = False
    ) -> None:
        """One round. What the contender does after the load is over is in `later_us`."""
        words = [sys.executable, str(HERE / "load.py"), self.url, kind, str(connections), str(seconds), str(sessions)]
        words += [str(self.process.pid), *(["each"] if each else [])]
        disk = disk_bytes(self.process.pid)
        out = subprocess.run(
            words, capture_output=True, text=True, check=True, preexec_fn=lambda: os.sched_setaffinity(0, self.cores)
        )
        result = json.loads(out.stdout)
        before = cpu_seconds(self.process.pid)
        settle(self.process.pid)
        result["later_us"] = (cpu_seconds(self.process.pid) - before) * 1e6 / result["answered"]
        result["disk"] = (disk_bytes(self.process.pid) - disk) / result["answered"]
        self.rounds.setdefault(label, []).append(result)

    def figures(self, label: str, figure: str) -> list[float]:
        return [one[figure] for one in self.rounds[label]]

    def median(self, label: str, figure: str) -> float:
        return statistics.median(self.figures(label, figure))

    def ratios(self, base: "Proxy", label: str, figure: str) -> list[float]:
        """A figure against that of `base` in the same round, sorted."""
        pairs = zip(self.figures(label, figure), base.figures(label, figure), strict=True)
        return sorted(mine / other for mine, other in pairs)


def disk_bytes(pid: int) -> int:
    """Bytes that a process caused to be written to the disk."""
    text = Path(f"/proc/{pid}/io").read_text()
    return int(text.partition("\nwrite_bytes:")[2].split()[0])


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
    return Proxy("nginx", start(words, port, CORES[0]), f"http://127.0.0.1:{port}/api/orders")


def bare(backend: int) -> Proxy:
    port = free_port()
    words = [sys.executable, str(HERE / "bare_proxy.py"), str(port), f"http://127.0.0.1:{backend}"]
    return Proxy("bare aiohttp", start(words, port, CORES[0]), f"http://127.0.0.1:{port}/api/orders")


def gateway(
    folder: Path, backend: int, durability: str, extra: str = "", file: Path | None = None, workers: int = 0
) -> Proxy:
    """`extra` are lines of routes.yaml that keep it from recording; `file` is a recordings file to go on with. With
    `workers` it has so many processes, on all cores."""
    port = free_port()
    home = folder / (durability + extra[:4].strip() + ("-file" if file else "") + f"-{workers}")
    (home / "recordings").mkdir(parents=True, mode=0o700)
    if file is not None:
        for name in ("gateway.db", "gateway.key"):
            shutil.copy(file.with_name(name), home / "recordings" / name)
    (home / "routes.yaml").write_text(
        "version: 1\nenvironments: [qa]\nclusters:\n  orders:\n    path: /api/orders\n    environment: qa\n"
        f"    upstreams: {{qa: 'http://127.0.0.1:{backend}'}}\n{extra}"
    )
    database = home / "recordings" / "gateway.db"
    words = [
        sys.executable, "-m", "gateway", "serve", "-c", str(home / "routes.yaml"), "-r", str(database), "-p", str(port),
        "--durability", durability, "--log-level", "error", "--no-health", "--workers", str(workers or 1),
    ]  # fmt: skip
    name = "gateway, not recording" if extra else f"gateway, {durability}{', large file' if file else ''}"
    name += f", {workers} worker{'s' if workers > 1 else ''}" if workers else ""
    process = start(words, port, None if workers else CORES[0])
    url = f"http://127.0.0.1:{port}/api/orders"
    return Proxy(name, process, url, None if extra else database, everywhere=bool(workers))


def mitmproxy(folder: Path, backend: int) -> Proxy | None:
    """As a reverse proxy that writes its flows to a file, when `mitmdump` is on the path."""
    binary = shutil.which("mitmdump")
    if binary is None:
        return None
    port = free_port()
    words = [
        binary,
        "-q",
        "--mode",
        f"reverse:http://127.0.0.1:{backend}",
        "--listen-host",
        "127.0.0.1",
        "-p",
        str(port),
    ]
    words += ["-w", str(folder / "mitmproxy.flows"), "--set", f"confdir={folder}/mitmproxy"]
    return Proxy("mitmproxy, -w", start(words, port, CORES[0]), f"http://127.0.0.1:{port}/api/orders")


def recorded(proxy: Proxy, before: int = 0) -> str:
    """The share of the answered requests that is in the store, which held `before` of them."""
    if proxy.database is None:
        return ""
    with sqlite3.connect(f"file:{proxy.database}?mode=ro", uri=True) as db:
        count = db.execute("select count(*) from exchanges").fetchone()[0] - before
    asked = sum(one["answered"] for rounds in proxy.rounds.values() for one in rounds)
    return f"{100 * count / asked:.2f} %"


@contextlib.contextmanager
def backend() -> Iterator[int]:
    """The port of a backend, on another core than the proxies."""
    port = free_port()
    process = start([sys.executable, str(HERE / "backend.py"), str(port)], port, CORES[-1])
    try:
        yield port
    finally:
        end([process])


def end(processes: list[subprocess.Popen]) -> None:
    for process in processes:
        process.send_signal(signal.SIGTERM)
    for process in processes:
        process.wait(30)

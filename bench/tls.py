"""One gateway, asked over its plain port and over its TLS port in turns. `python bench/tls.py [ROUNDS [SECONDS]]`."""

import statistics
import sys
import tempfile
from pathlib import Path

from contenders import CORES, HERE, Proxy, free_port, start

CONNECTIONS = (1, 16, 64)


def main(rounds: int = 3, seconds: float = 2.0) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder, backend, plain, secure = Path(name), free_port(), free_port(), free_port()
        behind = start([sys.executable, str(HERE / "backend.py"), str(backend)], backend, CORES[-1])
        (folder / "routes.yaml").write_text(
            "version: 1\nenvironments: [qa]\nclusters:\n  orders: {path: /api/orders, environment: qa, "
            f"upstreams: {{qa: 'http://127.0.0.1:{backend}'}}}}\n"
        )
        words = [
            sys.executable, "-m", "gateway", "serve", "-c", str(folder / "routes.yaml"),
            "-r", str(folder / "recordings" / "gateway.db"), "-p", str(plain), "--tls", "auto",
            "--tls-port", str(secure),
            "--log-level", "error", "--no-health",
        ]  # fmt: skip
        process = start(words, secure, CORES[0])
        try:
            ways = [
                Proxy("plain", process, f"http://127.0.0.1:{plain}/api/orders"),
                Proxy("TLS", process, f"https://127.0.0.1:{secure}/api/orders"),
            ]
            compare(ways, rounds, seconds)
        finally:
            process.terminate()
            process.wait()
            behind.terminate()
            behind.wait()


def compare(ways: list[Proxy], rounds: int, seconds: float) -> None:
    for label, connections, each in [*((f"{n}", n, False) for n in CONNECTIONS), ("16, a handshake each", 16, True)]:
        for _ in range(rounds):
            for way in ways:
                way.measure(label, "repeated", connections, seconds, connections, each=each)
        for way in ways:
            ratio = statistics.median(way.ratios(ways[0], label, "rps"))
            rps, cpu = way.median(label, "rps"), way.median(label, "cpu_us")
            print(
                f"{way.name:6} {label:22} {rps:9,.0f} requests/s  {ratio:5.2f} x plain  {cpu:6.0f} us of CPU",
                flush=True,
            )


if __name__ == "__main__":
    main(*(int(word) if at == 0 else float(word) for at, word in enumerate(sys.argv[1:3])))

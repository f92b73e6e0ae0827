"""Large answers through each proxy: `python bench/bodies.py [--rounds 3]` prints MB/s at four connections, and ratios.

What the gateway keeps of a body is cut at recording.max_body (1 MiB); what it forwards is whole.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from pathlib import Path

from contenders import backend, bare, end, gateway, nginx

SIZES = {"64 KiB": 64 << 10, "10 MiB": 10 << 20}
CONNECTIONS = 4
SECONDS = 2.0


async def one(host: str, port: int, path: str, until: float) -> int:
    """Bytes of body that one connection got; ends with the answer that is under way at `until`."""
    reader, writer = await asyncio.open_connection(host, port, limit=1 << 20)
    got = 0
    while time.perf_counter() < until:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        left = int(head.partition(b"content-length:")[2].split()[0])
        while left:
            data = await reader.read(min(left, 1 << 20))
            if not data:
                raise SystemExit(f"{path} was cut short")
            left -= len(data)
            got += len(data)
    writer.close()
    return got


async def rate(url: str, size: int) -> float:
    """MB/s."""
    host, _, path = url.removeprefix("http://").partition("/")
    name, _, port = host.partition(":")
    path = f"/{path}/bytes/{size}"
    begun = time.perf_counter()
    got = await asyncio.gather(*(one(name, int(port), path, begun + SECONDS) for _ in range(CONNECTIONS)))
    return sum(got) / (time.perf_counter() - begun) / 1e6


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--rounds", type=int, default=3)
    rounds = words.parse_args().rounds
    with tempfile.TemporaryDirectory() as name, backend() as port:
        folder = Path(name)
        quiet = gateway(folder, port, "strict", "recording: {skip: ['GET *']}\n")
        proxies = [bare(port), gateway(folder, port, "strict"), quiet, *filter(None, [nginx(folder, port)])]
        try:
            for label, size in SIZES.items():
                found = {p.name: [asyncio.run(rate(p.url, size)) for _ in range(rounds)] for p in proxies}
                base = statistics.median(found["bare aiohttp"])
                for proxy, rates in found.items():
                    middle = statistics.median(rates)
                    print(f"{label:<8}{proxy:<24}{middle:8.0f} MB/s {middle / base:6.2f} x bare")
        finally:
            end([proxy.process for proxy in proxies])


if __name__ == "__main__":
    main()

"""A server that notes every request as it comes over the wire, whatever client sends it."""

from __future__ import annotations

import re
import socketserver
from typing import Any

Seen = tuple[str, str, str, list[tuple[str, bytes]], bytes]  # method, target, version, headers, body


class Echo(socketserver.ThreadingTCPServer):
    """Notes every request as it comes over the wire."""

    allow_reuse_address = daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.seen: list[tuple[str, str, str, list[tuple[str, bytes]], bytes]] = []
        self.host = f"127.0.0.1:{self.server_address[1]}"


class Handler(socketserver.StreamRequestHandler):
    server: Echo

    def handle(self):
        line = self.rfile.readline()
        if line.strip():
            headers = []
            while (field := self.rfile.readline().strip(b"\r\n")) != b"":
                name, _, value = field.partition(b":")
                headers.append((name.decode(), value.strip()))
            size = next((int(value) for name, value in headers if name.lower() == "content-length"), 0)
            if any(name.lower() == "expect" for name, _ in headers):
                self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            body = self.rfile.read(size)
            if any(name.lower() == "transfer-encoding" for name, _ in headers):
                while piece := int(self.rfile.readline(), 16):
                    body += self.rfile.read(piece)
                    self.rfile.readline()
                self.rfile.readline()
            method, target, version = line.split()
            self.server.seen.append((method.decode(), target.decode("latin-1"), version.decode(), headers, body))
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")


def normalized(method: str, target: str, version: str, headers: list[tuple[str, str]], body: bytes) -> tuple[Any, ...]:
    """With the boundary of forms called BOUNDARY."""
    kind = next((value for name, value in headers if name.lower() == "content-type"), "")
    boundary = re.search(r"boundary=(\S+)", kind)
    if boundary:
        body = body.replace(boundary[1].encode(), b"BOUNDARY")
        headers = [(name, value.replace(boundary[1], "BOUNDARY")) for name, value in headers]
    return method, target, version, headers, body

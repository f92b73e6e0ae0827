"""A server that answers 200 and what it was sent, and keeps what arrived, byte for byte."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Arrived:
    """One request as it came over the wire. Names of fields in small letters."""

    target: str
    fields: dict[str, bytes]
    body: bytes


@dataclass
class Arrivals:
    url: str
    requests: list[Arrived] = field(default_factory=list)


@contextmanager
def arriving() -> Iterator[Arrivals]:
    found = Arrivals("")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            fields = {name.lower(): value.encode("latin-1") for name, value in self.headers.items()}
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            found.requests.append(Arrived(self.path, fields, body))
            self.send_response(200)
            self.send_header("Content-Type", self.headers.get("Content-Type") or "text/plain")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = answer

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    found.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()

"""The least that can stand behind a proxy. `python backend.py PORT`.

By the first word of the path: `/bytes/N` answers with N bytes of text (at most 10 MiB), `/events/N` with N server-sent
events, 20 ms apart, each with the time at which it was sent (time.perf_counter_ns), `/varied/...` with 0.8 KiB of JSON
that is new each time, `/spread/...` with new bodies of many sizes, any other path with the same 1 KiB of JSON.
"""

import asyncio
import re
import sys
import time
from email.utils import formatdate

from traffic import MAIN, Bodies

BODY = b'{"data": "' + b"x" * 1011 + b'"}\n'
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(BODY), BODY)
PLAIN = b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: %d\r\n\r\n"
VARIED = (
    b'HTTP/1.1 %b\r\nDate: %b\r\nServer: bench\r\nContent-Type: %b\r\nCache-Control: no-cache\r\nETag: "%x"\r\n'
    b"X-Request-Id: %032x\r\n%bContent-Length: %d\r\n\r\n%b"
)
LINES = b"".join(
    b'{"id": %d, "isbn": "978-%d", "title": "A book", "price": 12.5},\n' % (n, n * 7) for n in range(180_000)
)
STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
SPECIAL = re.compile(rb"(?:GET|POST) \S*/(bytes|events|varied|spread)/(\d*)")
LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d+)", re.IGNORECASE)
PAUSE = 0.02  # seconds between two events


class Backend(asyncio.Protocol):
    """Answers each request once its body is there."""

    bodies = Bodies(7)

    def connection_made(self, transport):
        self.transport, self.rest = transport, b""

    def data_received(self, data):
        self.rest += data
        while (end := self.rest.find(b"\r\n\r\n")) >= 0:
            head, length = self.rest[:end], 0
            if not head.startswith(b"GET ") and (found := LENGTH.search(head)):
                length = int(found[1])
            if len(self.rest) < end + 4 + length:
                return
            self.rest = self.rest[end + 4 + length :]
            self.answer(head)

    def answer(self, head):
        special = SPECIAL.match(head)
        kind = special[1] if special else b""
        if not special:
            self.transport.write(ANSWER)
        elif kind == b"varied":
            self.transport.write(varied(head, b"application/json", b"", self.bodies.json(MAIN)))
        elif kind == b"spread":
            self.transport.write(varied(head, *self.bodies.spread()))
        elif kind == b"bytes":
            self.transport.write(PLAIN % int(special[2]) + LINES[: int(special[2])])
        else:
            self.transport.write(STREAM)
            self.event(int(special[2]))

    def event(self, left):
        if not left or self.transport.is_closing():
            self.transport.close()
            return
        self.transport.write(b"data: %d\n\n" % time.perf_counter_ns())
        asyncio.get_running_loop().call_later(PAUSE, self.event, left - 1)


def varied(head: bytes, kind: bytes, coding: bytes, body: bytes) -> bytes:
    """A response whose fields and body are new."""
    bits = Backend.bodies._chance.getrandbits
    status = b"201 Created" if head.startswith(b"POST") else b"200 OK"
    coded = b"Content-Encoding: %b\r\n" % coding if coding else b""
    date = formatdate(usegmt=True).encode()
    return VARIED % (status, date, kind, bits(64), bits(128), coded, len(body), body)


async def main(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Backend, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))

"""The least that can stand behind a proxy. `python backend.py PORT`.

`/bytes/N` answers with N bytes of text (at most 10 MiB), `/events/N` with N server-sent events, 20 ms apart, each with
the time at which it was sent (time.perf_counter_ns), any other path with 1 KiB of JSON.
"""

import asyncio
import re
import sys
import time

BODY = b'{"data": "' + b"x" * 1011 + b'"}\n'
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(BODY), BODY)
PLAIN = b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: %d\r\n\r\n"
LINES = b"".join(
    b'{"id": %d, "isbn": "978-%d", "title": "A book", "price": 12.5},\n' % (n, n * 7) for n in range(180_000)
)
STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
SPECIAL = re.compile(rb"GET \S*/(bytes|events)/(\d+) ")
PAUSE = 0.02  # seconds between two events


class Backend(asyncio.Protocol):
    """Counts heads (GET only, no bodies) and answers each."""

    def connection_made(self, transport):
        self.transport, self.rest = transport, b""

    def data_received(self, data):
        heads = (self.rest + data).split(b"\r\n\r\n")
        self.rest = heads.pop()
        for head in heads:
            special = SPECIAL.match(head)
            if special is None:
                self.transport.write(ANSWER)
            elif special[1] == b"bytes":
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


async def main(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Backend, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))

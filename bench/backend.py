"""The least that can stand behind a proxy: answers every request with 1 KiB of JSON. `python backend.py PORT`."""

import asyncio
import sys

BODY = b'{"data": "' + b"x" * 1011 + b'"}\n'
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(BODY), BODY)


class Backend(asyncio.Protocol):
    """Counts heads (GET only, no bodies) and answers each."""

    def connection_made(self, transport):
        self.transport, self.rest = transport, b""

    def data_received(self, data):
        heads = (self.rest + data).split(b"\r\n\r\n")
        self.rest = heads.pop()
        self.transport.write(ANSWER * len(heads))


async def main(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Backend, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))

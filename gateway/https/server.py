"""The TLS port: looks at the first byte of a connection, then begins TLS with the certificates of that moment. I/O."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable, Coroutine
from typing import Final

from .certificates import Certificates

log = logging.getLogger("gateway.tls")
HANDSHAKE: Final = 10.0  # seconds for a client to begin and finish its handshake
LOOK: Final = 1.0  # seconds between two looks at the certificate files
RENEW: Final = 30.0  # seconds between two looks at this machine's addresses and at what is left of 90 days
CLIENT_HELLO: Final = 0x16  # the record type of a handshake (RFC 8446 section 5.1)
SENTENCE: Final = b"This port speaks HTTPS: write https:// before the address.\n"
PLAIN: Final = (
    b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%b"
    % (len(SENTENCE), SENTENCE)
)


class HttpsServer:
    """Serves TLS on a listening socket. `renew` makes new certificate files when they are due, and may raise."""

    def __init__(
        self, listening: socket.socket, certificates: Certificates, accept: Callable[[], asyncio.Protocol],
        *, renew: Callable[[], object] | None = None,
    ) -> None:  # fmt: skip
        self._listening, self._accept, self._renew = listening, accept, renew
        self.certificates = certificates
        self._tasks: set[asyncio.Task[None]] = set()
        listening.setblocking(False)

    async def start(self) -> None:
        self._begin(self._accept_forever())
        self._begin(self._look_forever())

    def stop(self) -> None:
        """Take no more connections; those that stand belong to the relay."""
        for task in list(self._tasks):
            task.cancel()

    def look(self) -> None:
        """Put changed certificate files in force, and say so, or why not."""
        found = self.certificates.look()
        if found is not None:
            log.error("the certificates stay as they were: %s", found) if found else log.info(
                "new certificates in force"
            )

    def _begin(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _accept_forever(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, _ = await loop.sock_accept(self._listening)
            except OSError as error:  # out of files, or the client is gone already
                log.debug("a connection could not be accepted: %s", error)
                await asyncio.sleep(0.05)
                continue
            self._begin(self._admit(connection))

    async def _admit(self, connection: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        try:
            connection.setblocking(False)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            async with asyncio.timeout(HANDSHAKE):
                await _readable(connection)
            first = connection.recv(1, socket.MSG_PEEK)
            if first and first[0] != CLIENT_HELLO:
                await loop.sock_sendall(connection, PLAIN)
                connection.close()
                return
            if not first:
                connection.close()
                return
            context = self.certificates.context
            await loop.connect_accepted_socket(self._accept, connection, ssl=context, ssl_handshake_timeout=HANDSHAKE)
        except (OSError, ssl.SSLError, TimeoutError) as error:
            log.debug("a handshake failed: %s", error)
            connection.close()
        except asyncio.CancelledError:
            connection.close()
            raise

    async def _look_forever(self) -> None:
        since = 0.0
        while True:
            await asyncio.sleep(LOOK)
            since += LOOK
            try:
                if self._renew is not None and since >= RENEW:
                    since = 0.0
                    await asyncio.to_thread(self._renew)
                await asyncio.to_thread(self.look)
            except Exception as error:  # the certificates in force stay; the next look comes
                log.error("the certificate could not be renewed: %s", error)


async def _readable(connection: socket.socket) -> None:
    """Wait until there is something to read, without reading it."""
    loop, ready = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(connection, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(connection)

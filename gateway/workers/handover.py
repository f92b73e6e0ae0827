"""Client connections on their way between processes: a connection goes at a message boundary, with the bytes read of
its next request. I/O.

    worker ─ own pages, or a session that was not lent to it ─> owner
    owner  ─ a session that is lent, by then ─> the worker that gave the connection, the loan before it

What may never happen: a byte lost or read twice; a response cut off (a connection goes when its last response has left
for the kernel); a connection that goes to and fro for ever (HOPS).
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, cast

if TYPE_CHECKING:
    from ..proxy.client import ClientConnection
    from .channel import Channel

HOPS: Final = 4  # times that one request may go from process to process before the owner serves it
Send = Callable[[bytes, int], None]


class Leaving(asyncio.Protocol):
    """Takes a client's connection over from its protocol, and sends it away when nothing waits to be written."""

    def __init__(self, send: Send) -> None:
        """`send` gets the bytes that were read and the connection as a file of its own."""
        self._send = send
        self._data = b""
        self._gone = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        if not self._data:
            if self._transport.is_closing():
                return
            self._transport.pause_reading()
        self._data += data
        if self._transport.get_write_buffer_size():
            self._transport.set_write_buffer_limits(0)  # resume_writing comes when all of it is written
        else:
            self._go()

    def resume_writing(self) -> None:
        self._go()

    def _go(self) -> None:
        if self._gone or self._transport.is_closing():
            return
        self._gone = True
        try:
            file = os.dup(self._transport.get_extra_info("socket").fileno())
        except OSError:  # no file is left: the client sees its connection closed
            self._transport.abort()
            return
        self._transport.abort()  # this process has no part in it any more; the file keeps it open
        self._send(self._data, file)


async def arrive(accept: Callable[[], ClientConnection], data: bytes, file: int, hops: int) -> None:
    """Go on with a connection of another process, beginning with what that one read."""
    connection = socket.socket(fileno=file)
    connection.setblocking(False)
    loop = asyncio.get_running_loop()
    try:
        await loop.connect_accepted_socket(lambda: _Arriving(accept, data, hops), connection)
    except OSError:
        connection.close()


class _Arriving(asyncio.Protocol):
    def __init__(self, accept: Callable[[], ClientConnection], data: bytes, hops: int) -> None:
        self._accept, self._data, self._hops = accept, data, hops

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        client = self._accept()
        client.hops = self._hops
        cast(asyncio.Transport, transport).set_protocol(client)
        client.connection_made(transport)
        client.data_received(self._data)


def packed(data: bytes, hops: int) -> bytes:
    """A connection's message: how often it went, and what was read."""
    return hops.to_bytes(1, "big") + data


def unpacked(payload: bytes) -> tuple[bytes, int]:
    return payload[1:], payload[0]


def sender(channel: Channel, kind: int, client: ClientConnection, before: Callable[[], None] | None = None) -> Leaving:
    """The heir of a client whose connection goes over a channel; `before` sends what has to arrive first."""
    hops = min(client.hops + 1, 255)

    def send(data: bytes, file: int) -> None:
        if before is not None:
            before()
        channel.send(kind, packed(data, hops), file)

    return Leaving(send)

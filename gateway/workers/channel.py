"""Messages between the owner and a worker, with open files where one goes along, over a pair of Unix sockets. I/O.

A frame: kind (1 byte), whether a file goes along (1 byte), length (4 bytes), payload. A file is sent with the first
byte of its frame (SCM_RIGHTS), so files arrive in the order of their frames.
"""

from __future__ import annotations

import array
import asyncio
import contextlib
import os
import socket
from collections import deque
from collections.abc import Callable
from struct import Struct
from typing import Final

HEAD: Final = Struct(">BBI")
TIME: Final = Struct("@ll")  # seconds and microseconds, as the system has them
READ: Final = 256 << 10  # bytes at once
FILES: Final = 16  # at once
MOST: Final = 64 << 20  # bytes of a frame

# From the owner
START, TAKE, LEND, ROUTES, KEYS, COUNT, DRAIN = range(7)
# From a worker
READY, DONE, COUNTED = range(16, 19)

Received = Callable[[int, bytes, int | None], None]


class Channel:
    """One end. `received` gets kind, payload and the file, which belongs to it from then on; `closed` is called once,
    when the other end is gone."""

    def __init__(self, end: socket.socket, received: Received, closed: Callable[[], None]) -> None:
        end.setblocking(False)
        self._socket, self._received, self._closed = end, received, closed
        self._loop = asyncio.get_running_loop()
        self._read = bytearray()
        self._files: deque[int] = deque()
        self._waiting: deque[tuple[memoryview, int | None]] = deque()
        self.is_open = True
        self._loop.add_reader(end, self._readable)

    def send(self, kind: int, payload: bytes = b"", file: int | None = None) -> None:
        """Send a message. `file` is closed here when it has been sent, or when nobody is there."""
        frame = HEAD.pack(kind, file is not None, len(payload)) + payload
        if not self.is_open:
            _close(file)
            return
        self._waiting.append((memoryview(frame), file))
        if len(self._waiting) == 1:
            self._write()

    def close(self) -> None:
        """Send nothing more, and do not tell."""
        if not self.is_open:
            return
        self.is_open = False
        self._loop.remove_reader(self._socket)
        self._loop.remove_writer(self._socket)
        for _, file in self._waiting:
            _close(file)
        for file in self._files:
            os.close(file)
        self._waiting.clear()
        self._files.clear()
        self._socket.close()

    def _write(self) -> None:
        while self._waiting:
            data, file = self._waiting[0]
            try:
                if file is None:
                    sent = self._socket.send(data)
                else:
                    rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [file]))
                    sent = self._socket.sendmsg([data], [rights])
            except (BlockingIOError, InterruptedError):
                self._loop.add_writer(self._socket, self._write)
                return
            except OSError:
                self._lost()
                return
            _close(file)
            if sent < len(data):
                self._waiting[0] = (data[sent:], None)
            else:
                self._waiting.popleft()
        self._loop.remove_writer(self._socket)

    def _readable(self) -> None:
        try:
            data, files, _, _ = socket.recv_fds(self._socket, READ, FILES)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            self._lost()
            return
        self._files.extend(files)
        if not data:
            self._lost()
            return
        self._read += data
        while self.is_open and len(self._read) >= HEAD.size:
            kind, has_file, length = HEAD.unpack_from(self._read)
            end = HEAD.size + length
            if length > MOST:
                self._lost()
                return
            if len(self._read) < end:
                return
            payload = bytes(self._read[HEAD.size : end])
            del self._read[:end]
            self._received(kind, payload, self._files.popleft() if has_file else None)

    def _lost(self) -> None:
        self.close()
        self._closed()


def _close(file: int | None) -> None:
    if file is not None:
        with contextlib.suppress(OSError):
            os.close(file)


class BlockingChannel:
    """Questions and answers over a blocking socket: one side asks, the other answers, in turn. ConnectionError when the
    other side is gone."""

    def __init__(self, end: socket.socket) -> None:
        end.setblocking(True)
        self._socket = end
        self._read = bytearray()

    def give_up_after(self, seconds: float) -> None:
        """A message that is not taken in this time ends it: OSError."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, TIME.pack(int(seconds), 0))

    def send(self, payload: bytes) -> None:
        self._socket.sendall(len(payload).to_bytes(4, "big") + payload)

    def receive(self) -> bytes:
        """The next message, usually in one read. ConnectionError when the other side is gone."""
        while (size := self._size()) < 0:
            data = self._socket.recv(READ)
            if not data:
                raise ConnectionError("the other side is gone")
            self._read += data
        message = bytes(self._read[4:size])
        del self._read[:size]
        return message

    def _size(self) -> int:
        """How many bytes of what was read are the next message; -1 while it is not complete."""
        if len(self._read) < 4:
            return -1
        size = 4 + int.from_bytes(self._read[:4], "big")
        return size if len(self._read) >= size else -1

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)  # ends a read of another thread
        self._socket.close()

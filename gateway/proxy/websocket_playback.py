"""The server's side of a recorded WebSocket: its frames in their time, waiting where the client had its turn. I/O.

A message that repeats what the recorded client made up (the number of a call, a message id) goes out whole with what
today's client made up in its place; every other frame goes out as it was recorded.
"""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha1
from typing import TYPE_CHECKING, Final

from ..model.frames import KINDS, FrameReader
from ..replay.playback.message_echo import MessageEcho

if TYPE_CHECKING:
    from ..model.frames import Frame

OPCODES: Final = {kind: opcode for opcode, kind in KINDS.items()}
SPOKEN: Final = ("text", "binary", "continuation")
GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 section 1.3
NORMAL: Final = b"\x03\xe8"  # close code 1000
LARGEST: Final = 1 << 20  # bytes of a client's message that are compared with the recorded one
FAREWELL: Final = 2.0  # seconds that a client has to answer our close


def accept_of(key: bytes) -> bytes:
    """Sec-WebSocket-Accept for a client's key (RFC 6455 section 4.2.2)."""
    return b64encode(sha1(key.strip() + GUID, usedforsecurity=False).digest())


def encoded(kind: str, data: bytes, *, final: bool = True) -> bytes:
    """A server's frame: not masked, not compressed (RFC 6455 section 5.2)."""
    first, size = (0x80 if final else 0) | OPCODES[kind], len(data)
    if size < 126:
        head = bytes((first, size))
    elif size < 1 << 16:
        head = bytes((first, 126)) + size.to_bytes(2)
    else:
        head = bytes((first, 127)) + size.to_bytes(8)
    return head + data


class SocketPlayer:
    """Plays one socket to one client. `send` takes bytes for the client; `left` is called when the client closes."""

    def __init__(
        self, frames: Sequence[Frame], *, pace: float, send: Callable[[bytes], None], left: Callable[[], None],
        echo: MessageEcho | None = None,
    ) -> None:  # fmt: skip
        self._frames = [one for one in frames if not one.problem and one.kind in OPCODES]
        self._pace, self._send, self._left = pace, send, left
        self._reader = FrameReader("sent")
        self._turns = asyncio.Semaphore(0)  # messages of the client that were not waited for yet
        self._closed = False
        self._echo = echo or MessageEcho()
        self._asked = iter([data for _, data in messages(self._frames, "sent")])  # of the recorded client
        self._said = b""  # the fragments of today's message so far

    def feed(self, data: bytes) -> None:
        """Bytes of the client: its messages are its turns, and what it made up in them comes back."""
        for frame in self._reader.feed(data, 0.0):
            if frame.kind in SPOKEN:
                self._said += frame.data[: max(0, LARGEST - len(self._said))]
                if frame.final:
                    self._echo.asked(next(self._asked, b""), self._said)
                    self._said = b""
                    self._turns.release()
            elif frame.kind == "ping":
                self._send(encoded("pong", frame.data))
            elif frame.kind == "close":
                if not self._closed:
                    self._send(encoded("close", frame.data[:2]))
                self._left()
                return

    async def run(self) -> None:
        """Until the last frame and a farewell."""
        loop = asyncio.get_running_loop()
        zero = self._frames[0].at_ms if self._frames else 0.0
        began = loop.time() - zero / 1000 * self._pace
        whole = dict(messages(self._frames, "received"))
        todays = b""  # what goes out in place of a message in fragments
        for at, frame in enumerate(self._frames):
            if frame.direction == "sent":
                if frame.kind in SPOKEN and frame.final:
                    await self._turns.acquire()
                    began = loop.time() - frame.at_ms / 1000 * self._pace
            elif frame.kind != "pong":  # those answered pings of another client
                await asyncio.sleep(max(0.0, began + frame.at_ms / 1000 * self._pace - loop.time()))
                if at in whole:
                    told = self._echo.told(whole[at])
                    todays = b"" if told == whole[at] else told
                    if todays:
                        self._send(encoded(frame.kind, todays))
                if not todays or frame.kind not in SPOKEN:
                    self._send(encoded(frame.kind, frame.data, final=frame.final))
                self._closed |= frame.kind == "close"
        if not self._closed:
            self._closed = True
            self._send(encoded("close", NORMAL))
        await asyncio.sleep(FAREWELL)


def messages(frames: Sequence[Frame], direction: str) -> Iterator[tuple[int, bytes]]:
    """(where its first frame is, all its data) of every whole message of one direction (RFC 6455 section 5.4)."""
    begun, data = -1, b""
    for at, frame in enumerate(frames):
        if frame.direction != direction or frame.kind not in SPOKEN:
            continue
        if frame.kind != "continuation":
            begun, data = at, b""
        data += frame.data
        if frame.final and begun >= 0:
            yield begun, data

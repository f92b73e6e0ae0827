"""Opens a recorded WebSocket again and speaks its client's part, one message after the other. I/O."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

import aiohttp
from yarl import URL

from ..correlation import MissingValue
from ..errors import GatewayError
from ..model.message import Response, header_text
from .differences.stream_difference import SocketMessage

if TYPE_CHECKING:
    from multidict import CIMultiDictProxy

SOCKET_EXTRA: Final = 3.0  # seconds that a server may take longer than it did
LOOK: Final = 0.2  # seconds between two looks at what other calls have given
LARGEST_MESSAGE: Final = 16 << 20  # bytes of one message
PROTOCOL: Final = "sec-websocket-protocol"

# The client's message of a number, from 0, after the conversation so far. MissingValue where a value did not come yet,
# another GatewayError where it must not be sent.
SaysMessage = Callable[[int, Sequence[SocketMessage]], bytes]


async def talk(
    url: str, headers: Sequence[tuple[str, str]], script: Sequence[SocketMessage], says: SaysMessage,
    heard: list[SocketMessage],
) -> tuple[Response, str]:  # fmt: skip
    """(the response to the handshake, the id of its exchange). The conversation is in `heard` as it goes on.

    Raises aiohttp.ClientError when nobody answers, and GatewayError when a message must not be sent.
    """
    seen: list[CIMultiDictProxy[str]] = []

    async def note(session: Any, context: Any, end: aiohttp.TraceRequestEndParams) -> None:
        seen.append(end.response.headers)

    trace = aiohttp.TraceConfig()
    trace.on_request_end.append(note)
    wanted = [word.strip() for name, value in headers if name.lower() == PROTOCOL for word in value.split(",")]
    fields = [(name, value) for name, value in headers if name.lower() != PROTOCOL]
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=False), trace_configs=[trace], cookie_jar=aiohttp.DummyCookieJar()
    ) as http:
        try:
            async with http.ws_connect(
                URL(url, encoded=True), headers=fields, protocols=wanted, max_msg_size=LARGEST_MESSAGE
            ) as socket:
                await _Speaker(socket, says, heard).play(script)
            return _response(101, seen[0]), seen[0].get("Gateway-Exchange", "")
        except aiohttp.WSServerHandshakeError as refused:
            found = seen[0] if seen else refused.headers
            return _response(refused.status, found), found.get("Gateway-Exchange", "") if found else ""


class _Speaker:
    """The client's part of one conversation."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, says: SaysMessage, heard: list[SocketMessage]) -> None:
        self._socket, self._says = socket, says
        self._heard = heard  # the conversation: what was sent and what came
        self._sent = 0

    async def play(self, script: Sequence[SocketMessage]) -> None:
        """Say each message after as many of the server's as came before it, or when it has been silent for long."""
        said = 0.0
        for message in script:
            if message.sent:
                await self._say(message)
            elif not await self._hear(max(0.0, message.at_ms - said) / 1000 + SOCKET_EXTRA):
                return
            said = message.at_ms

    async def _say(self, message: SocketMessage) -> None:
        """Send it, once the values that it needs have come."""
        until = monotonic() + SOCKET_EXTRA
        while True:
            try:
                data = await asyncio.to_thread(self._says, self._sent, tuple(self._heard))
                break
            except MissingValue as error:
                left = until - monotonic()
                if left <= 0 or not await self._hear(min(left, LOOK)):
                    raise GatewayError(f"message {self._sent + 1} of the client: {error.message}") from None
        if message.text:
            await self._socket.send_str(data.decode("utf-8", "replace"))
        else:
            await self._socket.send_bytes(data)
        self._sent += 1
        self._heard.append(SocketMessage(True, message.text, data))

    async def _hear(self, patience: float) -> bool:
        """Whether the conversation goes on: a message came, or none came in time."""
        try:
            message = await self._socket.receive(timeout=patience)
        except TimeoutError:
            return True
        if message.type == aiohttp.WSMsgType.TEXT:
            self._heard.append(SocketMessage(False, True, message.data.encode()))
        elif message.type == aiohttp.WSMsgType.BINARY:
            self._heard.append(SocketMessage(False, False, message.data))
        return message.type in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY)


def _response(status: int, headers: CIMultiDictProxy[str] | Any) -> Response:
    fields = tuple((header_text(name.encode()), value) for name, value in headers.items()) if headers else ()
    return Response("1.1", fields, status=status)

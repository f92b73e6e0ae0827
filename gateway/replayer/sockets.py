"""Has a recorded WebSocket conversation again: the client's messages, each when the server has had its say. I/O."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import aiohttp
from yarl import URL

from ..model.message import Response, header_text

if TYPE_CHECKING:
    from multidict import CIMultiDictProxy

    from ..replay.messages import SocketMessage

AFTER: Final = 3.0  # seconds that a server may take longer than it did
LARGEST: Final = 16 << 20  # bytes of one message
PROTOCOL: Final = "sec-websocket-protocol"


async def talk(url: str, headers: Sequence[tuple[str, str]], script: Sequence[SocketMessage]) -> tuple[Response, str]:
    """(the answer to the handshake, the id of its exchange). Raises aiohttp.ClientError when nobody answers."""
    seen: list[CIMultiDictProxy[str]] = []

    async def note(session: Any, context: Any, end: aiohttp.TraceRequestEndParams) -> None:
        seen.append(end.response.headers)

    trace = aiohttp.TraceConfig()
    trace.on_request_end.append(note)
    wanted = [word.strip() for name, value in headers if name.lower() == PROTOCOL for word in value.split(",")]
    fields = [(name, value) for name, value in headers if name.lower() != PROTOCOL]
    async with aiohttp.ClientSession(trace_configs=[trace], cookie_jar=aiohttp.DummyCookieJar()) as http:
        try:
            async with http.ws_connect(
                URL(url, encoded=True), headers=fields, protocols=wanted, max_msg_size=LARGEST
            ) as socket:
                await _play(socket, script)
            return _response(101, seen[0]), seen[0].get("Gateway-Exchange", "")
        except aiohttp.WSServerHandshakeError as refused:
            found = seen[0] if seen else refused.headers
            return _response(refused.status, found), found.get("Gateway-Exchange", "") if found else ""


async def _play(socket: aiohttp.ClientWebSocketResponse, script: Sequence[SocketMessage]) -> None:
    """Say each message after as many of the server's as came before it then, or when it has been silent for long."""
    said = 0.0
    for message in script:
        if message.sent:
            await (socket.send_str(message.data.decode("utf-8", "replace")) if message.text else
                   socket.send_bytes(message.data))  # fmt: skip
        elif not await _heard(socket, max(0.0, message.at_ms - said) / 1000 + AFTER):
            return
        said = message.at_ms


async def _heard(socket: aiohttp.ClientWebSocketResponse, patience: float) -> bool:
    """Whether the conversation goes on: a message came, or none came in time."""
    try:
        message = await socket.receive(timeout=patience)
    except TimeoutError:
        return True
    return message.type in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY)


def _response(status: int, headers: CIMultiDictProxy[str] | Any) -> Response:
    fields = tuple((header_text(name.encode()), value) for name, value in headers.items()) if headers else ()
    return Response("1.1", fields, status=status)

"""A tunnel through a proxy of one's network: CONNECT (RFC 9110 section 9.3.6). I/O."""

from __future__ import annotations

import asyncio
from typing import Final

from ..routes.outbound_proxy import OutboundProxy

LONGEST: Final = 64 * 1024  # bytes of a proxy's response head


class TunnelError(OSError):
    """The proxy was reached and did not open the way; the sentence says what it responded."""


class ProxyConnection(asyncio.Protocol):
    """A connection to a proxy, until the way through it is open."""

    def __init__(self) -> None:
        self._head: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._data = b""

    async def open_tunnel(self, transport: asyncio.WriteTransport, proxy: OutboundProxy, host: str, port: int) -> None:
        """Ask for the way and wait until it is open; TunnelError when it is not."""
        target = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        lines = [f"CONNECT {target} HTTP/1.1".encode(), f"Host: {target}".encode()]
        if proxy.authorization:
            lines.append(b"Proxy-Authorization: " + proxy.authorization)
        transport.write(b"\r\n".join([*lines, b"", b""]))
        version, _, rest = (await self._head).partition(b"\r\n")[0].partition(b" ")
        if not version.startswith(b"HTTP/1.") or not rest[:3].isdigit():
            raise TunnelError(f"what responds at {proxy.url} is no proxy")
        if rest[:1] != b"2":
            hint = "; put user and password into its URL" if rest[:3] == b"407" and not proxy.authorization else ""
            said = rest.decode("latin-1").strip()
            raise TunnelError(f"the proxy {proxy.url} responded {said} to CONNECT {target}{hint}")

    def data_received(self, data: bytes) -> None:
        self._data += data
        if self._head.done():
            return
        if b"\r\n\r\n" in self._data:
            self._head.set_result(self._data)
        elif len(self._data) > LONGEST:
            self._fail("the proxy's response to CONNECT has no end")

    def connection_lost(self, error: Exception | None) -> None:
        self._fail("the proxy closed the connection")

    def _fail(self, why: str) -> None:
        if not self._head.done():
            self._head.set_exception(TunnelError(why))
            self._head.exception()  # nobody may be waiting any more

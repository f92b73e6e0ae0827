"""The connections to one upstream: reuse, opening, and failures named as RFC 9209 names them. I/O."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address
from socket import gaierror
from typing import TYPE_CHECKING, Any

from .connecting import first_to_stand, interleaved
from .response import ResponseShapes
from .tunnel import ProxyConnection, TunnelError
from .upstream import UpstreamConnection

if TYPE_CHECKING:
    from ..routes.outbound_proxy import OutboundProxy
    from ..routes.table import CompiledUpstream

MAX_IDLE = 30.0  # seconds an unused connection is worth keeping
FRESH = 2.0  # seconds after which a request that must not be repeated gets a new connection
MAX_CONNECTIONS = 1024  # per upstream


class ConnectFailedError(Exception):
    """No connection came about: a kind of FAILURE_KINDS and a sentence."""

    def __init__(self, kind: str, detail: str) -> None:
        super().__init__(detail)
        self.kind, self.detail = kind, detail


@dataclass(frozen=True, slots=True)
class BoundConnection:
    """A connection that is signed in as one session of one client; nobody else ever uses it."""

    connection: UpstreamConnection
    session: str


class Pool:
    """The connections to one upstream: idle ones to reuse, the last used first."""

    def __init__(
        self, upstream: CompiledUpstream, context: ssl.SSLContext | None, clock: Callable[[], float],
        proxy: OutboundProxy | None = None,
    ) -> None:  # fmt: skip
        self.host, self.port = upstream.host, upstream.port
        self._proxy, self._good = proxy, ""
        self.server_name = upstream.tls.server_name if upstream.tls else None
        self._context, self._clock = context, clock
        self.shapes = ResponseShapes()
        self._idle: list[UpstreamConnection] = []
        self.all: set[UpstreamConnection] = set()

    @property
    def absolute(self) -> OutboundProxy | None:
        """The proxy that wants whole URLs as targets; None where there is none, or a tunnel through it."""
        return self._proxy if self._context is None else None

    def reuse(self, *, repeatable: bool) -> UpstreamConnection | None:
        """An idle connection, or None. A request that must not be sent twice only gets a fresh one."""
        now = self._clock()
        while self._idle:
            connection = self._idle.pop()
            if connection.usable and now - connection.idle_since < (MAX_IDLE if repeatable else FRESH):
                return connection
            connection.drop()
        return None

    def give_back(self, connection: UpstreamConnection) -> None:
        connection.idle_since = self._clock()
        self._idle.append(connection)

    def forget(self, connection: UpstreamConnection) -> None:
        self.all.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)

    def sweep(self) -> None:
        """Let go of what has been idle too long."""
        limit = self._clock() - MAX_IDLE
        for connection in [c for c in self._idle if c.idle_since < limit]:
            connection.drop()

    def close(self) -> None:
        for connection in list(self.all):
            connection.transport.abort()

    async def open(self, timeout: float) -> UpstreamConnection:
        """A new connection within `timeout` seconds; ConnectFailedError says why there is none."""
        if len(self.all) >= MAX_CONNECTIONS:
            raise ConnectFailedError("connection_limit_reached", f"{MAX_CONNECTIONS} connections are in use")
        host, port = (self._proxy.host, self._proxy.port) if self._proxy else (self.host, self.port)
        addresses = await self._resolve(host, port, timeout)
        if self._good in addresses:  # the one that worked last
            addresses.remove(self._good)
            addresses.insert(0, self._good)
        try:
            async with asyncio.timeout(timeout):
                self._good, connection = await first_to_stand(addresses, self._connect, UpstreamConnection.drop)
                return connection
        except TunnelError as error:
            raise ConnectFailedError("connection_refused", str(error)) from None
        except (OSError, ssl.SSLError, TimeoutError) as error:
            raise self._named(error, timeout) from None

    def _named(self, error: Exception, timeout: float) -> ConnectFailedError:
        where = f"{self.host}:{self.port}"
        if self._proxy is None or isinstance(error, ssl.SSLError):
            return named(error, where, timeout)
        failed = named(error, f"the proxy {self._proxy.url}", timeout)
        return ConnectFailedError(failed.kind, f"{failed.detail}; it is to lead to {where}")

    async def _resolve(self, host: str, port: int, timeout: float) -> list[str]:
        with contextlib.suppress(ValueError):
            return [str(ip_address(host))]
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(timeout):
                found = await loop.getaddrinfo(host, port, type=1)
        except TimeoutError:
            raise ConnectFailedError("dns_timeout", f"{host} did not resolve within {timeout:g} s") from None
        except (gaierror, UnicodeError) as error:
            raise ConnectFailedError("dns_error", f"{host} does not resolve: {error}") from None
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        if host.rstrip(".") == "localhost":  # a server may listen on one of them only, whatever the hosts file says
            addresses += [one for one in ("127.0.0.1", "::1") if one not in addresses]
        return interleaved(addresses)

    async def _connect(self, address: str) -> UpstreamConnection:
        loop = asyncio.get_running_loop()
        if self._proxy is not None and self._context is not None:
            connection = await self._through_tunnel(address, self._proxy, self._context)
        else:
            options: dict[str, Any] = {}
            if self._context is not None:
                options = {"ssl": self._context, "server_hostname": self.server_name or self.host}
            port = self._proxy.port if self._proxy else self.port
            _, connection = await loop.create_connection(lambda: UpstreamConnection(self), address, port, **options)
        self.all.add(connection)
        return connection

    async def _through_tunnel(self, address: str, proxy: OutboundProxy, context: ssl.SSLContext) -> UpstreamConnection:
        loop = asyncio.get_running_loop()
        transport, waiting = await loop.create_connection(ProxyConnection, address, proxy.port)
        try:
            await waiting.open_tunnel(transport, proxy, self.host, self.port)
            connection = UpstreamConnection(self)
            secured = await loop.start_tls(
                transport, connection, context, server_hostname=self.server_name or self.host
            )
        except BaseException:
            transport.abort()
            raise
        assert secured is not None
        connection.connection_made(secured)
        return connection


def named(error: Exception | None, where: str, timeout: float) -> ConnectFailedError:
    """An exception of connecting -> the kind that RFC 9209 has for it."""
    if isinstance(error, TimeoutError) and getattr(error, "errno", None) is None:
        return ConnectFailedError("connection_timeout", f"{where} did not accept a connection within {timeout:g} s")
    if isinstance(error, ssl.SSLCertVerificationError):
        return ConnectFailedError("tls_certificate_error", f"{where}: {error.verify_message}")
    if isinstance(error, ssl.SSLError):
        reason = (error.reason or str(error)).replace("_", " ").lower()
        kind = "tls_alert_received" if "alert" in reason else "tls_protocol_error"
        only = "; it speaks HTTP/2 only, and the gateway HTTP/1.1" if "application protocol" in reason else ""
        return ConnectFailedError(kind, f"{where}: {reason}{only}")
    if isinstance(error, OSError) and error.errno in (errno.EHOSTUNREACH, errno.ENETUNREACH):
        return ConnectFailedError("destination_ip_unroutable", f"{where}: {error.strerror}")
    if isinstance(error, OSError) and error.errno == errno.ETIMEDOUT:
        return ConnectFailedError("connection_timeout", f"{where}: {error.strerror}")
    if isinstance(error, ConnectionResetError):
        return ConnectFailedError("connection_terminated", f"{where} closed the connection while it was being opened")
    return ConnectFailedError("connection_refused", f"{where} refused the connection")

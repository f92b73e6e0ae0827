"""The connections to one upstream: reuse, opening, and failures named as RFC 9209 names them. I/O."""

from __future__ import annotations

import asyncio
import errno
import ssl
from collections.abc import Callable
from ipaddress import ip_address
from socket import gaierror
from typing import TYPE_CHECKING, Any

from .upstream import UpstreamConnection

if TYPE_CHECKING:
    from ..routes.table import CompiledUpstream

MAX_IDLE = 30.0  # seconds an unused connection is worth keeping
FRESH = 2.0  # seconds after which a request that must not be repeated gets a new connection
MAX_CONNECTIONS = 1024  # per upstream


class ConnectFailedError(Exception):
    """No connection came about: a kind of FAILURE_KINDS and a sentence."""

    def __init__(self, kind: str, detail: str) -> None:
        super().__init__(detail)
        self.kind, self.detail = kind, detail


class Pool:
    """The connections to one upstream: idle ones to reuse, the last used first."""

    def __init__(self, upstream: CompiledUpstream, context: ssl.SSLContext | None, clock: Callable[[], float]) -> None:
        self.host, self.port = upstream.host, upstream.port
        self.server_name = upstream.tls.server_name if upstream.tls else None
        self._context, self._clock = context, clock
        self._idle: list[UpstreamConnection] = []
        self.all: set[UpstreamConnection] = set()

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
        addresses = await self._resolve(timeout)
        failure: Exception | None = None
        for address in addresses:
            try:
                async with asyncio.timeout(timeout):
                    return await self._connect(address)
            except (OSError, ssl.SSLError, TimeoutError) as error:
                failure = error
        raise named(failure, f"{self.host}:{self.port}", timeout)

    async def _resolve(self, timeout: float) -> list[str]:
        try:
            return [str(ip_address(self.host))]
        except ValueError:
            pass
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(timeout):
                found = await loop.getaddrinfo(self.host, self.port, type=1)
        except TimeoutError:
            raise ConnectFailedError("dns_timeout", f"{self.host} did not resolve within {timeout:g} s") from None
        except (gaierror, UnicodeError) as error:
            raise ConnectFailedError("dns_error", f"{self.host} does not resolve: {error}") from None
        return list(dict.fromkeys(str(entry[4][0]) for entry in found))

    async def _connect(self, address: str) -> UpstreamConnection:
        loop = asyncio.get_running_loop()
        options: dict[str, Any] = {}
        if self._context is not None:
            options = {"ssl": self._context, "server_hostname": self.server_name or self.host}
        _, connection = await loop.create_connection(lambda: UpstreamConnection(self), address, self.port, **options)
        self.all.add(connection)
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
        return ConnectFailedError(kind, f"{where}: {reason}")
    if isinstance(error, OSError) and error.errno in (errno.EHOSTUNREACH, errno.ENETUNREACH):
        return ConnectFailedError("destination_ip_unroutable", f"{where}: {error.strerror}")
    if isinstance(error, OSError) and error.errno == errno.ETIMEDOUT:
        return ConnectFailedError("connection_timeout", f"{where}: {error.strerror}")
    if isinstance(error, ConnectionResetError):
        return ConnectFailedError("connection_terminated", f"{where} closed the connection while it was being opened")
    return ConnectFailedError("connection_refused", f"{where} refused the connection")

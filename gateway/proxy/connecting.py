"""Opening a connection to a name with several addresses: the next one is tried before a silent one times out. I/O.

RFC 8305 (Happy Eyeballs), section 5: attempts begin 250 ms apart, or at once when one fails; the first to stand wins.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeVar

DELAY: Final = 0.25  # seconds: the "Connection Attempt Delay" that RFC 8305 section 8 recommends

Connection = TypeVar("Connection")


async def first_to_stand(
    addresses: Sequence[str], connect: Callable[[str], Awaitable[Connection]], discard: Callable[[Connection], None]
) -> tuple[str, Connection]:
    """(address, connection) of the first attempt that succeeds; the others are cancelled, or discarded when they stand
    in the same moment. When all fail, the exception that tells most. Cancelled, it leaves nothing open."""
    attempts: dict[asyncio.Task[Connection], str] = {}
    waiting, failure = list(addresses), OSError("the name has no address")
    error: BaseException = failure
    try:
        while waiting or attempts:
            if waiting:
                address = waiting.pop(0)
                attempts[asyncio.ensure_future(connect(address))] = address
            done, _ = await asyncio.wait(
                attempts, timeout=DELAY if waiting else None, return_when=asyncio.FIRST_COMPLETED
            )
            for task in done:
                address = attempts.pop(task)
                if (failed := task.exception()) is None:
                    return address, task.result()
                if error is failure or _telling(failed) > _telling(error):
                    error = failed
        raise error
    finally:
        for task in attempts:
            task.cancel()
        for result in await asyncio.gather(*attempts, return_exceptions=True):
            if not isinstance(result, BaseException):
                discard(result)


def _telling(error: BaseException) -> int:
    """A server that was reached and refused TLS says more than an address at which nothing listens."""
    if isinstance(error, ssl.SSLError):
        return 2
    return 0 if isinstance(error, OSError) else 1


def interleaved(addresses: Sequence[str]) -> list[str]:
    """The families in turn, the first address's family first (RFC 8305 section 4)."""
    first = [one for one in addresses if (":" in one) == (":" in addresses[0])]
    other = [one for one in addresses if (":" in one) != (":" in addresses[0])]
    merged = [one for pair in zip(first, other, strict=False) for one in pair]
    return merged + first[len(other) :] + other[len(first) :]

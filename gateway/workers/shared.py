"""What the owner and its workers share: the table of steps, the news of tokens, and how a worker begins. I/O.

`Start` and route tables go from process to process as pickles, over sockets that no other process has.
"""

from __future__ import annotations

import io
import pickle
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from ..model.addresses import AllowedHosts
from ..protocols import Options, at_once
from ..routes.table import RouteTable
from .records import MOST_NEWS
from .steps import StepTable

if TYPE_CHECKING:
    from ..redact import Sealer


class Start(NamedTuple):
    """What a worker has to know. Pickled by its owner."""

    options: Options
    table: RouteTable
    hosts: AllowedHosts
    pseudonym: bytes
    own_origin: str
    console_origin: str
    log_style: str
    log_level: str


class Nursery:
    """The process that forks workers, loading while the owner starts. Killed, it is started anew with the next fork."""

    def __init__(self) -> None:
        self._start()

    def _start(self) -> None:
        self._socket, theirs = socket.socketpair()
        words = [sys.executable, "-m", str(__package__), str(theirs.fileno())]
        with theirs:
            self._process = subprocess.Popen(words, pass_fds=[theirs.fileno()])

    def fork(self, files: Sequence[int]) -> None:
        """A worker that gets these files."""
        try:
            socket.send_fds(self._socket, [b"w"], list(files))
        except (BrokenPipeError, ConnectionResetError):
            self.close()
            self._start()
            socket.send_fds(self._socket, [b"w"], list(files))

    def close(self) -> None:
        """Its workers go on."""
        self._socket.close()
        self._process.wait()


@dataclass
class Shared:
    """What the parts of an owner need before its workers are there; the fleet sets the two last ones."""

    steps: StepTable
    nursery: Nursery = field(default_factory=Nursery)
    sealer: Sealer | None = None
    news: deque[tuple[str, bytes]] = field(default_factory=partial(deque, maxlen=MOST_NEWS))  # of the owner's sealer
    when_settled: Callable[[], Awaitable[object]] = at_once
    when_counted: Callable[[], Awaitable[object]] = at_once

    def close(self) -> None:
        self.nursery.close()
        self.steps.close()

    async def settled(self) -> None:
        """Wait until every worker has done what was sent to it."""
        await self.when_settled()

    async def counted(self) -> None:
        """Wait until every worker has said what it counted."""
        await self.when_counted()


class _Pickler(pickle.Pickler):
    """Knows read-only views of dictionaries."""

    def reducer_override(self, value: Any) -> Any:
        return (_read_only, (dict(value),)) if type(value) is MappingProxyType else NotImplemented


def _read_only(value: dict[Any, Any]) -> MappingProxyType[Any, Any]:
    return MappingProxyType(value)


def pickled(value: object) -> bytes:
    """A value for a process of our own, which reads it with `pickle.loads`."""
    out = io.BytesIO()
    _Pickler(out, pickle.HIGHEST_PROTOCOL).dump(value)
    return out.getvalue()

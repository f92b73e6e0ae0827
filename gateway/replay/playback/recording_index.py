"""A recording ready to be played: its steps by path, by shape and by cluster. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from ...model.exchange import Chunk, Exchange
from ...model.frames import Frame
from .request_table import CREDENTIALS, Place, Scalar, fields_of

Roles = Mapping[int, frozenset[Place]]  # step -> the places whose values came from earlier responses

# Failures that nobody upstream had.
OURS: Final = frozenset(("client_closed", "gateway_stopped", "playback_miss", "http_request_error"))
NONE: Final[frozenset[Place]] = frozenset()


@dataclass(frozen=True, slots=True)
class Opened:
    """A step whose response has its secrets again."""

    exchange: Exchange
    chunks: Sequence[Chunk] = ()
    frames: Sequence[Frame] = ()


class Tape:
    """A recording in memory. It never changes, so any number of sessions may play the same one.

    Its exchanges are sealed; `opened` has those with secrets as they were, for who may have them.
    """

    def __init__(
        self,
        recording: str,
        title: str,
        exchanges: Sequence[Exchange],
        *,
        roles: Roles | None = None,
        fresh: Roles | None = None,
        chunks: Mapping[int, Sequence[Chunk]] | None = None,
        frames: Mapping[int, Sequence[Frame]] | None = None,
        opened: Mapping[int, Opened] | None = None,
    ) -> None:
        self.recording, self.title = recording, title
        self.exchanges = {one.step: one for one in exchanges if is_playable(one)}
        self.roles: Roles = {one.step: _credentials(one) | (roles or {}).get(one.step, NONE) for one in exchanges}
        self.fresh: Roles = fresh or {}  # step -> the places of values that its client makes up there
        self.chunks: Mapping[int, Sequence[Chunk]] = chunks or {}  # of event streams, by step
        self.frames: Mapping[int, Sequence[Frame]] = frames or {}  # of WebSockets, by step
        self.opened: Mapping[int, Opened] = opened or {}
        self._fields: dict[tuple[int, bool], dict[Place, Scalar]] = {}

    def __len__(self) -> int:
        return len(self.exchanges)

    @cached_property
    def request_bytes(self) -> int:
        """Of the bodies of all requests: what comparing another one with them may take."""
        return sum(len(one.request.body.data) for one in self.exchanges.values())

    @cached_property
    def by_path(self) -> dict[tuple[str, str, str], list[Exchange]]:
        """(cluster, method, path) -> steps, in order."""
        found: dict[tuple[str, str, str], list[Exchange]] = {}
        for one in self.exchanges.values():
            found.setdefault((one.cluster, one.method, one.path), []).append(one)
        return found

    @cached_property
    def by_shape(self) -> dict[tuple[str, str, int], list[Exchange]]:
        """The steps with values that came from earlier responses, by cluster, method and length of the path."""
        found: dict[tuple[str, str, int], list[Exchange]] = {}
        for one in self.exchanges.values():
            if self.roles.get(one.step):
                found.setdefault((one.cluster, one.method, one.path.count("/")), []).append(one)
        return found

    @cached_property
    def by_cluster(self) -> dict[str, list[Exchange]]:
        found: dict[str, list[Exchange]] = {}
        for one in self.exchanges.values():
            found.setdefault(one.cluster, []).append(one)
        return found

    def fields(self, one: Exchange, *, headers: bool) -> dict[Place, Scalar]:
        """The fields of a recorded request, taken apart once."""
        key = (one.step, headers)
        found = self._fields.get(key)
        if found is None:
            found = fields_of(one.request, headers=headers, whole_body=not one.request.body.truncated)
            self._fields[key] = found
        return found


def is_playable(one: Exchange) -> bool:
    """Whether a step has a response, be it a failure, that can be given again."""
    if one.state != "done" or not one.cluster:
        return False
    return one.response is not None or (one.failure is not None and one.failure.kind not in OURS)


def _credentials(one: Exchange) -> frozenset[Place]:
    return frozenset(("header", low) for name, _ in one.request.headers if (low := name.lower()) in CREDENTIALS)

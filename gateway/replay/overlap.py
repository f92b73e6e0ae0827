"""Which recorded calls stayed open while others came and went, and when their values may be used. Pure.

A replay sends one step after the other, in the order in which they began: whatever a step needs had ended before it
began, so that its order of dependence is kept. Two kinds of calls cannot be waited for, because what ends them comes
later in the recording:

    GET /events    ├───────────────────────────┤     a stream, whose events announce the calls that follow
    GET /wait      ├───────────────┤                 a read that the server answers when something happens
    POST /orders         ├──┤                        the call that makes it happen

Those are sent *ahead*: the replay goes on while they are open, and waits for their end before the first step that began
after it in the recording. Only streams, and reads during which a write began, are sent ahead; a read that is answered
at once has ended before the write is sent, as if it were alone. Two writes that overlapped are sent one after the
other, in the order in which they began: which of them a server does first was chance then and would be chance again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ..correlation.finder import schedule
from ..model.exchange import Exchange
from ..model.message import SAFE

LEAD: Final = 1.0  # seconds: the longest wait for a call to reach its server before the next one is sent
SHORTEST: Final = 0.05  # seconds of the same
MOST: Final = 64  # calls that are looked at within one read


Span = tuple[float, float, Exchange]


@dataclass(frozen=True, slots=True)
class Overlap:
    """A step that is sent ahead of those that began while it was open."""

    step: int
    lead: float  # seconds from its start to the next one's
    ended: float  # on the clock of the recording


def sent_ahead(exchanges: Sequence[Exchange]) -> dict[int, Overlap]:
    """The steps that are sent ahead, by step. Exchanges without times overlap nothing."""
    times = schedule(exchanges)
    found: dict[int, Overlap] = {}
    for at, (began, ended, one) in enumerate(times):
        if one.method not in SAFE or not (one.stream or one.response is not None):
            continue
        inside = _begun_before(ended, times[at + 1 :] if one.stream else times[at + 1 : at + 1 + MOST])
        waits = any(each.method not in SAFE for _, _, each in inside)
        if inside and (one.stream or waits):
            found[one.step] = Overlap(one.step, min(max(inside[0][0] - began, SHORTEST), LEAD), ended)
    return found


def _begun_before(moment: float, times: Sequence[Span]) -> list[Span]:
    found: list[Span] = []
    for span in times:
        if span[0] >= moment:
            break
        found.append(span)
    return found


def began_at(exchanges: Sequence[Exchange]) -> dict[int, float]:
    """When each step began, on the same clock."""
    return {one.step: began for began, _, one in schedule(exchanges)}

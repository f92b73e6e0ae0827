"""When the steps of a recording began and how long they took, as bars on one line of time. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from ..model.exchange import Exchange

PAUSE = 100.0  # milliseconds: a longer silence is cut out, or a moment of thinking would hide all that happened
KEPT = 5.0  # what is left of it
LEAST = 2.0  # thousandths: a bar that can still be seen


@dataclass(frozen=True, slots=True)
class Bar:
    """One step; x and widths in thousandths of the whole, times in milliseconds since the first step began."""

    exchange: Exchange
    at_ms: float
    took_ms: float
    x: float
    wait: float  # waiting
    rest: float
    pause_ms: float = 0.0  # of silence before it that is not drawn


def waterfall(exchanges: Sequence[Exchange]) -> tuple[Bar, ...]:
    """A bar for each step, in order; nothing for a recording without times."""
    found = [(one, _began(one)) for one in exchanges]
    timed = sorted(((one, began) for one, began in found if began is not None), key=lambda each: each[1])
    if not timed:
        return ()
    first, cut, end = timed[0][1], 0.0, 0.0
    places: list[tuple[Exchange, float, float, float, float]] = []
    for one, began in timed:
        at, took = round((began - first) * 1000, 3), one.timing.total_ms or 0.0
        silence = round(at - cut - end, 3)
        pause = silence if silence > PAUSE else 0.0
        cut += pause - KEPT if pause else 0.0
        places.append((one, at, at - cut, took, pause))
        end = max(end, at - cut + took)
    whole = max(end, 1.0)
    return tuple(_bar(one, at, drawn, took, whole, pause) for one, at, drawn, took, pause in places)


def _bar(one: Exchange, at: float, drawn: float, took: float, whole: float, pause: float) -> Bar:
    width = max(1000 * took / whole, LEAST)
    first_byte = one.timing.first_byte_ms
    wait = width if first_byte is None or took <= 0 else width * min(first_byte / took, 1.0)
    x = min(1000 * drawn / whole, 1000 - width)
    return Bar(one, at, took, round(x, 1), round(wait, 1), round(width - wait, 1), pause)


def _began(exchange: Exchange) -> float | None:
    try:
        return datetime.fromisoformat(exchange.started_at).timestamp()
    except ValueError:
        return None

"""Which response had finished when a request began: timestamps decide, not the order of the list. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from ...model.exchange import Exchange

SLACK = 0.0002  # seconds: both times are rounded


def seconds(timestamp: str) -> float | None:
    """Epoch seconds of an RFC 3339 timestamp."""
    try:
        return datetime.fromisoformat(timestamp).timestamp()
    except (ValueError, OverflowError):
        return None


def schedule(exchanges: Sequence[Exchange]) -> list[tuple[float, float, Exchange]]:
    """(began, finished, exchange) in the order in which they began. Without timestamps, the steps' order counts."""
    times = [seconds(exchange.started_at) for exchange in exchanges]
    if None in times:
        return [(float(at), at + 0.5, exchange) for at, exchange in enumerate(exchanges)]
    spans = [
        (began, began + (exchange.timing.total_ms or 0.0) / 1000.0 - SLACK, exchange)
        for began, exchange in zip(times, exchanges, strict=True)
        if began is not None
    ]
    return sorted(spans, key=lambda span: (span[0], span[2].step))

"""What this run has in the place of a recorded value: the bound values, followed from source to source. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from ..model.exchange import Exchange
from .correlation import Correlations, extract


def drift_of(recorded: Exchange, live: Exchange, correlations: Correlations) -> dict[str, str]:
    """Recorded value -> the live one, for every value that this step is a source of and later steps need."""
    found: dict[str, str] = {}
    if live.response is None or recorded.response is None:
        return found
    for binding in correlations.in_force:
        for source in (binding.source, *binding.alternates):
            if source.step != recorded.step:
                continue
            before = extract(recorded.response, source, ())
            after = extract(live.response, source, ())
            if before is not None and after is not None and before != after:
                found[before] = after
    return found


def drift_of_runs(pairs: Sequence[tuple[Exchange, Exchange]], correlations: Correlations) -> dict[str, str]:
    """The same for whole runs, whose steps are paired."""
    found: dict[str, str] = {}
    for recorded, live in pairs:
        found |= drift_of(recorded, live, correlations)
    return found

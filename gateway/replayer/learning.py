"""What a replay proves: values that moved on both sides, and the server took them. I/O."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..replay.correlation import Correlations, proved

if TYPE_CHECKING:
    from ..model.exchange import Exchange
    from ..protocols import Services, Store
    from ..replay.report import StepResult


async def learn(
    services: Services, of: str, exchanges: Sequence[Exchange], correlations: Correlations, recording: str,
    steps: Sequence[StepResult],
) -> tuple[str, ...]:  # fmt: skip
    """Confirm, beside the recording `of`, the bindings that the run `recording` has proved; their ids."""
    ids = await asyncio.to_thread(_proved, services.store, exchanges, correlations, recording, steps)
    if ids:
        await asyncio.wrap_future(services.recorder.decide(of, accept=ids))
    return ids


def _proved(
    store: Store, exchanges: Sequence[Exchange], correlations: Correlations, recording: str, steps: Sequence[StepResult]
) -> tuple[str, ...]:
    if not any(each.status == "auto" for each in correlations.bindings):
        return ()
    lived = {each.id: each for each in _all(store, recording)}
    again = {each.step: lived[each.exchange] for each in steps if each.exchange in lived}
    well = frozenset(each.step for each in steps if each.status == each.recorded_status and each.step in again)
    return proved(correlations, exchanges, again, well)


def _all(store: Store, recording: str) -> list[Exchange]:
    page = store.exchanges(recording)
    found = list(page.items)
    while page.next:
        page = store.exchanges(recording, cursor=page.next)
        found += page.items
    return found

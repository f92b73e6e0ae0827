"""Where the values of one exchange come from, and where they are used next, with the exchanges over there. I/O."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..correlation import Correlations, correlate
from ..errors import NotFoundError, StoreError
from .correlations import SHOWN

if TYPE_CHECKING:
    from ..model.exchange import Exchange
    from ..model.recording import Recording
    from ..protocols import Services, Store


@dataclass(frozen=True, slots=True)
class ValueFlow:
    """One value on its way between two steps; `exchange` is the one at the other end, "" when it is gone."""

    variable: str
    here: str  # "json /id", "path order_id"
    step: int
    there: str
    exchange: str


@dataclass(frozen=True, slots=True)
class Lineage:
    taken: tuple[ValueFlow, ...] = ()  # values of this request, from earlier responses
    given: tuple[ValueFlow, ...] = ()  # values of this response, needed by later requests


async def lineage(services: Services, recording: Recording, exchange: Exchange) -> Lineage | None:
    """None for a recording that is too long to be looked through for one page."""
    if recording.steps > SHOWN:
        return None
    return await asyncio.to_thread(_lineage, services.store, recording.id, exchange.step)


def _lineage(store: Store, recording: str, step: int) -> Lineage:
    try:
        exchanges = store.exchanges(recording, limit=SHOWN).items
        found = correlate(exchanges, store.decisions(recording))
    except (NotFoundError, StoreError):  # deleted while somebody looks at one of its steps
        return Lineage()
    return flows_at(found, step, {one.step: one.id for one in exchanges})


def flows_at(found: Correlations, step: int, ids: dict[int, str]) -> Lineage:
    """The bindings in force that touch one step."""
    taken, given = [], []
    for one in found.in_force:
        source, sink = f"{one.source.part} {one.source.path}", f"{one.sink.part} {one.sink.name or one.sink.path}"
        if one.sink.step == step:
            taken.append(ValueFlow(one.variable, sink, one.source.step, source, ids.get(one.source.step, "")))
        if one.source.step == step:
            given.append(ValueFlow(one.variable, source, one.sink.step, sink, ids.get(one.sink.step, "")))
    return Lineage(tuple(taken), tuple(given))

"""A recording's replays and variants as a tree, each with why it ended differently; ready what-ifs of a step. I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from ..correlation import Correlations, correlate
from ..errors import NotFoundError, UsageError
from ..model.recording import Relative, relative_json
from ..replay.compare import compare_runs
from ..replay.differences.step_pairs import drift_of_runs, kind_of
from ..replay.error_card import Card, card, card_json, sibling
from ..replay.what_if_gallery import gallery
from .compare import elsewhere
from .replay import all_steps

if TYPE_CHECKING:
    from ..model.exchange import Exchange
    from ..protocols import Store

MOST_STEPS: Final = 30  # steps of each that are shown side by side
CHAINED: Final = (
    100  # steps of a recording whose values are followed for a card; of a longer one only two are looked at
)


def variants(store: Store, ref: str, *, limit: int, cursor: str | None = None) -> dict[str, Any]:
    """A slice of the family's tree, depth first: {"items", "next", "total"}. Blocking."""
    id = store.recording(ref).id
    found = store.family(id)
    first = read_offset(cursor)
    shown = found[first : first + limit]
    statuses = store.outcomes([one.id for one in shown], most=MOST_STEPS)
    why = VariantReasons(store, found)
    items = [
        relative_json(one)
        | {
            "outcomes": [{"step": step, "status": status, "exchange": id} for step, status, id in statuses[one.id]],
            "card": card_json(told) if (told := why.of(one)) else None,
        }
        for one in shown
    ]
    more = str(first + limit) if first + limit < len(found) else None
    return {"recording": id, "items": items, "next": more, "total": len(found)}


def read_offset(cursor: str | None) -> int:
    """The place that a cursor of a family names. UsageError."""
    if cursor is None:
        return 0
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) < 10):
        raise UsageError(f"{cursor[:40]!r} is no cursor of this list")
    return int(cursor)


class VariantReasons:
    """Why variants ended otherwise than what they come from, or than their siblings."""

    def __init__(self, store: Store, family: Sequence[Relative]) -> None:
        self._store = store
        self._known = {one.id: one for one in family}
        branched = sorted((one for one in family if one.branched_at), key=_branch)
        self._siblings = {key: list(group) for key, group in groupby(branched, key=_branch)}
        self._chains: dict[str, tuple[Exchange, ...]] = {}
        self._values: dict[str, Correlations] = {}

    def of(self, one: Relative) -> Card | None:
        """The card of the step at which it branched, else of the first that ended otherwise; None where none did."""
        parent = self._known.get(one.parent or "")
        if parent is None or one.branched_at is None or one.status is None:
            return None
        if max(one.steps, parent.steps) <= CHAINED:
            return self._between(one, parent) or self._beside(one)
        own, theirs = self._step(one, one.branched_at), self._step(parent, one.branched_at)
        if own is None or theirs is None or kind_of(own) != kind_of(theirs):
            return None
        return card(own, theirs) or card(theirs, own) or self._beside(one)

    def _between(self, one: Relative, parent: Relative) -> Card | None:
        """Between a variant and what it comes from, this run's values followed."""
        chain, before = self._chain(one), self._chain(parent)
        pairs = compare_runs(parent.id, one.id, before, chain, self._correlated(parent)).steps
        told = {pair.replayed.step: pair.card for pair in pairs if pair.replayed and pair.card}
        if told:
            return told.get(one.branched_at or 0) or next(iter(told.values()))
        both = [(pair.recorded, pair.replayed) for pair in pairs if pair.recorded and pair.replayed]
        drift = drift_of_runs(both, self._correlated(parent))
        step = next((each for each in chain if each.step == one.branched_at and (each.status or 0) >= 400), None)
        for others in (chain, before) if step else ():  # sent in another order, or once more
            if step is not None and (near := sibling(step, others)) is not None:
                sooner = [each for each in others if each.step < near.step]
                return card(step, near, drift, before=([each for each in chain if each.step < step.step], sooner))
        return None

    def _beside(self, one: Relative) -> Card | None:
        """Where the parent failed as well: beside the nearest sibling that did not."""
        own = self._step(one, one.branched_at or 0)
        if own is None or (own.status or 0) < 400:
            return None
        good = [each for each in self._siblings[_branch(one)] if each.status is not None and each.status < 400]
        steps = [self._step(each, each.branched_at or 0) for each in good[:20]]
        near = sibling(own, [step for step in steps if step is not None])
        return card(own, near) if near is not None else None

    def _step(self, one: Relative, number: int) -> Exchange | None:
        if one.steps <= CHAINED:
            return next((step for step in self._chain(one) if step.step == number), None)
        try:
            return self._store.step(one.id, number)
        except NotFoundError:
            return None

    def _chain(self, one: Relative) -> tuple[Exchange, ...]:
        if one.id not in self._chains:
            self._chains[one.id] = tuple(all_steps(self._store, one.id))
        return self._chains[one.id]

    def _correlated(self, one: Relative) -> Correlations:
        if one.id not in self._values:
            self._values[one.id] = correlate(self._chain(one), self._store.decisions(one.id))
        return self._values[one.id]


def _branch(one: Relative) -> tuple[str, int]:
    return one.parent or "", one.branched_at or 0


def what_ifs(store: Store, id: str, number: int, homes: Mapping[str, Sequence[str]]) -> list[dict[str, Any]]:
    """The ready what-ifs of a step; `homes` are the environments of each cluster. Blocking. NotFoundError when there
    is no such step."""
    chain = all_steps(store, id)
    step = next((one for one in chain if one.step == number), None)
    if step is None:
        raise NotFoundError(f"the recording has no step {number}", hint=f"it has 1 to {len(chain)}")
    found = gallery(step, homes.get(step.cluster, ()), chain=chain, foreign=elsewhere(store, step))
    return [{"title": one.title, "kind": one.kind, "body": dict(one.body)} for one in found]

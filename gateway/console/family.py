"""A recording's replays and variants as a tree, side by side, each with why it ended otherwise. I/O."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from ..errors import NotFoundError, UsageError
from ..model.family import Relative, relative_json
from ..replay.card import Card, card, card_json, sibling
from ..replay.correlation import Correlations, correlate
from ..replay.drift import drift_of_runs
from ..replayer import all_steps

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
    first = _offset(cursor)
    shown = found[first : first + limit]
    statuses = store.outcomes([one.id for one in shown], most=MOST_STEPS)
    why = Explained(store, found)
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


def _offset(cursor: str | None) -> int:
    if cursor is None:
        return 0
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) < 10):
        raise UsageError(f"{cursor[:40]!r} is no cursor of this list")
    return int(cursor)


class Explained:
    """Why variants ended otherwise than what they come from, or than their siblings."""

    def __init__(self, store: Store, family: Sequence[Relative]) -> None:
        self._store = store
        self._known = {one.id: one for one in family}
        branched = sorted((one for one in family if one.branched_at), key=_branch)
        self._siblings = {key: list(group) for key, group in groupby(branched, key=_branch)}
        self._chains: dict[str, tuple[Exchange, ...]] = {}
        self._values: dict[str, Correlations] = {}

    def of(self, one: Relative) -> Card | None:
        """The card of the step at which it branched; None where nothing is to be explained."""
        parent = self._known.get(one.parent or "")
        if parent is None or one.branched_at is None or one.status is None:
            return None
        own, theirs = self._step(one, one.branched_at), self._step(parent, one.branched_at)
        if own is None or theirs is None:
            return None
        if ((own.status or 0) < 400) != ((theirs.status or 0) < 400):
            return self._between(one, parent, own, theirs)
        return self._beside(one, own) if (own.status or 0) >= 400 else None

    def _between(self, one: Relative, parent: Relative, own: Exchange, theirs: Exchange) -> Card | None:
        """Between a variant and what it comes from."""
        if max(one.steps, parent.steps) > CHAINED:
            return card(own, theirs) or card(theirs, own)
        chain, before = self._chain(one), self._chain(parent)
        drift = drift_of_runs(list(zip(before, chain, strict=False)), self._correlated(parent))
        sooner = tuple([each for each in steps if each.step < own.step] for steps in (chain, before))
        back = {now: then for then, now in drift.items()}
        return card(own, theirs, drift, before=(sooner[0], sooner[1])) or card(
            theirs, own, back, before=(sooner[1], sooner[0])
        )

    def _beside(self, one: Relative, own: Exchange) -> Card | None:
        """Where the parent failed as well: beside the nearest sibling that did not."""
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

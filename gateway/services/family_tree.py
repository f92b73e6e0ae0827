"""The what-ifs and replays of a recording as a tree: each step beside the original's, why a row differs. I/O; blocking.

The original is the root. A step is "same", "differs", "better" (the original failed there), or "unsent".
Replays that went alike in all their steps are one row.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from ..correlation import Correlations, correlate
from ..diagrams.story import name_of
from ..errors import NotFoundError
from ..replay.compare import Comparison, StepPair, compare_runs
from ..replay.differences.difference import difference_json
from ..replay.report import difference_line, unsent
from .replay import all_steps
from .variants import CHAINED, MOST_STEPS, VariantReasons, read_offset

if TYPE_CHECKING:
    from ..model.exchange import Exchange
    from ..model.recording import Relative
    from ..protocols import Store

State = Literal["same", "differs", "better", "unsent"]
SHORT: Final = 14  # characters of a step's name above its column


@dataclass(frozen=True, slots=True)
class TreeCell:
    """One step of one recording; `exchange` is "" where it was not sent."""

    step: int
    status: int | None
    exchange: str
    state: State
    branches: bool = False  # this is the step that the what-if changed


@dataclass(frozen=True, slots=True)
class TreeRow:
    """One recording, or several equal replays of which this is the newest."""

    id: str
    title: str
    kind: str
    parent: str | None
    depth: int
    branched_at: int | None
    started_at: str
    cells: tuple[TreeCell, ...]
    why: str = ""
    equal: int = 1
    is_last: bool = False  # of its parent's own

    @property
    def differs(self) -> bool:
        return any(cell.state != "same" for cell in self.cells) or bool(self.why)


@dataclass(frozen=True, slots=True)
class FamilyTree:
    """`names` are the short names of the columns, by step."""

    names: tuple[tuple[int, str], ...]
    rows: tuple[TreeRow, ...]
    total: int
    next: str | None = None


def family_tree(store: Store, ref: str, *, limit: int, cursor: str | None = None) -> FamilyTree:
    """A slice of the family, depth first. NotFoundError for no recording, UsageError for no cursor."""
    id = store.recording(ref).id
    found = store.family(id)
    first = read_offset(cursor)
    shown = found[first : first + limit]
    original = found[0]
    statuses = store.outcomes(list({one.id: one for one in (original, *shown)}), most=MOST_STEPS)
    reasons = _Reasons(store, found)
    rows = [_row(one, statuses[one.id], statuses[original.id], reasons, found) for one in shown]
    names = tuple((step, reasons.name(original, step)) for step, _, _ in statuses[original.id])
    more = str(first + limit) if first + limit < len(found) else None
    return FamilyTree(names, tuple(_folded(rows)), len(found), more)


Outcomes = Sequence[tuple[int, int | None, str]]


def _row(one: Relative, own: Outcomes, original: Outcomes, reasons: _Reasons, family: Sequence[Relative]) -> TreeRow:
    sent = {step: (status, exchange) for step, status, exchange in own}
    changed, why = ((), "") if one.depth == 0 else reasons.of(one)
    before = {step: status for step, status, _ in original}
    cells = []
    for step in sorted({*before, *sent}):
        status, exchange = sent.get(step, (None, ""))
        state = _state(before.get(step), status, bool(exchange), step in changed)
        cells.append(TreeCell(step, status, exchange, state, step == one.branched_at))
    siblings = [each.id for each in family if each.parent == one.parent and each.depth == one.depth]
    return TreeRow(
        one.id, one.title or one.id, one.kind, one.parent, one.depth, one.branched_at, one.started_at, tuple(cells),
        why, is_last=siblings[-1:] == [one.id],
    )  # fmt: skip


def _state(before: int | None, now: int | None, sent: bool, changed: bool) -> State:
    if not sent:
        return "unsent"
    if before is not None and before >= 400 and now is not None and now < 400:
        return "better"
    return "differs" if changed or before != now else "same"


def _folded(rows: Sequence[TreeRow]) -> Iterator[TreeRow]:
    """Equal replays of one recording, which have nothing below them, as the newest of them."""
    alike: dict[object, list[TreeRow]] = {}
    parents = {row.parent for row in rows}
    keys = {}
    for row in rows:
        statuses = tuple((cell.step, cell.status, cell.state) for cell in row.cells)
        alone = row.kind != "replay" or row.id in parents
        keys[row.id] = row.id if alone else (row.parent, row.title, statuses, row.why)
        alike.setdefault(keys[row.id], []).append(row)
    for row in rows:
        group = alike[keys[row.id]]
        if row is group[-1]:
            yield TreeRow(
                row.id, row.title, row.kind, row.parent, row.depth, row.branched_at, row.started_at, row.cells, row.why,
                len(group), row.is_last,
            )  # fmt: skip


class _Reasons:
    """Why recordings went another way than what they come from, in a sentence; and the names of steps."""

    def __init__(self, store: Store, family: Sequence[Relative]) -> None:
        self._store = store
        self._known = {one.id: one for one in family}
        self._cards = VariantReasons(store, family)
        self._chains: dict[str, Sequence[Exchange]] = {}
        self._values: dict[str, Correlations] = {}

    def name(self, one: Relative, step: int) -> str:
        """What people call a step, short."""
        chain = self._chain(one.id)
        exchange = chain[step - 1] if step <= len(chain) else None
        name = name_of(exchange).removeprefix("What if: ") if exchange else ""
        return name if len(name) <= SHORT else f"{name[: SHORT - 1]}…"

    def of(self, one: Relative) -> tuple[tuple[int, ...], str]:
        """(the steps that really differ, the sentence); ((), "") where all went alike."""
        parent = self._known.get(one.parent or "")
        if parent is None:
            return (), ""
        if max(one.steps, parent.steps) > CHAINED:
            card = self._cards.of(one)
            return (), card.sentence if card else ""
        before, after = self._chain(parent.id), self._chain(one.id)
        values = self._correlated(parent)
        found = compare_runs(parent.id, one.id, before, after, values)
        differing = tuple(
            pair.recorded.step for pair in found.steps
            if pair.recorded and pair.replayed and pair.outcome not in ("same", "expected")
        )  # fmt: skip
        return differing, self._sentence(one, found, values)

    def _sentence(self, one: Relative, found: Comparison, values: Correlations) -> str:
        """The card of what was changed, or of the first step that went otherwise; else what first differs."""
        both = [pair for pair in found.steps if pair.recorded and pair.replayed]
        changed = next((pair for pair in both if pair.replayed and pair.replayed.step == one.branched_at), None)
        if changed and changed.outcome not in ("same", "expected") and not changed.card and _same_status(changed):
            return _difference(changed)
        if (card := self._cards.of(one)) is not None:
            return card.sentence
        if (told := next((pair.card for pair in both if pair.card), None)) is not None:
            return told.sentence
        for pair in both:
            if pair.outcome not in ("same", "expected"):
                return _difference(pair)
        missing = unsent(found, values)
        last = max((pair.recorded.step for pair in both if pair.recorded), default=0)
        early = {step: why for step, why in missing.items() if step < last or one.branched_at is None}
        step = min(early, default=0)
        return f"step {step} was not sent: {early[step]}" if step else ""

    def _chain(self, id: str) -> Sequence[Exchange]:
        if id not in self._chains:
            try:
                self._chains[id] = all_steps(self._store, id)
            except NotFoundError:  # deleted meanwhile
                self._chains[id] = ()
        return self._chains[id]

    def _correlated(self, one: Relative) -> Correlations:
        if one.id not in self._values:
            self._values[one.id] = correlate(self._chain(one.id), self._store.decisions(one.id))
        return self._values[one.id]


def _same_status(pair: StepPair) -> bool:
    return bool(pair.recorded and pair.replayed and pair.recorded.status == pair.replayed.status)


def _difference(pair: StepPair) -> str:
    """What differs in a step that answered with the same status, or with another one for no known reason."""
    before, after = pair.recorded, pair.replayed
    if before is None or after is None:
        return ""
    first = next((one for one in pair.differences if not one.expected), None)
    if before.status != after.status:
        return f"{after.status_words} instead of {before.status_words} at step {before.step}; no reason found"
    line = difference_line(difference_json(first)) if first else ""
    unsure = "not sure why: " if pair.outcome == "unsure" else ""
    return f"same status at step {before.step}, {unsure}{line}"

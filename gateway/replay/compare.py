"""Two recordings, or two exchanges, side by side: their steps paired, drift followed, differences told. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from ..correlation import Correlations
from ..model.exchange import Chunk, Exchange
from ..model.recording import Revision
from .differences.difference import Difference, context_of, diff, diff_answers, difference_json, outcome
from .differences.list_noise import LaterRequests
from .differences.noise import Context, Drift
from .differences.step_pairs import align, giving_of, learn_drift
from .differences.stream_difference import conversation, diff_conversations
from .error_card import Card, card, card_json
from .move_cause import moved_between

Chunks = Callable[[str], Sequence[Chunk]]  # the pieces of a stream, by the id of its exchange
PairOutcome = Literal["same", "expected", "unsure", "differs", "removed", "added"]


@dataclass(frozen=True, slots=True)
class StepPair:
    """A step of the one and its counterpart in the other; None where there is none."""

    recorded: Exchange | None
    replayed: Exchange | None
    outcome: PairOutcome
    differences: tuple[Difference, ...] = ()
    card: Card | None = None  # why one of the two failed, where only one did


@dataclass(frozen=True, slots=True)
class Comparison:
    """Everything that differs between A and B."""

    a: str
    b: str
    steps: tuple[StepPair, ...]

    @property
    def outcome(self) -> str:
        """ "same", "expected", "unsure" or "differs": the worst of the steps'."""
        found = {pair.outcome for pair in self.steps}
        if found - {"same", "expected", "unsure"}:
            return "differs"
        return next((word for word in ("unsure", "expected") if word in found), "same")

    @property
    def first(self) -> StepPair | None:
        """Where they begin to differ really."""
        return next((pair for pair in self.steps if pair.outcome not in ("same", "expected")), None)


def compare_runs(
    a: str,
    b: str,
    recorded: Sequence[Exchange],
    replayed: Sequence[Exchange],
    correlations: Correlations,
    *,
    again: Sequence[Exchange] = (),
    revisions: Sequence[Revision] = (),
    chunks: Chunks | None = None,
) -> Comparison:
    """Whole recordings. `correlations` are those of A; `again` is a second run of A: where it differs, so may B.

    `revisions`, newest first, tell who moved a cluster between the two; `chunks` gives the pieces of a stream.
    """
    noise = noisy_places(recorded, again) if again else {}
    drift, later, giving = Drift(), LaterRequests(recorded), giving_of(correlations)
    pairs = []
    for i, j in align(recorded, replayed):
        before, after = (None if i is None else recorded[i]), (None if j is None else replayed[j])
        if before is None or after is None:
            pairs.append(StepPair(before, after, "added" if before is None else "removed"))
            continue
        learn_drift(drift, before, after, giving)
        context = replace(
            context_of(before, after, drift), noise=noise.get(before.step, frozenset()),
            moves=moved_between(before, after, revisions), used=later.after(before),
        )  # fmt: skip
        found = (*diff(before, after, context), *_said(before, after, chunks, context))
        why = _why(before, after, drift, ([*recorded[:i]], [*replayed[:j]]))
        pairs.append(StepPair(before, after, outcome(found), found, why))
    return Comparison(a, b, tuple(pairs))


def _why(
    before: Exchange, after: Exchange, drift: Mapping[str, str], chains: tuple[Sequence[Exchange], Sequence[Exchange]]
) -> Card | None:
    """The card of two steps, whichever of them failed; `chains` is what came before each."""
    if ((before.status or 0) < 400) == ((after.status or 0) < 400):
        return None
    back = {now: then for then, now in drift.items()}
    return card(after, before, drift, before=(chains[1], chains[0])) or card(before, after, back, before=chains)


def _said(recorded: Exchange, replayed: Exchange, chunks: Chunks | None, context: Context) -> Iterator[Difference]:
    """What differs in the messages of two streams."""
    if chunks is None or not recorded.stream or recorded.stream != replayed.stream:
        return iter(())
    one, other = (conversation(each, chunks(each.id)) for each in (recorded, replayed))
    return diff_conversations(one, other, context)


def noisy_places(recorded: Sequence[Exchange], again: Sequence[Exchange]) -> dict[int, frozenset[str]]:
    """step -> the places of scalars that changed from one run to the next, though both ended alike."""
    found = {}
    for i, j in align(recorded, again):
        if i is not None and j is not None and recorded[i].status == again[j].status:
            changes = diff_answers(recorded[i], again[j], context_of(recorded[i], again[j]))
            scalars = (one for one in changes if one.kind == "changed" and not isinstance(one.recorded, (dict, list)))
            found[recorded[i].step] = frozenset(one.where + one.pointer for one in scalars)
    return found


def compare_steps(
    a: str, b: str, recorded: Exchange, replayed: Exchange, *, chunks: Chunks | None = None
) -> Comparison:
    """Two exchanges, whatever recordings they are in."""
    context = context_of(recorded, replayed)
    found = (*diff(recorded, replayed, context), *_said(recorded, replayed, chunks, context))
    why = _why(recorded, replayed, {}, ((), ()))
    return Comparison(a, b, (StepPair(recorded, replayed, outcome(found), found, why),))


def comparison_json(comparison: Comparison) -> dict[str, Any]:
    """A comparison as the API and `--json` show it."""
    first = comparison.first
    return {
        "a": comparison.a,
        "b": comparison.b,
        "outcome": comparison.outcome,
        "first": None if first is None else _step(first.recorded or first.replayed),
        "steps": [
            {
                "a": _step(pair.recorded),
                "b": _step(pair.replayed),
                "method": (pair.recorded or pair.replayed).method,  # type: ignore[union-attr]
                "path": (pair.recorded or pair.replayed).path,  # type: ignore[union-attr]
                "status": [None if one is None else one.status for one in (pair.recorded, pair.replayed)],
                "outcome": pair.outcome,
                "differences": [difference_json(difference) for difference in pair.differences],
                "card": None if pair.card is None else card_json(pair.card),
            }
            for pair in comparison.steps
        ],
    }


def _step(exchange: Exchange | None) -> int | None:
    return None if exchange is None else exchange.step

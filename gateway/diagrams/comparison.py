"""Two recordings in one diagram: what both did, what changed, what only one of them did. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby

from ..correlation import Decisions
from ..model.exchange import Exchange
from ..model.text import clean, counted, shortened
from ..replay.compare import StepPair
from .calls import answering, call_of
from .chapters import chapters
from .diagram import Call, Change, Diagram, Divider, Participant, Row
from .sequence import PICTURE, participants_of
from .step_labels import ValueNames, names

WRITTEN = 3  # equal steps in a row that are still drawn
TOLD = 3  # differences that a tooltip names
_CHANGES: dict[str, Change] = {"same": "same", "expected": "same", "removed": "removed", "added": "added"}


def changes(a: str, b: str, pairs: Sequence[StepPair]) -> Diagram:
    """The diagram of two recordings, by their titles, whose steps were paired (`replay.runs.compare_runs`).

    Steps are numbered as in A, those that only B has as in B.
    """
    shown = [one for pair in pairs for one in (pair.recorded, pair.replayed) if one is not None]
    participants = participants_of(shown)
    rows = list(_rows(pairs, participants))
    if len(rows) > PICTURE:
        rows[PICTURE - 1 :] = [Divider(f"{counted(len(rows) - PICTURE + 1, 'more row')} below", "equal")]
    first, second = (shortened(clean(title).strip(), 60) or "untitled" for title in (a, b))
    return Diagram(f"{first} | {second}", _about(pairs), participants, chapters(rows))


def _about(pairs: Sequence[StepPair]) -> str:
    counts = [(word, sum(_change(pair) == word for pair in pairs)) for word in ("same", "changed", "added", "removed")]
    words = {"same": "equal", "added": "only in the second", "removed": "only in the first"}
    return ", ".join(f"{count} {words.get(word, word)}" for word, count in counts if count) or "nothing to compare"


def _change(pair: StepPair) -> Change:
    return _CHANGES.get(pair.outcome, "changed")


def _rows(pairs: Sequence[StepPair], participants: tuple[Participant, ...]) -> Iterator[Row]:
    before = names([pair.recorded for pair in pairs if pair.recorded is not None], Decisions())
    after = names([pair.replayed for pair in pairs if pair.replayed is not None], Decisions())
    for change, group in groupby(pairs, key=_change):
        found = list(group)
        if change == "same" and len(found) > WRITTEN:
            steps = [pair.recorded.step for pair in found if pair.recorded is not None]
            yield Divider(f"{len(found)} equal steps: {steps[0]} to {steps[-1]}", "equal")
        else:
            yield from (_call(pair, change, participants, before, after) for pair in found)


def _call(
    pair: StepPair, change: Change, participants: tuple[Participant, ...], before: ValueNames, after: ValueNames
) -> Call:
    one = _of(pair.recorded, participants, before)
    other = _of(pair.replayed, participants, after)
    if one is None or other is None:
        alone = one or other
        assert alone is not None, "a pair has at least one side"
        return replace(alone, change=change, keeps=())
    if change == "same":
        return replace(one, change=change)
    return _changed(pair, one, other, participants)


def _of(exchange: Exchange | None, participants: tuple[Participant, ...], moving: ValueNames) -> Call | None:
    if exchange is None:
        return None
    exchange = replace(exchange, mode="live")  # that one of the two was sent again is no difference
    return call_of(exchange, participants.index(answering(exchange)), moving)


def _changed(pair: StepPair, one: Call, other: Call, participants: tuple[Participant, ...]) -> Call:
    """The second's call under the first's number; what it was before is beside it."""
    was = [] if one.participant == other.participant else [f"was {participants[one.participant].name}"]
    was += [] if one.step == other.step else [f"step {other.step} there"]
    answer = f"{one.answer} -> {other.answer}"
    if one.answer == other.answer:
        answer = f"{other.answer}, {counted(len(pair.differences), 'difference')}"
    told = [f"{found.where}{found.pointer}" for found in pair.differences[:TOLD]]
    sentence = f"{one.sentence} In the second: {other.sentence} {clean(', '.join(told))}".strip()
    return replace(
        other, step=one.step, answer=answer, change="changed", took=None, keeps=(), sentence=sentence,
        remark=", ".join([*was, *([other.remark] if other.remark else [])]),
    )  # fmt: skip

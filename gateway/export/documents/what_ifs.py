"""What the document says about a recording's what-ifs, and of its runs on other environments. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ...correlation import Correlations
from ...model.exchange import Exchange
from ...model.recording import Recording
from ...model.text import shortened
from ...replay.compare import StepPair, compare_runs
from ...replay.differences.difference import Difference
from ..format import Recordings
from ..scenario.recording_groups import Run, is_replay, is_variant, variants_of
from ..scenario.sealed_secrets import PLACEHOLDER
from .error_cards import SHOWN, ErrorCardRow, says

MOST = 12  # differences of one step that are listed


@dataclass(frozen=True, slots=True)
class DocumentWhatIf:
    """A variant: what was changed, and the result. `sibling` is the same step of the recording itself."""

    title: str
    notes: tuple[str, ...]
    exchange: Exchange
    sibling: Exchange | None
    sentence: str
    says: str
    rows: tuple[ErrorCardRow, ...]
    after: tuple[tuple[int, int, int], ...]  # (step, its status there, here) of later steps that ended otherwise
    stopped: int  # the last step that was sent, where the recording itself goes on; else 0


@dataclass(frozen=True, slots=True)
class Other:
    """One step on both environments. `differences` are (place, there, here)."""

    step: Exchange
    here: Exchange | None
    differences: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class Compared:
    """The same chain sent again: where it answered otherwise, or from another environment."""

    title: str
    places: tuple[str, ...]  # "catalogue@test" of every step that moved
    others: tuple[Other, ...]


def what_ifs(run: Run, recordings: Recordings, correlations: Correlations) -> Iterator[DocumentWhatIf]:
    """Of the variants among these recordings that branch from this one."""
    parent, steps = run
    for variant, exchanges in variants_of(parent, recordings):
        if is_variant(variant) and exchanges:
            yield _what_if(steps, variant, exchanges, correlations)


def compared(run: Run, recordings: Recordings, correlations: Correlations) -> Iterator[Compared]:
    """Of the replays among these recordings."""
    parent, steps = run
    for again, exchanges in variants_of(parent, recordings):
        if is_replay(again) and exchanges:
            yield _compared(parent, steps, again, exchanges, correlations)


def belongs(recording: Recording, recordings: Recordings) -> bool:
    """Whether a recording is described in its parent's chapter."""
    ids = {one.id for one, _ in recordings}
    return (
        recording.parent in ids and recording.parent != recording.id and (is_variant(recording) or is_replay(recording))
    )


def _what_if(
    steps: Sequence[Exchange], variant: Recording, exchanges: Sequence[Exchange], correlations: Correlations
) -> DocumentWhatIf:
    pairs = compare_runs("", variant.id, steps, exchanges, correlations).steps
    both = [pair for pair in pairs if pair.recorded and pair.replayed]
    at = variant.branched_at or 1
    here = next((pair for pair in both if pair.recorded and pair.recorded.step == at), None)
    exchange = (here.replayed if here else None) or exchanges[-1]
    known = here.card if here else None
    after = tuple(
        (pair.recorded.step, pair.recorded.status or 0, pair.replayed.status or 0)
        for pair in both
        if pair.recorded and pair.replayed and pair.recorded.step > at
        and pair.recorded.status != pair.replayed.status
    )  # fmt: skip
    return DocumentWhatIf(
        title=variant.title or f"step {at} changed",
        notes=variant.notes,
        exchange=exchange,
        sibling=here.recorded if here else None,
        sentence=shown(known.sentence) if known else _plainly(here),
        says=says(exchange),
        rows=tuple(ErrorCardRow(row.place, shown(row.failing), shown(row.succeeding)) for row in known.rows)
        if known
        else (),
        after=after,
        stopped=exchanges[-1].step if len(exchanges) < len(steps) else 0,
    )


def _plainly(pair: StepPair | None) -> str:
    if pair is None or pair.recorded is None or pair.replayed is None:
        return ""
    now, then = pair.replayed.status_words, pair.recorded.status_words
    return f"It is answered {now} as well." if now == then else f"It is answered {now} instead of {then}."


def _compared(
    parent: Recording,
    steps: Sequence[Exchange],
    again: Recording,
    exchanges: Sequence[Exchange],
    correlations: Correlations,
) -> Compared:
    pairs = compare_runs(parent.id, again.id, steps, exchanges, correlations).steps
    others = tuple(
        Other(pair.recorded, pair.replayed, tuple(_difference(one) for one in _telling(pair))[:MOST])
        for pair in pairs
        if pair.recorded and (pair.outcome not in ("same", "expected") or _moved(pair))
    )
    places = dict.fromkeys(
        f"{one.here.cluster}@{one.here.environment}" for one in others if one.here and one.here.environment
    )
    return Compared(again.title or "Sent again", tuple(places), others)


def _moved(pair: StepPair) -> bool:
    one, other = pair.recorded, pair.replayed
    return bool(one and other and one.environment != other.environment)


def _telling(pair: StepPair) -> Iterator[Difference]:
    return (one for one in pair.differences if not one.expected and one.where != "status")


def _difference(one: Difference) -> tuple[str, str, str]:
    return f"{one.where.removeprefix('response.')} {one.pointer}".strip(), _value(one.recorded), _value(one.replayed)


def _value(value: Any) -> str:
    if value is None:
        return "(not there)"
    return shown(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def shown(text: str) -> str:
    """Shortened, and with no placeholder of a secret in it."""
    hidden = PLACEHOLDER.sub(b"<secret>", text.encode("utf-8", "replace")).decode()
    return shortened(hidden, SHOWN * 3)

"""Two recordings or exchanges compared; a recording beside others as rows and columns. I/O; blocking."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..correlation import correlate
from ..errors import NotFoundError, UsageError
from ..model.exchange import Exchange
from ..model.filter import quoted
from ..model.recording import Recording
from ..protocols import Store
from ..replay.compare import Comparison, StepPair, compare_runs, compare_steps
from ..replay.differences.difference import difference_json
from ..replay.differences.noise import EXPECTED
from ..replay.report import difference_line
from .replay import all_steps

MOST_ROWS = 200  # rows of a page; of more steps only those that differ are shown


@dataclass(frozen=True, slots=True)
class Column:
    """A recording that is compared with the first one, and what differs in it."""

    recording: Recording
    comparison: Comparison
    unsent: Mapping[int, str] = field(default_factory=dict)  # step -> why this one has no response to it


def matrix(base: Recording, steps: Sequence[Exchange], columns: Sequence[Column]) -> dict[str, Any]:
    """The columns, the rows, and how many steps that are the same everywhere were left out."""
    paired = [{pair.recorded.id: pair for pair in one.comparison.steps if pair.recorded} for one in columns]
    rows = [_row(step, [pairs.get(step.id) for pairs in paired], columns) for step in steps]
    for place, one in enumerate(columns):
        extra = [pair for pair in one.comparison.steps if pair.recorded is None]
        rows += [
            _row(None, [pair if other == place else None for other in range(len(columns))], columns) for pair in extra
        ]
    shown = rows if len(rows) <= MOST_ROWS else [row for row in rows if _differs(row)][:MOST_ROWS]
    known = _known(base, [one.recording for one in columns])
    return {"columns": [_head(one, known) for one in columns], "rows": shown, "left_out": len(rows) - len(shown)}


def _known(base: Recording, beside: Sequence[Recording]) -> Collection[str]:
    """The places that tell nothing about a column: all have them, or, where there is one only, the first recording."""
    return frozenset.intersection(*(frozenset(one.clusters) for one in beside)) if len(beside) > 1 else base.clusters


def _head(column: Column, known: Collection[str]) -> dict[str, Any]:
    """What a column is: a replay by the places that are its own, else by its title."""
    found, first = column.recording, column.comparison.first
    step = (first.recorded or first.replayed) if first else None
    title = found.title or found.id
    places = [place for place in found.clusters if place not in known] if found.kind == "replay" else []
    return {
        "id": found.id, "title": title, "name": " ".join(places) or title, "kind": found.kind,
        "branched_at": found.branched_at, "outcome": column.comparison.outcome, "first": step.step if step else None,
    }  # fmt: skip


def _row(step: Exchange | None, pairs: Sequence[StepPair | None], columns: Sequence[Column]) -> dict[str, Any]:
    """`step` is None for one that only another recording has."""
    named = step or next(pair.replayed for pair in pairs if pair and pair.replayed)
    return _answer(step) | {
        "method": named.method,
        "path": named.path,
        "cells": [None if pair is None else _cell(pair, one.unsent) for pair, one in zip(pairs, columns, strict=True)],
    }


def _cell(pair: StepPair, unsent: Mapping[int, str]) -> dict[str, Any]:
    why = pair.card.sentence if pair.card else ""
    if pair.recorded and not pair.replayed:
        why = unsent.get(pair.recorded.step, "")
    told = [difference_json(one) for one in pair.differences]
    real = [one for one in told if one["cause"] not in EXPECTED and one["severity"] != "none"]
    return _answer(pair.replayed) | {
        "outcome": pair.outcome,
        "why": why,
        "differences": [one | {"line": difference_line(one)} for one in real],
        "usual": len(told) - len(real),
    }


def _answer(step: Exchange | None) -> dict[str, Any]:
    if step is None:
        return {"step": None, "exchange": None, "status": None, "reason": "", "failure": None, "where": ""}
    return {
        "step": step.step, "exchange": step.id, "status": step.status,
        "reason": step.response.reason if step.response else "",
        "failure": {"kind": step.failure.kind, "detail": step.failure.detail} if step.failure else None,
        "where": f"{step.cluster}@{step.environment}" if step.cluster else "",
    }  # fmt: skip


def _differs(row: dict[str, Any]) -> bool:
    return any(cell is None or cell["outcome"] not in ("same", "expected") for cell in row["cells"])


def compared(store: Store, a: str, b: str, noise: str = "") -> Comparison:
    """Two recordings, or two of their steps, or two exchanges by id; `noise` is another run of A. Blocking.
    UsageError for a recording beside a step."""
    one, other = _steps(store, a), _steps(store, b)
    if isinstance(one, Sequence) and isinstance(other, Sequence):
        again = all_steps(store, store.recording(noise).id) if noise else ()
        return compare_runs(
            a,
            b,
            one,
            other,
            correlate(one, store.decisions(one[0].recording)),
            again=again,
            revisions=store.revisions(),
            chunks=store.chunks,
        )
    if isinstance(one, Sequence) or isinstance(other, Sequence):
        raise UsageError("a recording cannot be compared with a single step", hint="REC/STEP names a step")
    return compare_steps(a, b, one, other, chunks=store.chunks)


def _steps(store: Store, ref: str) -> Any:
    """All exchanges of REC, or the exchange REC/STEP, or the exchange of this id."""
    before, slash, number = ref.rpartition("/")
    try:
        return all_steps(store, store.recording(ref).id)
    except NotFoundError as error:
        if slash and number.isascii() and number.isdigit():
            found = all_steps(store, store.recording(before).id)
            step = next((exchange for exchange in found if exchange.step == int(number)), None)
            if step is None:
                raise NotFoundError(f"recording {before} has no step {number}", hint=f"gateway show {before}") from None
            return step
        try:
            return store.exchange(ref)
        except NotFoundError:
            raise error from None


def elsewhere(store: Store, step: Exchange, *, most: int = 20) -> list[Exchange]:
    """Exchanges of the same cluster that other environments answered well, newest first. Blocking."""
    if not step.cluster:
        return []
    wanted = f"cluster:{quoted(step.cluster)} -env:{quoted(step.environment)} method:{step.method} status:<400"
    return list(store.latest(query=wanted, limit=most).items)

"""What-ifs in the diagram of their recording: alt and opt fragments from a trie of step digests. Pure.

Every variant is laid beside the recording; where their steps differ, the recording's own way and those of the
variants become compartments of one fragment, and steps that variants share stand there once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..replay.differences.step_pairs import align_digests
from .diagram import Fragment, Row, Section
from .step_labels import Digest

Steps = tuple[tuple[Digest, tuple[Row, ...]], ...]  # each step with its rows
RECORDED = "as recorded"


@dataclass(frozen=True, slots=True)
class Way:
    """One run through the same chain. `branched` is the index where a variant was changed on purpose, or -1."""

    label: str
    steps: Steps
    branched: int = -1


@dataclass(frozen=True, slots=True)
class _Detour:
    """Where a way leaves the recording's steps (from `low` to before `high`), and what it did instead."""

    way: int
    label: str
    low: int
    high: int
    steps: Steps
    ends: bool = False  # the variant has no more steps than these


def woven(main: Way, variants: Sequence[Way]) -> tuple[Row, ...]:
    """The rows of the recording with its what-ifs in their places."""
    detours = [detour for number, variant in enumerate(variants) for detour in _detours(main, variant, number)]
    return tuple(_rows(main.steps, 0, len(main.steps), detours))


def _detours(main: Way, variant: Way, number: int) -> Iterator[_Detour]:
    """Runs of unequal pairs; a variant that ends before its recording does is no detour."""
    pairs = align_digests([one for one, _ in main.steps], [one for one, _ in variant.steps])
    whole = len(pairs)
    while pairs and pairs[-1][1] is None:
        pairs.pop()
    ends = len(pairs) < whole
    at, low, found = 0, -1, list[int]()
    for i, j in pairs:
        if i is None or j is None or i == variant.branched or main.steps[i][0] != variant.steps[j][0]:
            low = at if low < 0 else low
            found += [] if j is None else [j]
        elif low >= 0:
            yield _Detour(number, variant.label, low, i, tuple(variant.steps[index] for index in found))
            low, found = -1, []
        at = at if i is None else i + 1
    if low >= 0:
        label = f"{variant.label} · ends here" if ends else variant.label
        yield _Detour(number, label, low, at, tuple(variant.steps[index] for index in found), ends)


def _rows(steps: Steps, at: int, end: int, detours: Sequence[_Detour]) -> Iterator[Row]:
    while at < end or any(one.low == at == one.high for one in detours):
        here = [one for one in detours if one.low == at]
        if here:
            detours = [one for one in detours if one.low != at]
            high = _reach(at, here, detours)
            inner = [one for one in detours if one.low < high]
            detours = [one for one in detours if one.low >= high]
            yield from _fragment(steps, at, high, here, inner)
            at = high
        else:
            yield from steps[at][1]
            at += 1


def _reach(at: int, here: Sequence[_Detour], others: Sequence[_Detour]) -> int:
    """Where all these ways, and those that begin before, are back on the recording's."""
    high = max(one.high for one in here)
    while True:
        further = max([high, *(one.high for one in others if at < one.low < high)])
        if further == high:
            return high
        high = further


def _fragment(steps: Steps, low: int, high: int, here: Sequence[_Detour], inner: Sequence[_Detour]) -> Iterator[Row]:
    ways = [_way(steps, [one, *(each for each in inner if each.way == one.way)], high) for one in here]
    others = [each for each in inner if each.way not in {one.way for one in here}]
    recorded = tuple(_rows(steps, low, high, others)) if high > low else ()
    left_out = [label for label, way in ways if not way]
    sections = tuple(_sections([(label, way) for label, way in ways if way]))
    if recorded and left_out:
        recorded = (Fragment("opt", (Section(f"left out: {_either(left_out)}", recorded),)),)
    if recorded and sections:
        yield Fragment("alt", (Section(RECORDED, recorded), *sections))
    elif recorded:
        yield from recorded
    else:
        yield from (Fragment("opt", (section,)) for section in sections)


def _way(steps: Steps, detours: Sequence[_Detour], high: int) -> tuple[str, Steps]:
    """(label, steps) of one way from where it leaves to where all are back, or to its end."""
    taken, at = list(detours[0].steps), detours[0].high
    for detour in detours[1:]:
        taken += (*steps[at : detour.low], *detour.steps)
        at = detour.high
    last = detours[-1]
    return last.label, (*taken, *(() if last.ends else steps[at:high]))


def _sections(ways: Sequence[tuple[str, Steps]]) -> Iterator[Section]:
    """Ways that begin with the same step share it: one branch of the trie is one compartment."""
    branches: dict[Digest, list[tuple[str, Steps]]] = {}
    for label, steps in ways:
        branches.setdefault(steps[0][0], []).append((label, steps))
    for branch in branches.values():
        yield Section(f"what if: {_either([label for label, _ in branch])}", tuple(_branch(branch)))


def _branch(ways: Sequence[tuple[str, Steps]]) -> Iterator[Row]:
    first, shared = ways[0][1], 0
    shortest = min(len(steps) for _, steps in ways)
    while shared < shortest and all(steps[shared][0] == first[shared][0] for _, steps in ways):
        yield from first[shared][1]
        shared += 1
    rest = [(label, steps[shared:]) for label, steps in ways if len(steps) > shared]
    if rest:
        sections = tuple(_sections(rest))
        yield Fragment("alt" if len(sections) > 1 else "opt", sections)


def _either(labels: Sequence[str]) -> str:
    return " / ".join(dict.fromkeys(labels))

"""Which step of one recording belongs to which step of another: inserted, deleted and moved ones found. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher
from typing import Final

from ...correlation import Binding, Correlations, Source, extract
from ...correlation.urls import collection_of
from ...model.exchange import Exchange
from .json_difference import common_ends
from .noise import GENERIC, Drift, words_of

Pair = tuple[int | None, int | None]
Digest = tuple[str, str]  # (kind of request, all of it with its status)

CHANGED, OTHER, ONE_SIDED = (
    1,
    3,
    2,
)  # costs; a pair of different requests is still nearer than a deletion and an insertion
CELLS: Final = 4_000_000  # of the table of costs: some seconds; larger ones are aligned by kind only
VALUE = re.compile(r"(?<![^/])(?=[^/]*[0-9])[^/]+")  # only from a segment's start: a long one is looked at once


def kind_of(exchange: Exchange) -> str:
    """Method, cluster and the path with its values left out: "POST orders /api/orders/{}/items"."""
    return f"{exchange.method} {exchange.cluster} {VALUE.sub('{}', exchange.path)}"


def digest_of(exchange: Exchange) -> Digest:
    """Equal for steps that ask the same and are answered alike."""
    return kind_of(exchange), f"{exchange.request.target} {exchange.status}"


def align(recorded: Sequence[Exchange], replayed: Sequence[Exchange]) -> list[Pair]:
    """Index pairs in order; None where one side has no such step. The cheapest of all alignments."""
    return align_digests([digest_of(one) for one in recorded], [digest_of(one) for one in replayed])


def align_digests(recorded: Sequence[Digest], replayed: Sequence[Digest]) -> list[Pair]:
    """The same, for digests."""
    start, end = common_ends(recorded, replayed)
    before, after = recorded[start : len(recorded) - end], replayed[start : len(replayed) - end]
    middle = _cheapest(before, after) if len(before) * len(after) <= CELLS else _by_kind(before, after)
    pairs: list[Pair] = [(index, index) for index in range(start)]
    pairs += [(None if i is None else i + start, None if j is None else j + start) for i, j in middle]
    return pairs + [(len(recorded) - end + index, len(replayed) - end + index) for index in range(end)]


def _cheapest(before: Sequence[Digest], after: Sequence[Digest]) -> list[Pair]:
    """Equal 0, changed 1, inserted or deleted 2: the usual table, its choices kept for tracing back."""
    row = [ONE_SIDED * j for j in range(len(after) + 1)]
    choices = []
    for i, one in enumerate(before):
        last, row, chosen = row, [ONE_SIDED * (i + 1)], bytearray(len(after))
        left = row[0]
        for j, other in enumerate(after):
            best = last[j] + (0 if one == other else CHANGED if one[0] == other[0] else OTHER)
            if last[j + 1] + ONE_SIDED < best:
                best, chosen[j] = last[j + 1] + ONE_SIDED, 1
            if left + ONE_SIDED < best:
                best, chosen[j] = left + ONE_SIDED, 2
            row.append(best)
            left = best
        choices.append(chosen)
    return _way_back(choices, len(before), len(after))


def _way_back(choices: Sequence[bytearray], i: int, j: int) -> list[Pair]:
    pairs: list[Pair] = []
    while i or j:
        choice = 2 if not i else 1 if not j else choices[i - 1][j - 1]
        i, j = i - (choice != 2), j - (choice != 1)
        pairs.append((None if choice == 2 else i, None if choice == 1 else j))
    return pairs[::-1]


def _by_kind(before: Sequence[Digest], after: Sequence[Digest]) -> list[Pair]:
    matcher = SequenceMatcher(None, [one[0] for one in before], [one[0] for one in after], autojunk=False)
    pairs: list[Pair] = []
    for _, i, i_end, j, j_end in matcher.get_opcodes():
        shorter = min(i_end - i, j_end - j)
        pairs += zip(range(i, i + shorter), range(j, j + shorter), strict=True)
        pairs += [(index, None) for index in range(i + shorter, i_end)]
        pairs += [(None, index) for index in range(j + shorter, j_end)]
    return pairs


Giving = Mapping[int, Sequence[tuple[Binding, Source]]]  # step -> the bindings that it gives a value for, and where


def giving_of(correlations: Correlations) -> Giving:
    """The sources of all bindings in force, by the step that they are in: asked for once, not for every step."""
    found: dict[int, list[tuple[Binding, Source]]] = {}
    for binding in correlations.in_force:
        for source in (binding.source, *binding.alternates):
            found.setdefault(source.step, []).append((binding, source))
    return found


def learn_drift(drift: Drift, recorded: Exchange, live: Exchange, giving: Giving) -> None:
    """Keep what this run has for every value that this step is a source of and later steps need, by its role."""
    if live.response is None or recorded.response is None:
        return
    values: dict[Source, tuple[str | None, str | None]] = {}
    for binding, source in giving.get(recorded.step, ()):
        if source not in values:
            now = extract(live.response, source, like=recorded.response)
            values[source] = extract(recorded.response, source), now
        before, after = values[source]
        if before is not None and after is not None:
            drift.learn(before, after, role_of(binding, recorded))


def role_of(binding: Binding, recorded: Exchange) -> frozenset[str]:
    """The words of what a bound value is: "author" of authorId, "post" of the /id that POST /posts answers."""
    names = f"{binding.sink.name}/{binding.source.path.partition('#')[0]}"
    words = words_of(names) - GENERIC
    return words or frozenset(collection_of(recorded.request.target))


def drift_of_runs(pairs: Sequence[tuple[Exchange, Exchange]], correlations: Correlations) -> Drift:
    """The same for whole runs, whose steps are paired."""
    drift = Drift()
    giving = giving_of(correlations)
    for recorded, live in pairs:
        learn_drift(drift, recorded, live, giving)
    return drift

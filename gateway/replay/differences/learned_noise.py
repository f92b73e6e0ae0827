"""Places that every run on an environment changes, learned from earlier runs of the same recording. Pure.

A motto of the day, a load, a number in a queue: nothing in a value says that it is noise, but the runs do. A place is
learned where at least two runs on the environment are known (the recording counts, when it was made there), each had
the same status, and no two of them had the same value. A new value there is noise only if it is none of theirs: a price
that was raised once comes again in the next run, and stays a difference.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from ...model.exchange import Exchange
from .difference import context_of, diff_answers
from .noise import scalar_text

RUNS: Final = 2  # that must be known of an environment
Learned = Mapping[str, frozenset[str]]  # "response.body/motto" -> the values of the earlier runs


def learned(recorded: Exchange, earlier: Sequence[Exchange], cluster: str, environment: str) -> Learned:
    """What the earlier runs of a step say about the place where it is answered now."""
    here = [one for one in earlier if (one.cluster, one.environment) == (cluster, environment)]
    here = [one for one in here if one.status == recorded.status]
    is_recorded_here = (recorded.cluster, recorded.environment) == (cluster, environment)
    if not here or len(here) + is_recorded_here < RUNS:
        return {}
    changes = [_changes(recorded, one) for one in here]
    found: dict[str, frozenset[str]] = {}
    for place, first in changes[0].items():
        values = {first, *(each[place] for each in changes[1:] if place in each)}
        if len(values) == len(changes):
            found[place] = frozenset(values)
    return found


def _changes(recorded: Exchange, run: Exchange) -> dict[str, str]:
    """The scalars of a response that a run had otherwise than the recording, by place."""
    found = {}
    for one in diff_answers(recorded, run, context_of(recorded, run)):
        value = scalar_text(one.replayed)
        if one.kind == "changed" and value is not None:
            found[place_of(one.where, one.pointer)] = value
    return found


def place_of(where: str, pointer: str) -> str:
    """The name of a place: "response.headers/etag", "response.body/motto"."""
    return f"{where}{'/' if where.endswith('headers') else ''}{pointer}"

"""Decisions about correlations from elsewhere: a YAML file, or a second run of the same chain. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import yaml

from ..correlation import Binding, Decisions, Declared, Verdicts, checked, correlate, judged, read_declared
from ..errors import UsageError, did_you_mean
from ..model.exchange import Exchange
from .differences.step_pairs import align

SPAN: Final = re.compile(r"\[[0-9]+:[0-9]+\]=")
LARGEST: Final = 1 << 20  # characters
VERSION: Final = "1"
KEYS: Final = ("version", "accept", "reject", "declare")
ROUNDS: Final = 4  # a place that is rejected shows its next candidate
LOADER: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)  # every scalar a text: no 12345678, no 1e5


def gathered(
    verdicts: Verdicts, exchanges: Sequence[Exchange], said: Decisions, *, text: str = "",
    second: Sequence[Exchange] | None = None,
) -> Verdicts:  # fmt: skip
    """All that is said, in full ids: by hand, in a YAML text, and by a second run. UsageError says what is off."""
    parts = []
    if text:
        parts.append(read_decisions(text, exchanges))
    if second is not None:
        parts.append(second_run(exchanges, second, said))
    if verdicts != Verdicts() or not parts:
        parts.append(checked(verdicts, exchanges, said))
    return Verdicts(*(tuple(dict.fromkeys(one for part in parts for one in getattr(part, name))) for name in NAMES))


NAMES: Final = ("accept", "reject", "declare", "forget")


def written(binding: Binding) -> str:
    """As a declaration is written: "3:path:4=2:json:/id|base64"."""
    return str(Declared(str(binding.sink), str(binding.source), binding.transforms))


def decisions_yaml(title: str, decisions: Decisions, exchanges: Sequence[Exchange]) -> str:
    """What was decided about a recording, by the places of its values: for another recording of the same chain, too."""
    known = {each.id: written(each) for each in correlate(exchanges, decisions).bindings}
    found = {
        "version": int(VERSION),
        "accept": sorted(known.get(id, id) for id in decisions.accepted),
        "reject": sorted(known.get(id, id) for id in decisions.rejected),
        "declare": [str(each) for each in decisions.declared],
    }
    head = f"# Correlations of {' '.join(title.split())!r}, as people and second runs decided.\n"
    return head + yaml.safe_dump(found, sort_keys=False, allow_unicode=True, width=200)


def read_decisions(text: str, exchanges: Sequence[Exchange]) -> Verdicts:
    """The verdicts of a YAML text about this recording; UsageError with the line of what does not fit."""
    said = _loaded(text)
    rejected = _ids(said.get("reject", []), exchanges, Decisions())
    accepted = _ids(said.get("accept", []), exchanges, Decisions(rejected=frozenset(rejected)))
    declare = tuple(said.get("declare", []))
    if not (accepted or rejected or declare):
        raise UsageError("the YAML decides nothing", hint="accept, reject and declare are lists of correlations")
    correlate(exchanges, Decisions(declared=tuple(map(read_declared, declare))))  # complains about what is not there
    return Verdicts(accepted, rejected, declare)


def _loaded(text: str) -> dict[str, list[str]]:
    if len(text) > LARGEST:
        raise UsageError(f"the YAML has more than {LARGEST} characters")
    try:
        found = yaml.load(text, Loader=LOADER)
    except yaml.YAMLError as error:
        raise UsageError(f"the decisions are no YAML: {_line(error)}") from None
    except RecursionError:
        raise UsageError("the decisions are no YAML: nested too deeply") from None
    if not isinstance(found, dict):
        raise UsageError("the YAML is no mapping of accept, reject and declare")
    for key in found:
        if key not in KEYS:
            raise UsageError(f"{key!r} is none of {', '.join(KEYS)}{did_you_mean(str(key), KEYS)}")
    if found.pop("version", VERSION) != VERSION:
        raise UsageError(f"the decisions are of another version; this gateway knows {VERSION}")
    for key, value in found.items():
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise UsageError(f"{key} is not a list of correlations", hint="each as 3:path.order_id=2:json:/id")
    return found


def _line(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    what = getattr(error, "problem", None) or "not understood"
    return f"line {mark.line + 1}: {what}" if mark is not None else str(what)


def _ids(wanted: Sequence[str], exchanges: Sequence[Exchange], decisions: Decisions) -> tuple[str, ...]:
    """The ids of correlations that are named by id or by their places."""
    found: dict[str, str] = {}
    for _ in range(ROUNDS):
        for each in correlate(exchanges, decisions).bindings:
            # A token of another length ends elsewhere: without its span a place is found as well.
            found |= {each.id: each.id, written(each): each.id, SPAN.sub("=", written(each)): each.id}
        known = {found[key] for one in wanted if (key := one if one in found else SPAN.sub("=", one)) in found}
        if len(known) == len(set(wanted)) or known <= decisions.rejected:
            break
        decisions = replace(decisions, rejected=decisions.rejected | known)
    wanted = [one if one in found else SPAN.sub("=", one) for one in wanted]
    for one in wanted:
        if one not in found:
            hint = f"declare: [{one}] says so whatever is found" if "=" in one else "gateway show REC --correlations"
            raise UsageError(f"this recording has no correlation {one!r}{did_you_mean(one, found)}", hint=hint)
    return tuple(found[one] for one in wanted)


def second_run(first: Sequence[Exchange], second: Sequence[Exchange], said: Decisions) -> Verdicts:
    """What another run of the same chain proves, and what it refutes; UsageError when that is nothing."""
    again = {first[i].step: second[j] for i, j in align(first, second) if i is not None and j is not None}
    found = judged(correlate(first, said), first, again)
    new = [each for each in found.bindings if each.id not in said.accepted | said.rejected]
    verdicts = Verdicts(
        tuple(each.id for each in new if each.status == "confirmed"),
        tuple(each.id for each in new if each.status == "rejected"),
    )
    if verdicts == Verdicts():
        raise UsageError(
            "the second run proves nothing new: no value that a later request needs was another one in it",
            hint="record the chain once more, with other data",
        )
    return verdicts

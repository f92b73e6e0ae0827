"""What a person says about bindings, checked against what there is before it is kept. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ...errors import UsageError, did_you_mean
from ...model.exchange import Exchange
from .declared import read_declared, resolve
from .finding import correlate
from .model import Decisions


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What is to be kept: full ids, and declarations as they are written."""

    accept: tuple[str, ...] = ()
    reject: tuple[str, ...] = ()
    declare: tuple[str, ...] = ()
    forget: tuple[str, ...] = ()


def checked(verdicts: Verdicts, exchanges: Sequence[Exchange], said: Decisions) -> Verdicts:
    """The verdicts with full ids; UsageError names what exists where one does not. Ids may be shortened."""
    if not (verdicts.accept or verdicts.reject or verdicts.declare or verdicts.forget):
        raise UsageError("nothing is decided", hint="accept ID, reject ID, declare BINDING, forget ID")
    by_step = {each.step: each for each in exchanges}
    declared = {resolve(each, by_step).id: str(each) for each in said.declared}
    found = {each.id for each in correlate(exchanges, Decisions(said.accepted, said.rejected)).bindings}
    known = found | said.accepted | said.rejected
    new = tuple(map(read_declared, verdicts.declare))
    for each in new:
        resolve(each, by_step)  # complains about places that are not there
    forget = tuple(declared.get(id, id) for id in _full(verdicts.forget, known | declared.keys()))
    rejected = _full(verdicts.reject, known | declared.keys())
    gone = tuple(declared[id] for id in rejected if id in declared)  # a declaration that is rejected is taken back
    return Verdicts(
        _full(verdicts.accept, known), tuple(id for id in rejected if id not in declared), tuple(map(str, new)),
        (*forget, *gone),
    )  # fmt: skip


def _full(ids: Iterable[str], known: Iterable[str]) -> tuple[str, ...]:
    there = sorted(known)
    return tuple(_one(id.strip(), there) for id in ids)


def _one(id: str, known: Sequence[str]) -> str:
    found = [each for each in known if each == id] or [each for each in known if id and each.startswith(id)]
    if len(found) == 1:
        return found[0]
    if found:
        raise UsageError(f"{id!r} is more than one binding: {', '.join(found)}", hint="use a longer part of the id")
    raise UsageError(f"there is no binding {id!r}{did_you_mean(id, known)}", hint="gateway show REC --correlations")

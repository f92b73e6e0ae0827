"""What a person says about bindings, checked against what there is before it is kept. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import Final

from ..errors import UsageError, did_you_mean
from ..model.exchange import Exchange
from .declarations import read_declared, resolve
from .extract import extract
from .finder import NOTHING, correlate
from .model import Binding, Correlations, Decisions, Sink
from .request_values import Need, needs


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


AGREED: Final = "a second run agreed"


def confirm(first: Sequence[Exchange], second: Sequence[Exchange], decisions: Decisions = NOTHING) -> Correlations:
    """The correlations of `first`, judged by a second run of the same chain (its steps in the same order).

    A binding whose source and sink both changed and agree again is confirmed; one whose sink stayed as it was while
    its source moved is rejected: the client says that value by itself.
    """
    again = {mine.step: theirs for mine, theirs in zip(_ordered(first), _ordered(second), strict=False)}
    return judged(correlate(first, decisions), first, again)


def judged(found: Correlations, first: Sequence[Exchange], again: Mapping[int, Exchange]) -> Correlations:
    """The same by a second run whose steps are described by those of the first."""
    mine = {exchange.step: exchange for exchange in first}
    return replace(found, bindings=tuple(_judged(binding, mine, again) for binding in found.bindings))


def proved(
    found: Correlations, first: Sequence[Exchange], again: Mapping[int, Exchange], well: Set[int]
) -> tuple[str, ...]:
    """The ids of the automatic bindings that a replay has proved: source and sink moved, and the step that got the
    fresh value went as it had gone (`well`). What stayed as recorded proves nothing here: the replay itself sent it.
    """
    mine = {exchange.step: exchange for exchange in first}
    seen = (_judged(each, mine, again) for each in found.bindings if each.sink.step in well)
    return tuple(each.id for each in seen if each.status == "confirmed" and each.why.endswith(AGREED))


def _ordered(exchanges: Sequence[Exchange]) -> list[Exchange]:
    return sorted(exchanges, key=lambda exchange: exchange.step)


def _judged(binding: Binding, first: Mapping[int, Exchange], second: Mapping[int, Exchange]) -> Binding:
    if binding.status not in ("auto", "suggested"):
        return binding
    before = extract(first[binding.source.step], binding.source, binding.transforms)
    answer, request = second.get(binding.source.step), second.get(binding.sink.step)
    if answer is None or request is None:
        return binding
    now = extract(answer, binding.source, binding.transforms, like=first[binding.source.step].response)
    sent = sent_at(request, binding, first[binding.sink.step])
    if now is None or sent is None or now == before:
        return binding
    if sent == now:
        return replace(binding, status="confirmed", confidence=1.0, why=f"{binding.why}; {AGREED}")
    if sent == binding.value:
        return replace(binding, status="rejected", why=f"{binding.why}; but it stayed when its source moved")
    return binding


def sent_at(exchange: Exchange, binding: Binding, recorded: Exchange) -> str | None:
    """What a request has at a binding's sink: at a span, the same one of as many places."""
    sink = binding.sink
    before, now = _alike(recorded, sink), _alike(exchange, sink)
    at = next((at for at, need in enumerate(before) if need.sink == sink), 0)
    return now[at].value if at < len(now) else None


def _alike(exchange: Exchange, sink: Sink) -> list[Need]:
    """The places of a request that differ from this one only in their span."""
    return [
        place for need in needs(exchange.request, sink.step) for place in (need, *need.inner)
        if (place.sink.part, place.sink.path, place.sink.name) == (sink.part, sink.path, sink.name)
        and ((place.sink.span is None) == (sink.span is None) or sink.part == "header")
    ]  # fmt: skip

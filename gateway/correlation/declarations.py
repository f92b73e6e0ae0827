"""Bindings that a person wrote, "3:path.order_id=2:json:/id", found in the recording they are about. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from hashlib import blake2s
from typing import Final, cast, get_args

from ..errors import UsageError, did_you_mean
from ..model.exchange import Exchange
from .extract import extract
from .model import Binding, Declared, Sink, Source, SourcePart
from .names import variable_name
from .request_values import Need, needs
from .transforms import FORMAT, TRANSFORMS

WRITTEN: Final = re.compile(
    r"\s*(?P<sink>[0-9]{1,9}:[a-z]+[.:].*?)\s*=\s*(?P<source>[0-9]{1,9}:[a-z]+:.*?)(?P<transforms>(?:\|(?:format=[^|]+|[a-z0-9-]+))*)\s*",
    re.DOTALL,
)
PLACE: Final = re.compile(r"([0-9]+):([a-z]+)[.:](.*?)(?:\[([0-9]+):([0-9]+)\])?", re.DOTALL)
LONGEST: Final = 4096  # characters of a binding that a person writes
EXAMPLE: Final = "such as 3:path.order_id=2:json:/id (step 3's order_id comes from /id of step 2's answer)"


def read_declared(text: str) -> Declared:
    """UsageError when this is no binding. `|base64` and the like may follow the source."""
    match = WRITTEN.fullmatch(text) if len(text) <= LONGEST else None
    if match is None:
        raise UsageError(f"{text!r} is no binding", where="declare", hint=EXAMPLE)
    transforms = tuple(match["transforms"].split("|")[1:])
    for name in transforms:
        if name not in TRANSFORMS and not name.startswith(FORMAT):
            known = ", ".join(TRANSFORMS)
            raise UsageError(f"there is no transform '{name}'{did_you_mean(name, TRANSFORMS)}", hint=known)
    return Declared(match["sink"], match["source"], transforms)


def declare(bindings: list[Binding], declared: Sequence[Declared], exchanges: Sequence[Exchange]) -> list[Binding]:
    """The bindings with the declared ones, which replace what was found at the same place."""
    by_step = {exchange.step: exchange for exchange in exchanges}
    made = [resolve(each, by_step) for each in declared]
    taken = {(each.sink.step, each.sink.part, each.sink.path) for each in made}
    left = [each for each in bindings if (each.sink.step, each.sink.part, each.sink.path) not in taken]
    return sorted([*left, *made], key=lambda each: each.sink.step)


def resolve(declared: Declared, by_step: dict[int, Exchange]) -> Binding:
    """The binding; UsageError says what there is when its places are not."""
    need = _need(declared, by_step)
    source = _source(declared, by_step, need.sink)
    id = blake2s(str(declared).encode("utf-8", "surrogatepass"), digest_size=4).hexdigest()
    return Binding(
        id, source, need.sink, declared.transforms, need.value, 1.0, (), "declared", "declared",
        variable_name(need.sink.name, source.name),
    )  # fmt: skip


def _place(text: str) -> re.Match[str]:
    match = PLACE.fullmatch(text)
    if match is None:
        raise UsageError(f"{text!r} is no place", where="declare", hint=EXAMPLE)
    return match


def _step(number: str, by_step: dict[int, Exchange]) -> Exchange:
    exchange = by_step.get(int(number))
    if exchange is None:
        raise UsageError(
            f"there is no step {number}", where="declare", hint=f"the steps are 1 to {max(by_step, default=0)}"
        )
    return exchange


def _need(declared: Declared, by_step: dict[int, Exchange]) -> Need:
    place = _place(declared.sink)
    exchange = _step(place[1], by_step)
    there = list(_all(exchange))
    for need in there:
        sink = need.sink
        named = place[3] in (sink.path, sink.name, sink.path.removeprefix("/"))
        if sink.part == place[2] and named and (not place[4] or sink.span == (int(place[4]), int(place[5]))):
            return need
    known = [f"{need.sink.part}.{need.sink.name or need.sink.path}" for need in there]
    wanted = f"{place[2]}.{place[3]}"
    raise UsageError(
        f"step {place[1]} has no {wanted}{did_you_mean(wanted, known)}", where="declare",
        hint=f"it has {', '.join(dict.fromkeys(known)) or 'no values'}",
    )  # fmt: skip


def _all(exchange: Exchange) -> Iterator[Need]:
    for need in needs(exchange.request, exchange.step):
        yield need
        yield from need.inner


def _source(declared: Declared, by_step: dict[int, Exchange], sink: Sink) -> Source:
    step, part, path = declared.source.split(":", 2)
    exchange = _step(step, by_step)
    if part not in get_args(SourcePart):
        known = get_args(SourcePart)
        raise UsageError(f"a source is none of {part!r}{did_you_mean(part, known)}", hint=f"one of {', '.join(known)}")
    if exchange.step >= sink.step:
        raise UsageError(f"step {step} does not come before step {sink.step}", where="declare")
    source = Source(exchange.step, cast(SourcePart, part), path, path.rpartition("/")[2].partition("#")[0])
    if extract(exchange, source, declared.transforms) is None:
        raise UsageError(
            f"the answer of step {step} has nothing at {part} {path}", where="declare",
            hint=f"gateway show REC/{step} shows the answer",
        )  # fmt: skip
    return source

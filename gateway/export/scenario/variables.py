"""Values that a response gives and a later request needs, ready to become a format's own variables. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import TypeAlias
from urllib.parse import quote

from ...correlation import Binding, Correlations, Decisions, Sink, Source, correlate, rewrite
from ...model.exchange import Exchange
from ...model.message import Request
from ...model.operations import operation_of
from .kept_places import KeptPlace, kept_place
from .sealed_secrets import PLACEHOLDER
from .templated_text import VariableUse, free, identifier

MARK = "7319604418"  # begins a number that no recording holds: it survives every encoding, and JSON takes it as it is
Literal: TypeAlias = tuple[int, str, str]  # step, part and path of a sink
_SECRET = re.compile(PLACEHOLDER.pattern.decode())
# Where requests name their operation, by its kind.
_NAMING = {
    "aws": (("form", "Action"), ("form", "Version"), ("query", "Action"), ("query", "Version")),
    "graphql": (("json", "/operationName"), ("query", "operationName")),
    "jsonrpc": (("json", "/method"), ("json", "/jsonrpc")),
}


@dataclass(frozen=True, slots=True)
class InputVariable:
    """What the client brings: a variable of the file, with what was recorded, or "" for a secret."""

    variable: str
    default: str
    secret: bool
    about: str  # "header Authorization of step 3"


@dataclass(frozen=True, slots=True)
class KeptVariable:
    """A value to keep from a step's response: where it stands, and the later steps that use it."""

    variable: str
    place: KeptPlace
    recorded: str
    used: tuple[int, ...]  # steps

    @property
    def part(self) -> str:
        return self.place.part

    @property
    def path(self) -> str:
        return self.place.path

    @property
    def pattern(self) -> str:
        """For JavaScript, Python and Rust; "" where the whole of what stands there is the value."""
        return self.place.regex

    @property
    def keys(self) -> tuple[str, ...]:
        """The pointer's reference tokens, unescaped."""
        return tuple(key.replace("~1", "/").replace("~0", "~") for key in self.path.split("/")[1:])


@dataclass(slots=True)
class Flows:
    """All values of a recording that move: kept ones by the step that gives them, and those that the client brings."""

    by_step: dict[int, list[KeptVariable]] = field(default_factory=dict)
    inputs: list[InputVariable] = field(default_factory=list)
    left: dict[int, tuple[str, ...]] = field(default_factory=dict)  # step -> values that no file can carry on
    changes: dict[int, list[tuple[Sink, str]]] = field(default_factory=dict)  # step -> where a mark goes
    uses: dict[str, VariableUse] = field(default_factory=dict)  # mark -> variable

    @property
    def variables(self) -> set[str]:
        return {use.name for use in self.uses.values()}

    def keeps(self, step: int) -> tuple[KeptVariable, ...]:
        return tuple(self.by_step.get(step, ()))

    def marked(self, exchange: Exchange) -> tuple[Request, Mapping[str, VariableUse]]:
        """The request with a mark in the place of every value that moves, and the use that each mark stands for."""
        changes = self.changes.get(exchange.step, ())
        if not changes:
            return exchange.request, {}
        return rewrite(exchange.request, changes), {mark: self.uses[mark] for _, mark in changes}

    def mark(self, name: str, recorded: str, *, given: bool = False) -> str:
        """A new mark for a variable."""
        mark = f"{MARK}{len(self.uses):06}"
        self.uses[mark] = VariableUse(name, recorded, given)
        return mark


def flows(
    exchanges: Sequence[Exchange],
    decisions: Decisions,
    *,
    taken: set[str],
    literals: Set[Literal] = frozenset(),
) -> Flows:
    """Bindings in force become kept values, what the client said first becomes inputs.

    `literals`: places of requests that are no values, and so no inputs: a segment of a path by its number.
    """
    found, taken = Flows(), set(taken)
    correlations = correlate(exchanges, decisions)
    _keep(found, correlations, taken, {one.step: one for one in exchanges})
    _bring(found, correlations, taken, {*literals, *_operation_names(exchanges)})
    return found


def _keep(found: Flows, correlations: Correlations, taken: set[str], steps: Mapping[int, Exchange]) -> None:
    groups: dict[tuple[Source, tuple[str, ...]], list[Binding]] = {}
    for binding in correlations.in_force:
        groups.setdefault((_best(binding), binding.transforms), []).append(binding)
    for (source, transforms), bindings in groups.items():
        place = kept_place(source, transforms, steps[source.step])
        if place is None:
            for one in bindings:
                said = (
                    f"{one.variable} stays as recorded: it comes from step {source.step}, {_words(source, transforms)}"
                )
                found.left[one.sink.step] = (*found.left.get(one.sink.step, ()), _line(said))
            continue
        name = free(identifier(bindings[0].variable), taken)
        mark = found.mark(name, bindings[0].value)
        for one in bindings:
            found.changes.setdefault(one.sink.step, []).append((one.sink, mark))
        used = tuple(sorted({one.sink.step for one in bindings}))
        keep = KeptVariable(name, place, bindings[0].value, used)
        found.by_step.setdefault(source.step, []).append(keep)


def _words(source: Source, transforms: Sequence[str]) -> str:
    """A place for people: without the expression that finds it, with what is done to it on the way."""
    path = re.sub(r"#match=.*", "", source.path, flags=re.DOTALL)
    return f"{source.part} {path}".strip() + "".join(f", {name}" for name in transforms)


def _line(text: str) -> str:
    return " ".join(text.split())


def _best(binding: Binding) -> Source:
    """The source, unless the same response holds the value as a plain member of JSON: every tool can read that."""
    if binding.source.part == "json" or binding.transforms:
        return binding.source
    plain = (one for one in binding.alternates if one.part == "json" and one.step == binding.source.step)
    return next((one for one in plain if "#" not in one.path), binding.source)


def _bring(found: Flows, correlations: Correlations, taken: set[str], literals: Set[Literal]) -> None:
    """Inputs whose value means the same in every place. Secrets are found by their placeholders, headers stay."""
    bound = {(one.sink.step, one.sink.part, one.sink.path) for one in correlations.in_force}
    for given in correlations.inputs:
        sinks = [one for one in given.sinks or (given.sink,) if one.part not in ("header", "cookie", "multipart")]
        sinks = [one for one in sinks if (one.step, one.part, one.path) not in literals]
        sinks = [one for one in sinks if one.span is None and (one.step, one.part, one.path) not in bound]
        if not sinks or given.secret or _SECRET.search(given.value) or not _plain(given.value):
            continue
        name = free(identifier(given.variable), taken)
        mark = found.mark(name, given.value, given=True)
        for sink in sinks:
            found.changes.setdefault(sink.step, []).append((sink, mark))
        place = f"the {sinks[0].part}" if sinks[0].part != "json" else f"the body's {sinks[0].path}"
        found.inputs.append(InputVariable(name, given.value, False, f"{place} of step {sinks[0].step}"))


def _operation_names(exchanges: Sequence[Exchange]) -> Iterator[Literal]:
    """What says which operation is meant: another value would be another call."""
    for exchange in exchanges:
        operation = operation_of(exchange.request)
        for part, path in _NAMING.get(operation.kind, ()) if operation else ():
            yield exchange.step, part, path


def _plain(value: str) -> bool:
    """Whether a value stands in URLs, forms and JSON alike as it is."""
    if not 0 < len(value) <= 200 or not value.isascii():
        return False
    return quote(value, safe="") == value and json.dumps(value)[1:-1] == value

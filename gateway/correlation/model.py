"""Where a value comes from, where it is needed again, and what was decided about it. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

from ..errors import GatewayError

SourcePart = Literal["json", "cookie", "header", "location", "href", "html", "jwt", "text"]
SinkPart = Literal["path", "query", "header", "cookie", "json", "form", "multipart", "url", "text"]
Status = Literal["auto", "suggested", "confirmed", "declared", "rejected"]
IN_FORCE: frozenset[Status] = frozenset(("auto", "confirmed", "declared"))


@dataclass(frozen=True, slots=True)
class Source:
    """A place of a response. `path` is a JSON pointer, the name of a cookie or field, or a place of a page.

    Behind it may stand which piece of the value is meant: "#segment=-1" or "#query=cursor" of a URL, "#claim=sub"
    of a JWT, "#match=REGEX" of a longer text.
    """

    step: int
    part: SourcePart
    path: str
    name: str = ""

    def __str__(self) -> str:
        return f"{self.step}:{self.part}:{self.path}"


@dataclass(frozen=True, slots=True)
class Sink:
    """A place of a request. `path` is the number of a path segment from 1, the name of a query parameter, field,
    cookie or header ("ids~2" for its second occurrence), or a JSON pointer; `span` is the part of its decoded value.
    """

    step: int
    part: SinkPart
    path: str
    name: str = ""
    span: tuple[int, int] | None = None

    def __str__(self) -> str:
        within = f"[{self.span[0]}:{self.span[1]}]" if self.span else ""
        return f"{self.step}:{self.part}:{self.path}{within}"

    @property
    def whole(self) -> Sink:
        """The place with all of its value."""
        return replace(self, span=None)


@dataclass(frozen=True, slots=True)
class Binding:
    """The value of `sink` comes from `source`, through `transforms`. `value` is the recorded one, as the sink has it.

    `alternates` are other places that held the same, in the order in which a replay tries them.
    """

    id: str
    source: Source
    sink: Sink
    transforms: tuple[str, ...]
    value: str
    confidence: float
    alternates: tuple[Source, ...]
    status: Status
    why: str
    variable: str

    @property
    def in_force(self) -> bool:
        """Whether a replay rebinds it: automatic, confirmed or declared."""
        return self.status in IN_FORCE


@dataclass(frozen=True, slots=True)
class Input:
    """What the client said first: a parameter of the scenario. `sinks` are all places that repeat it.

    `generator` names what could make a new one: "uuid4", "now", "epoch", "epoch_ms", "random_hex".
    """

    variable: str
    sink: Sink
    secret: bool = False
    value: str = ""
    sinks: tuple[Sink, ...] = ()
    generator: str = ""


@dataclass(frozen=True, slots=True)
class Unbound:
    """A value of a request that earlier responses had shown, and that no binding in force explains.

    `sources` are the places that showed it, the first one first; `binding` is the id of a suggestion, if it is one.
    """

    sink: Sink
    value: str
    sources: tuple[Source, ...]
    transforms: tuple[str, ...] = ()
    binding: str = ""
    fixed: bool = False  # no binding reaches the place: a name, or a part of a token


@dataclass(frozen=True, slots=True)
class Declared:
    """A binding that a person wrote: "3:path.order_id=2:json:/id"."""

    sink: str
    source: str
    transforms: tuple[str, ...] = ()

    def __str__(self) -> str:
        return "=".join((self.sink, "|".join((self.source, *self.transforms))))


@dataclass(frozen=True, slots=True)
class Decisions:
    """What people said about a recording's bindings: ids that hold, ids that do not, bindings of their own."""

    accepted: frozenset[str] = frozenset()
    rejected: frozenset[str] = frozenset()
    declared: tuple[Declared, ...] = ()


@dataclass(frozen=True)  # without slots: what is asked for at every step is indexed once
class Correlations:
    """Everything found in one recording, in the order of its sinks."""

    bindings: tuple[Binding, ...] = ()
    inputs: tuple[Input, ...] = ()
    unbound: tuple[Unbound, ...] = ()

    @property
    def in_force(self) -> tuple[Binding, ...]:
        """The bindings that a replay uses."""
        return tuple(binding for binding in self.bindings if binding.in_force)

    def of_step(self, step: int) -> tuple[Binding, ...]:
        """The bindings in force whose sink is in this step."""
        return tuple(self._bindings_by_step.get(step, ()))

    def unbound_of(self, step: int) -> tuple[Unbound, ...]:
        """What this step sends as recorded although an earlier response had shown it."""
        return tuple(self._unbound_by_step.get(step, ()))

    @cached_property
    def _bindings_by_step(self) -> dict[int, list[Binding]]:
        found: dict[int, list[Binding]] = {}
        for binding in self.in_force:
            found.setdefault(binding.sink.step, []).append(binding)
        return found

    @cached_property
    def _unbound_by_step(self) -> dict[int, list[Unbound]]:
        found: dict[int, list[Unbound]] = {}
        for each in self.unbound:
            found.setdefault(each.sink.step, []).append(each)
        return found

    def suggested(self, steps: Iterable[int] = ()) -> tuple[Binding, ...]:
        """What waits for a decision, of all steps or of these."""
        wanted = set(steps)
        return tuple(b for b in self.bindings if b.status == "suggested" and (not wanted or b.sink.step in wanted))


class MissingValue(GatewayError):
    """A live response lacks a value that a later request needs; `binding` says which."""

    status = 409

    def __init__(self, message: str, *, binding: Binding, where: str = "", hint: str = "") -> None:
        super().__init__(message, where=where, hint=hint)
        self.binding = binding


def correlations_json(found: Correlations, *, step: int | None = None) -> dict[str, Any]:
    """`items` are the bindings, of all steps or of one, in the order of what needs them."""
    bindings = [each for each in found.bindings if step in (None, each.sink.step)]
    inputs = [each for each in found.inputs if step is None or any(sink.step == step for sink in each.sinks)]
    return {"items": [binding_json(each) for each in bindings], "inputs": list(map(input_json, inputs)), "next": None}


def binding_json(binding: Binding) -> dict[str, Any]:
    return {
        "id": binding.id,
        "status": binding.status,
        "confidence": binding.confidence,
        "variable": binding.variable,
        "value": binding.value,
        "sink": sink_json(binding.sink),
        "source": source_json(binding.source),
        "transforms": list(binding.transforms),
        "alternates": [source_json(each) for each in binding.alternates],
        "why": binding.why,
    }


def input_json(given: Input) -> dict[str, Any]:
    return {
        "variable": given.variable,
        "value": given.value,
        "secret": given.secret,
        "generator": given.generator or None,
        "sinks": [sink_json(each) for each in given.sinks],
    }


def sink_json(sink: Sink) -> dict[str, Any]:
    place = {"step": sink.step, "part": sink.part, "path": sink.path, "name": sink.name}
    return {"place": str(sink), **place, "span": list(sink.span) if sink.span else None}


def source_json(source: Source) -> dict[str, Any]:
    place = {"step": source.step, "part": source.part, "path": source.path, "name": source.name}
    return {"place": str(source), **place}

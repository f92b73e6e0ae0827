"""What a step says once values are called by their names: its label, its shape, its digest. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2s

from ..correlation import Binding, Decisions, correlate, rewrite
from ..model.exchange import Exchange
from ..model.message import Request
from ..model.operations import named_operation
from ..model.text import shape
from .diagram import Value

_MARK = "7319604418"  # begins a number that no recording holds: it survives every encoding, and JSON takes it as it is
Digest = tuple[str, str]  # (kind of request, all of it with its status): those of `replay.align`


@dataclass(frozen=True, slots=True)
class ValueNames:
    """The values that move through a recording: where each comes from, where it is needed again."""

    needs: Mapping[int, tuple[Binding, ...]] = field(default_factory=dict)  # step -> what its request needs
    gives: Mapping[int, tuple[str, ...]] = field(default_factory=dict)  # step -> variables of its response
    values: tuple[Value, ...] = ()

    def uses(self, step: int) -> tuple[str, ...]:
        return tuple(dict.fromkeys(binding.variable for binding in self.needs.get(step, ())))

    def target(self, exchange: Exchange) -> str:
        """ "/orders/{order_id}?page={cursor}"."""
        marks = self._marks(exchange.step, ("path", "query"))
        if not marks:
            return exchange.request.target
        return _named(_rewritten(exchange, marks).target, marks)

    def shape(self, exchange: Exchange) -> str:
        """The path with {id} for every value that moves or looks like an id."""
        marks = self._marks(exchange.step, ("path",))
        target = _rewritten(exchange, marks).target if marks else exchange.request.target
        for mark in marks:
            target = target.replace(mark, "{id}")
        return shape(target)

    def digest(self, exchange: Exchange) -> Digest:
        """Equal for steps of different runs that ask the same and are answered alike."""
        marks = self._marks(exchange.step, ())
        request = _rewritten(exchange, marks) if marks else exchange.request
        body = _named(request.body.data.decode("latin-1"), marks)
        said = blake2s(body.encode("latin-1", "replace"), digest_size=12).hexdigest()
        who = "signed" if exchange.request.header("authorization") else ""
        path = _named(request.target, marks)
        operation = named_operation(exchange)
        kind = f"{exchange.method} {exchange.server} {self.shape(exchange)} {operation.label if operation else ''}"
        return kind, f"{exchange.environment} {path} {said} {who} {exchange.status}"

    def _marks(self, step: int, parts: Sequence[str]) -> dict[str, Binding]:
        """A number for each value of a request, of these parts or of all."""
        found = (one for one in self.needs.get(step, ()) if not parts or one.sink.part in parts)
        return {f"{_MARK}{index:06}": binding for index, binding in enumerate(found)}


def names(exchanges: Sequence[Exchange], decisions: Decisions) -> ValueNames:
    """The values of a recording, by the bindings that are in force."""
    needs: dict[int, list[Binding]] = {}
    values: dict[tuple[str, int], set[int]] = {}
    gives: dict[int, list[str]] = {}
    for binding in correlate(exchanges, decisions).in_force:
        needs.setdefault(binding.sink.step, []).append(binding)
        key = (binding.variable, binding.source.step)
        if key not in values:
            gives.setdefault(binding.source.step, []).append(binding.variable)
        values.setdefault(key, set()).add(binding.sink.step)
    return ValueNames(
        {step: tuple(found) for step, found in needs.items()},
        {step: tuple(dict.fromkeys(found)) for step, found in gives.items()},
        tuple(Value(name, source, tuple(sorted(used))) for (name, source), used in values.items()),
    )


def _rewritten(exchange: Exchange, marks: Mapping[str, Binding]) -> Request:
    try:
        return rewrite(exchange.request, [(binding.sink, mark) for mark, binding in marks.items()])
    except UnicodeError:  # a lone surrogate of an imported file, which no URL can hold
        return exchange.request


def _named(text: str, marks: Mapping[str, Binding]) -> str:
    for mark, binding in marks.items():
        text = text.replace(mark, f"{{{binding.variable}}}")
    return text

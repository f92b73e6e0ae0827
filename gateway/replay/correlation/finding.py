"""Walks a recording and finds which value of which response each request needs. Pure."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import replace
from hashlib import blake2s
from itertools import islice
from typing import Final

from ...model.exchange import Exchange
from .clock import schedule
from .declared import declare
from .index import Index, Shown
from .inputs import Inputs
from .model import Binding, Correlations, Decisions, Sink, Source, Status
from .naming import free_name, variable_name
from .pages import places
from .places import Need, needs
from .scoring import AUTOMATIC, Candidate, Rules, Target, candidates, latest_counts
from .urls import collection_of, subject_of
from .values import bits_of

ALTERNATES: Final = 5
MOST: Final = 5000  # values of one request
NOTHING: Final = Decisions()
ALL: Final = Rules()


def correlate(exchanges: Sequence[Exchange], decisions: Decisions = NOTHING, *, rules: Rules = ALL) -> Correlations:
    """Every binding and input of a recording. What people decided wins over what was found."""
    walk = _Walk(decisions, rules)
    waiting: list[tuple[float, int, Exchange]] = []
    for order, (began, finished, exchange) in enumerate(schedule(exchanges)):
        while waiting and waiting[0][0] <= began:
            _, at, done = heapq.heappop(waiting)
            walk.answered(at, done)
        walk.asked(exchange)
        heapq.heappush(waiting, (finished, order, exchange))
    bindings = declare(walk.bindings, decisions.declared, exchanges)
    bound = {str(binding.sink) for binding in bindings if binding.in_force}
    return Correlations(_named(bindings), walk.inputs.found(except_for=bound))


class _Walk:
    """The state between two exchanges."""

    def __init__(self, decisions: Decisions, rules: Rules) -> None:
        self._decisions, self._rules = decisions, rules
        self._index = Index(echo=rules.echo)
        self.bindings: list[Binding] = []
        self.inputs = Inputs()

    def asked(self, exchange: Exchange) -> None:
        """Look the request's values up first, then remember what it was the first to say."""
        said: list[Need] = []
        target = Target(exchange.request.target)
        for need in islice(needs(exchange.request, exchange.step), MOST):
            if need.sink.part == "cookie" and need.sink.name in self._index.cookies:
                continue  # the jar's business
            if not self._bound(need, target) and not self._pieces(need, target):
                said.append(need)
                self.inputs.add(need, exchange.started_at)
        for need in said:
            if not self._index.knows(need.value, need.role):
                self._index.said(need.value, need.role)
                for inner in need.inner:
                    self._index.said(inner.value, inner.role)

    def _pieces(self, need: Need, target: Target) -> bool:
        """Whether any piece of it has a source; each of them is looked for."""
        return sum(self._bound(inner, target) for inner in need.inner) > 0

    def answered(self, order: int, exchange: Exchange) -> None:
        if exchange.response is None:
            return
        about, subject = collection_of(exchange.request.target), subject_of(exchange.request.target)
        made = exchange.request.method == "POST" and exchange.status == 201
        for place in places(exchange.response, about):
            if bits_of(place.value) > 0:
                anew = made and place.role.is_id and place.role.entity == about and place.value != subject
                self._index.show(order, exchange.step, place, subject, anew=anew)

    def _bound(self, need: Need, target: Target) -> bool:
        """Whether a source is known well enough to be mentioned."""
        found = candidates(need, self._index, self._rules, target)
        for candidate in found[:ALTERNATES]:
            binding = self._binding(need, candidate, found)
            self.bindings.append(binding)
            if binding.status != "rejected":
                return True
        return False

    def _binding(self, need: Need, chosen: Candidate, found: list[Candidate]) -> Binding:
        shown = sorted(chosen.shown, key=lambda each: each.order, reverse=latest_counts(chosen.role))
        first, *others = shown
        same = (
            each for candidate in found if candidate is not chosen and candidate.transforms == chosen.transforms
            and (candidate.level >= chosen.level or candidate.score >= AUTOMATIC) for each in candidate.shown
        )  # fmt: skip
        source = source_of(first)
        alternates = dict.fromkeys(source_of(each) for each in (*others, *sorted(same, key=lambda each: each.order)))
        alternates.pop(source, None)
        id = binding_id(source, need.sink, chosen.transforms)
        return Binding(
            id, source, need.sink, chosen.transforms, need.value, round(chosen.score, 2),
            tuple(alternates)[:ALTERNATES], self._status(id, chosen.score), chosen.why,
            variable_name(need.sink.name, source.name),
        )  # fmt: skip

    def _status(self, id: str, score: float) -> Status:
        if id in self._decisions.rejected:
            return "rejected"
        if id in self._decisions.accepted:
            return "confirmed"
        return "auto" if score >= AUTOMATIC else "suggested"


def source_of(shown: Shown) -> Source:
    return Source(shown.step, shown.place.part, shown.place.text, shown.place.name)


def binding_id(source: Source, sink: Sink, transforms: tuple[str, ...]) -> str:
    """Short, and the same whenever the same recording is read."""
    text = f"{source}\n{sink}\n{transforms}"
    return blake2s(text.encode("utf-8", "surrogatepass"), digest_size=4).hexdigest()


def _named(bindings: Sequence[Binding]) -> tuple[Binding, ...]:
    """One variable for each source, and no two sources with one name."""
    names: dict[tuple[Source, tuple[str, ...]], str] = {}
    taken: dict[str, int] = {}
    out: list[Binding] = []
    for binding in bindings:
        key = (binding.source, binding.transforms)
        if key not in names:
            names[key] = free_name(binding.variable, taken)
        out.append(replace(binding, variable=names[key]))
    return tuple(out)

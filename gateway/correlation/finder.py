"""Walks a recording and finds which value of which response each request needs. Pure."""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import replace
from datetime import datetime
from hashlib import blake2s
from itertools import islice
from typing import Any, Final
from urllib.parse import unquote

from ..model.exchange import Exchange
from ..model.message import SAFE, Body
from .declarations import declare
from .hidden_values import hidden_needs, hidden_runs
from .information import HEX, LIMIT, PLACEHOLDER, TIME, UUID, bits_of, is_literal, is_rare
from .lexicon import OWN, SECRET, TOKENS
from .model import Binding, Correlations, Decisions, Input, Sink, Source, Status, Unbound
from .names import Role, free_name, is_lock, snake, variable_name
from .request_values import Need, about_of, needs, pieces_of
from .response_value import ValuePlace
from .response_values import places
from .scoring import (
    AUTOMATIC,
    Candidate,
    ScoringRules,
    ScoringTarget,
    candidates,
    latest_counts,
    level_of,
    may_be_stale,
    written_in,
)
from .urls import subject_of
from .value_index import Index, ShownValue

SLACK = 0.0002  # seconds: both times are rounded


def seconds(timestamp: str) -> float | None:
    """Epoch seconds of an RFC 3339 timestamp."""
    try:
        return datetime.fromisoformat(timestamp).timestamp()
    except (ValueError, OverflowError):
        return None


def schedule(exchanges: Sequence[Exchange]) -> list[tuple[float, float, Exchange]]:
    """(began, finished, exchange) in the order in which they began. Without timestamps, the steps' order counts."""
    times = [seconds(exchange.started_at) for exchange in exchanges]
    if None in times:
        return [(float(at), at + 0.5, exchange) for at, exchange in enumerate(exchanges)]
    spans = [
        (began, began + (exchange.timing.total_ms or 0.0) / 1000.0 - SLACK, exchange)
        for began, exchange in zip(times, exchanges, strict=True)
        if began is not None
    ]
    return sorted(spans, key=lambda span: (span[0], span[2].step))


DAY = 86400.0


class Inputs:
    """Gathers what has no source; equal values under one name, and equal rare values, are one input."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], Input] = {}
        self._sinks: dict[tuple[str, str], list[Sink]] = {}

    def add(self, need: Need, started_at: str) -> None:
        if need.literal or not need.value or len(need.value) > LIMIT:
            return
        name = snake(need.sink.name) or need.sink.part
        key = (need.value, "" if bits_of(need.value) >= 20 else name)
        self._sinks.setdefault(key, []).append(need.sink)
        if key not in self._found:
            secret = PLACEHOLDER.search(need.value) is not None or bool(set(need.role.words) & (TOKENS | SECRET))
            generator = generator_of(need.value, started_at)
            self._found[key] = Input(name, need.sink, secret, need.value, (), generator)

    def found(self, *, except_for: Set[str]) -> tuple[Input, ...]:
        """The inputs in the order in which they were first said, each with a name of its own."""
        taken: dict[str, int] = {}
        out: list[Input] = []
        for key, each in self._found.items():
            sinks = tuple(sink for sink in self._sinks[key] if str(sink) not in except_for)
            if sinks:
                name = free_name(each.variable, taken)
                out.append(replace(each, variable=name, sink=sinks[0], sinks=sinks))
        return tuple(out)


def generator_of(value: str, started_at: str) -> str:
    """What could make a fresh value of this kind; empty when nothing fits."""
    if UUID.fullmatch(value):
        return "uuid4"
    now = seconds(started_at)
    if now is not None and TIME.fullmatch(value) and (then := seconds(value)) is not None and abs(then - now) < DAY:
        return "now"
    if now is not None and re.fullmatch(r"[0-9]{10}|[0-9]{13}", value):
        moment = int(value) / (1000 if len(value) == 13 else 1)
        if abs(moment - now) < DAY:
            return "epoch_ms" if len(value) == 13 else "epoch"
    return "random_hex" if HEX.fullmatch(value) and len(value) >= 16 and not value.isdigit() else ""


ALTERNATES: Final = 5
MOST: Final = 5000  # values of one request
WHOLE: Final = 20.0  # bits of a run of words: shorter ones are looked for by their names
WORDS_OF: Final = re.compile(r"[^/:,;|?&=#@\s]+")
MOST_SOURCES: Final = 16  # places that showed a value, of those that a replay looks at
NOTHING: Final = Decisions()
Arrivals = Mapping[tuple[str, int], float]  # (kind, which of that kind) of a message -> ms since the exchange began
Shown = Sequence[ValuePlace] | None  # the places of a part of a response; None for all
ALL: Final = ScoringRules()


def correlate(
    exchanges: Sequence[Exchange], decisions: Decisions = NOTHING, *, rules: ScoringRules = ALL,
    arrivals: Mapping[int, Arrivals] | None = None, secrets: Mapping[str, str] | None = None,
) -> Correlations:  # fmt: skip
    """Every binding and input of a recording. What people decided wins over what was found.

    `secrets` by placeholder give the claims of sealed tokens. `arrivals` are, by step, when the messages of a stream
    came: each of them serves what began after it.
    """
    walk = _Walk(decisions, rules, secrets or {})
    waiting: list[tuple[float, int, int, Exchange, Shown]] = []
    for order, (began, finished, exchange) in enumerate(schedule(exchanges)):
        while waiting and waiting[0][0] <= began:
            _, at, _, done, shown = heapq.heappop(waiting)
            walk.answered(at, done, shown)
        walk.asked(order, exchange)
        if exchange.method not in SAFE:
            walk.look_for_hidden(exchange)
        moments = (arrivals or {}).get(exchange.step)
        pieces = _in_pieces(exchange, began, moments) if moments else [(finished, None)]
        for number, (moment, some) in enumerate(pieces):
            heapq.heappush(waiting, (moment, order, number, exchange, some))
    bindings = declare(walk.bindings, decisions.declared, exchanges)
    bound = {str(binding.sink) for binding in bindings if binding.in_force}
    bound |= {str(binding.sink.whole) for binding in bindings if binding.status == "declared"}
    declared = {(each.sink.step, each.sink.part, each.sink.path) for each in bindings if each.status == "declared"}
    unbound = (each for each in walk.unbound if (each.sink.step, each.sink.part, each.sink.path) not in declared)
    return Correlations(_named(bindings), walk.inputs.found(except_for=bound), tuple(unbound))


def _in_pieces(exchange: Exchange, began: float, moments: Arrivals) -> Iterator[tuple[float, Shown]]:
    """A stream's response as its messages came: (the moment, what that message shows), the headers first."""
    groups: dict[tuple[str, int] | None, list[ValuePlace]] = {None: []}
    for place in places(exchange.response, about_of(exchange.request)) if exchange.response else ():
        keys: tuple[Any, ...] = place.path[0] if place.part == "json" and isinstance(place.path, tuple) else ()
        groups.setdefault((keys[0], keys[1]) if len(keys) > 1 else None, []).append(place)
    for key, shown in groups.items():
        yield began + (moments.get(key, 0.0) if key else 0.0) / 1000, shown


class _Walk:
    """The state between two exchanges."""

    def __init__(self, decisions: Decisions, rules: ScoringRules, secrets: Mapping[str, str]) -> None:
        self._decisions, self._rules, self._secrets = decisions, rules, secrets
        self._index = Index(echo=rules.echo)
        self.bindings: list[Binding] = []
        self.unbound: list[Unbound] = []
        self._deleted: set[str] = set()  # what a later thing may be called again
        self._refused: set[str] = set()  # sinks of which a person, or a second run, said that they are constants
        self._sent: dict[int, set[tuple[tuple[str, ...], str]]] = {}  # what a POST says, which its response repeats
        self._begun = 0, 0  # the bindings and notes of the steps before
        self.inputs = Inputs()

    def asked(self, order: int, exchange: Exchange) -> None:
        """Look the request's values up first, then remember what it was the first to say."""
        said: list[Need] = []
        self._begun = len(self.bindings), len(self.unbound)
        target = ScoringTarget(exchange.request.target)
        for need in islice(needs(exchange.request, exchange.step), MOST):
            if need.sink.part == "cookie" and need.sink.name in self._index.cookies:
                continue  # the jar's business
            if exchange.method == "POST" and need.sink.part in ("json", "form", "multipart"):
                self._sent.setdefault(order, set()).add((need.role.words, need.value))
            if self._bound(need, target):
                continue
            covered = self._longest(need, target)
            if not self._pieces(need, target, covered) and not covered:
                said.append(need)
                self.inputs.add(need, exchange.started_at)
                for one in (need, *need.inner):
                    self._shown_before(one)
        for need in said:
            if not self._index.knows(need.value, need.role):
                self._index.said(need.value, need.role, order)
                for inner in need.inner:
                    # The 1 of the sku A-1 does not make the new line 1 an echo; that of notes/1 makes the note 1 one.
                    small = (inner.beside,) if inner.beside else ()
                    for role in (inner.role, *inner.also) if is_rare(inner.value) else small:
                        self._index.said(inner.value, role, order)
        if exchange.method == "DELETE":
            self._deleted.update(need.value for need in said_or_bound(exchange))

    def _longest(self, need: Need, target: ScoringTarget) -> list[tuple[int, int]]:
        """Bind the longest runs of its words that responses gave as a whole; where they stand in it."""
        taken: list[tuple[int, int]] = []
        for piece in pieces_of(need):
            span = piece.sink.span or (0, 0)
            if any(span[0] < end and start < span[1] for start, end in taken) or not self._index.of(piece.value):
                continue
            if bits_of(piece.value) < WHOLE or all(map(is_literal, WORDS_OF.findall(piece.value))):
                continue
            found = candidates(piece, self._index, self._rules, target)
            if found and found[0].score >= AUTOMATIC and self._bound(piece, target):
                taken.append(span)
        return taken

    def _pieces(self, need: Need, target: ScoringTarget, covered: Sequence[tuple[int, int]] = ()) -> bool:
        """Whether any piece of it has a source; each of them is looked for, but for those that are covered."""
        left = [
            each for each in need.inner
            if each.sink.span is None or not any(
                each.sink.span[0] < end and start < each.sink.span[1] for start, end in covered
            )
        ]  # fmt: skip
        bound = [self._bound(inner, target) for inner in left]
        if any(bound) or covered:
            for inner, done in zip(left, bound, strict=True):
                if not done:
                    self._shown_before(inner)
        return any(bound)

    def _shown_before(self, need: Need) -> None:
        """Note a value that stays as recorded although responses had shown it: a replay has to look at it."""
        if str(need.sink) in self._refused:
            return
        self._note(need, need, ())
        if (inner := written_in(need)) is not None:
            self._note(need, *inner)

    def look_for_hidden(self, exchange: Exchange) -> None:
        """Note what the request carries where no binding reaches, unless another place of it has the value, too."""
        step = exchange.step
        bound = [each for each in self.bindings[self._begun[0] :] if each.status != "rejected"]
        noted = self.unbound[self._begun[1] :]
        known = {each.value for each in bound} | {each.value for each in noted}
        covered = {
            (each.sink.part, each.sink.path) for each in bound if each.sink.span is None or each.sink.part == "header"
        }
        for need in hidden_needs(exchange.request, step):
            if need.value not in known and (need.sink.part, need.sink.path) not in covered:
                self._note(need, need, (), fixed=True)
        known |= {each.value for each in self.unbound[self._begun[1] :]}
        for value in hidden_runs(exchange.request):
            if self._index.of(value) and not any(value in each for each in known):
                need = Need(Sink(step, "text", ""), value, Role())
                self._note(need, need, (), fixed=True)
                known.add(value)

    def _note(self, whole: Need, need: Need, transforms: tuple[str, ...], *, fixed: bool = False) -> None:
        said_at = self._index.said_at(need.value, need.role)
        shown = [
            (-level_of(role, need)[0], each.order, source_of(each))
            for (role, part), found in self._index.of(need.value).items()
            if part != "cookie" and may_be_stale(role, need) for each in found
            if said_at is None or each.order < said_at
        ]  # fmt: skip
        if shown:
            sources = dict.fromkeys(source for _, _, source in sorted(shown, key=lambda each: each[:2]))
            self.unbound.append(
                Unbound(whole.sink, whole.value, tuple(sources)[:MOST_SOURCES], transforms, fixed=fixed)
            )

    def answered(self, order: int, exchange: Exchange, some: Shown = None) -> None:
        """Remember what a response shows: all of it, or `some` places."""
        if exchange.response is None:
            return
        about, subject = about_of(exchange.request), subject_of(exchange.request.target)
        posted = exchange.request.method == "POST" and (exchange.status or 0) < 300
        made = exchange.path.rstrip("/") if posted else ""
        names: dict[str, set[tuple[str, ...]]] = {}
        all_places = places(exchange.response, about, self._secrets) if some is None else some
        shown = [place for place in all_places if bits_of(place.value) > 0]
        for place in shown:
            if place.part in ("json", "text") and not place.link:
                names.setdefault(place.value, set()).add(place.role.words)
        new_id = _new_id(shown, about, made) if posted else ""
        for place in shown:
            if place.part == "header" and not place.owner and is_lock(place.role):
                place.owner = new_id  # the entity tag of what was made
            own = place.role.is_id and place.role.entity == about and place.value != subject
            anew = posted and own and (exchange.status == 201 or place.value in self._deleted)
            sole = len(names.get(place.value, ())) == 1 and not place.role.is_many and not OWN & set(place.role.words)
            repeated = (place.role.words, place.value) in self._sent.get(order, ())
            at = made if place.value != subject and not repeated and (sole or is_rare(place.value)) else ""
            self._index.show(order, exchange.step, place, subject, anew=anew, made=at)

    def _bound(self, need: Need, target: ScoringTarget) -> bool:
        """Whether a source is known well enough to be mentioned."""
        found = candidates(need, self._index, self._rules, target)
        for candidate in found[:ALTERNATES]:
            binding = self._binding(need, candidate, found)
            self.bindings.append(binding)
            if binding.status == "suggested":
                sources = (binding.source, *binding.alternates)
                self.unbound.append(Unbound(need.sink, need.value, sources, binding.transforms, binding.id))
            if binding.status != "rejected":
                return True
            self._refused.add(str(need.sink))
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


def _new_id(shown: Sequence[ValuePlace], about: tuple[str, ...], made: str) -> str:
    """The id of what a POST to the path `made` has made: of its Location, else of its body, else ""."""
    for place in shown:
        if place.part == "location" and lies_right_below(made, place):
            return place.value
    ids = (place.value for place in shown if place.part == "json" and place.role.is_id and place.role.entity == about)
    return next(ids, "")


def lies_right_below(path: str, place: ValuePlace) -> bool:
    """Whether the value of a link is the segment right below a path: 52 of /Patient/52/_history/1 below /Patient."""
    rest = place.link.partition("?")[0].partition(f"{path}/")
    return not rest[0] and unquote(rest[2].partition("/")[0]) == place.value


def said_or_bound(exchange: Exchange) -> Iterator[Need]:
    """The values of a request's target."""
    for need in needs(replace(exchange.request, headers=(), body=Body()), exchange.step):
        yield need
        yield from need.inner


def source_of(shown: ShownValue) -> Source:
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

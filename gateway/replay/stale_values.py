"""Which values of a recorded request are stale in this run: earlier responses gave them, and give others now. Pure.

A write that carries such a value may change what this run did not make, so the plan stops it before it is sent. A value
is not stale when a response of this run still gives it: at the same place, or anywhere in it under the same name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ..correlation import Correlations, Sink, Source, Unbound, extract
from ..correlation.information import is_rare
from ..correlation.response_values import places
from ..errors import GatewayError
from ..model.message import Response

LONGEST: Final = 60  # characters of a value in a message


@dataclass(frozen=True, slots=True)
class StaleValue:
    """A recorded value that this run has otherwise. `now` is None where the response lacks it, or was not asked for."""

    unbound: Unbound
    source: Source  # the place that gave it, as a message names it
    now: str | None
    left_out: bool = False  # none of the steps that gave it was sent in this run

    @property
    def sink(self) -> Sink:
        return self.unbound.sink


def stale_values(
    step: int, correlations: Correlations, responses: Mapping[int, Response], clear: Callable[[str], str],
    recorded: Mapping[int, Response],
) -> tuple[StaleValue, ...]:  # fmt: skip
    """Those of one step. `responses` are this run's, `recorded` the recording's; `clear` gives a sealed value back."""
    found = (_stale(each, responses, clear(each.value), recorded) for each in correlations.unbound_of(step))
    return tuple(each for each in found if each is not None)


def _stale(
    unbound: Unbound, responses: Mapping[int, Response], recorded: str, chain: Mapping[int, Response]
) -> StaleValue | None:
    """None where the value holds: a rare one where any response gives it again, a small one where all of them do,
    because an equal number of another thing says nothing about this one."""
    moved: list[tuple[Source, str | None]] = []
    held = 0
    for source in unbound.sources:
        response = responses.get(source.step)
        if response is None:
            continue
        value = extract(response, source, unbound.transforms, like=chain.get(source.step))
        if value == recorded or _still_shows(response, source, recorded):
            held += 1
        else:
            moved.append((source, value))
    if held and (not moved or is_rare(recorded)):
        return None
    if not moved:
        return StaleValue(unbound, unbound.sources[0], None, left_out=True)
    source, now = next((each for each in moved if each[1]), moved[0])
    return StaleValue(unbound, source, now)


def _still_shows(response: Response, source: Source, value: str) -> bool:
    """Whether the response has the value under the same name elsewhere: a list may be in another order."""
    return any(place.value == value and place.name == source.name for place in places(response, ()))


def explain(stale: StaleValue, *, secret: bool) -> str:
    """ "/variables/id is 3, which /data/id in the response of step 3 gave; this run has 8 there"."""
    sink, source = stale.sink, stale.source
    recorded = "a secret" if secret else _short(stale.unbound.value)
    if stale.left_out:
        now = "this run did not ask for it"
    elif stale.now is None:
        now = "this run's response lacks it"
    else:
        now = "this run has another one there" if secret else f"this run has {_short(stale.now)} there"
    return f"{sink_words(sink)} is {recorded}, which {source_words(source)} gave; {now}"


@dataclass(frozen=True, slots=True)
class Doubt:
    """A value that somebody has to decide on before its step is sent. Secrets are None in `recorded` and `now`."""

    step: int
    place: str  # in words
    at: str  # as --set and --declare name it
    source: str  # in words
    recorded: str | None
    now: str | None  # this run's value; None where it has none
    has_now: bool
    accept: str = ""  # the id of a suggestion that sends this run's value
    declare: str = ""  # or a declaration that does


def doubt_of(stale: StaleValue, *, secret: bool) -> Doubt:
    """What can be decided about a stale value."""
    unbound, sink = stale.unbound, stale.sink
    has_now = stale.now is not None
    written = "|".join((str(stale.source), *unbound.transforms))
    declared = f"{sink}={written}" if has_now and not unbound.binding and not unbound.fixed else ""
    return Doubt(
        sink.step, sink_words(sink), str(sink), source_words(stale.source),
        None if secret else _short(unbound.value), None if secret or stale.now is None else _short(stale.now), has_now,
        accept=unbound.binding if has_now else "", declare=declared,
    )  # fmt: skip


def decide(doubt: Doubt) -> str:
    """What a person can say: --accept, --declare, --yes-to."""
    anyway = f"--yes-to {doubt.step} sends the recorded one"
    if doubt.accept:
        return f"--accept {doubt.accept} sends this run's, {anyway}"
    return f'--declare "{doubt.declare}" sends this run\'s, {anyway}' if doubt.declare else anyway


def doubt_json(doubt: Doubt) -> dict[str, Any]:
    """As the API shows it: `accept` or `declare` is what the next replay takes to send this run's value."""
    return {
        "step": doubt.step, "place": doubt.place, "at": doubt.at, "source": doubt.source, "recorded": doubt.recorded,
        "now": doubt.now, "accept": doubt.accept or None, "declare": doubt.declare or None,
    }  # fmt: skip


class DoubtfulValues(GatewayError):
    """A write would go out with values of the recording; `doubts` are what can be decided."""

    status = 409

    def __init__(self, message: str, doubts: tuple[Doubt, ...]) -> None:
        super().__init__(message, hint="; ".join(dict.fromkeys(map(decide, doubts))))
        self.doubts = doubts


def sink_words(sink: Sink) -> str:
    """ "/id" of a JSON body, "segment 3 of the path", "the query's id"."""
    match sink.part:
        case "json":
            return sink.path or "the body"
        case "path":
            return f"segment {sink.path} of the path"
        case "text":
            return "a part of the body"
        case _:
            return f"{sink.part} {sink.path}"


def source_words(source: Source) -> str:
    """ "/token in the response of step 1"."""
    path, _, piece = source.path.partition("#")
    place = path if source.part == "json" else path if source.part == path else f"{source.part} {path}"
    if piece.startswith("match="):
        return f"a text in the response of step {source.step}"
    place = (place.strip() or "the whole") + (f" ({piece.replace('=', ' ')})" if piece else "")
    return f"{place} in the response of step {source.step}"


def _short(value: str) -> str:
    return value if len(value) <= LONGEST else f"{value[:LONGEST]}..."

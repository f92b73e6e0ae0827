"""A recording becomes a Diagram: participants, calls, dividers, loops, chapters. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from http import HTTPStatus

from ..model.exchange import Chunk, Exchange
from ..model.recording import Recording
from .diagram import Call, Diagram, Divider, Outcome, Participant, Row
from .fold import chapters, folded
from .labels import clean, counted, shape, shortened
from .noise import hidden, noise
from .streams import runs

ChunksOf = Callable[[str], Sequence[Chunk]]
CLIENT = Participant("client")
_NAME = 24  # characters of a cluster's or environment's name


def no_chunks(_exchange: str) -> Sequence[Chunk]:
    return ()


def sequence(recording: Recording, exchanges: Sequence[Exchange], *, chunks: ChunksOf = no_chunks) -> Diagram:
    """The diagram of a recording; `chunks` gives the pieces of a stream by its exchange's id."""
    kinds = [noise(exchange) for exchange in exchanges]
    if all(kinds):  # a recording of nothing but noise is shown as it is
        kinds = [""] * len(exchanges)
    shown = [exchange for exchange, kind in zip(exchanges, kinds, strict=True) if not kind]
    participants = _participants(shown)
    rows = tuple(_rows(shown, participants, chunks))
    return Diagram(
        title=shortened(clean(recording.title), 90) or f"Recording {recording.id}",
        about=_about(recording, exchanges, participants),
        participants=participants,
        chapters=chapters(folded(rows)),
        hidden=hidden([kind for kind in kinds if kind]),
    )


def _participants(exchanges: Sequence[Exchange]) -> tuple[Participant, ...]:
    """In order of first use, those of one environment side by side."""
    used = list(dict.fromkeys(_answering(exchange) for exchange in exchanges))
    environments = list(dict.fromkeys(participant.environment for participant in used))
    used.sort(key=lambda participant: environments.index(participant.environment))
    return (CLIENT, *used)


def _answering(exchange: Exchange) -> Participant:
    """Who the request was for: the gateway itself where no cluster is."""
    cluster = shortened(clean(exchange.cluster), _NAME) or "gateway"
    return Participant(cluster, shortened(clean(exchange.environment), _NAME))


def _rows(exchanges: Sequence[Exchange], participants: tuple[Participant, ...], chunks: ChunksOf) -> Iterator[Row]:
    places = {participant: index for index, participant in enumerate(participants)}
    lives: dict[str, str] = {}  # cluster -> environment; a session's own choice moves nothing
    for exchange in exchanges:
        to = _answering(exchange)
        if exchange.cluster and not exchange.override:
            before = lives.get(exchange.cluster, to.environment)
            if before != to.environment:
                yield Divider(f"{to.cluster}: {before} -> {to.environment}")
            lives[exchange.cluster] = to.environment
        yield _call(exchange, places[to], chunks(exchange.id) if exchange.stream else ())


def _call(exchange: Exchange, participant: int, chunks: Sequence[Chunk]) -> Call:
    path, took = clean(exchange.request.target), exchange.timing.total_ms
    return Call(
        step=exchange.step,
        exchange=exchange.id,
        participant=participant,
        method=shortened(clean(exchange.method), 12),
        path=shortened(path),
        shape=shortened(shape(path)),
        answer=_answer(exchange),
        outcome=_outcome(exchange),
        took=None if took is None else (took, took),
        remark=_remark(exchange),
        runs=runs(exchange, chunks),
        sentence=_sentence(exchange),
    )


def _answer(exchange: Exchange) -> str:
    status = str(exchange.status) if exchange.status else ""
    if exchange.failure:
        return f"{status} {clean(exchange.failure.kind).replace('_', ' ')}".strip()
    if exchange.state == "interrupted":
        return f"{status} interrupted".strip()
    if exchange.state == "open":
        return f"{status} still open".strip()
    return f"{status} {_reason(exchange)}".strip() or "no answer"


def _reason(exchange: Exchange) -> str:
    if exchange.response and exchange.response.reason:
        return shortened(clean(exchange.response.reason), 32)
    try:
        return HTTPStatus(exchange.status or 0).phrase
    except ValueError:
        return ""


def _outcome(exchange: Exchange) -> Outcome:
    if exchange.failure or exchange.state == "interrupted":
        return "failed"
    status = exchange.status or 0
    if exchange.state == "open" or not status:
        return "open"
    return ("ok", "redirect", "client-error", "server-error")[min(max(status // 100 - 2, 0), 3)]


def _remark(exchange: Exchange) -> str:
    words = [exchange.override or "", "" if exchange.mode == "live" else exchange.mode]
    return ", ".join(clean(word) for word in words if word)


def _sentence(exchange: Exchange) -> str:
    why = f" ({clean(exchange.failure.detail)})" if exchange.failure and exchange.failure.detail else ""
    notes = "".join(f" Note: {clean(note)}" for note in exchange.notes)
    asked = f"{clean(exchange.method)} {clean(exchange.request.target)}"
    return f"Step {exchange.step}: {asked} to {_answering(exchange).name}, answered {_answer(exchange)}{why}.{notes}"


def _about(recording: Recording, exchanges: Sequence[Exchange], participants: tuple[Participant, ...]) -> str:
    others = ", ".join(participant.name for participant in participants[1:]) or "nobody"
    when = f", recorded {recording.started_at[:16].replace('T', ' ')} UTC" if recording.started_at else ""
    return clean(f"{counted(len(exchanges), 'exchange')} between the client and {others}{when}")

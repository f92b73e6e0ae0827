"""A recording becomes a Diagram: participants, calls, dividers, fragments, loops, chapters or an overview. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from ..correlation import Decisions
from ..model.exchange import Chunk, Exchange
from ..model.recording import Recording
from ..model.text import clean, counted, shortened
from .calls import answering, call_of
from .chapters import CHAPTER, chapters
from .diagram import Call, Diagram, Divider, Fragment, Participant, Row, Section, calls, size_of
from .fold import folded, key_of, merged
from .noise import hidden, noise
from .overview import overview
from .step_labels import ValueNames, names
from .what_ifs import Steps, Way, woven

# Clocks are read in two places and answers are done a moment after their last byte: less is no overlap.
LEAST = 0.002  # seconds
SHARE = 0.2  # of the shorter call


def together(rows: Sequence[Row]) -> tuple[Row, ...]:
    """The same rows, those that overlapped as lanes; streams overlap everything and count for nothing."""
    return tuple(_together(rows))


def _together(rows: Sequence[Row]) -> Iterator[Row]:
    group: list[Call] = []
    for row in rows:
        if isinstance(row, Call) and any(overlap(row, other) for other in group):
            group.append(row)
            continue
        yield from _shown(group)
        group = [row] if isinstance(row, Call) else []
        if isinstance(row, Fragment):
            sections = tuple(Section(one.label, together(one.rows)) for one in row.sections)
            yield Fragment(row.kind, sections)
        elif not isinstance(row, Call):
            yield row
    yield from _shown(group)


def overlap(one: Call, other: Call) -> bool:
    """Whether the two were really under way at the same time."""
    if one.span is None or other.span is None:
        return False
    common = min(one.span[1], other.span[1]) - max(one.span[0], other.span[0])
    shorter = min(one.span[1] - one.span[0], other.span[1] - other.span[0])
    return common > max(LEAST, SHARE * shorter)


def _shown(group: Sequence[Call]) -> Iterator[Row]:
    if len(group) < 2:
        yield from group
        return
    yield Fragment("par", tuple(_sections(_lanes(group))))


def _lanes(group: Sequence[Call]) -> list[list[Call]]:
    """Each call goes behind the first lane whose last call was over."""
    lanes: list[list[Call]] = []
    for call in group:
        free = next((lane for lane in lanes if not any(overlap(call, other) for other in lane)), None)
        if free is None:
            lanes.append([call])
        else:
            free.append(call)
    return lanes


def _sections(lanes: Sequence[Sequence[Call]]) -> Iterator[Section]:
    """Lanes alike are one, and counted."""
    alike: dict[object, list[Sequence[Call]]] = {}
    for lane in lanes:
        alike.setdefault(tuple(map(key_of, lane)), []).append(lane)
    for index, found in enumerate(alike.values()):
        words = [f"{len(found)}x" if len(found) > 1 else "", "" if index else "at the same time"]
        rows = tuple(merged(column) for column in zip(*found, strict=True))
        yield Section(" ".join(word for word in words if word), rows)


ChunksOf = Callable[[str], Sequence[Chunk]]
DecisionsOf = Callable[[str], Decisions]
Run = tuple[Recording, Sequence[Exchange]]
CLIENT = Participant("client")
_UNDRAWN = "what-ifs are drawn where their steps are"
PICTURE = 4 * CHAPTER  # rows; what has more, once it is folded, is shown as an overview
_BRANCHED = re.compile(r"What if, at step \d+: ")  # begins the titles that variants get by themselves


def no_chunks(_exchange: str) -> Sequence[Chunk]:
    return ()


def undecided(_recording: str) -> Decisions:
    return Decisions()


def sequence(
    recording: Recording,
    exchanges: Sequence[Exchange],
    *,
    chunks: ChunksOf = no_chunks,
    decisions: DecisionsOf = undecided,
    variants: Sequence[Run] = (),
    environments: Sequence[str] = (),
) -> Diagram:
    """The diagram of a recording, with its what-ifs as alternatives where they branch off.

    `chunks` gives the pieces of a stream by its exchange's id; `decisions`, by a recording's id, what people said
    about its values. `environments` are those of routes.yaml, in its order.
    """
    shown, kinds = _telling(exchanges)
    told = [(variant, _telling(steps)[0]) for variant, steps in variants]
    participants = participants_of([*shown, *(one for _, steps in told for one in steps)])
    moving = names(shown, decisions(recording.id))
    steps = tuple(_steps(shown, participants, moving, chunks, digests=bool(told)))
    ways = [_way(recording, shown, variant, participants, decisions, chunks) for variant in told]
    rows = folded(together(woven(Way("", steps), ways)))
    long = sum(map(size_of, rows)) > PICTURE
    return Diagram(
        title=shortened(clean(recording.title).strip(), 90) or f"Recording {recording.id}",
        about=_about(recording, exchanges, participants, len(variants)),
        participants=participants,
        chapters=() if long else chapters(rows),
        hidden="; ".join(word for word in (hidden(kinds), _UNDRAWN if long and variants else "") if word),
        values=moving.values,
        overview=overview([call for _, rows in steps for call in calls(rows)]) if long else None,
        environments=tuple(environments),
    )


def _telling(exchanges: Sequence[Exchange]) -> tuple[list[Exchange], list[str]]:
    """(what is shown, the kinds of what is hidden); a recording of nothing but noise is shown as it is."""
    kinds = [noise(exchange) for exchange in exchanges]
    if all(kinds):
        return list(exchanges), []
    return [one for one, kind in zip(exchanges, kinds, strict=True) if not kind], [kind for kind in kinds if kind]


def participants_of(exchanges: Sequence[Exchange]) -> tuple[Participant, ...]:
    """The client, then clusters in order of first use, those of one environment side by side."""
    used = list(dict.fromkeys(answering(exchange) for exchange in exchanges))
    environments = list(dict.fromkeys(participant.environment for participant in used))
    used.sort(key=lambda participant: environments.index(participant.environment))
    return (CLIENT, *used)


def _steps(
    exchanges: Sequence[Exchange],
    participants: tuple[Participant, ...],
    moving: ValueNames,
    chunks: ChunksOf,
    *,
    digests: bool,
    moves: bool = True,
) -> Iterator[tuple[tuple[str, str], tuple[Row, ...]]]:
    """Each step with its digest, where one is wanted, and its rows: the call, a divider before it where one moved."""
    places = {participant: index for index, participant in enumerate(participants)}
    lives: dict[str, str] = {}  # cluster -> environment; a session's own choice moves nothing
    for exchange in exchanges:
        to = answering(exchange)
        call = call_of(exchange, places[to], moving, chunks(exchange.id) if exchange.stream else ())
        yield moving.digest(exchange) if digests else ("", ""), (*(_moved(exchange, to, lives) if moves else ()), call)


def _moved(exchange: Exchange, to: Participant, lives: dict[str, str]) -> Iterator[Divider]:
    if exchange.cluster and not exchange.override:
        before = lives.get(exchange.cluster, to.environment)
        if before != to.environment:
            yield Divider(f"{to.cluster}: {before} -> {to.environment}")
        lives[exchange.cluster] = to.environment


def _way(
    main: Recording,
    shown: Sequence[Exchange],
    variant: Run,
    participants: tuple[Participant, ...],
    decisions: DecisionsOf,
    chunks: ChunksOf,
) -> Way:
    recording, exchanges = variant
    exchanges = [replace(one, mode="live") for one in exchanges]  # sent again, as everything in a what-if
    title = _BRANCHED.sub("", clean(recording.title)).strip() or f"variant {recording.id}"
    moving = names(exchanges, decisions(recording.id))
    steps: Steps = tuple(_steps(exchanges, participants, moving, chunks, digests=True, moves=False))
    at = recording.branched_at if recording.parent == main.id else None
    branched = next((index for index, exchange in enumerate(shown) if exchange.step == at), -1)
    return Way(shortened(title, 60), steps, branched)


def _about(
    recording: Recording, exchanges: Sequence[Exchange], participants: tuple[Participant, ...], variants: int
) -> str:
    others = ", ".join(participant.name for participant in participants[1:]) or "nobody"
    more = f" and {counted(variants, 'what-if')}" if variants else ""
    when = f", recorded {recording.started_at[:16].replace('T', ' ')} UTC" if recording.started_at else ""
    return clean(f"{counted(len(exchanges), 'exchange')}{more} between the client and {others}{when}")

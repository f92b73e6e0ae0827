"""A recording as a story: one row a step, what it gave or why it failed beside it; equal rounds of calls folded. Pure.

The rows of pages, slides, exports and print. Positions are per cent of a lane's width, so that lifelines go on however
tall the text beside a row makes it; `story_svg` draws the lanes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal, TypeAlias

from ..correlation import Binding, Decisions
from ..model.exchange import Exchange
from ..model.operations import operation_of
from ..model.palette import hues_of
from ..model.recording import Revision
from ..model.text import clean, shortened
from ..replay.differences.step_pairs import VALUE
from ..replay.error_card import fails
from ..replay.reasons import Explained, ReasonGroup
from .calls import answering, call_of
from .diagram import Call, Participant
from .sequence import ChunksOf, no_chunks, participants_of
from .step_labels import ValueNames, names

LONG: Final = 40  # steps; a longer story folds its rounds and shows a map of itself
BINS: Final = 120  # bars of the map
WINDOW: Final = 12  # calls that a round may have
CLIENT: Final = 3.2  # where the client's lifeline is, in per cent
LEFT, RIGHT = 33.0, 98.5  # between which the others are
NARROW: Final = (4.5, 82.0)  # the two lifelines of a row on a phone
SHORTEST: Final = 3  # rows that are worth a fold
TITLED: Final = 3  # operations that a default title names

Tone = Literal["ok", "warn", "bad", "open"]
TONES: Final[Mapping[str, Tone]] = {
    "ok": "ok", "redirect": "ok", "client-error": "warn", "server-error": "bad", "failed": "bad", "open": "open",
}  # fmt: skip
REMARKS: Final = {"header": "by Gateway-Env", "pin": "pinned", "playback": "from a recording", "fault": "simulated"}
WORST: Final[tuple[Tone, ...]] = ("bad", "warn", "open", "ok")


@dataclass(frozen=True, slots=True)
class StoryColumn:
    """A lifeline: who, where in per cent, and the colour of its environment (its place in routes.yaml, from 1)."""

    participant: Participant
    x: float
    hue: int


@dataclass(frozen=True, slots=True)
class StoryBand:
    """The ground of an environment's lifelines."""

    environment: str
    hue: int
    x: float
    width: float


@dataclass(frozen=True, slots=True)
class StoryValue:
    """A value that a step gave, and where it goes. `shown` is "" for a secret."""

    name: str
    shown: str
    uses: tuple[tuple[int, str], ...]  # (step, part of its request)


@dataclass(frozen=True, slots=True)
class StoryCall:
    """One step: its call, its name if it has one, and the words beside it."""

    call: Call
    name: str
    path: str  # behind the cluster's prefix, values by their names
    tone: Tone
    failed: bool
    gives: tuple[StoryValue, ...] = ()
    reason: ReasonGroup | None = None  # told here: this is its first step
    like: int = 0  # the step that tells the reason of this one

    @property
    def title(self) -> str:
        """The name that people gave, else method and path, or type and name of an operation."""
        return self.name or f"{self.call.method} {self.path}".strip()


@dataclass(frozen=True, slots=True)
class StoryMove:
    """A cluster lives elsewhere from here on; `at` and `by` as far as the history of the routes tells."""

    cluster: str
    before: str
    after: str
    at: str = ""
    by: str = ""


@dataclass(frozen=True, slots=True)
class StoryRounds:
    """Equal rounds in a row, none of which failed."""

    first: int  # number of the first of these rounds, from 1
    last: int
    operations: tuple[str, ...]
    rows: tuple[StoryCall, ...]

    @property
    def steps(self) -> tuple[int, int]:
        return self.rows[0].call.step, self.rows[-1].call.step


StoryRow: TypeAlias = StoryCall | StoryMove | StoryRounds


@dataclass(frozen=True, slots=True)
class StoryBar:
    """Steps of the map: one, or as many as a bar must stand for; its colour is that of the worst."""

    first: int
    last: int
    tone: Tone
    failed: bool
    exchange: str  # of the first that failed, else of the first


@dataclass(frozen=True, slots=True)
class Story:
    """Everything that a page, a slide or a document draws."""

    columns: tuple[StoryColumn, ...]
    bands: tuple[StoryBand, ...]
    rows: tuple[StoryRow, ...]
    bars: tuple[StoryBar, ...]
    values: tuple[str, ...]
    title: str  # made of its operations; "" for a recording of one call or none

    @property
    def calls(self) -> tuple[StoryCall, ...]:
        """Every step, folds opened."""
        return tuple(_calls(self.rows))


def story(
    exchanges: Sequence[Exchange],
    found: Explained,
    *,
    environments: Sequence[str] = (),
    decisions: Decisions | None = None,
    revisions: Sequence[Revision] = (),
    chunks: ChunksOf = no_chunks,
) -> Story:
    """`environments` are those of routes.yaml, in its order; `revisions` its history, newest first."""
    participants = participants_of(exchanges)
    hues = hues_of(environments, [one.environment for one in participants])
    moving = names(exchanges, decisions or Decisions())
    given = _given(moving)
    rows: list[StoryCall | StoryMove] = []
    lives: dict[str, tuple[str, str]] = {}  # cluster -> (environment, when it was last seen there)
    for one in exchanges:
        rows += _moved(one, lives, revisions)
        call = call_of(one, participants.index(answering(one)), moving, chunks(one.id) if one.stream else ())
        rows.append(_told(one, call, moving, found, given.get(one.step, ())))
    steps = [row for row in rows if isinstance(row, StoryCall)]
    columns = _columns(participants, hues)
    return Story(
        columns, tuple(_bands(columns)), _folded(rows) if len(steps) > LONG else tuple(rows), _bars(steps),
        tuple(dict.fromkeys(value.name for row in steps for value in row.gives)), default_title(steps),
    )  # fmt: skip


def _told(
    one: Exchange, call: Call, moving: ValueNames, found: Explained, gives: tuple[StoryValue, ...]
) -> StoryCall:  # fmt: skip
    group = found.of(one.id)
    first = group is not None and group.first.exchange == one.id
    call = replace(call, remark=", ".join(REMARKS.get(word, word) for word in call.remark.split(", ")))
    return StoryCall(
        call, name_of(one), shortened(clean(_path(one, call, moving)), 90), TONES[call.outcome], fails(one), gives,
        group if first else None, group.first.step if group and not first else 0,
    )  # fmt: skip


def name_of(exchange: Exchange) -> str:
    """What people call the step: the first line of its first note. A demo notes "what if: unknown ISBN; 404, ..."."""
    note = next((note.strip() for note in exchange.notes if note.strip()), "")
    line = clean(note.splitlines()[0]) if note else ""
    if line.lower().startswith("what if: "):
        line = f"What if: {line[9:].partition(';')[0]}"
    return shortened(line, 60)


def _path(one: Exchange, call: Call, moving: ValueNames) -> str:
    if operation_of(one.request) is not None:
        return call.path  # the name of what was asked for: the path of all GraphQL calls is one
    target, prefix = moving.target(one), one.prefix or ""
    below = target.removeprefix(prefix) if prefix and target.startswith(prefix) else target
    return below if below.startswith("/") else f"/{below}"


def _given(moving: ValueNames) -> dict[int, tuple[StoryValue, ...]]:
    """By step, what later requests need of its response."""
    uses: dict[tuple[int, str], list[Binding]] = {}
    for found in moving.needs.values():
        for binding in found:
            uses.setdefault((binding.source.step, binding.variable), []).append(binding)
    given: dict[int, tuple[StoryValue, ...]] = {}
    for (step, name), bindings in sorted(uses.items(), key=lambda item: item[0][0]):
        sinks = tuple(dict.fromkeys((one.sink.step, str(one.sink.part)) for one in bindings))
        secret = "sealed_" in bindings[0].value
        value = StoryValue(name, "" if secret else shortened(clean(bindings[0].value), 40), sinks)
        given[step] = (*given.get(step, ()), value)
    return given


def _moved(one: Exchange, lives: dict[str, tuple[str, str]], revisions: Sequence[Revision]) -> Iterator[StoryMove]:
    """Where the table, not a session, sent a cluster's calls elsewhere than before."""
    if not one.cluster or one.override or one.mode in ("replay", "playback"):
        return
    before, seen = lives.get(one.cluster, (one.environment, ""))
    if before != one.environment:
        change = f"{one.cluster}: {before} -> {one.environment}"
        told = next((each for each in revisions if change in each.changes and seen <= each.accepted_at), None)
        known = (told.accepted_at, told.source) if told and told.accepted_at[:19] <= one.started_at[:19] else ("", "")
        yield StoryMove(clean(one.cluster), clean(before), clean(one.environment), *known)
    lives[one.cluster] = one.environment, one.started_at


def _columns(participants: Sequence[Participant], hues: Mapping[str, int]) -> tuple[StoryColumn, ...]:
    """The client, then the others side by side, those of one environment together."""
    room = (RIGHT - LEFT) / max(len(participants) - 1, 1)
    xs = [CLIENT, *(LEFT + room * (at + 0.5) for at in range(len(participants) - 1))]
    return tuple(
        StoryColumn(one, round(x, 2), hues.get(one.environment, 0)) for one, x in zip(participants, xs, strict=True)
    )


def _bands(columns: Sequence[StoryColumn]) -> Iterator[StoryBand]:
    room = (RIGHT - LEFT) / max(len(columns) - 1, 1)
    members: dict[str, list[StoryColumn]] = {}
    for column in columns[1:]:
        if column.participant.environment:
            members.setdefault(column.participant.environment, []).append(column)
    for environment, found in members.items():
        start = found[0].x - room / 2 + 0.4
        yield StoryBand(environment, found[0].hue, round(start, 2), round(found[-1].x + room / 2 - 0.4 - start, 2))


def _calls(rows: Sequence[StoryRow]) -> Iterator[StoryCall]:
    for row in rows:
        if isinstance(row, StoryCall):
            yield row
        elif isinstance(row, StoryRounds):
            yield from row.rows


def _bars(steps: Sequence[StoryCall]) -> tuple[StoryBar, ...]:
    if len(steps) <= LONG:
        return ()
    size = -(-len(steps) // BINS)
    found = []
    for at in range(0, len(steps), size):
        group = steps[at : at + size]
        bad = next((one for one in group if one.failed), None)
        tone = min((one.tone for one in group), key=WORST.index)
        found.append(
            StoryBar(group[0].call.step, group[-1].call.step, tone, bad is not None, (bad or group[0]).call.exchange)
        )
    return tuple(found)


# -- rounds


def operation_key(row: StoryCall) -> tuple[int, str, str]:
    """Equal for steps that do the same to other things."""
    return row.call.participant, row.call.method, VALUE.sub("{}", row.call.shape).replace("{id}", "{}")


def _folded(rows: Sequence[StoryCall | StoryMove]) -> tuple[StoryRow, ...]:
    """Between failures and moves, which always stand by themselves, equal rounds become one row."""
    good = [row for row in rows if isinstance(row, StoryCall) and not row.failed]
    start, window, times = main_round([operation_key(one) for one in good])
    seen: dict[object, int] = {tuple(map(operation_key, good[start : start + window])): 0} if times > 1 else {}
    found, stretch = list[StoryRow](), list[StoryCall]()
    for row in rows:
        if isinstance(row, StoryCall) and not row.failed:
            stretch.append(row)
            continue
        found += _rounds(stretch, seen)
        stretch = []
        found.append(row)
    return (*found, *_rounds(stretch, seen))


def _rounds(steps: Sequence[StoryCall], seen: dict[object, int]) -> Iterator[StoryRow]:
    """`seen` counts the rounds of each kind so far: the first of all is written out."""
    keys, at = [operation_key(one) for one in steps], 0
    while at < len(steps):
        window, times = _round_at(keys, at, seen)
        if not times:
            yield steps[at]
            at += 1
            continue
        pattern = tuple(keys[at : at + window])
        first = seen.get(pattern, 0) + 1
        seen[pattern] = first + times - 1
        if first == 1:
            yield from steps[at : at + window]
            at, first, times = at + window, 2, times - 1
        rows = steps[at : at + times * window]
        at += times * window
        if len(rows) < SHORTEST:
            yield from rows
        else:
            yield StoryRounds(first, first + times - 1, _operations(rows[:window]), tuple(rows))


def _round_at(keys: Sequence[object], at: int, seen: Mapping[object, int]) -> tuple[int, int]:
    """(length, times) of the rounds that begin here: of a kind that is known, else of any that repeats; (0, 0)."""
    known = _known_round(keys, at, seen)
    window, times = repeated(keys, at)
    if not known:
        return window, times
    pattern, times = keys[at : at + known], 1
    while keys[at + times * known : at + (times + 1) * known] == pattern:
        times += 1
    return known, times


def main_round(keys: Sequence[object]) -> tuple[int, int, int]:
    """(start, length, times) of the repeated pattern that covers the most; (0, 0, 0) for none."""
    found = [(at, *repeated(keys, at)) for at in range(min(len(keys), WINDOW))]
    return max(found, key=lambda one: one[1] * one[2], default=(0, 0, 0))


def _known_round(keys: Sequence[object], at: int, seen: Mapping[object, int]) -> int:
    """The length of a round that came before and comes here again, once."""
    lengths = [len(one) for one in seen if isinstance(one, tuple) and tuple(keys[at : at + len(one)]) == one]
    return max(lengths, default=0)


def repeated(keys: Sequence[object], at: int) -> tuple[int, int]:
    """(length, times) of the pattern that begins here and covers the most; the shortest of those, (0, 0) for none."""
    best = (0, 0)
    for window in range(1, min(WINDOW, (len(keys) - at) // 2) + 1):
        pattern, times = keys[at : at + window], 1
        while keys[at + times * window : at + (times + 1) * window] == pattern:
            times += 1
        if times > 1 and window * times > best[0] * best[1]:
            best = window, times
    return best


def _operations(rows: Sequence[StoryCall]) -> tuple[str, ...]:
    return tuple(row.name or f"{row.call.method} {row.call.shape}" for row in rows)


def default_title(steps: Sequence[StoryCall]) -> str:
    """ "login, then 14 rounds of books, orders, payments"; the first operations where none repeat."""
    good = [one for one in steps if not one.failed]
    if len(good) < 2:
        return ""
    keys = [operation_key(one) for one in good]
    start, window, times = main_round(keys)
    if times > 2 and window * times * 2 > len(good):
        head = _short(good[:start])
        return f"{f'{head}, then ' if head else ''}{times} rounds of {_short(good[start : start + window])}"
    return _short(good)


def _short(steps: Sequence[StoryCall]) -> str:
    told = list(dict.fromkeys(one.name or _noun(one) for one in steps))
    rest = len(told) - TITLED
    return shortened(", ".join(told[:TITLED]), 90) + (f" and {rest} more" if rest > 0 else "")


def _noun(row: StoryCall) -> str:
    """What an unnamed call is about: the last word of its path that is no value."""
    path = row.path.partition("?")[0]
    words = [word for word in path.split("/") if word and "{" not in word and not any(map(str.isdigit, word))]
    return words[-1] if words else f"{row.call.method} {path}"


def followed(found: Story, value: str) -> frozenset[int]:
    """The steps that give a value or need it; empty for one that the story does not have."""
    steps: set[int] = set()
    for row in found.calls:
        for one in row.gives:
            if one.name == value:
                steps |= {row.call.step, *(step for step, _ in one.uses)}
    return frozenset(steps)

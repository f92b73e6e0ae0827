"""What a sequence diagram consists of, before anybody draws it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from ..model.text import duration

Outcome = Literal["ok", "redirect", "client-error", "server-error", "failed", "open"]
Change = Literal["", "same", "changed", "added", "removed"]  # in the diagram of two recordings
VALUES = 3  # names of values that a label shows


@dataclass(frozen=True, slots=True)
class Participant:
    """Who takes part: the client (first), the gateway itself, or a cluster on one environment."""

    cluster: str
    environment: str = ""

    @property
    def name(self) -> str:
        return f"{self.cluster} @{self.environment}" if self.environment else self.cluster


@dataclass(frozen=True, slots=True)
class MessageRun:
    """Messages of a stream that followed each other in one direction, told in a few words."""

    to_client: bool
    text: str  # "12 events · 3 KiB"


@dataclass(frozen=True, slots=True)
class Call:
    """One exchange, or several alike that a loop stands for: a request arrow and what came back."""

    step: int
    exchange: str
    participant: int  # index into Diagram.participants
    method: str
    path: str
    answer: str  # "201 Created", "502 connection refused", "still open"
    outcome: Outcome
    shape: str = ""  # the path with ids replaced; equal shapes may be folded
    took: tuple[float, float] | None = None  # shortest and longest, in milliseconds
    remark: str = ""  # "pin", "playback" ...: why this one is not an ordinary live exchange
    runs: tuple[MessageRun, ...] = ()
    sentence: str = ""  # the whole story, nothing shortened
    keeps: tuple[str, ...] = ()  # values of the response that later requests need
    uses: tuple[str, ...] = ()  # values of earlier responses that this request needs
    span: tuple[float, float] | None = None  # when it began and was over, in seconds since the epoch
    times: int = 1  # how many calls this one stands for
    note: str = ""  # the first line of its first note: where a chapter may begin
    change: Change = ""

    @property
    def request(self) -> str:
        words = ", ".join(word for word in (self.remark, "" if self.change == "same" else self.change) if word)
        remark = f" ({words})" if words else ""
        return " ".join(word for word in (str(self.step), self.method, self.path) if word) + remark

    @property
    def response(self) -> str:
        return " · ".join([self.answer, *self.details])

    @property
    def details(self) -> tuple[str, ...]:
        """What stands behind the response: how often, how long, which values."""
        return (*self.facts, *((values_of(self.keeps),) if self.keeps else ()))

    @property
    def facts(self) -> tuple[str, ...]:
        """How often, how long."""
        often = (f"{self.times}x",) if self.times > 1 else ()
        return (*often, *((_took(*self.took),) if self.took else ()))


def values_of(keeps: Sequence[str], shown: int = VALUES) -> str:
    """The names of what is kept, a few of them."""
    rest = len(keeps) - shown
    return ", ".join(keeps[:shown]) + (f" and {rest} more" if rest > 0 else "")


def _took(shortest: float, longest: float) -> str:
    first, last = duration(shortest), duration(longest)
    return first if first == last else f"{first} to {last}"


@dataclass(frozen=True, slots=True)
class Divider:
    """Something between two exchanges: "orders: test -> qa", or "12 equal steps" of two recordings."""

    text: str
    kind: Literal["moved", "equal"] = "moved"


@dataclass(frozen=True, slots=True)
class Section:
    """One compartment of a fragment."""

    label: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Fragment:
    """Ways of which one is taken (alt), a way that may be left out (opt), calls at the same time (par)."""

    kind: Literal["alt", "opt", "par"]
    sections: tuple[Section, ...]


@dataclass(frozen=True, slots=True)
class Loop:
    """Rows that came several times in a row; `rows` shows them once."""

    label: str  # "13x until 200 OK · steps 3 to 15"
    times: int  # the least
    last: int  # the last step inside
    rows: tuple[Row, ...]
    most: int = 0  # the greatest number of times, where loops of several lengths became one
    until: str = ""  # the response that ended it

    @property
    def kind(self) -> Literal["loop"]:
        return "loop"

    @property
    def sections(self) -> tuple[Section, ...]:
        return (Section(self.label, self.rows),)


Row: TypeAlias = Call | Divider | Loop | Fragment


@dataclass(frozen=True, slots=True)
class Chapter:
    """At most forty rows: what fits on a page."""

    rows: tuple[Row, ...]
    first: int  # step
    last: int
    title: str = ""  # the note of its first step

    def about(self, number: int, count: int) -> str:
        """ "Chapter 2 of 3: Check out, steps 12 to 30"."""
        title = f"{self.title}, " if self.title else ""
        return f"Chapter {number} of {count}: {title}steps {self.first} to {self.last}"


@dataclass(frozen=True, slots=True)
class Line:
    """One operation of an overview: a call that stands for all of its kind, and how many came when."""

    call: Call
    cells: tuple[tuple[int, Outcome], ...]  # by column: calls, and the worst that came of them
    steps: tuple[int, ...]  # by column: the first step, 0 where none is


@dataclass(frozen=True, slots=True)
class Overview:
    """What is shown of a recording that is too long for a picture of its steps."""

    columns: tuple[tuple[int, int], ...]  # first and last step
    lines: tuple[Line, ...]
    calls: int


@dataclass(frozen=True, slots=True)
class Value:
    """A value that a response gave and later requests needed."""

    name: str
    source: int  # step
    used: tuple[int, ...]  # steps


@dataclass(frozen=True, slots=True)
class Diagram:
    """Participants in drawing order, the client first; chapters in order of time, or an overview instead of them."""

    title: str
    about: str
    participants: tuple[Participant, ...]
    chapters: tuple[Chapter, ...]
    hidden: str = ""  # "hidden: 3 preflights, 12 assets"
    values: tuple[Value, ...] = ()
    overview: Overview | None = None
    environments: tuple[str, ...] = ()  # of routes.yaml, in its order: their colours

    @property
    def boxes(self) -> tuple[tuple[str, tuple[int, ...]], ...]:
        """Environments with the indexes of their participants, which stand side by side."""
        found: dict[str, list[int]] = {}
        for index, participant in enumerate(self.participants):
            if participant.environment:
                found.setdefault(participant.environment, []).append(index)
        return tuple((environment, tuple(members)) for environment, members in found.items())


def calls(rows: Iterable[Row]) -> Iterator[Call]:
    """Every call of these rows, loops and fragments opened."""
    for row in rows:
        if isinstance(row, Call):
            yield row
        elif not isinstance(row, Divider):
            for section in row.sections:
                yield from calls(section.rows)


def size_of(row: Row) -> int:
    """Rows that it takes, its frame and the heads of its sections included."""
    if isinstance(row, Call | Divider):
        return 1
    return sum(1 + sum(map(size_of, section.rows)) for section in row.sections)

"""What a sequence diagram consists of, before anybody draws it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from .labels import duration

Outcome = Literal["ok", "redirect", "client-error", "server-error", "failed", "open"]


@dataclass(frozen=True, slots=True)
class Participant:
    """Who takes part: the client (first), the gateway itself, or a cluster on one environment."""

    cluster: str
    environment: str = ""

    @property
    def name(self) -> str:
        return f"{self.cluster} @{self.environment}" if self.environment else self.cluster


@dataclass(frozen=True, slots=True)
class Run:
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
    runs: tuple[Run, ...] = ()
    sentence: str = ""  # the whole story, nothing shortened

    @property
    def request(self) -> str:
        remark = f" ({self.remark})" if self.remark else ""
        return f"{self.step} {self.method} {self.path}{remark}"

    @property
    def response(self) -> str:
        if self.took is None:
            return self.answer
        first, last = duration(self.took[0]), duration(self.took[1])
        return f"{self.answer} · {first}" if first == last else f"{self.answer} · {first} to {last}"


@dataclass(frozen=True, slots=True)
class Divider:
    """Something changed between two exchanges: "orders: test -> qa"."""

    text: str


@dataclass(frozen=True, slots=True)
class Loop:
    """Rows that came several times in a row; `rows` shows them once."""

    label: str  # "13x until 200 OK · steps 3 to 15"
    times: int
    last: int  # the last step inside
    rows: tuple[Row, ...]


Row: TypeAlias = Call | Divider | Loop


@dataclass(frozen=True, slots=True)
class Chapter:
    """At most forty rows: what fits on a page."""

    rows: tuple[Row, ...]
    first: int  # step
    last: int


@dataclass(frozen=True, slots=True)
class Diagram:
    """Participants in drawing order, the client first; chapters in order of time."""

    title: str
    about: str
    participants: tuple[Participant, ...]
    chapters: tuple[Chapter, ...]
    hidden: str = ""  # "hidden: 3 preflights, 12 assets"

    @property
    def boxes(self) -> tuple[tuple[str, tuple[int, ...]], ...]:
        """Environments with the indexes of their participants, which stand side by side."""
        found: dict[str, list[int]] = {}
        for index, participant in enumerate(self.participants):
            if participant.environment:
                found.setdefault(participant.environment, []).append(index)
        return tuple((environment, tuple(members)) for environment, members in found.items())


def calls(rows: Sequence[Row]) -> Iterator[Call]:
    """Every call of these rows, loops opened."""
    for row in rows:
        if isinstance(row, Call):
            yield row
        elif isinstance(row, Loop):
            yield from calls(row.rows)

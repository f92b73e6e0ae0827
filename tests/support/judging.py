"""How well bindings agree with the truth about a session."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sessions import Labelled, sessions

from gateway.correlation import Binding, Correlations
from gateway.model.message import SAFE
from gateway.replay.plan import reads_only

FOLDER = Path(__file__).resolve().parents[1] / "correlation" / "sessions"
HELD_OUT = FOLDER.parent / "held_out"
UNRELATED = FOLDER.parent / "unrelated"


@dataclass
class Score:
    """Counts of one kind of session, and what was wrong in words."""

    true: int = 0  # links there are
    found: int = 0  # of them, bound automatically
    false: int = 0  # automatic bindings that are none
    suggested: int = 0  # links among the suggestions
    noise: int = 0  # suggestions that are no links
    wrong: list[str] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)

    def add(self, other: Score) -> None:
        for name in ("true", "found", "false", "suggested", "noise"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.wrong += other.wrong
        self.missed += other.missed

    @property
    def precision(self) -> float:
        return self.found / (self.found + self.false) if self.found + self.false else 1.0

    @property
    def recall(self) -> float:
        return self.found / self.true if self.true else 1.0


def all_sessions() -> list[Labelled]:
    """Every session by which the rules were made."""
    return in_folder(FOLDER)


def held_out() -> dict[str, list[Labelled]]:
    """The sessions that were measured before the rules had seen them, by set."""
    return {folder.name: in_folder(folder) for folder in sorted(HELD_OUT.iterdir())}


def unrelated() -> list[Labelled]:
    """Sessions whose ids go into writes under names that say something else, and of numbers that people typed."""
    return in_folder(UNRELATED)


@dataclass
class Watched:
    """Of the places of writes: links that a replay may send stale, and places that stop although they are no links."""

    writes: int = 0
    links: int = 0
    missed: list[str] = field(default_factory=list)
    false: list[str] = field(default_factory=list)


def watch(labelled: Labelled, found: Correlations) -> Watched:
    """How well what is bound or noted as shown before covers the labelled links of the steps that write."""
    writing = {each.step for each in labelled.exchanges if each.method not in SAFE and not reads_only(each.request)}
    bound = {_place(str(each.sink)) for each in found.in_force}
    noted = {_place(str(each.sink)) for each in found.unbound}
    links = {_place(sink) for sink in labelled.links}
    known = links | {_place(sink) for sink in labelled.maybe}
    written = {sink for sink in links if int(sink.partition(":")[0]) in writing}
    missed = sorted(written - bound - noted)
    false = sorted(sink for sink in noted - known if int(sink.partition(":")[0]) in writing)
    name = labelled.name
    return Watched(
        len(writing), len(written), [f"{name}: {one}" for one in missed], [f"{name}: {one}" for one in false]
    )


def _place(sink: str) -> str:
    """A sink without its span; a text has one label, whatever in it was found."""
    return re.sub(r"^(\d+:text:).*", r"\1", re.sub(r"\[\d+:\d+\]$", "", sink))


def in_folder(folder: Path) -> list[Labelled]:
    return [one for file in sorted(folder.glob("*.txt")) for one in sessions(file.read_text("utf-8"))]


def judge(labelled: Labelled, found: Correlations) -> Score:
    """Each true link counts once, however many pieces it was found in."""
    score = Score(true=len(labelled.links))
    reached: set[str] = set()
    offered: set[str] = set()
    for binding in found.bindings:
        label = label_of(binding, labelled.links)
        right = label is not None and is_right(binding, labelled.links[label])
        if binding.status == "auto" and label is not None and right:
            reached.add(label)
        elif binding.status == "auto" and label_of(binding, labelled.maybe) is None:
            score.false += 1
            score.wrong.append(f"{labelled.name}: {shown(binding)}")
        elif binding.status == "suggested" and right and label is not None:
            offered.add(label)
        elif binding.status == "suggested":
            score.noise += 1
    score.found, score.suggested = len(reached), len(offered - reached)
    score.missed = [f"{labelled.name}: {label}" for label in labelled.links if label not in reached]
    return score


def label_of(binding: Binding, labels: Iterable[str]) -> str | None:
    """The label about this sink; one without a span is about every piece of it."""
    exact, whole = str(binding.sink), re.sub(r"\[\d+:\d+\]$", "", str(binding.sink))
    known = set(labels)
    text = re.sub(r"^(\d+:text:).*", r"\1", whole)  # a text has one label, whatever in it was found
    return next((each for each in (exact, whole, text) if each in known), None)


def is_right(binding: Binding, sources: Sequence[str]) -> bool:
    """A source "1:text:#match=.*" stands for whatever expression was made up."""
    mine = str(binding.source)
    return any(mine == each or (each.endswith(".*") and mine.startswith(each[:-2])) for each in sources)


def shown(binding: Binding) -> str:
    return f"{binding.sink} = {binding.source} ({binding.value[:30]!r}, {binding.confidence}, {binding.why})"

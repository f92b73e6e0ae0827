"""What the checker hands to the writer: the work of some exchanges, all of it or none. Pure.

`begin` and `end` are numbers of exchanges: a batch is taken only where the last one ended, so that nothing is counted
twice when a process is killed in between.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .findings import Accepted, Finding, Sighting, since_of


@dataclass(slots=True)
class PlaceDelta:
    """What a batch adds to a cluster in an environment under one contract. `begins`: nothing counts that was there,
    for another contract is in force, and its newest exchanges were judged again."""

    cluster: str
    environment: str
    sha256: str
    source: str
    title: str
    begins: bool = False
    judged: int = 0
    dropped: int = 0
    unjudged: dict[str, int] = field(default_factory=dict)
    operations: dict[str, tuple[int, str]] = field(default_factory=dict)  # label -> (how many, time of the last)
    seen: list[tuple[str, str]] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)  # counted within the batch
    exchanges: list[tuple[int, str, str, str]] = field(default_factory=list)  # (number, rule, severity, finding)
    names: dict[str, list[int]] = field(default_factory=dict)  # operation -> numbers of its exchanges

    def json(self) -> dict[str, Any]:
        return {
            "cluster": self.cluster, "environment": self.environment, "sha256": self.sha256, "source": self.source,
            "title": self.title, "begins": self.begins, "judged": self.judged, "dropped": self.dropped,
            "unjudged": self.unjudged, "operations": self.operations, "seen": self.seen,
            "findings": [one.json() for one in self.findings], "exchanges": self.exchanges, "names": self.names,
        }  # fmt: skip


@dataclass(slots=True)
class DriftBatch:
    """The work of the exchanges behind `begin` up to `end`. `late`: numbers before them that were still open."""

    begin: int
    end: int
    late: list[int] = field(default_factory=list)
    places: list[PlaceDelta] = field(default_factory=list)
    skipped: int = 0  # exchanges that were jumped over

    def json(self) -> dict[str, Any]:
        return {
            "begin": self.begin, "end": self.end, "late": self.late, "skipped": self.skipped,
            "places": [one.json() for one in self.places],
        }  # fmt: skip


def batch_of(value: Mapping[str, Any]) -> DriftBatch:
    """What `DriftBatch.json` gave."""
    return DriftBatch(
        value["begin"], value["end"], list(value["late"]), [_place_of(one) for one in value["places"]], value["skipped"]
    )


def _place_of(value: Mapping[str, Any]) -> PlaceDelta:
    return PlaceDelta(
        value["cluster"], value["environment"], value["sha256"], value["source"], value["title"], value["begins"],
        value["judged"], value["dropped"], dict(value["unjudged"]),
        {label: (count, at) for label, (count, at) in value["operations"].items()},
        [(kind, what) for kind, what in value["seen"]], [finding_from(one) for one in value["findings"]],
        [(number, rule, severity, id) for number, rule, severity, id in value["exchanges"]],
        {name: list(numbers) for name, numbers in value["names"].items()},
    )  # fmt: skip


def finding_from(value: Mapping[str, Any]) -> Finding:
    """What `Finding.json` gave."""
    contract, accepted = value["contract"], value["accepted"]
    return Finding(
        value["id"], value["cluster"], value["environment"], value["operation"], value["method"], value["path"],
        value["rule"], value["severity"], value["side"], value["status"], value["pointer"], value["expected"],
        value["found"], contract["source"], contract["file"], contract["line"], contract["sha256"], value["count"],
        value["of"], _sighting(value["first"]), _sighting(value["last"]), since_of(value["since"]),
        Accepted(accepted["why"], accepted["who"], accepted["at"]) if accepted else None,
    )  # fmt: skip


def _sighting(value: Mapping[str, Any]) -> Sighting:
    return Sighting(value["exchange"], value["recording"], value["step"], value["at"])


@dataclass(frozen=True, slots=True)
class DriftPlace:
    """A cluster in an environment as the store knows it, under the contract in force there."""

    cluster: str
    environment: str
    sha256: str
    source: str
    title: str
    since: str  # when this contract came into force
    judged: int
    unjudged: Mapping[str, int]
    dropped: int
    operations: Mapping[str, tuple[int, str]]

    @property
    def key(self) -> tuple[str, str]:
        return self.cluster, self.environment


@dataclass(frozen=True, slots=True)
class DriftQuery:
    """Which findings are wanted; empty parts stand for all."""

    cluster: str = ""
    environment: str = ""
    severity: str = ""
    rule: str = ""
    since: float = 0.0  # epoch seconds of the last time that it was seen

    def takes(self, finding: Finding, last: float) -> bool:
        """Whether a finding is among them."""
        return (
            self.cluster in ("", finding.cluster) and self.environment in ("", finding.environment)
            and self.severity in ("", finding.severity) and self.rule in ("", finding.rule) and last >= self.since
        )  # fmt: skip


def numbered(numbers: Sequence[int]) -> list[int]:
    """Numbers in order, each once."""
    return sorted(set(numbers))

"""The result of an import: steps by cluster, hosts that no route knows, what was left out and why. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...model.text import visible
from ..urls import split_origin

if TYPE_CHECKING:
    from .imported_recording import Imported

SHOWN = 20  # omissions in a text; the JSON has all


@dataclass(frozen=True, slots=True)
class Omission:
    """Something that stands in the file and in no step: what, why, and where it stands."""

    what: str
    why: str
    where: str = ""

    def __str__(self) -> str:
        return f"{self.what}: {self.why}" + (f" ({self.where})" if self.where else "")


@dataclass(frozen=True, slots=True)
class ImportReport:
    """Of one file. `clusters` and `origins`: how many steps went where; an origin is a host that no route knows."""

    name: str
    format: str
    recordings: tuple[tuple[str, str, int], ...]  # id, title, steps
    clusters: tuple[tuple[str, str, int], ...]  # cluster, environment, steps
    origins: tuple[tuple[str, int], ...]
    omissions: tuple[Omission, ...]

    @property
    def steps(self) -> int:
        return sum(steps for _, _, steps in self.recordings)

    def as_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "format": self.format,
            "steps": self.steps,
            "recordings": [{"id": id, "title": title, "steps": steps} for id, title, steps in self.recordings],
            "clusters": [
                {"cluster": cluster, "environment": environment, "steps": steps}
                for cluster, environment, steps in self.clusters
            ],
            "unrouted": [{"origin": origin, "steps": steps} for origin, steps in self.origins],
            "left_out": [{"what": one.what, "why": one.why, "where": one.where} for one in self.omissions],
        }


def report(name: str, format: str, found: Sequence[Imported], omissions: Sequence[Omission]) -> ImportReport:
    """`found` as it was written, with ids."""
    routed: Counter[tuple[str, str]] = Counter()
    origins: Counter[str] = Counter()
    for one in found:
        for exchange in one.exchanges:
            if exchange.cluster:
                routed[exchange.cluster, exchange.environment] += 1
            else:
                origins[split_origin(exchange.url)[0]] += 1
    return ImportReport(
        name, format,
        tuple((one.recording.id, one.recording.title, len(one.exchanges)) for one in found),
        tuple((cluster, environment, steps) for (cluster, environment), steps in routed.items()),
        tuple(origins.items()),
        tuple(omissions),
    )  # fmt: skip


def report_lines(given: dict[str, Any]) -> Iterator[str]:
    """The JSON of a report as lines for a terminal, which come from `as_json` here or from a gateway's API."""
    for one in given["clusters"]:
        yield f"  {_steps(one['steps'])} to {visible(one['cluster'])} @{visible(one['environment'])}"
    for one in given["unrouted"]:
        yield f"  {_steps(one['steps'])} to {visible(one['origin'])}, which no route knows"
    left_out = [Omission(one["what"], one["why"], one["where"]) for one in given["left_out"]]
    for one in left_out[:SHOWN]:
        yield f"  left out: {visible(str(one))}"
    if len(left_out) > SHOWN:
        yield f"  left out: {len(left_out) - SHOWN} more; --json has all"


def omission_note(omissions: Sequence[Omission]) -> str:
    """A note for the recording; "" when nothing was left out."""
    if not omissions:
        return ""
    more = [f"{len(omissions) - SHOWN} more"] if len(omissions) > SHOWN else []
    return "\n".join(["Left out by the import:", *(f"- {one}" for one in [*omissions[:SHOWN], *more])])


def _steps(count: int) -> str:
    return f"{count} step{'' if count == 1 else 's'}"

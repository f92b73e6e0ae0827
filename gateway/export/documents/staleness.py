"""Whether written documents still say what is so: facts noted when they were written, compared with those of now. Pure.

A page is stale when its recording changed or is gone, a route moved, another build runs, a step was answered otherwise
on the last replay, or when the text would be another one now.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from typing import Any, Final

from ...errors import UsageError
from ...model.exchange import Exchange
from ...model.recording import Recording
from ..format import Beside
from ..scenario.scenario import scenario
from .publish import DocumentPage

FILE: Final = "gateway-docs.json"
FORMAT: Final = 1
Outcomes = Mapping[int, int | None]  # status by step


@dataclass(frozen=True, slots=True)
class Facts:
    """What a page depends on. `routes`: by cluster, where it lives; `builds`: by "cluster@environment"."""

    recording: str
    title: str
    page: str
    steps: dict[str, int | None]
    notes: str  # a hash of all of them
    what_ifs: list[str]
    routes: dict[str, str] = field(default_factory=dict)
    builds: dict[str, str] = field(default_factory=dict)
    text: str = ""  # a hash of the page


def facts_of(
    page: DocumentPage, exchanges: Sequence[Exchange], what_ifs: Sequence[Recording], beside: Beside, now: str
) -> Facts:
    """The facts of a page at a moment (RFC 3339)."""
    found = scenario(page.recording, exchanges)
    routes, builds = {}, {}
    for target in found.targets:
        here = next((one for one in beside.servers(target.cluster) if one.here), None)
        if here:
            routes[target.cluster] = f"{here.environment} {here.url}"
        for environment in target.environments:
            if build := beside.version(target.cluster, environment, now):
                builds[f"{target.cluster}@{environment}"] = build
    notes = [*page.recording.notes, *(note for one in exchanges for note in one.notes)]
    return Facts(
        recording=page.recording.id,
        title=page.title,
        page=page.name,
        steps={str(one.step): one.status for one in exchanges},
        notes=_hash("\n".join(notes)),
        what_ifs=sorted(one.id for one in what_ifs),
        routes=routes,
        builds=builds,
        text=_hash(page.text),
    )


def written(facts: Sequence[Facts], *, target: str, version: str) -> str:
    """The file that lies beside the documents."""
    told = {"format": FORMAT, "for": target, "version": version, "pages": [asdict(one) for one in facts]}
    return json.dumps(told, indent=2, ensure_ascii=False) + "\n"


def read(text: str, where: str) -> tuple[list[Facts], str]:
    """(the facts of every page, what the documents were written for); UsageError where the file is none of ours."""
    try:
        told: Any = json.loads(text)
        if told["format"] != FORMAT:
            raise UsageError(f"has format {told['format']}, this gateway knows {FORMAT}", where=where)
        return [Facts(**one) for one in told["pages"]], str(told["for"])
    except (ValueError, KeyError, TypeError):
        raise UsageError("is no list of documents that gateway docs wrote", where=where) from None


def reasons(then: Facts, now: Facts | None, last_replay: Outcomes | None = None) -> Iterator[str]:
    """Why a page is stale, in words; nothing where it says what is so. `now` is None where the recording is gone."""
    if now is None:
        yield f"the recording {then.recording} is gone"
        return
    if then.title != now.title:
        yield f"the recording is now called {now.title!r}"
    if then.steps != now.steps:
        yield f"the recording has {len(now.steps)} steps, it had {len(then.steps)}"
    if then.notes != now.notes:
        yield "its notes changed"
    yield from _what_ifs(then, now)
    for cluster, was in then.routes.items():
        here = now.routes.get(cluster)
        if here != was:
            yield f"{cluster} moved: {was} -> {here}" if here else f"{cluster} is no longer routed"
    for place, build in then.builds.items():
        if now.builds.get(place, build) != build:
            yield f"{place} runs {now.builds[place]}, it ran {build}"
    for step, status in (last_replay or {}).items():
        recorded = then.steps.get(str(step))
        if str(step) in then.steps and status != recorded:
            told = f"{status or 'no status'} on the last replay, {recorded or 'no status'} when recorded"
            yield f"step {step} had {told}"


def otherwise(then: Facts, now: Facts | None) -> bool:
    """Whether the page would be written otherwise, for whatever reason."""
    return now is not None and then.text != now.text


def _what_ifs(then: Facts, now: Facts) -> Iterator[str]:
    added, gone = set(now.what_ifs) - set(then.what_ifs), set(then.what_ifs) - set(now.what_ifs)
    if added:
        yield f"{len(added)} what-if{'s' if len(added) > 1 else ''} came"
    if gone:
        yield f"{len(gone)} what-if{'s' if len(gone) > 1 else ''} went"


def _hash(text: str) -> str:
    return sha256(text.encode("utf-8", "replace")).hexdigest()

"""Whole descriptions: of one cluster, with the servers on which it lives now, or of all clusters together. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import quote

from ...model.text import clean, counted
from ..documents.notes import harmless
from ..format import ALONE, Beside, Recordings
from ..json import dumped
from ..scenario.public_paths import PublicTarget
from ..scenario.recording_groups import is_variant
from ..scenario.scenario import Scenario, scenario
from ..scenario.templated_text import free, identifier
from ..urls import split_origin
from .components import shared
from .observed_operations import ObservedOperation, inexpressible, operations, tags
from .operation import described
from .security import schemes

SUFFIX = ".openapi.json"
Object = dict[str, Any]


def files(recordings: Recordings, *, version: str, beside: Beside = ALONE) -> dict[str, str]:
    """A description per cluster, all recordings merged: "orders.openapi.json"."""
    found = [scenario(recording, exchanges, beside.decisions(recording.id)) for recording, exchanges in recordings]
    seen, named = operations(found), file_of(found)
    return {
        named[tag]: dumped(_of_cluster(tag, targets, found, seen, version=version, beside=beside))
        for tag, targets in tags(found).items()
    } or {f"nothing{SUFFIX}": dumped(_together(found, seen, version))}


def dump(recordings: Recordings, *, version: str, beside: Beside = ALONE) -> str:
    """All in one: the cluster's own description where there is one cluster, else public paths with a tag for each."""
    found = [scenario(recording, exchanges, beside.decisions(recording.id)) for recording, exchanges in recordings]
    if len(tags(found)) == 1:
        return next(iter(files(recordings, version=version, beside=beside).values()))
    return dumped(_together(found, operations(found), version))


def file_of(found: Sequence[Scenario]) -> dict[str, str]:
    """The name of each cluster's file, by its tag."""
    taken: set[str] = set()
    return {tag: free(identifier(tag, "cluster").replace("_", "-"), taken) + SUFFIX for tag in tags(found)}


def _of_cluster(
    tag: str, targets: Sequence[PublicTarget], found: Sequence[Scenario], seen: Sequence[ObservedOperation], *,
    version: str, beside: Beside,
) -> Object:  # fmt: skip
    own = [one for one in seen if one.tag == tag]
    named = file_of(found)

    def point_to(other: ObservedOperation) -> Object:
        if other.tag == tag:
            return _by_id(other)
        return {"operationRef": f"./{named[other.tag]}#/paths/{_pointer(other.path)}/{other.method.lower()}"}

    paths: dict[str, Object] = {}
    for one in own:
        paths.setdefault(one.path, {})[one.method.lower()] = described(one, one.path, seen, point_to)
    return _document(
        title=tag,
        about=[_about(targets, [f"What was seen of {tag}."]), *_origins(found, version)],
        tags={tag: _about(targets, [])},
        servers=list(_servers(targets, beside)),
        version=_version(tag, targets, found, beside),
        paths=paths,
        own=own,
    )


def _together(found: Sequence[Scenario], seen: Sequence[ObservedOperation], version: str) -> Object:
    paths: dict[str, Object] = {}
    for one in seen:
        path = one.public or "/"
        paths.setdefault(path, {})[one.method.lower()] = described(one, path, seen, _by_id)
    origins = dict.fromkeys(split_origin(target.base)[0] for one in found for target in one.targets)
    return _document(
        title="; ".join(clean(one.title) for one in found[:3]) or "Nothing recorded",
        about=list(_origins(found, version)),
        tags={tag: _about(targets, []) for tag, targets in tags(found).items()},
        servers=[{"url": origin or "/"} for origin in origins] or [{"url": "/"}],
        version="recorded",
        paths=paths,
        own=seen,
    )


def _by_id(operation: ObservedOperation) -> Object:
    return {"operationId": operation.id}


def _document(
    *, title: str, about: Sequence[str], tags: dict[str, str], servers: list[Object], version: str, paths: Object,
    own: Sequence[ObservedOperation],
) -> Object:  # fmt: skip
    found = {name: scheme for one in own for name, scheme in schemes(one).items()}
    paths, schemas = shared(paths)
    components = {word: part for word, part in (("schemas", schemas), ("securitySchemes", found)) if part}
    document: Object = {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version, "description": harmless("\n\n".join(about))},
        "servers": servers,
        "tags": [{"name": tag, "description": harmless(told)} for tag, told in tags.items()],
        "paths": paths,
    }
    return document | ({"components": components} if components else {})


def _servers(targets: Sequence[PublicTarget], beside: Beside) -> Iterator[Object]:
    """The gateway first, for it knows where the cluster lives; then its environments as routed now."""
    for base in dict.fromkeys(target.base for target in targets):
        yield {"url": base or "/", "description": "through the gateway"}
    for server in beside.servers(targets[0].cluster):
        here = ", where the route leads now" if server.here else ""
        yield {"url": server.url, "description": f"{clean(server.environment)}{here}"}


def _version(tag: str, targets: Sequence[PublicTarget], found: Sequence[Scenario], beside: Beside) -> str:
    """What ran when it was recorded, where that is known."""
    cluster = targets[0].cluster
    moment = found[0].recording.started_at if found else ""
    told = [beside.version(cluster, name, moment) for one in targets for name in one.environments]
    return ", ".join(dict.fromkeys(filter(None, told))) or "recorded"


def _about(targets: Sequence[PublicTarget], before: Sequence[str]) -> str:
    environments = dict.fromkeys(name for target in targets for name in target.environments)
    on = f" on {clean(', '.join(environments))}" if environments else ""
    bases = ", ".join(dict.fromkeys(target.base for target in targets))
    return " ".join([*before, f"Recorded at {bases}{on}."])


def _origins(found: Sequence[Scenario], version: str) -> Iterator[str]:
    """Which recordings it comes from, with their notes; what it cannot say."""
    yield "\n".join(["It comes from these recordings:", *(f"- {_told(one)}" for one in found)])
    for one in found:
        yield from (note.strip() for note in one.recording.notes if note.strip())
    for one in found:
        if left := list(_left(one)):
            yield " ".join([f"{clean(one.title)}:", *left])
    yield f"Written by What-If Gateway {clean(version)}. Secrets were sealed and are not in this file."


def _told(found: Scenario) -> str:
    when = found.recording.started_at[:16].replace("T", " ")
    steps = counted(len(found.steps), "step")
    kind = "what-if, " if is_variant(found.recording) else ""
    return f"{clean(found.title)} ({kind}{steps}{f', {when} UTC' if when else ''})"


def _left(found: Scenario) -> Iterator[str]:
    """What of a recording is not in the document, and why."""
    by_reason: dict[str, list[int]] = {}
    for step in found.steps:
        if why := inexpressible(step):
            by_reason.setdefault(why, []).append(step.number)
    for why, numbers in by_reason.items():
        steps = f"step {numbers[0]} is" if len(numbers) == 1 else f"steps {', '.join(map(str, numbers))} are"
        yield f"OpenAPI has no word for {why}: {steps} not described."
    if found.hidden:
        yield f"Not described: {found.hidden.removeprefix('hidden: ')}."


def _pointer(path: str) -> str:
    """A path as a token of a JSON pointer (RFC 6901) in a URL fragment."""
    return quote(path.replace("~", "~0").replace("/", "~1"), safe="~")

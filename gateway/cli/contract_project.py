"""`gateway init --from SOURCE...`: routes and forms from contracts, workflows and recorded requests. I/O.

Made again, what people edited stays.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ..contracts.contract import Contract
from ..demos.authoring.arazzo_steps import SourceDescription, workflows_of
from ..demos.authoring.contract_demo import again, contract_demo
from ..demos.authoring.contract_routes import ContractCluster, cluster_name, contract_cluster, new_routes, with_clusters
from ..demos.authoring.contract_steps import MOST_STEPS, ContractStep, steps_of
from ..demos.authoring.new_demo import from_recording
from ..errors import ConfigError, NotFoundError, UsageError
from ..routes import load
from ..routes.parse import parse
from ..routes.table import RouteTable, is_url
from .project_sources import ReadSource, RecordedSource, WorkflowSource, clusters_for, read_sources, recorded

if TYPE_CHECKING:
    from ..export.readers.imported_recording import Cluster
    from ..store import StoreReader

FORM_STEPS: Final = 60  # of one demo: more are a demo for every tag


@dataclass(slots=True)
class ProjectReport:
    """What was written, kept and found, line by line."""

    lines: list[str] = field(default_factory=list)

    def note(self, what: str, file: Path, more: str = "") -> None:
        self.lines.append(f"{what:<8} {file}" + (f": {more}" if more else ""))


def make_project(folder: Path, sources: Sequence[str], *, prune: bool = False) -> list[str]:
    """Write routes.yaml, contracts and demos into a folder; what was done, line by line. UsageError, ConfigError,
    UpstreamError leave everything as it was."""
    report = ProjectReport()
    routes = folder / "routes.yaml"
    table = _table(routes)
    known, read = _known(table), read_sources(sources)
    clusters: list[tuple[ContractCluster, ReadSource, bool]] = []
    for one in read.contracts:
        there = cluster_of(one, known)
        taken = [*(table.clusters if table else ()), *(cluster.name for cluster, _, _ in clusters)]
        name = there or cluster_name(one.contract, taken)
        cluster = contract_cluster(one.contract, name, source=one.source if is_url(one.source) else "")
        clusters.append((cluster, one, there is not None))
    fresh = [cluster for cluster, _, there in clusters if not there]
    own: list[Cluster] = [*(table.clusters.values() if table else ())]
    for source in read.recorded:
        taken = [*(table.clusters if table else ()), *(one.name for one in fresh)]
        fresh += clusters_for(source, [*own, *fresh], taken)
    text = _routes_text(routes, fresh, table)
    for cluster, one, _ in clusters:
        _write_contract(folder, cluster, one, report)
    if text is not None:
        _write(routes, text)
        report.note("wrote" if table else "created", routes)
    for cluster, one, _ in clusters:
        if one.is_named:
            for name, title, steps in _demos(cluster.name, one.contract):
                _write_demo(folder, name, title, cluster.file, steps, report, prune=prune)
    by_source = {id(one): cluster.name for cluster, one, _ in clusters}
    for workflows in read.workflows:
        _write_workflows(folder, workflows, by_source, report, prune=prune)
    for source in read.recorded:
        _write_recorded(folder, source, [*own, *fresh], report)
    there = "" if folder == Path() else f"cd {shlex.quote(str(folder))} && "
    report.lines.append(f"next: {there}gateway check && gateway demos check && gateway serve")
    return report.lines


def new_demo_text(source: str, routes: Path) -> str:
    """demo.yaml of a source whose clusters routes.yaml has; NotFoundError when it has none of them."""
    table = _table(routes)
    read, known = read_sources([source]), _known(table)
    hint = f"gateway init {shlex.quote(str(routes.parent))} --from {shlex.quote(source)} adds it"
    names = {id(one): cluster_of(one, known) for one in read.contracts}
    if any(name is None for name in names.values()):
        raise NotFoundError(f"routes.yaml has no cluster with the contract {source}", hint=hint)
    for workflows in read.workflows:
        found = workflows_of(workflows.document, _described(workflows, {key: str(one) for key, one in names.items()}))
        steps = [step for workflow in found for step in workflow.steps]
        if not steps:
            raise UsageError("no step of its workflows can be a form", where=source)
        return contract_demo(found[0].title, source, steps)
    for one in read.contracts:
        name = str(names[id(one)])
        return contract_demo(one.contract.title or name, source, steps_of(one.contract, name))
    clusters = list(table.clusters.values()) if table else []
    with recorded(read.recorded[0], clusters) as store:
        made = _recorded_demo(store, store.recordings().items[0].id, source)
    if not made:
        raise NotFoundError("routes.yaml has no cluster for its requests", where=source, hint=hint)
    return made


def _recorded_demo(store: StoreReader, recording: str, source: str) -> str:
    """demo.yaml of a recording that is gone afterwards; "" when no request of it can be a form."""
    head, _, text = from_recording(store, recording).partition("\n")
    made = head.replace(f"the recording {recording}", "".join(filter(str.isprintable, source)))
    return f"{made}\n{text}" if "    call: " in text else ""


def _table(routes: Path) -> RouteTable | None:
    if not routes.exists():
        return None
    loaded = load(routes, environ=os.environ, name=str(routes))
    if loaded.table is None:
        raise ConfigError(loaded.problems)
    return loaded.table


def _known(table: RouteTable | None) -> dict[str, Path]:
    """The contracts that clusters have, by cluster."""
    if table is None:
        return {}
    return {
        name: Path(cluster.contract.source)
        for name, cluster in table.clusters.items()
        if cluster.contract is not None and not is_url(cluster.contract.source)
    }


def cluster_of(read: ReadSource, known: dict[str, Path]) -> str | None:
    """The cluster that has the contract already: by its file, or by its title."""
    for name, file in known.items():
        if not is_url(read.source) and file.exists() and file.resolve() == Path(read.source).resolve():
            return name
        if name == cluster_name(read.contract):
            return name
    return None


def _routes_text(routes: Path, fresh: Sequence[ContractCluster], table: RouteTable | None) -> str | None:
    """routes.yaml with the clusters that are new; None when there are none. ConfigError when it would be invalid."""
    if not fresh:
        return None
    text = new_routes(fresh) if table is None else with_clusters(routes.read_text("utf-8"), fresh, table.environments)
    parsed = parse(text.encode(), name=str(routes), variables=os.environ, include=lambda pattern: [])
    if parsed.problems:
        raise ConfigError(parsed.problems, hint="nothing was written")
    return text


def _write_contract(folder: Path, cluster: ContractCluster, read: ReadSource, report: ProjectReport) -> None:
    """The contract beside routes.yaml; further files of it keep their places."""
    target = folder / cluster.file
    root, *others = read.contents
    for name, file in [(root, target), *((name, target.parent / name) for name in others)]:
        if file.exists() and not is_url(read.source) and file.resolve() == (Path(read.source).parent / name).resolve():
            continue
        before = file.read_bytes() if file.exists() else None
        if before != read.contents[name]:
            _write(file, read.contents[name])
            report.note("created" if before is None else "updated", file)


def _write_demo(
    folder: Path, name: str, title: str, source: str, steps: Sequence[ContractStep], report: ProjectReport, *,
    prune: bool,
) -> None:  # fmt: skip
    file = folder / "templates" / "demos" / name / "demo.yaml"
    if not file.exists():
        _write(file, contract_demo(title, source, steps))
        report.note("created", file, f"{len(steps)} steps")
        return
    old = file.read_text("utf-8")
    made = again(old, steps, file=str(file), prune=prune)
    report.lines += made.notes
    if made.text != old:
        _write(file, made.text)
        report.note("updated", file, f"{made.changed} steps changed, {made.added} added")
    else:
        report.note("kept", file)


def _write_workflows(
    folder: Path, source: WorkflowSource, clusters: Mapping[int, str], report: ProjectReport, *, prune: bool
) -> None:  # fmt: skip
    """A demo for each workflow."""
    for workflow in workflows_of(source.document, _described(source, clusters)):
        report.lines += [f"left out {source.source}: {workflow.id}: {reason}" for reason in workflow.left]
        if workflow.steps:
            name = _slug(workflow.id)
            _write_demo(folder, name, workflow.title, source.source, workflow.steps, report, prune=prune)


def _described(source: WorkflowSource, clusters: Mapping[int, str]) -> dict[str, SourceDescription]:
    return {
        name: SourceDescription(one.contract, clusters[id(one)]) for name, one in source.descriptions.items()
    }  # fmt: skip


def _write_recorded(folder: Path, source: RecordedSource, clusters: Sequence[Cluster], report: ProjectReport) -> None:
    """A demo for each recording of a file; one that is there is kept, for nobody can tell what was edited in it."""
    taken = set[str]()
    with recorded(source, clusters) as store:
        for one in sorted(store.recordings().items, key=lambda one: one.id):
            name = _slug((one.title or source.name).rpartition("/")[2].partition(".")[0])
            name = next(
                free for number in count(1) if (free := name if number == 1 else f"{name}-{number}") not in taken
            )
            taken.add(name)
            file = folder / "templates" / "demos" / name / "demo.yaml"
            if file.exists():
                report.note("kept", file, "delete it to have it made anew")
            elif text := _recorded_demo(store, one.id, source.source):
                _write(file, text)
                report.note("created", file, f"{text.count(chr(10) + '    call: ')} steps")
            else:
                report.lines.append(f"left out {source.source}: {one.title}: no request of it can be a form")


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9-]+", "-", text.lower()).strip("-")[:60].strip("-") or "demo"


def _demos(name: str, contract: Contract) -> list[tuple[str, str, list[ContractStep]]]:
    """(folder, title, steps): one demo, or one for every tag of a large contract."""
    title = contract.title or name
    whole = steps_of(contract, name)
    if len(whole) <= FORM_STEPS:
        return [(name, title, whole)] if whole else []
    found = []
    left = MOST_STEPS
    for tag in tags_of(contract):
        steps = steps_of(contract, name, tag=tag)[:left]
        left -= len(steps)
        if steps:
            slug = "".join(char if char.isalnum() else "-" for char in tag.lower()).strip("-") or "more"
            found.append((f"{name}-{slug}"[:60].rstrip("-"), f"{title}: {tag}", steps))
    return found


def tags_of(contract: Contract) -> list[str]:
    """The tags of a contract in the order in which its operations have them; the first segment of a path where an
    operation has none."""
    found: dict[str, None] = {}
    for operation in contract.operations:
        tags = (contract.value(operation.place) or {}).get("tags")
        first = tags[0] if isinstance(tags, list) and tags and isinstance(tags[0], str) else ""
        segment = next((part for part in operation.path.split("/") if part and "{" not in part), "")
        found[first or segment] = None
    return list(found)


def _write(file: Path, content: str | bytes) -> None:
    raw = content.encode() if isinstance(content, str) else content
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(raw)
    except OSError as error:
        raise UsageError(f"cannot be written: {error.strerror}", where=str(file)) from None

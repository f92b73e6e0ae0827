"""`gateway init --from SOURCE...`: routes and forms from contracts; made again, what people edited stays. I/O."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ..contracts.contract import Contract
from ..demos.authoring.contract_demo import again, contract_demo
from ..demos.authoring.contract_routes import ContractCluster, cluster_name, contract_cluster, new_routes, with_clusters
from ..demos.authoring.contract_steps import MOST_STEPS, ContractStep, steps_of
from ..errors import ConfigError, UsageError
from ..routes import load
from ..routes.parse import parse
from ..routes.table import ContractRules, RouteTable, is_url
from ..services.contract_sources import ContractSource
from ..services.drift import failure_of

FORM_STEPS: Final = 60  # of one demo: more are a demo for every tag


@dataclass(slots=True)
class ProjectReport:
    """What was written, kept and found, line by line."""

    lines: list[str] = field(default_factory=list)

    def note(self, what: str, file: Path, more: str = "") -> None:
        self.lines.append(f"{what:<8} {file}" + (f": {more}" if more else ""))


@dataclass(frozen=True, slots=True)
class ReadSource:
    """A contract with the bytes of its files."""

    source: str
    contract: Contract
    contents: dict[str, bytes]


def read_sources(sources: Sequence[str]) -> list[ReadSource]:
    """The contracts of files and URLs; ConfigError, UpstreamError for the first that cannot be read."""
    found = []
    for source in sources:
        reading = ContractSource(ContractRules(source, source), "")
        reading.look()
        state = reading.state
        if state.judge is None:
            raise failure_of(state)
        found.append(ReadSource(source, state.judge.contract, state.contents))
    return found


def make_project(folder: Path, sources: Sequence[str], *, prune: bool = False) -> list[str]:
    """Write routes.yaml, contracts and demos into a folder; what was done, line by line. UsageError, ConfigError,
    UpstreamError leave everything as it was."""
    report = ProjectReport()
    routes = folder / "routes.yaml"
    table = _table(routes)
    known = _known(table)
    clusters: list[tuple[ContractCluster, ReadSource, bool]] = []
    for read in read_sources(sources):
        there = _cluster_of(read, known)
        taken = [*(table.clusters if table else ()), *(cluster.name for cluster, _, _ in clusters)]
        name = there or cluster_name(read.contract, taken)
        cluster = contract_cluster(read.contract, name, source=read.source if is_url(read.source) else "")
        clusters.append((cluster, read, there is not None))
    fresh = [cluster for cluster, _, there in clusters if not there]
    text = _routes_text(routes, fresh, table)
    for cluster, read, _ in clusters:
        _write_contract(folder, cluster, read, report)
    if text is not None:
        _write(routes, text)
        report.note("wrote" if table else "created", routes)
    for cluster, read, _ in clusters:
        _write_demos(folder, cluster, read, report, prune=prune)
    there = "" if folder == Path() else f"cd {shlex.quote(str(folder))} && "
    report.lines.append(f"next: {there}gateway check && gateway demos check && gateway serve")
    return report.lines


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


def _cluster_of(read: ReadSource, known: dict[str, Path]) -> str | None:
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


def _write_demos(
    folder: Path, cluster: ContractCluster, read: ReadSource, report: ProjectReport, *, prune: bool
) -> None:  # fmt: skip
    for name, title, steps in _demos(cluster.name, read.contract):
        file = folder / "templates" / "demos" / name / "demo.yaml"
        if not file.exists():
            _write(file, contract_demo(title, cluster.file, steps))
            report.note("created", file, f"{len(steps)} steps")
            continue
        old = file.read_text("utf-8")
        made = again(old, steps, file=str(file), prune=prune)
        report.lines += made.notes
        if made.text != old:
            _write(file, made.text)
            report.note("updated", file, f"{made.changed} steps changed, {made.added} added")
        else:
            report.note("kept", file)


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

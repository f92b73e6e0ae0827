"""What only shows when steps are read together, or beside routes.yaml: unknown values, clusters, environments. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ...errors import Problem, did_you_mean
from .schema import CallTemplate, Demo, DemoPlace, DemoStep
from .yaml import Report

Clusters = Mapping[str, Sequence[str]]  # the environments in which each cluster has an upstream


@dataclass(slots=True)
class RoutesReport(Report):
    """Problems with clusters that a file, `routes`, does not have."""

    routes: str = ""


def check_values(demo: Demo, report: Report) -> None:
    """Every value must come from the form itself or from a step on the way to it."""
    for at, step in enumerate(demo.steps):
        known = frozenset[str]().union(*(each.writes for each in demo.ancestors(step)))
        for use in step.uses:
            for name in sorted(use.names - use.own - known):
                report.add(use.place, use.path, _unknown(name, demo, at, known | use.own))


def _unknown(name: str, demo: Demo, at: int, known: frozenset[str]) -> str:
    later = next((step for step in demo.steps[at:] if name in step.writes), None)
    if later is not None:
        return f"'{name}' is used before it is kept: step '{later.title}' keeps it"
    for field in (field for step in demo.steps[: at + 1] for field in step.fields if field.name == name):
        if not field.is_kept:
            return f"'{name}' is a {field.kind}, which is never kept"
    other = next((step for step in demo.steps[:at] if name in step.writes), None)
    if other is not None:
        return f"'{name}' is kept by '{other.title}', which is not on the way to this step"
    return f"'{name}' is neither a field here nor kept by an earlier step{did_you_mean(name, known)}"


def check_routes(demo: Demo, clusters: Clusters, file: str, routes: str = "routes.yaml") -> tuple[Problem, ...]:
    """Clusters and environments that `routes` does not have."""
    report = RoutesReport(file, routes=routes)
    for at, step in enumerate(demo.steps):
        _check_step(step, f"steps[{at}]", clusters, report)
    return tuple(report.problems)


def _check_step(step: DemoStep, path: str, clusters: Clusters, report: RoutesReport) -> None:
    _check_call(step.call, f"{path}.call", clusters, report)
    for what_if in step.what_ifs:
        where = f"{path}.what_if.{what_if.name}"
        if what_if.call is not None and what_if.call.cluster != step.call.cluster:
            _check_call(what_if.call, f"{where}.path", clusters, report)
        for cluster, environment in (what_if.via or {}).items():
            place = (what_if.via_places or {}).get(cluster, what_if.place)
            _check_via(cluster, environment, f"{where}.via.{cluster}", place, clusters, report)


def _check_call(call: CallTemplate, path: str, clusters: Clusters, report: RoutesReport) -> None:
    if call.cluster not in clusters:
        report.add(call.place, path, _not_one(report, "cluster", call.cluster, clusters))


def _check_via(
    cluster: str, environment: str, path: str, place: DemoPlace, clusters: Clusters, report: RoutesReport
) -> None:
    if cluster not in clusters:
        report.add(place, path, _not_one(report, "cluster", cluster, clusters))
    elif environment not in clusters[cluster]:
        report.add(place, path, _not_one(report, f"environment of {cluster}", environment, clusters[cluster]))


def _not_one(report: RoutesReport, what: str, word: str, known: Mapping[str, Sequence[str]] | Sequence[str]) -> str:
    names = ", ".join(known) or "none yet"
    return f"'{word}' is no {what} in {report.routes} ({names}){did_you_mean(word, known)}"

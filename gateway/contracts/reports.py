"""Drift as text for people, Markdown, JUnit and SARIF 2.1.0. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from posixpath import dirname, join, normpath
from typing import Any, Final
from urllib.parse import quote
from xml.sax.saxutils import quoteattr

from ..model.text import clean, counted
from .findings import SEVERITIES, Finding, lines_of
from .violations import Severity

SHOWN_STEPS: Final = 10
_LEVELS: Final[dict[str, str]] = {"error": "error", "warning": "warning", "info": "note"}
_SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
_ABOUT: Final[dict[str, str]] = {
    "missing-member": "A member that the contract requires is missing.",
    "wrong-type": "A value has another type than the contract says.",
    "wrong-value": "A value is outside what the contract allows.",
    "wrong-choice": "A value fits none of the choices of the contract, or several where one is wanted.",
    "not-json": "A body that should be JSON is none.",
    "write-only-member": "A response has a member that only requests have.",
    "undocumented-operation": "No path of the contract fits the request.",
    "undocumented-method": "The path is in the contract, the method is not.",
    "undocumented-status": "The status is in no response of the operation.",
    "undocumented-type": "The content type is in no response with that status.",
    "wrong-format": "Text is not in the format that the contract names.",
    "undocumented-member": "A member is in no schema of the contract.",
    "accepted-invalid": "A request that does not fit the contract was answered with 2xx.",
    "missing-parameter": "A request without a required parameter was answered with 2xx.",
    "undocumented-parameter": "A parameter of the query is not in the contract.",
    "deprecated-used": "An operation or a parameter that is deprecated was used.",
    "read-only-member": "A request has a member that only responses have.",
}


@dataclass(frozen=True, slots=True)
class PlaceReport:
    """What was found of one cluster in one environment."""

    cluster: str
    environment: str
    source: str
    title: str
    judged: int
    unjudged: dict[str, int]
    findings: tuple[Finding, ...]
    operations: tuple[str, ...] = ()  # that were judged, "GET /orders/{id}"
    problem: str = ""  # why the contract as it now stands is not in force
    steps: dict[str, list[str]] = field(default_factory=dict)  # finding -> "recording/step", where they are known
    coverage: dict[str, Any] | None = None
    dropped: int = 0

    @property
    def name(self) -> str:
        return f"{self.cluster}@{self.environment}"

    def json(self) -> dict[str, Any]:
        """As `--json` and the API show it."""
        shown = {
            "cluster": self.cluster, "environment": self.environment,
            "contract": {"source": self.source, "title": self.title, "problem": self.problem},
            "judged": self.judged, "unjudged": self.unjudged, "findings": [self._finding(one) for one in self.findings],
        }  # fmt: skip
        return shown if self.coverage is None else shown | {"coverage": self.coverage}

    def _finding(self, one: Finding) -> dict[str, Any]:
        steps = self.steps.get(one.id)
        return one.json() | ({"steps": steps} if steps else {})


def sentence(one: Finding) -> str:
    """What was found, in words: "/lines/*/qty is a string, the contract says integer"."""
    at = clean(one.pointer) or ("the body" if one.rule in ("wrong-type", "wrong-choice", "wrong-value") else "")
    return {
        "missing-member": f"{at} is missing, the contract says {one.expected}",
        "wrong-type": f"{at} is {_a(one.found)}, the contract says {one.expected}",
        "wrong-value": f"{at} is {_a(one.found)}, the contract says {one.expected}",
        "wrong-choice": f"{at}: {one.found}, the contract says {one.expected}",
        "wrong-format": f"{at} is no {one.expected}",
        "not-json": f"the body is no JSON, the contract says {one.expected}",
        "write-only-member": f"{at} is in a response, the contract says write-only",
        "undocumented-operation": "no path of the contract fits",
        "undocumented-method": f"the contract has {one.expected} there",
        "undocumented-status": f"status {one.status} is not in the contract, which has {one.expected or 'none'}",
        "undocumented-type": f"the content type is {one.found}, the contract says {one.expected}",
        "undocumented-member": f"{at} is not in the contract",
        "accepted-invalid": f"{at or 'the body'} of a request that was accepted is {_a(one.found)}, "
        f"the contract says {one.expected}",
        "missing-parameter": f"{at} is missing in a request that was accepted",
        "undocumented-parameter": f"{at} is not in the contract",
        "deprecated-used": f"{at or 'the operation'} is deprecated",
        "read-only-member": f"{at} was sent, the contract says read-only",
    }.get(one.rule, f"{at} {one.found}")  # fmt: skip


def _a(found: str) -> str:
    """ "a string", "an integer", "no JSON", "7"."""
    if found in ("string", "integer", "number", "boolean", "array", "object"):
        return ("an " if found[0] in "aio" else "a ") + found
    return found


def since_words(one: Finding) -> str:
    """Why a finding began: "since 11:02, after Ann moved orders qa -> test ("qa is down")"."""
    since, at = one.since, _clock(one.since.at or one.first.at)
    if since.cause == "move":
        who, why = clean(since.who) or "somebody", f' ("{clean(since.why)}")' if since.why else ""
        return f"since {at}, after {who} moved {one.cluster} {since.from_} -> {since.to}{why}"
    if since.cause == "build":
        return f"since {at}, after the build changed {' -> '.join(map(clean, since.builds))}"
    if since.cause == "contract":
        return f"since {at}, after the contract changed"
    return f"since the first traffic, {at}" if since.cause else f"first seen {at}"


def _clock(at: str) -> str:
    return f"{at[:10]} {at[11:16]}Z" if at else "an unknown time"


def label(one: Finding) -> str:
    """ "GET /orders/{id} 200"."""
    status = f" {one.status}" if one.status and one.side == "response" else ""
    return clean(f"{one.method} {one.path}{status}")


def where(one: Finding) -> str:
    """ "orders.yaml:41"."""
    return f"{one.file}:{one.line}"


def text_report(places: Sequence[PlaceReport], *, everything: bool = False) -> Iterator[str]:
    """Lines for a terminal."""
    for number, place in enumerate(places):
        if number:
            yield ""
        yield _head(place)
        if place.problem:
            yield f"the contract as it now is cannot be used, the last good one is: {clean(place.problem)}"
        shown = [one for one in place.findings if everything or one.is_open]
        for one, operations in lines_of(shown):
            yield from _finding_lines(one, operations, place)
        hidden = _hidden(place.findings) if not everything else ""
        if hidden:
            yield hidden
        if place.coverage is not None:
            yield from _coverage_lines(place.coverage)


def _head(place: PlaceReport) -> str:
    total = place.judged + sum(place.unjudged.values())
    reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(place.unjudged.items()))
    judged = f"{place.judged:,} of {total:,} responses judged" + (f" ({reasons})" if reasons else "")
    opened = len(lines_of([one for one in place.findings if one.is_open]))
    return f"{place.name}   contract {clean(place.source)}, {judged}, {counted(opened, 'finding')}"


def _finding_lines(one: Finding, operations: int, place: PlaceReport) -> Iterator[str]:
    if operations > 1:
        yield f"{one.severity:<8} {_of_many(one, operations)}   {one.count:,} of {one.of:,}"
    else:
        yield f"{one.severity:<8} {label(one)}   {sentence(one)} ({where(one)})   {one.count:,} of {one.of:,}"
    accepted = f"; accepted: {clean(one.accepted.why)}" if one.accepted else ""
    yield f"         {one.id[:8]}  {since_words(one)}; first: {one.first.recording[:8]}/{one.first.step}{accepted}"
    steps = place.steps.get(one.id, [])
    if steps:
        more = f" and {len(steps) - SHOWN_STEPS} more" if len(steps) > SHOWN_STEPS else ""
        yield f"         steps: {', '.join(steps[:SHOWN_STEPS])}{more}"


def _of_many(one: Finding, operations: int) -> str:
    if one.rule == "undocumented-operation":
        return f"{operations} paths below {one.expected} are not in the contract"
    return f"{one.status} in {operations} operations is in no contract"


def _hidden(findings: Iterable[Finding]) -> str:
    found = list(findings)
    accepted = sum(one.accepted is not None for one in found)
    quiet = sum(one.accepted is None and one.severity == "info" for one in found)
    parts = [f"accepted {accepted}"] * bool(accepted) + [f"quiet {quiet} (info)"] * bool(quiet)
    return f"{', '.join(parts)}: --all" if parts else ""


def _coverage_lines(coverage: dict[str, Any]) -> Iterator[str]:
    for kind, found in coverage.items():
        yield f"{kind}: {found['seen']} of {found['of']} seen"
        for one in found["never"][:100]:
            yield f"  never: {clean(one)}"
        if len(found["never"]) > 100:
            yield f"  ... and {len(found['never']) - 100} more: --json"


def at_or_above(findings: Iterable[Finding], least: Severity) -> list[Finding]:
    """Those that nobody accepted, at or above a severity."""
    limit = SEVERITIES.index(least)
    return [one for one in findings if one.accepted is None and SEVERITIES.index(one.severity) <= limit]


# -- files


def markdown_report(places: Sequence[PlaceReport]) -> str:
    """A table for every place, for a pull request."""
    lines = ["# Drift from the contracts", ""]
    for place in places:
        lines += [f"## {_escaped(place.name)}", "", f"{_escaped(_head(place).partition('   ')[2])}.", ""]
        shown = lines_of([one for one in place.findings if one.is_open])
        if shown:
            lines += ["| severity | operation | finding | contract | seen |", "|---|---|---|---|---|"]
        for one, operations in shown:
            what = sentence(one) if operations == 1 else _of_many(one, operations)
            cells = (
                one.severity,
                label(one),
                f"{what}; {since_words(one)}",
                where(one),
                f"{one.count:,} of {one.of:,}",
            )
            lines.append(f"| {' | '.join(map(_escaped, cells))} |")
        lines += ([""] if shown else []) + ([f"{_hidden(place.findings)}", ""] if _hidden(place.findings) else [])
    return "\n".join(lines).rstrip() + "\n"


def _escaped(text: str) -> str:
    """Text of others in a cell: no markup, no new cell."""
    return "".join(f"\\{char}" if char in "\\`*_{}[]<>#|~!" else char for char in clean(text))


def junit_report(places: Sequence[PlaceReport], *, least: Severity = "error") -> str:
    """One suite for every cluster and environment, one case for every operation and for every finding."""
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', "<testsuites>"]
    for place in places:
        failing = at_or_above(place.findings, least)
        labels = {f"{one.method} {one.path}" for one in failing}
        passing = [one for one in place.operations if one not in labels]
        lines.append(
            f"  <testsuite name={_attribute(place.name)} tests={_attribute(str(len(failing) + len(passing)))} "
            f'failures={_attribute(str(len(failing)))} errors="0">'
        )
        lines += [f"    <testcase classname={_attribute(place.name)} name={_attribute(one)}/>" for one in passing]
        for one in failing:
            message = f"{sentence(one)} ({where(one)}), {one.count} of {one.of}; {since_words(one)}"
            name = _attribute(f"{label(one)} {one.rule} {one.pointer}")
            lines += [
                f"    <testcase classname={_attribute(place.name)} name={name}>",
                f"      <failure type={_attribute(one.rule)} message={_attribute(message)}/>",
                "    </testcase>",
            ]
        lines.append("  </testsuite>")
    return "\n".join([*lines, "</testsuites>", ""])


def _attribute(text: str) -> str:
    return quoteattr(clean(text).replace("\ufffd", "?"))


def sarif_report(places: Sequence[PlaceReport], *, version: str) -> str:
    """SARIF 2.1.0, with the contract's file and line of every finding."""
    found = [(place, one) for place in places for one in place.findings if one.accepted is None]
    rules = list(dict.fromkeys(one.rule for _, one in found))
    driver = {
        "name": "What-If Gateway", "version": version,
        "rules": [{"id": rule, "shortDescription": {"text": _ABOUT[rule]}} for rule in rules],
    }  # fmt: skip
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(*one, rules) for one in found],
    }
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=1, ensure_ascii=False) + "\n"


URI: Final = "%:/?#[]@!$&'()*+,;="  # what a URI has besides letters, digits and -._~ (RFC 3986 section 2.2)


def _result(place: PlaceReport, one: Finding, rules: Sequence[str]) -> dict[str, Any]:
    seen = f"{one.count} of {one.of}, {since_words(one)}"
    return {
        "ruleId": one.rule, "ruleIndex": rules.index(one.rule), "level": _LEVELS[one.severity],
        "message": {"text": f"{place.name}: {label(one)}: {sentence(one)}; {seen}"},
        "locations": [{
            "physicalLocation": {"artifactLocation": {"uri": artifact(one)}, "region": {"startLine": one.line}},
            "logicalLocations": [{"fullyQualifiedName": f"{one.method} {one.path}", "kind": "function"}],
        }],
        "partialFingerprints": {"gatewayFinding/v1": one.id},
        "properties": {"cluster": one.cluster, "environment": one.environment, "count": one.count, "of": one.of},
    }  # fmt: skip


def artifact(one: Finding) -> str:
    """The contract's file as a relative URI, or the URL that it was fetched from."""
    if "://" in one.source:
        return quote(one.source, safe=URI)
    return quote(normpath(join(dirname(one.source), one.file)))

"""Findings: equal violations of many exchanges are one, counted; what was judged and seen of the contract. Pure.

Equal are those of one cluster, environment, operation, rule, place in the body and contract. A finding is what people
accept or mend; the exchanges stay as they were recorded.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any, Final

from ..model.exchange import Exchange
from .document import ContractPlace
from .ignore import IgnoreRule
from .judge import ContractJudge, ContractJudgement, Scope, has_member, is_judged, members_of
from .schemas import Direction
from .violations import Severity, Violation

SEVERITIES: Final[tuple[Severity, ...]] = ("error", "warning", "info")
KEPT: Final = 10_000  # findings of one cluster in one environment
CAUSES: Final = ("move", "build", "contract", "first-traffic")
TOGETHER: Final = 3  # operations with one undocumented status, above which they are one line


@dataclass(frozen=True, slots=True)
class Sighting:
    """An exchange in which something was found."""

    exchange: str
    recording: str
    step: int
    at: str  # RFC 3339

    def json(self) -> dict[str, Any]:
        return {"exchange": self.exchange, "recording": self.recording, "step": self.step, "at": self.at}


@dataclass(frozen=True, slots=True)
class Since:
    """Why a finding began. `cause` is one of CAUSES, "" where nobody has looked for it. `who`, `why`, `at`, `from_` and
    `to` are of a move, `builds` of a version that changed."""

    cause: str = ""
    at: str = ""
    who: str = ""
    why: str = ""
    from_: str = ""
    to: str = ""
    builds: tuple[str, ...] = ()

    def json(self) -> dict[str, Any]:
        return {
            "cause": self.cause or None, "who": self.who, "why": self.why, "at": self.at, "from": self.from_,
            "to": self.to, "builds": list(self.builds),
        }  # fmt: skip


def since_of(value: Mapping[str, Any]) -> Since:
    """What `Since.json` gave."""
    return Since(
        value["cause"] or "",
        value["at"],
        value["who"],
        value["why"],
        value["from"],
        value["to"],
        tuple(value["builds"]),
    )


@dataclass(frozen=True, slots=True)
class Accepted:
    """Who lives with a finding, and why."""

    why: str
    who: str = ""
    at: str = ""

    def json(self) -> dict[str, Any]:
        return {"why": self.why, "who": self.who, "at": self.at}


@dataclass(frozen=True, slots=True)
class Finding:
    """One kind of place where traffic and contract differ."""

    id: str
    cluster: str
    environment: str
    operation: str
    method: str
    path: str
    rule: str
    severity: Severity
    side: Direction
    status: int | None
    pointer: str
    expected: str
    found: str
    source: str
    file: str
    line: int
    sha256: str
    count: int
    of: int
    first: Sighting
    last: Sighting
    since: Since = Since()
    accepted: Accepted | None = None

    def json(self) -> dict[str, Any]:
        """As the API shows it."""
        return {
            "id": self.id, "cluster": self.cluster, "environment": self.environment, "operation": self.operation,
            "method": self.method, "path": self.path, "rule": self.rule, "severity": self.severity, "side": self.side,
            "status": self.status, "pointer": self.pointer, "expected": self.expected, "found": self.found,
            "contract": {"source": self.source, "file": self.file, "line": self.line, "sha256": self.sha256},
            "count": self.count, "of": self.of, "first": self.first.json(), "last": self.last.json(),
            "since": self.since.json(), "accepted": self.accepted.json() if self.accepted else None,
        }  # fmt: skip

    @property
    def kind(self) -> str:
        """What it is called under every contract: the id without the contract's hash."""
        return kind_of(self)

    def kind_elsewhere(self, environment: str) -> str:
        """What it is called in another environment."""
        return kind_of(replace(self, environment=environment))

    @property
    def is_open(self) -> bool:
        """Whether it counts on the board: an error or a warning that nobody accepted."""
        return self.severity != "info" and self.accepted is None


def kind_of(finding: Finding) -> str:
    """One name for the same finding under an older or a newer contract."""
    return _hash(
        finding.cluster, finding.environment, finding.method, finding.path, finding.rule, finding.side,
        str(finding.status or ""), finding.pointer,
    )  # fmt: skip


def _hash(*parts: str) -> str:
    return sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()[:16]


def finding_of(
    exchange: Exchange, judgement: ContractJudgement, violation: Violation, judge: ContractJudge, contract_sha256: str
) -> Finding:
    """The finding that a violation is, seen once."""
    seen = Sighting(exchange.id, exchange.recording, exchange.step, exchange.started_at)
    status = exchange.status if violation.side == "response" or not judgement.operation else None
    made = Finding(
        "", exchange.cluster, exchange.environment, judgement.name, judgement.method, judgement.path, violation.rule,
        violation.severity, violation.side, status, violation.pointer, violation.expected, violation.found,
        judge.contract.source, violation.place.file, judge.contract.documents.line(violation.place), contract_sha256,
        1, 1, seen, seen,
    )  # fmt: skip
    return replace(made, id=_hash(kind_of(made), contract_sha256))


def merged(one: Finding, more: Finding) -> Finding:
    """An earlier and a later part of the same finding."""
    first, last = (one, more) if one.first.at <= more.first.at else (more, one)
    return replace(
        one, count=one.count + more.count, of=one.of + more.of, first=first.first, severity=_worse(one, more),
        last=last.last if last.last.at >= first.last.at else first.last,
    )  # fmt: skip


def _worse(one: Finding, more: Finding) -> Severity:
    return min(one.severity, more.severity, key=SEVERITIES.index)


@dataclass(slots=True)
class DriftTally:
    """What was found in the exchanges of one cluster in one environment under one contract."""

    cluster: str
    environment: str
    source: str
    sha256: str
    judged: int = 0
    unjudged: dict[str, int] = field(default_factory=dict)  # reason -> how many: cut, coding ...
    by_operation: dict[str, int] = field(default_factory=dict)  # label -> how many exchanges of it
    findings: dict[str, Finding] = field(default_factory=dict)
    seen: dict[tuple[str, str], None] = field(default_factory=dict)
    dropped: int = 0  # findings beyond KEPT

    def of(self, finding: Finding) -> int:
        """How many exchanges of its operation there were."""
        return self.by_operation.get(f"{finding.method} {finding.path}", 0)

    def all(self) -> list[Finding]:
        """The findings, the worst first, each with the number of exchanges that it might have been found in."""
        return ordered(replace(one, of=self.of(one)) for one in self.findings.values())


def ordered(findings: Iterable[Finding]) -> list[Finding]:
    """The worst first, then the most frequent."""
    return sorted(
        findings, key=lambda one: (SEVERITIES.index(one.severity), -one.count, one.path, one.method, one.pointer)
    )


class TallyKeeper:
    """Judges exchanges of one cluster in one environment, and adds up."""

    def __init__(
        self,
        judge: ContractJudge,
        tally: DriftTally,
        scope: Scope,
        ignore: Sequence[IgnoreRule],
        *,
        covered: bool = True,
    ) -> None:
        self.judge, self.tally, self.scope, self._ignore = judge, tally, scope, ignore
        # Members that were not seen yet, by the response that documents them.
        self._members: dict[ContractPlace, list[str]] | None = {} if covered else None

    def take(self, exchange: Exchange) -> tuple[ContractJudgement | None, list[Finding]]:
        """Judge one; what was found in it."""
        judgement = self.judge.judge(exchange, self.scope)
        if judgement is None:
            if not is_judged(exchange) or self.scope.checks == "none":
                return None, []
            self._count("outside the base")
            return None, []
        tally = self.tally
        if judgement.outcome == "judged":
            tally.judged += 1
        else:
            self._count(judgement.outcome)
        tally.by_operation[judgement.label] = tally.by_operation.get(judgement.label, 0) + 1
        tally.seen |= dict.fromkeys(judgement.seen)
        self._see_members(judgement)
        found = list(self._findings(exchange, judgement))
        for one in found:
            self._add(one)
        return judgement, found

    def _count(self, reason: str) -> None:
        self.tally.unjudged[reason] = self.tally.unjudged.get(reason, 0) + 1

    def _findings(self, exchange: Exchange, judgement: ContractJudgement) -> Iterator[Finding]:
        ids: set[str] = set()
        for violation in judgement.violations:
            covers = any(
                rule.covers(
                    violation.rule, status=exchange.status, pointer=violation.pointer, method=judgement.method,
                    path=judgement.path,
                )
                for rule in self._ignore
            )  # fmt: skip
            if covers:
                continue
            one = finding_of(exchange, judgement, violation, self.judge, self.tally.sha256)
            if one.id not in ids:
                ids.add(one.id)
                yield one

    def _add(self, one: Finding) -> None:
        known = self.tally.findings.get(one.id)
        if known is not None:
            self.tally.findings[one.id] = merged(known, one)
        elif len(self.tally.findings) < KEPT:
            self.tally.findings[one.id] = one
        else:
            self.tally.dropped += 1

    def _see_members(self, judgement: ContractJudgement) -> None:
        """Members of responses that were documented and not seen before."""
        rule = judgement.rule
        if self._members is None or rule is None or judgement.operation is None or judgement.body is None:
            return
        if rule.place not in self._members:
            schemas = [one.schema for one in rule.content if one.schema is not None]
            pointers = [pointer for schema in schemas[:1] for pointer in members_of(self.judge.contract, schema)]
            self._members[rule.place] = list(dict.fromkeys(pointers))
        left = []
        for pointer in self._members[rule.place]:
            if has_member(judgement.body, pointer.split("/")[1:]):
                self.tally.seen["member", f"{judgement.operation.label} {rule.status} {pointer}"] = None
            else:
                left.append(pointer)
        self._members[rule.place] = left


def lines_of(findings: Sequence[Finding]) -> list[tuple[Finding, int]]:
    """Findings as they are listed: one undocumented status of many operations is one line, with their number, and so
    are many undocumented paths below one of the contract's."""
    groups: dict[tuple[object, ...], list[Finding]] = {}
    lines: list[tuple[Finding, int]] = []
    for one in findings:
        if one.rule in ("undocumented-status", "undocumented-operation"):
            what = one.status if one.rule == "undocumented-status" else (one.expected, one.severity)
            key = (one.cluster, one.environment, one.sha256, what, one.accepted is None)
            groups.setdefault(key, []).append(one)
        else:
            lines.append((one, 1))
    for group in groups.values():
        if len(group) > TOGETHER:
            whole = replace(group[0], count=sum(one.count for one in group), of=sum(one.of for one in group))
            lines.append((whole, len(group)))
        else:
            lines += [(one, 1) for one in group]
    return sorted(lines, key=lambda line: (SEVERITIES.index(line[0].severity), -line[0].count))


def open_count(findings: Iterable[Finding]) -> int:
    """What the badge of the board says: lines of errors and warnings that nobody accepted."""
    return len(lines_of([one for one in findings if one.is_open]))


def coverage(judge: ContractJudge, seen: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Of what the contract documents, how much was seen, and what never was."""
    known = set(seen)
    contract = judge.contract
    documented: dict[str, list[str]] = {"operation": [], "status": [], "parameter": [], "member": []}
    for operation in contract.operations:
        documented["operation"].append(operation.label)
        documented["parameter"] += [
            f"{operation.label} {one.where}:{one.name}" for one in contract.parameters(operation)
        ]
        for rule in contract.responses(operation).values():
            documented["status"].append(f"{operation.label} {rule.status}")
            if ("operation", operation.label) in known:  # members of what nobody asked for say nothing more
                schemas = [one.schema for one in rule.content if one.schema is not None]
                pointers = dict.fromkeys(p for schema in schemas[:1] for p in members_of(contract, schema))
                documented["member"] += [f"{operation.label} {rule.status} {pointer}" for pointer in pointers]
    return {
        f"{kind}s" if kind != "status" else "statuses": {
            "seen": sum((kind, one) in known for one in items), "of": len(items),
            "never": [one for one in items if (kind, one) not in known],
        }
        for kind, items in documented.items()
    }  # fmt: skip

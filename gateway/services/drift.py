"""Drift of recorded exchanges from contracts, checked now: for the command line, pages and CI. I/O; blocking."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from ..contracts.findings import DriftTally, TallyKeeper, coverage
from ..contracts.ignore import IgnoreRule, read_rules
from ..contracts.judge import Scope
from ..contracts.reports import PlaceReport
from ..errors import ConfigError, NotFoundError, Problem, UpstreamError
from ..model.exchange import Exchange
from ..model.recording import Page
from ..protocols import Store
from ..routes.table import ContractRules, RouteTable, is_url
from .contract_sources import ContractSource, ContractState, scope_of

PAGE: Final = 200
PATIENT: Final = 60.0
STEPS: Final = 200  # that are named of one finding


@dataclass(slots=True)
class DriftCheck:
    """Checks exchanges, each by the contract of its cluster and environment."""

    table: RouteTable | None
    contract: Path | str | None = None  # instead of those of routes.yaml
    _keepers: dict[tuple[str, str], TallyKeeper | None] = field(default_factory=dict)
    _sources: dict[tuple[str, str], ContractState] = field(default_factory=dict)
    _steps: dict[str, list[str]] = field(default_factory=dict)
    taken: int = 0

    def take(self, exchange: Exchange) -> None:
        """Check one. ConfigError or UpstreamError when the contract of its cluster cannot be had."""
        keeper = self._keeper(exchange.cluster, exchange.environment)
        if keeper is None:
            return
        judgement, found = keeper.take(exchange)
        self.taken += judgement is not None
        for one in found:
            steps = self._steps.setdefault(one.id, [])
            if len(steps) < STEPS:
                steps.append(f"{exchange.recording}/{exchange.step}")

    def reports(self, *, covered: bool = False) -> list[PlaceReport]:
        """What was found, by cluster and environment."""
        return [
            self._report(place, keeper, covered=covered)
            for place, keeper in sorted(self._keepers.items(), key=lambda item: item[0])
            if keeper is not None and (keeper.tally.judged or keeper.tally.unjudged or keeper.tally.findings)
        ]

    def _report(self, place: tuple[str, str], keeper: TallyKeeper, *, covered: bool) -> PlaceReport:
        tally, state = keeper.tally, self._sources[place]
        return PlaceReport(
            tally.cluster, tally.environment, tally.source, state.title, tally.judged, dict(tally.unjudged),
            tuple(tally.all()), tuple(tally.by_operation), state.problem, dict(self._steps),
            coverage(keeper.judge, tally.seen) if covered else None, tally.dropped,
        )  # fmt: skip

    def _keeper(self, cluster: str, environment: str) -> TallyKeeper | None:
        place = cluster, environment
        if place not in self._keepers:
            self._keepers[place] = self._made(cluster, environment)
        return self._keepers[place]

    def _made(self, cluster: str, environment: str) -> TallyKeeper | None:
        known = self.table.clusters.get(cluster) if self.table else None
        rules = known.contract if known else None
        scope, ignore = Scope(), tuple[IgnoreRule, ...]()
        if known is not None and rules is not None:
            scope, ignore = scope_of(known, environment), read_rules(rules.ignore)
        elif known is not None:
            scope = replace(scope_of(known, environment), checks="all")
        if self.contract is not None:
            rules = ContractRules(str(self.contract), str(self.contract))
        if rules is None or not cluster:
            return None
        state = self._state(rules, environment)
        assert state.judge is not None
        self._sources[cluster, environment] = state
        tally = DriftTally(cluster, environment, state.shown, state.sha256)
        return TallyKeeper(state.judge, tally, scope, ignore)

    def _state(self, rules: ContractRules, environment: str) -> ContractState:
        wanted = rules.source_of(environment)[0]
        for state in self._sources.values():
            if state.source == wanted:
                return state
        source = ContractSource(rules, environment)
        source.look()
        if source.state.judge is None:
            raise failure_of(source.state)
        return source.state


def failure_of(state: ContractState) -> ConfigError | UpstreamError:
    """Why a contract cannot be used, as an error with the exit code of its kind."""
    if state.problem_code == "unreachable":
        return UpstreamError(state.problem, where=state.shown, hint="without it nothing can be said about drift")
    lines = state.problem.splitlines() or ["it cannot be read"]
    return ConfigError([Problem(state.shown, 1, 1, "contract", line) for line in lines])


def all_exchanges(page: Callable[[str | None], Page[Exchange]]) -> Iterable[Exchange]:
    """Every item of every page."""
    cursor: str | None = None
    while True:
        found = page(cursor)
        yield from found.items
        cursor = found.next
        if cursor is None:
            return


def wanted_exchanges(store: Store, recording: str, query: str) -> Iterable[Exchange]:
    """The exchanges of a recording (a full id), else the newest of all that a filter finds, newest first."""
    if recording:
        return all_exchanges(lambda cursor: store.exchanges(recording, limit=PAGE, cursor=cursor, query=query))
    return all_exchanges(lambda cursor: store.latest(limit=PAGE, cursor=cursor, query=query))


def without_known(new: Sequence[PlaceReport], old: Sequence[PlaceReport]) -> list[PlaceReport]:
    """What a new contract breaks: without what the old one does not fit either."""
    known = {one.kind for place in old for one in place.findings}
    return [replace(place, findings=tuple(one for one in place.findings if one.kind not in known)) for place in new]


def contracts_json(table: RouteTable) -> list[dict[str, Any]]:
    """The contracts of a table, read now: for `gateway check` and the API of a gateway without a checker."""
    found = []
    for cluster in table.clusters.values():
        for source, environments in _sources(cluster.contract, cluster.upstreams).items():
            assert cluster.contract is not None
            read = ContractSource(cluster.contract, environments[0])
            read.look()
            found.append(contract_json(cluster.name, environments, read.state, cluster.contract.base))
            assert source == read.state.source
    return found


def _sources(rules: ContractRules | None, upstreams: Mapping[str, Any]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for environment in upstreams if rules else ():
        assert rules is not None
        found.setdefault(rules.source_of(environment)[0], []).append(environment)
    return found


def contract_json(cluster: str, environments: Sequence[str], state: ContractState, base: str | None) -> dict[str, Any]:
    """One contract as it is listed."""
    contract = state.judge.contract if state.judge else None
    return {
        "cluster": cluster, "environments": list(environments), "source": state.shown, "is_url": is_url(state.source),
        "title": state.title, "version": f"3.{contract.minor}" if contract else None, "sha256": state.sha256 or None,
        "operations": len(list(contract.operations)) if contract else 0,
        "bases": list(contract.bases(base, "")) if contract else [], "problem": state.problem,
    }  # fmt: skip


def operation_json(table: RouteTable, name: str, environment: str, method: str, url: str) -> dict[str, Any] | None:
    """What the contract of a cluster calls a request that goes to this URL: `name` is None where it has no such
    operation, `problem` says why the contract cannot be read. None for a cluster without a contract."""
    cluster = table.clusters.get(name)
    if cluster is None or cluster.contract is None:
        return None
    read = ContractSource(cluster.contract, environment)
    read.look()
    known: dict[str, Any] = {"name": None, "path": None, "contract": read.state.shown, "line": None}
    if read.state.judge is None:
        return known | {"problem": read.state.problem.partition("\n")[0]}
    contract, scope, parts = read.state.judge.contract, scope_of(cluster, environment), urlsplit(url)
    found = contract.find(method, parts.path or "/", parts.query, contract.bases(scope.base, scope.upstream_base))
    if found.operation is not None:
        line = contract.documents.line(found.operation.place)
        known |= {"name": found.operation.name, "path": found.operation.path, "line": line}
    return known | {"problem": ""}


def no_contracts() -> NotFoundError:
    """For a command that has nothing to compare with."""
    hint = "clusters.NAME.contract: FILE in routes.yaml, or --contract FILE"
    return NotFoundError("no exchange belongs to a cluster with a contract", hint=hint)

"""The process that compares exchanges with contracts: reads the store behind the writer, says what it found. I/O.

It is started by `services/contract_supervisor.py`, speaks JSON lines on stdin and stdout, and never writes to the file:

    <- {"store": ..}         the file or database, and this gateway's name in it
    <- {"clusters": ..}      what routes.yaml says now
    -> {"states": ..}        the contracts as they were read
    -> {"batch": ..}         the work of some exchanges; then it waits
    <- {"ack": true|false}   whether the writer took it
    -> {"alive": true}       once a second at least

Only after a batch was taken it goes on, from where the store says that it was: killed at any moment, it counts nothing
twice and leaves nothing out. Of gateways that share a database one compares; the others read contracts, and wait.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from ..contracts.batches import DriftBatch, PlaceDelta, finding_from
from ..contracts.findings import DriftTally, Finding, Since, TallyKeeper
from ..contracts.ignore import read_rules
from ..contracts.judge import Scope
from ..errors import GatewayError
from ..routes.table import ContractRules, is_url
from ..store.sql import SqlConnection
from ..store.sqlite import drift
from ..store.sqlite.contents import bodies_of
from ..store.sqlite.full_text import rows_of
from ..store.sqlite.rows import exchange_of, timestamp
from ..store.sqlite.server_builds import build_at
from ..store.tail import StoreTail, tail_of
from .contract_sources import ContractSource, ContractState

PAUSE: Final = 0.2  # seconds between two looks at the store
SOME: Final = 200  # exchanges of a batch
ALIVE: Final = 1.0
SHARE: Final = 0.25  # of a core, at most
ANEW: Final = 1000  # newest exchanges of an environment that another contract judges again
JUMP: Final = 100_000  # exchanges behind, above which it jumps ahead
NICE: Final = 10
SETTLED: Final = 600.0  # seconds after a move in which what it brings shows itself
Row = Mapping[str, Any]

JUDGED: Final = "e.cluster <> '' AND r.kind <> 'import'"
NEXT: Final = f"""
SELECT e.* FROM exchanges e JOIN recordings r ON r.id = e.recording
WHERE e.seq > ? AND e.seq <= ? AND {JUDGED} ORDER BY e.seq LIMIT ?
"""
THESE: Final = "SELECT e.* FROM exchanges e WHERE e.seq IN (SELECT value FROM json_each(?)) ORDER BY e.seq"
NEWEST: Final = f"""
SELECT e.seq FROM exchanges e JOIN recordings r ON r.id = e.recording
WHERE e.seq <= ? AND e.cluster = ? AND e.environment = ? AND {JUDGED} ORDER BY e.seq DESC LIMIT ?
"""
MOVES: Final = (
    "SELECT at, detail, source, role, login FROM audit WHERE action = 'move' AND subject = ? ORDER BY at DESC"
)
IDS: Final = """
SELECT f.id FROM findings f JOIN drift_places p ON p.seq = f.place WHERE p.cluster = ? AND p.environment = ?
"""
REVISIONS: Final = "SELECT accepted_at, source, changes FROM revisions ORDER BY seq DESC LIMIT 200"


@dataclass(frozen=True, slots=True)
class CheckedCluster:
    """What the checker must know of a cluster."""

    name: str
    rules: ContractRules
    scopes: Mapping[str, Scope]  # by environment

    def json(self) -> dict[str, Any]:
        scopes = {name: asdict(scope) | {"sets": sorted(scope.sets)} for name, scope in self.scopes.items()}
        return {"name": self.name, "rules": asdict(self.rules), "scopes": scopes}


def cluster_of(value: Mapping[str, Any]) -> CheckedCluster:
    """What `CheckedCluster.json` gave."""
    rules = {key: _tuples(one) for key, one in value["rules"].items()}
    scopes = {name: Scope(**(one | {"sets": frozenset(one["sets"])})) for name, one in value["scopes"].items()}
    return CheckedCluster(value["name"], ContractRules(**rules), scopes)


def _tuples(value: Any) -> Any:
    return tuple(_tuples(one) for one in value) if isinstance(value, list) else value


@dataclass(slots=True)
class CheckedPlace:
    """A cluster in an environment with the contract in force there."""

    cluster: str
    environment: str
    source: ContractSource
    scope: Scope
    ignore: tuple[str, ...]

    @property
    def state(self) -> ContractState:
        return self.source.state


@dataclass(slots=True)
class BatchWork:
    """A batch in the making: one tally for every place."""

    keepers: dict[tuple[str, str], TallyKeeper] = field(default_factory=dict)
    deltas: dict[tuple[str, str], PlaceDelta] = field(default_factory=dict)
    times: dict[tuple[str, str, str], list[str]] = field(default_factory=dict)  # of exchanges, by operation


class Checker:
    """One pass after the other over what is new in the store."""

    def __init__(self, tail: StoreTail, say: Any, heard: Any) -> None:
        """`say(message)` writes a line, `heard(timeout)` gives the next one that came, or None."""
        self._tail, self._say, self._heard = tail, say, heard
        self._places: dict[tuple[str, str], CheckedPlace] = {}
        self._sources: dict[tuple[str, str], ContractSource] = {}
        self._told: list[Any] = []
        self._other_rules: set[tuple[str, str]] = set()  # places whose base, checks or ignored findings changed
        self._alive = 0.0
        self.ended = False

    def run(self) -> None:
        """Until stdin ends."""
        while not self.ended:
            begun, spent = time.monotonic(), time.process_time()
            try:
                busy = self.step()
            except Exception as error:
                if not isinstance(error, GatewayError) and not self._tail.is_failure(error):
                    raise
                print(f"contracts: {error}", file=sys.stderr)
                self._tail.close()
                busy = False
            used, took = time.process_time() - spent, time.monotonic() - begun
            self.listen(max(0.0 if busy else PAUSE, used / SHARE - took))

    def listen(self, patience: float) -> None:
        """Wait, and take in what is said meanwhile."""
        until = time.monotonic() + patience
        while not self.ended:
            self.beat()
            left = until - time.monotonic()
            message = self._heard(max(0.0, min(left, ALIVE)))
            if message is not None:
                self.take(message)
            elif left <= 0:
                return

    def take(self, message: Mapping[str, Any]) -> None:
        """A message of the gateway that is no acknowledgement."""
        if message.get("end"):
            self.ended = True
        elif "clusters" in message:
            self._configure([cluster_of(one) for one in message["clusters"]])

    def beat(self) -> None:
        """Say that it lives, when that was not said lately."""
        if time.monotonic() - self._alive > ALIVE:
            self._alive = time.monotonic()
            self._say({"alive": True})

    def step(self) -> bool:
        """One look: contracts that changed, then some exchanges. Whether there may be more at once."""
        if not self._places:
            return False
        self._look_at_contracts()
        connection = self._tail.open()
        if not self._tail.is_mine():
            return False
        last = self._tail.last()
        if last < 0:
            return False
        mark = drift.mark(connection)
        if mark < 0:
            return self._hand_over(DriftBatch(-1, last, self._still_open(last)))
        if self._begin_anew(connection, mark):
            return True
        if last - mark > JUMP:
            end = last - JUMP // 10
            return self._hand_over(DriftBatch(mark, end, drift.late(connection), skipped=end - mark))
        late = drift.late(connection)
        if last <= mark and not late:
            return False
        return self._check(connection, mark, last, late)

    # -- contracts

    def _configure(self, clusters: Sequence[CheckedCluster]) -> None:
        places: dict[tuple[str, str], CheckedPlace] = {}
        sources: dict[tuple[str, str], ContractSource] = {}
        for cluster in clusters:
            for environment, scope in cluster.scopes.items():
                key = json.dumps([cluster.rules.source_of(environment), cluster.rules.headers, cluster.rules.refresh])
                source = self._sources.get((cluster.name, key)) or sources.get((cluster.name, key))
                if source is None:
                    source = ContractSource(cluster.rules, environment)
                    self._recall(source)
                sources[cluster.name, key] = source
                place = cluster.name, environment
                places[place] = CheckedPlace(*place, source, scope, cluster.rules.ignore)
                before = self._places.get(place)
                if before is not None and (before.scope, before.ignore) != (scope, cluster.rules.ignore):
                    self._other_rules.add(place)
        self._places, self._sources = places, sources

    def _recall(self, source: ContractSource) -> None:
        if not is_url(source.state.source):
            return
        try:
            found = drift.document(self._tail.open(), source.state.source)
        except Exception as error:
            if not isinstance(error, GatewayError) and not self._tail.is_failure(error):
                raise
            return
        if found is not None:
            source.recall(found[1])

    def _look_at_contracts(self) -> None:
        for source in self._sources.values():
            if source.look() and is_url(source.state.source):
                contents = {name: data.decode("latin-1") for name, data in source.state.contents.items()}
                self._say({"document": [source.state.source, source.state.sha256, contents]})
        states = [self._told_of(place) for place in self._places.values()]
        if states != self._told:
            self._told = states
            self._say({"states": states})

    def _told_of(self, place: CheckedPlace) -> dict[str, Any]:
        state = place.state
        contract = state.judge.contract if state.judge else None
        return {
            "cluster": place.cluster, "environment": place.environment, "source": state.shown, "title": state.title,
            "sha256": state.sha256, "problem": state.problem, "code": state.problem_code,
            "version": f"3.{contract.minor}" if contract else "", "operations": len(contract.items) if contract else 0,
            "bases": list(contract.bases(place.scope.base, place.scope.upstream_base)) if contract else [],
            "notes": state.judge.problems[:20] if state.judge else [],
        }  # fmt: skip

    def _begin_anew(self, connection: SqlConnection, mark: int) -> bool:
        """Judge the newest exchanges of a place again, whose contract is another one; whether there was one."""
        known = {place.key: place.sha256 for place in drift.places(connection)}
        for key, place in self._places.items():
            if place.state.judge is None or (known.get(key) == place.state.sha256 and key not in self._other_rules):
                continue
            self._other_rules.discard(key)
            numbers = [seq for (seq,) in connection.execute(NEWEST, (mark, *key, ANEW))]
            work = BatchWork()
            self._begin(work, place).begins = True
            for at in range(0, len(numbers), SOME):
                self._judge(connection, work, _rows(connection, THESE, [json.dumps(sorted(numbers)[at : at + SOME])]))
            batch = DriftBatch(mark, mark, drift.late(connection), self._finished(connection, work))
            return self._hand_over(batch)
        return False

    # -- exchanges

    def _check(self, connection: SqlConnection, mark: int, last: int, late: list[int]) -> bool:
        work = BatchWork()
        done = _rows(connection, THESE, [json.dumps(late[:SOME])]) if late else []
        ended = [row for row in done if row["state"] != "open"]
        left = [*(row["seq"] for row in done if row["state"] == "open"), *late[SOME:]]
        rows = _rows(connection, NEXT, [mark, last, SOME])
        end = rows[-1]["seq"] if len(rows) == SOME else last
        left += [row["seq"] for row in rows if row["state"] == "open"]
        if end == mark and not ended and len(left) == len(late):
            return False
        self._judge(connection, work, [*ended, *(row for row in rows if row["state"] != "open")])
        return self._hand_over(DriftBatch(mark, end, left[:10_000], self._finished(connection, work)))

    def _begin(self, work: BatchWork, place: CheckedPlace) -> PlaceDelta:
        key, state = (place.cluster, place.environment), place.state
        assert state.judge is not None
        tally = DriftTally(*key, state.shown, state.sha256)
        work.keepers[key] = TallyKeeper(state.judge, tally, place.scope, read_rules(place.ignore))
        work.deltas[key] = PlaceDelta(*key, state.sha256, state.shown, state.title)
        return work.deltas[key]

    def _judge(self, connection: SqlConnection, work: BatchWork, rows: Sequence[Row]) -> None:
        bodies = bodies_of(connection, rows)
        for row in rows:
            key = row["cluster"], row["environment"]
            place = self._places.get(key)
            if place is None or place.state.judge is None:
                continue
            if key not in work.keepers:
                self._begin(work, place)
            exchange, delta = exchange_of(row, bodies), work.deltas[key]
            judgement, found = work.keepers[key].take(exchange)
            self.beat()
            if judgement is None:
                continue
            count, at = delta.operations.get(judgement.label, (0, ""))
            delta.operations[judgement.label] = count + 1, max(at, exchange.started_at)
            if judgement.operation is not None:
                delta.names.setdefault(judgement.name, []).append(row["seq"])
            delta.exchanges += [(row["seq"], one.rule, one.severity, one.id) for one in found]
            work.times.setdefault((*key, judgement.label), []).append(exchange.started_at)

    def _finished(self, connection: SqlConnection, work: BatchWork) -> list[PlaceDelta]:
        causes = Causes(connection, {key: delta.begins for key, delta in work.deltas.items()})
        clean = clean_times(work)
        for key, delta in work.deltas.items():
            tally = work.keepers[key].tally
            delta.judged, delta.unjudged, delta.dropped = tally.judged, dict(tally.unjudged), tally.dropped
            delta.seen = list(tally.seen)
            known = causes.known(key)
            for one in tally.findings.values():
                since = Since() if one.id in known else causes.since(one, clean.get(one.id, ""))
                delta.findings.append(replace(one, since=since))
        return list(work.deltas.values())

    def _still_open(self, last: int) -> list[int]:
        connection = self._tail.open()
        return [
            seq for (seq,) in connection.execute("SELECT seq FROM exchanges WHERE state = 'open' AND seq <= ?", (last,))
        ]

    def _hand_over(self, batch: DriftBatch) -> bool:
        """Give a batch to the writer and wait until it is taken; True, for there may be more."""
        self._say({"batch": batch.json()})
        while not self.ended:
            message = self._heard(ALIVE)
            self.beat()
            if message is None:
                continue
            if "ack" in message:
                return True
            self.take(message)
        return False


def clean_times(work: BatchWork) -> dict[str, str]:
    """By finding: when its operation was last answered without it, within the batch."""
    found: dict[str, str] = {}
    for key, keeper in work.keepers.items():
        for one in keeper.tally.findings.values():
            times = work.times.get((*key, f"{one.method} {one.path}"), [])
            found[one.id] = max((at for at in times if at < one.first.at), default="")
    return found


def _settled(moved: str, clean: str) -> bool:
    """Whether an operation fitted long after a move: then the move is not why it does not fit any more."""
    if not clean:
        return False
    seconds = datetime.fromisoformat(clean).timestamp() - datetime.fromisoformat(moved).timestamp()
    return seconds > SETTLED


class Causes:
    """Why findings began: by moves, builds and contracts that the store knows."""

    def __init__(self, connection: SqlConnection, begins: Mapping[tuple[str, str], bool]) -> None:
        self._connection, self._begins = connection, begins
        self._places = drift.places(connection, current=False)
        self._kinds: dict[tuple[str, str], dict[str, Finding]] = {}

    def known(self, key: tuple[str, str]) -> set[str]:
        """Ids of findings of a place that the store has already."""
        if self._begins.get(key):
            return set()
        return {id for (id,) in self._connection.execute(IDS, key)}

    def since(self, one: Finding, clean: str) -> Since:
        """Why a finding began that the store does not know yet; `clean`: when its operation was last without it."""
        key, at = (one.cluster, one.environment), one.first.at
        before = self._of_kind(key).get(one.kind)
        if before is not None:
            return before.since  # it was there under the contract before this one
        if self._begins.get(key) and any(place.key == key and place.judged for place in self._places):
            return Since("contract", timestamp(time.time()))
        clean = max(clean, self._last(key, f"{one.method} {one.path}", at))
        move = self._move(one.cluster, one.environment, at)
        built = self._build(one, clean, at)
        if built is None and move is not None and not _settled(move.at, clean):
            there = self._of_kind((one.cluster, move.from_))
            if one.kind_elsewhere(move.from_) not in there:
                return move
        return built or Since("first-traffic", at)

    def _of_kind(self, key: tuple[str, str]) -> dict[str, Finding]:
        if key not in self._kinds:
            sql = """
                SELECT f.value FROM findings f JOIN drift_places p ON p.seq = f.place
                WHERE p.cluster = ? AND p.environment = ? ORDER BY f.seq
            """
            rows = self._connection.execute(sql, key)
            found = [finding_from(json.loads(value)) for (value,) in rows]
            self._kinds[key] = {one.kind: one for one in found}
        return self._kinds[key]

    def _last(self, key: tuple[str, str], label: str, before: str) -> str:
        """When an operation was answered there last, before a time."""
        times = [place.operations[label][1] for place in self._places if place.key == key and label in place.operations]
        return max((at for at in times if at < before), default="")

    def _move(self, cluster: str, environment: str, before: str) -> Since | None:
        """The last move of a cluster, before a time, when it led to the environment."""
        limit = datetime.fromisoformat(before).timestamp()
        found = _audited(self._connection, cluster, limit) or _revised(self._connection, cluster, before)
        return found if found is not None and found.to == environment else None

    def _build(self, one: Finding, clean: str, at: str) -> Since | None:
        if not clean:
            return None
        moments = [datetime.fromisoformat(moment).timestamp() for moment in (clean, at)]
        old, new = (build_at(self._connection, one.cluster, one.environment, moment) for moment in moments)
        return Since("build", at, builds=(old, new)) if old and new and old != new else None


def _audited(connection: SqlConnection, cluster: str, before: float) -> Since | None:
    for at, detail, source, role, login in connection.execute(MOVES, (cluster,)):
        if at <= before:
            arrow, _, why = str(detail).partition(": ")
            from_, _, to = arrow.partition(" -> ")
            who = str(login).partition(" ")[0] or ("the command line" if source == "command line" else f"an {role}")
            return Since("move", timestamp(at), who, why, from_, to)
    return None


def _revised(connection: SqlConnection, cluster: str, before: str) -> Since | None:
    """A move that somebody made by editing routes.yaml."""
    for at, source, text in connection.execute(REVISIONS):
        for change in json.loads(text) if at <= before else ():
            name, _, arrow = str(change).partition(": ")
            from_, mark, to = arrow.partition(" -> ")
            if name == cluster and mark and " " not in from_ + to:
                return Since("move", at, "an edit of routes.yaml" if source == "file" else str(source), "", from_, to)
    return None


def _rows(connection: SqlConnection, sql: str, values: Sequence[Any]) -> list[Row]:
    return [dict(zip(row.keys(), row, strict=True)) for row in rows_of(connection, sql, values)]


def lines_of_stdin(heard: queue.Queue[Mapping[str, Any] | None]) -> Iterator[None]:
    """Put every line of stdin into a queue, and None at its end."""
    for line in sys.stdin.buffer:
        heard.put(json.loads(line))
        yield
    heard.put(None)


def main() -> int:
    """`python -m gateway.services.contract_checker`, as the supervisor starts it."""
    with contextlib.suppress(OSError, AttributeError):
        os.nice(NICE)
    heard: queue.Queue[Mapping[str, Any] | None] = queue.Queue()

    def listen() -> None:
        for _ in lines_of_stdin(heard):
            pass

    def say(message: Mapping[str, Any]) -> None:
        sys.stdout.write(json.dumps(message, separators=(",", ":")) + "\n")
        sys.stdout.flush()

    def next_message(patience: float) -> Mapping[str, Any] | None:
        try:
            found = heard.get(timeout=patience) if patience > 0 else heard.get_nowait()
        except queue.Empty:
            return None
        return {"end": True} if found is None else found

    threading.Thread(target=listen, daemon=True).start()
    try:
        first = heard.get()
        if first is not None:
            Checker(tail_of(*first["store"]), say, next_message).run()
    except (BrokenPipeError, KeyboardInterrupt):
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())

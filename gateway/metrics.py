"""Counters of the relay, as Prometheus text (exposition format 0.0.4). Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sized
from operator import itemgetter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .model.capture import Capture
    from .protocols import RecorderStatus

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)  # seconds
Labels = tuple[tuple[str, str], ...]


# Tallies (cluster, environment, status, buckets, seconds), failures (cluster, environment, kind, count), requests
# refused (status, count), and (open connections, exchanges under way).
Tallies = list[tuple[str, str, int, list[int], float]]
Snapshot = tuple[Tallies, list[tuple[str, str, str, int]], list[tuple[int, int]], tuple[int, int]]


class _Tally:
    """Exchanges with the same cluster, environment and status: how many took how long."""

    __slots__ = ("buckets", "seconds")

    def __init__(self) -> None:
        self.buckets = [0] * (len(BUCKETS) + 1)  # the last without bound
        self.seconds = 0.0


class Metrics:
    """What passed since the start."""

    def __init__(self) -> None:
        self._tallies: dict[tuple[str, str, int], _Tally] = {}  # by cluster, environment, status
        self._failures: Counter[tuple[str, str, str]] = Counter()  # cluster, environment, kind
        self._elsewhere: dict[object, Snapshot] = {}  # what other processes of this gateway have counted so far
        self.clients: Sized = ()  # open connections
        self.under_way: Sized = ()  # exchanges
        self.refused: Counter[int] = Counter()  # requests that never became an exchange, by status

    def count(self, capture: Capture) -> None:
        """One exchange ended. On the hot path."""
        key = capture.cluster, capture.environment, capture.status
        tally = self._tallies.get(key)
        if tally is None:
            tally = self._tallies[key] = _Tally()
        took = capture.ended - capture.begun
        tally.buckets[bisect_left(BUCKETS, took)] += 1
        tally.seconds += took
        if capture.failure:
            self._failures[capture.cluster, capture.environment, capture.failure[0]] += 1

    @property
    def exchanges(self) -> int:
        """How many have ended."""
        found = self._with_others()
        return sum(sum(tally.buckets) for tally in found._tallies.values())

    # -- several processes

    def snapshot(self) -> Snapshot:
        """All that was counted here, as plain data."""
        tallies = [(*key, list(tally.buckets), tally.seconds) for key, tally in self._tallies.items()]
        failures = [(*key, count) for key, count in self._failures.items()]
        return tallies, failures, list(self.refused.items()), (len(self.clients), len(self.under_way))

    def note(self, process: object, snapshot: Snapshot) -> None:
        """What another process of this gateway has counted so far."""
        self._elsewhere[process] = snapshot

    def leave(self, process: object) -> None:
        """It has ended; what it counted stays."""
        if (snapshot := self._elsewhere.pop(process, None)) is not None:
            self._add(snapshot)

    def _add(self, snapshot: Snapshot) -> None:
        tallies, failures, refused, _ = snapshot
        for cluster, environment, status, buckets, seconds in tallies:
            tally = self._tallies.setdefault((cluster, environment, status), _Tally())
            tally.buckets = [one + other for one, other in zip(tally.buckets, buckets, strict=True)]
            tally.seconds += seconds
        for cluster, environment, kind, count in failures:
            self._failures[cluster, environment, kind] += count
        for status, count in refused:
            self.refused[status] += count

    def _with_others(self) -> Metrics:
        """The sums over all processes."""
        if not self._elsewhere:
            return self
        found = Metrics()
        for snapshot in (self.snapshot(), *self._elsewhere.values()):
            found._add(snapshot)
        gauges = [snapshot[3] for snapshot in self._elsewhere.values()]
        found.clients = range(len(self.clients) + sum(clients for clients, _ in gauges))
        found.under_way = range(len(self.under_way) + sum(under_way for _, under_way in gauges))
        return found

    def text(self, *, recorder: RecorderStatus, config_valid: bool, revision: str) -> str:
        """Every figure, in a stable order."""
        return self._with_others()._text(recorder=recorder, config_valid=config_valid, revision=revision)

    def _text(self, *, recorder: RecorderStatus, config_valid: bool, revision: str) -> str:
        requests = [
            ((("cluster", c), ("environment", e), ("status", str(s))), sum(tally.buckets))
            for (c, e, s), tally in sorted(self._tallies.items(), key=itemgetter(0))
        ]
        failures = [
            ((("cluster", c), ("environment", e), ("kind", k)), n) for (c, e, k), n in sorted(self._failures.items())
        ]
        lines = _family("gateway_requests_total", "counter", "Exchanges by the status the client got.", requests)
        about = "Exchanges without a proper response, by RFC 9209 kind."
        lines += _family("gateway_failures_total", "counter", about, failures)
        lines += self._histogram()
        lines += _family("gateway_refused_total", "counter", "Requests refused before routing.",
                         (((("status", str(s)),), n) for s, n in sorted(self.refused.items())))  # fmt: skip
        for name, kind, text, value in (
            ("gateway_recorded_total", "counter", "Exchanges in the store.", recorder.recorded),
            ("gateway_missed_total", "counter", "Exchanges that could not be stored.", recorder.missed),
            ("gateway_recorder_backlog_bytes", "gauge", "Bytes waiting for the store.", recorder.backlog),
            ("gateway_recorder_ok", "gauge", "1 while the store takes what it is given.", int(not recorder.reason)),
            ("gateway_clients", "gauge", "Open client connections.", len(self.clients)),
            ("gateway_exchanges_under_way", "gauge", "Exchanges without their last byte.", len(self.under_way)),
            ("gateway_config_valid", "gauge", "1 while routes.yaml as it stands is in force.", int(config_valid)),
        ):
            lines += _family(name, kind, text, [((), value)])
        lines += _family("gateway_routes_info", "gauge", "The route table in force.", [((("revision", revision),), 1)])
        return "\n".join(lines) + "\n"

    def _histogram(self) -> list[str]:
        name = "gateway_request_seconds"
        lines = [f"# HELP {name} Time from a request's arrival to its last byte.", f"# TYPE {name} histogram"]
        for cluster, tallies in self._by_cluster().items():
            total = 0
            for at, bound in enumerate((*map(str, BUCKETS), "+Inf")):
                total += sum(tally.buckets[at] for tally in tallies)
                lines.append(f"{name}_bucket{_labels((('cluster', cluster), ('le', bound)))} {total}")
            lines.append(f"{name}_sum{_labels((('cluster', cluster),))} {sum(t.seconds for t in tallies):.6f}")
            lines.append(f"{name}_count{_labels((('cluster', cluster),))} {total}")
        return lines

    def _by_cluster(self) -> dict[str, list[_Tally]]:
        tallies: dict[str, list[_Tally]] = {}
        for (cluster, _, _), tally in sorted(self._tallies.items(), key=itemgetter(0)):
            tallies.setdefault(cluster, []).append(tally)
        return tallies


def _family(name: str, kind: str, text: str, samples: Iterable[tuple[Labels, float]]) -> list[str]:
    return [
        f"# HELP {name} {text}",
        f"# TYPE {name} {kind}",
        *(f"{name}{_labels(labels)} {value}" for labels, value in samples),
    ]


def _labels(labels: Labels) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")

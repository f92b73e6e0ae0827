"""Counters of the relay, as Prometheus text (exposition format 0.0.4). Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sized
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .model.capture import Capture
    from .protocols import RecorderStatus

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)  # seconds
MANY = 1000  # exchanges counted at once
Labels = tuple[tuple[str, str], ...]


class Metrics:
    """What passed since the start."""

    def __init__(self) -> None:
        self._requests: Counter[tuple[str, str, int]] = Counter()  # cluster, environment, status
        self._failures: Counter[tuple[str, str, str]] = Counter()  # cluster, environment, kind
        self._durations: dict[str, list[int]] = {}  # cluster -> count per bucket, the last without bound
        self._seconds: dict[str, float] = {}
        self._uncounted: list[tuple[str, str, int, float, str]] = []
        self.clients: Sized = ()  # open connections
        self.under_way: Sized = ()  # exchanges
        self.refused: Counter[int] = Counter()  # requests that never became an exchange, by status

    def count(self, capture: Capture) -> None:
        """One exchange ended. Counted many at once: it is on the hot path."""
        kind = capture.failure[0] if capture.failure else ""
        took = capture.ended - capture.begun
        self._uncounted.append((capture.cluster, capture.environment, capture.status, took, kind))
        if len(self._uncounted) >= MANY:
            self._count_all()

    def _count_all(self) -> None:
        ended, self._uncounted = self._uncounted, []
        self._requests.update((cluster, environment, status) for cluster, environment, status, *_ in ended)
        self._failures.update((one[0], one[1], one[4]) for one in ended if one[4])
        for cluster, _, _, took, _ in ended:
            buckets = self._durations.setdefault(cluster, [0] * (len(BUCKETS) + 1))
            buckets[bisect_left(BUCKETS, took)] += 1
            self._seconds[cluster] = self._seconds.get(cluster, 0.0) + took

    def text(self, *, recorder: RecorderStatus, config_valid: bool, revision: str) -> str:
        """Every figure, in a stable order."""
        self._count_all()
        requests = [
            ((("cluster", c), ("environment", e), ("status", str(s))), n)
            for (c, e, s), n in sorted(self._requests.items())
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
        for cluster, counts in sorted(self._durations.items()):
            total = 0
            for bound, count in zip((*map(str, BUCKETS), "+Inf"), counts, strict=True):
                total += count
                lines.append(f"{name}_bucket{_labels((('cluster', cluster), ('le', bound)))} {total}")
            lines.append(f"{name}_sum{_labels((('cluster', cluster),))} {self._seconds[cluster]:.6f}")
            lines.append(f"{name}_count{_labels((('cluster', cluster),))} {total}")
        return lines


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

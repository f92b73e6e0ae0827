"""The metrics page: every figure adds up, in the text format that Prometheus reads."""

from gateway.metrics import BUCKETS, Metrics
from gateway.model.capture import Capture
from gateway.protocols import RecorderStatus


def ended(cluster: str, status: int, took: float, environment: str = "qa", failure: str = "") -> Capture:
    capture = Capture()
    capture.cluster, capture.environment, capture.status = cluster, environment, status
    capture.begun, capture.ended = 0.0, took
    capture.failure = (failure, "why") if failure else None
    return capture


def figures(metrics: Metrics) -> dict[str, float]:
    status = RecorderStatus(recorded=5, missed=1, backlog=7, reason="")
    lines = metrics.text(recorder=status, config_valid=True, revision="f" * 64).splitlines()
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if line[0] != "#")}


def test_requests_and_failures_are_counted_by_where_they_went():
    metrics = Metrics()
    for capture in (
        ended("orders", 200, 0.002), ended("orders", 200, 0.2), ended("orders", 200, 0.2, "test"),
        ended("orders", 502, 0.01, failure="connection_refused"), ended("stock", 404, 0.002),
    ):  # fmt: skip
        metrics.count(capture)
    found = figures(metrics)
    assert found['gateway_requests_total{cluster="orders",environment="qa",status="200"}'] == 2
    assert found['gateway_requests_total{cluster="orders",environment="test",status="200"}'] == 1
    assert found['gateway_requests_total{cluster="stock",environment="qa",status="404"}'] == 1
    assert found['gateway_failures_total{cluster="orders",environment="qa",kind="connection_refused"}'] == 1


def test_durations_of_a_cluster_add_up_over_environments_and_statuses():
    metrics = Metrics()
    times = [0.0005, 0.001, 0.3, 60.0]
    for took, environment, status in zip(times, ("qa", "test", "qa", "dev"), (200, 200, 404, 502), strict=True):
        metrics.count(ended("orders", status, took, environment))
    metrics.count(ended("stock", 200, 1.0))
    found = figures(metrics)
    for bound in BUCKETS:
        within = sum(took <= bound for took in times)
        assert found[f'gateway_request_seconds_bucket{{cluster="orders",le="{bound}"}}'] == within
    assert found['gateway_request_seconds_bucket{cluster="orders",le="+Inf"}'] == len(times)
    assert found['gateway_request_seconds_count{cluster="orders"}'] == len(times)
    assert abs(found['gateway_request_seconds_sum{cluster="orders"}'] - sum(times)) < 1e-6


def test_counts_of_other_processes_add_up_and_stay_when_one_is_gone() -> None:
    owner, one, other = Metrics(), Metrics(), Metrics()
    owner.count(ended("orders", 200, 0.002))
    one.count(ended("orders", 200, 0.2))
    other.count(ended("stock", 502, 0.2, failure="connection_refused"))
    other.refused[400] += 2
    other.clients = range(3)
    owner.note("one", one.snapshot())
    owner.note("other", other.snapshot())
    before = figures(owner)
    assert before['gateway_requests_total{cluster="orders",environment="qa",status="200"}'] == 2
    assert before['gateway_refused_total{status="400"}'] == 2
    assert before["gateway_clients"] == 3
    assert owner.exchanges == 3
    owner.leave("other")
    after = figures(owner)
    assert after.pop("gateway_clients") == 0
    assert after == {name: value for name, value in before.items() if name != "gateway_clients"}

"""A run that has no answer to a step says why."""

import json
from dataclasses import replace

import consoling

from gateway.correlation import correlate
from gateway.replay.compare import compare_runs
from gateway.replay.report import unsent


def a_step(number, method, target, answer, status=200):
    return replace(
        consoling.an_exchange(
            method=method, target=target, answer=json.dumps(answer).encode(), status=status, sent=b""
        ),
        step=number,
    )


ORDER = "order-8f3a77c1"
RECORDED = [
    a_step(1, "POST", "/api/orders/orders", {"id": ORDER}, 201),
    a_step(2, "GET", f"/api/orders/orders/{ORDER}", {"id": ORDER}),
    a_step(3, "GET", "/api/orders/health", {"up": True}),
]
CORRELATIONS = correlate(RECORDED)


def why(run):
    return unsent(compare_runs("a", "b", RECORDED, run, CORRELATIONS), CORRELATIONS)


def test_a_value_that_did_not_come_is_named_with_what_came_instead():
    refused = [a_step(1, "POST", "/api/orders/orders", {"error": "no such book"}, 404)]
    found = why(refused)
    assert "is missing: it comes from /id in the response of step 1, which answered 404 with" in found[2]
    assert "error" in found[2]
    assert "no such book" not in found[2]  # an answer's values may be secret
    assert found[3] == "the run stopped at step 2"


def test_a_run_that_ended_says_after_which_step():
    assert why(RECORDED[:2]) == {3: "the run ended after step 2"}


def test_a_step_amid_others_was_left_out():
    assert why([RECORDED[0], RECORDED[2]]) == {2: "it was left out"}


def test_a_run_with_every_step_leaves_nothing_to_say():
    assert why(RECORDED) == {}

"""Results in words: expected or not, what the answer says, and what differs from the step as it was sent.

Covers: demos/masking.
"""

import json

import pytest

from gateway.demos.definition.keep_rules import StepResponse
from gateway.demos.definition.schema import CallTemplate, DemoStep, Expect, WhatIf
from gateway.demos.masking import MASK
from gateway.demos.result import CallResult, ShownMessage, compare, judge, says, shown_answer, shown_request
from gateway.demos.step import PreparedCall

STEP = DemoStep("S", "s", CallTemplate("GET", "c", "/"))
GONE = WhatIf("gone", "gone", {}, expect=Expect("404", ((404, 404),)), why="because")


@pytest.mark.parametrize(
    ("what_if", "status", "expected"),
    [(None, 201, True), (None, 404, False), (GONE, 404, True), (GONE, 200, False), (WhatIf("x", "x", {}), 500, None)],
)
def test_a_status_is_judged_by_what_was_expected(what_if, status, expected):
    assert judge(STEP, what_if, status).expected is expected


def test_secrets_are_shown_nowhere():
    call = PreparedCall(
        "POST", "c", "/", (("Authorization", "Bearer t0k3n"), ("Content-Type", "application/json"), ("X-A", "t0k3n")),
        b'{"password": "hunter2", "note": "my t0k3n"}', {"c": "dev"}, secrets=("hunter2",),
    )  # fmt: skip
    request = shown_request(call, ["t0k3n"])
    assert "hunter2" not in str(request)
    assert "t0k3n" not in str(request)
    assert request.headers[-1] == ("Gateway-Env", "c=dev")
    answer = StepResponse(200, "OK", (("Content-Type", "application/json"),), b'{"token": "n3w", "id": 1}')
    assert json.loads(shown_answer(answer, []).body) == {"token": MASK, "id": 1}


def test_long_and_binary_answers_are_cut_and_named():
    long = shown_answer(StepResponse(200, "OK", (), b"a" * 50_000), [])
    assert long.cut
    assert len(long.body) < 50_000
    assert shown_answer(StepResponse(200, "OK", (), b"\0\1\2"), []).body == "3 bytes that are not text"


def test_an_error_speaks_for_itself():
    assert says(StepResponse(404, "", (), b'{"error": "x", "detail": "ask for /titles"}'), []) == "ask for /titles"
    assert says(StepResponse(200, "", (), b'{"detail": "fine"}'), []) == ""
    assert says(StepResponse(500, "", (), b"<html>"), []) == ""


def a_result(url="http://g/books/1", route="c@qa", status=200, body="{}"):
    return CallResult("s", "", "S", "GET", url, ShownMessage(), ShownMessage(body=body), status, "", route=route)


@pytest.mark.parametrize(
    ("other", "verdict", "rows"),
    [
        (a_result(route="c@dev", status=404), "the route, not the request", ["route", "status"]),
        (a_result(url="http://g/books/9", status=404), "the request, not the route", ["address", "status"]),
        (a_result(url="http://g/books/9", route="c@dev"), "both the request and the route", ["address", "route"]),
        (a_result(body="[]"), "only the answer: the same request on the same route", ["body"]),
        (a_result(), "nothing", []),
    ],
)
def test_only_what_differs_is_compared(other, verdict, rows):
    compared = compare(a_result(), other)
    assert compared.verdict == verdict
    assert [row[0] for row in compared.rows] == rows

"""Values that a request dresses up, odd ones included."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.correlation import correlate
from gateway.correlation.transforms import origins
from gateway.model.exchange import Exchange, Timing
from gateway.model.message import Body, Request, Response

JSON = (("Content-Type", "application/json"),)


def test_an_encoded_value_has_its_plain_one_as_origin():
    assert ("a b/c-8842-9917", ("percent-encode",), 0.03) in list(origins("a%20b%2Fc-8842-9917"))


@pytest.mark.parametrize("value", ["\ud800abcd-8842-9917", "abcd-8842-\udfff9917"])
def test_half_a_character_has_no_encoding(value):
    assert [transforms for _, transforms, _ in origins(value)] == [("unquote",), ("unquote",)]


def test_half_a_character_in_json_is_carried_on_like_any_value():
    body = rb'{"order_id": "\ud800abcd-8842-9917"}'
    first = Exchange(
        "1", "r", 1, "s", "2026-11-22T06:00:01.000000Z", "http://h/", Request(method="POST", target="/orders"),
        Response(headers=JSON, status=201, body=Body(len(body), body)), 201, timing=Timing(total_ms=1.0),
    )  # fmt: skip
    asked = Request(method="POST", target="/payments", headers=JSON, body=Body(len(body), body))
    second = replace(
        first, id="2", step=2, started_at="2026-11-22T06:00:05.000000Z", request=asked,
        response=Response(status=200),
    )  # fmt: skip
    (binding,) = correlate([first, second]).bindings
    assert binding.variable == "order_id"

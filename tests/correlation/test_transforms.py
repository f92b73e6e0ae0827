"""Values that a request dresses up, odd ones included."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from gateway.correlation import correlate, evaluate, rebind
from gateway.correlation.transforms import applied, global_id, origins
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


@pytest.mark.parametrize(
    ("value", "type", "id"),
    [
        ("Q3VzdG9tZXI6NDQ3MQ==", "Customer", "4471"),
        ("Q3VzdG9tZXI6NDQ3MQ", "Customer", "4471"),  # without its padding
        ("Z2lkOi8vc2hvcC9PcmRlci83Nw==", "Order", "77"),  # gid://shop/Order/77
        ("VXNlcjphLV9i", "User", "a-_b"),
    ],
)
def test_an_id_of_all_tables_is_read_and_written_again(value: str, type: str, id: str) -> None:
    found = global_id(value)
    assert found is not None
    assert (found.type, found.id) == (type, id)
    assert applied(id, (f"format={found.before}{{}}", found.encoding)) == value
    assert "9" in (global_id(applied("9", (f"format={found.before}{{}}", found.encoding)) or "") or found).id


@pytest.mark.parametrize(
    "value", ["username", "QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "Q3Vz", "Q3VzdG9tZXI6NDQ3MQ=", "Zm9v", ""]
)
def test_words_and_credentials_are_no_ids_of_all_tables(value: str) -> None:
    assert global_id(value) is None


@pytest.mark.parametrize(
    ("shown", "asked"),
    [
        ({"commit": {"id": "9d2f0a7bc4e1358866aa01fe77c3b29d50e4f1c2"}}, "/commits/9d2f0a7"),
        ({"Id": "e90e34656806b2f0a8b2bcb6d6c6ea9b9b54b5a9a1a3c0a5be0dcf1e0b7d6c54"}, "/containers/e90e34656806"),
        ({"digest": "sha256:e90e34656806b2f0a8b2bcb6d6c6ea9b9b54b5a9a1a3c0a5be0dcf1e0b7d6c54"}, "/images/e90e34656806"),
        ({"host": "shop-9x.acme.example"}, "/zones/shop-9x.acme.example."),
        ({"book": {"id": "Qm9vazo4MTM="}}, "/books/813"),
        ({"book": {"id": 813}}, "/nodes/Qm9vazo4MTM%3D"),
    ],
)
def test_a_value_that_is_written_otherwise_is_bound_and_follows(shown: dict[str, object], asked: str) -> None:
    body = json.dumps(shown).encode()
    first = Exchange(
        "1", "r", 1, "s", "2026-11-22T06:00:01.000000Z", "http://h/", Request(method="POST", target="/things"),
        Response(headers=JSON, status=201, body=Body(len(body), body)), 201, timing=Timing(total_ms=1.0),
    )  # fmt: skip
    second = replace(
        first, id="2", step=2, started_at="2026-11-22T06:00:05.000000Z", request=Request(method="DELETE", target=asked),
        response=Response(status=200),
    )  # fmt: skip
    (binding,) = correlate([first, second]).in_force
    assert rebind(second.request, [binding], {binding.id: evaluate(binding, {1: first})}) == second.request

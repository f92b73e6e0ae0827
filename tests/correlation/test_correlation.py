"""The whole path: find what a later request needs, read it from a fresh answer, write it in again."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sessions import session

from gateway.correlation import Decisions, MissingValue, confirm, correlate, evaluate, extract, read_declared, rebind
from gateway.errors import UsageError
from gateway.model.exchange import Exchange
from gateway.model.message import Body

BOOKSHOP = """
POST /api/users/login
{"user": "ada", "password": "sealed_aaaabbbbccccddddeeee_16"}
-> 200
{"token": "sealed_abcdefghijklmnopqrst_32"}

POST /api/orders/orders
Authorization: Bearer sealed_abcdefghijklmnopqrst_32
{"isbn": "978-1", "qty": 2}
-> 201
Location: /api/orders/orders/501
{"id": 501, "total": 79.60}

POST /api/payments/orders/501/payments
Authorization: Bearer sealed_abcdefghijklmnopqrst_32
Content-Length: 17
{"amount": 79.60}
-> 201
{"id": 9001, "order": 501}
"""


def bookshop(order: str = "501", token: str = "sealed_abcdefghijklmnopqrst_32", total: str = "79.60") -> list[Exchange]:
    text = BOOKSHOP.replace("501", order).replace("sealed_abcdefghijklmnopqrst_32", token)
    return session(text.replace("79.60", total))


def test_each_needed_value_has_its_source() -> None:
    found = {str(b.sink): (str(b.source), b.status, b.variable) for b in correlate(bookshop()).bindings}
    assert found == {
        "2:header:authorization[7:37]": ("1:json:/token", "auto", "token"),
        "3:path:4": ("2:location:location#segment=-1", "auto", "order_id"),
        "3:header:authorization[7:37]": ("1:json:/token", "auto", "token"),
        "3:json:/amount": ("2:json:/total", "auto", "amount"),
    }


def test_what_the_client_said_first_is_an_input() -> None:
    inputs = correlate(bookshop()).inputs
    assert [(each.variable, each.secret) for each in inputs] == [
        ("user", False), ("password", True), ("isbn", False), ("qty", False),
    ]  # fmt: skip


def test_a_request_gets_the_values_of_a_fresh_answer() -> None:
    recorded, live = bookshop(), {each.step: each for each in bookshop("7342", "fresh-token/+1", "81.00")}
    bindings = correlate(recorded).of_step(3)
    request = rebind(recorded[2].request, bindings, {each.id: evaluate(each, live) for each in bindings})
    assert request.target == "/api/payments/orders/7342/payments"
    assert request.header("authorization") == "Bearer fresh-token/+1"
    assert request.body.data == b'{"amount": 81.00}'
    assert request.header("content-length") == "17"


def test_a_missing_value_is_never_replaced_by_the_recorded_one() -> None:
    recorded = bookshop()
    answers = {each.step: each for each in recorded}
    refusal = b'{"error": "out of stock"}'
    answers[2] = replace(
        recorded[1],
        response=replace(recorded[1].response, status=409, headers=(), body=Body(len(refusal), refusal)),
    )
    order = next(each for each in correlate(recorded).bindings if str(each.sink) == "3:path:4")
    with pytest.raises(MissingValue) as error:
        evaluate(order, answers)
    assert error.value.message == (
        "order_id is missing: step 3 needs it in its path (order_id), step 2 gave it in its location "
        "location#segment=-1, but now it answered 409 with a JSON object of error"
    )
    with pytest.raises(MissingValue, match="order_id is missing"):
        rebind(recorded[2].request, [order], {})


def test_the_next_place_that_had_it_is_tried() -> None:
    recorded = bookshop()
    live = bookshop("7342")
    answers = {2: replace(live[1], response=replace(live[1].response, headers=(("Content-Type", "application/json"),)))}
    order = next(each for each in correlate(recorded).bindings if str(each.sink) == "3:path:4")
    assert evaluate(order, answers) == "7342"


def test_decisions_win() -> None:
    recorded = bookshop()
    amount = next(each for each in correlate(recorded).bindings if each.sink.part == "json")
    decided = correlate(recorded, Decisions(rejected=frozenset((amount.id,))))
    assert [each.status for each in decided.bindings if each.id == amount.id] == ["rejected"]
    assert [each.variable for each in decided.inputs if each.value == "79.60"] == ["amount"]
    assert "3:json:/amount" not in {str(each.sink) for each in decided.in_force}


def test_a_declared_binding_replaces_what_was_found() -> None:
    declared = read_declared("3:path.order_id=2:json:/id")
    found = [
        each for each in correlate(bookshop(), Decisions(declared=(declared,))).bindings if each.sink.part == "path"
    ]
    assert [(each.status, str(each.source), each.value) for each in found] == [("declared", "2:json:/id", "501")]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nonsense", "is no binding"),
        ("3:path.order_ids=2:json:/id", "step 3 has no path.order_ids; did you mean 'path.order_id'?"),
        ("3:path.order_id=2:json:/nothing", "the answer of step 2 has nothing at json /nothing"),
        ("3:path.order_id=2:jsn:/id", "did you mean 'json'?"),
        ("3:path.order_id=2:json:/id|base46", "did you mean 'base64'?"),
        ("9:path.order_id=2:json:/id", "there is no step 9"),
        ("2:json.qty=3:json:/id", "step 3 does not come before step 2"),
    ],
)
def test_a_declaration_that_cannot_be(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=r".*") as error:
        correlate(bookshop(), Decisions(declared=(read_declared(text),)))
    assert said in str(error.value)


def test_a_second_run_confirms_what_moved_with_its_source() -> None:
    second = bookshop("7342", "sealed_zzzzzzzzzzzzzzzzzzzz_32")
    judged = {str(each.sink): each.status for each in confirm(bookshop(), second).bindings}
    assert judged["3:path:4"] == "confirmed"
    assert judged["3:header:authorization[7:37]"] == "confirmed"
    assert judged["3:json:/amount"] == "auto"  # the price stayed: nothing is proved


def test_a_second_run_refutes_what_stayed_when_its_source_moved() -> None:
    second = bookshop("7342")
    second[2] = replace(second[2], request=bookshop()[2].request)
    judged = {str(each.sink): each.status for each in confirm(bookshop(), second).bindings}
    assert judged["3:path:4"] == "rejected"


def test_every_source_gives_the_recorded_value() -> None:
    recorded = bookshop()
    for binding in correlate(recorded).bindings:
        for source in (binding.source, *binding.alternates):
            assert extract(recorded[source.step - 1], source, binding.transforms) == binding.value

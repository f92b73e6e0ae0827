"""Values are called by their names: those that decisions leave in force."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.correlation import Decisions, correlate
from gateway.diagrams import mermaid, sequence
from gateway.diagrams.diagram import calls
from gateway.diagrams.step_labels import names

ORDER = b'{"order_id": "ord-8842-9917"}'


@pytest.fixture
def bought(an_exchange):
    order = an_exchange(1, method="POST", status=201, body=ORDER)
    order = replace(order, response=replace(order.response, headers=(("Content-Type", "application/json"),)))
    return [order, an_exchange(2, target="/api/orders/ord-8842-9917/bill?of=ord-8842-9917")]


def told(diagram):
    return [line for call in calls(row for chapter in diagram.chapters for row in chapter.rows)
            for line in (call.request, call.response)]  # fmt: skip


def test_the_label_names_what_an_answer_gives_and_what_a_request_needs(bought, a_recording):
    diagram = sequence(a_recording(bought), bought)
    assert told(diagram) == [
        "1 POST /api/orders/orders", "201 Created · 11 ms · order_id",
        "2 GET /api/orders/{order_id}/bill?of={order_id}", "200 OK · 12 ms",
    ]  # fmt: skip
    assert [(one.name, one.source, one.used) for one in diagram.values] == [("order_id", 1, (2,))]
    assert "/#123;order_id#125;/bill#63;of#61;#123;order_id#125;" in mermaid(diagram)


def test_a_rejected_value_stays_as_it_was(bought, a_recording):
    rejected = Decisions(rejected=frozenset(one.id for one in correlate(bought).bindings))
    diagram = sequence(a_recording(bought), bought, decisions=lambda _: rejected)
    assert told(diagram)[1:3] == [
        "201 Created · 11 ms", "2 GET /api/orders/ord-88…-9917/bill?of=ord-8842-9917"
    ]  # fmt: skip


def test_a_digest_is_the_same_for_another_runs_values(bought):
    other = [
        replace(bought[0], response=replace(bought[0].response, body=replace(
            bought[0].response.body, data=ORDER.replace(b"8842-9917", b"9042-1111")))),
        replace(bought[1], request=replace(
            bought[1].request, target=bought[1].request.target.replace("8842-9917", "9042-1111"))),
    ]  # fmt: skip
    first, second = names(bought, Decisions()), names(other, Decisions())
    assert first.digest(bought[1]) == second.digest(other[1])
    assert first.digest(bought[0]) != first.digest(bought[1])
    assert first.digest(replace(bought[1], status=404)) != first.digest(bought[1])


def test_many_values_are_counted(an_exchange, a_recording):
    body = (
        b'{"basket_id": "bask-11-4482", "order_id": "ord-8842-9917", "bill_id": "bill-771-22", "user_id": "usr-99-15"}'
    )
    first = an_exchange(1, method="POST", body=body)
    first = replace(first, response=replace(first.response, headers=(("Content-Type", "application/json"),)))
    paths = ["baskets/bask-11-4482", "orders/ord-8842-9917", "bills/bill-771-22", "users/usr-99-15"]
    exchanges = [first, *(an_exchange(at, target=f"/api/shop/{path}") for at, path in enumerate(paths, 2))]
    assert told(sequence(a_recording(exchanges), exchanges))[1].endswith("basket_id, order_id, bill_id and 1 more")

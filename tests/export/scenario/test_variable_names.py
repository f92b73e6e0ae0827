"""Recordings in one file share its variables: those with another meaning get another name."""

from __future__ import annotations

import json

from gateway.export import Beside
from gateway.export.runnable import postman
from gateway.export.scenario.templated_text import written
from gateway.export.scenario.variable_names import scenarios

JSON = (("Content-Type", "application/json"),)


def a_chain(an_exchange, isbn):
    sent = b'{"isbn": "%s"}' % isbn.encode()
    return [
        an_exchange(1, method="POST", headers=JSON, sent=sent, status=201, received=b'{"id": 70001}'),
        an_exchange(2, target="/api/orders/orders/70001"),
    ]


def test_another_default_is_another_variable(an_exchange, a_recording):
    first, second = ((a_recording(2, id=isbn), a_chain(an_exchange, isbn)) for isbn in ("978-1", "978-9"))
    one, two = scenarios([first, second], Beside())
    assert [given.variable for given in (*one.inputs, *two.inputs)] == ["isbn", "isbn_2"]
    assert written(two.steps[0].body.text, lambda name: f"<{name}>") == '{"isbn": "<isbn_2>"}'
    assert [keep.variable for keep in (*one.steps[0].keeps, *two.steps[0].keeps)] == ["order_id", "order_id"]


def test_the_same_meaning_is_the_same_variable(an_exchange, a_recording):
    third = a_recording(2, id="c"), a_chain(an_exchange, "978-9")
    pairs = [(a_recording(2, id=isbn), a_chain(an_exchange, isbn)) for isbn in ("978-1", "978-9")]
    assert [one.inputs[0].variable for one in scenarios([*pairs, third], Beside())] == ["isbn", "isbn_2", "isbn_2"]


def test_postman_has_a_variable_for_each(an_exchange, a_recording):
    pairs = [(a_recording(2, id=isbn), a_chain(an_exchange, isbn)) for isbn in ("978-1", "978-9")]
    variables = {one["key"]: one["value"] for one in json.loads(postman.dump(pairs, version="1"))["variable"]}
    assert (variables["isbn"], variables["isbn_2"]) == ("978-1", "978-9")

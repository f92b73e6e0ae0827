"""Why a step failed where its sibling did not, in words; and two recordings side by side.

Covers: replay/error_words.
"""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest

from gateway.correlation import correlate
from gateway.model.exchange import Exchange
from gateway.model.message import Body, Request, Response
from gateway.replay.compare import compare_runs, comparison_json
from gateway.replay.error_card import card, sibling
from gateway.replay.report import ReplayResult, StepResult, junit, result_json


def a_step(number=1, target="/api/catalogue/books/978-1", *, status=200, body=None, where="catalogue@qa", headers=()):
    data = json.dumps(body or {}).encode()
    cluster, _, environment = where.partition("@")
    return Exchange(
        f"X{number}-{target}-{status}", "R", number, "s", f"2026-01-01T00:00:{number:02d}.000000Z", "http://h/x",
        Request("1.1", tuple(headers), Body(), method="GET", target=target),
        Response("1.1", (("Content-Type", "application/json"),), Body(len(data), data), status=status),
        status=status, cluster=cluster, environment=environment,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("failing", "good", "sentence"),
    [
        (a_step(target="/api/catalogue/books/978-9", status=404, body={"detail": "not in the catalogue"}), a_step(),
         "404 because book 978-9 is unknown on catalogue@qa; 978-1 answers 200. It says: not in the catalogue"),
        (a_step(status=404, where="catalogue@dev"), a_step(),
         "404 only on catalogue@dev: the same request answers 200 on catalogue@qa."),
        (a_step(target="/b?size=0", status=422), a_step(target="/b?size=1"),
         "422 because query size is 0, and 1 answers 200 on catalogue@qa."),
        (a_step(status=401), a_step(headers=[("Authorization", "Bearer sealed_aaaaaaaaaaaaaaaaaaaa_16")]),
         "401 because header authorization is not sent, and 200 comes with Bearer (sealed) on catalogue@qa."),
        (a_step(2, status=409), a_step(1),
         "409 although the same request answered 200: something changed in between."),
    ],
    ids=["value", "route", "query", "header", "state"],
)  # fmt: skip
def test_the_sentence(failing, good, sentence):
    assert card(failing, good).sentence == sentence


def test_there_is_no_card_for_two_good_or_two_bad_steps():
    assert card(a_step(), a_step()) is None
    assert card(a_step(status=404), a_step(status=500)) is None


def test_the_nearest_good_step_is_the_sibling():
    failing = a_step(4, "/api/catalogue/books/978-9", status=404)
    steps = [
        a_step(1, "/api/catalogue"),
        a_step(2),
        a_step(3, "/api/catalogue/books/978-2", where="catalogue@dev"),
        failing,
    ]
    assert sibling(failing, steps).step == 2
    assert sibling(failing, [failing, a_step(9, "/other/thing/x/y")]) is None


def test_runs_are_aligned_and_what_was_inserted_does_not_shift_the_rest():
    first = [a_step(1), a_step(2, "/api/catalogue"), a_step(3, "/api/catalogue/books/978-2", body={"price": 1})]
    second = [first[0], a_step(2, "/extra/thing"), replace(first[1], step=3), replace(first[2], step=4)]
    found = comparison_json(compare_runs("A", "B", first, second, correlate(first)))
    assert [(one["a"], one["b"], one["outcome"]) for one in found["steps"]] == [
        (1, 1, "same"), (None, 2, "added"), (2, 3, "same"), (3, 4, "same"),
    ]  # fmt: skip
    assert (found["outcome"], found["first"]) == ("differs", 2)


def test_a_second_run_teaches_which_values_change_anyway():
    bodies = [{"mood": "a", "price": 1}, {"mood": "b", "price": 1}, {"mood": "c", "price": 2}]
    first, second, third = ([a_step(body=body)] for body in bodies)
    found = compare_runs("A", "B", first, third, correlate(first), again=second)
    assert [(one.pointer, one.cause) for one in found.steps[0].differences] == [("/mood", "noise"), ("/price", "data")]


def test_a_thousand_steps_are_compared_step_by_step():
    first = [a_step(number, f"/api/catalogue/books/{number}", body={"n": number}) for number in range(1, 1001)]
    second = [replace(one, step=one.step + 1) for one in first]
    second.insert(0, a_step(1, "/extra/thing"))
    found = compare_runs("A", "B", first, second, correlate(first[:5]))
    assert [pair.outcome for pair in found.steps] == ["added"] + ["same"] * 1000


def test_junit_has_a_case_for_every_step_and_survives_any_text():
    steps = (
        StepResult(1, "GET", "/a\x00<&\"", "same", 200, 200, took_ms=5.0),
        StepResult(2, "GET", "/b", "stopped", message='say "no"'), StepResult(3, "GET", "/c", "skipped"),
    )  # fmt: skip
    suite = ET.fromstring(junit([("x<y", result_json(ReplayResult("N", "O", steps)))])).find("testsuite")
    assert suite.attrib | {} == {
        "name": "x<y", "tests": "3", "failures": "0", "errors": "1", "skipped": "1", "time": "0.005",
    }  # fmt: skip
    assert [len(case) for case in suite] == [0, 1, 1] and suite[1][0].attrib["message"] == 'say "no"'


def a_login(secret, status=200, headers=()):
    body = json.dumps({"user": "ada", "password": secret}).encode()
    found = a_step(target="/api/users/login", status=status, where="users@qa")
    fields = (("Content-Type", "application/json"), *headers)
    return replace(found, request=replace(found.request, method="POST", headers=fields, body=Body(len(body), body)))


ONE, OTHER = "sealed_aaaaaaaaaaaaaaaaaaaa_16", "sealed_bbbbbbbbbbbbbbbbbbbb_16"


def test_another_sealed_password_is_another_request():
    told = card(a_login(OTHER, 401), a_login(ONE))
    assert told.sentence == "401 because body /password is another secret than the one that answers 200 on users@qa."
    assert [(row.place, row.failing) for row in told.rows] == [("body /password", "(sealed)")]


def test_a_token_of_another_sign_in_is_a_reason_only_where_the_answer_is_about_it():
    tokens = [(("Authorization", f"Bearer {one}"),) for one in (ONE, OTHER)]
    assert (
        "header authorization is another secret"
        in card(a_login(ONE, 403, tokens[1]), a_login(ONE, 200, tokens[0])).sentence
    )
    assert "something changed" in card(a_login(ONE, 404, tokens[1]), a_login(ONE, 200, tokens[0])).sentence


def a_payment(number, status=201):
    found = a_step(number, "/api/payments/orders/7/payments", status=status, where="payments@qa")
    return replace(found, request=replace(found.request, method="POST"))


def test_what_came_before_is_the_reason_where_the_requests_are_equal():
    early, late, pay = a_step(4, "/r/7", status=404), a_step(6, "/r/7"), a_payment(5)
    told = card(early, late, before=((), (pay,)))
    assert told.sentence == (
        "404 because POST /api/payments/orders/{}/payments had not been sent before; after it the same request answers "
        "200 on catalogue@qa."
    )
    twice = card(a_payment(6, 409), a_payment(5), before=((a_payment(5),), ()))
    assert twice.sentence.startswith(
        "409 because the same request had been answered before: the first time it answers 201"
    )
    assert twice.rows[0].place == "order"


def test_a_value_gets_the_name_that_the_good_answer_gives_it():
    failing = a_step(target="/api/catalogue/books/978-9", status=404)
    told = card(failing, a_step(body={"isbn": "978-1"}))
    assert told.sentence == "404 because isbn 978-9 is unknown on catalogue@qa; 978-1 answers 200."


def test_what_was_changed_at_an_earlier_step_is_the_first_suspect():
    failing, good = a_step(4, "/api/orders/7/receipt", status=404), a_step(4, "/api/orders/7/receipt")
    found = card(failing, good, changed="step 2 was changed (path /books/978-9)")
    assert found.sentence == (
        "404 after step 2 was changed (path /books/978-9); without that change the same request answers 200."
    )
    own = card(a_step(4, "/b?size=0", status=422), a_step(4, "/b?size=1"), changed="step 2 was changed (path /x)")
    assert own.sentence.startswith("422 because query size is 0"), "a change of the request itself goes before it"


@pytest.mark.parametrize(
    ("other", "same"),
    [
        ("/api/catalogue/books/978-2", True),
        ("/api/catalogue/users/978-1", False),
        ("/api/catalogue/books", False),
        ("/api/catalogue/books/978-2?lang=fr", True),
        ("/api/catalogue/books/978-2/reviews", False),
    ],
)
def test_a_success_of_another_thing_explains_nothing(other, same):
    failing = a_step(2, "/api/catalogue/books/978-9", status=404)
    assert (sibling(failing, [a_step(1, other)]) is not None) is same


def test_an_id_is_not_called_by_the_name_of_another_thing():
    good = a_step(1, "/api/posts/1", body={"authorId": 1, "id": 1})
    found = card(a_step(2, "/api/posts/9999", status=404), good)
    assert found.sentence.startswith("404 because post 9999 is unknown")

"""Reasons of a recording's failures: found once, grouped, worded, with what to try."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from gateway.export.documents.error_cards import cards
from gateway.model.exchange import Exchange, Failure
from gateway.model.message import Body, Request, Response
from gateway.replay.branch import edited, read_set, read_unset
from gateway.replay.error_card import card, card_json, shared_causes
from gateway.replay.reasons import explained, named_path, summary


def a_step(number, target="/api/catalogue/books/978-1", *, method="GET", status=200, body=None, sent=None,
           where="catalogue@qa", headers=(), prefix="/api/catalogue"):  # fmt: skip
    data = json.dumps({"isbn": "978-1"} if body is None else body).encode()
    wanted = b"" if sent is None else json.dumps(sent).encode()
    cluster, _, environment = where.partition("@")
    kind = (("Content-Type", "application/json"),)
    return Exchange(
        f"X{number:03}", "R", number, "s", f"2026-01-01T00:00:{number % 60:02d}.000000Z", "http://h/x",
        Request("1.1", (*headers, *(kind if sent is not None else ())), Body(len(wanted), wanted), method=method, target=target),
        Response("1.1", kind, Body(len(data), data), status=status),
        status=status, cluster=cluster, environment=environment, prefix=prefix,
    )  # fmt: skip


def the_book():
    """Found on qa; an unknown ISBN; the same on dev; on test the path is another one."""
    return [
        a_step(1),
        a_step(2, "/api/catalogue/books/978-9", status=404, body={"detail": "978-9 is not in the catalogue of qa"}),
        a_step(3, status=404, where="catalogue@dev", body={"detail": "978-1 is not in the catalogue of dev"}),
        a_step(4, status=404, where="catalogue@test",
               body={"detail": "version 2 has no /books", "instead": {"method": "GET", "path": "/titles/978-1"}}),
    ]  # fmt: skip


def test_each_failure_has_its_cause_its_contrast_and_what_to_try():
    found = explained(the_book()).groups
    assert [(one.first.cause, one.first.contrast) for one in found] == [
        ("ISBN 978-9 is unknown on catalogue@qa", "978-1 answers 200."),
        ("Only on catalogue@dev", "200 on @qa, same request."),
        ("Only on catalogue@test", "200 on @qa, same request."),
    ]
    assert [(one.first.attempt.label, one.first.attempt.body) for one in found] == [
        ("978-1", {"set": ["path:4=978-1"]}),
        ("on qa", {"env": ["catalogue=qa"]}),
        ("/titles/978-1", {"set": ["path=/api/catalogue/titles/978-1"]}),
    ]
    assert found[0].first.quotation == "978-9 is not in the catalogue of qa"
    assert {one.first.succeeding for one in found} == {1}


def test_the_sentence_is_made_of_facts():
    steps = the_book()
    assert summary(steps, explained(steps)).text == (
        "4 calls to 1 API. 3 failed, for 3 reasons: an unknown ISBN, only on catalogue@dev, only on catalogue@test."
    )
    assert summary(steps[:1], explained(steps[:1])).text == "1 call to 1 API. All answered as expected."
    lonely = [steps[1]]
    assert summary(lonely, explained(lonely)).text == "1 call to 1 API. 1 failed: 1 without a reason found."
    assert summary([], explained([])).text == "0 calls."
    waiting = [replace(steps[0], state="open", response=None, status=None)]
    assert summary(waiting, explained(waiting)).text == "1 call to 1 API."


def test_equal_reasons_are_one_group_with_its_steps():
    """Same status, kind, place and quotation but for its values: 978-1 and 978-2 are not in dev for one reason."""
    steps = [a_step(1), a_step(2, "/api/catalogue/books/978-2")]
    for number, isbn in enumerate(("978-1", "978-2", "978-1", "978-2"), 3):
        body = {"detail": f"{isbn} is not in the catalogue of dev"}
        steps.append(a_step(number, f"/api/catalogue/books/{isbn}", status=404, where="catalogue@dev", body=body))
    found = explained(steps)
    assert [(one.first.step, one.steps) for one in found.groups] == [(3, (3, 4, 5, 6))]
    assert found.of("X005") is found.groups[0]
    assert found.of("X001") is None
    assert summary(steps, found).text == "6 calls to 1 API. 4 failed, for one reason: only on catalogue@dev."


@pytest.mark.parametrize(
    ("sent", "good", "cause", "contrast", "edits"),
    [
        ({"qty": 0}, {"qty": 1}, "422 because qty is 0", "with 1 it answers 201.", {"set": ["json:/qty=1"]}),
        ({}, {"qty": 1}, "422 because qty is missing", "with it, the answer is 201.", {"set": ["json:/qty=1"]}),
        ({"qty": 1, "gift": "yes"}, {"qty": 1}, "422 because gift is sent", "without it, the answer is 201.",
         {"unset": ["json:/gift"]}),
    ],
    ids=["value", "missing", "sent"],
)  # fmt: skip
def test_one_different_member_is_named_and_the_attempt_can_be_made(sent, good, cause, contrast, edits):
    facts = {"target": "/api/orders/orders", "method": "POST", "where": "orders@qa"}
    steps = [a_step(1, **facts, status=201, sent=good), a_step(2, **facts, status=422, sent=sent)]
    reason = explained(steps).groups[0].first
    assert (reason.cause, reason.contrast, reason.attempt.body) == (cause, contrast, edits)
    made = [read_set(one) for one in edits.get("set", ())] + [read_unset(one) for one in edits.get("unset", ())]
    assert json.loads(edited(steps[1].request, made).body.data) == good


def test_a_secret_is_never_part_of_an_attempt():
    token = (("Authorization", "Bearer sealed_aaaaaaaaaaaaaaaaaaaa_16"),)
    steps = [a_step(1, headers=token), a_step(2, status=401)]
    reason = explained(steps).groups[0].first
    assert (reason.cause, reason.attempt) == ("401 because authorization is missing", None)


def test_a_step_that_nothing_can_be_compared_with_says_so():
    alone = a_step(1, status=404, body={"detail": "gone"})
    reason = explained([alone]).groups[0].first
    assert (reason.kind, reason.sentence) == ("none", "No reason found; nothing comparable was recorded.")
    assert reason.quotation == "gone"


def test_a_failure_without_a_response_is_its_own_reason():
    refused = replace(
        a_step(1), status=502, response=None, failure=Failure("connection_refused", "127.0.0.1:9 refused")
    )
    nowhere = replace(a_step(2, "/api/nowhere"), status=404, response=None, cluster="", environment="",
                      failure=Failure("destination_not_found", "no cluster at /api/nowhere"))  # fmt: skip
    found = explained([refused, nowhere]).groups
    assert [(one.first.kind, one.first.cause) for one in found] == [
        ("failure", "catalogue@qa: The upstream refused the connection"), ("failure", "No cluster at this path"),
    ]  # fmt: skip


def test_an_upstream_that_refuses_is_no_matter_of_order_and_another_place_is_named():
    again = replace(a_step(2), status=502, response=None, failure=Failure("connection_refused", "refused"))
    reason = explained([a_step(1), again]).groups[0].first
    assert (reason.kind, reason.cause, reason.contrast) == (
        "failure", "catalogue@qa: The upstream refused the connection", "",
    )  # fmt: skip
    elsewhere = replace(again, environment="dev")
    reason = explained([a_step(1), elsewhere]).groups[0].first
    assert (reason.kind, reason.contrast, reason.attempt.body) == (
        "failure", "200 on @qa, same request.", {"env": ["catalogue=qa"]},
    )  # fmt: skip


def test_so_many_different_failures_are_explained_and_the_rest_is_counted():
    steps = [a_step(1)] + [a_step(n, f"/api/catalogue/books/x{n}", status=404, body={}) for n in range(2, 82)]
    found = explained(steps)
    assert (found.failed, found.unexplained) == (80, 20)


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"instead": "/titles/1"}, "/titles/1"),
        ({"type": "/problems/gone", "instance": "/books/978-1"}, ""),  # RFC 9457: about this failure
        ({"a": "/one", "b": "/two"}, ""),
        ({"detail": "see /titles"}, ""),
        (["/only"], "/only"),
        ({"self": "/books/978-1"}, ""),
    ],
    ids=["one", "problem", "two", "words", "list", "itself"],
)
def test_the_path_that_a_response_names(body, path):
    assert named_path(a_step(1, status=404, body=body)) == path


def test_story_documents_and_replays_group_equal_causes_alike():
    """422s of one field are one cause, those of another field another one, though no response says a word."""
    good = a_step(1, "/api/shop/orders", method="POST", sent={"qty": 1, "sku": "A-1"}, body={}, status=201)
    bad = [
        a_step(number, "/api/shop/orders", method="POST", sent=sent, body={}, status=422)
        for number, sent in enumerate(
            ({"qty": 0, "sku": "A-1"}, {"qty": -5, "sku": "A-1"}, {"qty": 1, "sku": "?"}, {"qty": 900, "sku": "A-1"}), 2
        )
    ]
    groups = explained([good, *bad]).groups
    assert [one.steps for one in groups] == [(2, 3, 5), (4,)]
    told = [(one.step, card_json(card(one, good))) for one in bad]
    assert dict(shared_causes(told).values()) == {2: (3, 5), 4: ()}
    assert [(one.failing.step, "3 steps" in one.sentence) for one in cards([good, *bad])] == [(2, True), (4, False)]

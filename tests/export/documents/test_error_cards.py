"""How to get, or avoid, an error."""

from __future__ import annotations

import pytest

from gateway.export.documents.error_cards import ErrorCardRow, cards

MISSING = {"status": 404, "reason": "Not Found", "received": b'{"detail": "no such book"}'}


def the_card(*exchanges):
    found = cards(exchanges)
    assert len(found) == 1
    return found[0]


def test_the_path_differs(an_exchange):
    card = the_card(an_exchange(1, target="/api/orders/1"), an_exchange(2, target="/api/orders/9", **MISSING))
    assert card.rows == (ErrorCardRow("path", "/api/orders/9", "/api/orders/1"),)
    assert (card.says, card.sentence) == (
        "no such book",
        "404 because order 9 is unknown on orders@qa; 1 answers 200. Step 1 is the one that succeeded.",
    )


def test_the_route_not_the_request(an_exchange):
    card = the_card(an_exchange(1), an_exchange(2, environment="dev", **MISSING))
    assert card.sentence == (
        "404 only on orders@dev: the same request answers 200 on orders@qa. Step 1 is the one that succeeded."
    )


def test_the_same_request_after_something_was_done(an_exchange):
    steps = [an_exchange(1, **MISSING), an_exchange(2, method="POST", target="/api/orders/pay"), an_exchange(3)]
    assert the_card(*steps).sentence == (
        "404 because POST /api/orders/pay had not been sent before; after it the same request answers 200 on orders@qa. "
        "Step 3 is the one that succeeded."
    )


def test_a_header_is_missing(an_exchange):
    bearer = (("Authorization", "Bearer sealed_abcdefghijklmnopqrst_32"),)
    card = the_card(an_exchange(1, headers=(), **MISSING), an_exchange(2, headers=bearer))
    assert card.rows == (ErrorCardRow("header authorization", "(not there)", "Bearer (sealed)"),)


def test_a_field_of_the_body(an_exchange):
    good = an_exchange(1, method="POST", sent=b'{"qty": 1, "isbn": "a"}')
    bad = an_exchange(2, method="POST", sent=b'{"qty": 99, "isbn": "a"}', **MISSING)
    assert the_card(good, bad).rows == (ErrorCardRow("body /qty", "99", "1"),)


def test_two_secrets_that_differ_say_so(an_exchange):
    first, second = (b'{"password": "sealed_%s_8"}' % (b"abcdefghijklmnopqrs" + end) for end in (b"a", b"b"))
    card = the_card(an_exchange(1, method="POST", sent=first, **MISSING), an_exchange(2, method="POST", sent=second))
    assert card.rows == (ErrorCardRow("body /password", "(sealed) (one value)", "(sealed) (another)"),)


def test_the_smallest_difference_is_chosen(an_exchange):
    far = an_exchange(1, method="POST", sent=b'{"a": 1, "b": 2}')
    near = an_exchange(2, method="POST", sent=b'{"a": 9, "b": 2}')
    bad = an_exchange(3, method="POST", sent=b'{"a": 9, "b": 3}', **MISSING)
    assert the_card(far, near, bad).sibling is near


def test_without_a_sibling_the_card_says_so(an_exchange):
    card = the_card(an_exchange(1, **MISSING))
    assert (card.sibling, card.sentence) == (None, "No GET of this kind succeeded in this recording.")


def test_the_same_failure_has_one_card(an_exchange):
    assert len(cards([an_exchange(1, **MISSING), an_exchange(2, **MISSING), an_exchange(3)])) == 1


def test_failures_that_differ_only_in_ids_share_a_card(an_exchange):
    steps = [an_exchange(step, target=f"/api/orders/orders/{step}", status=404) for step in range(501, 511)]
    other = an_exchange(600, target="/api/orders/orders/7/receipt", status=404)
    found = cards([*steps, other])
    assert [card.failing.step for card in found] == [501, 600]
    assert found[0].sentence.endswith("It is so with 10 steps.")
    assert "It is so with" not in found[1].sentence


@pytest.mark.parametrize(
    ("media", "body", "says"),
    [
        ("application/problem+json", '{"title": "Conflict", "detail": "sold out"}', "sold out"),
        ("application/vnd.api+json", '{"errors": [{"status": "404", "detail": "no such order"}]}', "no such order"),
        ("application/json", '{"error": {"code": 7, "message": "quota is used up"}}', "quota is used up"),
        ("application/json", '{"detail": [{"loc": ["body", "qty"], "msg": "must be positive"}]}', "must be positive"),
        ("application/json", '{"error": "invalid_grant", "error_description": "code was used"}', "code was used"),
        ("application/x-amz-json-1.0", '{"__type": "QueueDoesNotExist"}', "QueueDoesNotExist"),
        ("application/json", '{"email": ["Enter a valid email address."]}', "email: Enter a valid email address."),
        ("text/xml", "<Error><Code>NoSuchKey</Code><Message>The key is &amp; was not there</Message></Error>",
         "The key is & was not there"),
        ("text/xml", ('<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><s:Fault><faultstring>'
         "no such account</faultstring></s:Fault></s:Body></s:Envelope>"), "no such account"),
        ("text/html", "<html><title>404</title><h1>Page <b>not</b> found</h1></html>", "Page not found"),
        ("text/plain", "upstream is down\nsince 10:00", "upstream is down"),
        ("application/json", "[]", ""),
        ("image/png", "\x89PNG\0", ""),
    ],
)  # fmt: skip
def test_what_the_response_says_of_itself(an_exchange, media, body, says):
    failing = an_exchange(1, status=400, answer_headers=(("Content-Type", media),), received=body.encode("latin-1"))
    assert the_card(failing).says == says

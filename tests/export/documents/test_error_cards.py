"""How to get, or avoid, an error."""

from __future__ import annotations

from gateway.export.documents.error_cards import Row, cards

MISSING = {"status": 404, "reason": "Not Found", "received": b'{"detail": "no such book"}'}


def the_card(*exchanges):
    found = cards(exchanges)
    assert len(found) == 1
    return found[0]


def test_the_path_differs(an_exchange):
    card = the_card(an_exchange(1, target="/api/orders/1"), an_exchange(2, target="/api/orders/9", **MISSING))
    assert card.rows == (Row("path", "/api/orders/9", "/api/orders/1"),)
    assert (card.says, card.sentence) == (
        "no such book",
        "The only difference to step 1, which was answered 200: path.",
    )


def test_the_route_not_the_request(an_exchange):
    card = the_card(an_exchange(1), an_exchange(2, environment="dev", **MISSING))
    assert card.sentence == "The route, not the request: the same request in step 1 was answered 200 on qa."


def test_the_same_request_after_something_was_done(an_exchange):
    steps = [an_exchange(1, **MISSING), an_exchange(2, method="POST", target="/api/orders/pay"), an_exchange(3)]
    assert (
        the_card(*steps).sentence == "The same request: step 3 was answered 200, after step 2 (POST /api/orders/pay)."
    )


def test_a_header_is_missing(an_exchange):
    bearer = (("Authorization", "Bearer sealed_abcdefghijklmnopqrst_32"),)
    card = the_card(an_exchange(1, headers=(), **MISSING), an_exchange(2, headers=bearer))
    assert card.rows == (Row("header Authorization", "(not there)", "Bearer <secret>"),)


def test_a_field_of_the_body(an_exchange):
    good = an_exchange(1, method="POST", sent=b'{"qty": 1, "isbn": "a"}')
    bad = an_exchange(2, method="POST", sent=b'{"qty": 99, "isbn": "a"}', **MISSING)
    assert the_card(good, bad).rows == (Row("body /qty", "99", "1"),)


def test_two_secrets_that_differ_say_so(an_exchange):
    first, second = (b'{"password": "sealed_%s_8"}' % (b"abcdefghijklmnopqrs" + end) for end in (b"a", b"b"))
    card = the_card(an_exchange(1, method="POST", sent=first, **MISSING), an_exchange(2, method="POST", sent=second))
    assert card.rows == (Row("body /password", '"<secret>" (one value)', '"<secret>" (another)'),)


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
    assert [card.failing.step for card in cards([*steps, other])] == [501, 600]

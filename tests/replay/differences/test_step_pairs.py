"""Which step belongs to which: kinds of requests, and the cheapest pairing."""

from __future__ import annotations

import pytest

from gateway.replay.differences.step_pairs import VALUE, align_digests


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/orders/501/items", "/orders/{}/items"),
        ("/orders/ord-17x", "/orders/{}"),
        ("501/x", "{}/x"),
        ("/by/sealed_aaaabbbbccccddddeeee_12/x", "/by/{}/x"),
        ("/books//new", "/books//new"),
        ("/" + "x" * 60_000, "/" + "x" * 60_000),  # a long segment is looked at once, not from every place in it
    ],
    ids=["number", "word with a number", "start", "sealed", "plain", "long"],
)
def test_values_are_left_out_of_a_kind(path, kind):
    assert VALUE.sub("{}", path) == kind


def test_equal_is_cheaper_than_changed_and_changed_than_one_sided():
    a, b, c = ("GET a", "1"), ("GET b", "1"), ("GET c", "1")
    other = ("GET b", "2")
    assert align_digests([a, b, c], [a, other, c]) == [(0, 0), (1, 1), (2, 2)]
    assert align_digests([a, b, c], [a, c]) == [(0, 0), (1, None), (2, 1)]
    assert align_digests([a, c], [a, b, c]) == [(0, 0), (None, 1), (1, 2)]

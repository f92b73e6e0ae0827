"""Words for labels."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model.text import clean, duration, shape, shortened, size


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/orders/501", "/orders/{id}"),
        ("/orders/501/items/17?x=1", "/orders/{id}/items/{id}"),
        ("/users/0b8f3c1e-6a51-4f6b-9d6e-2f7c1a9b0c3d/cart", "/users/{id}/cart"),
        ("/r/01JD5ZC7XQ2M8N4P6R8T0V2W4Y", "/r/{id}"),
        ("/v2/books", "/v2/books"),
        ("/books/978-1", "/books/978-1"),
        ("/a-rather-long-word-without-digits", "/a-rather-long-word-without-digits"),
    ],
)
def test_ids_become_a_shape(path, expected):
    assert shape(path) == expected


@given(st.text(), st.integers(2, 60))
def test_shortened_text_fits_and_keeps_both_ends(text, limit):
    short = shortened(text, limit)
    assert len(short) <= limit
    assert short == text or (text.endswith(short.partition("…")[2]) and "…" in short)


@given(st.text())
def test_clean_text_is_one_visible_line_and_can_be_encoded(text):
    assert len(clean(text)) == len(text)
    assert {unicodedata.category(char) for char in clean(text)}.isdisjoint({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
    assert clean(text).encode().decode() == clean(text)


@pytest.mark.parametrize(("ms", "words"), [(0.2, "<1 ms"), (14.2, "14 ms"), (999.6, "1.0 s"), (61_000, "61.0 s")])
def test_durations(ms, words):
    assert duration(ms) == words


@pytest.mark.parametrize(("count", "words"), [(0, "0 bytes"), (1536, "1.5 KiB"), (3 << 20, "3.0 MiB")])
def test_sizes(count, words):
    assert size(count) == words


def test_half_a_name_goes_as_well():
    assert (
        shortened("/api/orders/orders/{order_id}/receipts/of/{order_id}", 40)
        == "/api/orders/ord…/receipts/of/{order_id}"
    )
    assert shortened("/{a_long_name_of_a_value}/x/y/z/and/so/on/forever", 30) == "/…/and/so/on/forever"

"""Choices out of an earlier response."""

from __future__ import annotations

import pytest

from gateway.demos.definition.choices import MOST, options
from gateway.demos.definition.schema import Choice, ChoicesFrom

BOOKS = [{"isbn": "978-1", "title": "Emma"}, {"isbn": "978-2"}, {"title": "no number"}, {"isbn": "978-1", "title": "x"}]


@pytest.mark.parametrize(
    ("items", "wanted"),
    [
        (BOOKS, (Choice("978-1", "Emma"), Choice("978-2", ""))),
        ({"a": BOOKS[0]}, (Choice("978-1", "Emma"),)),
        ([], ()), (None, ()), ("text", ()), ([1, "x", None], ()),
    ],
)  # fmt: skip
def test_the_items_of_a_kept_list(items: object, wanted: tuple[Choice, ...]) -> None:
    assert options((), ChoicesFrom("books", "$.isbn", "$.title"), {"books": items}) == wanted


def test_plain_items_keep_their_types() -> None:
    assert options((), ChoicesFrom("ids"), {"ids": [1, "1", True, 2]}) == (
        Choice(1, "1"), Choice("1", "1"), Choice(True, "True"), Choice(2, "2"),
    )  # fmt: skip


def test_a_long_list_is_cut() -> None:
    assert len(options((), ChoicesFrom("ids"), {"ids": list(range(MOST + 1))})) == MOST


def test_nothing_before_the_step_that_keeps_the_list() -> None:
    assert options((), ChoicesFrom("ids"), {}) == ()


def test_a_secret_is_no_choice() -> None:
    items = {"token": "s3cret-s3cret", "user": "ada"}
    assert options((), ChoicesFrom("all"), {"all": items}) == (Choice("ada", "ada"),)
    assert options((), ChoicesFrom("all", "$.token"), {"all": [items]}) == ()

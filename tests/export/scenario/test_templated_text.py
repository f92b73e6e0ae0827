"""Text with variables in it.

Covers: export/documents/custom_template.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.export.scenario.templated_text import VariableUse, identifier, names, split, written

USES = {"501": VariableUse("order_id", "501"), "50": VariableUse("count", "50")}


def test_the_longest_value_wins():
    assert split("/orders/501/50", USES) == ("/orders/", USES["501"], "/", USES["50"])


def test_a_text_without_values_is_one_literal():
    assert split("/orders", USES) == ("/orders",)
    assert split("", USES) == ()


def test_names_come_in_order_with_repeats():
    assert list(names(split("501 50 501", USES))) == ["order_id", "count", "order_id"]


@given(st.text())
def test_nothing_is_lost(text):
    assert written(split(text, USES), lambda name: {"order_id": "501", "count": "50"}[name]) == text


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("accessToken", "access_token"),
        ("X-Api-Key", "x_api_key"),
        ("", "value"),
        ("1st", "value_1st"),
        ("ключ", "value"),
    ],
)
def test_identifiers(text, name):
    assert identifier(text) == name

"""Author expressions: native values, sandboxed, and clear about what is missing."""

import pytest

from gateway.demos.definition.expressions import ExpressionError, is_expression, names_in_all, worked_out


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ price * qty }}", 25.0),
        ("{{ qty }}", 2),
        ("{{- qty -}}", 2),
        ("Bearer {{ token }}", "Bearer 0012"),
        ("{{ token }}", "0012"),
        ("{{ books[0].isbn }}", "978"),
        ("{{ books | length }}", 1),
        ("{{ '}}' }}", "}}"),
        ("{{ qty }}{{ qty }}", "22"),
        ("{% if qty > 1 %}many{% endif %}", "many"),
        ("plain", "plain"),
        ({"a": ["{{ qty }}", 1]}, {"a": [2, 1]}),
    ],
)
def test_values_keep_their_type_and_texts_stay_texts(text, expected):
    values = {"price": 12.5, "qty": 2, "token": "0012", "books": [{"isbn": "978"}]}
    assert worked_out(text, values) == expected


@pytest.mark.parametrize("text", ["{{ prize }}", "{{ prize * 2 }}", "x {{ prize }}", "{{ qty if prize else 1 }}"])
def test_a_missing_value_is_named(text):
    with pytest.raises(ExpressionError) as error:
        worked_out(text, {"qty": 1})
    assert error.value.missing == "prize"


@pytest.mark.parametrize(
    "text",
    [
        "{{ ''.__class__.__mro__ }}",
        "{{ x.__init__.__globals__ }}",
        "{{ 'a' * 10 ** 9 }}",
        "{{ 9 ** 999 }}",
        "{{ range(9) }}",
        "{{ lipsum() }}",
        "{{ 1 / 0 }}",
        "{{ x.append(1) }}",
    ],
)
def test_nothing_dangerous_is_worked_out(text):
    with pytest.raises(ExpressionError):
        worked_out(text, {"x": [1]})


def test_names_are_found_anywhere():
    assert names_in_all({"a": ["{{ b + c }}", "d"], "e": "x {{ f }}"}) == {"b", "c", "f"}
    assert not is_expression("{x}")

"""JSON values against schemas: what fits, what does not and where, and that no rule is passed over."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import UsageError
from gateway.export.schema_inference import schema_of
from gateway.replay.json_schema import check_schema, faults

BOOK = {
    "type": "object", "required": ["isbn", "price"], "additionalProperties": False,
    "properties": {"isbn": {"type": "string", "pattern": "^978-"}, "price": {"type": "number", "minimum": 0},
                   "tags": {"type": "array", "items": {"$ref": "#/$defs/tag"}, "maxItems": 2}},
    "$defs": {"tag": {"enum": ["new", "used"]}},
}  # fmt: skip


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ({"isbn": "978-1", "price": 7, "tags": ["new"]}, []),
        ({"isbn": 1, "price": 7}, ["/isbn is a number, not a string"]),
        ({"isbn": "x", "price": -1}, ["/isbn does not match ^978-", "/price is -1, less than 0"]),
        ({"isbn": "978-1"}, ["the value lacks price"]),
        ({"isbn": "978-1", "price": 1, "more": 1}, ["/more may not be there"]),
        ({"isbn": "978-1", "price": 1, "tags": ["odd", "new", "new"]},
         ["/tags/0 is none of ['new', 'used']", "/tags has 3, more than 2"]),
        ([], ["the value is an array, not an object"]),
    ],
)  # fmt: skip
def test_what_is_wrong_and_where(value, told):
    assert sorted(faults(value, BOOK)) == sorted(told)


@pytest.mark.parametrize(
    ("value", "schema", "fits"),
    [
        (1.0, {"type": "integer"}, True), (1.5, {"type": "integer"}, False), (True, {"type": "integer"}, False),
        (None, {"type": ["string", "null"]}, True), (1, {"const": 1.0}, True), (1, {"const": True}, False),
        (3, {"anyOf": [{"type": "string"}, {"minimum": 3}]}, True), (3, {"oneOf": [{"minimum": 1}, {"minimum": 2}]}, False),
        ("ab", {"allOf": [{"minLength": 2}, {"maxLength": 2}]}, True), ("ab", {"not": {"type": "string"}}, False),
        (3, {"exclusiveMaximum": 3}, False), ({}, {"minProperties": 1}, False), (10**400, {"type": "integer"}, True),
    ],
)  # fmt: skip
def test_each_rule(value, schema, fits):
    check_schema(schema)
    assert (not list(faults(value, schema))) is fits


@pytest.mark.parametrize("schema", [{"tpye": "string"}, {"properties": {"a": {"if": {}}}}, [1], {"items": "x"}])
def test_a_rule_that_is_not_understood_is_refused(schema):
    with pytest.raises(UsageError):
        check_schema(schema)


def test_references_that_lead_nowhere_or_in_a_circle():
    for schema in ({"$ref": "#/$defs/x"}, {"$ref": "#"}, {"$ref": "http://x/"}):
        with pytest.raises(UsageError):
            list(faults(1, schema))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4), max_leaves=12,
)  # fmt: skip


@given(JSON)
def test_an_inferred_schema_is_understood_and_fits_its_own_sample(value):
    schema = schema_of([value])
    check_schema(schema)
    assert list(faults(value, schema)) == []

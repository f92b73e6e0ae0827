"""JSON values against schemas: what fits, what does not and where, and that no rule is passed over."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import UsageError
from gateway.export.openapi.schema_inference import schema_of
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
        ({"isbn": 1, "price": 7}, ['/isbn: 1 is not of type "string"']),
        ({"isbn": "x", "price": -1}, ['/isbn: "x" does not match "^978-"', "/price: -1 is less than the minimum of 0"]),
        ({"isbn": "978-1"}, ['the value: "price" is a required property']),
        ({"isbn": "978-1", "price": 1, "more": 1}, ["the value: Additional properties are not allowed ('more' was unexpected)"]),
        ({"isbn": "978-1", "price": 1, "tags": ["odd", "new", "new"]},
         ['/tags/0: "odd" is not one of "new" or "used"', '/tags: ["odd","new","new"] has more than 2 items']),
        ([], ['the value: [] is not of type "object"']),
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


@pytest.mark.parametrize("schema", [{"tpye": "string"}, {"properties": {"a": {"iff": {}}}}, [1], {"items": "x"}])
def test_a_rule_that_is_not_understood_is_refused(schema):
    with pytest.raises(UsageError):
        check_schema(schema)


@pytest.mark.parametrize("schema", [{"$ref": "#/$defs/x"}, {"$ref": "http://127.0.0.1:9/x"}, {"pattern": "(?=a)"}])
def test_a_schema_that_cannot_be_used_is_refused(schema):
    """References that lead nowhere or to a network, and patterns that are not linear."""
    with pytest.raises(UsageError):
        check_schema(schema)
    with pytest.raises(UsageError):
        list(faults("1", schema))


def test_a_schema_that_refers_to_itself_ends():
    tree = {"type": "object", "properties": {"next": {"$ref": "#"}}, "additionalProperties": False}
    assert list(faults({"next": {"next": {}}}, tree)) == []
    assert [fault.partition(":")[0] for fault in faults({"next": {"next": 1}}, tree)] == ["/next/next"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4), max_leaves=12,
)  # fmt: skip


@given(JSON)
def test_an_inferred_schema_is_understood_and_fits_its_own_sample(value):
    schema = schema_of([value])
    check_schema(schema)
    assert list(faults(value, schema)) == []

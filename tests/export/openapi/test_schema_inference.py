"""Schemas inferred from samples."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.export.openapi.schema_inference import sample_of, schema_of

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=12,
)


def allows(schema, value):
    """A small validator for what schema_of writes."""
    if "anyOf" in schema:
        return any(allows(part, value) for part in schema["anyOf"])
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    names = {
        type(None): "null",
        bool: "boolean",
        int: "integer",
        float: "number",
        str: "string",
        list: "array",
        dict: "object",
    }
    kind = names[type(value)]
    if kinds and kind not in kinds and not (kind == "integer" and "number" in kinds):
        return False
    if isinstance(value, dict):
        members = schema.get("properties", {})
        return set(schema.get("required", ())) <= set(value) and all(
            allows(members[name], one) for name, one in value.items() if name in members
        )
    return all(allows(schema.get("items", {}), one) for one in value) if isinstance(value, list) else True


@given(st.lists(VALUES, min_size=1, max_size=5))
def test_every_sample_is_valid(samples):
    schema = schema_of(samples)
    assert all(allows(schema, sample) for sample in samples)


@pytest.mark.parametrize(
    ("samples", "schema"),
    [
        ([1, 2], {"type": "integer"}),
        ([1, 2.5], {"type": "number"}),
        (["a", None], {"type": ["null", "string"]}),
        (["2026-11-22T06:00:00Z"], {"type": "string", "format": "date-time"}),
        (["2026-11-22", "x"], {"type": "string"}),
        (["https://a.example/x"], {"type": "string", "format": "uri"}),
        ([{"a": 1}, {"a": 2, "b": 3}],
         {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}, "required": ["a"]}),
        ([[1], []], {"type": "array", "items": {"type": "integer"}}),
        ([{"a": 1}, [1]], {"anyOf": [{"type": "array", "items": {"type": "integer"}},
                                     {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}]}),
    ],
    ids=str,
)  # fmt: skip
def test_schemas(samples, schema):
    assert schema_of(samples) == schema


def test_what_is_not_json_is_no_sample():
    assert [sample_of(text)[0] for text in ("{}", "NaN", "[" * 100_000, "", None)] == [True, False, False, False, False]

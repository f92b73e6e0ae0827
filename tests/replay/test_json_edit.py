"""One place of a JSON text changes, and no other byte.

Covers: correlation/json_values, replay/variant_edit.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.correlation.json_values import Number
from gateway.replay.json_edit import edited_text

RAW = '{ "a":[1, {"b" : 1.10}],\t"snow":174322306148984777, "e":1E+2, "m":-0.0, "dup":1, "dup":2, "u":"\\u00e9\\/", "x":{}}'


@pytest.mark.parametrize(
    ("pointer", "value", "before", "after"),
    [
        ("/a/1/b", Number("0.1000000000000000055"), '"b" : 1.10', '"b" : 0.1000000000000000055'),
        ("/snow", Number("123456789012345678901234567890.5"), "174322306148984777", "123456789012345678901234567890.5"),
        ("/dup", Number("3"), '"dup":2', '"dup":3'),
        ("/u", "ü", '"\\u00e9\\/"', '"ü"'),
        ("/a/0", None, "[1, {", "[null, {"),
        ("/x/new", "y", '"x":{}', '"x":{"new": "y"}'),
        ("/a/1/c", True, '{"b" : 1.10}', '{"b" : 1.10,"c" : true}'),
        ("/a/-", Number("7"), "1.10}]", "1.10}, 7]"),
        ("/x/p/q", False, '"x":{}', '"x":{"p": {"q": false}}'),
    ],
)
def test_only_that_place_changes(pointer: str, value: Any, before: str, after: str):
    assert edited_text(RAW, pointer.split("/")[1:], lambda _: value) == RAW.replace(before, after, 1)


@pytest.mark.parametrize(
    ("pointer", "before", "after"),
    [
        ("/a", '"a":[1, {"b" : 1.10}],\t', ""),
        ("/x", ', "x":{}', ""),
        ("/a/0", "1, ", ""),
        ("/a/1/b", '{"b" : 1.10}', "{}"),
    ],
)
def test_a_member_that_is_taken_away_takes_one_comma_with_it(pointer: str, before: str, after: str):
    assert edited_text(RAW, pointer.split("/")[1:], None) == RAW.replace(before, after, 1)


DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(), lambda one: st.lists(one) | st.dictionaries(st.text(), one)
)


@settings(deadline=None)
@given(st.dictionaries(st.text(), DOCUMENTS, min_size=1), st.data())
def test_the_rest_reads_as_it_did(document: dict[str, Any], data: st.DataObject):
    name = data.draw(st.sampled_from(sorted(document)))
    text = json.dumps(document, indent=data.draw(st.sampled_from([None, 1])))
    assert json.loads(edited_text(text, [name], lambda _: "new")) == {**document, name: "new"}
    assert json.loads(edited_text(text, [name], None)) == {key: one for key, one in document.items() if key != name}

"""What is written as YAML is read as the same again, by a reader that loves to see more than text in it."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from gateway.export.yaml import yaml_of

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
SCALARS = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXT
DATA = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner), max_leaves=12)


@given(st.dictionaries(TEXT, DATA))
def test_it_reads_as_what_was_written(data):
    assert (yaml.safe_load(yaml_of(data)) or {}) == data


@pytest.mark.parametrize(
    "text", ["yes", "NO", "null", "012", "0o17", "1e3", "1:30", "2026-11-22", "- a", "a: b", "a #b", "~", "", " ", "<<", "=", "&a", "*a", "!t", "%a", "@a", "`a", "y", "NaN", ".inf"],
)  # fmt: skip
def test_words_that_somebody_might_mistake_are_quoted(text):
    assert yaml_of({"a": text}) == f'a: "{text}"\n'


def test_plain_words_stand_plain_and_lines_as_blocks():
    data = {"info": {"name": "Order a book"}, "items": [{"url": "a/b", "count": 1}, [], {}], "script": "one\n\n  two\n"}
    assert yaml_of(data, comment=["Says", ""]) == (
        "# Says\n#\ninfo:\n  name: Order a book\nitems:\n  - url: a/b\n    count: 1\n  - []\n  - {}\nscript: |\n  one\n\n    two\n"
    )


def test_what_cannot_be_seen_is_written_by_its_number():
    assert (
        yaml_of({"a": "x\u202e\x00\u2028\ufeff\U000e0001\n y"})
        == 'a: "x\\u202E\\x00\\u2028\\uFEFF\\U000E0001\\x0A y"\n'
    )

"""The JSON viewer's lines, and two documents laid out beside each other."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.console.json_view import DiffFold, DiffRow, json_diff, json_lines
from gateway.model.bodies import pretty_json

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-99, 99)
    | st.sampled_from(["", "a", "b c", "\u202e", '"', "2026-11-30T10:00:00Z"]),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["id", "a", "b c", "~/"]), inner, max_size=4)
    ),
    max_leaves=20,
)


def test_lines_have_paths_values_and_ends():
    lines = json_lines('{"items": [{"id": 7, "x y": null}], "n": 1.10}')
    assert [(one.number, one.path, one.value, one.end) for one in lines] == [
        (1, "$", "", 9), (2, "$.items", "", 7), (3, "$.items[0]", "", 6), (4, "$.items[0].id", "7", 0),
        (5, '$.items[0]["x y"]', "null", 0), (6, "$.items[0]", "", 0), (7, "$.items", "", 0), (8, "$.n", "1.10", 0),
        (9, "$", "", 0),
    ]  # fmt: skip


@given(VALUES)
def test_the_lines_are_the_document_as_it_is_laid_out(value):
    text = json.dumps(value)
    lines = json_lines(text)
    assert "\n".join(one.text for one in lines) == pretty_json(text)
    assert all(one.end > one.number for one in lines if one.end)


@pytest.mark.parametrize("text", ["", "no", "{", "[1,", "<a/>"])
def test_what_is_no_json_has_no_lines(text):
    assert json_lines(text) == ()
    assert json_diff(text, "{}") is None


def rows_of(before, after, causes=None):
    found = json_diff(json.dumps(before), json.dumps(after), causes)
    return [row for each in found.rows for row in (each.rows if isinstance(each, DiffFold) else (each,))]


def side(rows, name):
    cells = [getattr(row, name) for row in rows]
    return "\n".join("  " * one.depth + "".join(piece.text for piece in one.pieces) for one in cells if one)


@given(VALUES, VALUES)
def test_each_side_is_its_whole_document(before, after):
    """Nothing is lost, nothing is said twice, numbers of lines rise, whatever is compared with whatever. Items that are
    the same in another order are in one row, so that the right side has them in the order of the left."""
    rows = rows_of(before, after)
    for name, value in (("left", before), ("right", after)):
        assert _unordered(json.loads(side(rows, name))) == _unordered(value)
        numbers = [getattr(row, name).number for row in rows if getattr(row, name)]
        assert numbers == list(range(1, len(numbers) + 1))
    changed = any(row.changed for row in rows)
    if _kinds(before) == _kinds(after):
        assert not changed
    if _kinds(_unordered(before)) != _kinds(_unordered(after)):
        assert changed


def _unordered(value):
    if isinstance(value, list):
        return sorted((_unordered(item) for item in value), key=_kinds)
    return {name: _unordered(item) for name, item in value.items()} if isinstance(value, dict) else value


def _kinds(value):
    return json.dumps(value, sort_keys=True)


@given(VALUES)
def test_a_document_does_not_differ_from_itself_in_another_order(value):
    rows = rows_of(value, _turned(value))
    assert not any(row.changed for row in rows)


def _turned(value):
    if isinstance(value, dict):
        return {name: _turned(value[name]) for name in reversed(list(value))}
    return [_turned(one) for one in value] if isinstance(value, list) else value


BOOK = {"isbn": "978-1", "title": "The Art", "author": "Knuth", "price": 12.5, "currency": "EUR", "stock": 4,
        "checked_at": "2026-11-30T09:51:38Z"}  # fmt: skip
TITLE = {"id": "978-1", "title": "The Art", "authors": ["Donald E. Knuth"], "price": {"amount": 12.5}, "currency": "EUR",
         "stock": 3, "checked_at": "2026-11-30T10:02:11Z"}  # fmt: skip


def test_a_changed_shape_is_told_in_words():
    """What version 2 of the sample's catalogue does to a book."""
    causes = {"/checked_at": ("time", True)}
    told = [(row.cause, row.contract, row.expected) for row in rows_of(BOOK, TITLE, causes) if row.cause]
    assert told == [
        ("renamed", True, False), ("now a list", True, False), ("now an object", True, False), ("value", False, False),
        ("time", False, True),
    ]  # fmt: skip
    assert json_diff(json.dumps(BOOK), json.dumps(TITLE)).members == ("isbn", "author", "price")


def test_what_changed_in_a_value_is_marked():
    rows = rows_of({"at": "2026-11-30T09:51:38Z"}, {"at": "2026-11-30T10:02:11Z"})
    changed = next(row for row in rows if row.changed)
    assert [(piece.text, piece.mark) for piece in changed.left.pieces] == [
        ('"at"', False), (": ", False), ('"2026-11-30T', False), ("09:51:38", True), ('Z"', False),
    ]  # fmt: skip


def test_items_pair_by_their_keys():
    before = [{"id": 1, "n": "a"}, {"id": 2, "n": "b"}]
    after = [{"id": 2, "n": "b"}, {"id": 3, "n": "c"}, {"id": 1, "n": "A"}]
    causes = [
        (row.cause, side([row], "left").strip(), side([row], "right").strip())
        for row in rows_of(before, after)
        if row.cause
    ]
    assert causes == [("value", '"n": "a"', '"n": "A"'), ("added", "", "{")]


def test_equal_rows_are_folded_but_for_one_beside_a_change():
    before = {f"m{n}": n for n in range(20)}
    found = json_diff(json.dumps(before), json.dumps(before | {"m10": "x"}))
    assert [len(one.rows) if isinstance(one, DiffFold) else one.changed for one in found.rows] == [
        10,
        False,
        True,
        False,
        9,
    ]
    assert found.changes == 1
    assert all(isinstance(one, DiffRow | DiffFold) for one in found.rows)
    same = json_diff(json.dumps(before), json.dumps(before))
    assert (len(same.rows), same.changes) == (1, 0)

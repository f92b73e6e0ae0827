"""A family is a tree whichever of its members one begins with, and never an endless one."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.model.recording import Relative, in_tree


def relatives(parents):
    return [Relative(str(at), f"r{at}", "variant", None if up is None else str(up)) for at, up in enumerate(parents)]


def test_children_follow_their_parent_oldest_first():
    found = in_tree(relatives([None, 0, 1, 0, 9]), "2")
    assert [(one.id, one.depth, one.variants) for one in found] == [("0", 0, 2), ("1", 1, 1), ("2", 2, 0), ("3", 1, 0)]


def test_a_parent_that_is_gone_begins_a_family():
    assert [one.id for one in in_tree(relatives([None, 9, 1]), "2")] == ["1", "2"]


@given(st.lists(st.none() | st.integers(0, 12), min_size=1, max_size=12), st.data())
def test_every_member_is_in_it_once(parents, data):
    """Even where a broken file says that a recording comes from itself."""
    found = relatives(parents)
    of = data.draw(st.sampled_from(found)).id
    ids = [one.id for one in in_tree(found, of)]
    assert of in ids
    assert len(ids) == len(set(ids))

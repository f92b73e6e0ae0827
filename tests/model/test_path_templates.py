"""Templates of a labelled corpus: ids become parameters, literals stay, parameters have the names that people use."""

from __future__ import annotations

import re
from pathlib import Path as File

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model.path_templates import Path, templates

CORPUS = [
    line
    for line in (File(__file__).parents[1] / "data" / "path_templates.txt").read_text("utf-8").splitlines()
    if line.strip() and not line.startswith("#")
]


def a_path(text, group=""):
    segments = text.split("/")[1:]
    bound = frozenset(index for index, one in enumerate(segments) if one.startswith("<"))
    named = frozenset(index for index, one in enumerate(segments) if re.fullmatch(r"\([^()]*\)", one))
    plain = (one[1:-1] if index in bound | named else one for index, one in enumerate(segments))
    return Path(group, tuple(plain), bound, named)


@pytest.mark.parametrize("line", CORPUS)
def test_a_labelled_set_of_paths(line):
    left, right = line.split(" -> ")
    group = re.match(r"\[(\w+)\] ", left)
    paths = [
        a_path(text, group[1] if group else "") for text in left.removeprefix(group[0] if group else "").split(" ")
    ]
    found = list(dict.fromkeys(one.path for one in templates(paths)))
    assert found == right.split(" ")


def test_the_corpus_is_long_enough_to_mean_something():
    assert len(CORPUS) >= 200
    assert len(set(CORPUS)) == len(CORPUS)


def test_what_stood_in_the_places_comes_back_decoded():
    (found,) = templates([a_path("/users/ann%40example.org/orders/7.json")])
    assert found.path == "/users/{user_id}/orders/{order_id}.json"
    assert [(one.name, one.value, one.before, one.after) for one in found.parameters] == [
        ("user_id", "ann@example.org", "", ""), ("order_id", "7", "", ".json"),
    ]  # fmt: skip


def test_clusters_say_nothing_of_each_other():
    paths = [a_path("/users/ann/orders", "a"), a_path("/users/bob/orders", "b"), a_path("/users/cyd/orders", "c")]
    assert [one.path for one in templates(paths)] == ["/users/ann/orders", "/users/bob/orders", "/users/cyd/orders"]


segments = st.one_of(
    st.sampled_from(["users", "orders", "v2", "oauth2", "-", "_find", "2026", "a.txt", "", "x:y", "P(1)", "me"]),
    st.text(st.characters(exclude_characters="/?#{}", exclude_categories=["Cs"]), max_size=8),
    st.integers(0, 10**9).map(str),
)


@given(st.lists(st.lists(segments, min_size=1, max_size=5), min_size=1, max_size=12))
def test_a_template_and_its_values_are_the_path_again(paths):
    given_ = [Path("shop", tuple(one)) for one in paths]
    for path, found in zip(given_, templates(given_), strict=True):
        whole = found.path.split("/")[1:]
        assert len(whole) == len(path.segments)
        names = [one.name for one in found.parameters]
        assert len(set(names)) == len(names)
        for one in found.parameters:
            assert whole[one.index] == f"{one.before}{{{one.name}}}{one.after}"
            segment = path.segments[one.index]
            assert segment.startswith(one.before) and segment.endswith(one.after)
        literal = set(range(len(whole))) - {one.index for one in found.parameters}
        assert all(whole[index] == path.segments[index] for index in literal)

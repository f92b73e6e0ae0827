"""A move changes one word of the file and nothing else.

Covers: routes/validation.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import ConfigError, GatewayError, NotFoundError
from gateway.routes.edit import move, splice
from gateway.routes.parse import parse

BLOCK = """\
# head
version: 1
environments: [dev, test, qa]
clusters:
  orders:   # the orders
    path: /api/orders
    environment:   {word}   # where it lives
    upstreams: {{test: http://a.example, qa: http://b.example}}
  größe: &g {{path: /x, "environment": {word} , upstreams: {{test: 'http://c.example', qa: http://d.example}}}}

"""


@pytest.mark.parametrize("ends", ["\n", "\r\n"], ids=["unix", "windows"])
@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["plain", "bom"])
@pytest.mark.parametrize("quote", ["", "'", '"'], ids=["bare", "single", "double"])
def test_quotes_spacing_comments_and_line_ends_stay(quote: str, mark: str, ends: str) -> None:
    before = mark + BLOCK.format(word=f"{quote}qa{quote}").replace("\n", ends)
    after = before.replace(f"environment:   {quote}qa", f"environment:   {quote}test")
    assert move(before.encode(), "orders", "test") == after.encode()


def test_the_line_and_what_stood_there_are_told() -> None:
    found = splice(BLOCK.format(word="qa").encode(), "orders", "test")
    assert (found.line, found.before) == (7, "qa")


def test_flow_style_and_characters_of_several_bytes() -> None:
    before = BLOCK.format(word="qa")
    after = before.replace('"environment": qa ,', '"environment": test ,')
    assert move(before.encode(), "größe", "test") == after.encode()


@pytest.mark.parametrize("word", ["no", "012", "1.10", "7"])
def test_a_name_that_needs_quotes_gets_them(word: str) -> None:
    assert f'environment:   "{word}"   #'.encode() in move(BLOCK.format(word="qa").encode(), "orders", word)


def test_a_block_scalar_becomes_a_quoted_word() -> None:
    before = "clusters:\n  a:\n    environment: >-\n      qa\n    path: /a\n"
    found = parse(move(before.encode(), "a", "test")).root
    assert found is not None
    assert found.get("clusters").get("a").get("environment").text == "test"
    assert found.get("clusters").get("a").get("path").text == "/a"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("clusters: {a: {environment: &e qa}, b: {environment: *e}}", "shared by an anchor"),
        ("clusters: {a: &a {environment: qa}, b: *a}", "shared by an anchor"),
        ("clusters: {b: &b {environment: qa}, a: {<<: *b}}", "shared by an anchor"),
        ("clusters: {a: {environment: '${E}'}}", "it comes from a variable, ${E}"),
        ("clusters: {a: {environment: [qa]}}", "it is not a word"),
        ("clusters: {a: http://127.0.0.1:1}", "it is not a word"),
        ("clusters: {a: &a {path: /x}, b: *a}", "shared by an anchor"),
        ("clusters:\n  a:\n    environment:\n", "cannot be put here"),
        ("clusters: {a: [", "expected"),
    ],
)
def test_what_cannot_be_changed_alone_is_refused(text: str, why: str) -> None:
    with pytest.raises(ConfigError) as caught:
        move(text.encode(), "a", "test")
    assert why in str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("clusters: {a: {path: /x}}\n", "clusters: {a: {environment: test, path: /x}}\n"),
        ("clusters:\n  a:  # A\n    qa: http://q\n", "clusters:\n  a:  # A\n    environment: test\n    qa: http://q\n"),
    ],
)
def test_a_file_that_says_no_environment_is_given_one(text: str, expected: str) -> None:
    assert move(text.encode(), "a", "test").decode() == expected


def test_an_unknown_cluster_is_named_with_those_that_exist() -> None:
    with pytest.raises(NotFoundError) as caught:
        move(BLOCK.format(word="qa").encode(), "order", "test")
    assert "there is no cluster 'order'; did you mean 'orders'?" in str(caught.value)


GAPS = st.sampled_from(["", " ", "   ", "\t"])
COMMENTS = st.sampled_from(["", " # qa", " # größe 𝄞", " #environment = qa"])
QUOTES = st.sampled_from(["", "'", '"'])


@given(QUOTES, GAPS, COMMENTS, COMMENTS, st.sampled_from(["\n", "\r\n"]), st.integers(0, 4))
def test_every_other_byte_is_unchanged(quote: str, gap: str, comment: str, other: str, ends: str, place: int) -> None:
    clusters = [
        f"  c{i}:{other}\n    path: /c{i}{comment}\n    environment: {gap}{quote}qa{quote}{comment}\n    upstreams: "
        f"{{qa: http://qa.example, test: http://qa.example/{i}}}\n"
        for i in range(5)
    ]
    head, tail = (
        "version: 1\nenvironments: [qa, test]\nclusters:\n" + "".join(clusters[:place]),
        "".join(clusters[place + 1 :]),
    )
    word = f"environment: {gap}{quote}"
    expected = clusters[place].replace(f"{word}qa", f"{word}test")
    before = (head + clusters[place] + tail).replace("\n", ends).encode()
    after = move(before, f"c{place}", "test")
    assert after == (head + expected + tail).replace("\n", ends).encode()
    assert move(after, f"c{place}", "qa") == before


@given(st.binary(max_size=80))
def test_any_bytes_are_changed_or_refused_in_words(raw: bytes) -> None:
    with pytest.raises(GatewayError):
        move(raw, "orders", "qa")

"""What a value and a name tell by themselves.

Covers: correlation/html_values, correlation/information, correlation/lexicon, correlation/model, correlation/names,
correlation/response_value, correlation/response_values, correlation/urls, correlation/value_index,
correlation/xml_values.
"""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.correlation import lexicon
from gateway.correlation.extract import extract
from gateway.correlation.information import HIGH, bits_of, is_literal
from gateway.correlation.model import Source
from gateway.correlation.names import CONFLICT, EXACT, NEAR, affinity, free_name, role_of
from gateway.correlation.response_values import places
from gateway.correlation.transforms import applied, origins
from gateway.correlation.urls import collection_of, pieces
from gateway.model.message import Body, Response


@pytest.mark.parametrize(
    ("less", "more"),
    [("7", "73"), ("1000", "1234"), ("73", "7342"), ("EUR", "7"), ("shipped", "73"), ("2026-11-22", "20417")],
)
def test_rare_values_tell_more(less: str, more: str) -> None:
    assert bits_of(less) < bits_of(more)


@pytest.mark.parametrize(
    "value",
    ["0b9f3c1e-2c5a-4e0f-9b6b-0d2a7e1c4f55", "sealed_abcdefghijklmnopqrst_32", "9F86D081884C7D65", "eyJpZCI6MTAyNH0x"],
)
def test_what_chance_cannot_repeat(value: str) -> None:
    assert bits_of(value) >= HIGH


@pytest.mark.parametrize("segment", ["orders", "v1", "order-items", "index.html", "createOrder"])
def test_parts_of_an_api_are_literals(segment: str) -> None:
    assert is_literal(segment)


@pytest.mark.parametrize("segment", ["501", "QX7RZ2", "978-1", "usr_8Qj7K2m8Zw"])
def test_values_are_not(segment: str) -> None:
    assert not is_literal(segment)


@pytest.mark.parametrize(
    ("source", "context", "sink", "level"),
    [
        ("id", "order", "order_id", EXACT), ("orderId", "cart", "order_id", EXACT), ("id", "order", "customer_id", CONFLICT),
        ("id", "comment", "parentCommentId", EXACT), ("uuid", "task", "taskUuid", EXACT), ("id", "cart", "page", CONFLICT),
        ("items", "order", "item_id", CONFLICT), ("belegId", "", "belege_id", NEAR),
    ],
)  # fmt: skip
def test_names(source: str, context: str, sink: str, level: float) -> None:
    assert affinity(role_of(source, (context,) if context else ()), role_of(sink))[0] == level


@pytest.mark.parametrize(
    ("target", "about"),
    [
        ("/api/orders/501", ("order",)),
        ("/api/me", ("user",)),
        ("/v1/categories?x=1", ("category",)),
        ("/posts/3/publish", ("post",)),
    ],
)
def test_what_a_request_is_about(target: str, about: tuple[str, ...]) -> None:
    assert collection_of(target) == about


@given(st.text(max_size=80))
def test_pieces_lie_where_they_say(text: str) -> None:
    url = "/" + text
    for piece in pieces(url):
        assert 0 <= piece.start <= piece.end <= len(url)


@given(st.text("abcdefXYZ0189-_ %/+=", min_size=4, max_size=40))
def test_an_origin_leads_back_to_its_value(value: str) -> None:
    for text, transforms, _ in origins(value):
        assert applied(text, transforms) == value


PAGES = st.sampled_from(
    [
        ("application/json", '{"a": [1, {"id": "%s", "u": "/x/%s?c=%s"}], "t": "see %s there"}'),
        ("text/html", '<a href="/o/%s/x?y=%s">x</a><input name="a" value="%s"><p data-id="%s">'),
        ("text/plain", "your code is %s, %s %s %s"),
        ("text/xml", '<a:o xmlns:a="u:x"><id>%s</id><l k="%s"/><l k=\'%s\'>7</l><href>/x/%s</href></a:o>'),
    ]
)


@given(PAGES, st.uuids())
def test_every_place_can_be_read_again(page: tuple[str, str], id: object) -> None:
    kind, text = page
    data = (text % (id, id, id, id)).encode()
    headers = (("Content-Type", kind), ("Location", f"/x/{id}"), ("Set-Cookie", f"s={id}; Path=/"), ("ETag", f'"{id}"'))
    response = Response(headers=headers, body=Body(len(data), data))
    found = list(places(response, ("thing",)))
    assert sum(place.value == str(id) for place in found) >= 4
    for place in found:
        assert extract(response, Source(1, place.part, place.text, place.name)) == place.value


@given(st.binary(max_size=300), st.sampled_from(["application/json", "text/html", "text/plain", "image/png", ""]))
def test_no_answer_is_too_odd(data: bytes, kind: str) -> None:
    response = Response(
        headers=(("Content-Type", kind), ("Link", "<<>;rel"), ("Location", "//")), body=Body(len(data), data)
    )
    for place in places(response, ()):
        assert isinstance(place.text, str)


def test_a_long_text_that_is_almost_a_name_is_read_at_once() -> None:
    """Expressions that may split a text in many ways would never come back from these."""
    data = json.dumps({"a": "aaaa/" * 200 + "!", "b": "a-1:" * 500 + " ", "c": "{" * 300}).encode()
    response = Response(headers=(("Content-Type", "application/json"),), body=Body(len(data), data))
    assert len(list(places(response, ()))) == 3
    xml = ("<a " * 5000 + "<b>" * 5000).encode()
    response = Response(headers=(("Content-Type", "text/xml"),), body=Body(len(xml), xml))
    assert list(places(response, ())) == []


def test_every_word_that_the_finder_knows_is_whole() -> None:
    sets = [value for value in vars(lexicon).values() if isinstance(value, frozenset)]
    assert len(sets) >= 15
    assert [word for each in sets for word in each if word.strip("-") != word and word != "-1"] == []
    assert {"user-agent", "gateway-session", "gateway-env"} <= lexicon.OWN_FIELDS


def test_names_that_are_taken_get_numbers() -> None:
    taken: dict[str, int] = {}
    assert [free_name(name, taken) for name in ("id", "id", "id_2", "id", "qty")] == [
        "id",
        "id_2",
        "id_2_2",
        "id_3",
        "qty",
    ]
    many = [free_name("id", {**taken}) for _ in range(3)] + [free_name("id", taken) for _ in range(20_000)]
    assert len(set(many)) == 20_000

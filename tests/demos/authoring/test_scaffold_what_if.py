"""What-ifs of a recording become what-ifs of the demo that is made of it, and send what was sent."""

import json
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scaffolding import demo_of, step

from gateway.demos.step import build, fill

BOOK = step(1, "/api/catalogue/books/978-1?lang=en", note="Find the book")
BEARER = ("Authorization", "Bearer sealed_bbbbbbbbbbbbbbbbbbbb_b1")


def an_order(number=1, qty=2, **facts):
    sent = json.dumps({"isbn": "978-1", "qty": qty} if qty is not None else {"isbn": "978-1"}).encode()
    return step(number, "/api/orders/orders", method="POST", sent=sent, **facts)


def tried(*exchanges):
    demo, text = demo_of(*exchanges)
    assert len(demo.steps) == 1, text
    return demo.steps[0], {each.name: each for each in demo.steps[0].what_ifs}, text


def test_another_value_another_environment_and_another_path():
    _, found, text = tried(
        BOOK,
        step(2, "/api/catalogue/books/978-9?lang=en", status=404, note="what if: unknown ISBN; as expected"),
        step(3, "/api/catalogue/books/978-1?lang=en", environment="dev", status=404, note="what if: on dev; as expected"),
        step(4, "/api/catalogue/titles/978-1?lang=en", note="what if: v2 path; as expected"),
        step(5, "/api/catalogue/books/978-1?lang=de", note="what if: in German; as expected"),
    )  # fmt: skip
    assert list(found) == ["unknown ISBN", "on dev", "v2 path", "in German"], text
    assert found["unknown ISBN"].set == {"book_id": "978-9"}
    assert found["unknown ISBN"].expect.text == "404"
    assert found["on dev"].via == {"catalogue": "dev"}
    assert str(found["v2 path"].call) == "GET catalogue:/titles/{book_id}"
    assert found["in German"].set == {"lang": "de"}


def test_a_field_of_the_body_changed_and_left_out_and_a_header_left_out():
    login = step(1, "/api/users/login", answer=b'{"token": "sealed_bbbbbbbbbbbbbbbbbbbb_b1"}')
    demo, text = demo_of(
        login,
        an_order(2, headers=(BEARER,), status=201),
        an_order(3, headers=(BEARER,), qty=0, status=422, note="what if: none at all; as expected"),
        an_order(4, headers=(BEARER,), qty=None, status=422, note="what if: no quantity; as expected"),
        an_order(5, status=401, note="what if: not signed in; as expected"),
    )
    assert len(demo.steps) == 2, text
    found = {each.name: each for each in demo.steps[1].what_ifs}
    assert found["none at all"].set == {"qty": 0}
    assert found["no quantity"].unset == ("qty",)
    assert found["not signed in"].headers == {"Authorization": None}
    assert "sealed_" not in text


def test_what_no_what_if_can_say_stays_a_step():
    demo, _ = demo_of(BOOK, step(2, "/api/orders/x", method="DELETE", note="what if: cancelled; as expected"))
    assert [each.title for each in demo.steps] == ["Find the book", "what if: cancelled"]
    demo, _ = demo_of(BOOK, step(2, "/api/catalogue/books/978-1?lang=en", note="what if: nothing; as expected"))
    assert len(demo.steps) == 2


def test_names_of_what_ifs_differ():
    again = [step(n, f"/api/catalogue/books/{n}?lang=en", note="what if: other; as expected") for n in (2, 3)]
    _, found, _ = tried(BOOK, *again)
    assert list(found) == ["other", "other 2"]


SEGMENT = st.text(st.sampled_from("abcXYZ019-._~%20{}"), min_size=1, max_size=12).filter(lambda text: "%" not in text)


@settings(deadline=None, max_examples=80)
@given(SEGMENT, st.sampled_from(["books", "titles"]), st.integers(0, 9), st.text(max_size=20))
def test_whatever_was_tried_the_demo_sends_the_same(isbn, kind, status, name):
    target = f"/api/catalogue/{kind}/{isbn}?lang=en"
    other = step(2, target, status=400 + status, note=f"what if: {name}; as expected")
    demo, text = demo_of(BOOK, other)
    calls, values = [], {}
    for one in demo.steps:
        fields = {each.field.name: each.value for each in fill(one, values)}
        calls += [build(one, fields, values), *(build(one, fields, values, each) for each in one.what_ifs)]
        values |= fields
    sent = [urlsplit(f"/api/{call.cluster}{call.path}") for call in calls]
    assert (sent[1].path, sent[1].query) == (
        urlsplit(target).path.replace("{", "%7B").replace("}", "%7D"),
        "lang=en",
    ), text


@pytest.mark.parametrize("value", ["{{ 7*7 }}", "a{b", "sealed_bbbbbbbbbbbbbbbbbbbb_b1"])
def test_neither_expressions_nor_secrets_get_into_the_file(value):
    sent = json.dumps({"isbn": value, "qty": 2}).encode()
    other = step(2, "/api/orders/orders", method="POST", sent=sent, status=422, note="what if: odd; as expected")
    _, text = demo_of(an_order(), other)
    assert "sealed_" not in text
    if "{" in value:
        assert "what_if:" not in text

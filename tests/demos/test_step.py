"""A form is filled, comes back, and becomes the call that its step or a what-if declares."""

import json
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.demos.definition.parse import parse_demo
from gateway.demos.definition.schema import Upload
from gateway.demos.step import NotSent, build, fill, read_form, text_of


def a_step(text):
    parsed = parse_demo(f"title: D\nsteps:\n  - {text}".encode(), name="d", file="demo.yaml", files=())
    assert parsed.demo, parsed.problems
    return parsed.demo.steps[0]


ORDER = a_step(
    "{title: O, call: POST orders:/orders, form: {isbn: , qty: 1}, headers: {X-Isbn: '{{ isbn }}'}, what_if: {"
    "anonymous: {headers: {x-isbn: null}}, none: {unset: qty}, other: {set: {isbn: '9', qty: '{{ qty + 1 }}'}},"
    "dev: {via: {orders: dev}, delay: 1s}, raw: {body: 'so {{ qty }}'}, empty: {body: null},"
    "elsewhere: {path: 'GET users:/u/{isbn}'}}}"
)


def call(step=ORDER, what_if="", fields=None, values=None):
    given = {"isbn": "978-1", "qty": 2} if fields is None else fields
    return build(step, given, values or {}, step.what_if(what_if))


def test_fields_are_the_json_body():
    made = call()
    assert (made.method, made.cluster, made.path) == ("POST", "orders", "/orders")
    assert json.loads(made.body) == {"isbn": "978-1", "qty": 2}
    assert dict(made.headers)["Content-Type"] == "application/json"
    assert dict(made.headers)["X-Isbn"] == "978-1"


def test_what_ifs_change_exactly_what_they_name():
    assert "X-Isbn" not in dict(call(what_if="anonymous").headers)
    assert call(what_if="anonymous").body == call().body
    assert json.loads(call(what_if="none").body) == {"isbn": "978-1"}
    assert json.loads(call(what_if="other").body) == {"isbn": "9", "qty": 3}
    assert dict(call(what_if="other").headers)["X-Isbn"] == "9"
    assert (call(what_if="dev").via, call(what_if="dev").delay) == ({"orders": "dev"}, 1.0)
    assert call(what_if="raw").body == b"so 2"
    assert call(what_if="empty").body is None
    elsewhere = call(what_if="elsewhere")
    assert (elsewhere.method, elsewhere.cluster, elsewhere.path, elsewhere.body) == ("GET", "users", "/u/978-1", None)


def test_an_empty_field_is_left_out():
    assert json.loads(call(fields={"isbn": "1", "qty": None}).body) == {"isbn": "1"}


def test_a_field_in_the_path_is_not_in_the_body_and_a_get_puts_the_rest_into_the_query():
    step = a_step("{title: F, call: 'GET c:/books/{isbn}?x=1', form: {isbn: a, q: b, n: 1}}")
    assert call(step, fields={"isbn": "a/b c?", "q": "ö&", "n": 5}).path == "/books/a%2Fb%20c%3F?x=1&q=%C3%B6%26&n=5"


def test_query_form_encoding_and_a_declared_body():
    step = a_step("{title: F, call: POST c:/x, form: {a: 1, b: t}, query: {v: '{{ a }}', w: [1, 2]}, send: form}")
    made = call(step, fields={"a": 1, "b": "x y"})
    assert (made.path, made.body) == ("/x?v=1&w=1&w=2", b"a=1&b=x+y")
    step = a_step("{title: F, call: PUT c:/x, form: {a: 1}, body: {deep: {a: ['{{ a }}']}}}")
    assert json.loads(call(step, fields={"a": 1}).body) == {"deep": {"a": [1]}}


def test_what_is_missing_is_named_and_nothing_is_sent():
    step = a_step("{title: F, call: 'GET c:/{isbn}', form: {isbn: }}")
    with pytest.raises(NotSent, match="'isbn' is empty") as error:
        call(step, fields={"isbn": None})
    assert error.value.missing == "isbn"


def test_a_line_break_never_gets_into_a_header():
    with pytest.raises(NotSent, match="line break"):
        call(fields={"isbn": "a\r\nX-Evil: 1", "qty": 1})


def test_passwords_are_known_as_secrets_of_the_call():
    step = a_step("{title: F, call: POST c:/x, form: {user: a, password: b}, what_if: {bad: {set: {password: guess}}}}")
    assert call(step, fields={"user": "u", "password": "hunter2"}).secrets == ("hunter2",)
    assert call(step, what_if="bad", fields={"user": "u", "password": "hunter2"}).secrets == ("guess",)


FORM = a_step(
    "{title: F, call: POST c:/x, form: {price: 2, isbn: , qty: 1, on: false, p: {type: password, default: dflt}, "
    "amount: {type: number, default: '{{ 2 * price }}'}, j: {type: json}, c: {choices: [1, 2]}, t: {type: textarea}}}"
)


def test_a_form_is_filled_from_the_session_the_defaults_and_expressions():
    filled = {each.field.name: each for each in fill(FORM, {"isbn": 978, "qty": 4, "amount": 1})}
    assert (filled["isbn"].shown, filled["isbn"].origin) == ("978", "session")
    assert (filled["qty"].value, filled["qty"].origin) == (4, "session")
    assert (filled["amount"].value, filled["amount"].origin) == (4, "expression")
    assert (filled["p"].shown, filled["p"].value) == ("", "dflt")


def test_what_was_just_typed_comes_first_but_never_a_password():
    filled = {each.field.name: each for each in fill(FORM, {"isbn": 1}, {"isbn": "typed", "p": "typed"})}
    assert (filled["isbn"].value, filled["isbn"].origin) == ("typed", "typed")
    assert filled["p"].value == "dflt"


def test_a_form_comes_back_with_types():
    filled = fill(FORM, {"isbn": 978})
    submitted = {"isbn": "978", "qty": "3", "on": "on", "p": "", "amount": "1.5e1", "j": "[1]", "c": "2", "t": "a\r\nb"}
    values, problems = read_form(filled, submitted)
    assert problems == {}
    assert values == {
        "price": None, "isbn": 978, "qty": 3, "on": True, "p": "dflt", "amount": 15.0, "j": [1], "c": 2, "t": "a\nb",
    }  # fmt: skip


@pytest.mark.parametrize(("field", "text"), [("qty", "many"), ("qty", "nan"), ("qty", "0x1"), ("j", "{"), ("c", "3")])
def test_what_cannot_be_read_is_told_at_its_field(field, text):
    values, problems = read_form(fill(FORM, {}), {field: text})
    assert list(problems) == [field]
    assert values[field] == text


def test_an_expression_whose_values_are_not_known_yet_names_them():
    step = parse_demo(
        b"title: D\nsteps:\n  - {title: A, call: GET c:/, keep: {price: $.p}}\n"
        b"  - {title: B, call: POST c:/, form: {amount: '{{ price }}'}}\n",
        name="d", file="f", files=(),
    ).demo.steps[1]  # fmt: skip
    assert fill(step, {})[0].missing == "price"


SEGMENT = a_step("{title: F, call: 'GET c:/a/{x}/b', form: {x: }}")


@given(st.text(min_size=1, max_size=30).filter(lambda text: not any("\ud800" <= c <= "\udfff" for c in text)))
def test_any_text_is_one_segment_of_the_path(text):
    path = build(SEGMENT, {"x": text}, {}).path
    assert path.count("/") == 3
    assert path.isascii()
    assert not set(path) & set("?# \r\n")
    assert unquote(path.removeprefix("/a/").removesuffix("/b")) == text


@given(st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
))  # fmt: skip
def test_what_the_session_knows_goes_through_a_form_unchanged(value):
    shown = fill(SEGMENT, {"x": value})
    text = text_of(value)
    values, problems = read_form(shown, {"x": text})
    expected = value if text else None
    assert problems == {}
    assert values["x"] == expected or "\r" in text  # a browser sends line ends its own way


COVER = Upload("c.png", "image/png", b"\x89PNG")


def test_a_form_with_a_file_is_multipart():
    step = a_step("{title: U, call: POST c:/covers, form: {isbn: '1', cover: {type: file}}}")
    fields, problems = read_form(fill(step, {}), {"isbn": "1", "cover": COVER})
    made = build(step, fields, {})
    assert problems == {}
    assert b'name="cover"; filename="c.png"\r\nContent-Type: image/png\r\n\r\n\x89PNG\r\n' in made.body
    assert dict(made.headers)["Content-Type"].startswith("multipart/form-data; boundary=")


def test_a_file_alone_is_the_body_as_it_is():
    step = a_step("{title: U, call: PUT c:/cover, form: {cover: {type: file}}, body: '{{ cover }}'}")
    made = build(step, {"cover": COVER}, {})
    assert (made.body, dict(made.headers)["Content-Type"]) == (b"\x89PNG", "image/png")


def test_text_in_the_place_of_a_file_is_none():
    step = a_step("{title: U, call: PUT c:/cover, form: {cover: {type: file}, name: {type: text}}}")
    assert read_form(fill(step, {}), {"cover": "text", "name": COVER}) == ({"cover": None, "name": None}, {})

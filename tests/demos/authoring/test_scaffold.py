"""A demo made from a recording: valid, and it asks for what was asked."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st
from scaffolding import TOKEN, demo_of, step

from gateway.demos.step import build, fill

CHAIN = (
    step(1, "/api/catalogue/books/978-1", answer=b'{"isbn": "978-1", "price": 12.5}', note="Find the book"),
    step(
        2, "/api/orders/orders", method="POST", sent=b'{"isbn": "978-1", "qty": 2}', status=201,
        answer=b'{"id": "ord-771203", "total": 25.0}',
    ),
    step(3, "/api/orders/orders/ord-771203", answer=b'{"id": "ord-771203"}', note="what if: later; as expected"),
    step(4, "/api/orders/orders/ord-771203/receipt?full=yes", status=404),
)  # fmt: skip


def test_the_chain_is_kept_and_filled_in():
    demo, text = demo_of(*CHAIN)
    assert [str(each.call) for each in demo.steps] == [
        "GET catalogue:/books/{book_id}",
        "POST orders:/orders",
        "GET orders:/orders/{order_id}",
        "GET orders:/orders/{order_id}/receipt",
    ], text
    assert [[(keep.name, keep.source) for keep in each.keep] for each in demo.steps][1] == [("order_id", "$.id")]
    assert demo.steps[0].title == "Find the book"
    assert demo.steps[3].expect.text == "404"


def test_what_it_sends_is_what_was_sent():
    demo, _ = demo_of(*CHAIN)
    values = {}
    for each, recorded in zip(demo.steps, CHAIN, strict=True):
        fields = {one.field.name: one.value for one in fill(each, values)}
        call = build(each, fields, values)
        prefix = f"/api/{call.cluster}"
        assert (call.method, prefix + call.path) == (recorded.method, recorded.request.target)
        if recorded.request.body.data:
            assert json.loads(call.body) == json.loads(recorded.request.body.data)
        values |= fields
        if each.keep:
            values["order_id"] = "ord-771203"


def test_a_token_in_a_header_is_an_expression_and_no_secret_is_written():
    login = step(
        1, "/api/users/login", method="POST", sent=f'{{"user": "ada", "password": "{TOKEN}"}}'.encode(),
        answer=b'{"token": "sealed_bbbbbbbbbbbbbbbbbbbb_b1"}',
    )  # fmt: skip
    bearer = ("Authorization", "Bearer sealed_bbbbbbbbbbbbbbbbbbbb_b1")
    order = step(2, "/api/orders/orders", method="POST", sent=b'{"qty": 1}', headers=(bearer,))
    demo, text = demo_of(login, order)
    assert "sealed_" not in text
    assert demo.steps[1].headers == {"Authorization": "Bearer {{ token }}"}
    assert [(field.name, field.kind) for field in demo.steps[0].fields] == [("user", "text"), ("password", "password")]


def test_nested_bodies_forms_and_repeated_names_are_written_out():
    nested = step(1, "/api/orders/a", method="PUT", sent=b'{"a": {"b": [1, "{{ x }}"]}, "c": null}')
    form = step(2, "/api/orders/b", method="POST", sent=b"a=1&b=x+y", media="application/x-www-form-urlencoded")
    twice = step(3, "/api/orders/c?tag=1&tag=2")
    demo, _ = demo_of(nested, form, twice)
    sent = [build(each, {f.name: f.default for f in each.fields}, {}) for each in demo.steps]
    assert json.loads(sent[0].body) == {"a": {"b": [1, "{{ x }}"]}, "c": None}
    assert (sent[1].body, dict(sent[1].headers)["Content-Type"]) == (b"a=1&b=x+y", "application/x-www-form-urlencoded")
    assert sent[2].path == "/c?tag=1&tag=2"


def test_what_a_demo_cannot_do_is_said():
    _, text = demo_of(
        CHAIN[0],
        step(2, "/api/orders/x", method="POST", sent=b"\x00\x01\xff", media="application/octet-stream"),
        step(3, "/api/orders/s", stream="websocket"),
    )
    assert "# Left out: step 2, POST /api/orders/x: its body is not text" in text
    assert "# Left out: step 3, GET /api/orders/s: it is a WebSocket" in text


def test_titles_differ():
    demo, _ = demo_of(step(1, "/api/a/x"), step(2, "/api/a/x"), step(3, "/api/a/y", note="***"))
    assert [each.title for each in demo.steps] == ["GET /api/a/x", "GET /api/a/x 2", "Step 3"]


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
LEAVES = st.one_of(TEXT, st.integers(-(10**20), 10**20), st.booleans(), st.none())
VALUES = st.recursive(LEAVES, lambda inner: st.dictionaries(TEXT, inner, max_size=3) | st.lists(inner, max_size=3))


@settings(deadline=None, max_examples=60)
@given(TEXT, TEXT, st.dictionaries(TEXT, VALUES, max_size=4))
def test_any_recording_makes_a_valid_demo_that_sends_the_same_json(title, note, body):
    data = json.dumps(body).encode()
    demo, text = demo_of(step(1, "/api/orders/x", method="POST", sent=data, note=note), title=title)
    (only,) = demo.steps
    fields = {one.field.name: one.value for one in fill(only, {})}
    call = build(only, fields, {})
    assert json.loads(call.body or b"{}") == body, text


def test_it_reads_as_people_write_it():
    _, text = demo_of(*CHAIN[:3])
    assert text.splitlines()[1:12] == [
        "title: Order a book",
        "steps:",
        "  - title: Find the book",
        "    call: GET catalogue:/books/{book_id}",
        "    form: {book_id: 978-1}",
        "  - title: POST /api/orders/orders",
        "    call: POST orders:/orders",
        "    form: {isbn: 978-1, qty: 2}",
        "    keep: {order_id: $.id}",
        '  - title: "what if: later"',
        "    call: GET orders:/orders/{order_id}",
    ]
    assert text.splitlines()[12] == "    form: {order_id: }"

"""Which part of which call a field becomes, and which later steps need a value."""

from gateway.demos.definition.lineage import destinations, next_uses
from gateway.demos.definition.parse import parse_demo
from gateway.paths import templates_dir

BOOKSHOP = (templates_dir() / "demos" / "bookshop" / "demo.yaml").read_bytes()


def a_demo(steps, head=""):
    text = f"title: D\n{head}steps:\n{steps}"
    parsed = parse_demo(text.encode(), name="d", file="demo.yaml", files=())
    assert parsed.demo, [str(problem) for problem in parsed.problems]
    return parsed.demo


def bookshop():
    return parse_demo(BOOKSHOP, name="bookshop", file="f", files=["bookshop.svg", "pay.html"]).demo


def test_fields_of_the_bookshop():
    assert [destinations(step) for step in bookshop().steps] == [
        {"user": ("JSON /user",), "password": ("JSON /password",)},
        {"isbn": ("path",)},
        {"isbn": ("JSON /isbn",), "qty": ("JSON /qty",)},
        {"order_id": ("path",), "amount": ("JSON /amount",)},
    ]


def test_query_headers_bodies_and_forms():
    demo = a_demo(
        "  - {title: A, call: GET c:/, form: {q: 1, page: 2}, headers: {X-Q: 'is {{ q }}'}}\n"
        "  - {title: B, call: PUT c:/, form: {q: 1}, query: {s: '{{ q }}'}, body: {a: [1, {b: '{{ q }}'}]}}\n"
        "  - {title: C, call: POST c:/, form: {f: {type: file}, q: 1}}\n"
        "  - {title: E, call: POST c:/, form: {q: 1}, send: form}\n"
    )
    assert [destinations(step) for step in demo.steps] == [
        {"q": ("header X-Q", "query q"), "page": ("query page",)},
        {"q": ("query s", "body /a/1/b")},
        {"f": ("part f",), "q": ("part q",)},
        {"q": ("form field q",)},
    ]


def test_a_kept_value_names_the_steps_that_need_it():
    demo = bookshop()
    used = {name: [(use.step.title, use.parts) for use in next_uses(demo, demo.steps[0], name)] for name in ("token",)}
    assert used == {"token": [("Order it", ("header Authorization",)), ("Pay", ("header Authorization",))]}
    price = [(use.step.title, use.parts) for use in next_uses(demo, demo.steps[1], "price")]
    assert price == [("Pay", ("field Amount in EUR",))]
    assert [use.parts for use in next_uses(demo, demo.steps[2], "order_id")] == [("path",)]


def test_another_branch_does_not_need_it():
    demo = a_demo(
        "  - {title: A, call: GET c:/}\n"
        "  - {title: B, call: GET c:/, keep: {x: $.x}}\n"
        "  - {title: C, after: A, call: GET c:/, form: {x: 1}}\n"
    )
    assert next_uses(demo, demo.steps[1], "x") == ()

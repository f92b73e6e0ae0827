"""A demo that is a Python file alone: what its functions say by their text, their decorators and their signatures.

Covers: demo, demos/definition/function_source.
"""

from pathlib import Path
from typing import Annotated

import pytest

from gateway.demo import call, field
from gateway.demos.call import Outcome
from gateway.demos.code_modules import CodeModules
from gateway.demos.definition.function_source import sources_of
from gateway.demos.definition.keep_rules import StepResponse
from gateway.demos.definition.lineage import destinations, next_uses
from gateway.demos.definition.python_api import form_of
from gateway.demos.registry import DemoReader
from gateway.demos.run_sources import DemoSource
from gateway.demos.step_function import converse

SHOP = '''"""Order a book.

Two APIs in a row.
"""
from typing import Annotated
from gateway.demo import NoResponse, call, cluster, demo, field, step, what_if

cluster("catalogue", qa="http://127.0.0.1:1")


@step("Find the book", why="It is there.")
@what_if("unknown ISBN", isbn="978-9", expect=404, why="Not in this catalogue.")
@what_if("v2 path", path="/titles/{isbn}", headers={"X": "{{ isbn }}"}, delay="10ms")
def find(session, isbn="978-1"):
    """One book
    by its number.

    Not shown.
    """
    book = call("GET catalogue:/books/{isbn}", headers={"Authorization": f"Bearer {session['token']}"})
    return {"price": book.json["price"], "title": book.json["title"]}


@step
def order_it(isbn, price, qty: Annotated[int, field(min=1)] = 1):
    order = call("POST orders:/orders", json={"isbn": isbn, "qty": qty, "total": price * qty})
    paid = call(f"POST payments:/orders/{order.json['id']}/payments", form=dict(amount=price))
    return dict(order_id=order.json["id"])


@step("Receipt")
def receipt(order_id):
    return call("GET orders:/orders/{number}/receipt", number=order_id, query={"v": order_id})
'''


def entry_of(folder: Path, text: str = SHOP):
    (folder / "shop.py").write_text(text)
    return DemoReader(CodeModules()).read(DemoSource("shop", folder / "shop.py"))


class Upstream:
    """Answers what it is told to, and remembers what it was asked."""

    def __init__(self, *answers):
        self.answers, self.calls = list(answers), []

    async def send(self, made):
        self.calls.append(made)
        status, body = self.answers.pop(0)
        answer = StepResponse(status, "", (), body) if status else None
        return Outcome("http://x", 1.0, answer, "connection refused" if answer is None else "")


def test_a_module_is_a_demo_and_its_functions_are_steps(tmp_path):
    entry = entry_of(tmp_path)
    assert entry.problems == ()
    demo = entry.demo
    assert (demo.name, demo.title, demo.about) == ("shop", "Order a book", "Two APIs in a row.")
    find, order, _ = demo.steps
    assert (find.title, str(find.call), find.about) == (
        "Find the book", "GET catalogue:/books/{isbn}", "One book by its number.",
    )  # fmt: skip
    assert (order.title, str(order.call)) == ("Order it", "POST orders:/orders")
    assert [(each.name, each.default) for each in order.fields] == [("isbn", None), ("price", None), ("qty", 1)]
    assert [(each.name, each.place.line) for each in find.what_ifs] == [("unknown ISBN", 12), ("v2 path", 13)]
    assert (find.what_if("unknown-isbn").set, find.what_if("unknown-isbn").expect.text) == ({"isbn": "978-9"}, "404")


def test_what_is_returned_is_written_and_where_it_goes_is_known(tmp_path):
    demo = entry_of(tmp_path).demo
    find, order, _ = demo.steps
    assert find.writes == {"isbn", "price", "title"}
    assert order.writes >= {"order_id"}
    assert destinations(find) == {"isbn": ("path",)}
    assert destinations(order) == {
        "isbn": ("JSON /isbn",), "price": ("JSON /total", "form field amount"), "qty": ("JSON /qty", "JSON /total"),
    }  # fmt: skip
    assert [(use.step.title, use.parts) for use in next_uses(demo, find, "price")] == [
        ("Order it", ("JSON /total", "form field amount"))
    ]
    assert [(use.step.title, use.parts) for use in next_uses(demo, order, "order_id")] == [
        ("Receipt", ("path", "query v"))
    ]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("/books/{isbn}", "/books/{isnb}", "shop.py:11:1: error: find.call: 'isnb' is neither a field here nor kept"),
        ("def order_it", "async def order_it", "error: order_it: write def, not async def"),
        ('"Receipt"', '"Order it"', "'Order it' is the name of another step too"),
        ('delay="10ms"', 'delay="fast"', "shop.py:13:1: error: find.what_if.v2 path.delay: 'fast' should be a time"),
        ("isbn=\"978-9\", expect=404", "isnb=1, expect=404", "shop.py:12:1: error: find.what_if.unknown ISBN.set: 'isnb'"),
        ('qty: Annotated[int, field(min=1)]', 'qty: "Nothing"', "error: order_it: NameError: name 'Nothing'"),
        ('call("GET orders:/orders/{number}/receipt", number=order_id, query={"v": order_id})', "None",
         "error: receipt: its function has no call("),
        ("{number}", "{numbr}", "error"),
        ("field(min=1)", "field(mni=1)", "'mni' is not known here"),
        ("@what_if(\"unknown", "@waht_if(\"unknown", "shop.py:12:1: error: NameError: name 'waht_if'"),
    ],
)  # fmt: skip
def test_a_mistake_has_its_line(tmp_path, before, after, expected):
    assert before in SHOP
    entry = entry_of(tmp_path, SHOP.replace(before, after))
    if "numbr" in after:
        assert "'numbr' is neither a field here" in "\n".join(map(str, entry.problems))
    assert expected in "\n".join(map(str, entry.problems))


async def test_the_function_gets_the_response_of_each_call(tmp_path):
    find, order, receipt = entry_of(tmp_path).demo.steps
    upstream = Upstream((201, b'{"id": 7}'), (200, b"{}"))
    made = await converse(order, {"isbn": "a/b", "price": 2, "qty": 3}, {}, None, upstream.send)
    assert [each.path for each in upstream.calls] == ["/orders", "/orders/7/payments"]
    assert [each.body for each in upstream.calls] == [b'{"isbn": "a/b", "qty": 3, "total": 6}', b"amount=2"]
    assert (made.kept, made.trouble) == ({"order_id": 7}, "")
    upstream = Upstream((200, b'{"price": 1, "title": "T"}'))
    await converse(find, {"isbn": "a/b"}, {"token": "t"}, None, upstream.send)
    assert (upstream.calls[0].path, dict(upstream.calls[0].headers)["Authorization"]) == ("/books/a%2Fb", "Bearer t")
    upstream = Upstream((200, b""))
    made = await converse(receipt, {"order_id": 7}, {}, None, upstream.send)
    assert (upstream.calls[0].path, made.kept) == ("/orders/7/receipt?v=7", {})


async def test_a_what_if_of_its_first_call(tmp_path):
    find = entry_of(tmp_path).demo.steps[0]
    upstream = Upstream((404, b'{"detail": "no"}'))
    made = await converse(find, {"isbn": "1"}, {"token": "t"}, find.what_if("v2-path"), upstream.send)
    assert (upstream.calls[0].path, dict(upstream.calls[0].headers)["X"]) == ("/titles/1", "1")
    assert (made.outcome.answer.status, made.trouble) == (404, "shop.py:21: KeyError: 'price'")


async def test_no_response_ends_the_step_unless_the_function_goes_on(tmp_path):
    find = entry_of(tmp_path).demo.steps[0]
    made = await converse(find, {"isbn": "1"}, {"token": "t"}, None, Upstream((0, b"")).send)
    assert (made.outcome.failure, made.trouble) == ("connection refused", "")
    text = SHOP.replace('    return call("GET orders:/orders/{number}/receipt", number=order_id, query={"v": order_id})', (
        '    try:\n        call("GET orders:/x")\n    except NoResponse as error:\n        call("GET orders:/y")\n'
        "        return {'why': str(error)}"
    ))  # fmt: skip
    receipt = entry_of(tmp_path, text).demo.steps[2]
    made = await converse(receipt, {"order_id": 7}, {}, None, Upstream((0, b""), (200, b"")).send)
    assert (made.call.path, made.kept) == ("/y", {"why": "connection refused"})


def test_a_type_comes_from_the_default_where_there_is_no_hint():
    def function(a="x", b=1, c=True, d=1.5, e={}, f=None, g: Annotated[int | None, field(max=3)] = None): ...  # noqa: B006

    assert form_of(function) == {
        "a": "x", "b": 1, "c": True, "d": 1.5, "e": {"type": "json", "default": {}}, "f": None,
        "g": {"type": "number", "default": None, "max": 3},
    }  # fmt: skip


def test_a_call_knows_its_arguments():
    assert call("GET a:/{x}", x=1).names == {"x": 1}
    with pytest.raises(TypeError, match="call\\(\\) has no 'params'; it has json, form, body, query, headers"):
        call("GET a:/x", params={})
    with pytest.raises(TypeError, match="did you mean 'json'"):
        call("GET a:/x", jsno={})


def test_the_text_of_functions_within_functions_is_theirs():
    text = b"def f(a):\n    def g():\n        return {'no': call('GET x:/no')}\n    return call(f'GET x:/{a}/{1 + 1}').json\n"
    source = sources_of(text)[1]
    assert (source.call, source.returns, source.parts) == ("GET x:/{a}/{value}", (), {"a": ("path",)})

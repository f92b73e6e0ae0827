"""Steps in Python: the signature is the form, the function yields its calls, and nothing runs unless it may.

Covers: demos/call, demos/definition/schema, demos/step_function.
"""

import re
from pathlib import Path
from typing import Literal

import pytest

from gateway.demos.call import Outcome
from gateway.demos.definition.keep_rules import StepResponse
from gateway.demos.definition.python_api import arguments, call, form_of
from gateway.demos.definition.schema import Upload
from gateway.demos.registry import read_entry
from gateway.demos.step import NotSent
from gateway.demos.step_function import converse

DOCS = (Path(__file__).parents[3] / "docs" / "demos.md").read_text("utf-8")
YAML = "title: D\ncode: more.py\nsteps:\n  - {title: Sign in, call: POST users:/login, keep: {token: $.token}}\n"
CODE = re.search(r"## Steps in Python\n.*?```python\n(.*?)```", DOCS, re.DOTALL)[1]


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "demo.yaml").write_text(YAML)
    (tmp_path / "more.py").write_text(CODE)
    return tmp_path


class Upstream:
    """Answers what it is told to, and remembers what it was asked."""

    def __init__(self, *answers):
        self.answers, self.calls = list(answers), []

    async def send(self, made):
        self.calls.append(made)
        status, body = self.answers.pop(0)
        return Outcome("http://x", 1.0, StepResponse(status, "", (), body))


def test_the_signature_is_the_form():
    def function(
        session, name: str, qty: int = 2, size: Literal["S", "M"] = "M", gift: bool = False, extra: dict | None = None,
        cover: Upload | None = None, price: float = 1.5,
    ): ...  # fmt: skip

    assert form_of(function) == {
        "name": None,
        "qty": {"type": "number", "default": 2},
        "size": {"choices": ["S", "M"], "default": "M"},
        "gift": {"type": "checkbox", "default": False},
        "extra": {"type": "json", "default": None},
        "cover": {"type": "file", "default": None},
        "price": {"type": "number", "default": 1.5},
    }
    given = arguments(function, {"name": "x", "qty": None}, {"token": "t"})
    assert (given["session"], given["name"], given["qty"], given["cover"]) == ({"token": "t"}, "x", 2, None)


def test_without_the_switch_nothing_runs(folder):
    (folder / "more.py").write_text("raise SystemError('it ran')")
    entry = read_entry(folder)
    assert [step.title for step in entry.demo.steps] == ["Sign in"]
    assert "more.py:1:1: warning: is not loaded: code runs only where" in str(entry.problems[0])


def test_with_it_the_steps_stand_behind_those_of_demo_yaml(folder):
    entry = read_entry(folder, code=True)
    assert entry.problems == ()
    step = entry.demo.steps[1]
    assert (step.title, str(step.call), step.expect.text) == ("Order and pay", "POST orders:/orders", "201")
    assert [(field.name, field.kind, field.default) for field in step.fields] == [
        ("isbn", "text", "978-1"), ("qty", "number", 1),
    ]  # fmt: skip
    assert step.what_if("on-dev").via == {"orders": "dev"}


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ('total = {"amount"', "total = {", "more.py:8:"),
        (
            "from gateway.demos import code as demo",
            "from gateway.demos import cod as demo",
            "more.py:1:1: error: Import",
        ),
        (
            '"POST orders:/orders", expect',
            '"POST orders/orders", expect',
            "more.py:4:1: error: order_and_pay.call: 'PO",
        ),
        ('{"via"', '{"path": "/x y", "via"', "more.py:4:1: error: order_and_pay.what_if.on dev.path: '/x y' has"),
        ('"Order and pay"', '"Sign in"', "'Sign in' is the name of another step too"),
        ("expect=201", "body=1", "more.py:4:1: error: body: is for the function to say"),
        ("expect=201", "after='Nothing'", "more.py:4:1: error: after: is no step above this one"),
        ("expect=201", "headers={'X': '1'}", "is for the function to say"),
    ],
)
def test_a_mistake_is_told_with_its_line_and_the_last_good_demo_stays(folder, before, after, expected):
    good = read_entry(folder, code=True)
    assert before in CODE
    (folder / "more.py").write_text(CODE.replace(before, after))
    entry = read_entry(folder, good, code=True)
    assert any(expected in str(problem) for problem in entry.problems), [str(one) for one in entry.problems]
    assert entry.demo is good.demo
    assert not list(folder.glob("__pycache__"))


async def test_the_function_yields_calls_and_is_sent_their_answers(folder):
    step = read_entry(folder, code=True).demo.steps[1]
    upstream = Upstream((201, b'{"id": 7, "total": 25.0}'), (200, b"{}"))
    made = await converse(step, {"isbn": "978-2", "qty": 2}, {"token": "t"}, None, upstream.send)
    first, second = upstream.calls
    assert (first.method, first.cluster, first.path, first.body) == (
        "POST", "orders", "/orders", b'{"isbn": "978-2", "qty": 2}',
    )  # fmt: skip
    assert dict(second.headers)["Authorization"] == "Bearer t"
    assert (made.call, made.outcome.answer.status, made.kept) == (second, 200, {"order_id": 7})
    assert second.path == "/orders/7/payments"


async def test_a_what_if_holds_for_its_calls(folder):
    step = read_entry(folder, code=True).demo.steps[1]
    upstream = Upstream((201, b'{"id": 7, "total": 25.0}'), (200, b"{}"))
    await converse(step, {"isbn": "1", "qty": 1}, {"token": "t"}, step.what_if("on-dev"), upstream.send)
    assert [made.via for made in upstream.calls] == [{"orders": "dev"}, {"orders": "dev"}]


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ((500, b"oops"), r"more.py:8: JSONDecodeError"),
        ((201, b'{"id": "a\\nb"}'), r"more.py:8: KeyError: 'total'"),
    ],
)
async def test_a_function_that_fails_says_where(folder, answer, message):
    """And the response that came before counts: its call was sent."""
    step = read_entry(folder, code=True).demo.steps[1]
    made = await converse(step, {"isbn": "1", "qty": 1}, {"token": "t"}, None, Upstream(answer).send)
    assert re.match(message, made.trouble)
    assert (made.outcome.answer.status, made.kept) == (answer[0], {})


async def test_one_call_without_a_conversation_and_no_call_at_all(folder):
    (folder / "more.py").write_text(
        "from gateway.demos import code as demo\n"
        "@demo.step('One', call='PUT c:/x')\n"
        "def one(f: demo.Upload = None): return demo.call('PUT c:/x y', form={'f': f, 'n': 1}, query={'q': 'a b'})\n"
        "@demo.step('None', call='PUT c:/x')\n"
        "def none(): return {}\n"
        "@demo.step('For ever', call='PUT c:/x')\n"
        "def ever():\n"
        "    while True: yield demo.call('GET c:/')\n"
    )
    _, one, none, ever = read_entry(folder, code=True).demo.steps
    upstream = Upstream((200, b""))
    with pytest.raises(NotSent, match="should read METHOD cluster:/path"):
        await converse(one, {"f": Upload("a", "x/y", b"1")}, {}, None, upstream.send)
    with pytest.raises(NotSent, match="made no call"):
        await converse(none, {}, {}, None, upstream.send)
    made = await converse(ever, {}, {}, None, Upstream(*[(200, b"")] * 20).send)
    assert made.trouble == "the step made 20 calls and wanted more"


def test_a_call_takes_what_it_needs():
    made = call("GET c:/x", query={"a": 1}, headers={"X": "1"})
    assert (made.target, made.query, made.headers, made.json) == ("GET c:/x", {"a": 1}, {"X": "1"}, None)

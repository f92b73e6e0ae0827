"""demo.yaml read: what it may say, and how every mistake is told with its line and column.

Covers: demos/definition/check, demos/definition/yaml.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.demos.definition.check import check_routes
from gateway.demos.definition.parse import parse_demo
from gateway.paths import templates_dir

STEP = "title: D\nsteps:\n  - title: One\n    call: GET c:/x\n"


def parse(text, files=("page.html", "logo.svg")):
    return parse_demo(text.encode() if isinstance(text, str) else text, name="d", file="demo.yaml", files=files)


def problems(text):
    return [str(problem) for problem in parse(text).problems]


def test_the_bookshop_is_a_valid_demo_of_four_steps():
    folder = templates_dir() / "demos" / "bookshop"
    parsed = parse((folder / "demo.yaml").read_text("utf-8"), files=[file.name for file in folder.iterdir()])
    assert parsed.problems == ()
    assert [step.title for step in parsed.demo.steps] == ["Sign in", "Find the book", "Order it", "Pay"]
    clusters = dict.fromkeys(("users", "catalogue", "orders", "payments"), ("dev", "test", "qa"))
    assert check_routes(parsed.demo, clusters, "demo.yaml") == ()


def test_every_part_of_a_step_is_read():
    demo = parse(
        """
title: D
logo: logo.svg
steps:
  - title: Größe & Übung
    call: POST orders:/a/{x}?z=1
    form: {x: "7", y: 3, z: true, w: , p: {type: password}, c: {choices: [1, two], label: L, help: H}}
    headers: {X-A: "{{ x }}", X-B: null}
    query: {q: "{{ y }}"}
    body: {deep: ["{{ x }}"]}
    send: form
    keep: {id: $.id, e: "header:ETag", s: status, k: "cookie:sid"}
    page: page.html
    expect: [201, 4xx]
    what_if:
      gone: {set: {x: 1}, unset: y, headers: {X-A: null}, via: {orders: dev}, path: "GET users:/b", body: null,
             delay: 250ms, expect: 404, why: because}
"""
    ).demo
    step = demo.steps[0]
    assert (demo.logo, step.slug, str(step.call)) == ("logo.svg", "größe-übung", "POST orders:/a/{x}?z=1")
    kinds = {field.name: (field.kind, field.default) for field in step.fields}
    assert kinds["x"] == ("text", "7")
    assert kinds["y"] == ("number", 3)
    assert kinds["z"] == ("checkbox", True)
    assert kinds["w"] == ("text", None)
    assert (step.fields[4].is_secret, step.fields[5].choices) == (True, (1, "two"))
    assert (step.headers, step.query, step.body.value, step.send) == (
        {"X-A": "{{ x }}", "X-B": None},
        {"q": "{{ y }}"},
        {"deep": ["{{ x }}"]},
        "form",
    )
    assert [(keep.name, keep.source) for keep in step.keep][1] == ("e", "header:ETag")
    assert 201 in step.expect
    assert 404 in step.expect
    assert 200 not in step.expect
    gone = step.what_ifs[0]
    assert (gone.set, gone.unset, gone.via, str(gone.call)) == ({"x": 1}, ("y",), {"orders": "dev"}, "GET users:/b")
    assert (gone.body.value, gone.delay, gone.expect.text, gone.why) == (None, 0.25, "404", "because")


def test_a_path_alone_keeps_method_and_cluster():
    step = parse(STEP + "    what_if: {v2: {path: /y}}\n").demo.steps[0]
    assert str(step.what_ifs[0].call) == "GET c:/y"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("", "demo.yaml:1:1: error: it is empty", id="empty"),
        pytest.param("- a", "should be a mapping", id="a list"),
        pytest.param("title: x\n", "demo.yaml:1:1: error: steps: should be a list", id="no steps"),
        pytest.param("steps: [{title: A, call: GET c:/}]", "title: is missing", id="no title"),
        pytest.param(STEP + "    cal: 1\n", "demo.yaml:5:5: error: steps[0].cal: 'cal' is", id="key"),
        pytest.param(STEP + "  - title: one\n    call: GET c:/\n", "is the name of the step in line 3", id="same name"),
        pytest.param(STEP + "    form: {a: 1, a: 2}\n", "demo.yaml:5:18: error", id="duplicate key"),
        pytest.param(STEP.replace("GET c:/x", "GTE c:/x"), "did you mean 'GET'?", id="method"),
        pytest.param(STEP.replace("GET c:/x", "GET c/x"), "demo.yaml:4:11: error: steps[0].call", id="call"),
        pytest.param(STEP.replace("GET c:/x", '"GET c:/{a"'), "a brace is not closed", id="brace"),
        pytest.param(STEP.replace("GET c:/x", '"GET c:/{prise}"'), "neither a field here nor kept", id="unknown value"),
        pytest.param(STEP + "    keep: {a: '$.['}\n", "'$.[' is not a JSONPath", id="jsonpath"),
        pytest.param(STEP + "    keep: {a: price}\n", "should be a JSONPath such as $.id", id="no source"),
        pytest.param(STEP + "    headers: {X: '{{ a + }}'}\n", "cannot be read", id="expression"),
        pytest.param(STEP + "    headers: {Host: x}\n", "is set by the gateway itself", id="own header"),
        pytest.param(STEP + "    headers: {'a b': x}\n", "is not a header name", id="header name"),
        pytest.param(STEP + "    form: {a-b: 1}\n", "cannot name a value", id="field name"),
        pytest.param(STEP + "    form: {a: {type: nmber}}\n", "did you mean 'number'?", id="type"),
        pytest.param(STEP + "    expect: 44\n", "should be a status", id="expect"),
        pytest.param(STEP + "    what_if: {a: {expect: 404}}\n", "changes nothing", id="empty what-if"),
        pytest.param(STEP + "    what_if: {a: {set: {zz: 1}}}\n", "'zz' is neither", id="set of nothing"),
        pytest.param(STEP + "    what_if: {a: {unset: [zz]}}\n", "a.unset: 'zz' is neither", id="unset of nothing"),
        pytest.param(STEP + "    what_if: {a: {delay: 9h}}\n", "should be a time such as", id="delay"),
        pytest.param(STEP + "    page: ../x.html\n", "should be the name of a file beside", id="page outside"),
        pytest.param(STEP + "    page: pag.html\n", "did you mean 'page.html'?", id="page missing"),
        pytest.param("title: !!python/object:os.system x\nsteps: 1", "is not allowed; write a plain value", id="tag"),
        pytest.param("title: [\n", "demo.yaml:2:1: error", id="syntax"),
        pytest.param("a: &a [*a]\n", "stands inside of what it repeats", id="self-reference"),
        pytest.param("[" * 5000, "", id="deep"),
        pytest.param("title: \x07", "U+0007", id="control character"),
        pytest.param(b"title: \xff", "is not UTF-8", id="bytes"),
        pytest.param("a: &a [1,1,1,1,1,1,1,1,1]\n" + "".join(
            f"{chr(98 + i)}: &{chr(98 + i)} [{','.join(['*' + chr(97 + i)] * 9)}]\n" for i in range(8)
        ), "its aliases stand for more", id="alias bomb"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_place(text, expected):
    parsed = parse(text)
    assert parsed.demo is None
    assert any(expected in str(problem) for problem in parsed.problems), problems(text)


def test_everything_wrong_is_told_at_once_in_order():
    found = parse("titel: x\nsteps:\n  - title: A\n    call: nope\n    keep: {a: b}\n").problems
    assert [problem.line for problem in found] == [1, 1, 4, 5]


def test_a_value_that_is_kept_later_is_told_with_the_step_that_keeps_it():
    text = "title: D\nsteps:\n  - {title: A, call: 'GET c:/{x}'}\n  - {title: B, call: GET c:/, keep: {x: $.x}}\n"
    assert problems(text) == ["demo.yaml:3:22: error: steps[0].call: 'x' is used before it is kept: step 'B' keeps it"]


def test_a_password_is_not_a_value_of_later_steps():
    text = (
        "title: D\nsteps:\n  - {title: A, call: POST c:/, form: {password: x}}\n"
        "  - {title: B, call: 'GET c:/{password}'}\n"
    )
    assert "'password' is a password, which is never kept" in problems(text)[0]


def test_yaml_surprises_are_text():
    fields = parse(STEP + "    form: {a: on, b: 012, c: 1:30, d: 2026-11-22, e: 0x1F, f: 1.5}\n").demo.steps[0].fields
    assert [field.default for field in fields] == ["on", "012", "1:30", "2026-11-22", "0x1F", 1.5]


def test_unknown_clusters_and_environments_are_told_beside_routes():
    demo = parse(STEP + "    what_if: {a: {via: {c: dve, cc: dev}}, b: {path: 'GET zz:/'}}\n").demo
    told = [str(problem) for problem in check_routes(demo, {"c": ("dev", "qa")}, "demo.yaml")]
    assert told[0].startswith("demo.yaml:5:28: error: steps[0].what_if.a.via.c: 'dve' is no environment of c")
    assert "did you mean 'dev'?" in told[0]
    assert "'cc' is no cluster" in told[1]
    assert "'zz' is no cluster" in told[2]


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_no_bytes_make_the_parser_fail_or_stay_silent(data):
    parsed = parse(data)
    assert parsed.demo is not None or parsed.problems


NAMES = st.from_regex(r"[a-z]{1,6}", fullmatch=True)
SCALARS = st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=8)
TREES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3))


@given(
    st.dictionaries(
        st.sampled_from(["title", "call", "form", "headers", "query", "body", "keep", "what_if", "page", "expect"]),
        TREES,
    )
)
def test_no_shape_of_a_step_makes_the_parser_fail(step):
    import yaml

    text = yaml.safe_dump({"title": "D", "steps": [step]}, allow_unicode=True)
    parsed = parse(text)
    assert parsed.demo is not None or parsed.problems

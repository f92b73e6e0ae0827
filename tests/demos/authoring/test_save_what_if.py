"""A what-if is written into demo.yaml, and no other byte of it changes.

Covers: demos/authoring/yaml_text.
"""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.demos.authoring.save_what_if import with_what_if
from gateway.demos.definition.parse import parse_demo
from gateway.demos.definition.schema import slug_of
from gateway.errors import ConfigError, NotFoundError
from gateway.paths import templates_dir

BOOKSHOP = (templates_dir() / "demos" / "bookshop" / "demo.yaml").read_bytes()
SPEC = {"set": {"isbn": "978-9"}, "expect": 404, "why": "Not here: ask #2."}


def is_insertion(before, after):
    """Whether `after` is `before` with one piece put in."""
    added = len(after) - len(before)
    start = next((i for i, (x, y) in enumerate(zip(before, after, strict=False)) if x != y), len(before))
    return any(after[:i] + after[i + added :] == before for i in range(max(0, start - added), start + 1))


def what_ifs(raw, slug):
    demo = parse_demo(raw, name="d", file="demo.yaml", files=["bookshop.svg", "pay.html"]).demo
    return {one.name: one for one in demo.step(slug).what_ifs}


@pytest.mark.parametrize("slug", ["sign-in", "find-the-book", "order-it", "pay"])
def test_the_bookshop_gets_one_more_at_every_step(slug):
    preset = with_what_if(BOOKSHOP, slug, "mine", {"headers": {"X": "1"}, "expect": 404}, file="demo.yaml")
    assert is_insertion(BOOKSHOP, preset.raw)
    found = what_ifs(preset.raw, slug)
    assert list(found) == [*what_ifs(BOOKSHOP, slug), "mine"]
    assert preset.raw.decode().splitlines()[preset.line - 1] == "      mine:"
    assert found["mine"].place.line == preset.line


SHAPES = {
    "flow what-ifs": "  - title: A\n    call: GET c:/\n    what_if: {a: {delay: 1s}}  # end\n    why: x\n",
    "flow step": "  - {title: A, call: GET c:/, form: {isbn: 1}}\n",
    "flow step with comma": "  - {title: A, call: GET c:/, }\n",
    "flow over lines": "  - title: A\n    call: GET c:/\n    what_if: {\n      a: {delay: 1s},  # one\n    }\n",
    "empty flow": "  - title: A\n    call: GET c:/\n    what_if: {}\n",
    "empty": "  - title: A\n    what_if:\n    call: GET c:/\n",
    "none": "  - title: A\n    call: GET c:/\n    keep: {x: $.y}  # kept\n",
    "none at the end": "  - title: A\n    call: GET c:/",
    "block": "  - title: A\n    call: GET c:/\n    what_if:\n      a:\n        delay: 1s # s\n\n    why: x\n",
    "indented less": "- title: A\n  call: GET c:/\n  what_if:\n    a: {delay: 1s}\n\n- title: B\n  call: GET c:/\n",
    "literal why": "  - title: A\n    call: GET c:/\n    what_if:\n      a:\n        delay: 1s\n        why: |\n          x\n",
    "carriage returns": "  - title: A\r\n    call: GET c:/\r\n    what_if:\r\n      a: {delay: 1s}\r\n    why: x\r\n",
}


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_every_way_of_writing_keeps_its_bytes(shape):
    raw = f"title: D\nsteps:\n{shape}".encode()
    preset = with_what_if(raw, "a", "unknown #1", {"headers": {"X": "1"}, "expect": [404, "4xx"]}, file="demo.yaml")
    assert is_insertion(raw, preset.raw)
    assert what_ifs(preset.raw, "a")["unknown #1"].headers == {"X": "1"}
    assert preset.raw.count(b"\r\n") == raw.count(b"\r\n") + (b"\r\n" in raw)


def test_a_byte_order_mark_stays():
    raw = b"\xef\xbb\xbftitle: D\nsteps:\n  - {title: A, call: GET c:/}\n"
    assert with_what_if(raw, "a", "x", {"delay": "1s"}, file="f").raw.startswith(b"\xef\xbb\xbftitle")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("  - &s {title: A, call: GET c:/}\n", "shared by an anchor"),
        ("  - {title: A, call: GET c:/, what_if: {x: {delay: 1s}}}\n", "there is a what-if 'x' already"),
        ("  - {title: A, call: GET c:/, what_if: [1]}\n", "what_if is not a mapping"),
        ("  - {title: A, call: GET c:/\n", "demo.yaml:4"),
    ],
)
def test_what_cannot_be_done_is_told(text, message):
    with pytest.raises(ConfigError, match=re.escape(message)):
        with_what_if(f"title: D\nsteps:\n{text}".encode(), "a", "x", {"delay": "1s"}, file="demo.yaml")


def test_an_unknown_step_is_told():
    with pytest.raises(NotFoundError, match="there is no step 'z'"):
        with_what_if(BOOKSHOP, "z", "x", SPEC, file="demo.yaml")


TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20)
VALUES = st.one_of(TEXT, st.integers(-(10**20), 10**20), st.booleans(), st.none(), st.just("yes"), st.just("012"))


@given(
    st.sampled_from(list(SHAPES.values())),
    TEXT.filter(lambda name: any(c.isalnum() for c in name)),
    st.dictionaries(TEXT, VALUES, min_size=1, max_size=4),
)
def test_any_value_comes_back_as_it_is(shape, name, values):
    raw = f"title: D\nsteps:\n{shape}".encode()
    if slug_of(name) == "a" and "a:" in shape.partition("what_if:")[2]:
        return
    preset = with_what_if(raw, "a", name, {"body": values, "why": "x: y"}, file="demo.yaml")
    assert is_insertion(raw, preset.raw)
    assert what_ifs(preset.raw, "a")[name].body.value == values

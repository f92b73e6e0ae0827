"""A demo's colours become a style sheet in which all text stays readable."""

import re

from hypothesis import given
from hypothesis import strategies as st

from gateway.demos.definition.colours import readable_on, style_sheet
from gateway.demos.definition.parse import parse_demo

STEPS = "steps:\n  - {title: A, call: GET c:/}\n"


def parse(colours):
    return parse_demo(f"title: D\ncolours: {colours}\n{STEPS}".encode(), name="d", file="demo.yaml", files=())


def contrast(one, other):
    def light(colour):
        digits = colour[1:] if len(colour) == 7 else "".join(c * 2 for c in colour[1:])
        parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
        red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    high, low = sorted((light(one), light(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@given(st.integers(0, 0xFFFFFF))
def test_text_upon_any_colour_has_enough_contrast(number):
    fill = f"#{number:06x}"
    assert contrast(fill, readable_on(fill)) >= 4.5


def test_the_style_sheet_colours_what_was_asked_for():
    demo = parse('{accent: "#0B7285", band: "#fff"}').demo
    sheet = style_sheet(demo.colours)
    assert ".demo .btn-primary { --bs-btn-bg: #0b7285;" in sheet
    assert re.search(r"\.demo-band \{ background: #fff; color: #000;", sheet)
    assert sheet.count("{") == sheet.count("}")


def test_what_is_no_colour_is_told():
    problems = [str(problem) for problem in parse('{accent: "red; } body {", bandd: "#fff"}').problems]
    assert any("demo.yaml:2:19: error: colours.accent: 'red; } body {' should be a colour" in one for one in problems)
    assert any("did you mean 'band'?" in one for one in problems)

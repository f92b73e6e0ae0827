"""A demo's own colours: read from demo.yaml, written as the style sheet of its pages. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

from .yaml import PlacedValue, Report

# what may be coloured -> where; text upon a colour is black or white, whichever is the more readable one
COLOURS = ("accent", "band")
HEX = re.compile(r"#(?:[0-9A-Fa-f]{3}|[0-9A-Fa-f]{6})")

ACCENT = """\
.demo .btn-primary {{ --bs-btn-bg: {fill}; --bs-btn-border-color: {fill}; --bs-btn-color: {text}; \
--bs-btn-hover-bg: {fill}; --bs-btn-hover-border-color: {text}; --bs-btn-hover-color: {text}; \
--bs-btn-active-bg: {fill}; --bs-btn-active-border-color: {text}; --bs-btn-active-color: {text}; }}
.demo .nav-pills {{ --bs-nav-pills-link-active-bg: {fill}; --bs-nav-pills-link-active-color: {text}; }}
"""
BAND = """\
.demo .demo-band {{ background: {fill}; color: {text}; padding: .75rem 1rem; border-radius: .5rem; }}
.demo .demo-band * {{ color: {text} !important; }}
"""


def colours_of(node: PlacedValue | None, path: str, report: Report) -> dict[str, str] | None:
    """ "accent" and "band", each "#rgb" or "#rrggbb"; anything else is a problem."""
    if node is None:
        return None
    found: dict[str, str] = {}
    for name, item in report.mapping(node, path, COLOURS).items():
        text = report.text(item, f"{path}.{name}")
        if HEX.fullmatch(text):
            found[name] = text.lower()
        else:
            report.add(item.place, f"{path}.{name}", f"'{text}' should be a colour such as \"#0b7285\", in quotes")
    return found


def style_sheet(colours: Mapping[str, str]) -> str:
    """CSS for the pages of a demo: only fills are coloured, so that both themes stay readable."""
    rules = {"accent": ACCENT, "band": BAND}
    return "".join(
        rules[name].format(fill=fill, text=readable_on(fill)) for name, fill in colours.items() if name in rules
    )


def readable_on(fill: str) -> str:
    """Black or white: one of them always has a contrast of at least 4.5 to 1 (WCAG 2.2, 1.4.3)."""
    return "#000" if 20 * _luminance(fill) + 1 >= 1.05 / (_luminance(fill) + 0.05) else "#fff"


def _luminance(fill: str) -> float:
    """Relative luminance, 0 (black) to 1 (white), as WCAG 2.2 defines it."""
    digits = fill[1:] if len(fill) == 7 else "".join(digit * 2 for digit in fill[1:])
    linear = []
    for at in (0, 2, 4):
        part = int(digits[at : at + 2], 16) / 255
        linear.append(part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4)
    red, green, blue = linear
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue

"""The colours: readable on their grounds, and an environment's by its place."""

import re

import pytest

from gateway.model.palette import DARK, ENVIRONMENTS, LIGHT, environment_class, style_sheet

ON_GROUND = [
    *((name, ground) for name in ("text", "muted", "accent", "ok", "warn", "bad", "redir", "sim") for ground in ("surface", "page")),
    ("muted", "sunken"), ("text", "sunken"), ("accent", "accent-bg"), ("on-accent", "accent"), ("ok", "ok-bg"),
    ("warn", "warn-bg"), ("bad", "bad-bg"), ("redir", "redir-bg"), ("sim", "sim-bg"), ("add", "add-bg"), ("rem", "rem-bg"),
    ("text", "add-word"), ("text", "rem-word"), *((f"env-{n}", f"env-{n}-bg") for n in range(ENVIRONMENTS + 1)),
]  # fmt: skip


def luminance(colour):
    parts = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    red, green, blue = (one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_every_text_can_be_read_on_its_ground(theme):
    faint = {pair: contrast(theme[pair[0]], theme[pair[1]]) for pair in ON_GROUND}
    assert {pair: round(ratio, 2) for pair, ratio in faint.items() if ratio < 4.5} == {}
    assert contrast("#ffffff", theme["bad-solid"]) >= 4.5
    assert contrast(theme["control"], theme["surface"]) >= 3


def test_both_themes_have_the_same_colours():
    assert LIGHT.keys() == DARK.keys()


def test_an_environment_has_the_colour_of_its_place():
    order = ("dev", "test", "qa", "stage", "load", "live", "spare")
    assert [environment_class(name, order) for name in ("qa", "dev", "test")] == ["env-3", "env-1", "env-2"]
    assert environment_class("spare", order) == "env-1"
    assert environment_class("gone", order) == "env-0"


def test_the_style_sheet_has_every_colour_for_both_themes_and_light_paper():
    text = style_sheet()
    assert all(f"--{name}: {value};" in text for theme in (LIGHT, DARK) for name, value in theme.items())
    assert re.findall(r"@media (\w+)", text) == ["screen", "screen"]

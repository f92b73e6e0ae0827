"""Colours of the pages, slides, diagrams, exports and print, for light and dark. Pure.

One table for everything that is drawn, so that an environment has the same colour on every page and in every file. Its
colour is its place in `environments:` of routes.yaml, never the order in which a diagram meets it. Contrast on the
ground of each colour is at least 4.5 (WCAG 2.2, 1.4.3), 3.0 for borders of controls (1.4.11); a test computes it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

ENVIRONMENTS: Final = 6  # colours for environments; the seventh begins again
OTHER: Final = "env-0"  # an environment that routes.yaml does not list

LIGHT: Final[Mapping[str, str]] = {
    "page": "#f5f6fa", "surface": "#ffffff", "sunken": "#eef0f6", "text": "#1a2030", "muted": "#545e72",
    "line": "#dfe3ec", "control": "#858ea3",
    "accent": "#4338ca", "on-accent": "#ffffff", "accent-bg": "#ecebfd",
    "ok": "#0b6b43", "ok-bg": "#e2f4e9", "redir": "#1d4ed8", "redir-bg": "#e6edff",
    "warn": "#8a4700", "warn-bg": "#fff0d2", "bad": "#b3142a", "bad-bg": "#fde6e8", "bad-solid": "#c2182f",
    "sim": "#7a1fa2", "sim-bg": "#f7eafd",
    "add": "#0b6b43", "add-bg": "#dff5e6", "add-word": "#aee3c0",
    "rem": "#b3142a", "rem-bg": "#fde6e8", "rem-word": "#f7b6bc",
    "env-0": "#545e72", "env-0-bg": "#eef0f6", "env-1": "#6d28d9", "env-1-bg": "#f1ebff",
    "env-2": "#0b6f8a", "env-2-bg": "#e0f5fa", "env-3": "#1d4ed8", "env-3-bg": "#e8efff",
    "env-4": "#a21caf", "env-4-bg": "#fbeafe", "env-5": "#334155", "env-5-bg": "#eceff4",
    "env-6": "#7c4a03", "env-6-bg": "#fbf1df",
}  # fmt: skip
DARK: Final[Mapping[str, str]] = {
    "page": "#0d1119", "surface": "#151b26", "sunken": "#0f141d", "text": "#e7ebf3", "muted": "#a3adbf",
    "line": "#293243", "control": "#6c778d",
    "accent": "#a9b4ff", "on-accent": "#10142a", "accent-bg": "#232a4d",
    "ok": "#63d69c", "ok-bg": "#10301f", "redir": "#8fb4ff", "redir-bg": "#182a52",
    "warn": "#ffc56e", "warn-bg": "#38280a", "bad": "#ffa8ae", "bad-bg": "#431820", "bad-solid": "#d2283d",
    "sim": "#e0a3ff", "sim-bg": "#35153f",
    "add": "#7fe0ad", "add-bg": "#0f2d1e", "add-word": "#1f5c3d",
    "rem": "#ffb0b6", "rem-bg": "#3d161d", "rem-word": "#7a2531",
    "env-0": "#a3adbf", "env-0-bg": "#1b2230", "env-1": "#c9adff", "env-1-bg": "#2a1f47",
    "env-2": "#6fd8ec", "env-2-bg": "#0e303a", "env-3": "#9dbbff", "env-3-bg": "#1a2950",
    "env-4": "#f2aaf8", "env-4-bg": "#3d1642", "env-5": "#c8d2e0", "env-5-bg": "#252e3c",
    "env-6": "#e6c18d", "env-6-bg": "#35270f",
}  # fmt: skip
_SHADOWS = {
    "light": "--shadow: 0 1px 2px rgb(20 26 45 / 5%), 0 1px 6px rgb(20 26 45 / 4%); "
    "--float: 0 8px 28px rgb(20 26 45 / 18%), 0 2px 6px rgb(20 26 45 / 10%); color-scheme: light;",
    "dark": "--shadow: 0 1px 2px rgb(0 0 0 / 40%); --float: 0 10px 32px rgb(0 0 0 / 60%); color-scheme: dark;",
}


def environment_class(environment: str, order: Sequence[str]) -> str:
    """The CSS class "env-1" to "env-6" of an environment by its place in `order`; "env-0" for one that is not there."""
    return f"env-{order.index(environment) % ENVIRONMENTS + 1}" if environment in order else OTHER


def hues_of(environments: Sequence[str], used: Sequence[str] = ()) -> dict[str, int]:
    """Environment -> its colour, from 1: its place in routes.yaml, so that it looks the same on every page. Those
    that routes.yaml does not know (any more) come behind them."""
    known = dict.fromkeys(one for one in (*environments, *used) if one)
    return {name: index % ENVIRONMENTS + 1 for index, name in enumerate(known)}


def style_sheet() -> str:
    """All colours as custom properties, and the classes of environments. Paper is white: dark is for screens only.

    `data-bs-theme` on the root overrules what the system prefers.
    """
    light, dark = _properties(LIGHT) + _SHADOWS["light"], _properties(DARK) + _SHADOWS["dark"]
    return (
        f":root, [data-bs-theme=light] {{ {light} }}\n"
        f"@media screen {{ [data-bs-theme=dark] {{ {dark} }} }}\n"
        f"@media screen and (prefers-color-scheme: dark) {{ :root:not([data-bs-theme]) {{ {dark} }} }}\n"
        + "".join(_environments())
    )


def _properties(colours: Mapping[str, str]) -> str:
    return "".join(f"--{name}: {value}; " for name, value in colours.items())


def _environments() -> Iterator[str]:
    """`.env-2` sets --env and --env-bg for what is inside it; a name in its colour is `.env.env-2`."""
    for number in range(ENVIRONMENTS + 1):
        yield f".env-{number} {{ --env: var(--env-{number}); --env-bg: var(--env-{number}-bg); }}\n"

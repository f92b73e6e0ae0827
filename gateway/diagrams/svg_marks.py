"""The marks of an SVG diagram: tags, texts, arrow heads. Pure."""

from __future__ import annotations

from html import escape

from ..model.text import clean


def xml(text: str) -> str:
    """Recorded text as text, and nothing else."""
    return escape(clean(text))


def number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def tag(name: str, css: str, **attributes: float) -> str:
    values = "".join(f' {key}="{number(value)}"' for key, value in attributes.items())
    return f'<{name} class="{css}"{values}/>'


def text(css: str, x: float, y: float, content: str, anchor: str = "") -> str:
    """`content` is markup: escape what comes from outside."""
    at = f' text-anchor="{anchor}"' if anchor else ""
    return f'<text class="{css}" x="{number(x)}" y="{number(y)}"{at}>{content}</text>'


def span(css: str, words: str) -> str:
    return f'<tspan class="{css}">{xml(words)}</tspan>'


def tip(css: str, x: float, way: int, y: float) -> str:
    """An arrow head whose point is at x; `way` leads back along the line."""
    back = number(x + 8 * way)
    return f'<path class="{css}" d="M{number(x)} {number(y)}L{back} {number(y - 4.5)}V{number(y + 4.5)}Z"/>'


def cross(x: float, y: float) -> str:
    left, top, right, bottom = (number(value) for value in (x - 5, y - 5, x + 5, y + 5))
    return f'<path class="arrow cross" d="M{left} {top}L{right} {bottom}M{left} {bottom}L{right} {top}"/>'


def curve(css: str, x: float, start: float, end: float, bulge: float) -> str:
    """From one height to another, bent to the left."""
    here, left, first, last = (number(each) for each in (x, x - bulge, start, end))
    return f'<path class="{css}" d="M{here} {first}C{left} {first} {left} {last} {here} {last}"/>'

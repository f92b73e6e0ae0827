"""The ways to write a diagram, by the names of their formats. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from .d2 import d2
from .diagram import Diagram
from .mermaid import mermaid
from .plantuml import plantuml
from .svg import svg


def picture(diagram: Diagram) -> str:
    """SVG in a file of its own."""
    return svg(diagram, standalone=True)


WRITERS: Mapping[str, Callable[[Diagram], str]] = MappingProxyType(
    {"svg": picture, "mermaid": mermaid, "plantuml": plantuml, "d2": d2}
)

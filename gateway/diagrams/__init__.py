"""Sequence diagrams of recordings: one Diagram, drawn as Mermaid, PlantUML or SVG. Pure."""

from __future__ import annotations

from .as_mermaid import mermaid
from .as_plantuml import plantuml
from .as_svg import heads, svg
from .build import sequence
from .diagram import Call, Chapter, Diagram, Divider, Fragment, Loop, Overview, Participant, Run, Section, Value
from .style import STYLE

__all__ = [
    "STYLE",
    "Call",
    "Chapter",
    "Diagram",
    "Divider",
    "Fragment",
    "Loop",
    "Overview",
    "Participant",
    "Run",
    "Section",
    "Value",
    "heads",
    "mermaid",
    "plantuml",
    "sequence",
    "svg",
]

"""Sequence diagrams of recordings: one Diagram, drawn as Mermaid, PlantUML or SVG. Pure."""

from __future__ import annotations

from .as_mermaid import mermaid
from .as_plantuml import plantuml
from .as_svg import heads, svg
from .build import sequence
from .changes import changes
from .diagram import Call, Chapter, Diagram, Divider, Fragment, Loop, Overview, Participant, Run, Section, Value
from .style import PAGE_STYLE, STYLE
from .writers import WRITERS

__all__ = [
    "PAGE_STYLE",
    "STYLE",
    "WRITERS",
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
    "changes",
    "heads",
    "mermaid",
    "plantuml",
    "sequence",
    "svg",
]

"""Sequence diagrams of recordings: one Diagram, drawn as Mermaid, PlantUML or SVG. Pure."""

from __future__ import annotations

from .as_mermaid import mermaid
from .as_plantuml import plantuml
from .as_svg import svg
from .build import sequence
from .diagram import Call, Chapter, Diagram, Divider, Loop, Participant, Run
from .style import STYLE

__all__ = [
    "STYLE",
    "Call",
    "Chapter",
    "Diagram",
    "Divider",
    "Loop",
    "Participant",
    "Run",
    "mermaid",
    "plantuml",
    "sequence",
    "svg",
]

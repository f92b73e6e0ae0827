"""Sequence diagrams of recordings: one Diagram, drawn as Mermaid, PlantUML or SVG. Pure."""

from __future__ import annotations

from .comparison import changes
from .d2 import d2
from .diagram import Call, Chapter, Diagram, Divider, Fragment, Loop, MessageRun, Overview, Participant, Section, Value
from .mermaid import mermaid
from .plantuml import plantuml
from .sequence import sequence
from .style import PAGE_STYLE, STYLE
from .svg import heads, svg
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
    "MessageRun",
    "Overview",
    "Participant",
    "Section",
    "Value",
    "changes",
    "d2",
    "heads",
    "mermaid",
    "plantuml",
    "sequence",
    "svg",
]

"""Sequence diagrams of recordings: one Diagram, drawn as Mermaid, PlantUML or SVG. Pure."""

from __future__ import annotations

from .comparison import changes
from .d2 import d2
from .diagram import Call, Chapter, Diagram, Divider, Fragment, Loop, MessageRun, Overview, Participant, Section, Value
from .mermaid import mermaid
from .plantuml import plantuml
from .sequence import sequence
from .story import Story, story
from .style import PAGE_STYLE, STORY_STYLE, STYLE
from .svg import heads, svg
from .writers import WRITERS

__all__ = [
    "PAGE_STYLE",
    "STORY_STYLE",
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
    "Story",
    "Value",
    "changes",
    "d2",
    "heads",
    "mermaid",
    "plantuml",
    "sequence",
    "story",
    "svg",
]

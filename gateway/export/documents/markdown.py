""" "How to use these APIs" as one page of Markdown (GFM, with a Mermaid diagram) for a wiki or a repository. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

import jinja2

from ...diagrams import mermaid
from ...model.text import clean, heading_anchor
from ..format import ALONE, Beside, Recordings
from .guide import guide
from .notes import seen
from .page_templates import shipped_templates

_MARKS = re.compile(r"([\\`*_{}\[\]<>#|~!&])")


def dump(recordings: Recordings, *, version: str, beside: Beside = ALONE) -> str:
    """One page for all recordings, the first one's title above it."""
    return _template().render(found=guide(recordings, beside=beside), version=version) + "\n"


def plain(text: str) -> str:
    """Recorded words as nothing but words."""
    return _MARKS.sub(r"\\\1", clean(text))


def code(text: str) -> str:
    """Recorded words as a code span, which fits into a table as well."""
    words = clean(text).replace("|", "\\|") or " "
    ticks = "`" * (max((len(run) for run in re.findall("`+", words)), default=0) + 1)
    space = " " if words.startswith("`") or words.endswith("`") else ""
    return f"{ticks}{space}{words}{space}{ticks}"


def fence(text: str, language: str = "") -> str:
    """A block of code whose fence is longer than any run of ticks in it."""
    ticks = "`" * max(3, max((len(run) for run in re.findall("`+", text)), default=0) + 1)
    return f"{ticks}{language}\n{text.rstrip()}\n{ticks}"


def prose(text: str) -> str:
    """A note is Markdown; HTML in it is text."""
    return seen(text).replace("&", "&amp;").replace("<", "&lt;").strip()


def _steps(numbers: Sequence[int]) -> str:
    shown = ", ".join(map(str, numbers[:12])) + (" …" if len(numbers) > 12 else "")
    return f"step {shown}" if len(numbers) == 1 else f"steps {shown}"


@cache
def _template() -> jinja2.Template:
    environment = shipped_templates()
    environment.filters |= {"plain": plain, "code": code, "fence": fence, "prose": prose, "slug": heading_anchor}
    environment.globals |= {"steps": _steps, "mermaid": mermaid}
    return environment.get_template("guide.md")

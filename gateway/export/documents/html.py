""" "How to use these APIs" as one HTML file: nothing is loaded, and it presents itself by keys. Pure."""

from __future__ import annotations

from base64 import b64encode
from functools import cache
from hashlib import sha256
from html import escape

import jinja2

from ...diagrams import STORY_STYLE, STYLE
from ...model.exchange import Exchange
from ...model.operations import named_operation
from ...model.palette import style_sheet
from ..format import ALONE, Beside, Recordings
from .guide import GuideChapter, guide, masked
from .html_diagram import picture
from .html_parts import block, code, hue, link, linked, status, text
from .html_style import LOOK, SCRIPT
from .notes import prose
from .page_templates import shipped_templates

_STYLE = style_sheet() + LOOK + STYLE + STORY_STYLE


def dump(recordings: Recordings, *, version: str, beside: Beside = ALONE) -> str:
    """One file for all recordings, the first one's title above it."""
    found = guide(recordings, beside=beside)
    anchors = {id: anchor for chapter in found.chapters for id, anchor in chapter.anchors.items()}
    page = _template().render(found=found, anchors=anchors, version=version, style=_STYLE, script=SCRIPT)
    return page + "\n"


@cache
def _template() -> jinja2.Template:
    environment = shipped_templates()
    environment.filters |= {
        "text": text, "code": code, "block": block, "prose": prose, "linked": linked, "escaped": escape,
        "sha256": _sha256,
    }  # fmt: skip
    environment.globals |= {"call_of": _call_of, "hue": hue, "link": link, "picture": picture, "status": status}
    return environment.get_template("guide.html")


def _sha256(script: str) -> str:
    """As a content security policy writes it."""
    return b64encode(sha256(script.encode()).digest()).decode()


def _call_of(exchange: Exchange, chapter: GuideChapter) -> str:
    """The call of an error: with its operation's name before it where it has one."""
    target = masked(f"{exchange.method} {exchange.request.target}", chapter.known)
    operation = named_operation(exchange)
    return f"{operation.label} · {target}" if operation else target

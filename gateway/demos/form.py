"""The parts of a step's form, ready-made for our own page and for an author's. I/O."""

from __future__ import annotations

from typing import Any

import aiohttp_jinja2
from aiohttp import web
from markupsafe import Markup

from .config import KINDS, Demo, Step
from .step import Filled, text_of


def form_parts(request: web.Request, demo: Demo, step: Step, filled: tuple[Filled, ...], csrf: str) -> dict[str, Any]:
    """`start`, each field by its name, `send`, `what_ifs`, `end`; a page uses the ones it wants.

    A field whose name is one of those words is found under `fields`.
    """
    macros: Any = aiohttp_jinja2.get_env(request.app).get_template("demos/form.html").module
    fields = {each.field.name: Markup(macros.field(each, demo, KINDS[each.field.kind], text_of)) for each in filled}
    return {
        **fields,
        "fields": fields,
        "start": Markup(macros.start(csrf)),
        "send": lambda label="Send": Markup(macros.send(label)),
        "what_ifs": Markup(macros.what_ifs(step)),
        "end": Markup("</form>"),
    }

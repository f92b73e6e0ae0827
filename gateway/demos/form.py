"""The parts of a step's form, ready-made for our own page and for an author's. I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import aiohttp_jinja2
from aiohttp import web
from markupsafe import Markup

from .definition.expression_limits import PagePart
from .definition.lineage import Origin, destinations
from .definition.schema import KINDS, DemoStep
from .result import CallResult
from .step import FilledField, text_of

NOTHING: Mapping[str, str] = {}


def groups(filled: Sequence[FilledField], fields: Mapping[str, Markup]) -> list[tuple[str, list[Markup]]]:
    """The fields in their order: (heading, or "", the fields under it)."""
    found: list[tuple[str, list[Markup]]] = []
    for each in filled:
        if not found or found[-1][0] != each.field.group:
            found.append((each.field.group, []))
        found[-1][1].append(fields[each.field.name])
    return found


def form_parts(
    request: web.Request,
    step: DemoStep,
    filled: tuple[FilledField, ...],
    csrf: str,
    *,
    origins: Mapping[str, Origin],
    sent: CallResult | None,
    environments: Sequence[str] = (),
    own: Mapping[str, str] = NOTHING,
) -> dict[str, Any]:
    """`start`, each field by its name, `groups`, `send`, `what_ifs`, `end`; a page uses the ones it wants. Blocking.

    A field whose name is one of those words is found under `fields`. `sent` is the step as it was sent last; `own`
    what stands in the boxes of a what-if of your own.
    """
    macros: Any = aiohttp_jinja2.get_env(request.app).get_template("demos/form.html").module
    goes = destinations(step)
    fields = {
        each.field.name: Markup(
            macros.field(
                each, KINDS[each.field.kind], text_of, goes[each.field.name], origins.get(each.field.name), sent
            )
        )
        for each in filled
    }
    has_file = any(each.field.kind == "file" for each in filled)
    return {
        **fields,
        "fields": fields,
        "groups": groups(filled, fields),
        "start": Markup(macros.start(csrf, has_file)),
        "send": PagePart(lambda label="Send": Markup(macros.send(label))),
        "what_ifs": Markup(macros.what_ifs(step) + ("" if step.run else macros.own_what_if(step, environments, own))),
        "end": Markup("</form>"),
    }

"""The templates of our own documents, filled in from the guide. Pure: they are part of the package, read as code is.

A template gets the guide itself and the functions that put it into words: so every format says the same.
"""

from __future__ import annotations

import jinja2

from ..scenario.scenario import secrets_by_place
from .guide import (
    about,
    answer_text,
    ended,
    error_anchor,
    error_rows,
    errors_title,
    folded,
    heading,
    kept_as,
    masked,
    name_or_path,
    place,
    request_text,
    took,
)
from .snippets import snippets

WORDS = (
    about, answer_text, ended, error_anchor, error_rows, errors_title, folded, heading, kept_as, masked, name_or_path,
    place, request_text, secrets_by_place, snippets, took,
)  # fmt: skip


def shipped_templates() -> jinja2.Environment:
    """An environment over templates/ beside this module. It escapes nothing by itself: a template passes recorded words
    through a filter of its format. Tests with hostile words in every place of a recording find one that does not."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("gateway.export.documents"),
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.globals |= {one.__name__: one for one in WORDS}
    return environment

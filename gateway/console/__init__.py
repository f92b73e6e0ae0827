"""The operator's pages and the JSON API under /_gateway/, and the guards of everything we serve ourselves. I/O."""

from __future__ import annotations

from ..services.changes import delete as delete_recording
from ..web.access import check_operator
from ..web.guard import MIDDLEWARES, check_csrf, csrf_token
from ..web.page_shell import rendered
from .setup import compile_template, setup, template_names

__all__ = [
    "MIDDLEWARES",
    "check_csrf",
    "check_operator",
    "compile_template",
    "csrf_token",
    "delete_recording",
    "rendered",
    "setup",
    "template_names",
]

"""A step's own Jinja2 page, written by the demo's author: sandboxed, escaped, kept to its folder. I/O."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import jinja2
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup


class OwnPageError(Exception):
    """The page failed; the message says where and why."""


def render_own_page(folder: Path, name: str, context: Mapping[str, Any]) -> Markup:
    """The page as a fragment: it stands where the plain form would."""
    try:
        return Markup(_environment(folder).get_template(name).render(dict(context)))
    except jinja2.TemplateNotFound as error:
        raise OwnPageError(f"{name}: there is no file '{error.name}' in {folder.name}") from None
    except jinja2.TemplateSyntaxError as error:
        raise OwnPageError(f"{error.filename and Path(error.filename).name}:{error.lineno}: {error.message}") from None
    except Exception as error:  # an author's page may fail in any way that Python can
        raise OwnPageError(f"{name}{_line(error, name)}: {error}") from None


@lru_cache(maxsize=64)
def _environment(folder: Path) -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(loader=jinja2.FileSystemLoader(folder), autoescape=True)
    environment.globals.clear()
    return environment


def _line(error: Exception, name: str) -> str:
    trace, line = error.__traceback__, ""
    while trace is not None:
        if trace.tb_frame.f_code.co_filename.endswith(name):
            line = f":{trace.tb_lineno}"
        trace = trace.tb_next
    return line

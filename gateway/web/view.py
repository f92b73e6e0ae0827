"""What a page has read, before it is shown as HTML or JSON. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class View:
    """What was read: `data` is the twin's JSON too; `extra` is only for the page."""

    data: Mapping[str, Any]
    extra: Mapping[str, Any]
    status: int = 200
    template: str = ""  # in place of the page's own: a part of it


def view(data: Mapping[str, Any], *, status: int = 200, template: str = "", **extra: Any) -> View:
    return View(data, extra, status, template)

"""Expressions of JavaScript that find kept values, for the runners that run it: Postman, httpyac, Bruno. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from ..scenario.variables import KeptVariable

Quote = Callable[[str], str]


def matched(found: str, keep: KeptVariable, quote: Quote = json.dumps) -> str:
    """What the pattern of a kept value finds in the text of an expression; the expression itself without a pattern."""
    return f"String({found}).match(new RegExp({quote(keep.pattern)}))[1]" if keep.pattern else found


def cookie_in(lines: str, name: str, quote: Quote = json.dumps) -> str:
    """The value of a cookie among the Set-Cookie lines of an expression: the last of its name (RFC 6265, 5.3)."""
    pattern = quote(rf"^\s*{re.escape(name)}=[\"]?([^;\"]*)")
    return f"[].concat({lines}).map(one => String(one).match(new RegExp({pattern}))).filter(one => one).pop()[1]"

"""The variables of a .env file. Pure."""

from __future__ import annotations

import re

from .errors import UsageError

LINE = re.compile(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=(.*)")
QUOTED = re.compile(r"""\s*(?:"((?:[^"\\]|\\.)*)"|'([^']*)')\s*(?:#.*)?""")
ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}


def dotenv(text: str, *, file: str = ".env") -> dict[str, str]:
    """The variables of a .env file: NAME=value, "quoted" with backslash escapes, 'verbatim', # comments."""
    found = {}
    for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = LINE.fullmatch(line)
        value = _unquoted(match[2]) if match else None
        if match is None or value is None:
            raise UsageError("not NAME=value", where=f"{file}:{number}", hint="close every quote")
        found[match[1]] = value
    return found


def _unquoted(text: str) -> str | None:
    if not text.lstrip().startswith(("'", '"')):
        return re.split(r"\s#", text, maxsplit=1)[0].strip()
    match = QUOTED.fullmatch(text)
    if match is None or match[1] is None:
        return match[2] if match else None
    return re.sub(r"\\(.)", lambda escape: ESCAPES.get(escape[1], escape[1]), match[1])

"""Recorded text made safe to print: what a terminal would obey is shown instead. Pure."""

from __future__ import annotations

import unicodedata


def visible(text: str, *, lines: bool = False) -> str:
    """The text with control and direction marks as escapes; with `lines`, line ends and tabs stay."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(mark if _harmless(mark, lines) else _escaped(mark) for mark in text)


def _harmless(mark: str, lines: bool) -> bool:
    if mark in "\n\t":
        return lines
    return unicodedata.category(mark) not in ("Cc", "Cf", "Cs", "Zl", "Zp")


def _escaped(mark: str) -> str:
    code = ord(mark)
    if mark in ESCAPES:
        return ESCAPES[mark]
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


ESCAPES = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}

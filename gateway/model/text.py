"""Recorded text made safe to print: what a terminal would obey is shown instead. Pure."""

from __future__ import annotations

import re
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


LABEL = 46  # characters of a path that a label shows; the whole of it stands in the tooltip

# What is unprintable or turns text around (Trojan Source): controls, format characters, lone
# surrogates, private use, line and paragraph separators.
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_HALF = re.compile(r"\{[^{}/]{0,60}…|…[^{}/]{0,60}\}")
_ID = re.compile(
    r"""(?<=/)(?: \d+
      | [0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}
      | [0-9A-HJKMNP-TV-Z]{26}
      | [0-9a-f]{16,}
      | (?=[\w.~-]*\d)[\w.~-]{20,}
    )(?=[/?]|$)""",
    re.VERBOSE,
)


def clean(text: str) -> str:
    """One line of visible text: white space becomes a space, what cannot be seen becomes U+FFFD."""
    return text if text.isprintable() else "".join(_seen(char) for char in text)


def _seen(char: str) -> str:
    if char in "\t\n\r\v\f":
        return " "
    return "\ufffd" if unicodedata.category(char) in _UNSEEN else char


def shortened(text: str, limit: int = LABEL) -> str:
    """Cut in the middle; the end of a path says more than its start. Half a {name} says nothing and goes as well."""
    if len(text) <= limit:
        return text
    head = (limit - 1) * 2 // 5
    return _HALF.sub("…", f"{text[:head]}…{text[len(text) - (limit - 1 - head) :]}")


def shape(path: str) -> str:
    """The path with `{id}` for every segment that looks like one, the query left out."""
    return _ID.sub("{id}", path.partition("?")[0])


def duration(ms: float) -> str:
    if ms < 1:
        return "<1 ms"
    return f"{ms:.0f} ms" if ms < 999.5 else f"{ms / 1000:.1f} s"


def size(count: int) -> str:
    for unit, scale in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if count >= scale:
            return f"{count / scale:.1f} {unit}"
    return f"{count} bytes"


def counted(count: int, noun: str) -> str:
    """As in "1 event" and "12 events"."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def heading_anchor(title: str) -> str:
    """The anchor that code hosts give a Markdown heading: "what-is-sealed-redact"."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")

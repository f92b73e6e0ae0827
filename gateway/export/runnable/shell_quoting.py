"""Any bytes as one word of a bash script. Pure."""

from __future__ import annotations

_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=@%+,")
_ESCAPES = {0x5C: "\\\\", 0x27: "\\'", 0x0A: "\\n", 0x0D: "\\r", 0x09: "\\t"}


def quoted(data: bytes) -> str:
    """Bare where nothing needs quotes, '...' for visible text, $'...' for the rest. NUL fits in no word: ValueError."""
    if 0 in data:
        raise ValueError("a word of a command line cannot hold a NUL")
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return _escaped(data)
    if text and _PLAIN.issuperset(text):
        return text
    if all(char.isprintable() or char == "\n" for char in text):  # no controls, nothing that reverses text
        return "'" + text.replace("'", "'\\''") + "'"
    return _escaped(data)


def _escaped(data: bytes) -> str:
    """Octal, because three digits always end the escape; a following hex digit would prolong \\x."""
    return "$'" + "".join(_byte(byte) for byte in data) + "'"


def _byte(byte: int) -> str:
    if byte in _ESCAPES:
        return _ESCAPES[byte]
    return chr(byte) if 0x20 <= byte < 0x7F else f"\\{byte:03o}"

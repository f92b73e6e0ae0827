"""YAML 1.2 that every reader takes for the same: plain words, quoted text, blocks for scripts and notes. Pure.

Readers disagree about what is a number, a date or true, so that only words that none of them could mistake stand plain.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:[ ./-]+[A-Za-z0-9_]+)*")
_MEANT = frozenset(["y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf"])
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


def yaml_of(data: Mapping[str, Any], *, comment: Sequence[str] = ()) -> str:
    """A document, with lines of comment above it."""
    lines = [f"# {line}".rstrip() for line in comment]
    return "\n".join([*lines, *_mapping(data, "")]) + "\n"


def _mapping(data: Mapping[str, Any], indent: str) -> Iterator[str]:
    for key, value in data.items():
        yield from _under(f"{indent}{_key(key)}:", value, indent)


def _under(head: str, value: Any, indent: str) -> Iterator[str]:
    """What follows a key or a dash: on the same line where it is a scalar."""
    if isinstance(value, Mapping) and value:
        yield head
        yield from _mapping(value, f"{indent}  ")
    elif isinstance(value, list | tuple) and value:
        yield head
        yield from _items(value, f"{indent}  ")
    elif isinstance(value, str) and _is_block(value):
        yield f"{head} |{'' if value.endswith(chr(10)) else '-'}"
        yield from (f"{indent}  {line}" if line else "" for line in value.removesuffix("\n").split("\n"))
    else:
        yield f"{head} {_scalar(value)}"


def _items(data: Sequence[Any], indent: str) -> Iterator[str]:
    for item in data:
        if isinstance(item, Mapping) and item:
            first, *rest = _mapping(item, f"{indent}  ")
            yield f"{indent}- {first.removeprefix(f'{indent}  ')}"
            yield from rest
        else:
            yield from _under(f"{indent}-", item, indent)


def _is_block(text: str) -> bool:
    """Lines that may stand as they are. Leading spaces, or empty lines at the end, would need marks of their own."""
    if "\n" not in text or text.startswith((" ", "\n")) or text.endswith("\n\n"):
        return False
    return all(line.isprintable() and not line.endswith(" ") for line in text.removesuffix("\n").split("\n"))


def _key(key: str) -> str:
    return key if _WORD.fullmatch(key) and key.lower() not in _MEANT else _quoted(key)


def _scalar(value: Any) -> str:
    if isinstance(value, str):
        return value if _PLAIN.fullmatch(value) and value.lower() not in _MEANT else _quoted(value)
    return json.dumps(value)  # numbers, true, false, null, and what is empty


def _quoted(text: str) -> str:
    """In double quotes; what cannot be seen by its number. Of half a surrogate pair nothing can be kept."""
    return '"' + "".join(map(_char, text)) + '"'


def _char(char: str) -> str:
    if char in '"\\':
        return f"\\{char}"
    if char.isprintable() and char != "\ufeff":
        return char
    number = ord(char)
    if 0xD800 <= number <= 0xDFFF:
        return "\ufffd"
    return f"\\x{number:02X}" if number < 0x100 else f"\\u{number:04X}" if number < 0x10000 else f"\\U{number:08X}"

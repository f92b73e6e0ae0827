"""Values as YAML that demo.yaml's reader gives back as they are: plain where that is safe, else in quotes. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from ...routes.yaml import meaning, surprise

PLAIN = re.compile(r"[A-Za-z0-9$/][A-Za-z0-9_./$+-]*(?: [A-Za-z0-9_./$+-]+)*")
PATH = re.compile(r"\$[A-Za-z0-9_.$]*")
CALL = re.compile(r"[A-Z]+ [A-Za-z0-9_-]+:/[A-Za-z0-9_./{}%?&=~-]*")  # plain in a block, where braces mean nothing
EMPTY = object()  # a value that is left empty: {isbn: , qty: 1}
WIDTH = 110  # characters of a line beyond which a mapping takes a line for each member
ODD = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]")


def flow(value: Any) -> str:
    """A value on one line: {set: {isbn: "978-9"}, expect: 404}."""
    if value is EMPTY:
        return ""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key(name)}: {flow(item)}" for name, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(flow(item) for item in value) + "]"
    if isinstance(value, str):
        return _text(value)
    return json.dumps(value)


def key(name: str) -> str:
    return _text(name)


def member(name: str, value: Any, indent: int, *, spread: bool = False) -> list[str]:
    """The lines of one member of a block mapping; with `spread` a mapping takes a line for each of its own."""
    pad = " " * indent
    plain = isinstance(value, str) and CALL.fullmatch(value)
    line = f"{pad}{key(name)}: {value if plain else flow(value)}".rstrip()
    if isinstance(value, Mapping) and value and (spread or len(line) > WIDTH):
        below = [line for inner, item in value.items() for line in member(inner, item, indent + 2)]
        return [f"{pad}{key(name)}:", *below]
    return [line]


def _text(text: str) -> str:
    if PLAIN.fullmatch(text) and isinstance(meaning(text), str) and not surprise(text) and text.lower() not in _WORDS:
        return text
    return ODD.sub(lambda odd: f"\\u{ord(odd[0]):04x}", json.dumps(text, ensure_ascii=False))


_WORDS = ("null", "true", "false", "yes", "no", "on", "off", "y", "n")

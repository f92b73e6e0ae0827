"""Secrets in JSON that names them beside their values: {"name": "password", "value": ...}, JSON Patch, lists. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from .json_text import IsSecret, Path

NAMES: Final = ("name", "key", "path", "field", "header", "id", "property", "param")
VALUES: Final = ("value", "values", "newValue", "oldValue", "val", "content")
MARKS: Final = (b'alue"', b'alues"', b'"val"', b'"content"')  # one of the VALUES is there
DEEPEST: Final = 100
PAIR: Final = re.compile(rb"\[\s*\"([\w\-]{2,100})\"\s*,")


def named_places(data: bytes, document: Any, is_secret: IsSecret) -> set[Path]:
    """The places of values that a neighbour calls by the name of a secret; `document` is the JSON parsed."""
    may = any(name in data for name in MARKS) or any(is_secret(pair[1]) for pair in PAIR.finditer(data))
    return set(_places(document, (), is_secret)) if may else set()


def _places(value: Any, path: Path, is_secret: IsSecret) -> Iterator[Path]:
    if len(path) > DEEPEST:
        return
    if isinstance(value, dict):
        if any(_is_name(value.get(name), is_secret) for name in NAMES):
            yield from ((*path, name) for name in VALUES if name in value)
        for name, below in value.items():
            if isinstance(below, dict | list):
                yield from _places(below, (*path, name), is_secret)
    elif isinstance(value, list):
        if len(value) == 2 and isinstance(value[1], str) and _is_name(value[0], is_secret):  # ["Cookie", "a=b"]
            yield (*path, 1)
        for number, below in enumerate(value):
            if isinstance(below, dict | list):
                yield from _places(below, (*path, number), is_secret)


def _is_name(value: Any, is_secret: IsSecret) -> bool:
    """A name, or a pointer whose last word is one."""
    if not isinstance(value, str) or not 2 <= len(value) <= 200:
        return False
    return is_secret(value.rpartition("/")[2].encode("utf-8", "replace"))

"""Every scalar of a JSON text with its place, so that one can be replaced and no other byte moves. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final

TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+', re.DOTALL)
Path = tuple[str | int, ...]


class Number(str):
    """A JSON number as it stands: 39.80 and 1e400 survive."""

    __slots__ = ()


def parse(text: str) -> Any:
    """JSON whose numbers keep their spelling; ValueError when it is none, or too deep."""
    try:
        return json.loads(text, parse_int=Number, parse_float=Number, parse_constant=Number)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def scalars(text: str) -> Iterator[tuple[int, int, Path]]:
    """(start, end, place) of every string, number and literal that is a value. The text must be valid JSON."""
    stack: list[str | int] = []
    expect_key = False
    for match in TOKEN.finditer(text):
        mark = match[0]
        if mark in "{[":
            stack.append("" if mark == "{" else 0)
            expect_key = mark == "{"
        elif mark in "}]":
            stack.pop()
            expect_key = False
        elif mark == ":":
            expect_key = False
        elif mark == ",":
            last = stack[-1]
            expect_key = isinstance(last, str)
            if isinstance(last, int):
                stack[-1] = last + 1
        elif expect_key:
            stack[-1] = json.loads(mark, strict=False)
        else:
            yield match.start(), match.end(), tuple(stack)


def pointer(path: Path) -> str:
    """RFC 6901."""
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in path)


def at(value: Any, path: str) -> Any:
    """What stands at a JSON pointer; KeyError when nothing does."""
    for part in path.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict):
            value = value[key]
        elif isinstance(value, list) and key.isdigit() and int(key) < len(value):
            value = value[int(key)]
        else:
            raise KeyError(path)
    return value

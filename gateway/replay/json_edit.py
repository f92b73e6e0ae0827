"""Changes one place of a JSON text; every other byte stays: numbers, spaces, escapes, duplicate members. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from ..correlation.json_values import TOKEN, Number, parse

GAP: Final = re.compile(r"\s*")


@dataclass(slots=True)
class JsonSpan:
    """A value and where it stands. `inner` are its members or items: (key or number, where the key begins, value)."""

    start: int
    end: int = 0
    is_object: bool = False
    inner: list[tuple[str | int, int, JsonSpan]] = field(default_factory=list)

    def at(self, word: str) -> int:
        """Which of `inner` a word of a pointer names; -1 when none does. Of equal members the last one counts."""
        for index in range(len(self.inner) - 1, -1, -1):
            if str(self.inner[index][0]) == word:
                return index
        return -1


def tree_of(text: str) -> JsonSpan:
    """The whole text as nodes. ValueError when it is not valid JSON."""
    root: JsonSpan | None = None
    stack: list[JsonSpan] = []
    key: tuple[str, int] | None = None
    for match in TOKEN.finditer(text):
        mark, start = match[0], match.start()
        if mark in ":,":
            continue
        if mark in "}]":
            stack.pop().end = match.end()
            continue
        parent = stack[-1] if stack else None
        if parent is not None and parent.is_object and key is None:
            key = (json.loads(mark, strict=False), start)
            continue
        node = JsonSpan(start, match.end(), mark == "{")
        if parent is None:
            root = root or node
        else:
            name, where = key or (len(parent.inner), start)
            parent.inner.append((name, where, node))
        key = None
        if mark in "{[":
            stack.append(node)
    if root is None:
        raise ValueError("no JSON")
    return root


def edited_text(text: str, words: Sequence[str], make: Callable[[Any], Any] | None) -> str:
    """The text with one value made anew from what it was, or without it. Members that are missing on the way are added.

    The caller has checked that the place can be there. Values may hold `Number`s, which keep their digits.
    """
    node = tree_of(text)
    for depth, word in enumerate(words):
        index = node.at(word)
        if index < 0:
            assert make is not None
            return _added(text, node, word, words[depth + 1 :], make)
        if make is None and depth == len(words) - 1:
            return _removed(text, node, index)
        node = node.inner[index][2]
    if make is None:
        return text[: node.start] + "null" + text[node.end :]
    return text[: node.start] + dump(make(parse(text[node.start : node.end]))) + text[node.end :]


def _added(text: str, node: JsonSpan, word: str, rest: Sequence[str], make: Callable[[Any], Any]) -> str:
    """With one more member or item, spaced as the last one is."""
    value = make(None)
    for inner in reversed(rest):
        value = {inner: value}
    written = (json.dumps(word, ensure_ascii=False) + _colon(text, node) if node.is_object else "") + dump(value)
    if not node.inner:
        return text[: node.start + 1] + written + text[node.start + 1 :]
    _, start, last = node.inner[-1]
    before = max(text.rfind(mark, node.start, start) for mark in ("," if len(node.inner) > 1 else "{", "["))
    return text[: last.end] + "," + text[before + 1 : start] + written + text[last.end :]


def _colon(text: str, node: JsonSpan) -> str:
    """What stands between a name and its value in this object."""
    if not node.inner:
        return ": "
    _, start, value = node.inner[-1]
    match = TOKEN.match(text, start)
    return text[match.end() : value.start] if match else ": "


def _removed(text: str, node: JsonSpan, index: int) -> str:
    """Without one member or item, and the comma that came with it."""
    _, start, value = node.inner[index]
    if index + 1 < len(node.inner):
        return text[:start] + text[node.inner[index + 1][1] :]
    if index:
        return text[: node.inner[index - 1][2].end] + text[value.end :]
    return text[:start] + text[value.end :]


def dump(value: Any) -> str:
    """JSON with the numbers as they are spelled."""
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, dict):
        return (
            "{" + ", ".join(f"{json.dumps(name, ensure_ascii=False)}: {dump(one)}" for name, one in value.items()) + "}"
        )
    if isinstance(value, list):
        return "[" + ", ".join(map(dump, value)) + "]"
    return json.dumps(value, ensure_ascii=False)

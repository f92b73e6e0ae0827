"""Which operation of a contract a request is: path templates, literals before templates. Pure.

Segments are compared as they were sent, percent-decoded one by one: `%2F` stays inside its segment. Templates within a
segment work (`{id}.json`), one slash at the end is forgiven, and what stands behind `?` in a contract's path must be in
the request's query (`/v1/files?beta=true`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar
from urllib.parse import parse_qsl, unquote

_PARTS: Final = re.compile(r"\{([^{}/]+)\}")
Entry = TypeVar("Entry")


@dataclass(frozen=True, slots=True)
class PathMatch(Generic[Entry]):
    """An entry whose template fits a path, with what stands in its places, percent-encoded as it was sent."""

    entry: Entry
    values: Mapping[str, str]


@dataclass(slots=True)
class _Node(Generic[Entry]):
    literals: dict[str, _Node[Entry]] = field(default_factory=dict)
    patterns: list[tuple[re.Pattern[str], tuple[str, ...], _Node[Entry]]] = field(default_factory=list)
    any: list[tuple[str, _Node[Entry]]] = field(default_factory=list)
    rest: list[tuple[str, Entry, Mapping[str, str]]] = field(default_factory=list)  # many segments: the last of a path
    ends: list[tuple[Entry, Mapping[str, str]]] = field(default_factory=list)  # with what the query must have


class PathTree(Generic[Entry]):
    """The templates of a contract as a tree of segments."""

    def __init__(self) -> None:
        self._root: _Node[Entry] = _Node()

    def add(self, template: str, entry: Entry, *, rest: str = "") -> None:
        """`rest`: the parameter that may hold slashes, where it is the last segment."""
        path, _, query = template.partition("#")[0].partition("?")
        wanted = dict(parse_qsl(query, keep_blank_values=True))
        node = self._root
        segments = _segments(path)
        for index, segment in enumerate(segments):
            names = _PARTS.findall(segment)
            if rest and names == [rest] and segment == f"{{{rest}}}" and index == len(segments) - 1:
                node.rest.append((rest, entry, wanted))
            node = _child(node, segment, tuple(names))
        node.ends.append((entry, wanted))
        node.ends.sort(key=lambda end: -len(end[1]))

    def find(self, path: str, query: str = "") -> Iterator[PathMatch[Entry]]:
        """The entries whose templates fit, the most literal first."""
        given = dict(parse_qsl(query, keep_blank_values=True)) if query else {}
        segments = _segments(path)
        yield from _walk(self._root, segments, 0, {}, given)
        if len(segments) > 1 and not segments[-1]:
            yield from _walk(self._root, segments[:-1], 0, {}, given)
        elif segments[-1:] != [""]:
            yield from _walk(self._root, [*segments, ""], 0, {}, given)

    def nearest(self, path: str) -> str:
        """As much of a template as fits the beginning of a path: "/settings/{name}" of "/settings/a/b"; "" for none."""
        return "".join(f"/{segment}" for segment in _deepest(self._root, _segments(path), 0))


def _deepest(node: _Node[Entry], segments: Sequence[str], at: int) -> list[str]:
    if at == len(segments) or not segments[at]:
        return []
    segment = segments[at]
    ways = [(unquote(segment), literal)] if (literal := node.literals.get(unquote(segment))) is not None else []
    ways += [
        ("{" + ",".join(names) + "}", child) for pattern, names, child in node.patterns if pattern.fullmatch(segment)
    ]
    ways += [(f"{{{name}}}", child) for name, child in node.any]
    return max(([name, *_deepest(child, segments, at + 1)] for name, child in ways), key=len, default=[])


def _segments(path: str) -> list[str]:
    return path.removeprefix("/").split("/")


def _child(node: _Node[Entry], segment: str, names: tuple[str, ...]) -> _Node[Entry]:
    if not names:
        return node.literals.setdefault(unquote(segment), _Node())
    if segment == f"{{{names[0]}}}":
        for name, child in node.any:
            if name == names[0]:
                return child
        child = _Node[Entry]()
        node.any.append((names[0], child))
        return child
    pattern = _pattern(segment)
    for known, _, child in node.patterns:
        if known.pattern == pattern:
            return child
    child = _Node[Entry]()
    node.patterns.append((re.compile(pattern), names, child))
    return child


def _pattern(segment: str) -> str:
    """Each place takes as little as it can; a segment has few of them."""
    parts = _PARTS.split(segment)
    return "".join("([^/]{1,1000}?)" if index % 2 else re.escape(part) for index, part in enumerate(parts))


def _walk(
    node: _Node[Entry], segments: Sequence[str], at: int, values: dict[str, str], given: Mapping[str, str]
) -> Iterator[PathMatch[Entry]]:
    if at == len(segments):
        for entry, wanted in node.ends:
            if all(given.get(name) == value for name, value in wanted.items()):
                yield PathMatch(entry, values)
        return
    segment = segments[at]
    literal = node.literals.get(unquote(segment))
    if literal is not None:
        yield from _walk(literal, segments, at + 1, values, given)
    for pattern, names, child in node.patterns:
        if len(segment) <= 1000 and (found := pattern.fullmatch(segment)):
            yield from _walk(child, segments, at + 1, values | dict(zip(names, found.groups(), strict=True)), given)
    if segment:
        for name, child in node.any:
            yield from _walk(child, segments, at + 1, values | {name: segment}, given)
        for name, entry, wanted in node.rest:
            if at + 1 < len(segments) and all(given.get(key) == value for key, value in wanted.items()):
                yield PathMatch(entry, values | {name: "/".join(segments[at:])})

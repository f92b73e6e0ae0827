"""The operations of a GraphQL document: type, name and first field of each, without a parser of the whole. Pure.

Tokens only (October 2021 edition, section 2.1): strings, block strings, comments and braces are enough to find where
each definition begins and ends. A text that is no executable document has no operations: `{"query": "shoes"}` is a
search, and `{app="web"}` a log query.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

TOKENS: Final = 16_384  # braces and strings of one document; a real one of 64 KiB has about 3,000
DEPTH: Final = 200  # levels of braces
DEFINITIONS: Final = 200  # operations and fragments of one document

_SKIPPED = r"(?:[\s,\ufeff]|#[^\n]*+(?:\n|\Z))*+"
_NAME = r"[_A-Za-z][_0-9A-Za-z]*+"
_TEXT = r'"""(?:[^"\\]|\\.|"(?!""))*+"""|"(?:[^"\\\n]|\\.)*+"'
_STRING = rf"{_TEXT}|#[^\n]*+"
_HEAD = re.compile(
    rf"{_SKIPPED}(?:(?:{_TEXT})?+{_SKIPPED}(query|mutation|subscription|fragment)\b"
    rf"{_SKIPPED}({_NAME})?+{_SKIPPED}(?=[({{@]|on\b)|(?=\{{))",
    re.DOTALL,
)
_MARK = re.compile(rf"{_STRING}|[(){{}}\"]", re.DOTALL)
_BRACE = re.compile(rf"{_STRING}|[{{}}\"]", re.DOTALL)
_FIELD = re.compile(
    rf"{_SKIPPED}(?:(\.\.\.){_SKIPPED}(?:on\b{_SKIPPED})?+({_NAME})?+"
    rf"|({_NAME}){_SKIPPED}(?::{_SKIPPED}({_NAME}){_SKIPPED})?+(?=[({{}}@_A-Za-z.]))"
)
_END = re.compile(rf"{_SKIPPED}\Z")


@dataclass(frozen=True, slots=True)
class Definition:
    """An operation: `type` is query, mutation or subscription, `name` "" where it has none, `field` its first field."""

    type: str
    name: str
    field: str


_TOKEN = re.compile(rf"{_TEXT}|#[^\n]*+|{_NAME}|-?[0-9][0-9A-Za-z.+-]*+|\.\.\.|[^\s,\ufeff]", re.DOTALL)


def canonical(text: str) -> str:
    """A document without what means nothing in it: white space, commas, comments (section 2.1); other texts as they
    are. Equal for two builds of a front end that print the same operation."""
    if not operations(text):
        return text
    return " ".join(token for token in _TOKEN.findall(text) if not token.startswith("#"))


class _NoDocument(ValueError):
    """The text is no executable GraphQL document."""


def operations(text: str) -> tuple[Definition, ...]:
    """Every operation of a document in order, fragments left out; () where the text is no document."""
    try:
        return tuple(one for one in _definitions(text) if one.type != "fragment")
    except _NoDocument:
        return ()


def _definitions(text: str) -> Iterator[Definition]:
    at, room, count = 0, TOKENS, 0
    while not _END.match(text, at):
        head, count = _HEAD.match(text, at), count + 1
        if head is None or count > DEFINITIONS:
            raise _NoDocument
        opened, room = _selection(text, head.end(), room)
        yield Definition(head[1] or "query", head[2] or "", _first_field(text, opened))
        at, room = _closing(text, opened, room)


def _selection(text: str, at: int, room: int) -> tuple[int, int]:
    """Behind the brace that opens the selection set: variables and arguments of directives may hold braces."""
    depth = 0
    for found in _MARK.finditer(text, at):
        room -= 1
        if room < 0 or found[0] == '"':
            break
        if found[0] == "{" and depth == 0:
            return found.end(), room
        depth += {"(": 1, ")": -1}.get(found[0], 0)
        if depth < 0:
            break
    raise _NoDocument


def _first_field(text: str, at: int) -> str:
    """ "orders", of an alias the field that it stands for, of a fragment "...Name"."""
    found = _FIELD.match(text, at)
    if found is None:
        raise _NoDocument
    if found[1]:
        return f"...{found[2] or ''}"
    return found[4] or found[3]


def _closing(text: str, at: int, room: int) -> tuple[int, int]:
    """Behind the brace that closes what was opened before `at`."""
    depth = 1
    for found in _BRACE.finditer(text, at):
        room -= 1
        if room < 0 or depth > DEPTH or found[0] == '"':  # a quote alone: its string never ends
            break
        depth += {"{": 1, "}": -1}.get(found[0], 0)
        if depth == 0:
            return found.end(), room
    raise _NoDocument

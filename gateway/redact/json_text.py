"""Secrets in JSON, found by their keys or places and replaced in place: no other byte moves. Pure.

Works on what looks like JSON, valid or not, whole or cut off: strings are found by their quotes, keys by the
colon behind them. Numbers under a secret key become strings that say so (vault.number_of), because a placeholder is no
number.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, Final

from .placeholders import PLACEHOLDER, number_of

Seal = Callable[[bytes], bytes]
IsSecret = Callable[[bytes], bool]
Path = tuple[str | int, ...]

STRING = rb'"((?:[^"\\]|\\.)*+)("|\\?\Z)'
KEY: Final = re.compile(STRING + rb"(\s*:\s*)?", re.DOTALL)
TOKEN: Final = re.compile(STRING + rb'|([{}\[\],:])|([^\s{}\[\],:"]+)', re.DOTALL)
SCHEME: Final = re.compile(rb"(?:Bearer|Basic|Token|ApiKey|Digest|Negotiate) +(?=[^ ])", re.IGNORECASE)
LITERALS: Final = (b"true", b"false", b"null")
NUMERIC: Final = re.compile(rb"-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")


def seal_keys(data: bytes, is_secret: IsSecret, seal: Seal) -> bytes:
    """Seal every scalar below a secret key, at any depth."""
    out: list[bytes] = []
    at = 0
    while (start := _next_secret(data, at, is_secret)) >= 0:
        end = _end_of_value(data, start)
        out += data[at:start], _seal_scalars(data[start:end], seal)
        at = end
    return b"".join([*out, data[at:]]) if out else data


def _next_secret(data: bytes, at: int, is_secret: IsSecret) -> int:
    """Where the value of the next secret key begins; -1 when there is none."""
    for match in KEY.finditer(data, at):
        if match.lastindex == 3 and is_secret(match[1]):
            return match.end()
    return -1


def seal_paths(data: bytes, wanted: set[Path], seal: Seal) -> bytes:
    """Seal every scalar at or below the wanted places of a valid JSON document."""
    out: list[bytes] = []
    done = 0
    for start, end, path in _scalars(data):
        if any(path[:length] in wanted for length in range(len(path) + 1)):
            out += data[done:start], _seal_scalars(data[start:end], seal)
            done = end
    return b"".join([*out, data[done:]]) if out else data


def _end_of_value(data: bytes, at: int) -> int:
    """Where the value that begins here ends; the end of the data when it is cut off."""
    depth = 0
    for match in TOKEN.finditer(data, at):
        mark = match[3]
        if mark is not None and mark in b"{[":
            depth += 1
        elif mark is not None and mark in b"}]":
            depth -= 1
            if depth < 0:
                return match.start()
        elif mark == b"," and depth == 0:
            return match.start()
        if depth == 0 and mark != b":":
            return match.end()
    return len(data)


def _seal_scalars(data: bytes, seal: Seal) -> bytes:
    out: list[bytes] = []
    done = 0
    for match in TOKEN.finditer(data):
        if match[3] is None and not _is_key(data, match):
            out += data[done : match.start()], _sealed_token(match, seal)
            done = match.end()
    return b"".join([*out, data[done:]])


def _is_key(data: bytes, match: re.Match[bytes]) -> bool:
    return match[1] is not None and data[match.end() : match.end() + 64].lstrip()[:1] == b":"


def _sealed_token(match: re.Match[bytes], seal: Seal) -> bytes:
    text, word = match[1], match[4]
    if word is not None:
        return word if word in LITERALS else _sealed_word(word, seal)
    if not text:
        return match[0]
    scheme = SCHEME.match(text)  # it stays, so that the token equals the same token elsewhere
    kept = scheme[0] if scheme else b""
    secret = decoded(text[len(kept) :])
    sealed = seal(secret)
    return match[0] if sealed == secret else b'"' + kept + sealed + (b'"' if match[2] == b'"' else b"")


def _sealed_word(word: bytes, seal: Seal) -> bytes:
    sealed = seal(word)
    return number_of(sealed) if NUMERIC.fullmatch(word) and PLACEHOLDER.fullmatch(sealed) else b'"' + sealed + b'"'


def decoded(text: bytes) -> bytes:
    """What the inside of a JSON string stands for; as it is when it is none, or cut off."""
    if b"\\" not in text:
        return text
    try:
        value = json.loads(b'"' + text + b'"', strict=False)
    except ValueError:
        return text
    return value.encode("utf-8", "surrogatepass") if isinstance(value, str) else text


def _scalars(data: bytes) -> Iterator[tuple[int, int, Path]]:
    """(start, end, place) of every string, number and literal that is a value."""
    stack: list[str | int] = []
    expect_key = False
    for match in TOKEN.finditer(data):
        mark = match[3]
        if mark is None:
            if expect_key:
                stack[-1] = decoded(match[1] or b"").decode("utf-8", "surrogatepass")
            else:
                yield match.start(), match.end(), tuple(stack)
        elif mark in b"{[":
            stack.append("" if mark == b"{" else 0)
            expect_key = mark == b"{"
        elif mark in b"}]":
            stack.pop()
            expect_key = False
        elif mark == b":":
            expect_key = False
        else:
            last = stack[-1]
            expect_key = isinstance(last, str)
            if isinstance(last, int):
                stack[-1] = last + 1


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

"""Secrets in JSON, found by their keys or places and replaced in place: no other byte moves. Pure.

Works on what looks like JSON, valid or not, whole or cut off: strings are found by their quotes, keys by the
colon behind them. Numbers under a secret key become strings that say so (vault.number_of), because a placeholder is no
number.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final

from .placeholders import PLACEHOLDER, number_of
from .values import ANY, NO, fits

Seal = Callable[[bytes], bytes]
IsSecret = Callable[[bytes], int]  # of a name: values.NO, values.ANY, or which values are secrets
Path = tuple[str | int, ...]

STRING = rb'"((?:[^"\\]|\\.)*+)("|\\?\Z)'
WHOLE_STRING: Final = re.compile(rb'"(?:[^"\\]|\\.)*+"', re.DOTALL)
KEY: Final = re.compile(STRING + rb"(\s*:\s*)?", re.DOTALL)
TOKEN: Final = re.compile(STRING + rb'|([{}\[\],:])|([^\s{}\[\],:"]+)', re.DOTALL)
SCHEME: Final = re.compile(rb"(?:Bearer|Basic|Token|ApiKey|Digest|Negotiate) +(?=[^ ])", re.IGNORECASE)
LITERALS: Final = (b"true", b"false", b"null")
NUMERIC: Final = re.compile(rb"-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")


def seal_keys(data: bytes, is_secret: IsSecret, seal: Seal) -> bytes:
    """Seal every scalar below a secret key, at any depth; below one that needs a certain value, those right there."""
    out: list[bytes] = []
    at = 0
    while True:
        start, kind = _next_secret(data, at, is_secret)
        if not kind:
            break
        if kind == ANY:
            end = _end_of_value(data, start)
            out += data[at:start], _seal_scalars(data[start:end], seal)
        else:
            end = _end_of_list(data, start)
            out += data[at:start], _seal_scalars(data[start:end], partial(_sealed_if, seal, kind))
        at = end
    return b"".join([*out, data[at:]]) if out else data


def _sealed_if(seal: Seal, kind: int, secret: bytes) -> bytes:
    return seal(secret) if fits(kind, secret) else secret


def _next_secret(data: bytes, at: int, is_secret: IsSecret) -> tuple[int, int]:
    """(where the value of the next secret key begins, which values of it are secrets); (-1, NO) when there is none."""
    for match in KEY.finditer(data, at):
        if match.lastindex == 3 and (kind := is_secret(match[1])):
            return match.end(), kind
    return -1, 0


def _end_of_list(data: bytes, at: int) -> int:
    """Where the scalar that begins here ends, or a list of scalars; before anything that holds keys of its own."""
    within = False
    for match in TOKEN.finditer(data, at):
        mark = match[3]
        if mark is None and not within:
            return match.end()
        if mark == b"[" and not within:
            within = True
        elif mark is not None and mark != b",":
            return match.start()
    return len(data)


def seal_strings(data: bytes, seal_text_of: Seal) -> bytes:
    """Each string of a valid JSON document by itself, as the text that it stands for; others keep their bytes."""

    def string(match: re.Match[bytes]) -> bytes:
        text = json.loads(match[0]).encode("utf-8", "surrogatepass")
        sealed = seal_text_of(text)
        return match[0] if sealed == text else json.dumps(sealed.decode("utf-8", "surrogatepass")).encode()

    return WHOLE_STRING.sub(string, data)


def seal_paths(data: bytes, wanted: set[Path], seal: Seal) -> bytes:
    """Seal every scalar at or below the wanted places of a valid JSON document."""
    if not wanted:
        return data
    out: list[bytes] = []
    done = 0
    for start, end in _scalars(data, _tree(wanted)):
        out += data[done:start], _seal_scalars(data[start:end], seal)
        done = end
    return b"".join([*out, data[done:]]) if out else data


# The wanted places as a tree of their steps; WANTED is a place itself, with all below it.
Tree = dict[str | int, Any]
WANTED: Final[Tree] = {}
NOWHERE: Final[Tree] = {"": None}  # no wanted place is below


def _tree(wanted: set[Path]) -> Tree:
    root: Tree = {}
    for path in sorted(wanted, key=len):  # the shorter first: what is below a wanted place is wanted already
        if not path:
            return WANTED
        node = root
        for step in path[:-1]:
            node = node.setdefault(step, {})
            if node is WANTED:
                break
        if node is not WANTED:
            node[path[-1]] = WANTED
    return root


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
    if sealed == word:
        return word
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


def _scalars(data: bytes, root: Tree) -> Iterator[tuple[int, int]]:
    """(start, end) of every string, number and literal at or below a wanted place."""
    stack: list[str | int] = []
    trees: list[Tree] = []  # of each container around, the part of the tree below it
    here = root
    expect_key = False
    for match in TOKEN.finditer(data):
        mark = match[3]
        if mark is None:
            if expect_key:
                stack[-1] = decoded(match[1] or b"").decode("utf-8", "surrogatepass")
                here = _below(trees[-1], stack[-1])
            elif here is WANTED:
                yield match.start(), match.end()
        elif mark in b"{[":
            stack.append("" if mark == b"{" else 0)
            trees.append(here)
            expect_key = mark == b"{"
            here = here if expect_key else _below(here, 0)
        elif mark in b"}]":
            stack.pop()
            trees.pop()
            expect_key = False
        elif mark == b":":
            expect_key = False
        else:
            last = stack[-1]
            expect_key = isinstance(last, str)
            if isinstance(last, int):
                stack[-1] = last + 1
                here = _below(trees[-1], last + 1)


def _below(tree: Tree, step: str | int) -> Tree:
    return tree if tree is WANTED or tree is NOWHERE else tree.get(step, NOWHERE)


NAMES: Final = frozenset(("name", "key", "path", "field", "header", "id", "property", "param", "fieldname", "variable"))
VALUES: Final = frozenset(("value", "values", "newvalue", "oldvalue", "val", "content", "text"))
MARKS: Final = (b"alue", b"ALUE", b'al"', b'AL"', b'ontent"', b'ONTENT"', b'ext"', b'EXT"', b"grant_type")
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
        if kind := _kind_beside(value, is_secret):
            yield from ((*path, name) for name, one in value.items() if _fold(name) in VALUES and _fits(kind, one))
        if "grant_type" in value and isinstance(value.get("code"), str):  # RFC 6749 section 4.1.3, as JSON
            yield (*path, "code")
        for name, below in value.items():
            if isinstance(below, dict | list):
                yield from _places(below, (*path, name), is_secret)
    elif isinstance(value, list):
        if len(value) == 2 and isinstance(value[1], str) and _fits(_kind_of(value[0], is_secret), value[1]):
            yield (*path, 1)  # ["Cookie", "a=b"]
        for number, below in enumerate(value):
            if isinstance(below, dict | list):
                yield from _places(below, (*path, number), is_secret)


def _kind_beside(value: dict[str, Any], is_secret: IsSecret) -> int:
    """What an object's member that is called name (or key, Name, FIELD ...) says of its value."""
    for name, one in value.items():
        if isinstance(one, str) and _fold(name) in NAMES and (kind := _kind_of(one, is_secret)):
            return kind
    return NO


def _kind_of(value: Any, is_secret: IsSecret) -> int:
    """Of a name, or of a pointer whose last word is one."""
    if not isinstance(value, str) or not 2 <= len(value) <= 200:
        return NO
    return is_secret(value.rpartition("/")[2].encode("utf-8", "replace"))


def _fits(kind: int, value: Any) -> bool:
    return kind == ANY or (isinstance(value, str) and fits(kind, value.encode("utf-8", "replace")))


def _fold(name: str) -> str:
    """A member's name without case and separators."""
    return name.lower().replace("_", "").replace("-", "")

"""The files of a contract: JSON or YAML 1.2 as values that know in which line they stand. Pure.

YAML is read by the core schema of version 1.2: `no`, `on`, dates and `12:30` are text, keys are always text. Aliases
stand for ALIASED nodes at most, and no file is deeper than DEPTH.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from posixpath import dirname, join, normpath
from typing import Any, Final, TypeAlias
from urllib.parse import unquote

import yaml

from ..errors import ConfigError, Problem

MOST_BYTES: Final = 32 << 20  # of all files of a contract
MOST_FILES: Final = 200
DEPTH: Final = 200
ALIASED: Final = 1_000_000  # nodes that aliases stand for
Tokens: TypeAlias = tuple[str, ...]
ReadFile: TypeAlias = Callable[[str], bytes]  # by its path below the contract's folder; OSError when it cannot be

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_WORDS: Final[dict[str, Any]] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None, "true": True, "True": True, "TRUE": True,
    "false": False, "False": False, "FALSE": False,
}  # fmt: skip
_INTEGER: Final = re.compile(r"[-+]?[0-9]{1,400}")
_BASED: Final = re.compile(r"0o[0-7]{1,100}|0x[0-9a-fA-F]{1,100}")
_FLOAT: Final = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")


@dataclass(slots=True)
class Document:
    """One file. `value` is what it says; `line` finds places in it again."""

    name: str  # path below the contract's folder, "orders.yaml", "schemas/line.yaml"
    value: Any
    text: str = field(repr=False, default="")
    _lines: Mapping[int, Mapping[str, int]] | None = field(repr=False, default=None)  # by id of a container and key

    def at(self, tokens: Sequence[str]) -> Any:
        """What stands at a pointer; KeyError when nothing does."""
        value = self.value
        for token in tokens:
            if isinstance(value, list):
                if not token.isdecimal() or int(token) >= len(value):
                    raise KeyError(token)
                value = value[int(token)]
            elif isinstance(value, dict):
                value = value[token]
            else:
                raise KeyError(token)
        return value

    def line(self, tokens: Sequence[str]) -> int:
        """The line of a member, or of the last part of its pointer that is there."""
        if self._lines is None:
            return _line_in_json(self.text, tokens)
        value, line = self.value, 1
        for token in tokens:
            line = self._lines.get(id(value), {}).get(token, line)
            try:
                value = value[int(token)] if isinstance(value, list) else value[token]
            except (KeyError, IndexError, TypeError, ValueError):
                break
        return line


@dataclass(frozen=True, slots=True)
class ContractPlace:
    """A place in the files of a contract."""

    file: str
    tokens: Tokens = ()

    def below(self, *tokens: str) -> ContractPlace:
        return ContractPlace(self.file, (*self.tokens, *tokens))

    @property
    def pointer(self) -> str:
        """ "/components/schemas/Order"."""
        return pointer_of(self.tokens)


class Documents:
    """All files of a contract, each read when it is first asked for."""

    def __init__(self, root: str, read: ReadFile) -> None:
        """`root` is the name of the first file; ConfigError when it cannot be read."""
        self._read, self._room = read, MOST_BYTES
        self.files: dict[str, Document] = {}
        self.root = self.file(root, ContractPlace(root))

    def file(self, name: str, asked: ContractPlace) -> Document:
        """A file by its name; ConfigError, at the place that asks for it, when it cannot be read."""
        found = self.files.get(name)
        if found is None:
            if len(self.files) >= MOST_FILES:
                raise self.problem(asked, f"the contract has more than {MOST_FILES} files")
            try:
                raw = self._read(name)
            except OSError as error:
                raise self.problem(asked, f"{name} cannot be read: {error.strerror or error}") from None
            self._room -= len(raw)
            if self._room < 0:
                raise self.problem(asked, f"the contract is larger than {MOST_BYTES >> 20} MiB")
            found = self.files[name] = read_document(raw, name)
        return found

    def at(self, place: ContractPlace) -> Any:
        """What stands there; KeyError when nothing does."""
        return self.file(place.file, place).at(place.tokens)

    def resolve(self, place: ContractPlace, reference: object) -> ContractPlace:
        """Where a `$ref` at a place leads; ConfigError, with file and line, where it may not or leads nowhere."""
        if not isinstance(reference, str):
            raise self.problem(place, "$ref is not text")
        target, _, fragment = reference.partition("#")
        name = place.file if not target else self._beside(place, target)
        tokens = tokens_of(unquote(fragment)) if fragment else ()
        if fragment and not fragment.startswith("/"):
            tokens = self._anchor(name, fragment, place)
        found = ContractPlace(name, tokens)
        try:
            self.file(name, place).at(tokens)
        except KeyError:
            raise self.problem(place, f"$ref {reference!r} leads nowhere") from None
        return found

    def _beside(self, place: ContractPlace, target: str) -> str:
        if re.match(r"[a-zA-Z][a-zA-Z0-9+.-]*:|//", target):
            raise self.problem(place, f"$ref {target!r} is a URL: nothing is fetched; put the file beside the contract")
        name = normpath(join(dirname(place.file), unquote(target)))
        if name.startswith(("/", "..")) or "\0" in name or "\\" in name:
            raise self.problem(place, f"$ref {target!r} leads out of the contract's folder")
        return name

    def _anchor(self, name: str, anchor: str, place: ContractPlace) -> Tokens:
        found = _anchored(self.file(name, place).value, unquote(anchor))
        if found is None:
            raise self.problem(place, f"$ref '#{anchor}': there is no such $anchor")
        return found

    def line(self, place: ContractPlace) -> int:
        """The line of a place, 1 where its file is not read."""
        document = self.files.get(place.file)
        return document.line(place.tokens) if document else 1

    def problem(self, place: ContractPlace, message: str) -> ConfigError:
        """What is wrong at a place, as an error."""
        return ConfigError([Problem(place.file, self.line(place), 1, place.pointer, message)])


def tokens_of(pointer: str) -> Tokens:
    """The parts of a JSON Pointer (RFC 6901)."""
    parts = pointer.split("/")[1:]
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in parts)


def pointer_of(tokens: Sequence[object]) -> str:
    """The JSON Pointer of parts."""
    return "".join("/" + str(token).replace("~", "~0").replace("/", "~1") for token in tokens)


def read_document(raw: bytes, name: str) -> Document:
    """The values of a file; ConfigError with the line of the first thing that is wrong."""
    if len(raw) > MOST_BYTES:
        raise _wrong(name, f"it is larger than {MOST_BYTES >> 20} MiB")
    try:
        text = raw.decode().removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise _wrong(name, f"byte 0x{raw[error.start]:02x} is not UTF-8", line) from None
    if text.lstrip()[:1] in ("{", "["):
        try:
            return Document(name, _shallow(json.loads(text, parse_constant=_no_constant), name), text)
        except json.JSONDecodeError as error:
            if name.endswith(".json"):
                raise _wrong(name, f"it is not JSON: {error.msg}", error.lineno, error.colno) from None
        except (ValueError, RecursionError) as error:
            raise _wrong(name, f"it is not JSON: {_words(error)}") from None
    return _read_yaml(text, name)


def _no_constant(word: str) -> Any:
    raise ValueError(f"{word} is no JSON")


def _words(error: Exception) -> str:
    return f"it is nested deeper than {DEPTH}" if isinstance(error, RecursionError) else str(error)


def _wrong(name: str, message: str, line: int = 1, column: int = 1) -> ConfigError:
    return ConfigError([Problem(name, line, column, "", message)])


def _shallow(value: Any, name: str) -> Any:
    """The same value, when it is not too deep to be walked through."""
    level, depth = [value], 0
    while level:
        depth += 1
        if depth > DEPTH:
            raise _wrong(name, f"it is nested deeper than {DEPTH}")
        below: list[Any] = []
        for one in level:
            items = one.values() if isinstance(one, dict) else one if isinstance(one, list) else ()
            below += [item for item in items if isinstance(item, (dict, list))]
        level = below
    return value


def _anchored(value: Any, anchor: str) -> Tokens | None:
    waiting: list[tuple[Any, Tokens]] = [(value, ())]
    while waiting:
        one, tokens = waiting.pop()
        if isinstance(one, dict):
            if one.get("$anchor") == anchor or one.get("$dynamicAnchor") == anchor:
                return tokens
            waiting += [(item, (*tokens, str(key))) for key, item in one.items()]
        elif isinstance(one, list):
            waiting += [(item, (*tokens, str(index))) for index, item in enumerate(one)]
    return None


# -- lines of JSON: siblings before a member are skipped by the decoder in C


_SPACE: Final = re.compile(r"[ \t\r\n]*")
_OPENING: Final = re.compile(r"[ \t\r\n]*([{\[])[ \t\r\n]*")
_COMMA: Final = re.compile(r"[ \t\r\n]*,[ \t\r\n]*")
_COLON: Final = re.compile(r"[ \t\r\n]*:[ \t\r\n]*")


def _line_in_json(text: str, tokens: Sequence[str]) -> int:
    at = _end(_SPACE.match(text), 0)
    for token in tokens:
        try:
            found = _member(text, at, token)
        except ValueError:
            break
        if found is None:
            break
        at = found
    return text.count("\n", 0, at) + 1


def _end(found: re.Match[str] | None, at: int) -> int:
    return found.end() if found else at


def _member(text: str, at: int, token: str) -> int | None:
    """Where the value of a member begins."""
    opened = _OPENING.match(text, at)
    if opened is None:
        return None
    decode, at, index = json.JSONDecoder().raw_decode, opened.end(), 0
    while text[at : at + 1] not in ("}", "]", ""):
        key = str(index)
        if opened[1] == "{":
            key, at = decode(text, at)
            at = _end(_COLON.match(text, at), at)
        if key == token:
            return at
        _, at = decode(text, at)
        at, index = _end(_COMMA.match(text, at), at), index + 1
    return None


# -- YAML


def _read_yaml(text: str, name: str) -> Document:
    builder = _DocumentBuilder(name)
    try:
        for event in yaml.parse(text, Loader=_Loader):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise _wrong(name, f"it is not YAML: {error.problem or error.context}", line, column) from None
    except (yaml.YAMLError, ValueError) as error:
        raise _wrong(name, f"it is not YAML: {str(error).splitlines()[0]}") from None
    return Document(name, builder.root, "", builder.lines)


@dataclass(slots=True)
class _Open:
    """A container that has not ended."""

    value: Any
    anchor: str | None
    start: int
    key: str | None = None
    has_key: bool = False
    size: int = 1
    merged: list[Any] = field(default_factory=list)


class _DocumentBuilder:
    """Values out of the parser's events."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.root: Any = None
        self.lines: dict[int, dict[str, int]] = {}
        self._open: list[_Open] = []
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._aliased = 0
        self._documents = 0

    def take(self, event: yaml.Event) -> None:
        line = event.start_mark.line + 1 if event.start_mark else 1
        if isinstance(event, yaml.ScalarEvent):
            self._scalar(event, line)
        elif isinstance(event, yaml.CollectionStartEvent):
            if len(self._open) >= DEPTH:
                raise _wrong(self.name, f"it is nested deeper than {DEPTH}", line)
            value: Any = {} if isinstance(event, yaml.MappingStartEvent) else []
            self._open.append(_Open(value, event.anchor, line))
            self.lines[id(value)] = {}
        elif isinstance(event, yaml.CollectionEndEvent):
            done = self._open.pop()
            for source in done.merged:
                for key, item in source.items():
                    done.value.setdefault(key, item)
            if done.anchor:
                self._anchors[done.anchor] = done.value, done.size
            self._add(done.value, done.start, done.size)
        elif isinstance(event, yaml.AliasEvent):
            self._alias(event, line)
        elif isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                raise _wrong(self.name, "it holds more than one document", line)

    def _scalar(self, event: yaml.ScalarEvent, line: int) -> None:
        top = self._open[-1] if self._open else None
        if top is not None and isinstance(top.value, dict) and not top.has_key:
            self._key(top, str(event.value), line, merge=bool(event.implicit[0]) and event.value == "<<")
            return
        plain = event.implicit[0] and not event.style
        value: Any = _meaning(event.value) if plain and event.tag is None else event.value
        if event.anchor:
            self._anchors[event.anchor] = value, 1
        self._add(value, line, 1)

    def _key(self, top: _Open, key: str, line: int, *, merge: bool) -> None:
        if key in top.value:
            raise _wrong(self.name, f"the key {key!r} stands twice in one mapping", line)
        top.key, top.has_key = ("<<" if merge else key), True
        self.lines[id(top.value)][key] = line

    def _alias(self, event: yaml.AliasEvent, line: int) -> None:
        if event.anchor not in self._anchors:
            raise _wrong(self.name, f"there is no anchor &{event.anchor}", line)
        value, size = self._anchors[event.anchor]
        self._aliased += size
        if self._aliased > ALIASED:
            raise _wrong(self.name, f"its aliases stand for more than {ALIASED:,} nodes", line)
        self._add(value, line, size)

    def _add(self, value: Any, line: int, size: int) -> None:
        if not self._open:
            self.root = value
            return
        top = self._open[-1]
        top.size += size
        if isinstance(top.value, list):
            self.lines[id(top.value)][str(len(top.value))] = line
            top.value.append(value)
            return
        if not top.has_key:
            raise _wrong(self.name, "a key of a mapping is no text", line)
        key, top.key, top.has_key = top.key or "", None, False
        if key == "<<" and isinstance(value, (dict, list)):
            top.merged += [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, dict)]
        else:
            top.value[key] = value


def _meaning(text: str) -> Any:
    """A plain scalar by the core schema (YAML 1.2.2 section 10.3.2)."""
    if text in _WORDS:
        return _WORDS[text]
    first = text[0]
    if first not in "+-.0123456789":
        return text
    if _INTEGER.fullmatch(text):
        return int(text)
    if _BASED.fullmatch(text):
        return int(text[2:], 8 if text[1] == "o" else 16)
    if _FLOAT.fullmatch(text):
        return float(text)
    return text

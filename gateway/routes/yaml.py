"""YAML text as a tree of nodes that know where they stand. Pure.

Built from the parser's events rather than by a YAML loader: nothing is converted or constructed, both places
of a repeated key are known, and neither depth nor aliases can exhaust anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import yaml

from ..errors import Problem

MAX_BYTES = 8 << 20
MAX_DEPTH: Final = 40
TOO_DEEP: Final = "exceeded maximum nesting depth"  # libyaml 0.2.5 gives no code for it, and stops before MAX_DEPTH
MAX_SCALAR = 64 << 10
MAX_ALIASED = 100_000  # nodes that aliases stand for, all together
MERGE = "<<"
MERGES = "<< merges mappings only, one or a list of them"

Kind = Literal["scalar", "mapping", "sequence"]
Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
NOT_YAML = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(slots=True, eq=False)
class YamlNode:
    """A scalar, mapping or sequence. Lines and columns count from 1, `start` and `end` are character indexes."""

    kind: Kind
    file: str
    line: int
    column: int
    start: int = 0
    end: int = 0
    text: str = ""  # of a scalar, as YAML reads it
    value: str | int | float | bool | None = None  # of a scalar, once variables are filled in
    plain: bool = False  # a scalar without quotes
    merges: bool = False  # a mapping with a `<<` key
    anchored: bool = False  # has an anchor, so that aliases may repeat it
    aliased: bool = False  # stands (also) where an alias is written
    pairs: list[tuple[YamlNode, YamlNode]] = field(default_factory=list)
    items: list[YamlNode] = field(default_factory=list)
    weight: int = 1  # nodes below, this one included
    height: int = 0  # levels below
    whole: bool = True  # its end has been seen

    @property
    def what(self) -> str:
        """What a reader would call it."""
        if self.kind == "scalar":
            return "text" if self.text or not self.plain else "nothing"
        return "a mapping" if self.kind == "mapping" else "a list"

    def entries(self) -> Iterator[tuple[YamlNode, YamlNode]]:
        """Keys with values: those written here, then those merged in by `<<` that are not written here."""
        if not self.merges:
            yield from self.pairs
            return
        seen: set[str] = set()
        for key, value in self.pairs:
            if not is_merge(key):
                seen.add(key.text)
                yield key, value
        for key, value in self.pairs:
            for source in (value.items or [value]) if is_merge(key) else []:
                for below, inner in source.entries():
                    if below.text not in seen:
                        seen.add(below.text)
                        yield below, inner

    def get(self, name: str) -> YamlNode | None:
        return next((value for key, value in self.entries() if key.text == name), None)

    def item(self, index: int) -> YamlNode | None:
        return self.items[index] if index < len(self.items) else None

    def key(self, name: str) -> YamlNode | None:
        return next((key for key, _ in self.entries() if key.text == name), None)

    def problem(self, path: str, message: str) -> Problem:
        return Problem(self.file, self.line, self.column, path, message)


def is_merge(key: YamlNode) -> bool:
    return key.plain and key.text == MERGE


def read_text(raw: bytes, file: str) -> tuple[str, list[Problem]]:
    """The text of a file (a byte order mark is left out), or why it is none."""
    if len(raw) > MAX_BYTES:
        return "", [Problem(file, 1, 1, "", f"it is larger than {MAX_BYTES >> 20} MiB")]
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "", [Problem(file, 1, 1, "", "it is UTF-16; save it as UTF-8")]
    try:
        text = raw.decode().removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line, column = place_of(raw[: error.start].decode(), error.start)
        return "", [Problem(file, line, column, "", f"byte 0x{raw[error.start]:02x} is not UTF-8; save it as UTF-8")]
    odd = NOT_YAML.search(text)
    if odd:
        line, column = place_of(text, odd.start())
        return "", [Problem(file, line, column, "", f"character U+{ord(odd[0]):04X} is not allowed in YAML")]
    return text, []


def place_of(text: str, index: int) -> tuple[int, int]:
    before = text[:index]
    return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1


def read_nodes(text: str, file: str) -> tuple[YamlNode | None, list[Problem]]:
    """The document's root and everything wrong with its form; None when it cannot be read at all."""
    builder = _Builder(file)
    try:
        for event in yaml.parse(text, Loader=Loader):
            builder.take(event)
    except _Malformed:
        return None, builder.problems
    except yaml.MarkedYAMLError as error:
        return None, [*builder.problems, _syntax_problem(error, text, file)]
    except yaml.YAMLError as error:
        return None, [*builder.problems, Problem(file, 1, 1, "", f"it is not YAML: {str(error).splitlines()[0]}")]
    if builder.root is None or (builder.root.what == "nothing"):
        return None, [
            *builder.problems,
            Problem(file, 1, 1, "", "it is empty; `gateway init` writes one to start with"),
        ]
    return builder.root, builder.problems


def _syntax_problem(error: yaml.MarkedYAMLError, text: str, file: str) -> Problem:
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    what = str(error.problem or error.context or "it is not YAML")
    if what == TOO_DEEP:
        what = f"it is nested more than {MAX_DEPTH} levels deep"
    if error.context and error.context_mark and error.context_mark.line + 1 != line:
        what += f" ({error.context} that begins in line {error.context_mark.line + 1})"
    return Problem(file, line, column, "", what + _advice(what, (text.splitlines()[line - 1 :] or [""])[0]))


def _advice(what: str, source: str) -> str:
    """What to try, for the mistakes that people make most."""
    if "cannot start any token" in what and "\t" in source:
        return "; indent with spaces, not tabs"
    if "mapping values are not allowed" in what:
        return "; check the indentation, and quote text that holds ': '"
    if "${" in source and "{" in source.replace("${", ""):
        return "; put ${...} in quotes where it stands within { }"
    return ""


class _Malformed(Exception):
    """What follows cannot be read in any useful way."""


class _Builder:
    """Takes the parser's events one by one; a stack of its own, so no depth can overflow Python's."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.root: YamlNode | None = None
        self.problems: list[Problem] = []
        self._open: list[YamlNode] = []
        self._keys: list[YamlNode | None] = []  # for each open mapping the key that waits for its value
        self._seen: list[dict[str, YamlNode]] = []  # for each open mapping its keys
        self._anchors: dict[str, YamlNode] = {}
        self._aliased = 0

    def take(self, event: Any) -> None:
        if isinstance(event, yaml.ScalarEvent):
            self._scalar(event)
        elif isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            self._begin(event)
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            self._finish(event)
        elif isinstance(event, yaml.AliasEvent):
            self._alias(event)
        elif isinstance(event, yaml.DocumentStartEvent) and self.root is not None:
            self._stop(event, "a second document begins here; a file holds one")

    def _scalar(self, event: Any) -> None:
        node = self._node("scalar", event)
        node.text, node.plain = event.value, bool(event.implicit[0]) and event.tag is None
        if len(node.text) > MAX_SCALAR:
            self._stop(event, f"a value of more than {MAX_SCALAR >> 10} KiB")
        self._place(node)

    def _begin(self, event: Any) -> None:
        node = self._node("mapping" if isinstance(event, yaml.MappingStartEvent) else "sequence", event)
        node.whole = False
        if len(self._open) >= MAX_DEPTH:
            self._stop(event, f"it is nested more than {MAX_DEPTH} levels deep")
        self._place(node)
        self._open.append(node)
        self._keys.append(None)
        self._seen.append({})

    def _finish(self, event: Any) -> None:
        node = self._open.pop()
        self._keys.pop()
        self._seen.pop()
        node.end, node.whole = event.end_mark.index, True
        if self._open:
            parent = self._open[-1]
            self._grow(parent, node)
            merged = parent.kind == "mapping" and parent.pairs and parent.pairs[-1][1] is node
            if merged and is_merge(parent.pairs[-1][0]) and any(one.kind != "mapping" for one in node.items):
                self.problems.append(parent.pairs[-1][0].problem("", MERGES))

    def _grow(self, parent: YamlNode, node: YamlNode) -> None:
        parent.weight += node.weight - 1
        parent.height = max(parent.height, node.height + 1)

    def _alias(self, event: Any) -> None:
        node = self._anchors.get(event.anchor)
        if node is None:
            self._stop(event, f"there is no anchor &{event.anchor} before this alias")
        elif not node.whole:
            self._stop(event, f"*{event.anchor} stands inside of what it repeats")
        else:
            self._aliased += node.weight
            if self._aliased > MAX_ALIASED:
                self._stop(event, f"its aliases stand for more than {MAX_ALIASED:,} values")
            if len(self._open) + node.height > MAX_DEPTH:
                self._stop(event, f"it is nested more than {MAX_DEPTH} levels deep")
            node.aliased = True
            if self._open:
                self._grow(self._open[-1], node)
            self._place(node)

    def _node(self, kind: Kind, event: Any) -> YamlNode:
        mark = event.start_mark
        node = YamlNode(kind, self.file, mark.line + 1, mark.column + 1, mark.index, event.end_mark.index)
        if event.tag is not None:
            self.problems.append(node.problem("", f"the tag {event.tag} is not allowed; write a plain value"))
        if event.anchor is not None:
            self._anchors[event.anchor] = node
            node.anchored = True
        return node

    def _place(self, node: YamlNode) -> None:
        """Put a node where it belongs: into the sequence, or as the key or value of the mapping that is open."""
        if not self._open:
            self.root = node
            return
        parent = self._open[-1]
        parent.weight += 1
        if parent.kind == "sequence":
            parent.items.append(node)
            return
        key = self._keys[-1]
        if key is None:
            self._keys[-1] = self._checked_key(node)
        else:
            self._keys[-1] = None
            if is_merge(key) and node.kind == "scalar":
                self.problems.append(key.problem("", MERGES))
            elif is_merge(key) or self._seen[-1].get(key.text) is key:
                parent.merges = parent.merges or is_merge(key)
                parent.pairs.append((key, node))

    def _checked_key(self, key: YamlNode) -> YamlNode:
        seen = self._seen[-1]
        if key.kind != "scalar":
            self._stop_at(key, f"a key must be text, not {key.what}")
        elif first := seen.get(key.text):
            message = f"the key '{key.text}' stands twice: first in line {first.line}, again in line {key.line}"
            self.problems.append(key.problem("", message))
        seen.setdefault(key.text, key)
        return key

    def _stop(self, event: Any, message: str) -> None:
        mark = event.start_mark
        self.problems.append(Problem(self.file, mark.line + 1, mark.column + 1, "", message))
        raise _Malformed

    def _stop_at(self, node: YamlNode, message: str) -> None:
        self.problems.append(node.problem("", message))
        raise _Malformed


INT = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})")
FLOAT = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})\.[0-9]{1,17}(?:[eE][-+]?[0-9]{1,3})?")
WORDS: dict[str, bool | None] = {
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
}  # fmt: skip

# YAML 1.1 (still read by most programs) and 1.2 differ here, or people and YAML do.
SURPRISES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"yes|Yes|YES|on|On|ON"), "true to some YAML readers and text to others"),
    (re.compile(r"no|No|NO|off|Off|OFF"), "false to some YAML readers and text to others"),
    (re.compile(r"[-+]?0[0-9_]+|[-+]?0o[0-7]+"), "an octal number to some YAML readers and a decimal to others"),
    (re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?"), "a number to base 60 for some YAML readers"),
    (re.compile(r"[-+]?0[xXbB][0-9a-fA-F_]+|[-+]?[0-9][0-9_]*_[0-9_]*"), "a number to some YAML readers"),
    (
        re.compile(r"[-+]?(?:[0-9]+[eE][-+]?[0-9]+|[0-9]+\.(?:[eE][-+]?[0-9]+)?|\.[0-9]+)"),
        "a number to some YAML readers",
    ),
    (re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"), "no usable number"),
    (re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt \t].*)?"), "a date to some YAML readers"),
)  # fmt: skip

BEGINNINGS = frozenset("yYnNoO+-.0123456789")


def surprise(text: str) -> str:
    """Why a plain scalar is refused, or ""."""
    if text[:1] not in BEGINNINGS:
        return ""
    for pattern, meaning in SURPRISES:
        if pattern.fullmatch(text):
            instead = next((f"write {word}, or" for word in ("true", "false") if meaning.startswith(word)), "")
            return f"'{text}' is {meaning}; {instead} put it in quotes if it is text: \"{text}\"".replace("  ", " ")
    return ""


def meaning(text: str) -> str | int | float | bool | None:
    """The value of a plain scalar (YAML 1.2 core schema, decimal numbers only)."""
    if text in WORDS:
        return WORDS[text]
    if INT.fullmatch(text):
        return int(text)
    if FLOAT.fullmatch(text):
        return float(text)
    return text


class FilledText(str):
    """Text that came (in part) from variables: a reader of a number or a truth value may take it from this."""

    __slots__ = ()


VARIABLE = re.compile(
    r"\$(?:(?P<dollar>\$)|\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?:(?P<how>:?[-?])(?P<word>[^{}]*))?\}|\{)"
)


def fill(text: str, variables: Mapping[str, str]) -> str:
    """${V}, ${V:-default}, ${V-default}, ${V:?message}, ${V?message} and $$; ValueError names what is unset."""
    if "$" not in text:
        return text
    found = VARIABLE.sub(lambda match: _value(match, variables), text)
    return found if found == text else FilledText(found)


def _value(match: re.Match[str], variables: Mapping[str, str]) -> str:
    name, how, word = match["name"], match["how"] or "", match["word"] or ""
    if match["dollar"]:
        return "$"
    if name is None:
        raise ValueError("'${' begins a variable such as ${NAME} or ${NAME:-default}; write '$${' for the text")
    value = variables.get(name)
    if value or (value is not None and not how.startswith(":")):
        return value
    if how.endswith("-"):
        return word
    state = "not set" if value is None else "empty"
    if how:
        raise ValueError(f"the variable {name} is {state}: {word or 'it is needed here'}")
    raise ValueError(f"the variable {name} is {state}; set it, put it into .env, or write ${{{name}:-default}}")

"""JSON as numbered lines: the viewer of a body, and two documents side by side, aligned by their structure. Pure.

Text is not compared with text. Members pair by name, items of lists by their keys (`json_difference`), so that equal
places are in one row, whatever their order; a member that only has another name, or holds the same value in a
list or an object now, says so.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from typing import Any, Final, Literal

from ..model.bodies import TOKEN, pretty_json
from ..replay.differences.json_difference import escaped, item_pairs, json_type, read_json, same

SHOWN: Final = 500  # lines that a page begins with
MOST: Final = 2000  # lines that it shows without being asked
CONTEXT: Final = 1  # equal lines around a change that stay open
FOLD: Final = 3  # equal lines in a row that are worth a fold
LONGEST: Final = 4000  # lines of a comparison; more are compared as text
DEEPEST: Final = 60  # levels that are laid out
NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
TIME: Final = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d")

Css = Literal["", "k", "s", "n", "b"]  # punctuation, a member's name, a string, a number, true, false or null


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a line. `mark` is what changed in it."""

    text: str
    css: Css = ""
    mark: bool = False


@dataclass(frozen=True, slots=True)
class JsonLine:
    """`path` is JSONPath (RFC 9535); `end` the number of the line that closes what this one opens, 0 for none."""

    number: int
    depth: int
    pieces: tuple[Piece, ...]
    path: str
    value: str = ""  # of a scalar, as it stands
    end: int = 0

    @property
    def text(self) -> str:
        return "  " * self.depth + "".join(piece.text for piece in self.pieces)


def json_lines(text: str) -> tuple[JsonLine, ...]:
    """The lines of a JSON document, every number and string as it stands; () for what is none, or longer than 1 MiB."""
    laid_out = pretty_json(text)
    return () if laid_out is None else tuple(_closed(list(_lines(laid_out))))


@dataclass(slots=True)
class _Level:
    """An open object or list: its path, and the next index of a list."""

    path: str
    index: int | None  # None of an object
    name: str = ""

    def step(self) -> str:
        """The path of what comes next."""
        if self.index is None:
            return self.path + (f".{self.name}" if NAME.fullmatch(self.name) else f"[{json.dumps(self.name)}]")
        self.index += 1
        return f"{self.path}[{self.index - 1}]"


def _lines(laid_out: str) -> Iterator[JsonLine]:
    levels: list[_Level] = []
    for number, line in enumerate(laid_out.split("\n"), 1):
        words = TOKEN.findall(line)
        depth = len(levels)
        if words[0] in "}]":
            level = levels.pop()
            yield JsonLine(number, depth - 1, (Piece("".join(words)),), level.path)
            continue
        pieces = list[Piece]()
        if len(words) > 2 and words[1] == ":":
            levels[-1].name = json.loads(words[0])
            pieces += [Piece(words[0], "k"), Piece(": ")]
            words = words[2:]
        path = levels[-1].step() if levels else "$"
        value = words[0] if words[0] not in "{[" else ""
        pieces += [Piece(words[0], _css(words[0]))] + ([Piece("".join(words[1:]))] if words[1:] else [])
        yield JsonLine(number, depth, tuple(pieces), path, value)
        if words[0] in "{[" and len(words) == 1:
            levels.append(_Level(path, None if words[0] == "{" else 0))


def _closed(lines: list[JsonLine]) -> Iterator[JsonLine]:
    """Each opening line learns where it ends."""
    ends: dict[int, int] = {}
    open_lines: list[int] = []
    for line in lines:
        first = line.pieces[0].text
        if first in ("}", "},", "]", "],"):
            ends[open_lines.pop()] = line.number
        elif line.pieces[-1].text in ("{", "["):
            open_lines.append(line.number)
    return (replace(line, end=ends.get(line.number, 0)) for line in lines)


def _css(word: str) -> Css:
    if word[0] == '"':
        return "s"
    return "" if word[0] in "{}[]" else "b" if word in ("true", "false", "null") else "n"


# -- two documents


@dataclass(frozen=True, slots=True)
class Cell:
    """One side of a row: its line number and its text."""

    number: int
    depth: int
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class DiffRow:
    """A row of two columns; None where that side has nothing. `cause` is a word or two: "renamed", "now a list"."""

    left: Cell | None
    right: Cell | None
    changed: bool = False
    cause: str = ""
    expected: bool = False  # every run may differ here
    contract: bool = False  # clients that read it must change


Line = tuple[int, Sequence[Piece]]  # its depth and its text
SAME: Final = DiffRow(None, None)


@dataclass(frozen=True, slots=True)
class DiffFold:
    """Equal rows in a row, that are shown when asked for."""

    rows: tuple[DiffRow, ...]


@dataclass(frozen=True, slots=True)
class JsonDiff:
    """Two documents beside each other; `changes` counts changed places, `members` are those that clients read."""

    rows: tuple[DiffRow | DiffFold, ...] = ()
    changes: int = 0
    members: tuple[str, ...] = ()


Causes = Mapping[str, tuple[str, bool]]  # JSON Pointer -> (cause in a word, whether every run may differ there)


def json_diff(before: str, after: str, causes: Causes | None = None) -> JsonDiff | None:
    """None where one of the two is no JSON, or both are too long to be laid out."""
    try:
        one, other = read_json(before), read_json(after)
    except ValueError:
        return None
    sheet = _Sheet(causes or {})
    try:
        sheet.pair(_Both("", "", one, other), _Places("", 0))
    except RecursionError:
        return None
    if len(sheet.rows) > LONGEST:
        return None
    members = tuple(dict.fromkeys(sheet.members))
    return JsonDiff(folded(sheet.rows), sheet.changes, members)


def folded(rows: Sequence[DiffRow]) -> tuple[DiffRow | DiffFold, ...]:
    """Equal rows in a row become a fold, but for one beside each change."""
    near = {at + by for at, row in enumerate(rows) if row.changed for by in range(-CONTEXT, CONTEXT + 1)}
    found, quiet = list[DiffRow | DiffFold](), list[DiffRow]()
    for at, row in enumerate(rows):
        if at in near:
            found += _fold(quiet)
            quiet = []
            found.append(row)
        else:
            quiet.append(row)
    return (*found, *_fold(quiet))


def _fold(rows: Sequence[DiffRow]) -> Sequence[DiffRow | DiffFold]:
    return [DiffFold(tuple(rows))] if len(rows) >= FOLD else rows


@dataclass(frozen=True, slots=True)
class _Places:
    """Where both documents are: the pointer of the first, and the depth."""

    pointer: str
    depth: int

    def below(self, word: str | int) -> _Places:
        return _Places(f"{self.pointer}/{escaped(str(word))}", self.depth + 1)


@dataclass(frozen=True, slots=True)
class _Both:
    """Two values that belong together, their names as JSON ("" of items); whether each is the last of its holder."""

    name: str
    other: str
    before: Any
    after: Any
    last: tuple[bool, bool] = (True, True)

    @property
    def renamed(self) -> bool:
        return self.name != self.other


@dataclass(slots=True)
class _Sheet:
    """The rows so far, and the numbers of both sides' last lines."""

    causes: Causes
    rows: list[DiffRow] = field(default_factory=list)
    changes: int = 0
    members: list[str] = field(default_factory=list)
    left: int = 0
    right: int = 0

    def pair(self, both: _Both, at: _Places) -> None:
        """The rows of two values."""
        before, after = both.before, both.after
        holders = isinstance(before, (dict, list)) and type(before) is type(after)
        if holders and before and after and at.depth < DEEPEST:
            self._open(both, at)
        elif json_type(before) != json_type(after) or isinstance(before, (dict, list)):
            if same(before, after) and not both.renamed:
                self._equal(both, at)
            else:
                self._apart(both, at)
        else:
            self._scalars(both, at)

    def _open(self, both: _Both, at: _Places) -> None:
        """Two objects or two lists: their members below a line each."""
        opening, closing = "{}" if isinstance(both.before, dict) else "[]"
        heads = [[*_head(name, both.renamed), Piece(opening)] for name in (both.name, both.other)]
        told = DiffRow(None, None, both.renamed, "renamed" if both.renamed else "", contract=both.renamed)
        self._add(told, (at.depth, heads[0]), (at.depth, heads[1]))
        self._inside(both.before, both.after, at)
        ends = [(at.depth, [Piece(closing + _comma(one))]) for one in both.last]
        self._add(SAME, ends[0], ends[1])

    def _inside(self, before: Any, after: Any, at: _Places) -> None:
        pairs = list(_member_pairs(before, after)) if isinstance(before, dict) else list(_items(before, after))
        left = max((place for place, (one, _) in enumerate(pairs) if one is not None), default=-1)
        right = max((place for place, (_, other) in enumerate(pairs) if other is not None), default=-1)
        for place, (one, other) in enumerate(pairs):
            last = place == left, place == right
            if one is not None and other is not None:
                both = _Both(_name(before, one), _name(after, other), before[one], after[other], last)
                self.pair(both, at.below(one))
            elif one is not None:
                self._removed(_name(before, one), before[one], at.below(one), last[0])
            else:
                self._added(_name(after, other), after[other], at.below(other), last[1])

    def _scalars(self, both: _Both, at: _Places) -> None:
        texts = _text(both.before), _text(both.after)
        differ = not same(both.before, both.after)
        values = _marked(*texts) if differ else tuple([Piece(text, _css(text))] for text in texts)
        cause, expected = self.causes.get(at.pointer, ("", False)) if differ else ("", False)
        if both.renamed:
            cause, expected = "renamed", False
            self._read_otherwise(both.name)
        elif differ and not cause:
            cause = "time" if TIME.search(texts[0]) and TIME.search(texts[1]) else "value"
        changed = differ or both.renamed
        self.changes += changed
        lines = [
            (at.depth, [*_head(name, both.renamed), *pieces, *_end(end)])
            for name, pieces, end in zip((both.name, both.other), values, both.last, strict=True)
        ]
        self._add(DiffRow(None, None, changed, cause, expected, both.renamed), lines[0], lines[1])

    def _equal(self, both: _Both, at: _Places) -> None:
        """Too deep to be looked into, or empty."""
        lefts = _dumped(both.name, both.before, at.depth, both.last[0])
        for one, other in zip(lefts, _dumped(both.name, both.after, at.depth, both.last[1]), strict=True):
            self._add(SAME, one, other)

    def _apart(self, both: _Both, at: _Places) -> None:
        """Values of other types: all of the one beside all of the other."""
        cause = _shape(both.before, both.after, renamed=both.renamed)
        lefts = _dumped(both.name, both.before, at.depth, both.last[0])
        rights = _dumped(both.other, both.after, at.depth, both.last[1])
        self.changes += 1
        if cause != "value":
            self._read_otherwise(both.name)
        for place, (one, other) in enumerate(zip_longest(lefts, rights)):
            self._add(DiffRow(None, None, True, "" if place else cause, contract=cause != "value"), one, other)

    def _removed(self, name: str, value: Any, at: _Places, last: bool) -> None:
        expected = self.causes.get(at.pointer, ("", False))[1]
        self.changes += 1
        if not expected:
            self._read_otherwise(name)
        for place, line in enumerate(_dumped(name, value, at.depth, last)):
            self._add(DiffRow(None, None, True, "" if place else "removed", expected, not expected), line, None)

    def _added(self, name: str, value: Any, at: _Places, last: bool) -> None:
        expected = self.causes.get(at.pointer, ("", False))[1]
        self.changes += 1
        for place, line in enumerate(_dumped(name, value, at.depth, last)):
            self._add(DiffRow(None, None, True, "" if place else "added", expected), None, line)

    def _read_otherwise(self, name: str) -> None:
        if name:
            self.members.append(json.loads(name))

    def _add(self, told: DiffRow, left: Line | None, right: Line | None) -> None:
        """A row with its two sides, numbered."""
        self.left, self.right = self.left + (left is not None), self.right + (right is not None)
        cells = (
            None if line is None else Cell(number, line[0], tuple(line[1]))
            for number, line in ((self.left, left), (self.right, right))
        )
        self.rows.append(replace(told, left=next(cells), right=next(cells)))


def _member_pairs(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[tuple[Any, Any]]:
    """Members by name; then those that only have another name; the added ones where the second document has them."""
    renamed = dict(_renamed(before, after))
    taken = set(renamed.values())
    pending = [name for name in after if name not in before and name not in taken]
    order = list(after)
    for name in before:
        other = name if name in after else renamed.get(name)
        if other is not None:
            at = order.index(other)
            while pending and order.index(pending[0]) < at:
                yield None, pending.pop(0)
        yield name, other
    for name in pending:
        yield None, name


def _renamed(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """A member that is gone and a new one that holds the very same value, or the same in a list or an object."""
    added = [name for name in after if name not in before]
    for name in before:
        if name in after or before[name] in (None, True, False, "", [], {}):
            continue
        fits = (
            one for one in added if json_type(before[name]) == json_type(after[one]) and same(before[name], after[one])
        )
        other = next(fits, "") or next((one for one in added if one in (f"{name}s", f"{name}es", f"{name}List")), "")
        if other:
            added.remove(other)
            yield name, other


def _items(before: list[Any], after: list[Any]) -> Iterator[tuple[Any, Any]]:
    yield from item_pairs(before, after, lambda _: ())


def _name(holder: Any, word: Any) -> str:
    return json.dumps(word, ensure_ascii=False) if isinstance(holder, dict) else ""


def _shape(before: Any, after: Any, *, renamed: bool) -> str:
    """How a value's type changed, in words."""
    kind = json_type(after)
    if json_type(before) == kind:
        return "renamed" if renamed else "value"
    return {"array": "now a list", "object": "now an object", "null": "now null"}.get(kind, f"now a {kind}")


def _head(name: str, marked: bool) -> list[Piece]:
    return [Piece(name, "k", marked), Piece(": ")] if name else []


def _end(last: bool) -> list[Piece]:
    return [] if last else [Piece(",")]


def _comma(last: bool) -> str:
    return "" if last else ","


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _dumped(name: str, value: Any, depth: int, last: bool) -> Iterator[tuple[int, Sequence[Piece]]]:
    """All lines of a value, each with its depth."""
    if not isinstance(value, (dict, list)) or not value or depth >= DEEPEST:
        text = _text(value)
        yield depth, [*_head(name, False), Piece(text, _css(text)), *_end(last)]
        return
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    yield depth, [*_head(name, False), Piece(opening)]
    members = list(value.items()) if isinstance(value, dict) else [("", item) for item in value]
    for place, (word, member) in enumerate(members):
        named = _text(word) if isinstance(value, dict) else ""
        yield from _dumped(named, member, depth + 1, place == len(members) - 1)
    yield depth, [Piece(closing + _comma(last))]


def _marked(before: str, after: str) -> tuple[list[Piece], list[Piece]]:
    """Two scalars with what differs in them marked: all of it, unless they have much in common."""
    start = next(
        (at for at, (a, b) in enumerate(zip(before, after, strict=False)) if a != b), min(len(before), len(after))
    )
    room = min(len(before), len(after)) - start
    end = next((at for at in range(room) if before[-1 - at] != after[-1 - at]), room)
    kind = _css(before), _css(after)
    if start + end < max(len(before), len(after)) / 3:
        start, end = (1, 1) if before[:1] == after[:1] == '"' else (0, 0)
    return tuple(  # type: ignore[return-value]
        [piece for piece in (Piece(text[:start], css), Piece(text[start : len(text) - end], css, True),
                             Piece(text[len(text) - end :], css)) if piece.text]
        for text, css in zip((before, after), kind, strict=True)
    )  # fmt: skip

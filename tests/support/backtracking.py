"""Counts the steps that a backtracking matcher takes: the same for every machine, so that growth can be asserted. Pure.

Python's `re` backtracks; whether an expression is linear shows in how its steps grow with the text. The matcher here does
what `re` does, on its parse tree, and counts. Texts to try come from the expression itself: its repeats, pumped.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from re import _constants as ops  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

Continue = Callable[[int], int]
FAIL = -1


class TooMany(Exception):
    """More steps than the limit."""


class Counter:
    """An expression, matched step by step."""

    def __init__(self, pattern: re.Pattern[Any], limit: int) -> None:
        text = pattern.pattern
        self.flags = pattern.flags
        self.tree = parser.parse(
            text, pattern.flags & ~re.UNICODE & ~re.ASCII & ~re.DEBUG if isinstance(text, bytes) else 0
        )
        self.limit, self.steps = limit, 0
        self.groups: dict[int, tuple[int, int]] = {}
        self.text: Sequence[int] = b""

    def search_all(self, text: bytes) -> int:
        """Steps of a search for every match, as finditer and sub make it."""
        self.text, self.steps, at = text, 0, 0
        while at <= len(text):
            end = self._at(at)
            at = max(end, at + 1)
        return self.steps

    def match_once(self, text: bytes, *, whole: bool) -> int:
        """Steps of one match at the beginning; with `whole`, to the end."""
        self.text, self.steps = text, 0
        self._at(0, whole=whole)
        return self.steps

    def _at(self, at: int, *, whole: bool = False) -> int:
        self.groups = {}
        return self._seq(list(self.tree), 0, at, lambda end: end if not whole or end == len(self.text) else FAIL)

    def _step(self) -> None:
        self.steps += 1
        if self.steps > self.limit:
            raise TooMany

    def _seq(self, nodes: list[Any], index: int, at: int, then: Continue) -> int:
        while index < len(nodes):
            op, value = nodes[index]
            self._step()
            if op in SINGLE:
                if at >= len(self.text) or not self._one(op, value, self.text[at]):
                    return FAIL
                at += 1
            elif op is ops.AT:
                if not self._anchor(value, at):
                    return FAIL
            else:
                return self._node(op, value, at, lambda end, rest=index + 1: self._seq(nodes, rest, end, then))
            index += 1
        return then(at)

    def _node(self, op: Any, value: Any, at: int, then: Continue) -> int:
        if op is ops.BRANCH:
            for branch in value[1]:
                if (end := self._seq(list(branch), 0, at, then)) != FAIL:
                    return end
            return FAIL
        if op is ops.SUBPATTERN:
            return self._group(value, at, then)
        if op is ops.MAX_REPEAT or op is ops.MIN_REPEAT or op is ops.POSSESSIVE_REPEAT:
            return self._repeat(op, value, at, then)
        if op is ops.ASSERT or op is ops.ASSERT_NOT:
            return self._assert(op, value, at, then)
        if op is ops.ATOMIC_GROUP:
            end = self._seq(list(value), 0, at, lambda end: end)
            return FAIL if end == FAIL else then(end)
        return self._reference(op, value, at, then)

    def _reference(self, op: Any, value: Any, at: int, then: Continue) -> int:
        if op is ops.GROUPREF:
            start, end = self.groups.get(value, (0, -1))
            if end < 0 or self.text[at : at + end - start] != self.text[start:end]:
                return FAIL
            self.steps += end - start
            return then(at + end - start)
        if op is ops.GROUPREF_EXISTS:
            group, yes, no = value
            chosen = yes if group in self.groups else no
            return self._seq(list(chosen), 0, at, then) if chosen else then(at)
        raise NotImplementedError(op)

    def _group(self, value: Any, at: int, then: Continue) -> int:
        group, _, _, body = value

        def closed(end: int) -> int:
            before = self.groups.get(group)
            if group is not None:
                self.groups[group] = (at, end)
            result = then(end)
            if result == FAIL and before is not None:
                self.groups[group] = before
            return result

        return self._seq(list(body), 0, at, closed)

    def _assert(self, op: Any, value: Any, at: int, then: Continue) -> int:
        direction, body = value
        start = at
        if direction < 0:
            high = body.getwidth()[1]
            start = at - high
        found = (
            FAIL
            if start < 0
            else self._seq(list(body), 0, start, lambda end: end if direction > 0 or end == at else FAIL)
        )
        return then(at) if (found != FAIL) is (op is ops.ASSERT) else FAIL

    def _repeat(self, op: Any, value: Any, at: int, then: Continue) -> int:
        low, high, body = value
        most = len(self.text) + 1 if high is ops.MAXREPEAT else int(high)
        nodes = list(body)
        if len(nodes) == 1 and nodes[0][0] in SINGLE:
            return self._repeat_one(op, nodes[0], (int(low), most), at, then)
        if op is ops.POSSESSIVE_REPEAT:
            count = 0
            while count < most and (end := self._seq(nodes, 0, at, lambda end: end)) not in (FAIL, at):
                at, count = end, count + 1
            return then(at) if count >= low else FAIL
        return self._repeat_group(op, nodes, (int(low), most), 0, at, then)

    def _repeat_one(self, op: Any, node: Any, bounds: tuple[int, int], at: int, then: Continue) -> int:
        low, most = bounds
        kind, value = node
        count = 0
        if op is ops.MIN_REPEAT:
            while True:
                if count >= low and (end := then(at + count)) != FAIL:
                    return end
                self._step()
                if count >= most or at + count >= len(self.text) or not self._one(kind, value, self.text[at + count]):
                    return FAIL
                count += 1
        while count < most and at + count < len(self.text) and self._one(kind, value, self.text[at + count]):
            self._step()
            count += 1
        if op is ops.POSSESSIVE_REPEAT:
            return then(at + count) if count >= low else FAIL
        while count >= low:
            self._step()
            if (end := then(at + count)) != FAIL:
                return end
            count -= 1
        return FAIL

    def _repeat_group(
        self, op: Any, nodes: list[Any], bounds: tuple[int, int], count: int, at: int, then: Continue
    ) -> int:
        low, most = bounds
        self._step()

        def again(end: int) -> int:
            return FAIL if end == at and count >= low else self._repeat_group(op, nodes, bounds, count + 1, end, then)

        if op is ops.MIN_REPEAT:
            if count >= low and (end := then(at)) != FAIL:
                return end
            return self._seq(nodes, 0, at, again) if count < most else FAIL
        if count < most and (end := self._seq(nodes, 0, at, again)) != FAIL:
            return end
        return then(at) if count >= low else FAIL

    def _one(self, op: Any, value: Any, byte: int) -> bool:
        if op is ops.ANY:
            return bool(self.flags & re.DOTALL) or byte != 10
        folded = {byte}
        if self.flags & re.IGNORECASE and chr(byte).isalpha():
            folded = {ord(chr(byte).lower()[0]), ord(chr(byte).upper()[0])}
        if op is ops.LITERAL:
            return value in folded
        if op is ops.NOT_LITERAL:
            return value not in folded
        negated = value[0][0] is ops.NEGATE
        return any(self._member(item, each) for item in value[negated:] for each in folded) is not negated

    @staticmethod
    def _member(item: Any, byte: int) -> bool:
        op, value = item
        if op is ops.LITERAL:
            return bool(value == byte)
        if op is ops.RANGE:
            return bool(value[0] <= byte <= value[1])
        return CATEGORIES[value](byte)

    def _anchor(self, where: Any, at: int) -> bool:
        text, size = self.text, len(self.text)
        if where is ops.AT_BEGINNING:
            return at == 0 or bool(self.flags & re.MULTILINE and text[at - 1] == 10)
        if where is ops.AT_BEGINNING_STRING:
            return at == 0
        if where is ops.AT_END:
            return (
                at == size or (at == size - 1 and text[at] == 10) or bool(self.flags & re.MULTILINE and text[at] == 10)
            )
        if where is ops.AT_END_STRING:
            return at == size
        before, after = at > 0 and _is_word(text[at - 1]), at < size and _is_word(text[at])
        return (before != after) is (where is ops.AT_BOUNDARY)


def _is_word(byte: int) -> bool:
    return byte < 128 and (chr(byte).isalnum() or byte == 95)


def _is_space(byte: int) -> bool:
    return byte in b" \t\n\r\f\v"


CATEGORIES: dict[Any, Callable[[int], bool]] = {
    ops.CATEGORY_WORD: _is_word, ops.CATEGORY_NOT_WORD: lambda byte: not _is_word(byte),
    ops.CATEGORY_SPACE: _is_space, ops.CATEGORY_NOT_SPACE: lambda byte: not _is_space(byte),
    ops.CATEGORY_DIGIT: lambda byte: 48 <= byte <= 57, ops.CATEGORY_NOT_DIGIT: lambda byte: not 48 <= byte <= 57,
}  # fmt: skip
SINGLE = (ops.LITERAL, ops.NOT_LITERAL, ops.ANY, ops.IN)
BYTES = bytes([97, 48, 32, 10, *range(33, 127), 9, 13, 0, 200])  # tried in this order for a byte of a class


class Samples:
    """Texts that an expression half matches: what makes it work hardest."""

    def __init__(self, counter: Counter) -> None:
        self._counter = counter

    def attacks(self) -> Iterator[tuple[bytes, bytes, bytes]]:
        """(prefix, pump, suffix): the pump is what is repeated."""
        seen = set()
        for prefix, pump in self._pumps(list(self._counter.tree), b""):
            for attack in (
                (prefix, pump, b"\0"),
                (b"", prefix + pump, b"\0"),
                (prefix, pump, b"\n"),
                (b"", pump, b"\0"),
            ):
                if attack[1] and attack not in seen:
                    seen.add(attack)
                    yield attack

    def _pumps(self, nodes: list[Any], prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        for op, value in nodes:
            if op in (ops.MAX_REPEAT, ops.MIN_REPEAT, ops.POSSESSIVE_REPEAT):
                _, high, body = value
                for pump in self._samples(list(body)):
                    if high is ops.MAXREPEAT or int(high) > 4:
                        yield prefix, pump
                yield from self._pumps(list(body), prefix)
            elif op is ops.BRANCH:
                for branch in value[1]:
                    yield from self._pumps(list(branch), prefix)
            elif op is ops.SUBPATTERN:
                yield from self._pumps(list(value[3]), prefix)
            elif op is ops.ASSERT or op is ops.ASSERT_NOT:
                yield from self._pumps(list(value[1]), prefix)
            elif op is ops.ATOMIC_GROUP:
                yield from self._pumps(list(value), prefix)
            prefix += self._sample([(op, value)])
        yield prefix, self._sample(nodes) or b"a"

    def _samples(self, nodes: list[Any]) -> list[bytes]:
        """Several texts that the nodes match: one for each branch and each kind of byte."""
        if len(nodes) == 1 and nodes[0][0] in SINGLE:
            fitting = [bytes([byte]) for byte in BYTES if self._counter._one(nodes[0][0], nodes[0][1], byte)]
            return list(
                dict.fromkeys([*fitting[:3], *(one for one in fitting if one in (b"\\", b"%", b" ", b".", b"=", b'"'))])
            )
        if len(nodes) == 1 and nodes[0][0] is ops.BRANCH:
            return [self._sample(list(branch)) for branch in nodes[0][1][1]]
        if len(nodes) == 1 and nodes[0][0] is ops.SUBPATTERN:
            return self._samples(list(nodes[0][1][3]))
        return [self._sample(nodes)]

    def _sample(self, nodes: list[Any]) -> bytes:
        out = b""
        for op, value in nodes:
            if op is ops.LITERAL:
                out += bytes([min(value, 255)])
            elif op in SINGLE:
                out += next((bytes([byte]) for byte in BYTES if self._counter._one(op, value, byte)), b"")
            elif op in (ops.MAX_REPEAT, ops.MIN_REPEAT, ops.POSSESSIVE_REPEAT):
                out += self._sample(list(value[2])) * max(1 if value[1] else 0, min(int(value[0]), 200))
            elif op is ops.BRANCH:
                out += self._sample(list(value[1][0]))
            elif op is ops.SUBPATTERN:
                out += self._sample(list(value[3]))
            elif op is ops.ATOMIC_GROUP:
                out += self._sample(list(value))
        return out


@contextmanager
def deep_recursion() -> Iterator[None]:
    """The matcher goes one call deeper for every repeat of a group."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(400_000)
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


LINEAR = 2.7  # twice the text, and no more than this many times the steps
CHEAP = 30  # steps for each byte that need no closer look
SIZES = (100, 400, 1600)  # bytes; a bounded repeat is quadratic up to its bound


def superlinear(pattern: re.Pattern[Any], methods: frozenset[str], most: int = 8) -> str:
    """An attack under which the steps grow faster than the text; "" when there is none among the samples."""
    counter = Counter(pattern, limit=300_000)
    searched = not methods or bool(methods - {"match", "fullmatch"})

    def steps(text: bytes) -> int:
        if searched:
            return counter.search_all(text)
        return counter.match_once(text, whole=methods == {"fullmatch"})

    with deep_recursion():
        every = list(Samples(counter).attacks())
        for prefix, pump, suffix in every[:: max(1, -(-len(every) // most))]:
            for size in SIZES:
                times = max(1, size // len(pump))
                try:
                    once, twice = (steps(prefix + pump * times * n + suffix) for n in (1, 2))
                except TooMany:
                    return f"{prefix!r} + {pump!r} * {times}: more than {counter.limit} steps"
                is_cheap = size == SIZES[-1] and twice <= CHEAP * (len(pump) * times * 2 + len(prefix))
                if is_cheap or twice <= LINEAR * once:
                    break
            else:
                return f"{prefix!r} + {pump!r} * {times}: {once} steps, twice as much: {twice}"
    return ""

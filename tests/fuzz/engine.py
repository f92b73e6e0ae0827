"""Mutates inputs, keeps those that reach new lines, and counts what a parser may not do: fail, hang or change its mind."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from types import CodeType, FrameType
from typing import Any

SLOWEST = 5.0  # CPU seconds of one input: a hang, not a busy machine
LARGEST = 1 << 16  # bytes of an input


@dataclass(frozen=True, slots=True)
class Target:
    """A parser of foreign bytes. `run` raises AssertionError, or anything it should not, when the parser is wrong."""

    name: str
    run: Callable[[bytes], None]
    seeds: Sequence[bytes]
    words: Sequence[bytes] = ()  # put in by mutations
    modules: tuple[str, ...] = ()  # ends of the files whose lines are counted


@dataclass(slots=True)
class Result:
    target: Target
    executed: int = 0
    kept: list[bytes] = field(default_factory=list)
    lines: int = 0
    failures: list[tuple[bytes, str]] = field(default_factory=list)


def mutated(rng: Random, corpus: Sequence[bytes], words: Sequence[bytes]) -> bytes:
    """One of the corpus, changed in one to six places."""
    data = bytearray(rng.choice(corpus))
    for _ in range(rng.choice((1, 1, 2, 3, 6))):
        at = rng.randrange(len(data) + 1)
        end = min(len(data), at + rng.choice((1, 2, 4, 16, 200)))
        match rng.randrange(9):
            case 0:
                data[at:at] = bytes([rng.randrange(256)])
            case 1:
                del data[at:end]
            case 2 if at < len(data):
                data[at] ^= 1 << rng.randrange(8)
            case 3:
                data[at:at] = data[at:end] * rng.choice((1, 2, 40))
            case 4 if words:
                data[at:at] = rng.choice(words)
            case 5 if words:
                data[at:end] = rng.choice(words)
            case 6:
                other = rng.choice(corpus)
                begin = rng.randrange(len(other) + 1)
                data[at:] = other[begin:]
            case 7:
                del data[at:]
            case _:
                data[at:at] = rng.choice(
                    (b"\0", b"\xff\xfe", b"\r\n", b"\n\n", b"9" * 30, b"[" * 500, b"\xc3", b"\\u0000")
                )
    return bytes(data[:LARGEST])


def executed(target: Target, data: bytes, result: Result) -> None:
    """Run one input; what goes wrong is a failure of the result."""
    begun = time.process_time()
    try:
        target.run(data)
    except Exception as error:
        result.failures.append((data, f"{type(error).__name__}: {error}"))
    if (took := time.process_time() - begun) > SLOWEST:
        result.failures.append((data, f"took {took:.1f} s"))
    result.executed += 1


def fuzz(target: Target, *, seed: int, count: int = 0, seconds: float = 0.0) -> Result:
    """Run `count` inputs, or as many as there is time for; with time, what reaches new lines is mutated further."""
    rng, result = Random(f"{seed}/{target.name}"), Result(target)
    corpus = [*target.seeds]
    end = time.monotonic() + seconds
    seen: set[tuple[CodeType, int]] = set()
    for data in target.seeds:
        with counted(target.modules if seconds else (), seen):
            executed(target, data, result)
    while result.executed < count or (seconds and time.monotonic() < end):
        data = mutated(rng, corpus, target.words)
        before = len(seen)
        with counted(target.modules if seconds else (), seen):
            executed(target, data, result)
        if len(seen) > before:
            corpus.append(data)
            result.kept.append(data)
    result.lines = len(seen)
    return result


@contextmanager
def counted(modules: tuple[str, ...], seen: set[tuple[CodeType, int]]) -> Iterator[None]:
    """Adds the lines that run in files of these names."""
    if not modules:
        yield
        return

    def lines(frame: FrameType, event: str, _: Any) -> Any:
        if event == "line":
            seen.add((frame.f_code, frame.f_lineno))
        return lines

    def calls(frame: FrameType, _event: str, _: Any) -> Any:
        return lines if frame.f_code.co_filename.endswith(modules) else None

    sys.settrace(calls)
    try:
        yield
    finally:
        sys.settrace(None)

"""Regular expressions in linear time, for bytes that strangers send: Google's RE2. Pure.

RE2 knows neither look-around nor references back, and needs no backtracking: the time grows with the text alone. The
event loop goes on while it searches.
"""

from __future__ import annotations

from typing import Any, Final, Protocol, cast

import re2  # type: ignore[import-untyped]  # it ships no types

MEMORY: Final = 64 << 20  # bytes that an expression may take for its automata; beyond, RE2 is slower, never wrong


class Match(Protocol):
    """What was found."""

    def __getitem__(self, group: int) -> bytes | None: ...
    def span(self, group: int = 0) -> tuple[int, int]: ...


class Linear(Protocol):
    """A compiled expression."""

    def search(self, text: bytes, pos: int | None = None, endpos: int | None = None) -> Match | None: ...
    def fullmatch(self, text: bytes, pos: int | None = None, endpos: int | None = None) -> Match | None: ...


def compile_linear(expression: str, *, captures: bool = True, utf8: bool = False) -> Linear:
    """An expression over bytes; without `captures`, groups only group and a search takes a quarter of the time. With
    `utf8` the bytes are UTF-8, and `.` and classes stand for whole characters.

    Raises ValueError for what RE2 does not know.
    """
    options = re2.Options()
    options.encoding = re2.Options.Encoding.UTF8 if utf8 else re2.Options.Encoding.LATIN1
    options.log_errors = False
    options.never_capture = not captures
    options.max_mem = MEMORY
    try:
        compiled: Any = re2.compile(expression.encode("utf-8" if utf8 else "latin-1"), options)
    except re2.error as error:
        raise ValueError(str(error)) from None
    return cast(Linear, compiled)


def quoted(text: bytes) -> str:
    """An expression for exactly this text."""
    return cast(bytes, re2.escape(text)).decode("latin-1")

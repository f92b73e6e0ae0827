"""One value of a response and where it stands; pieces of URLs and tokens inside of longer texts. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from .information import HIGH, bits_of, is_name
from .json_values import pointer
from .lexicon import QUANTITIES
from .model import SourcePart
from .names import Role, role_of, words
from .urls import followable, pieces

LONG_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]{8,}){0,2}={0,2}")
# Lines such as "UID:7c1d9e02" of iCalendar and vCard (RFC 5545 section 3.1, RFC 6350 section 3.3).
LINE: Final = re.compile(r"(?m)^([A-Za-z][\w-]*)(?:;[^:\n]*)?:[ \t]*(\S[^\r\n]*)")
LINES: Final = frozenset(("text/calendar", "text/vcard", "text/x-vcard", "text/directory"))
ANCHORS: Final = (24, 80, 240)  # characters before a token that find it again: as few as are enough
ENDINGS: Final = (r"([\w-]{8,}(?:\.[\w-]+)*=*)", r"([\w-]{8,}=*)")  # the second: a sentence or a file's name goes on


class ValuePlace:
    """One value of a response and where it stands."""

    __slots__ = ("link", "name", "owner", "part", "path", "role", "value")

    def __init__(
        self, part: SourcePart, path: Any, name: str, value: str, role: Role, owner: str = "", link: str = ""
    ) -> None:
        self.part, self.path, self.name, self.value, self.role = part, path, name, value, role
        self.owner = owner  # the id of the thing that has this value, where it is beside it
        self.link = link  # path and query of the URL that has this value

    @property
    def text(self) -> str:
        """The path as Source has it; JSON pointers are only written out where they are needed."""
        if isinstance(self.path, str):
            return self.path
        path, piece = self.path
        return f"{pointer(path)}{piece}"


def url_places(part: SourcePart, path: Any, url: str) -> Iterator[ValuePlace]:
    """The values in a URL. `path` is where the URL stands: a name, or the keys of a JSON document."""
    link = followable(url)
    before = False
    for piece in pieces(url):
        named = piece.literal and piece.from_end == -1 and before and is_name(piece.value)  # contents/Untitled.ipynb
        before = piece.literal
        if piece.literal and not named:
            continue
        key = f"#segment={piece.from_end}" if piece.kind == "segment" else f"#query={piece.key}"
        where = path + key if isinstance(path, str) else (path, key)
        yield ValuePlace(part, where, piece.name, piece.value, role_of(piece.name), link=link)


def tokens(text: str) -> Iterator[tuple[str, str]]:
    """(value, the expression that finds it again) of what is too random to be words."""
    for match in LONG_TOKEN.finditer(text):
        if bits_of(match[0]) >= HIGH and match[0] != text:
            regex = _expression(text, match)
            if regex:
                yield match[0], regex


def _expression(text: str, token: re.Match[str]) -> str:
    """The shortest of the expressions that find the token; empty when none does."""
    for length in ANCHORS:
        before = _before(text[max(0, token.start() - length) : token.start()])
        for ending in ENDINGS:
            found = re.search(before + ending, text)
            if found and found[1] == token[0]:
                return before + ending
    return ""


def _before(text: str) -> str:
    """What stands before a token, on its line, with stars for other values."""
    line = text.rpartition("\n")[2]
    parts: list[str] = []
    at = 0
    for match in LONG_TOKEN.finditer(line):
        if bits_of(match[0]) >= HIGH / 2:
            parts += [_literally(line[at : match.start()]), r"[\w.=-]+"]
            at = match.end()
    return "".join([*parts, _literally(line[at:])])


def _literally(text: str) -> str:
    return re.sub(r"(?:\\?\s)+", r"\\s+", re.sub(r"[0-9]+", r"[0-9]+", re.escape(text)))


def token_places(part: SourcePart, path: str, text: str) -> Iterator[ValuePlace]:
    """Values in free text; a name is nowhere to be had."""
    for value, regex in tokens(text[: 1 << 18]):
        yield ValuePlace(part, f"{path}#match={regex}", "", value, Role())


# "Created order 70001", "Ticket #12 is open": the word before a number says of what it is. Not of quantities, nor of
# what counts or numbers a program's own things.
NUMBER_OF: Final = r"[ \t]{0,2}(?:[#:=]|no\.?|number|id)?[ \t]{0,2}([0-9]{1,12})\b"
NAMED_NUMBER: Final = re.compile(rf"\b([A-Za-z]{{3,24}}){NUMBER_OF}(?![.,:/-]?[0-9])")
NO_THINGS: Final = QUANTITIES | frozenset((
    "http", "status", "error", "code", "line", "part", "version", "build", "chapter", "section", "january", "february",
    "march", "april", "may", "june", "july", "august", "september", "october", "november", "december", "than", "and",
    "the", "for", "with", "about", "after", "before", "within", "from", "until", "only", "first", "last", "level",
))  # fmt: skip
TEXTS: Final = 4096  # characters of a text that is looked through for such numbers


def numbered_places(part: SourcePart, path: Any, text: str) -> Iterator[ValuePlace]:
    """The numbers of a text that a word before them names, each by the first place with that word."""
    for match in NAMED_NUMBER.finditer(text[:TEXTS]):
        word, value = match[1].lower(), match[2]
        if set(words(word)) & NO_THINGS or role_of(word).is_many:
            continue
        regex = rf"(?i)\b{word}{NUMBER_OF}"
        if (first := re.search(regex, text)) and first[1] == value:
            where = f"{path}#match={regex}" if isinstance(path, str) else (path, f"#match={regex}")
            yield ValuePlace(part, where, f"{word}_id", value, role_of(f"{word}_id"))

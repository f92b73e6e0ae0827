"""Secrets in HTML and XML: elements and attributes with the name of a secret, fields of forms, property lists. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from .json_text import IsSecret, Seal

ELEMENT: Final = re.compile(rb"<((?:[\w.\-]+:)?([\w.\-]{2,100}))(?=[\s>])")
RUN: Final = re.compile(rb"<!\[CDATA\[(.*?)\]\]>|<[^<>]*>|([^<>]+)", re.DOTALL)
NAMES: Final = re.compile(rb"\b(?:(?:name|key|id)\s*=\s*[\"']?([^\"'\s>]+)|type\s*=\s*[\"']?password\b)", re.IGNORECASE)
VALUE_OF: Final = re.compile(rb"(\b(?:value|content)\s*=\s*)(\"[^\"]+|'[^']+|[^\s\"'>]+)", re.IGNORECASE)
# <key>password</key><string>...</string>, <name>password</name><value><string>...
NAMED: Final = re.compile(
    rb"(<(key|name)>\s*([\w.\-]{2,100})\s*</\2>\s*(?:<value>\s*)?(?:<(?:string|data|integer|int|i4)>)?)([^<>\s][^<>]*)",
    re.IGNORECASE,
)
QUOTE = rb"&(?:quot|#34|#x22);"
QUOTED: Final = re.compile(rb"(%b([\w.\-]{2,100})%b\s*:\s*%b)(.+?)(?=%b)" % ((QUOTE,) * 4))
LONGEST: Final = 16 << 10  # bytes between a tag and the one that closes it, and of a tag
# Elements whose text is what their name says; a form or a label that is named "password" holds more than one.
HOLDERS: Final = frozenset(
    b"textarea property string item entry param parameter setting attribute field add data".split()
)


def seal_markup(data: bytes, is_secret: IsSecret, seal: Seal) -> bytes:
    """Text of elements, values of fields and of whatever is named beside its value."""
    data = _replaced(data, _elements(data, is_secret), lambda text: _seal_text(text, seal))
    data = _replaced(data, _tags(data, is_secret), lambda part: _tag_or_text(part, seal))
    if b"key>" in data or b"name>" in data:
        data = NAMED.sub(lambda m: m[1] + seal(m[4]) if is_secret(m[3]) else m[0], data)
    if b"&quot;" in data or b"&#" in data:  # JSON in an attribute
        data = QUOTED.sub(lambda m: m[1] + seal(m[3]) if is_secret(m[2]) else m[0], data)
    return data


def _replaced(data: bytes, places: Iterator[tuple[int, int]], change: Seal) -> bytes:
    out: list[bytes] = []
    done = 0
    for start, end in places:
        if start >= done:
            out += data[done:start], change(data[start:end])
            done = end
    return b"".join([*out, data[done:]]) if out else data


def _elements(data: bytes, is_secret: IsSecret) -> Iterator[tuple[int, int]]:
    """Where the content of every element of a secret name is."""
    ends = _Ends(data)
    for start in ELEMENT.finditer(data):
        if is_secret(start[2]):
            yield from ends.content(start.end(), start[1])


class _Ends:
    """Where elements end. What closes a name is looked for once, however many elements of that name begin before it."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._next: dict[bytes, int] = {}  # name -> where it is closed next; -1: never

    def content(self, at: int, name: bytes) -> Iterator[tuple[int, int]]:
        data = self._data
        begin = data.find(b">", at, at + LONGEST) + 1
        if not begin or data[begin - 2 : begin - 1] == b"/":
            return
        end = self._next.get(name, 0)
        if 0 <= end < begin:
            end = self._next[name] = data.find(b"</" + name, begin)
        if begin < end <= begin + LONGEST:
            yield begin, end


def _tags(data: bytes, is_secret: IsSecret) -> Iterator[tuple[int, int]]:
    """<input name="csrf_token" value="...">, <meta name="csrf-token" content="...">, <add key="password" value="...">,
    and the content of <property name="password">."""
    ends = _Ends(data)
    for name in NAMES.finditer(data):
        if name[1] is not None and not is_secret(name[1]):
            continue
        start = data.rfind(b"<", max(0, name.start() - LONGEST), name.start())
        end = data.find(b">", name.end(), name.end() + LONGEST)
        if start < 0 or data.find(b">", start, name.start()) >= 0:
            continue
        end = len(data) if end < 0 else end
        yield start, end
        if (holder := ELEMENT.match(data, start)) and holder[2].lower() in HOLDERS:
            yield from ends.content(end, holder[1])


def _tag_or_text(part: bytes, seal: Seal) -> bytes:
    is_tag = part.startswith(b"<") and not part.startswith(b"<!")
    return VALUE_OF.sub(lambda m: _value(m, seal), part) if is_tag else _seal_text(part, seal)


def _seal_text(content: bytes, seal: Seal) -> bytes:
    """Every piece of text between the tags."""

    def run(match: re.Match[bytes]) -> bytes:
        if match[1]:
            return b"<![CDATA[" + seal(match[1]) + b"]]>"
        text = match[2]
        if not text or not (secret := text.strip()):
            return match[0]
        at = text.index(secret)
        return text[:at] + seal(secret) + text[at + len(secret) :]

    return RUN.sub(run, content) if b"<" in content or not content.strip() else seal(content)


def _value(match: re.Match[bytes], seal: Seal) -> bytes:
    quote = match[2][:1] if match[2][:1] in (b'"', b"'") else b""
    return match[1] + quote + seal(match[2][len(quote) :])

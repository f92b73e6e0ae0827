"""Secrets in HTML and XML: elements and attributes with the name of a secret, fields of forms, property lists. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

from .json_text import IsSecret, Seal
from .values import ANY, NO, fits

ELEMENT: Final = re.compile(rb"<((?:[\w.\-]+:)?([\w.\-]{2,100}))(?=[\s>])")
RUN: Final = re.compile(rb"<[^<>]*>|([^<>]+)")
CDATA, CDATA_END = b"<![CDATA[", b"]]>"
NAMES: Final = re.compile(rb"\b(?:(?:name|key|id)\s*=\s*[\"']?([^\"'\s>]+)|type\s*=\s*[\"']?password\b)", re.IGNORECASE)
VALUE_OF: Final = re.compile(rb"(\b(?:value|content)\s*=\s*)(\"[^\"]+|'[^']+|[^\s\"'>]+)", re.IGNORECASE)
# <key>password</key><string>...</string>, <name>password</name><value><string>...
NAMED: Final = re.compile(
    rb"(<(key|name)>\s*([\w.\-]{2,100})\s*</\2>\s*(?:<value>\s*)?(?:<(?:string|data|integer|int|i4)>)?)([^<>\s][^<>]*)",
    re.IGNORECASE,
)
QUOTE = rb"&(?:quot|#34|#x22);"
QUOTED: Final = re.compile(rb"(%b([\w.\-]{2,100})%b\s*:\s*%b)(.+?)(?=%b)" % ((QUOTE,) * 4))
LONGEST: Final = 16 << 10  # bytes between a tag and the one that closes it
LONGEST_TAG: Final = 4 << 10  # bytes of a tag
Change = Callable[[bytes, int], bytes]  # of a piece of text and the kind of the name beside it
# Elements whose text is what their name says; a form or a label that is named "password" holds more than one.
HOLDERS: Final = frozenset(
    b"textarea property string item entry param parameter setting attribute field add data".split()
)


def seal_markup(data: bytes, is_secret: IsSecret, seal: Seal) -> bytes:
    """Text of elements, values of fields and of whatever is named beside its value."""

    def one(secret: bytes, kind: int) -> bytes:
        return seal(secret) if fits(kind, secret) else secret

    data = _replaced(data, _elements(data, is_secret), lambda text, kind: _seal_text(text, kind, one))
    data = _replaced(data, _tags(data, is_secret), lambda part, kind: _tag_or_text(part, kind, one))
    if any(end in data for end in (b"ey>", b"ame>", b"EY>", b"AME>")):
        data = NAMED.sub(lambda m: m[1] + one(m[4], is_secret(m[3])), data)
    if b"&quot;" in data or b"&#" in data:  # JSON in an attribute
        data = QUOTED.sub(lambda m: m[1] + one(m[3], is_secret(m[2])), data)
    return data


def _replaced(data: bytes, places: Iterator[tuple[int, int, int]], change: Change) -> bytes:
    out: list[bytes] = []
    done = 0
    for start, end, kind in places:
        if start >= done:
            out += data[done:start], change(data[start:end], kind)
            done = end
    return b"".join([*out, data[done:]]) if out else data


def _elements(data: bytes, is_secret: IsSecret) -> Iterator[tuple[int, int, int]]:
    """(start, end, kind) of the content of every element of a secret name."""
    for start in ELEMENT.finditer(data):
        if kind := is_secret(start[2]):
            yield from _content(data, start.end(), start[1], kind)


def _content(data: bytes, at: int, name: bytes, kind: int) -> Iterator[tuple[int, int, int]]:
    """What stands between a tag and the one that closes it, if that is near: each look is a bounded one."""
    begin = data.find(b">", at, at + LONGEST_TAG) + 1
    if not begin or data[begin - 2 : begin - 1] == b"/":
        return
    end = data.find(b"</" + name, begin, begin + LONGEST)
    if begin < end:
        yield begin, end, kind


def _tags(data: bytes, is_secret: IsSecret) -> Iterator[tuple[int, int, int]]:
    """<input name="csrf_token" value="...">, <meta name="csrf-token" content="...">, <add key="password" value="...">,
    and the content of <property name="password">."""
    for name in NAMES.finditer(data):
        kind = ANY if name[1] is None else is_secret(name[1])
        if kind == NO:
            continue
        start = data.rfind(b"<", max(0, name.start() - LONGEST_TAG), name.start())
        if start < 0 or data.find(b">", start, name.start()) >= 0:
            continue
        end = data.find(b">", name.end(), name.end() + LONGEST_TAG)
        end = min(len(data), name.end() + LONGEST_TAG) if end < 0 else end
        yield start, end, kind
        if (holder := ELEMENT.match(data, start)) and holder[2].lower() in HOLDERS:
            yield from _content(data, end, holder[1], kind)


def _tag_or_text(part: bytes, kind: int, one: Change) -> bytes:
    is_tag = part.startswith(b"<") and not part.startswith(b"<!")
    return VALUE_OF.sub(lambda m: _value(m, kind, one), part) if is_tag else _seal_text(part, kind, one)


def _seal_text(content: bytes, kind: int, one: Change) -> bytes:
    """Every piece of text between the tags."""
    before, mark, rest = content.partition(CDATA)
    out = [_seal_runs(before, kind, one)]
    while mark:
        text, end, rest = rest.partition(CDATA_END)
        out += CDATA, one(text, kind), end
        before, mark, rest = rest.partition(CDATA)
        out.append(_seal_runs(before, kind, one))
    return b"".join(out)


def _seal_runs(content: bytes, kind: int, one: Change) -> bytes:
    def run(match: re.Match[bytes]) -> bytes:
        text = match[1]
        if not text or not (secret := text.strip()):
            return match[0]
        at = text.index(secret)
        return text[:at] + one(secret, kind) + text[at + len(secret) :]

    return RUN.sub(run, content) if b"<" in content or not content.strip() else one(content, kind)


def _value(match: re.Match[bytes], kind: int, one: Change) -> bytes:
    quote = match[2][:1] if match[2][:1] in (b'"', b"'") else b""
    return match[1] + quote + one(match[2][len(quote) :], kind)

"""Where two bodies are unequal: JSON, XML, HTML, forms and multipart by structure, other text by line. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final
from urllib.parse import parse_qsl

from ...model.bodies import decoded, format_of, media_type, text_of
from ...model.message import Body, Message
from .json_difference import MISSING, Alias, Change, change_of, json_changes, no_alias, read_json
from .markup_difference import NotMarkup, html_changes, xml_changes
from .text_difference import text_changes

Named = tuple[Change, str]  # a change, and the name under which its value stands
MEMBER: Final = re.compile(r"/member\[([^\]]+)\](?:/value(?:/\w+)?)?$")  # a struct of XML-RPC
DEEPEST: Final = 4  # multipart within multipart


def body_changes(before: Message, after: Message, alias: Alias = no_alias, depth: int = 0) -> Iterator[Named] | None:
    """Every unequal place; None when the two cannot be taken apart, or are not of one kind.

    `alias` says what this run calls a recorded key, so that items of lists find their counterparts.
    """
    one, other = text_of(before), text_of(after)
    formats = format_of(before, one), format_of(after, other)
    if formats == ("multipart", "multipart") and depth < DEEPEST:
        return _multipart(before, after, alias, depth)
    if one is None or other is None:
        return None
    if one == other:
        return iter(())
    if formats[0] == formats[1] == "json" or ("json" in formats and not one.strip()):
        try:
            return _json(read_json(one), read_json(other), alias)
        except ValueError:
            pass
    elif formats == ("form", "form"):
        return _pairs(form_pairs(one), form_pairs(other))
    elif formats in (("xml", "xml"), ("html", "html")):
        try:
            return iter(list(_xml(one, other) if formats[0] == "xml" else html_changes(one, other)))
        except NotMarkup:
            pass
    elif formats[0] != formats[1]:
        return None
    kind = media_type(before)
    return text_changes(one, other, kind if kind == media_type(after) else "")


def name_of(pointer: str) -> str:
    """The last two names of a pointer: "sizes/active", "Total/currency", "id"."""
    names = [re.sub(r"^@|\[\d+\]$", "", part) for part in pointer.split("/") if part and not part.isdigit()]
    return "/".join(name.replace("~1", "/").replace("~0", "~") for name in names[-2:])


def form_pairs(text: str) -> dict[str, str]:
    """Names and values of a form or a query; repeats joined."""
    found: dict[str, str] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        found[name] = f"{found[name]}, {value}" if name in found else value
    return found


def _json(before: object, after: object, alias: Alias) -> Iterator[Named]:
    for change in json_changes(before, after, alias=alias):
        yield change, name_of(change.pointer)


def _xml(before: str, after: str) -> Iterator[Named]:
    for change in xml_changes(before, after):
        member = MEMBER.search(change.pointer)
        yield change, member[1] if member else name_of(change.pointer)


def _pairs(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[Named]:
    for name in dict.fromkeys((*before, *after)):
        values = before.get(name, MISSING), after.get(name, MISSING)
        if values[0] != values[1]:
            yield change_of(name, *values), name


# -- multipart (RFC 2046 section 5.1, RFC 7578)


def _multipart(before: Message, after: Message, alias: Alias, depth: int) -> Iterator[Named] | None:
    """Part by part, by name or by place; the boundary, which is new every time, does not count."""
    parts = _parts(before), _parts(after)
    if not parts[0] or not parts[1]:
        return None
    return _of_parts(*parts, alias, depth)


def _of_parts(before: Mapping[str, Message], after: Mapping[str, Message], alias: Alias, depth: int) -> Iterator[Named]:
    for name in dict.fromkeys((*before, *after)):
        one, other = before.get(name), after.get(name)
        if one is None or other is None:
            there = other if one is None else one
            shown = f"[a part of {there.body.size} bytes]" if there else ""
            change = (
                Change(f"/{name}", "added", MISSING, shown)
                if one is None
                else Change(f"/{name}", "removed", shown, MISSING)
            )
            yield change, name
            continue
        found = body_changes(one, other, alias, depth + 1)
        if found is None and one.body.data != other.body.data:
            yield Change(f"/{name}", "changed", _size(one), _size(other)), ""
        for change, inner in found or ():
            pointer = f"/{name}{change.pointer if change.pointer[:1] in ('', '/') else f'/{change.pointer}'}"
            yield replace(change, pointer=pointer), inner or name


def _size(part: Message) -> str:
    return f"[{part.body.size} bytes of {media_type(part) or 'unknown type'}]"


def _parts(message: Message) -> dict[str, Message]:
    """The parts by their names, those without one by their number."""
    match = re.search(r'boundary="?([^";]+)"?', message.content_type, re.IGNORECASE)
    data = decoded(message)[0]
    if match is None:
        return {}
    found: dict[str, Message] = {}
    for number, piece in enumerate(data.split(b"--" + match[1].strip().encode("latin-1", "replace"))[1:], 1):
        if piece.startswith(b"--"):
            break
        head, _, content = (
            piece.removeprefix(b"\r\n").removeprefix(b"\n").partition(b"\r\n\r\n" if b"\r\n\r\n" in piece else b"\n\n")
        )
        content = content.removesuffix(b"\n").removesuffix(b"\r")
        lines = [line.partition(":") for line in head.decode("utf-8", "replace").splitlines()]
        headers = tuple((name.strip(), value.strip()) for name, colon, value in lines if colon)
        part = Message(headers=headers or (("Content-Type", "text/plain"),), body=Body(len(content), content))
        own = re.search(r'\bname="?([^";]*)"?', part.header("content-disposition"))
        name = own[1] if own and own[1] else part.header("content-id") or str(number)
        found[name if name not in found else f"{name}~{number}"] = part
    return found

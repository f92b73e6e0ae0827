"""Writes live values into a recorded request: encoded for their place, every other byte as it was. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from ..model.bodies import charset, format_of, media_type, text_of
from ..model.message import Body, Pairs, Request
from .json_values import Number, parse, pointer, scalars
from .model import Binding, MissingValue, Sink
from .request_values import SCHEME, multipart_places
from .urls import UrlPiece, encoded, pieces, query_pieces

JSON_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
SEALED_NUMBER: Final = '"\\u0073ealed_'  # redact.vault.number_of
Change = tuple[Sink, str]
Cut = tuple[int, int, str]


def rebind(request: Request, bindings: Iterable[Binding], values: Mapping[str, str]) -> Request:
    """The request with the values (by binding id) of these bindings; MissingValue when one is not there.

    Rebind the recorded request first, then unseal what is left of its placeholders: spans count recorded characters.
    """
    changes: list[Change] = []
    for binding in bindings:
        if binding.id not in values:
            sink = binding.sink
            raise MissingValue(
                f"{binding.variable} is missing: step {sink.step} needs it in {sink.part} {sink.path}",
                binding=binding, where=f"step {sink.step}", hint=f"it came from step {binding.source.step}",
            )  # fmt: skip
        changes.append((binding.sink, values[binding.id]))
    return rewrite(request, changes)


def rewrite(request: Request, changes: Sequence[Change]) -> Request:
    """The request with other values at these sinks. An input's sinks are set the same way."""
    by_part: dict[str, list[Change]] = {}
    for sink, value in changes:
        by_part.setdefault(sink.part, []).append((sink, value))
    in_target = {"segment": by_part.get("path", []), "query": by_part.get("query", [])}
    target = _pieces_replaced(request.target, pieces(request.target), in_target)
    headers = _headers(request.headers, by_part.get("header", []), by_part.get("cookie", []))
    changed = replace(request, target=target, headers=headers)
    body = _body(request, by_part)
    return changed if body is None else _with_body(changed, body)


def _spliced(value: str, changes: list[Change]) -> str:
    """The decoded value of one place with its new parts."""
    for sink, new in sorted(changes, key=lambda change: change[0].span or (0, 0), reverse=True):
        value = new if sink.span is None else value[: sink.span[0]] + new + value[sink.span[1] :]
    return value


def _cut(text: str, cuts: Iterable[Cut]) -> str:
    for start, end, new in sorted(cuts, reverse=True):
        text = text[:start] + new + text[end:]
    return text


def _pieces_replaced(text: str, found: Sequence[UrlPiece], changes: Mapping[str, list[Change]]) -> str:
    cuts: list[Cut] = []
    for piece in found:
        here = [change for change in changes.get(piece.kind, []) if change[0].path == piece.key]
        if here:
            raw = text[piece.start : piece.end]
            cuts.append((piece.start, piece.end, encoded(_spliced(piece.value, here), piece.kind, raw)))
    return _cut(text, cuts)


def _headers(headers: Pairs, fields: list[Change], cookies: list[Change]) -> Pairs:
    if not fields and not cookies:
        return headers
    out: list[tuple[str, str]] = []
    seen: dict[str, int] = {}
    for name, value in headers:
        low = name.lower()
        seen[low] = seen.get(low, 0) + 1
        key = low if seen[low] == 1 else f"{low}~{seen[low]}"
        if low == "cookie" and cookies:
            value = ";".join(_cookie(pair, cookies) for pair in value.split(";"))
        elif here := [change for change in fields if change[0].path == key]:
            value = _field(value, here)
        out.append((name, value))
    return tuple(out)


def _field(value: str, changes: list[Change]) -> str:
    """A credential behind its scheme is replaced whole, however long the present one is."""
    scheme = SCHEME.match(value)
    sink, new = changes[0]
    if scheme and sink.span and sink.span[0] == scheme.end():
        return scheme[0] + new
    return _spliced(value, changes)


def _cookie(pair: str, changes: list[Change]) -> str:
    name, equals, _ = pair.partition("=")
    new = next((value for sink, value in changes if sink.path == name.strip()), None)
    return pair if new is None else f"{name}{equals}{new}"


def _body(request: Request, by_part: Mapping[str, list[Change]]) -> bytes | None:
    """The new body without content encodings; None when nothing changes."""
    if changes := by_part.get("multipart"):
        return _multipart(request, changes)
    parts = [part for part in ("json", "form", "text") if by_part.get(part)]
    text = text_of(request) if parts else None
    if text is None:
        return None
    if "json" in parts:
        text = _json(text, by_part["json"])
    elif "form" in parts:
        text = _pieces_replaced(text, query_pieces(text), {"query": by_part["form"]})
    else:
        new = (
            [(sink, _in_xml(value, attribute="@" in sink.path)) for sink, value in by_part["text"]]
            if is_xml(request)
            else by_part["text"]
        )
        text = _spliced(text, new)
    try:
        return text.encode(charset(request))
    except UnicodeEncodeError:
        return text.encode()


def is_xml(request: Request) -> bool:
    return format_of(request) == "xml"


def _in_xml(value: str, *, attribute: bool) -> str:
    """With entities where they are needed: quotes only in an attribute, as in the recorded text."""
    quotes = (('"', "&quot;"), ("'", "&apos;")) if attribute else ()
    for mark, name in (("&", "&amp;"), ("<", "&lt;"), *quotes):
        value = value.replace(mark, name)
    return value


def _json(text: str, changes: list[Change]) -> str:
    by_path: dict[str, list[Change]] = {}
    for change in changes:
        by_path.setdefault(change[0].path, []).append(change)
    cuts: list[Cut] = []
    for start, end, path in scalars(text):
        here = by_path.get(pointer(path))
        if here:
            old = parse(text[start:end])
            number = isinstance(old, Number) or text.startswith(SEALED_NUMBER, start)
            cuts.append((start, end, _token(_spliced(str(old), here), was_number=number)))
    return _cut(text, cuts)


def _token(value: str, *, was_number: bool) -> str:
    """A number stays a number, as long as the new value is one."""
    return value if was_number and JSON_NUMBER.fullmatch(value) else json.dumps(value)


def _multipart(request: Request, changes: list[Change]) -> bytes:
    data = request.body.data
    for name, start, end in reversed(list(multipart_places(request))):
        here = [change for change in changes if change[0].path == name]
        if here:
            data = data[:start] + _spliced(data[start:end].decode("utf-8", "replace"), here).encode() + data[end:]
    return data


def _with_body(request: Request, data: bytes) -> Request:
    drop = frozenset() if media_type(request).startswith("multipart/") else frozenset(("content-encoding",))
    headers = tuple(
        (name, str(len(data)) if name.lower() == "content-length" else value)
        for name, value in request.headers
        if name.lower() not in drop
    )
    return replace(request, headers=headers, body=Body(len(data), data))

"""Where a request carries values: path, query, fields, cookies, JSON, forms, multipart and text. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from ...model.bodies import media_type, text_of
from ...model.message import Request
from .json_places import Path, parse, pointer, scalars
from .lexicon import FILLER, JSON_WRAPPERS, OWN_FIELDS
from .model import Sink, SinkPart
from .naming import Role, entity_of, one_of, role_of, words
from .pages import LONG_TOKEN
from .urls import Piece, collection_of, is_url, pieces, query_pieces
from .values import HIGH, LIMIT, bits_of

SCHEME: Final = re.compile(r"(?:Bearer|Token|Basic|ApiKey|Api-Key|Key|JWT|DPoP)[ \t]+", re.IGNORECASE)
REFERENCE: Final = re.compile(r"(?:[A-Za-z]+/[\w.-]+)+")  # "Patient/88213"
FIELD: Final = re.compile(r"[{]\s*(?:\w+\s*:\s*)?(\w+)")
BOUNDARY: Final = re.compile(r'boundary="?([^";]+)"?', re.IGNORECASE)
PART: Final = re.compile(r'\bname="([^"]*)"', re.IGNORECASE)
SEPARATED: Final = re.compile(r"[^,:;|~._-]+")
DATES: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}.*")


class Need:
    """One value of a request: its place, what its name says, and where it stands in the raw text of its part."""

    __slots__ = ("at", "inner", "literal", "role", "sink", "value")

    def __init__(self, sink: Sink, value: str, role: Role, at: tuple[int, int] = (0, 0), literal: bool = False) -> None:
        self.sink, self.value, self.role, self.at, self.literal = sink, value, role, at, literal
        self.inner: tuple[Need, ...] = ()  # pieces of the value, tried when the whole has no source


def needs(request: Request, step: int) -> Iterator[Need]:
    """Every value of the request that could come from an earlier response."""
    about = collection_of(request.target)
    yield from _target(request.target, step)
    yield from _fields(request, step)
    if not request.body.data:
        return
    kind = media_type(request)
    text = text_of(request)
    if kind == "multipart/form-data":
        yield from _multipart(request, step)
    elif not text:
        return
    elif kind == "application/x-www-form-urlencoded":
        yield from (_piece(piece, "form", step, about) for piece in query_pieces(text))
    elif kind.endswith("json") or (not kind and text.lstrip()[:1] in "{["):
        yield from _json(text, step, about)
    else:
        yield from _within(Sink(step, "text", ""), text[: 1 << 18])


def _target(target: str, step: int) -> Iterator[Need]:
    about = collection_of(target)
    for piece in pieces(target):
        yield _piece(piece, "path" if piece.kind == "segment" else "query", step, about)


def _piece(piece: Piece, part: SinkPart, step: int, about: tuple[str, ...]) -> Need:
    role = role_of(piece.name) if part == "path" else role_of(piece.name.partition("~")[0], about)
    need = Need(Sink(step, part, piece.key, piece.name), piece.value, role, (piece.start, piece.end), piece.literal)
    if not piece.literal and len(piece.value) > 2 and not DATES.fullmatch(piece.value):
        need.inner = tuple(_composite(need)) or tuple(_within(need.sink, piece.value, role))
    return need


def _composite(need: Need) -> Iterator[Need]:
    """Two or more short values in one: 501:2, 7,8,9. A UUID or a token is one value."""
    value = need.value
    found = list(SEPARATED.finditer(value))
    if len(found) < 2 or (bits_of(value) >= 60 and "," not in value):
        return
    for match in found:
        if any(mark.isdigit() for mark in match[0]):
            sink = Sink(need.sink.step, need.sink.part, need.sink.path, need.sink.name, match.span())
            yield Need(sink, match[0], need.role, need.at)


def _within(sink: Sink, text: str, role: Role | None = None) -> Iterator[Need]:
    """Values too random to be words, inside of a longer text."""
    for match in LONG_TOKEN.finditer(text):
        if bits_of(match[0]) >= HIGH and match[0] != text:
            place = Sink(sink.step, sink.part, sink.path, sink.name, match.span())
            yield Need(place, match[0], role or Role())


def _fields(request: Request, step: int) -> Iterator[Need]:
    seen: dict[str, int] = {}
    for field, value in request.headers:
        name = field.lower()
        if name == "cookie":
            for pair in value.split(";"):
                cookie, equals, content = pair.partition("=")
                if equals and content.strip(' "'):
                    sink = Sink(step, "cookie", cookie.strip(), cookie.strip())
                    yield Need(sink, content.strip(' "'), role_of(cookie.strip()))
        elif name not in OWN_FIELDS and not name.startswith(("sec-", "x-forwarded-", "x-b3-")) and value:
            seen[name] = seen.get(name, 0) + 1
            path = name if seen[name] == 1 else f"{name}~{seen[name]}"
            scheme = SCHEME.match(value)
            start = scheme.end() if scheme else 0
            sink = Sink(step, "header", path, name.removeprefix("x-"), (start, len(value)) if start else None)
            need = Need(sink, value[start:], role_of(name.removeprefix("x-")))
            need.inner = tuple(_within(sink, value, need.role)) if not start else ()
            yield need


def _json(text: str, step: int, about: tuple[str, ...]) -> Iterator[Need]:
    try:
        document = parse(text)
    except ValueError:
        return
    if isinstance(document, dict) and isinstance(document.get("query"), str):
        about = _operation(document["query"]) or about
    for start, end, path in scalars(text):
        token = text[start:end]
        value = parse(token) if token[0] == '"' else "" if token in ("true", "false", "null") else token
        if value and len(value) <= LIMIT:
            yield _json_need(value, path, (start, end), step, about)
        elif value:
            yield from _within(Sink(step, "json", pointer(path), str(path[-1]) if path else ""), value[: 1 << 16])


def _json_need(value: str, path: Path, at: tuple[int, int], step: int, about: tuple[str, ...]) -> Need:
    names = [part for part in path if isinstance(part, str)]
    name = names[-1] if names else ""
    if path and isinstance(path[-1], int):
        name = one_of(name)
    role = role_of(name, _around(names[:-1], about))
    sink = Sink(step, "json", pointer(path), name)
    need = Need(sink, value, role, at)
    if is_url(value):
        need.inner = tuple(
            Need(Sink(step, "json", sink.path, piece.name, (piece.start, piece.end)), piece.value, role_of(piece.name))
            for piece in pieces(value)
            if not piece.literal
        )
    elif REFERENCE.fullmatch(value):
        need.inner = tuple(
            Need(Sink(step, "json", sink.path, piece.name, (piece.start - 1, piece.end - 1)), piece.value,
                 role_of(piece.name))
            for piece in pieces(f"/{value}")
            if not piece.literal
        )  # fmt: skip
    elif len(value) > 16:
        need.inner = tuple(_within(sink, value, role))
    return need


def _around(names: list[str], about: tuple[str, ...]) -> tuple[str, ...]:
    """The nearest name outside that is a thing: items of an order are items, not orders."""
    for name in reversed(names):
        if not set(words(name)) <= JSON_WRAPPERS:
            return entity_of(name) or words(name)
    return about


def _operation(query: str) -> tuple[str, ...]:
    """What a GraphQL document asks for, by its first field."""
    match = FIELD.search(query)
    return tuple(word for word in words(match[1]) if word not in FILLER) if match else ()


def _multipart(request: Request, step: int) -> Iterator[Need]:
    for name, start, end in multipart_places(request):
        value = request.body.data[start:end].decode("utf-8", "replace")
        if value and len(value) <= LIMIT:
            yield Need(Sink(step, "multipart", name, name.partition("~")[0]), value, role_of(name.partition("~")[0]))


def multipart_places(request: Request) -> Iterator[tuple[str, int, int]]:
    """(name, start, end) of every field of a multipart form that is no file (RFC 7578)."""
    match = BOUNDARY.search(request.content_type)
    data = request.body.data
    if not match:
        return
    mark = b"--" + match[1].encode("latin-1", "replace")
    seen: dict[str, int] = {}
    at = data.find(mark)
    while at >= 0:
        after = data.find(mark, at + len(mark))
        head = data.find(b"\r\n\r\n", at, after if after >= 0 else len(data))
        if after < 0 or head < 0:
            return
        fields = data[at + len(mark) : head].decode("utf-8", "replace")
        name = PART.search(fields)
        if name and "filename" not in fields.lower():
            seen[name[1]] = seen.get(name[1], 0) + 1
            key = name[1] if seen[name[1]] == 1 else f"{name[1]}~{seen[name[1]]}"
            yield key, head + 4, after - 2
        at = after

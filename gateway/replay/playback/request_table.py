"""A request as a flat table of its fields, so that two requests can be distinguished place by place. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Final
from urllib.parse import parse_qsl, unquote

from ...correlation.xml_values import marks
from ...model import headers
from ...model.bodies import decoded, format_of, media_type, text_of
from ...model.graphql import canonical
from ...model.message import Request

Scalar = str | int | float | bool | None | list[object]
Place = tuple[str, str]  # ("path", "3") · ("query", "page") · ("header", "accept") · ("body", "/items/0/id")

MOST: Final = 20_000  # values of one body that are distinguished; a body with more is compared as a whole
SHOWN: Final = 200  # letters of a value in a near miss

# Fields that differ from client to client and from day to day and seldom decide about a response.
UNCOMPARED: Final = frozenset((
    *headers.HOP_BY_HOP, *headers.FRAMING, *headers.GATEWAY_REQUEST, *headers.TRACE, *headers.USER_AGENT,
    *headers.CLIENT_CACHE, "cookie", "date", "forwarded", *headers.WEBSOCKET, "via",
))  # fmt: skip


# Whether there is one decides about a response; which one it is, is known by its role: tokens are new at every sign-in.
CREDENTIALS: Final = frozenset(headers.CREDENTIALS)


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One place where a request is not the recorded one. None stands for a value that is not there."""

    where: str  # "method", "environment", "path", "query", "header", "body"
    name: str  # of the query parameter, header or form field; a JSON pointer; the number of a path's segment
    recorded: Scalar
    asked: Scalar

    def __str__(self) -> str:
        name = f" {self.name}" if self.name else ""
        where = "path segment" if self.where == "path" else self.where
        return f"{where}{name}: recorded {shown(self.recorded)}, asked {shown(self.asked)}"

    def as_json(self) -> dict[str, object]:
        return {
            "where": f"request.{self.where}",
            "pointer": self.name,
            "recorded": _cut(self.recorded),
            "asked": _cut(self.asked),
        }


def fields_of(request: Request, *, headers: bool, whole_body: bool = True) -> dict[Place, Scalar]:
    """Every value of a request by its place: all its `headers`, or only its credentials; `whole_body`, or its size."""
    path, _, query = request.target.partition("?")
    found: dict[Place, Scalar] = {("method", ""): request.method}
    found |= {("path", str(at)): unquote(part) for at, part in enumerate(path.split("/")[1:], 1)}
    found |= _pairs("query", parse_qsl(query, keep_blank_values=True))
    lowered = [(name.lower(), value) for name, value in request.headers]
    found |= _pairs("header", [pair for pair in lowered if (_counts(pair[0]) if headers else pair[0] in CREDENTIALS)])
    if whole_body:
        found |= _body(request)
        found |= {
            place: canonical(value) for place, value in found.items() if isinstance(value, str) and _is_document(place)
        }
    elif request.body.size:
        found["body", "size"] = request.body.size
    return found


def _is_document(place: Place) -> bool:
    """Whether a GraphQL document may stand there: white space means nothing in it."""
    return place[0] in ("query", "body") and place[1].rpartition("/")[2] == "query"


def _counts(header: str) -> bool:
    return header not in UNCOMPARED and not header.startswith("sec-")


def mismatches(recorded: Mapping[Place, Scalar], asked: Mapping[Place, Scalar]) -> Iterator[Mismatch]:
    """The places with unequal values, in the order of the recorded request."""
    for place, value in recorded.items():
        if place not in asked:
            yield Mismatch(*place, value, None)
        elif not same(value, asked[place]):
            yield Mismatch(*place, value, asked[place])
    for place, value in asked.items():
        if place not in recorded:
            yield Mismatch(*place, None, value)


def same(one: Scalar, other: Scalar) -> bool:
    """Equal as JSON values are: 1 is 1.0, and neither is true."""
    return one == other and isinstance(one, bool) == isinstance(other, bool)


def shown(value: Scalar) -> str:
    """A value in a sentence."""
    return "nothing" if value is None else json.dumps(_cut(value), ensure_ascii=False)


def _cut(value: Scalar) -> Scalar:
    return cut(value) if isinstance(value, str) else value


def cut(text: str) -> str:
    """As much of a value as a sentence needs."""
    return text[:SHOWN] + "…" if len(text) > SHOWN else text


def _pairs(where: str, pairs: list[tuple[str, str]]) -> dict[Place, Scalar]:
    """A name that comes twice has a list of values."""
    found: dict[Place, Scalar] = {}
    for name, value in pairs:
        before = found.get((where, name))
        if before is None:
            found[where, name] = value
        else:
            found[where, name] = [*before, value] if isinstance(before, list) else [before, value]
    return found


def _body(request: Request) -> dict[Place, Scalar]:
    if not request.body.data:
        return {}
    kind, text = media_type(request), text_of(request)
    form = format_of(request, text)
    if text is not None and form == "json":
        found = _json(text)
        if found is not None:
            return found
    if text is not None and form == "form":
        return _pairs("body", parse_qsl(text, keep_blank_values=True))
    if kind.startswith("multipart/"):
        return _multipart(request)
    if text is not None and kind in ("text/calendar", "text/vcard"):
        lines = (line.partition(":") for line in re.sub(r"\r?\n[ \t]", "", text).splitlines() if line.strip())
        return _pairs("body", [(f"ical {name.partition(';')[0]}", value) for name, _, value in lines])
    if text is not None and form == "xml":
        return _xml(text)
    return {("body", ""): text if text is not None else _digest(decoded(request)[0])}


def _xml(text: str) -> dict[Place, Scalar]:
    """Texts of elements and attributes by their place, and what is left without them and without space."""
    found: dict[Place, Scalar] = {}
    left, at = [], 0
    for mark in sorted(marks(text, (), all=True), key=lambda mark: mark.start):
        found["body", mark.place] = mark.value
        left.append(text[at : mark.start])
        at = mark.end
        if len(found) > MOST:
            return {("body", ""): _digest(text.encode("utf-8", "replace"))}
    bare = "".join(piece.strip() for piece in re.split(r"([<>])", "".join([*left, text[at:]])))
    return found | {("body", ""): bare if len(bare) <= 10 * SHOWN else _digest(bare.encode("utf-8", "replace"))}


def _json(text: str) -> dict[Place, Scalar] | None:
    """Every scalar by its JSON pointer (RFC 6901), empty lists and objects too."""
    try:
        found: dict[Place, Scalar] = {}
        for pointer, value in _leaves(json.loads(text), ""):
            found["body", pointer] = value
            if len(found) > MOST:
                return None
    except (ValueError, RecursionError):
        return None
    return found


def _leaves(value: object, pointer: str) -> Iterator[tuple[str, Scalar]]:
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _leaves(inner, f"{pointer}/{key.replace('~', '~0').replace('/', '~1')}")
    elif isinstance(value, list) and value:
        for at, inner in enumerate(value):
            yield from _leaves(inner, f"{pointer}/{at}")
    else:
        yield pointer, "{}" if isinstance(value, dict) else value  # type: ignore[misc]


def _multipart(request: Request) -> dict[Place, Scalar]:
    """The parts by name, unnamed ones by number, documents by their members; the boundary, which is new every time,
    does not count (RFC 7578, RFC 2046).
    """
    boundary = request.content_type.partition("boundary=")[2].split(";")[0].strip().strip("\"'").encode()
    data = decoded(request)[0]
    pairs: list[tuple[str, str]] = []
    found: dict[Place, Scalar] = {}
    for number, part in enumerate(data.split(b"--" + boundary)[1:-1] if boundary else (), 1):
        head, _, content = part.partition(b"\r\n\r\n")
        name = head.partition(b'name="')[2].partition(b'"')[0].decode("utf-8", "replace") or f"part {number}"
        text = _text(content.removesuffix(b"\r\n"))
        members = _json(text) if b"json" in head.lower() else None
        if members is None:
            pairs.append((name, text))
        else:
            found |= {(where, f"{name} {pointer}"): value for (where, pointer), value in members.items()}
    found |= _pairs("body", pairs)
    return found or {("body", ""): _digest(data)}


def _text(data: bytes) -> str:
    try:
        return data.decode() if len(data) <= 10 * SHOWN else _digest(data)
    except ValueError:
        return _digest(data)


def _digest(data: bytes) -> str:
    return f"{len(data)} bytes, sha256 {sha256(data).hexdigest()[:16]}"

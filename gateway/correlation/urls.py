"""URLs in pieces, each with its place, so that one piece can be read or replaced and no other byte moves. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, unquote, unquote_plus

from ..model.caches import remembered
from .information import is_literal, is_rare
from .lexicon import ACTIONS, ME
from .names import segment_entity, words

URL: Final = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]*:(?=/)(?://[^\s/?#]*)?)?(/?[^\s?#]*)?(?:\?([^\s#]*))?(?:#\S*)?")
SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/[^\s]+")  # https://..., s3://..., artifacts:/2/...
MARKUP: Final = re.compile(r"[<>\"{}|\\^`]")  # RFC 3986 has none of them: a text that begins with a slash
HOLE: Final = re.compile(r"{[?&/+#.;]?[\w.,*:%-]+}")  # of a URI template (RFC 6570)
KEYED: Final = re.compile(r"([A-Za-z_]\w*)\((?:'([^']*)'|([0-9]+|[0-9a-fA-F-]{36}|\w+=[^()]+))\)")  # OData: Orders(501)
REFERENCE: Final = re.compile(r"[A-Za-z]+(?:/[\w.-]+)+")  # "Patient/88213", "projects/tea/topics/t1"
LINKS: Final = frozenset(("link", "href", "url", "uri", "next", "previous", "prev"))
PATH_SAFE: Final = "-._~!$&'()*+,;=:@"


@dataclass(frozen=True, slots=True)
class UrlPiece:
    """A path segment (`name` says of what) or a query value; `start` and `end` are its raw place in the URL."""

    kind: str  # "segment" | "query"
    key: str  # the segment's number from 1, or the parameter's name, "ids~2" when it is repeated
    value: str  # decoded
    name: str  # "order_id" behind /orders/
    start: int
    end: int
    from_end: int = 0  # -1 for the last segment
    literal: bool = False
    head: str = ""  # the collection that stands in the same segment: "Orders" of Orders(501)


def is_url(text: str) -> bool:
    """An absolute URL of any scheme, or an absolute path."""
    return (
        (text.startswith("/") or SCHEME.fullmatch(text) is not None)
        and len(text) > 1
        and bool(URL.fullmatch(text))
        and not MARKUP.search(HOLE.sub("", text) if "{" in text else text)
    )


def is_link(name: str, text: str) -> bool:
    """A relative URL with a query, in a field whose name says so: "@odata.nextLink"."""
    return "?" in text and "=" in text and URL.fullmatch(text) is not None and bool(LINKS & set(words(name)))


def followable(url: str) -> str:
    """Path and query of a URL, by which a later request is known to follow it; empty where it has holes."""
    match = URL.match(re.sub(r"{[?&][^{}]*}", "", url))
    if match is None or not match[1] or "{" in match[1]:
        return ""
    return match[1] + (f"?{match[2]}" if match[2] else "")


def follows(target: str, link: str) -> bool:
    """Whether a request target is that link's path, whatever public prefix stands before it."""
    path, _, query = link.partition("?")
    if not query and path.count("/") < 2:
        return False
    return f"/{target.partition('?')[0]}".endswith(path if path.startswith("/") else f"/{path}")


def lies_below(target: str, link: str) -> int:
    """At which segment of the target the link's path begins, counted from 1; 0 where it does not stand in it.

    Only a path with a rare segment is looked for in the middle of another one: "artifacts:/2/16cf0f3f.../files".
    """
    wanted = [piece for piece in pieces(link.partition("?")[0]) if piece.kind == "segment"]
    there = [piece.value for piece in pieces(target.partition("?")[0]) if piece.kind == "segment"]
    values = [piece.value for piece in wanted]
    if len(values) < 2 or not any(is_rare(value) and not is_literal(value) for value in values):
        return 0
    for at in range(len(there) - len(values) + 1):
        if there[at : at + len(values)] == values:
            return at + 1
    return 0


@remembered(4096)
def pieces(url: str) -> tuple[UrlPiece, ...]:
    """The path segments and query values of a URL or request target."""
    match = URL.match(url)
    if match is None:
        return ()
    found = list(_segments(match[1], match.start(1))) if match[1] else []
    if match[2]:
        found += query_pieces(match[2], match.start(2))
    return tuple(found)


def _segments(path: str, at: int) -> Iterator[UrlPiece]:
    raw = path.split("/")
    number, before = 0, ""
    count = sum(1 for part in raw if part)
    for part in raw:
        if part:
            number += 1
            if keyed := KEYED.fullmatch(part):
                yield _keyed(keyed, number, number - count - 1, at)
                before = ""
            else:
                value = unquote(part)
                literal = is_literal(value) or "{" in value
                name, end = _name(before), at + len(part)
                yield UrlPiece("segment", str(number), value, name, at, end, number - count - 1, literal)
                before = value if literal else f"{before}/" if before else ""
        at += len(part) + 1


def _keyed(match: re.Match[str], number: int, from_end: int, at: int) -> UrlPiece:
    start, end = match.span(3 if match[2] is None else 2)
    value = unquote(match[3] if match[2] is None else match[2])
    return UrlPiece("segment", str(number), value, _name(match[1]), at + start, at + end, from_end, False, match[1])


def _name(before: str) -> str:
    """Behind orders: "order_id"; a second value behind it is only "id"."""
    if not before or before.endswith("/"):
        return "id"
    return "_".join((*segment_entity(before), "id"))


def query_pieces(query: str, at: int = 0) -> list[UrlPiece]:
    """name=value pairs, of a query or a form, in order."""
    found: list[UrlPiece] = []
    seen: dict[str, int] = {}
    for pair in query.split("&"):
        name, equals, value = pair.partition("=")
        if equals:
            key = unquote_plus(name)
            seen[key] = seen.get(key, 0) + 1
            numbered = key if seen[key] == 1 else f"{key}~{seen[key]}"
            start = at + len(name) + 1
            found.append(UrlPiece("query", numbered, unquote_plus(value), key, start, start + len(value)))
        at += len(pair) + 1
    return found


def encoded(value: str, kind: str, before: str = "") -> str:
    """As the piece of a URL that it becomes; marks stay written as they were (`before` is the old raw text)."""
    if kind == "segment":
        written = before.upper()
        return quote(value, safe="".join(mark for mark in PATH_SAFE if f"%{ord(mark):02X}" not in written))
    return quote(value, safe="-._~" + "".join(mark for mark in "/:,@!*()$'" if mark in before)).replace(
        "%20", "+" if "%20" not in before else "%20"
    )


@remembered(4096)
def collection_of(target: str) -> tuple[str, ...]:
    """What a request is about: ("order",) for /api/orders/501 and for POST /api/orders."""
    segments = _segments(target.partition("?")[0], 0)
    names = [piece.head or piece.value for piece in segments if piece.literal or piece.head]
    for name in reversed(names):
        if name.lower() in ME:
            return ("user",)
        if name.lower() in ACTIONS and name is not names[0]:
            continue
        if (found := segment_entity(name)) and name.lower() not in ACTIONS:
            return found
    return segment_entity(names[-1]) if names else ()


def subject_of(target: str) -> str:
    """Which thing a request is about: the last value of its path, else the path itself."""
    path = target.partition("?")[0]
    return next((piece.value for piece in reversed(pieces(path)) if not piece.literal), path)


def subject_key(target: str) -> str:
    """The number of the path's last segment that is a value, counted from 1; empty when none is."""
    found = (piece.key for piece in reversed(pieces(target.partition("?")[0])) if not piece.literal)
    return next(found, "")


def shape(url: str) -> str:
    """ "/orders/*/pay": the path with a star for each value."""
    segments = (piece for piece in pieces(url) if piece.kind == "segment")
    return "/" + "/".join(each.value if each.literal else f"{each.head}(*)" if each.head else "*" for each in segments)

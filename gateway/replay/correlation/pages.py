"""What a response shows that a later request may need: places in JSON, fields, cookies, HTML and text. Pure."""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64decode
from collections.abc import Iterator
from html import unescape
from typing import Any, Final

from ...model.bodies import media_type, text_of
from ...model.message import Response
from .json_places import Number, parse, pointer
from .lexicon import IDISH, TOKENS, VOLATILE, WRAPPERS
from .model import SourcePart
from .naming import Role, entity_of, one_of, role_of, words
from .urls import is_url, pieces, shape
from .values import HIGH, JWT, LIMIT, bits_of

MOST: Final = 20_000  # scalars of one response

LINK: Final = re.compile(r"<([^>]*)>([^,<]*(?:\"[^\"]*\"[^,<]*)*)")
REL: Final = re.compile(r"rel\s*=\s*\"?([\w-]+)", re.IGNORECASE)
TAG: Final = re.compile(r"<([a-z][a-z0-9]*)((?:\s[^<>]*)?)>", re.IGNORECASE)
ATTRIBUTE: Final = re.compile(r"""([a-zA-Z_:][-\w:.]*)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""")
LONG_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]{8,}){0,2}={0,2}")
CLAIMS: Final = ("sub", "jti", "sid", "tid", "azp", "client_id")
ANCHORS: Final = (24, 80, 240)  # characters before a token that find it again: as few as are enough
TAGS: Final = frozenset(("input", "meta", "a", "form", "button", "link", "option"))


class Place:
    """One value of a response and where it stands."""

    __slots__ = ("name", "owner", "part", "path", "role", "value")

    def __init__(self, part: SourcePart, path: Any, name: str, value: str, role: Role, owner: str = "") -> None:
        self.part, self.path, self.name, self.value, self.role = part, path, name, value, role
        self.owner = owner  # the id of the thing that has this value, where it stands beside it

    @property
    def text(self) -> str:
        """The path as Source has it; JSON pointers are only written out where they are needed."""
        if isinstance(self.path, str):
            return self.path
        path, piece = self.path
        return f"{pointer(path)}{piece}"


def places(response: Response, context: tuple[str, ...]) -> Iterator[Place]:
    """Everything in it that could be asked for again; `context` is the thing that the request was about."""
    yield from _fields(response)
    if not response.body.data:
        return
    kind = media_type(response)
    text = text_of(response)
    if not text:
        return
    if kind.endswith("json") or (not kind and text.lstrip()[:1] in "{["):
        try:
            value = parse(text)
        except ValueError:
            yield from _tokens("text", "", text)
            return
        yield from json_places(value, context)
    elif kind in ("text/html", "application/xhtml+xml"):
        yield from html_places(text)
    else:
        yield from _tokens("text", "", text)


def _fields(response: Response) -> Iterator[Place]:
    for field, value in response.headers:
        name = field.lower()
        if name == "set-cookie":
            cookie, equals, rest = value.partition("=")
            found = rest.partition(";")[0].strip().strip('"')
            if equals and found:
                yield Place("cookie", cookie.strip(), cookie.strip(), found, role_of(cookie.strip()))
        elif name in ("location", "content-location"):
            yield from _url_pieces("location", name, value)
        elif name == "link":
            for target, parameters in LINK.findall(value):
                rel = REL.search(parameters)
                yield from _url_pieces("header", f"link;rel={rel[1] if rel else ''}", target)
        elif name not in VOLATILE and value:
            yield Place("header", name, name.removeprefix("x-"), value, role_of(name.removeprefix("x-")))
            if is_url(value):
                yield from _url_pieces("header", name, value)


def _url_pieces(part: SourcePart, path: str, url: str) -> Iterator[Place]:
    for piece in pieces(url):
        if piece.literal:
            continue
        key = f"#segment={piece.from_end}" if piece.kind == "segment" else f"#query={piece.key}"
        yield Place(part, path + key, piece.name, piece.value, role_of(piece.name))


def json_places(value: Any, context: tuple[str, ...]) -> Iterator[Place]:
    """The scalars of a JSON document in order, and what stands inside of them."""
    left = MOST
    stack: list[tuple[Any, tuple[str | int, ...], str, tuple[str, ...], str]] = [(value, (), "", context, "")]
    while stack and left:
        node, path, name, about, owner = stack.pop()
        if isinstance(node, dict):
            ids = [found for key in ("id", "_id", "uuid") if isinstance(found := node.get(key), str)]
            has_id, owner = bool(ids), ids[0] if ids else owner
            for key in reversed(node):
                inner = node[key]
                below = _context(key, about, has_id) if isinstance(inner, dict | list) else about
                stack.append((inner, (*path, key), key, below, owner))
        elif isinstance(node, list):
            name = one_of(name)
            stack += [(node[at], (*path, at), name, about, owner) for at in range(len(node) - 1, -1, -1)]
        elif isinstance(node, str) and node and len(node) <= LIMIT:
            left -= 1
            yield from _scalar(node, path, name, about, owner)


def _context(key: str, about: tuple[str, ...], has_id: bool) -> tuple[str, ...]:
    """What the things below this key are: `items` of a list are what was asked for, those of an order are not."""
    return entity_of(key) or (words(key) if has_id and any(word in WRAPPERS for word in words(key)) else about)


def _scalar(text: str, path: tuple[str | int, ...], name: str, about: tuple[str, ...], owner: str) -> Iterator[Place]:
    yield Place("json", (path, ""), name, text, role_of(name, about), owner)
    if isinstance(text, Number):
        return
    if text[0] in "/h" and is_url(text):
        for piece in pieces(text):
            key = f"#segment={piece.from_end}" if piece.kind == "segment" else f"#query={piece.key}"
            if not piece.literal:
                yield Place("json", (path, key), piece.name, piece.value, role_of(piece.name))
    elif text.startswith("eyJ") and JWT.fullmatch(text):
        for claim, said in claims(text).items():
            if claim in CLAIMS and isinstance(said, str | int):
                yield Place("jwt", (path, f"#claim={claim}"), claim, str(said), role_of(claim, ("user",)))
    elif len(text) > 16 and (" " in text or ":" in text):
        for piece_text, regex in tokens(text):
            yield Place("json", (path, f"#match={regex}"), name, piece_text, role_of(name, about))


def claims(token: str) -> dict[str, Any]:
    """The payload of a JWT, unverified; empty when it cannot be read."""
    try:
        middle = token.split(".")[1]
        found = json.loads(urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))
    except (ValueError, IndexError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def tokens(text: str) -> Iterator[tuple[str, str]]:
    """(value, the expression that finds it again) of what is too random to be words."""
    for match in LONG_TOKEN.finditer(text):
        if bits_of(match[0]) >= HIGH and match[0] != text:
            for length in ANCHORS:
                regex = _expression(text[max(0, match.start() - length) : match.start()])
                found = re.search(regex, text)
                if found and found[1] == match[0]:
                    yield match[0], regex
                    break


def _expression(before: str) -> str:
    """What stands before it, on its line, with stars for other values."""
    line = before.rpartition("\n")[2]
    parts: list[str] = []
    at = 0
    for match in LONG_TOKEN.finditer(line):
        if bits_of(match[0]) >= HIGH / 2:
            parts += [_literally(line[at : match.start()]), r"[\w.=-]+"]
            at = match.end()
    return "".join([*parts, _literally(line[at:])]) + r"([\w-]{8,}(?:\.[\w-]+)*=*)"


def _literally(text: str) -> str:
    return re.sub(r"(?:\\?\s)+", r"\\s+", re.sub(r"[0-9]+", r"[0-9]+", re.escape(text)))


def _tokens(part: SourcePart, path: str, text: str) -> Iterator[Place]:
    for value, regex in tokens(text[: 1 << 18]):
        yield Place(part, f"{path}#match={regex}", "", value, Role())


def html_places(text: str) -> Iterator[Place]:
    """Fields, tokens and links of a page; what repeats is counted, so that a place names one of them."""
    counts: dict[str, int] = {}
    for tag, rest in TAG.findall(text):
        if not rest:
            continue
        low = tag.lower()
        if low not in TAGS and "data-" not in rest:
            continue
        yield from _element(low, attributes(rest), counts)
    for script in SCRIPT.findall(text):
        yield from _tokens("text", "", script)


SCRIPT: Final = re.compile(r"<script[^>]*>(.+?)</script>", re.IGNORECASE | re.DOTALL)


def attributes(text: str) -> dict[str, str]:
    """The attributes of a tag, entities decoded."""
    return {name.lower(): unescape(a or b or c) for name, a, b, c in ATTRIBUTE.findall(text)}


def _element(tag: str, found: dict[str, str], counts: dict[str, int]) -> Iterator[Place]:
    name = found.get("name") or found.get("property") or found.get("itemprop") or ""
    value = found.get("content" if tag == "meta" else "value", "")
    if value and (name if tag != "option" else True) and (tag != "meta" or _telling(name)):
        path = _counted(f"{tag}[{name}]", counts)
        yield Place("html", path, name, value, role_of(name))
    for attribute in ("href", "action", "formaction"):
        url = found.get(attribute, "")
        if url.startswith(("/", "http://", "https://")) and is_url(url):
            yield from _url_pieces("href", _counted(f"{tag}[{shape(url)}]", counts), url)
    for attribute, text in found.items():
        if attribute.startswith("data-") and text:
            path = _counted(f"{tag}[{attribute}]", counts)
            yield Place("html", path, attribute[5:], text, role_of(attribute[5:]))


def _telling(name: str) -> bool:
    return any(word in TOKENS or word in IDISH for word in words(name))


def _counted(path: str, counts: dict[str, int]) -> str:
    counts[path] = counts.get(path, 0) + 1
    return path if counts[path] == 1 else f"{path}~{counts[path]}"

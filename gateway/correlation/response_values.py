"""What a response shows that a later request may need: places in JSON, fields, cookies, HTML, XML and text. Pure."""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64decode
from collections.abc import Iterator, Mapping
from typing import Any, Final

from ..model.bodies import format_of, media_type, text_of
from ..model.message import Response
from .html_values import html_places
from .information import JWT, LIMIT
from .json_values import Number, parse
from .lexicon import VOLATILE, WRAPPERS
from .names import entity_of, one_of, role_of, words
from .response_value import LINE, LINES, ValuePlace, numbered_places, token_places, tokens, url_places
from .transforms import ETAG, global_id
from .urls import REFERENCE, is_link, is_url
from .xml_values import xml_places

__all__ = ["ValuePlace", "claims", "html_places", "json_places", "places"]

MOST: Final = 20_000  # scalars of one response

LINK: Final = re.compile(r"<([^<>]*)>([^,<\"]*(?:\"[^\"]*\"[^,<\"]*)*)")
REL: Final = re.compile(r"rel\s*=\s*\"?([\w-]+)", re.IGNORECASE)
BEHIND: Final = (r"^(?!https?:)[A-Za-z][A-Za-z0-9+.-]+:/+(.+)$", r"^https?://[^/\s]+(/[^\s?#]+)")
CLAIMS: Final = frozenset(
    [
        "sub",
        "jti",
        "sid",
        "tid",
        "azp",
        "client_id",
        "oid",
        "uid",
        "uuid",
        "upn",
        "tenant",
        "org",
        "organization",
        "account",
        "user",
        "email",
        "preferred_username",
    ]
)
IDS: Final = ("id", "_id", "uuid", "guid", "key", "slug")
TYPES: Final = ("type", "kind", "object", "__typename", "resourceType")  # beside an id: what it is the id of


TYPED_ID: Final = r"[:/]([\w-]+)$"  # of "Customer:4471"
HASH: Final = re.compile(r"(?:sha\d+:)?(?:[0-9a-f]{40}|[0-9a-f]{64})")  # of a commit, a container, an image
SHORT: Final = (7, 8, 10, 12)  # letters of it that people and tools write instead of all

NO_SECRETS: Final[Mapping[str, str]] = {}


def places(
    response: Response, context: tuple[str, ...], secrets: Mapping[str, str] = NO_SECRETS
) -> Iterator[ValuePlace]:
    """Everything in it that could be asked for again; `context` is the thing that the request was about. `secrets` by
    placeholder: the claims of a sealed token are values, too, and the token itself stays sealed.
    """
    yield from _fields(response)
    if not response.body.data:
        return
    text = text_of(response)
    if not text:
        return
    form = format_of(response, text)
    if form == "json":
        try:
            value = parse(text)
        except ValueError:
            yield from token_places("text", "", text)
            return
        yield from json_places(value, context, secrets)
    elif form == "html":
        yield from html_places(text)
    elif form == "xml":
        yield from xml_places(text, context)
    elif media_type(response) in LINES:
        yield from _lines(text)
    else:
        if len(text) < ALONE and (word := WORD_ALONE.fullmatch(text)):
            yield ValuePlace("text", f"#match={WORD_ALONE.pattern}", "id", word[1], role_of("id", context))
        yield from token_places("text", "", text)
        yield from numbered_places("text", "", text)


WORD_ALONE: Final = re.compile(r"\s*(\S+)\s*")
ALONE: Final = 200  # characters of a text that may be one value


def _lines(text: str) -> Iterator[ValuePlace]:
    """The first value of every name: the others are not found again by it."""
    seen: set[str] = set()
    for match in LINE.finditer(text[: 1 << 18]):
        if (name := match[1].lower()) not in seen:
            seen.add(name)
            regex = rf"(?m)^{match[1]}(?:;[^:\n]*)?:[ \t]*(\S[^\r\n]*)"
            yield ValuePlace("text", f"#match={regex}", name, match[2], role_of(name))


def _fields(response: Response) -> Iterator[ValuePlace]:
    for field, value in response.headers:
        name = field.lower()
        if name == "set-cookie":
            cookie, equals, rest = value.partition("=")
            found = rest.partition(";")[0].strip().strip('"')
            if equals and found:
                yield ValuePlace("cookie", cookie.strip(), cookie.strip(), found, role_of(cookie.strip()))
        elif name in ("location", "content-location"):
            yield from url_places("location", name, value)
        elif name == "link":
            for target, parameters in LINK.findall(value):
                rel = REL.search(parameters)
                yield from url_places("header", f"link;rel={rel[1] if rel else ''}", target)
        elif name not in VOLATILE and value:
            yield from _field(name, value)


def _field(name: str, value: str) -> Iterator[ValuePlace]:
    short = name.removeprefix("x-")
    yield ValuePlace("header", name, short, value, role_of(short))
    if is_url(value):
        yield from url_places("header", name, value)
    elif not ETAG.fullmatch(value):
        for token, regex in tokens(value):
            yield ValuePlace("header", f"{name}#match={regex}", short, token, role_of(short))


def json_places(value: Any, context: tuple[str, ...], secrets: Mapping[str, str] = NO_SECRETS) -> Iterator[ValuePlace]:
    """The scalars of a JSON document in order, and what stands inside of them."""
    left = MOST
    stack: list[tuple[Any, tuple[str | int, ...], str, _About]] = [(value, (), "", _About(context))]
    while stack and left:
        node, path, name, about = stack.pop()
        if isinstance(node, dict):
            inside = about.inside(node)
            numbered = not path and "jsonrpc" in node  # whose id repeats the call's number
            for key in reversed(node):
                if numbered and key in ("id", "jsonrpc"):
                    continue
                inner = node[key]
                below = inside.below(key) if isinstance(inner, dict | list) else inside
                stack.append((inner, (*path, key), key, below))
        elif isinstance(node, list):
            name = one_of(name)
            stack += [(node[at], (*path, at), name, about) for at in range(len(node) - 1, -1, -1)]
        elif isinstance(node, str) and node and len(node) <= LIMIT:
            left -= 1
            yield from _scalar(node, path, name, about, secrets)


class _About:
    """What the values of an object are about: the thing, what it calls itself, and its id."""

    __slots__ = ("has_id", "owner", "thing", "type")

    def __init__(
        self, thing: tuple[str, ...], type: tuple[str, ...] = (), owner: str = "", has_id: bool = False
    ) -> None:
        self.thing, self.type, self.owner, self.has_id = thing, type, owner, has_id

    def inside(self, node: dict[str, Any]) -> _About:
        ids = [found for key in (*IDS, *self.thing[-1:]) if isinstance(found := node.get(key), str)]
        return _About(self.thing, type_of(node), ids[0] if ids else self.owner, bool(ids))

    def below(self, key: str) -> _About:
        """What the things below this key are: `items` of a list are what was asked for, those of an order are not."""
        found = words(key) if self.has_id and any(word in WRAPPERS for word in words(key)) else self.thing
        return _About(entity_of(key) or found, (), self.owner)


def type_of(node: dict[str, Any]) -> tuple[str, ...]:
    """What an object says that it is: {"type": "invoice", "id": 881}."""
    for key in TYPES:
        said = node.get(key)
        if isinstance(said, str) and 2 < len(said) < 40 and (found := entity_of(said)):
            return found
    return ()


def _scalar(
    text: str, path: tuple[str | int, ...], name: str, about: _About, secrets: Mapping[str, str]
) -> Iterator[ValuePlace]:
    alone = not name or (path == ("result",) and name == "result")  # a response that is one value
    role = role_of("id" if alone else name, about.thing)
    yield ValuePlace("json", (path, ""), name, text, role, about.owner)
    if about.type and about.type != role.entity and role.is_id and role.entity == about.thing:
        yield ValuePlace("json", (path, ""), name, text, role_of(name, about.type), about.owner)
    if isinstance(text, Number):
        return
    if (known := global_id(text)) is not None:
        place = (path, f"#base64={TYPED_ID}")
        yield ValuePlace("json", place, name, known.id, role_of("id", entity_of(known.type)), about.owner)
    elif HASH.fullmatch(text):
        for length in SHORT:
            end = text.index(":") + 1 + length if ":" in text else length
            regex = rf"^(?:[a-z0-9]+:)?([0-9a-f]{{{length}}})"
            yield ValuePlace("json", (path, f"#match={regex}"), name, text[end - length : end], role, about.owner)
    if is_url(text) or is_link(name, text) or REFERENCE.fullmatch(text):
        yield from url_places("json", path, text)
        for regex in BEHIND:
            if match := re.search(regex, text):  # clients send it without its scheme, or host
                yield ValuePlace("json", (path, f"#match={regex}"), name, match[1], role)
    elif (token := secrets.get(text, text)).startswith("eyJ") and JWT.fullmatch(token):
        yield from _claim_places(token, path)
    elif len(text) > 6 and (" " in text or ":" in text):
        yield from numbered_places("json", path, text)
        for piece_text, regex in tokens(text):
            yield ValuePlace("json", (path, f"#match={regex}"), name, piece_text, role)


def _claim_places(token: str, path: tuple[str | int, ...]) -> Iterator[ValuePlace]:
    for claim, said in claims(token).items():
        known = claim in CLAIMS or role_of(claim, ("user",)).is_id
        if known and isinstance(said, str | int) and not isinstance(said, bool):
            yield ValuePlace("jwt", (path, f"#claim={claim}"), claim, str(said), role_of(claim, ("user",)))


def claims(token: str) -> dict[str, Any]:
    """The payload of a JWT, unverified; empty when it cannot be read."""
    try:
        middle = token.split(".")[1]
        found = json.loads(urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))
    except (ValueError, IndexError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}

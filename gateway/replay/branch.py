"""What-if edits of a recorded request: set or unset a part of its JSON, query, path, headers, cookies or form. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final, Literal
from urllib.parse import parse_qsl, quote, quote_plus, unquote_plus

from ..correlation.json_values import Number, parse
from ..errors import UsageError, did_you_mean
from ..model.bodies import charset, media_type, text_of
from ..model.headers import OF_THE_CODING
from ..model.message import Body, Request
from .differences.json_difference import escaped, read_json
from .json_edit import edited_text

Part = Literal["json", "query", "path", "header", "cookie", "form", "method", "body", "name"]

PARTS: Final = ("json", "query", "path", "header", "cookie", "form", "method", "body")
FORM: Final = "application/x-www-form-urlencoded"
PLACE = re.compile(rf"({'|'.join(PARTS)})(?:[:.](.+))?")
TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110 section 5.6.2
EXAMPLES: Final = "json:/qty=2, query:page=3, path:4=978-9, header:X-Tenant=blue, form:isbn=978-9, method=PUT"


@dataclass(frozen=True, slots=True)
class Edit:
    """`value` is None to take the part away. A part "name" is looked for in the request that it is applied to.

    `typed` takes the value as JSON whatever stood there before: qty:="two", isbn:=7.
    """

    part: Part
    name: str
    value: str | None
    typed: bool = False

    def __str__(self) -> str:
        place = f"{self.part}:{self.name}" if self.name and self.part != "name" else self.name or self.part
        return f"unset {place}" if self.value is None else f"{place}{':' if self.typed else ''}={self.value}"

    @property
    def make(self) -> Callable[[Any], Any] | None:
        """What a member of a JSON document becomes, from what it was; None takes it away."""
        value = self.value
        if value is None:
            return None
        return (lambda before: read_json(value)) if self.typed else (lambda before: _typed(value, before, read_json))

    @property
    def make_exactly(self) -> Callable[[Any], Any] | None:
        """The same with numbers as they are spelled: 0.1000000000000000055."""
        value = self.value
        if value is None:
            return None
        return (lambda before: parse(value)) if self.typed else (lambda before: _typed(value, before, parse))


def read_set(text: str) -> Edit:
    """ "json:/qty=2", "/qty=2", "?page=3", "qty=2", "isbn:=7"; UsageError says what is off."""
    place, equals, value = text.partition("=")
    if not equals:
        raise UsageError(f"{text!r} is not PLACE=VALUE", hint=EXAMPLES)
    place = place.strip()
    if not place.endswith(":"):
        return _edit(place, value, text)
    found = replace(_edit(place[:-1], value, text), typed=True)
    if found.part not in ("json", "name"):
        raise UsageError(f"only JSON has types, and {place[:-1]!r} is no place of it", where=text)
    try:
        read_json(value)
    except ValueError as error:
        raise UsageError(f"{value!r} is not JSON: {error}", where=text) from None
    return found


def read_unset(text: str) -> Edit:
    """The place to take away."""
    return _edit(text.strip(), None, text)


def read_header(text: str) -> Edit:
    """ "X-Tenant: blue", and "X-Tenant:" to take the field away. UsageError for anything else."""
    name, colon, value = text.partition(":")
    if not colon:
        raise UsageError(f"{text!r} is not NAME: VALUE", hint="--header 'X-Tenant: blue'")
    return _edit(f"header:{name.strip()}", value.strip() or None, text)


def read_step_set(text: str) -> tuple[int, Edit]:
    """ "3:json:/qty=2": the step, then its edit. UsageError for anything else."""
    number, colon, rest = text.partition(":")
    if not (colon and number.isascii() and number.isdigit() and 0 < len(number) < 10):
        raise UsageError(f"{text!r} is not STEP:PLACE=VALUE", hint=f"such as 3:{EXAMPLES.partition(',')[0]}")
    return int(number), read_set(rest)


def _edit(place: str, value: str | None, text: str) -> Edit:
    if place.startswith("/"):
        return Edit("json", place, value)
    if place.startswith("?") and len(place) > 1:
        return Edit("query", place[1:], value)
    match = PLACE.fullmatch(place)
    part, name = (match[1], match[2] or "") if match else ("name", place)
    if part == "json" and not name.startswith("/"):
        name = "/" + name.replace(".", "/") if name else ""
    if part in ("header", "cookie") and not TOKEN.fullmatch(name):
        raise UsageError(f"{name!r} is no name of a {part}", where=text)
    if (part == "path" and name and not name.isdigit()) or not (name or part in ("path", "method", "body", "json")):
        raise UsageError(f"{place!r} names no part of a request", where=text, hint=EXAMPLES)
    if part == "header" and value is not None and re.search(r"[\r\n\0]", value):
        raise UsageError("a header has one line", where=text)
    if part == "method" and (value is None or not TOKEN.fullmatch(value)):
        raise UsageError(f"{value!r} is no method", where=text)
    return Edit(part, name, value)  # type: ignore[arg-type]


def edited(request: Request, edits: Iterable[Edit]) -> Request:
    """The request with all edits, in their order. UsageError when a place does not exist in it."""
    for edit in edits:
        request = _edited(request, _found(request, edit) if edit.part == "name" else edit)
    return request


def _edited(request: Request, edit: Edit) -> Request:
    name, value = edit.name, edit.value
    match edit.part:
        case "json":
            return _with_json(request, name, edit)
        case "query":
            return replace(request, target=_with_query(request.target, name, value))
        case "path":
            return replace(request, target=_with_path(request.target, name, value))
        case "header":
            return _with_header(request, name, value)
        case "cookie":
            return _with_cookie(request, name, value)
        case "form":
            return _with_form(request, name, value)
        case "method":
            return replace(request, method=value or request.method)
        case _:
            return with_body(request, (value or "").encode(_charset(request), "replace"))


def places(request: Request) -> list[str]:
    """Every place of a request that an edit may name, as it names it."""
    path, _, query = request.target.partition("?")
    found = [f"path:{number}" for number, word in enumerate(path.split("/")[1:], 1) if word]
    found += [f"query:{name}" for name, _ in parse_qsl(query, keep_blank_values=True)]
    found += [f"json:{pointer}" for pointer, _ in scalars(_json_of(request))]
    return found + [f"form:{name}" for name, _ in _form_of(request)]


def _found(request: Request, edit: Edit) -> Edit:
    """A bare name stands for the one member, field or parameter of that name."""
    fitting = [place for place in places(request) if re.split(r"[:/]", place)[-1] == edit.name]
    if len(fitting) != 1:
        known = ", ".join(places(request)) or "none"
        problem = (
            f"{edit.name!r} is {'more than one place: ' + ', '.join(fitting) if fitting else 'not in the request'}"
        )
        near = "" if fitting else did_you_mean(edit.name, (re.split(r"[:/]", place)[-1] for place in places(request)))
        raise UsageError(problem + near, hint=f"its places are {known}; headers are header:NAME")
    return replace(_edit(fitting[0], edit.value, fitting[0]), typed=edit.typed)


# -- bodies


def with_body(request: Request, data: bytes) -> Request:
    """Another body, its length told anew and its content codings gone."""
    headers = [(name, value) for name, value in request.headers if name.lower() not in OF_THE_CODING]
    if data or request.method not in ("GET", "HEAD", "DELETE"):
        headers.append(("Content-Length", str(len(data))))
    return replace(request, headers=tuple(headers), body=Body(len(data), data))


def _charset(request: Request) -> str:
    return charset(request)


def _json_of(request: Request) -> Any:
    text = text_of(request) if request.body.data else None
    if text is None or media_type(request) == FORM:
        return None
    try:
        return read_json(text)
    except ValueError:
        return None


def _with_json(request: Request, pointer: str, edit: Edit) -> Request:
    """One place of the body otherwise, every other byte as it was: numbers, spaces, duplicate members."""
    document = _json_of(request)
    if document is None and (request.body.data or not pointer):
        raise UsageError("the request has no JSON body", hint="body=... replaces all of it")
    words = [word.replace("~1", "/").replace("~0", "~") for word in pointer.split("/")[1:]]
    changed = changed_json({} if document is None else document, words, edit.make, pointer)
    text = json.dumps(changed, ensure_ascii=False) if document is None else ""
    text = text or edited_text(text_of(request) or "", words, edit.make_exactly)
    request = with_body(request, text.encode(_charset(request), "replace"))
    kind = media_type(request)
    return request if kind else _with_header(request, "Content-Type", "application/json")


def changed_json(document: Any, words: list[str], make: Callable[[Any], Any] | None, pointer: str) -> Any:
    """A new document with one place changed; missing members on the way are made, missing items are not. UsageError
    when the place is not there."""
    if not words:
        return None if make is None else make(document)
    word, rest = words[0], words[1:]
    if isinstance(document, list):
        index = len(document) if word == "-" else int(word) if word.isdigit() else -1
        if not 0 <= index <= len(document) or (index == len(document) and (rest or make is None)):
            raise UsageError(f"{pointer}: there is no item {word} of {len(document)}")
        inner = changed_json(document[index] if index < len(document) else None, rest, make, pointer)
        middle = [] if make is None and not rest else [inner]
        return [*document[:index], *middle, *document[index + 1 :]]
    if not isinstance(document, dict):
        raise UsageError(f"{pointer}: {word!r} is below something that has no members")
    if make is None and not rest:
        if word not in document:
            raise UsageError(f"{pointer} is not in the body{did_you_mean(word, document)}")
        return {name: member for name, member in document.items() if name != word}
    return document | {word: changed_json(document.get(word, {} if rest else None), rest, make, pointer)}


def _typed(value: str, before: Any, read: Callable[[str], Any]) -> Any:
    """A text stays a text; anything else is JSON when it reads as JSON: 2, true, null, [1], "two"."""
    if isinstance(before, str) and not isinstance(before, Number) and not value.startswith('"'):
        return value
    try:
        return read(value)
    except ValueError:
        return value


def scalars(value: Any, pointer: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for name, member in value.items():
            yield from scalars(member, f"{pointer}/{escaped(name)}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from scalars(item, f"{pointer}/{index}")
    elif pointer:
        yield pointer, value


def _form_of(request: Request) -> list[tuple[str, str]]:
    text = text_of(request) if media_type(request) == FORM else None
    return parse_qsl(text, keep_blank_values=True) if text else []


def _with_form(request: Request, name: str, value: str | None) -> Request:
    if media_type(request) != FORM:
        raise UsageError("the request has no form", hint=f"its body is {media_type(request) or 'empty'}")
    text = text_of(request) or ""
    return with_body(request, _with_pair(text, name, value).encode())


# -- target and headers


def _with_query(target: str, name: str, value: str | None) -> str:
    path, _, query = target.partition("?")
    query = _with_pair(query, name, value)
    return f"{path}?{query}" if query else path


def _with_pair(query: str, name: str, value: str | None) -> str:
    """The first pair of this name changed, the others of it gone; every other byte stays."""
    out, done = [], value is None
    for pair in query.split("&") if query else []:
        if unquote_plus(pair.partition("=")[0]) != name:
            out.append(pair)
        elif not done:
            out.append(f"{pair.partition('=')[0]}={quote_plus(value or '')}")
            done = True
    return "&".join(out if done else [*out, f"{quote_plus(name)}={quote_plus(value or '')}"])


def _with_path(target: str, number: str, value: str | None) -> str:
    path, mark, query = target.partition("?")
    if not number:
        if value is None or not value.startswith("/"):
            raise UsageError(f"the path {value!r} does not begin with '/'", hint="path=/api/orders/1")
        return quote(value, safe="/%:@!$&'()*+,;=~?#[]") + (mark + query if "?" not in value else "")
    words = path.split("/")
    at = int(number)
    if not 1 <= at < len(words):
        raise UsageError(f"the path {path} has no segment {at}", hint=f"it has {len(words) - 1}")
    words[at : at + 1] = [] if value is None else [quote(value, safe=":@!$&'()*+,;=~")]
    return ("/".join(words) or "/") + mark + query


def _with_header(request: Request, name: str, value: str | None) -> Request:
    low = name.lower()
    out, done = [], value is None
    for field in request.headers:
        if field[0].lower() != low:
            out.append(field)
        elif not done:
            out.append((field[0], value or ""))
            done = True
    return replace(request, headers=tuple(out if done else [*out, (name, value or "")]))


def _with_cookie(request: Request, name: str, value: str | None) -> Request:
    pairs = [pair.strip() for pair in request.header("cookie").split(";") if pair.strip()]
    kept = [pair for pair in pairs if pair.partition("=")[0] != name]
    field = "; ".join(kept if value is None else [*kept, f"{name}={value}"])
    return _with_header(request, "Cookie", field or None)

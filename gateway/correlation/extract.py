"""Reads the value of a source from a response, recorded or live. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from html import unescape
from typing import Any, Final

from ..model.bodies import format_of, text_of
from ..model.exchange import Exchange
from ..model.message import Response
from .html_values import html_places
from .information import HEX, TIME, UUID
from .json_values import at, parse
from .model import Binding, MissingValue, Source
from .names import role_of
from .response_values import LINK, REL, claims
from .transforms import applied
from .urls import is_url, pieces

INDEX: Final = re.compile(r"/\d+(?=/|#|$)")  # of a list, in a JSON pointer
DEEP: Final = 3  # levels of an item in which it may have its name
MEMBERS: Final = 40  # of an item that are looked at
PIECE: Final = re.compile(r"#(segment|query|claim|match|base64)=(.*)", re.DOTALL)


def extract(
    answer: Exchange | Response, source: Source, transforms: tuple[str, ...] = (), *, like: Response | None = None
) -> str | None:
    """The value as a request needs it; None when this response does not have it.

    `like` is the recorded response: an item of a list is then the one that has the recorded item's names, wherever it
    stands, because another server holds other things and in another order.
    """
    response = answer.response if isinstance(answer, Exchange) else answer
    if response is None:
        return None
    if like is not None and source.part in ("json", "jwt") and INDEX.search(source.path):
        source = replace(source, path=_counterpart(source.path, like, response))
    if source.part in ("html", "href"):
        text = text_of(response) or ""
        found = next((place.value for place in html_places(text) if place.text == source.path), None)
    else:
        piece = PIECE.search(source.path)
        whole = _whole(response, source.part, source.path[: piece.start()] if piece else source.path)
        found = whole if whole is None or piece is None else _piece(whole, piece[1], piece[2])
        if found and "&" in found and source.part == "text" and format_of(response) == "xml":
            found = unescape(found)
    return None if found is None or found == "" else applied(found, transforms)


def _counterpart(path: str, like: Response, response: Response) -> str:
    """The place in this response that stands for a place in the recorded one."""
    pointer, mark, piece = path.partition("#")
    try:
        then, now = parse(text_of(like) or ""), parse(text_of(response) or "")
    except ValueError:
        return path
    found: list[str] = []
    for part in pointer.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(then, dict) and isinstance(now, dict):
            then, now = then.get(key), now.get(key)
            found.append(part)
        elif isinstance(then, list) and isinstance(now, list) and key.isdigit() and int(key) < len(then):
            number = _same_item(then, int(key), now)
            then, now = then[int(key)], now[number] if number < len(now) else None
            found.append(str(number))
        else:
            return path
    return f"/{'/'.join(found)}{mark}{piece}"


def _same_item(then: list[Any], at: int, now: list[Any]) -> int:
    """Where the item of a recorded list is in this one: it has a name that no other recorded item had."""
    names = _names(then[at])
    if not names or not all(isinstance(each, dict) for each in now):
        return at
    others = [_names(each) for index, each in enumerate(then) if index != at]
    own = {place for place, value in names.items() if all(other.get(place) != value for other in others)}
    scores = []
    for each in now:
        here = _names(each)
        scores.append(sum(1 + (place in own) for place, value in names.items() if here.get(place) == value))
    best = max(scores, default=0)
    if best < 2 or (at < len(scores) and scores[at] == best):
        return at
    return scores.index(best)


def _names(item: Any) -> dict[str, str]:
    """The words of an item by their place, without ids, numbers, times and addresses."""
    found: dict[str, str] = {}
    left = [("", item, 0)]
    while left and len(found) < MEMBERS:
        place, value, depth = left.pop()
        if isinstance(value, dict) and depth < DEEP:
            left += [(f"{place}/{key}", inner, depth + 1) for key, inner in value.items()]
        elif (
            type(value) is str and value and not role_of(place.rpartition("/")[2]).is_id
        ):  # numbers are of another type
            telling = not TIME.fullmatch(value) and not UUID.fullmatch(value) and not HEX.fullmatch(value)
            if telling and not is_url(value):
                found[place] = value
    return found


def evaluate(binding: Binding, answers: Mapping[int, Exchange | Response]) -> str:
    """The value of a binding from the answers so far, by step; MissingValue when neither source nor alternates have it.

    The recorded value is never used instead: a chain that goes on with a stale id is wrong without saying so.
    """
    for source in (binding.source, *binding.alternates):
        answer = answers.get(source.step)
        if answer is not None and (found := extract(answer, source, binding.transforms)) is not None:
            return found
    raise missing(binding, answers.get(binding.source.step))


def missing(binding: Binding, answer: Exchange | Response | None) -> MissingValue:
    """Names the value, where it came from, and what came instead."""
    source = binding.source
    response = answer.response if isinstance(answer, Exchange) else answer
    came = f"it answered {response.status} with {_outline(response)}" if response else "that step has no answer"
    return MissingValue(
        f"{binding.variable} is missing: step {binding.sink.step} needs it in its {_sink_words(binding)}, step "
        f"{source.step} gave it in {_source_words(source)}, but now {came}",
        binding=binding, where=f"step {binding.sink.step}",
        hint=f"look at step {source.step}, set {binding.variable} by hand, or reject the binding {binding.id}",
    )  # fmt: skip


def _outline(response: Response) -> str:
    """What a body is, without its values: they may be secret."""
    if not response.body.data:
        return "no body"
    try:
        document = parse(text_of(response) or "")
    except ValueError:
        return f"{response.body.size} bytes of {response.content_type or 'unknown type'}"
    if isinstance(document, dict):
        names = ", ".join(list(document)[:8])
        return f"a JSON object of {names}{' ...' if len(document) > 8 else ''}" if names else "an empty JSON object"
    return f"a JSON array of {len(document)}" if isinstance(document, list) else "a JSON value"


def _sink_words(binding: Binding) -> str:
    sink = binding.sink
    return f"path ({sink.name})" if sink.part == "path" else f"{sink.part} {sink.path}".strip()


def _source_words(source: Source) -> str:
    return f"its {source.part} {source.path}".strip()


def _whole(response: Response, part: str, path: str) -> str | None:
    if part in ("json", "jwt"):
        return _json(response, path)
    if part == "text":
        return text_of(response)
    if part == "cookie":
        return _cookie(response, path)
    name, _, rel = path.partition(";rel=")
    if name == "link" and ";rel=" in path:
        return _link(response, rel)
    return response.header(name) or None


def _json(response: Response, path: str) -> str | None:
    try:
        found: Any = at(parse(text_of(response) or ""), path)
    except (ValueError, KeyError):
        return None
    if isinstance(found, bool):
        return "true" if found else "false"
    return str(found) if isinstance(found, str) else None


def _cookie(response: Response, name: str) -> str | None:
    """The last cookie of this name counts (RFC 6265 section 5.3)."""
    found = None
    for field, value in response.headers:
        if field.lower() == "set-cookie":
            cookie, _, rest = value.partition("=")
            if cookie.strip() == name:
                found = rest.partition(";")[0].strip().strip('"')
    return found


def _link(response: Response, rel: str) -> str | None:
    for field, value in response.headers:
        if field.lower() == "link":
            for target, parameters in LINK.findall(value):
                match = REL.search(parameters)
                if (match[1] if match else "") == rel:
                    return str(target)
    return None


def _piece(text: str, kind: str, key: str) -> str | None:
    if kind == "base64":
        decoded = applied(text, ("unbase64",))
        return None if decoded is None else _piece(decoded, "match", key)
    if kind == "match":
        match = re.search(key, text)
        return match[1] if match else None
    if kind == "claim":
        claim = claims(text).get(key)
        return None if claim is None else str(claim)
    wanted = "segment" if kind == "segment" else "query"
    for piece in pieces(text):
        if piece.kind == wanted and key == (str(piece.from_end) if wanted == "segment" else piece.key):
            return piece.value
    return None

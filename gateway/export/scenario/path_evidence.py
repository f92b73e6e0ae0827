"""What recorded exchanges say about the segments of their paths, before a value has a variable. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import unquote

from ...model.bodies import text_of
from ...model.exchange import Exchange
from ...model.path_templates import Path
from ...model.path_templates import templates as templates_of
from ..urls import ascii_url, split_origin
from .public_paths import PublicTarget, key_of

_LONGEST = 256 << 10  # characters of a response that is looked into for names
# Members by which a response calls the thing that it shows.
_NAMES: Final = frozenset(
    {"id", "_id", "uuid", "guid", "key", "name", "slug", "login", "username", "code", "sku", "isbn", "symbol"}
    | {"handle", "number", "ref", "reference", "path", "full_name"}
)


def literal_segments(
    exchanges: Sequence[Exchange], targets: Mapping[tuple[str, str], PublicTarget]
) -> set[tuple[int, int]]:
    """(step, number) of segments of request targets that are no parameters by themselves, empty ones not counted."""
    bases = [split_origin(targets[key_of(one)].base)[1] for one in exchanges]
    plain = [
        split_origin(ascii_url(one.url))[1].partition("?")[0].removeprefix(base)
        for one, base in zip(exchanges, bases, strict=True)
    ]
    paths = [
        Path(one.server, segments, frozenset(), named(one, segments))
        for one, path in zip(exchanges, plain, strict=True)
        for segments in [tuple(path.split("/")[1:])]
    ]
    found: set[tuple[int, int]] = set()
    for one, base, path, template in zip(exchanges, bases, paths, templates_of(paths), strict=True):
        number = sum(1 for segment in base.split("/") if segment)
        found |= {(one.step, before + 1) for before in range(number)}
        values = {parameter.index for parameter in template.parameters}
        for index, segment in enumerate(path.segments):
            number += bool(segment)
            if segment and index not in values:
                found.add((one.step, number))
    return found


def named(exchange: Exchange, segments: Sequence[str]) -> frozenset[int]:
    """The segments that the exchange's own response repeats as the name of what it shows."""
    if not 200 <= (exchange.status or 0) < 300 or exchange.response is None or not any(segments):
        return frozenset()
    text = text_of(exchange.response) or ""
    words = {index: unquote(segment) for index, segment in enumerate(segments) if segment}
    if len(text) > _LONGEST or not any(word in text for word in words.values()):
        return frozenset()
    try:
        told = set(_said(json.loads(text)))
    except (ValueError, RecursionError):
        return frozenset()
    return frozenset(index for index, word in words.items() if word in told)


def _said(value: Any, depth: int = 0) -> Iterator[str]:
    """Ids and names of the thing itself, and of what it belongs to; not those of the items of a list."""
    if not isinstance(value, dict) or depth > 2:
        return
    for name, member in value.items():
        low = name.lower()
        if isinstance(member, str | int) and (low in _NAMES or low.endswith(("_id", "id", "_name"))):
            yield str(member)
        yield from _said(member, depth + 1)

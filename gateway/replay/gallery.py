"""Ready what-ifs for a step: how to get, or avoid, its usual errors. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ..model.bodies import text_of
from ..model.exchange import Exchange
from .branch import places
from .causes import SEALED
from .json_diff import read_json

MOST: Final = 12  # of one step: more would be a list of everything
FIELDS: Final = 3  # members of a body that are left out, or given another type
CREDENTIALS: Final = ("authorization", "x-api-key", "x-auth-token", "cookie")
CONDITIONS: Final = ("if-match", "if-unmodified-since")
ID = re.compile(r"(?=.*[0-9])[A-Za-z0-9_.~-]+")
VERSION = re.compile(r"v[0-9]{1,2}(?:\.[0-9]+)?")


@dataclass(frozen=True, slots=True)
class WhatIf:
    """`edits` as `gateway branch` takes them: PLACE=VALUE, or -PLACE to leave it out; `env` is cluster=environment."""

    title: str
    edits: tuple[str, ...] = ()
    env: str = ""


def gallery(exchange: Exchange, environments: Sequence[str] = ()) -> list[WhatIf]:
    """What is worth trying at this step; `environments` are those of its cluster."""
    others = [name for name in environments if name != exchange.environment]
    elsewhere = [WhatIf(f"the same on {name}", env=f"{exchange.cluster}={name}") for name in others]
    found = [*_ids(exchange), *elsewhere, *_credentials(exchange), *_conditions(exchange), *_members(exchange)]
    return found[:MOST]


def _ids(exchange: Exchange) -> Iterator[WhatIf]:
    """Another value for every id in the path and in the query."""
    words = exchange.path.split("/")
    for number, word in enumerate(words):
        if ID.fullmatch(word) and not VERSION.fullmatch(word) and not SEALED.fullmatch(word):
            yield WhatIf(f"unknown {words[number - 1] or 'id'} {unknown(word)}", (f"path:{number}={unknown(word)}",))
    for place in places(exchange.request):
        part, _, name = place.partition(":")
        if part == "query":
            yield WhatIf(f"without {name}", (f"-{place}",))


def unknown(value: str) -> str:
    """A value of the same kind that hardly exists: every digit a 9, UUIDs and the like kept in shape."""
    changed = re.sub(r"[0-9]", "9", value)
    return changed if changed != value else value + "9"


def _credentials(exchange: Exchange) -> Iterator[WhatIf]:
    for name, value in exchange.request.headers:
        low = name.lower()
        if low in CREDENTIALS:
            yield WhatIf(f"not signed in: without {name}", (f"-header:{name}",))
            if low == "authorization":
                scheme = value.partition(" ")[0] if " " in value else "Bearer"
                yield WhatIf("with a token that is not valid", (f"header:{name}={scheme} not-valid",))


def _members(exchange: Exchange) -> Iterator[WhatIf]:
    """Required members left out, and members of another type."""
    body = _body(exchange)
    for name, value in list(body.items())[:FIELDS]:
        pointer = "/" + name.replace("~", "~0").replace("/", "~1")
        yield WhatIf(f"without {name}", (f"-json:{pointer}",))
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            yield WhatIf(f"{name} of the wrong type", (f'json:{pointer}="many"',))
            yield WhatIf(f"{name} below zero", (f"json:{pointer}=-1",))
        elif isinstance(value, str) and not SEALED.fullmatch(value):
            yield WhatIf(f"unknown {name} {unknown(value)}"[:80], (f"json:{pointer}={unknown(value)}",))


def _body(exchange: Exchange) -> dict[str, Any]:
    text = text_of(exchange.request) if exchange.request.body.data else None
    try:
        found = read_json(text) if text else None
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _conditions(exchange: Exchange) -> Iterator[WhatIf]:
    for name, _ in exchange.request.headers:
        if name.lower() == "if-match":
            yield WhatIf("with a stale ETag", (f'header:{name}="stale"',))
        if name.lower() in CONDITIONS:
            yield WhatIf(f"without {name}", (f"-header:{name}",))

"""Ready what-ifs for a step: how to get, or avoid, its usual errors. Pure."""

from __future__ import annotations

import re
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from ..model.bodies import text_of
from ..model.exchange import Exchange
from ..model.message import SAFE
from .branch import places
from .differences.json_difference import escaped, read_json
from .differences.noise import SEALED
from .differences.step_pairs import kind_of

MOST: Final = 16  # of one step: more would be a list of everything
FIELDS: Final = 3  # members of a body that are left out, or given another type
CREDENTIALS: Final = ("authorization", "x-api-key", "x-auth-token", "cookie")
CONDITIONS: Final = ("if-match", "if-unmodified-since")
ID = re.compile(r"(?=.*[0-9])[A-Za-z0-9_.~-]+")
VERSION = re.compile(r"v[0-9]{1,2}(?:\.[0-9]+)?")

Kind = Literal["unknown", "elsewhere", "foreign", "credentials", "missing", "type", "stale", "repeat", "order", "fault"]


@dataclass(frozen=True, slots=True)
class GalleryWhatIf:
    """`body` is what POST recordings/{id}/branch takes besides the step: {"set": ["path:4=978-9"]}."""

    title: str
    kind: Kind
    body: Mapping[str, Any]


def gallery(
    exchange: Exchange, environments: Sequence[str] = (), *, chain: Sequence[Exchange] = (),
    foreign: Sequence[Exchange] = (),
) -> list[GalleryWhatIf]:  # fmt: skip
    """What is worth trying at this step.

    `environments` are those of its cluster, `chain` is its recording, `foreign` what was recorded elsewhere.
    """
    others = [name for name in environments if name != exchange.environment]
    found = [*_ids(exchange), *_foreign(exchange, foreign)]
    found += [
        GalleryWhatIf(f"the same on {name}", "elsewhere", {"env": [f"{exchange.cluster}={name}"]}) for name in others
    ]
    found += [*_credentials(exchange), *_conditions(exchange), *_submits(exchange, chain), *_members(exchange)]
    return found[: MOST - 2] + list(_faults())


def _set(title: str, kind: Kind, *edits: str) -> GalleryWhatIf:
    return GalleryWhatIf(title[:80], kind, {"set": list(edits)})


def _unset(title: str, kind: Kind, *places: str) -> GalleryWhatIf:
    return GalleryWhatIf(title[:80], kind, {"unset": list(places)})


def _ids(exchange: Exchange) -> Iterator[GalleryWhatIf]:
    """Another value for every id in the path and in the query."""
    words = exchange.path.split("/")
    for number, word in _path_ids(exchange):
        name = words[number - 1] or "id"
        yield _set(f"unknown {name} {unknown(word)}", "unknown", f"path:{number}={unknown(word)}")
    for place in places(exchange.request):
        part, _, name = place.partition(":")
        if part == "query":
            yield _unset(f"without {name}", "missing", place)


def _path_ids(exchange: Exchange) -> list[tuple[int, str]]:
    """(number, word) of the segments that are ids."""
    words = exchange.path.split("/")
    return [(number, word) for number, word in enumerate(words)
            if ID.fullmatch(word) and not VERSION.fullmatch(word) and not SEALED.fullmatch(word)]  # fmt: skip


def _foreign(exchange: Exchange, others: Sequence[Exchange]) -> Iterator[GalleryWhatIf]:
    """An id that another environment knows, and this one perhaps not."""
    own, seen = exchange.path.split("/"), set[str]()
    for other in others:
        words = other.path.split("/")
        good = other.status is not None and other.status < 400 and other.environment != exchange.environment
        if not good or kind_of(other) != kind_of(exchange) or len(words) != len(own):
            continue
        for number, word in _path_ids(other):
            if word != own[number] and other.environment not in seen:
                seen.add(other.environment)
                name = words[number - 1] or "id"
                yield _set(f"{name} {word} of {other.environment}", "foreign", f"path:{number}={word}")


def unknown(value: str) -> str:
    """A value of the same kind that hardly exists: every digit a 9, UUIDs and the like kept in shape."""
    changed = re.sub(r"[0-9]", "9", value)
    return changed if changed != value else value + "9"


def _credentials(exchange: Exchange) -> Iterator[GalleryWhatIf]:
    for name, value in exchange.request.headers:
        low = name.lower()
        if low in CREDENTIALS:
            yield _unset(f"not signed in: without {name}", "credentials", f"header:{name}")
            if low == "authorization":
                scheme = value.partition(" ")[0] if " " in value else "Bearer"
                yield _set("with a token that is not valid", "credentials", f"header:{name}={scheme} not-valid")
                yield _set("with a token that has expired", "credentials", f"header:{name}={scheme} {expired_token()}")


def expired_token() -> str:
    """A JWT whose time was over in 2001; nobody signed it."""
    parts = ('{"alg":"none","typ":"JWT"}', '{"sub":"what-if","iat":1000000000,"exp":1000000060}')
    return ".".join([*(urlsafe_b64encode(part.encode()).decode().rstrip("=") for part in parts), "not-signed"])


def _members(exchange: Exchange) -> Iterator[GalleryWhatIf]:
    """Required members left out, and members of another type."""
    for name, value in list(_body(exchange).items())[:FIELDS]:
        pointer = "/" + escaped(name)
        yield _unset(f"without {name}", "missing", f"json:{pointer}")
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            yield _set(f"{name} of the wrong type", "type", f'json:{pointer}="many"')
            yield _set(f"{name} below zero", "type", f"json:{pointer}=-1")
        elif isinstance(value, str) and not SEALED.fullmatch(value):
            yield _set(f"unknown {name} {unknown(value)}", "unknown", f"json:{pointer}={unknown(value)}")
            yield _set(f"{name} of the wrong type", "type", f"json:{pointer}:=[1]")


def _body(exchange: Exchange) -> dict[str, Any]:
    text = text_of(exchange.request) if exchange.request.body.data else None
    try:
        found = read_json(text) if text else None
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _conditions(exchange: Exchange) -> Iterator[GalleryWhatIf]:
    for name, _ in exchange.request.headers:
        if name.lower() == "if-match":
            yield _set("with a stale ETag", "stale", f'header:{name}="stale"')
        if name.lower() in CONDITIONS:
            yield _unset(f"without {name}", "stale", f"header:{name}")


def _submits(exchange: Exchange, chain: Sequence[Exchange]) -> Iterator[GalleryWhatIf]:
    """A write sent twice, and steps that change places with the write next to them."""
    if exchange.method not in SAFE:
        yield GalleryWhatIf("submitted twice", "repeat", {"repeat": True})
    following = next((one for one in chain if one.step == exchange.step + 1), None)
    if following is not None and (following.method not in SAFE or exchange.method not in SAFE):
        title = f"step {following.step}, {following.method} {following.path}, comes first"
        yield GalleryWhatIf(title[:80], "order", {"swap": following.step})


def _faults() -> Iterator[GalleryWhatIf]:
    yield GalleryWhatIf("its server is overloaded: 503", "fault", {"status": 503})
    yield GalleryWhatIf("its answer comes 3 s late", "fault", {"delay": 3})

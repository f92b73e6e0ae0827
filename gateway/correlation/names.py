"""What a name says about the thing it names: `orderId`, `order.id` and `/orders/501` are one. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from ..model.caches import remembered
from ..model.singular import singular
from .lexicon import (
    ALIASES,
    AMOUNTS,
    CURSORS,
    DUE,
    EACH,
    FILLER,
    IDISH,
    LOCKS,
    LOGINS,
    NATURAL,
    OWN,
    PEOPLE,
    TOKENS,
    VERBS,
    WRAPPERS,
)

WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")

ONE_WORD: Final = {
    "userid": ("user", "id"), "orderid": ("order", "id"),
    "itemid": ("item", "id"), "productid": ("product", "id"), "customerid": ("customer", "id"),
    "accountid": ("account", "id"), "sessionid": ("session", "id"), "orderno": ("order", "no"),
    "nextpagetoken": ("next", "page", "token"), "pagetoken": ("page", "token"),
    "csrftoken": ("csrf", "token"),
    "xsrftoken": ("xsrf", "token"), "jsessionid": ("session", "id"), "getetag": ("etag",),
    "accesstoken": ("access", "token"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Role:
    """`entity` is the thing ("order"), `is_id` whether the value names one of them, `words` the whole name."""

    entity: tuple[str, ...] = ()
    is_id: bool = False
    words: tuple[str, ...] = ()
    context: tuple[str, ...] = ()
    is_many: bool = False  # "comments": a number under it counts them


# Two words that are one: the number that a row has after each change of it.
LOCK_PHRASES: Final = frozenset((("modify", "index"), ("mod", "index"), ("seq", "no"), ("update", "sequence")))


def is_lock(role: Role) -> bool:
    """Whether it names a version of a thing: what a client sends back to change only what it has read."""
    return any(word in LOCKS for word in role.words) or role.words[-2:] in LOCK_PHRASES


@remembered(8192)
def words(name: str) -> tuple[str, ...]:
    """The words of a name in any spelling, small and in the singular."""
    found: list[str] = []
    for word in WORD.findall(name):
        low = word.lower()
        found += ONE_WORD.get(low) or (_alias(singular(low)),)
    return tuple(found)


def _alias(word: str) -> str:
    return ALIASES.get(word, word)


@remembered(16384)
def role_of(name: str, context: tuple[str, ...] = ()) -> Role:
    """The role of a named value; a bare `id` belongs to its context."""
    all_words = words(name)
    entity = _things(word for word in all_words if word not in IDISH and word not in NATURAL)
    is_id = any(word in IDISH or word in NATURAL for word in all_words)
    if is_id and not entity:
        entity = context
    many = not is_id and _is_plural(name)
    is_id = is_id or (bool(entity) and entity == context and not many)  # {"meter": "1EMH"} in a response about meters
    return Role(entity, is_id, all_words, context, many)


def _is_plural(name: str) -> bool:
    found = WORD.findall(name)
    return bool(found) and singular(found[-1].lower()) != found[-1].lower()


@remembered(8192)
def one_of(name: str) -> str:
    """The name of one of them: "orders" -> "order"."""
    found = WORD.findall(name)
    if not found or not name.endswith(found[-1]):
        return name
    last = singular(found[-1].lower())
    return name.removesuffix(found[-1]) + (last.capitalize() if found[-1][0].isupper() else last)  # photoIds: photoId


@remembered(8192)
def entity_of(name: str) -> tuple[str, ...]:
    """The thing that a container is about: "createdOrders" -> ("order",), and () for `data` or `items`."""
    return _things(word for word in words(name) if word not in WRAPPERS and word not in IDISH)


@remembered(8192)
def segment_entity(name: str) -> tuple[str, ...]:
    """The same for a path segment, where `items` are items."""
    return _things(word for word in words(name) if word not in IDISH)


def _things(found: Iterable[str]) -> tuple[str, ...]:
    """Without verbs and small words, unless nothing else is left: `post` may be a thing."""
    all_words = tuple(found)
    left = tuple(word for word in all_words if word not in FILLER)
    return left or (all_words[1:] if all_words[:1] and all_words[0] in VERBS else ()) or all_words  # createPost: a post


def snake(name: str) -> str:
    """ "order_id"; empty when a script could not use it."""
    found = "_".join(part.lower() for part in WORD.findall(name))
    return "" if found[:1].isdigit() else found


def free_name(wanted: str, taken: dict[str, int]) -> str:
    """The name, or with a number behind it when it is taken; `taken` counts how often each was wanted."""
    name = wanted
    while name in taken:
        taken[wanted] += 1
        name = f"{wanted}_{taken[wanted]}"
    taken[name] = 1
    return name


def variable_name(sink_name: str, source_name: str) -> str:
    """A name for scripts and messages: "order_id"."""
    for name in (sink_name, source_name):
        found = snake(name)
        if found and found not in ("id", "value", "key", "name", "authorization"):
            return found
    return "value"


ENDINGS: Final = frozenset(("e", "en", "er", "n", "s", "es", "i", "nen"))
EXACT, NEAR, PEER, SAME, WEAK, NONE, CONFLICT = 0.56, 0.40, 0.27, 0.21, 0.12, 0.0, -0.30


@lru_cache(65536)
def affinity(source: Role, sink: Role) -> tuple[float, str]:
    """How much the two names speak for one value, and why, in words."""
    given, wanted = set(source.words), set(sink.words)
    if sink.words[:1] == ("if",) and sink.words[1:] == source.words:
        return EXACT, f"only if '{' '.join(source.words)}' is still the same"
    if is_lock(source) and is_lock(sink):
        return EXACT, "both name a version of the same thing"
    if wanted & CURSORS and (given & CURSORS or "token" in given):
        return EXACT, "both name the place where a list goes on"
    if wanted & TOKENS and given & TOKENS and not (source.is_id and source.entity and source.entity == sink.entity):
        return NEAR, "both name a token"  # the number of a support ticket is none
    if wanted & AMOUNTS and given & AMOUNTS:
        return _of_amounts(given, wanted)
    if wanted & OWN and not sink.is_id:
        return CONFLICT, f"'{' '.join(sink.words)}' is usually the client's own choice"
    return _of_things(source, sink)


def _of_amounts(given: set[str], wanted: set[str]) -> tuple[float, str]:
    if given & EACH and not wanted & EACH:
        return SAME, "a price is not yet what is to be paid"
    if given & wanted & AMOUNTS:
        return EXACT - 0.1, "the same amount"
    return (NEAR + 0.04, "what is due is what is paid") if given & DUE else (NEAR, "both name an amount")


def _of_things(source: Role, sink: Role) -> tuple[float, str]:
    a, b = source.entity, sink.entity
    if (source.is_many or sink.is_many) and (source.words != sink.words or source.is_many != sink.is_many):
        return (CONFLICT, "a number of things is no id") if source.is_many else (NONE, "")
    if source.words == sink.words and any(word in NATURAL for word in source.words):
        return EXACT, f"both are called '{' '.join(sink.words)}'"
    if source.is_id and sink.is_id:
        if b and b[-1] in PEOPLE and set(source.words) & LOGINS:
            return EXACT, f"a {source.words[-1]} names {_a(b)}"
        level, why = _of_ids(a, b)
        if level < PEER and source.words == sink.words and sink.words != ("id",):
            return PEER, f"both are called '{' '.join(sink.words)}'"
        return level, why
    if source.words == ("name",) and not a[1:] and b and source.context == b and len(b) < 3:
        return NEAR, f"the name of {_a(b)}"
    if a and a == b and (source.is_id or sink.is_id):
        return NEAR + (0.10 if source.is_id else 0.08), f"'{' '.join(a)}' stands for the id of the {a[-1]}"
    if source.words and source.words == sink.words:
        return SAME, f"both are called '{' '.join(sink.words)}'"
    if source.words and sink.words and source.is_id == sink.is_id and source.words[-1] == sink.words[-1]:
        return WEAK, f"both are a '{sink.words[-1]}'"
    return (NONE, "") if not (source.is_id or sink.is_id) else (CONFLICT, "they name different things")


def _of_ids(a: tuple[str, ...], b: tuple[str, ...]) -> tuple[float, str]:
    if not a or not b:
        return WEAK, "both are an id"
    if len(b) == 1 and len(b[0]) == 1 and a[-1].startswith(b[0]):
        return EXACT, f"/{b[0]}/ stands for {_a(a)}"
    if a == b:
        return EXACT, f"both are the id of {_a(a)}"
    if a[-1] == b[-1]:
        return NEAR, f"both are the id of {_a(a[-1:])}"
    if _one_more_ending(a[-1], b[-1]):
        return NEAR, f"both are the id of {_a(a)}"
    if all(word in WRAPPERS for word in b):
        return WEAK, "both are an id"  # /items/501: items of anything
    if a[-1] in PEOPLE and b[-1] in PEOPLE:
        return PEER, "both are the id of a person"
    if set(a) <= set(b) or set(b) <= set(a):
        return SAME, f"the ids are of {_a(a)} and {_a(b)}"
    return CONFLICT, f"one is the id of {_a(a)}, the other of {_a(b)}"


def _one_more_ending(a: str, b: str) -> bool:
    """Plurals of other languages: Beleg and Belege, usuario and usuarios."""
    short, long = sorted((a, b), key=len)
    return len(short) >= 4 and long.startswith(short) and long[len(short) :] in ENDINGS


def _a(entity: tuple[str, ...]) -> str:
    text = " ".join(entity)
    return f"{'an' if text[:1] in 'aeiou' else 'a'} {text}"

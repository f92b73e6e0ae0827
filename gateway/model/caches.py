"""Caches of what comes again: one class, one rule, one switch. Pure.

The rule: what a cache holds follows from the key and from the object that the cache belongs to, which never changes. A
new route table, other keys or other rules are another object with caches of its own. So nothing is ever taken out
because it became wrong, only because there is no room: each has a limit of entries, and of the bytes of a key, because
strangers choose what comes.

| cache | belongs to | key -> value |
|---|---|---|
| proxy/head_lines.py | the process: a line is a line | header line -> (name, value); name -> whether its values vary |
| proxy/header_rules.py | a table of fates | header name as it is spelled -> fate |
| proxy/request.py | a relay | client's address, head without the values that vary -> request head, session |
| proxy/response.py | the pool of an upstream | status line and head without the values that vary -> response head |
| routes/lookup.py | a route table | target -> cluster, target at the upstream |
| model/addresses.py, model/forwarding.py | the options of a start | Host -> may pass; address -> is trusted |
| sessions/registry.py | a set of keys | cookie, pass -> session; `identity.py`: name -> kind, Cookie -> without ours |
| redact/names.py | a set of rules | name -> kind; value, header, body -> holds no secret |
| redact/cache.py | a set of rules and of keys | header -> sealed, with its secrets |
| redact/placeholders.py | a set of keys | secret, recording -> placeholder, ciphertext |
| store/sqlite/header_blob.py, rows.py | the process | packed headers -> headers; body -> its SHA-256 |

One client's next head is compared with its last (proxy/client.py), and a list of headers carries what was made of it
(`Fields` and `Shape` of model/headers.py); both go with the connection.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from functools import lru_cache, wraps
from typing import Any, Final, TypeVar, cast

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")
OfText = TypeVar("OfText", bound=Callable[..., Any])

LONGEST_NAME: Final = 128  # bytes of a header name or key that is remembered: real ones are shorter
LONGEST_TEXT: Final = 512  # letters of a value or a URL

_switch = {"on": True}
_of_process: list[Callable[[], None]] = []  # what empties each cache that belongs to the process


class BoundedCache(dict[Key, Value]):
    """At most `most` entries. Read as the dictionary that it is, so that a hit costs one look-up; written by `keep`."""

    __slots__ = ("most",)

    def __init__(self, most: int) -> None:
        self.most = most

    def keep(self, key: Key, value: Value) -> None:
        """Remember a value. A full cache forgets all at once: an order of use would cost each look-up more."""
        if not _switch["on"]:
            return
        if len(self) >= self.most and key not in self:
            self.clear()
        self[key] = value


def of_process(most: int) -> BoundedCache[Any, Any]:
    """A cache that belongs to the process."""
    cache: BoundedCache[Any, Any] = BoundedCache(most)
    _of_process.append(cache.clear)
    return cache


def remembered(most: int, longest: int = LONGEST_TEXT) -> Callable[[OfText], OfText]:
    """Remember the latest `most` results of a function. A first argument of more than `longest` letters is worked out
    each time, so that the cache never holds more than `most` times `longest` letters."""

    def decorate(function: OfText) -> OfText:
        known = lru_cache(most)(function)
        _of_process.append(known.cache_clear)

        @wraps(function)
        def call(text: str, *more: Any) -> Any:
            return known(text, *more) if len(text) <= longest and _switch["on"] else function(text, *more)

        call.cache_info = known.cache_info  # type: ignore[attr-defined]
        return cast(OfText, call)

    return decorate


def are_on() -> bool:
    """Whether what is worked out is remembered."""
    return _switch["on"]


@contextmanager
def off() -> Iterator[None]:
    """Nothing is remembered by what is built inside, so that a test can compare: caches never change what is said."""
    _switch["on"] = False
    for empty in _of_process:
        empty()
    try:
        yield
    finally:
        _switch["on"] = True

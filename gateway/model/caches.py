"""Caches of functions of texts that strangers choose: bounded in number and in bytes. Pure."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Any, Final, TypeVar, cast

OfText = TypeVar("OfText", bound=Callable[..., Any])

LONGEST_NAME: Final = 128  # bytes of a header name or key that is remembered: real ones are shorter
LONGEST_TEXT: Final = 512  # letters of a value or a URL


def remembered(most: int, longest: int = LONGEST_TEXT) -> Callable[[OfText], OfText]:
    """Remember the latest `most` results of a function. A first argument of more than `longest` letters is worked out
    each time, so that the cache never holds more than `most` times `longest` letters."""

    def decorate(function: OfText) -> OfText:
        known = lru_cache(most)(function)

        @wraps(function)
        def call(text: str, *more: Any) -> Any:
            return known(text, *more) if len(text) <= longest else function(text, *more)

        call.cache_info = known.cache_info  # type: ignore[attr-defined]
        return cast(OfText, call)

    return decorate

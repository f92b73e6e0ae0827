"""How much a value tells by itself: chance makes two equal 7s, never two equal UUIDs. Pure."""

from __future__ import annotations

import math
import re
from typing import Final

from ..model.caches import remembered
from .lexicon import STOP

HIGH: Final = 40.0  # bits: equal by chance never happens; such values are found inside longer texts too
ECHO: Final = 14.0  # bits from which a value that the client said is its own wherever it shows up,
ECHO_DIGITS: Final = 23.0  # and from which a number is: quantities and sizes have up to six digits
SURE: Final = 30.0  # bits from which names that disagree count for nothing
LIMIT: Final = 4096  # characters of a value: longer ones are documents

UUID: Final = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
PLACEHOLDER: Final = re.compile(r"sealed_[a-z2-7]{20}_[0-9]{1,10}")
DIGITS: Final = re.compile(r"-?[0-9]+")
DECIMAL: Final = re.compile(r"-?[0-9]+\.[0-9]+")
DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
TIME: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2})?(\.[0-9]+)?(?:Z|[+-][0-9:]{4,6})?"
)
WORDS: Final = re.compile(r"[^\W\d_]+(?:[-_. ][^\W\d_]+)*")
HEX: Final = re.compile(r"[0-9a-f]{8,}|[0-9A-F]{8,}")
BASE: Final = re.compile(r"[A-Za-z0-9+/_=-]+")
JWT: Final = re.compile(r"(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,}+\.[A-Za-z0-9_-]{2,}\.[A-Za-z0-9_-]*")
LITERAL: Final = re.compile(
    r"[A-Za-z][A-Za-z_-]*|[1-9][a-z]{2,3}|v[0-9]{1,2}(?:\.[0-9]{1,2})?|[A-Za-z]+\.[A-Za-z0-9]{2,5}"
)


@remembered(65536)
def bits_of(value: str) -> float:
    """About how surprised one is to meet the value, in bits."""
    size = len(value)
    if value.lower() in STOP or size < 1:
        return 0.0
    if PLACEHOLDER.fullmatch(value):
        return 100.0
    if DIGITS.fullmatch(value):
        return _digits(value.lstrip("-").lstrip("0") or "0")
    if DECIMAL.fullmatch(value):
        return 3.0 * (len(value.strip("0")) - 1)
    if UUID.fullmatch(value):
        return 120.0 if len(set(value)) > 6 else 20.0
    if DATE.fullmatch(value):
        return 9.0
    if match := TIME.fullmatch(value):
        return 17.0 + (2.0 * len(match[1]) if match[1] else 0.0)
    if WORDS.fullmatch(value) and not _random_letters(value):
        return min(_words(value), 32.0)
    return _mixed(value)


def _digits(value: str) -> float:
    if len(set(value[1:])) == 1 and value[1] == "0":  # 100, 2000: round numbers are amounts and limits
        return 3.3 * len(value) * 0.6
    return 3.3 * len(value)


def _words(value: str) -> float:
    parts = re.split(r"[-_. ]", value)
    mixed = any(part[1:] != part[1:].lower() and part != part.upper() for part in parts)  # qRsTuV is no word
    return (4.0 if mixed else 1.4) * len(value)


def _mixed(value: str) -> float:
    different = len(set(value))
    if different < 3:
        return 2.0 * different
    alphabet = 4.0 if HEX.fullmatch(value) else 5.0
    text = sum(map(len, re.findall(r"[a-z]{4,}", value)))  # "order-7", "ada@example.com": the words tell little
    if text == len(value) or not BASE.fullmatch(value):
        alphabet = 3.0
    bits = alphabet * (len(value) - text) + 1.4 * text
    return min(bits, len(value) * math.log2(different))


def is_rare(value: str) -> bool:
    """Whether two equal ones are the same thing, whatever they are called."""
    return bits_of(value) >= (ECHO_DIGITS if value.isdigit() else ECHO)


def weight_of(value: str) -> float:
    """The share of the score that the value itself gives: 0.05 for 7, 0.34 for 7342, 0.62 for a UUID."""
    bits = bits_of(value)
    return FULL * (1.0 - math.exp(-bits / 16.0)) if bits > 0 else 0.0


FULL: Final = 0.62


def is_name(segment: str) -> bool:
    """Whether a segment that looks like words may name a thing: Untitled.ipynb, red-fox; not confirmation, v2."""
    return len(segment) > 4 and LITERAL.fullmatch(segment) is not None and any(mark in segment for mark in "._-")


def is_literal(segment: str) -> bool:
    """Whether a path segment looks like a part of the API rather than a value: orders, v1, index.html."""
    return LITERAL.fullmatch(segment) is not None and bits_of(segment) < 60.0 and not _random_letters(segment)


def _random_letters(text: str) -> bool:
    """qRsTuVwX: capitals in the middle of a long word, more than one camel's."""
    inner = text[1:]
    humps = sum(1 for a, b in zip(text, inner, strict=False) if a.islower() and b.isupper())
    return len(text) >= 8 and humps >= 3 and humps * 4 > len(text)

"""Which values are secrets where a name alone does not say so: digits of a pin, codes that a generator made. Pure."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Final

# What a name says about its value: no secret, always one, or one when `fits` says so.
NO, ANY, DIGITS, RANDOM, TEXT, SIGNATURE, NATIONAL_PHONE = range(7)

SHORTEST: Final = 16  # bytes of a value that a generator made: fewer are everyday words and numbers
LONGEST: Final = 2048  # bytes of one: a longer text is data, and is not looked at again from every name within it
VARIED: Final = 8  # different bytes in it
# How often a random text changes between small letters, capitals and digits: every second byte or more; camelCase words
# do at every fourth, ORDER-2024-000123 at none.
CHANGES: Final = 0.3
PIN: Final = re.compile(rb"[0-9]{4,8}")
# Digits of a phone number as countries write them, under a name that says so.
NATIONAL: Final = re.compile(rb"(?=(?:[^0-9]*[0-9]){5})[+0-9(][0-9 ()./\-]{4,24}")
# What stands under `pass`, `otp` or `reset_password` where it is no secret: a flag, an outcome, a count, a place.
FLAG: Final = re.compile(
    rb"(?:true|false|yes|no|on|off|null|none|nil|undefined|ok|okay|all|any|pass|passed|fail|failed|success|error|required"
    rb"|optional|enabled|disabled|always|never|[0-9]{1,3}|https?:.*|/.*|)",
    re.IGNORECASE | re.DOTALL,
)
KINDS: Final = bytes(
    1 if 97 <= byte <= 122 else 2 if 65 <= byte <= 90 else 3 if 48 <= byte <= 57 else 0 for byte in range(256)
)


def fits(kind: int, value: bytes, *, in_url: bool = False) -> bool:
    """Whether a value under a name of this kind is a secret. In the query of a URL a signature is one at any length."""
    if kind <= ANY:
        return kind == ANY
    if kind == DIGITS:
        return PIN.fullmatch(value) is not None
    if kind == NATIONAL_PHONE:
        return NATIONAL.fullmatch(value) is not None
    if kind == TEXT:
        return FLAG.fullmatch(value) is None
    if kind == SIGNATURE and in_url:
        return len(value) >= 8 and b" " not in value
    return looks_random(value)


def looks_random(value: bytes) -> bool:
    """Whether a generator made it: long, without spaces, and mixed as no words and no numbers are."""
    if not SHORTEST <= len(value) <= LONGEST or len(value.split()) != 1 or len(set(value)) < VARIED:
        return False
    if value.startswith(b"eyJ") and value.count(b".") >= 2:  # a JWT, whose claims stay: only its signature is sealed
        return False
    classes = value.translate(KINDS)
    changes = sum(one != two for one, two in pairwise(classes) if one and two)
    letters_and_digits = len(classes) - classes.count(0)
    return changes >= CHANGES * letters_and_digits and letters_and_digits >= 0.7 * len(value)

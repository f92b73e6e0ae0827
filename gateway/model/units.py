"""Durations and sizes as people write them: 200ms, 5s, 2h, 1MiB, 500kB. Pure."""

from __future__ import annotations

import re

DURATION = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,9})?)\s*(ms|s|m|min|h|d)?")
SECONDS = {None: 1.0, "ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
SIZE = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,9})?)\s*([kKMGT]i?)?B?")
BYTES = {None: 1, "k": 1000, "K": 1000, "M": 1000**2, "G": 1000**3, "T": 1000**4}
BINARY = {"ki": 1 << 10, "Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30, "Ti": 1 << 40}


def read_duration(value: str | float) -> float:
    """Seconds; ValueError says what is wrong."""
    text = str(value)
    match = DURATION.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a duration such as 200ms, 5s, 2m or 2h")
    return float(match[1]) * SECONDS[match[2]]


def read_size(value: str | int) -> int:
    """Bytes; ValueError says what is wrong. 1kB is 1000 bytes, 1KiB is 1024."""
    text = str(value)
    match = SIZE.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a size such as 500kB, 1MiB or 2GiB")
    return int(float(match[1]) * (BYTES | BINARY)[match[2]])

"""The patterns of curl's URLs: {one,two}, [1-20:2], [a-f] (curl(1), URL). Pure."""

from __future__ import annotations

import re
from itertools import product

from ....errors import UsageError

MOST = 2_000  # URLs of one pattern
_NUMBERS = re.compile(r"(\d+)-(\d+)(?::(\d+))?")
_LETTERS = re.compile(r"([A-Za-z])-([A-Za-z])(?::(\d+))?")


def globbed(url: str) -> list[str]:
    """Every URL of the pattern in curl's order: the last set changes first.

    One that curl would refuse as a pattern stays as it is. UsageError when it stands for too many."""
    pieces: list[list[str]] = []
    plain, at = "", 0
    while at < len(url):
        char = url[at]
        if char == "\\" and url[at + 1 : at + 2] in ("{", "}", "[", "]"):
            plain, at = plain + url[at + 1], at + 2
            continue
        if url.startswith("${", at) and (end := url.find("}", at)) > 0:  # a variable of a shell without a value
            plain, at = plain + url[at : end + 1], end + 1
            continue
        if char in "}]":
            return [url]
        if char in "{[":
            if char == "[" and (address := re.compile(r"\[[0-9A-Fa-f:.]*:[0-9A-Fa-f:.%\w]*\]").match(url, at)):
                plain, at = plain + address[0], address.end()
                continue
            end = url.find("}" if char == "{" else "]", at)
            choices = _choices(url[at + 1 : end], char) if end > 0 else None
            if choices is None:
                return [url]
            pieces += [[plain], choices]
            plain, at = "", end + 1
            continue
        plain, at = plain + char, at + 1
    pieces.append([plain])
    count = 1
    for piece in pieces:
        count *= len(piece)
    if count > MOST:
        raise UsageError(f"the pattern {url[:60]!r} stands for {count} URLs; {MOST} are taken at most")
    return ["".join(parts) for parts in product(*pieces)]


def _choices(inside: str, kind: str) -> list[str] | None:
    if kind == "{":
        return inside.split(",") if inside and not set("{[") & set(inside) else None
    if (found := _NUMBERS.fullmatch(inside)) is not None:
        first, last, step = int(found[1]), int(found[2]), int(found[3] or 1)
        width = len(found[1]) if found[1].startswith("0") else 0
        if last < first or step < 1 or (last - first) // step > MOST:
            return None
        return [f"{number:0{width}d}" for number in range(first, last + 1, step)]
    if (found := _LETTERS.fullmatch(inside)) is not None:
        low, high, step = ord(found[1]), ord(found[2]), int(found[3] or 1)
        return [chr(code) for code in range(low, high + 1, step)] if high >= low and step else None
    return None

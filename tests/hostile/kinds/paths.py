"""Paths that try to leave their cluster, or to reach the console through it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from random import Random
from urllib.parse import unquote

from ..lab import Lab
from . import Kind, Trial

DOTS = (
    "..",
    "%2e%2e",
    "%2E.",
    ".%2e",
    "%252e%252e",
    "..;",
    "..;x=1",
    "%c0%ae%c0%ae",
    "..%00",
    ". .",
    "..%20",
    "...",
    "%2e%2e%2f",
    "..%5c",
)
SLASHES = ("/", "//", "%2f", "\\", "%5c", "/./", "/;/", "%252f", "/%20/")
GOALS = ("_gateway/", "_gateway/api/v1/recordings", "secret", "api/injected/x", "etc/passwd", "")
STARTS = ("/api/a", "/api/a/", "/api/a/x", "//api/a", "/API/a", "/api/%61", "/api/a%2fx", "/api//a", "/api/a;x")


def _paths() -> Iterator[str]:
    for start, slash, dots, times, goal in product(STARTS, SLASHES, DOTS, (1, 2, 4), GOALS):
        yield start + (slash + dots) * times + slash + goal


def _attempt(path: str, lab: Lab) -> str:
    before = len(lab.dev.seen)
    answer = lab.ask("GET", path, patience=5.0)
    for request in lab.dev.seen[before:]:
        if request.header("authorization"):
            return f"the other cluster's credentials were added: {request.target}"
        if not request.target.startswith("/base"):
            return f"left the upstream's base: {request.target}"
        rest = request.target.partition("?")[0].removeprefix("/base")
        climbed = unquote(rest, "latin-1").replace("\\", "/").split("/")  # what is encoded twice is no dot segment
        if any(part.partition(";")[0] in ("..", ".") for part in climbed):
            return f"a dot segment went on: {request.target}"
    if answer.status == 200 and b'"items"' in answer.body and not path.startswith("/_gateway"):
        return "the console's API answered below a cluster's path"
    return ""


def trials(rng: Random, count: int) -> Iterator[Trial]:
    wanted = [path for path in _paths() if " " not in path]
    for path in rng.sample(wanted, min(count, len(wanted))):
        yield Trial(path, lambda lab, path=path: _attempt(path, lab))


KIND = Kind("paths", "a path stays below its cluster", 300, trials)

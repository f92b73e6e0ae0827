"""Every exception that reaches a person. Code decides by class and `code`, never by the words of a message. Pure.

GatewayError            what happened, where, what to try; `exit_code` for the command line
├── UsageError          the words of a command or call are off            (exit 2, status 400)
├── ConfigError         routes.yaml, demo.yaml or a setting is invalid    (exit 3, status 422)
├── UpstreamError       an upstream could not be reached                  (exit 4, status 502)
├── NotFoundError       no such recording, exchange, cluster, demo ...    (exit 5, status 404)
└── StoreError          the recording file cannot be read or written      (exit 1, status 503)
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong at one place of a file that a person wrote. Lines and columns count from 1."""

    file: str
    line: int
    column: int
    path: str  # "clusters.orders.environment", or "" for the file as a whole
    message: str  # what is wrong, then "; did you mean 'qa'?" where something near is known
    severity: str = "error"  # "error" | "warning"
    code: str = ""  # where something is decided by what went wrong: "absent"

    def __str__(self) -> str:
        where = f"{self.path}: " if self.path else ""
        return f"{self.file}:{self.line}:{self.column}: {self.severity}: {where}{self.message}"


class GatewayError(Exception):
    """Says what happened; `where` names the place, `hint` what to try, `code` the kind, by which code decides."""

    exit_code = 1
    status = 500

    def __init__(self, message: str, *, where: str = "", hint: str = "", code: str = "") -> None:
        super().__init__(message)
        self.message, self.where, self.hint, self.code = message, where, hint, code

    def __str__(self) -> str:
        text = f"{self.where}: {self.message}" if self.where else self.message
        return f"{text}\n  try: {self.hint}" if self.hint else text


class UsageError(GatewayError):
    """The words of a command or call are off."""

    exit_code = 2
    status = 400


class ConfigError(GatewayError):
    """A file that a person wrote is invalid; `problems` lists everything wrong with it at once."""

    exit_code = 3
    status = 422

    def __init__(self, problems: Sequence[Problem], *, hint: str = "") -> None:
        super().__init__("\n".join(map(str, problems)), hint=hint)
        self.problems = tuple(problems)


class UpstreamError(GatewayError):
    """An upstream could not be reached."""

    exit_code = 4
    status = 502


class NotFoundError(GatewayError):
    """No such recording, exchange, cluster, environment or demo."""

    exit_code = 5
    status = 404


class StoreError(GatewayError):
    """The recordings cannot be read or written. Codes: "damaged", "not_a_database", "locked", "full", "read_only",
    "cannot_open", "io", "unreadable"; "" where nobody decides by it."""

    status = 503


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """ "; did you mean 'qa'?", or nothing when no known word is near."""
    near = nearest(word, known)
    return f"; did you mean '{near}'?" if near else ""


def nearest(word: str, known: Iterable[str], *, cutoff: float = 0.5) -> str:
    """The known word that is most like this one, or "" when none is near."""
    return next(iter(difflib.get_close_matches(word, list(known), n=1, cutoff=cutoff)), "")

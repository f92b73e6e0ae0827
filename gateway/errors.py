"""Every exception that reaches a person. Pure.

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

    def __str__(self) -> str:
        where = f"{self.path}: " if self.path else ""
        return f"{self.file}:{self.line}:{self.column}: {self.severity}: {where}{self.message}"


class GatewayError(Exception):
    """Says what happened; `where` names the place, `hint` what to try."""

    exit_code = 1
    status = 500

    def __init__(self, message: str, *, where: str = "", hint: str = "") -> None:
        super().__init__(message)
        self.message, self.where, self.hint = message, where, hint

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
    """The recording file cannot be read or written."""

    status = 503


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """ "; did you mean 'qa'?", or nothing when no known word is near."""
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f"; did you mean '{near[0]}'?" if near else ""

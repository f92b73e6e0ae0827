"""The kinds of hostile input. A module here makes a kind by defining KIND; nothing else has to know of it."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib import import_module
from random import Random

from ..lab import OPERATOR, VIEWER, Lab

# How the gateway of a kind is started: kinds of one setup share a gateway.
SETUPS: dict[str, tuple[str, ...]] = {
    "open": (),
    "sandbox": ("--sandbox-html",),
    "signed": ("--password", OPERATOR, "--viewer-password", VIEWER),
}


@dataclass(frozen=True, slots=True)
class Trial:
    """One hostile input. `attempt` sends it and returns "" when the gateway held, else what came through."""

    name: str
    attempt: Callable[[Lab], str]


@dataclass(frozen=True, slots=True)
class Kind:
    """Inputs of one kind: `trials` yields at most `count` of them, the same ones for the same random numbers."""

    name: str
    what: str  # what holds, in a few words
    count: int
    trials: Callable[[Random, int], Iterator[Trial]]
    setup: str = "open"
    files: dict[str, str] = field(default_factory=dict)  # beside routes.yaml, before the start
    prepare: Callable[[Lab], None] = lambda lab: None  # before the first trial


def kinds() -> list[Kind]:
    """Every kind, in the order of their names."""
    found = [import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__)]
    return sorted((module.KIND for module in found), key=lambda kind: kind.name)

"""Values that an answer gives and a later request needs, ready to become a format's own variables. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..model.bodies import decoded, text_of
from ..model.exchange import Exchange
from ..model.message import Request, Response
from .sealed import PLACEHOLDER
from .texts import Use, identifier

_SECRET = re.compile(PLACEHOLDER.pattern.decode())
DEEP = 32  # levels of JSON that are looked through


@dataclass(frozen=True, slots=True)
class Input:
    """What the client brings: a variable of the file, with what was recorded, or "" for a secret."""

    variable: str
    default: str
    secret: bool
    about: str  # "header Authorization of step 3"


@dataclass(frozen=True, slots=True)
class Keep:
    """A value to keep from a step's answer. `path` is a JSON pointer (RFC 6901) or a header's name."""

    variable: str
    part: str  # "json", "header"
    path: str
    recorded: str
    used: tuple[int, ...]  # steps

    @property
    def keys(self) -> tuple[str, ...]:
        """The pointer's reference tokens, unescaped."""
        return tuple(key.replace("~1", "/").replace("~0", "~") for key in self.path.split("/")[1:])


@dataclass(slots=True)
class Flows:
    """All kept values of a recording, by the step that gives them."""

    by_step: dict[int, list[Keep]] = field(default_factory=dict)
    uses: dict[int, dict[str, Use]] = field(default_factory=dict)  # step -> what stands in its request -> variable
    inputs: list[Input] = field(default_factory=list)

    @property
    def variables(self) -> set[str]:
        return {keep.variable for kept in self.by_step.values() for keep in kept}

    def keeps(self, step: int) -> tuple[Keep, ...]:
        return tuple(self.by_step.get(step, ()))

    def marked(self, exchange: Exchange) -> tuple[Request, Mapping[str, Use]]:
        """The request with a mark in every place of a kept value, and the use that each mark stands for."""
        return exchange.request, self.uses.get(exchange.step, {})


def flows(exchanges: Sequence[Exchange], *, taken: set[str]) -> Flows:
    """Sealed values that an answer gave before a request said them."""
    found, taken = Flows(), set(taken)
    given: dict[str, tuple[Exchange, str]] = {}
    said: set[str] = set()
    first: dict[str, list[int]] = {}
    for exchange in exchanges:
        for placeholder in dict.fromkeys(_said(exchange.request)):
            if placeholder in given:
                first.setdefault(placeholder, []).append(exchange.step)
            else:
                said.add(placeholder)
        for placeholder, pointer in _given(exchange.response):
            if placeholder not in said:
                given.setdefault(placeholder, (exchange, pointer))
    for placeholder, steps in first.items():
        giver, pointer = given[placeholder]
        name = _free(identifier(pointer.rpartition("/")[2]), taken)
        keep = Keep(name, "json", pointer, placeholder, tuple(steps))
        found.by_step.setdefault(giver.step, []).append(keep)
        for step in steps:
            found.uses.setdefault(step, {})[placeholder] = Use(name, placeholder)
    return found


def _free(name: str, taken: set[str]) -> str:
    number, wanted = 1, name
    while name in taken:
        number += 1
        name = f"{wanted}_{number}"
    taken.add(name)
    return name


def _said(request: Request) -> Iterator[str]:
    for text in (request.target, *(value for _, value in request.headers)):
        yield from _SECRET.findall(text)
    yield from (match.decode() for match in PLACEHOLDER.findall(decoded(request)[0]))


def _given(response: Response | None) -> Iterator[tuple[str, str]]:
    text = text_of(response) if response is not None and b"sealed_" in decoded(response)[0] else None
    if not text:
        return
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return
    yield from ((value, pointer) for pointer, value in scalars(data) if _SECRET.fullmatch(value))


def scalars(data: Any, pointer: str = "", depth: int = 0) -> Iterator[tuple[str, str]]:
    """(pointer, text) of every string."""
    if isinstance(data, str):
        yield pointer, data
    elif depth < DEEP and isinstance(data, dict):
        for key, value in data.items():
            yield from scalars(value, f"{pointer}/{key.replace('~', '~0').replace('/', '~1')}", depth + 1)
    elif depth < DEEP and isinstance(data, list):
        for index, value in enumerate(data):
            yield from scalars(value, f"{pointer}/{index}", depth + 1)

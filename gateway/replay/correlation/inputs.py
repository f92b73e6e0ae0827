"""What the client said first: the parameters of a scenario. Pure."""

from __future__ import annotations

import re
from collections.abc import Set
from dataclasses import replace

from .clock import seconds
from .lexicon import SECRET, TOKENS
from .model import Input, Sink
from .naming import free_name, snake
from .places import Need
from .values import HEX, LIMIT, PLACEHOLDER, TIME, UUID, bits_of

DAY = 86400.0


class Inputs:
    """Gathers what has no source; equal values under one name, and equal rare values, are one input."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], Input] = {}
        self._sinks: dict[tuple[str, str], list[Sink]] = {}

    def add(self, need: Need, started_at: str) -> None:
        if need.literal or not need.value or len(need.value) > LIMIT:
            return
        name = snake(need.sink.name) or need.sink.part
        key = (need.value, "" if bits_of(need.value) >= 20 else name)
        self._sinks.setdefault(key, []).append(need.sink)
        if key not in self._found:
            secret = PLACEHOLDER.search(need.value) is not None or bool(set(need.role.words) & (TOKENS | SECRET))
            generator = generator_of(need.value, started_at)
            self._found[key] = Input(name, need.sink, secret, need.value, (), generator)

    def found(self, *, except_for: Set[str]) -> tuple[Input, ...]:
        """The inputs in the order in which they were first said, each with a name of its own."""
        taken: dict[str, int] = {}
        out: list[Input] = []
        for key, each in self._found.items():
            sinks = tuple(sink for sink in self._sinks[key] if str(sink) not in except_for)
            if sinks:
                name = free_name(each.variable, taken)
                out.append(replace(each, variable=name, sink=sinks[0], sinks=sinks))
        return tuple(out)


def generator_of(value: str, started_at: str) -> str:
    """What could make a fresh value of this kind; empty when nothing fits."""
    if UUID.fullmatch(value):
        return "uuid4"
    now = seconds(started_at)
    if now is not None and TIME.fullmatch(value) and (then := seconds(value)) is not None and abs(then - now) < DAY:
        return "now"
    if now is not None and re.fullmatch(r"[0-9]{10}|[0-9]{13}", value):
        moment = int(value) / (1000 if len(value) == 13 else 1)
        if abs(moment - now) < DAY:
            return "epoch_ms" if len(value) == 13 else "epoch"
    return "random_hex" if HEX.fullmatch(value) and len(value) >= 16 and not value.isdigit() else ""

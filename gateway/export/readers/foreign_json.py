"""A value of somebody else's JSON, with its place: what is asked of it must be there, or the place is named. Pure."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ...errors import UsageError

LARGEST = 1 << 53  # whole numbers beyond it are not the same in every program


@dataclass(frozen=True, slots=True)
class JsonNode:
    """`place` reads as one writes it: "log.entries[3].request.url"."""

    value: Any
    place: str

    def wrong(self, what: str) -> UsageError:
        return UsageError(what, where=self.place)

    def has(self, name: str) -> bool:
        return isinstance(self.value, dict) and self.value.get(name) is not None

    def at(self, name: str) -> JsonNode:
        """A member; null where there is none."""
        if not isinstance(self.value, dict):
            raise self.wrong("is not an object")
        return JsonNode(self.value.get(name), f"{self.place}.{name}" if self.place else name)

    def items(self) -> Iterator[JsonNode]:
        """The items of a list; none of what is not there."""
        if self.value is None:
            return
        if not isinstance(self.value, list):
            raise self.wrong("is not a list")
        for index, item in enumerate(self.value):
            yield JsonNode(item, f"{self.place}[{index}]")

    def members(self) -> Iterator[tuple[str, JsonNode]]:
        """The members of an object; none of what is not there."""
        if self.value is None:
            return
        if not isinstance(self.value, dict):
            raise self.wrong("is not an object")
        for name in self.value:
            yield name, self.at(name)

    def text(self, default: str | None = None) -> str:
        if self.value is None and default is not None:
            return default
        if not isinstance(self.value, str):
            raise self.wrong("is not text" if self.value is not None else "is missing")
        return self.value.encode("utf-8", "replace").decode()  # JSON can spell half a surrogate pair, no file can

    def whole(self, default: int | None = None, *, least: int = 0, most: int = LARGEST) -> int:
        if self.value is None and default is not None:
            return default
        if isinstance(self.value, bool) or not isinstance(self.value, int) or not least <= self.value <= most:
            raise self.wrong(f"is not a whole number from {least} to {most}")
        return self.value

    def number(self) -> float | None:
        """A number, or null."""
        if self.value is None:
            return None
        if isinstance(self.value, bool) or not isinstance(self.value, int | float) or abs(self.value) > LARGEST:
            raise self.wrong("is not a number")
        return None if math.isnan(self.value) else float(self.value)

    def flag(self) -> bool:
        if self.value is None:
            return False
        if not isinstance(self.value, bool):
            raise self.wrong("is neither true nor false")
        return self.value

    def one_of(self, *words: str | int) -> str:
        if self.value not in words:
            raise self.wrong(f"is not one of {', '.join(str(word) or 'nothing' for word in words)}")
        return str(self.value)


def parsed(text: str) -> JsonNode:
    """The root of a JSON text; UsageError says where it breaks off."""
    try:
        return JsonNode(json.loads(text), "")
    except json.JSONDecodeError as error:
        raise UsageError(f"not JSON: {error.msg}", where=f"line {error.lineno}, column {error.colno}") from None
    except RecursionError:
        raise UsageError("the JSON is nested too deeply") from None
    except ValueError as error:  # a number of more than 4,300 digits
        raise UsageError(f"not readable: {error}") from None

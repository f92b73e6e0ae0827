"""What a typed value must be: required, min, max, step, pattern, lengths. Browser and server check the same. Pure.

The keys are the attributes of HTML's inputs, and so are their meanings: a step counts from `min`, a pattern stands for
the whole value, an empty value meets everything but `required`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from ...model.linear_patterns import Linear, compile_linear
from .yaml import PlacedValue, Report

RULE_KEYS = ("required", "min", "max", "step", "pattern", "min_length", "max_length")
TEXTS = ("text", "password", "email", "textarea")  # the types whose letters are counted and compared


@dataclass(frozen=True, slots=True)
class FieldRules:
    """`min` and `max` are numbers, or dates as YYYY-MM-DD; None asks for nothing."""

    required: bool = False
    min: int | float | str | None = None
    max: int | float | str | None = None
    step: int | float | None = None
    pattern: str = ""
    min_length: int | None = None
    max_length: int | None = None
    compiled: Linear | None = None  # the pattern

    @property
    def attributes(self) -> dict[str, Any]:
        """The attributes of the HTML input that say the same."""
        given = {
            "min": self.min, "max": self.max, "step": self.step, "pattern": self.pattern or None,
            "minlength": self.min_length, "maxlength": self.max_length,
        }  # fmt: skip
        return {name: value for name, value in given.items() if value is not None} | (
            {"required": True} if self.required else {}
        )

    def problem(self, value: Any) -> str:
        """Why a field with this value (None when it is empty) cannot be sent; "" when it can."""
        if value is None or value == "" or value is False or value == []:
            return "is required" if self.required else ""
        if isinstance(value, list):
            return ""
        return self._bounds(value) or self._text(str(value))

    def _bounds(self, value: Any) -> str:
        if isinstance(value, bool) or (self.min is None and self.max is None and self.step is None):
            return ""
        try:
            given: Any = value if isinstance(self.min or self.max, str) else Decimal(str(value))
        except InvalidOperation:
            return ""  # the reader of numbers has said so
        if self.min is not None and given < _comparable(self.min):
            return f"must be at least {self.min}"
        if self.max is not None and given > _comparable(self.max):
            return f"must be at most {self.max}"
        if self.step is not None and (given - _comparable(self.min or 0)) % Decimal(str(self.step)):
            return f"must be {self.min or 0} or {self.step} more, {self.step} more again, and so on"
        return ""

    def _text(self, text: str) -> str:
        if self.min_length is not None and len(text) < self.min_length:
            return f"must have at least {self.min_length} characters"
        if self.max_length is not None and len(text) > self.max_length:
            return f"must have at most {self.max_length} characters"
        if self.compiled is not None and self.compiled.fullmatch(text.encode("utf-8", "replace")) is None:
            return f"does not match the pattern {self.pattern}"
        return ""


def _comparable(bound: int | float | str) -> Any:
    return bound if isinstance(bound, str) else Decimal(str(bound))


def rules_of(keys: Mapping[str, PlacedValue], kind: str, path: str, report: Report) -> FieldRules:
    """The rules of a field of this type; whatever does not fit it is a problem of the file."""
    bounds = {name: _bound(name, keys[name], kind, path, report) for name in ("min", "max", "step") if name in keys}
    lengths = {name: _length(keys[name], kind, f"{path}.{name}", report) for name in RULE_KEYS[5:] if name in keys}
    pattern, compiled = _pattern(keys.get("pattern"), kind, f"{path}.pattern", report)
    pairs: tuple[tuple[str, str, Mapping[str, Any]], ...] = (
        ("min", "max", bounds), ("min_length", "max_length", lengths),
    )  # fmt: skip
    for low, high, of in pairs:
        if of.get(low) is not None and of.get(high) is not None and of[low] > of[high]:
            report.add(keys[high].place, f"{path}.{high}", f"is less than {low}")
    required = keys["required"].value if "required" in keys else False
    if not isinstance(required, bool):
        report.add(keys["required"].place, f"{path}.required", "should be true or false")
        required = False
    return FieldRules(
        required, bounds.get("min"), bounds.get("max"), bounds.get("step"), pattern, lengths.get("min_length"),
        lengths.get("max_length"), compiled,
    )  # fmt: skip


def _bound(name: str, node: PlacedValue, kind: str, path: str, report: Report) -> Any:
    value, place = node.value, f"{path}.{name}"
    if kind == "number" and isinstance(value, int | float) and not isinstance(value, bool):
        if name != "step" or value > 0:
            return value
        report.add(node.place, place, "should be more than 0")
    elif kind == "date" and name != "step" and _is_date(str(value)):
        return str(value)
    else:
        wanted = {"number": "a number", "date": "a date such as 2026-01-31"}.get(kind)
        fits = wanted and not (kind == "date" and name == "step")
        report.add(node.place, place, f"should be {wanted}" if fits else f"is not for a field of type {kind}")
    return None


def _is_date(text: str) -> bool:
    try:
        return len(text) == 10 and bool(date.fromisoformat(text))
    except ValueError:
        return False


def _length(node: PlacedValue, kind: str, path: str, report: Report) -> int | None:
    if kind not in TEXTS:
        report.add(node.place, path, f"is not for a field of type {kind}")
    elif isinstance(node.value, bool) or not isinstance(node.value, int) or node.value < 0:
        report.add(node.place, path, "should be a whole number from 0")
    else:
        return node.value
    return None


def _pattern(node: PlacedValue | None, kind: str, path: str, report: Report) -> tuple[str, Linear | None]:
    if node is None:
        return "", None
    if kind not in TEXTS or not isinstance(node.value, str):
        what = "should be text" if kind in TEXTS else f"is not for a field of type {kind}"
        report.add(node.place, path, what)
        return "", None
    try:
        return node.value, compile_linear(node.value, utf8=True)  # a reader's text cannot make it slow
    except ValueError as error:
        report.add(node.place, path, f"is not an expression that can be used: {error}")
        return "", None

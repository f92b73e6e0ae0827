"""YAML as plain values that remember where they stand, with every problem collected. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ...errors import Problem, did_you_mean
from ...routes.yaml import YamlNode, read_nodes, read_text
from .schema import START, DemoPlace

INT = re.compile(r"[-+]?(0|[1-9][0-9]{0,30})")
FLOAT = re.compile(r"[-+]?[0-9]{1,30}\.[0-9]{0,30}([eE][-+]?[0-9]{1,3})?")
WORDS = {"": None, "~": None, "null": None, "true": True, "false": False}


@dataclass(frozen=True, slots=True)
class PlacedValue:
    """A value with its place: `value` is a scalar, a list of nodes, or a dict of nodes."""

    value: Any
    place: DemoPlace
    key: DemoPlace = START  # of the key that it stands under

    @property
    def kind(self) -> str:
        """What a reader would call it."""
        if isinstance(self.value, dict):
            return "a mapping"
        if isinstance(self.value, list):
            return "a list"
        if self.value is None:
            return "empty"
        return {bool: "true or false", int: "a number", float: "a number"}.get(type(self.value), "text")

    def plain(self) -> Any:
        """The value without places."""
        if isinstance(self.value, dict):
            return {key: node.plain() for key, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.plain() for node in self.value]
        return self.value


@dataclass(slots=True)
class Report:
    """Collects what is wrong in one file."""

    file: str
    problems: list[Problem] = field(default_factory=list)

    def add(self, place: DemoPlace, path: str, message: str, *, severity: str = "error") -> None:
        self.problems.append(Problem(self.file, place.line, place.column, path, message, severity))

    def mapping(self, node: PlacedValue | None, path: str, known: Iterable[str] = ()) -> dict[str, PlacedValue]:
        """The members of a mapping, {} when it is none; with `known`, other keys are problems."""
        if node is None or node.value is None:
            return {}
        if not isinstance(node.value, dict):
            self.add(node.place, path, f"should be a mapping (name: value), not {node.kind}")
            return {}
        names = tuple(known)
        for key, member in node.value.items():
            if names and key not in names:
                where = f"{path}.{key}" if path else key
                near = did_you_mean(key, names) or f"; known are {', '.join(names)}"
                self.add(member.key, where, f"'{key}' is not known here{near}")
        return {key: member for key, member in node.value.items() if not names or key in names}

    def text(self, node: PlacedValue | None, path: str, default: str = "") -> str:
        """A text; a number stands for its digits."""
        if node is None or node.value is None:
            return default
        if isinstance(node.value, str):
            return node.value
        if isinstance(node.value, int | float) and not isinstance(node.value, bool):
            return str(node.value)
        self.add(node.place, path, f"should be text, not {node.kind}")
        return default


def read_yaml(raw: bytes, report: Report) -> PlacedValue | None:
    """The document, or None when nothing of it can be used; what is wrong is in the report."""
    text, problems = read_text(raw, report.file)
    report.problems += problems
    if problems:
        return None
    root, problems = read_nodes(text, report.file)
    report.problems += problems
    return _converted(root) if root is not None else None


def _converted(node: YamlNode, key: DemoPlace = START) -> PlacedValue:
    place = DemoPlace(node.line, node.column)
    if node.kind == "mapping":
        members = {name.text: _converted(value, DemoPlace(name.line, name.column)) for name, value in node.entries()}
        return PlacedValue(members, place, key)
    if node.kind == "sequence":
        return PlacedValue([_converted(item) for item in node.items], place, key)
    return PlacedValue(_scalar(node.text) if node.plain else node.text, place, key)


def _scalar(text: str) -> Any:
    """By the rules of YAML 1.2: on, off, yes, 012 and 1:30 are text, not surprises."""
    if text.lower() in WORDS:
        return WORDS[text.lower()]
    if INT.fullmatch(text):
        return int(text)
    return float(text) if FLOAT.fullmatch(text) else text

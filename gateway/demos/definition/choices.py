"""What a field can be chosen from: a list in the file, or the items of an earlier response. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jsonpath

from ...errors import did_you_mean
from ..masking import MASK, masked_json
from .schema import Choice, ChoicesFrom
from .yaml import PlacedValue, Report

FROM_KEYS = ("from", "value", "label")
MOST = 500  # options of one list; the page says how many more there are
JSONPATH = jsonpath.JSONPathEnvironment(strict=True)


@dataclass(frozen=True, slots=True)
class DeclaredChoices:
    """`listed` stand in the file; `source` says where the others come from."""

    listed: tuple[Any, ...] = ()
    source: ChoicesFrom | None = None


def choices_of(node: PlacedValue | None, path: str, report: Report) -> DeclaredChoices:
    """A list of values, or {from, value, label}: a kept value, and JSONPaths into each of its items."""
    if node is None:
        return DeclaredChoices()
    if isinstance(node.value, dict):
        return DeclaredChoices(source=_source(node, path, report))
    if not isinstance(node.value, list) or any(isinstance(item.value, dict | list) for item in node.value):
        report.add(node.place, path, "should be a list of values, or {from, value, label}")
        return DeclaredChoices()
    return DeclaredChoices(tuple(item.value for item in node.value))


def _source(node: PlacedValue, path: str, report: Report) -> ChoicesFrom | None:
    keys = report.mapping(node, path, FROM_KEYS)
    if "from" not in keys:
        report.add(node.place, f"{path}.from", "is missing: the name of a value that an earlier step keeps")
        return None
    texts = {name: report.text(keys.get(name), f"{path}.{name}", "$") for name in FROM_KEYS}
    for name in ("value", "label"):
        try:
            JSONPATH.compile(texts[name])
        except jsonpath.JSONPathError as error:
            message = f"'{texts[name]}' is not a JSONPath: {str(error).splitlines()[0]}{did_you_mean(texts[name], ())}"
            report.add(keys[name].place, f"{path}.{name}", message)
            texts[name] = "$"
    label = texts["label"] if "label" in keys else texts["value"]
    return ChoicesFrom(texts["from"], texts["value"], label, keys["from"].place)


def options(listed: tuple[Any, ...], source: ChoicesFrom | None, known: Mapping[str, Any]) -> tuple[Choice, ...]:
    """What can be chosen now: nothing while the step that keeps the list was not sent, and never a secret."""
    if source is None:
        return tuple(Choice(one, "") for one in listed)
    items = masked_json(known.get(source.name))
    if isinstance(items, Mapping):
        items = list(items.values())
    if not isinstance(items, list):
        return ()
    found: dict[tuple[type, Any], Choice] = {}
    for item in items[:MOST]:
        value = _first(source.value, item)
        if value is not None and value != MASK and not isinstance(value, dict | list):
            found.setdefault((type(value), value), Choice(value, str(_first(source.label, item) or "")))
    return tuple(found.values())


def _first(path: str, item: Any) -> Any:
    if path == "$":
        return item
    try:
        match = JSONPATH.match(path, item)
    except (jsonpath.JSONPathError, RecursionError):
        return None
    return None if match is None else match.obj

"""JSON Schema (2020-12) inferred from samples: all samples are valid, and no more is claimed than they show. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from typing import Any

Schema = dict[str, Any]
DEEP = 48  # levels; what is below is not described
MOST = 300  # members of an object above which it reads as a map

_FORMATS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("date-time", re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)")),
    ("date", re.compile(r"\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])")),
    ("uuid", re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")),
    ("email", re.compile(r"[\w.+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")),
    ("uri", re.compile(r"https?://[^\s<>\"{}|\\^`]+")),
)


def schema_of(samples: Sequence[Any], *, depth: int = 0) -> Schema:
    """The schema that all samples share."""
    if depth > DEEP or not samples:
        return {}
    kinds: dict[str, list[Any]] = {}
    for sample in samples:
        kinds.setdefault(_kind(sample), []).append(sample)
    if "integer" in kinds and "number" in kinds:
        kinds["number"] += kinds.pop("integer")
    parts = [_DESCRIBE[kind](found, depth) for kind, found in sorted(kinds.items())]
    if len(parts) == 1:
        return parts[0]
    plain = [part for part in parts if set(part) == {"type"}]
    if len(plain) >= len(parts) - 1:  # "string or null" keeps what is known of the string
        rest = next((part for part in parts if set(part) != {"type"}), {})
        return {**rest, "type": sorted({part["type"] for part in parts})}
    return {"anyOf": parts}


def _kind(sample: Any) -> str:
    if sample is None:
        return "null"
    if isinstance(sample, bool):
        return "boolean"
    if isinstance(sample, int):
        return "integer"
    if isinstance(sample, float):
        return "number"
    if isinstance(sample, str):
        return "string"
    return "array" if isinstance(sample, list) else "object"


def _object(samples: Sequence[dict[str, Any]], depth: int) -> Schema:
    names = list(dict.fromkeys(name for sample in samples for name in sample))
    if len(names) > MOST:
        values = [value for sample in samples for value in sample.values()]
        return {"type": "object", "additionalProperties": schema_of(values, depth=depth + 1)}
    members = {
        name: schema_of([sample[name] for sample in samples if name in sample], depth=depth + 1) for name in names
    }
    required = [name for name in names if all(name in sample for sample in samples)]
    found: Schema = {"type": "object"}
    return found | ({"properties": members} if members else {}) | ({"required": required} if required else {})


def _array(samples: Sequence[list[Any]], depth: int) -> Schema:
    items = [item for sample in samples for item in sample]
    return {"type": "array", "items": schema_of(items, depth=depth + 1)} if items else {"type": "array"}


def _string(samples: Sequence[str], depth: int) -> Schema:
    for name, pattern in _FORMATS:
        if all(pattern.fullmatch(sample) for sample in samples):
            return {"type": "string", "format": name}
    return {"type": "string"}


def _simple(kind: str) -> Callable[[Sequence[Any], int], Schema]:
    return lambda samples, depth: {"type": kind}


_DESCRIBE: dict[str, Callable[[Sequence[Any], int], Schema]] = {
    "object": _object,
    "array": _array,
    "string": _string,
    **{kind: _simple(kind) for kind in ("null", "boolean", "integer", "number")},
}


def sample_of(text: str | None) -> tuple[bool, Any]:
    """(whether it is JSON, the value); numbers that overflow stay out."""
    try:
        return text is not None, json.loads(text or "", parse_constant=_refused)
    except (ValueError, RecursionError):
        return False, None


def _refused(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")

"""JSON Schema (2020-12) inferred from samples: all samples are valid, and no more is claimed than they show. Pure."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

Schema = dict[str, Any]
DEEP = 48  # levels; what is below is not described
MOST = 300  # members of an object above which it reads as a map
KEYS = 3  # keys of a map, at least
WORDS = 6  # of an enumeration, at most
EVIDENCE = 10  # samples of an enumeration, at least, and
EACH = 2  # samples of each of its words
INT32 = 1 << 31

# Keys that name things of a kind, not members of one thing: dates, ids, numbers, codes of currencies and countries.
_KEYS: tuple[re.Pattern[str], ...] = (
    re.compile(r"\d{4}-\d\d(?:-\d\d)?(?:[T ].*)?"),
    re.compile(r"-?\d+"),
    re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"),
    re.compile(r"(?=.*\d)[0-9A-Za-z]{16,}"),
    re.compile(r"[a-z]{1,8}_(?=\w*\d)[0-9A-Za-z]{6,}"),
    re.compile(r"[A-Z]{2,3}"),
    re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"),
    re.compile(r"/.*"),
)
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[-_.][A-Za-z0-9]+){0,3}")
# Members that name a kind, whatever their letters; and those that name somebody or something.
_KINDS = re.compile(
    r"(?:.*_)?(?:status|state|type|kind|role|level|tier|priority|severity|category|mode|currency|method|visibility|"
    r"format|unit|phase|stage|scheme|channel|action|reason|gender|size|colou?r|result|outcome|language|locale)s?"
)
_NAMES = re.compile(
    r"(?:.*_)?(?:id|name|title|label|user|owner|author|customer|city|street|login|username|key|slug|code|by|assignee|"
    r"person|email|description|text|value|url|path|token|sku|isbn|model|brand|host|tag)"
)

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
    if len(names) > MOST or _is_map(names, samples):
        values = [value for sample in samples for value in sample.values()]
        return {"type": "object", "additionalProperties": schema_of(values, depth=depth + 1)}
    members = {
        name: schema_of([sample[name] for sample in samples if name in sample], depth=depth + 1) for name in names
    }
    for name in names:
        members[name] = _enumerated(name, [sample[name] for sample in samples if name in sample], members[name])
    required = [name for name in names if all(name in sample for sample in samples)]
    found: Schema = {"type": "object"}
    return found | ({"properties": members} if members else {}) | ({"required": required} if required else {})


def _is_map(names: Sequence[str], samples: Sequence[dict[str, Any]]) -> bool:
    """Whether the keys name things: all are of one shape, and what stands under them is of one kind."""
    if len(names) < KEYS or not any(all(map(pattern.fullmatch, names)) for pattern in _KEYS):
        return False
    kinds = {_kind(value) for sample in samples for value in sample.values()} - {"null"}
    return len(kinds) == 1 or kinds == {"integer", "number"}


def _enumerated(name: str, values: Sequence[Any], schema: Schema) -> Schema:
    """The schema with the few words that a member takes, where enough samples say that there are no others."""
    words = [value for value in values if isinstance(value, str)]
    counts = Counter(words)
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    if schema.get("type") not in ("string", ["null", "string"]) or "format" in schema or _NAMES.fullmatch(snake):
        return schema
    if not 2 <= len(counts) <= WORDS or len(words) < EVIDENCE or min(counts.values()) < EACH:
        return schema
    names_a_kind = _KINDS.fullmatch(snake) is not None
    if not all(_WORD.fullmatch(word) and (names_a_kind or not word.istitle()) for word in counts):
        return schema
    return schema | {"enum": [*sorted(counts), *([None] if len(words) < len(values) else [])]}


def _array(samples: Sequence[list[Any]], depth: int) -> Schema:
    items = [item for sample in samples for item in sample]
    return {"type": "array", "items": schema_of(items, depth=depth + 1)}


def _string(samples: Sequence[str], depth: int) -> Schema:
    for name, pattern in _FORMATS:
        if all(pattern.fullmatch(sample) for sample in samples):
            return {"type": "string", "format": name}
    return {"type": "string"}


def _integer(samples: Sequence[int], depth: int) -> Schema:
    is_long = any(not -INT32 <= sample < INT32 for sample in samples)
    return {"type": "integer", **({"format": "int64"} if is_long else {})}


def _simple(kind: str) -> Callable[[Sequence[Any], int], Schema]:
    return lambda samples, depth: {"type": kind}


_DESCRIBE: dict[str, Callable[[Sequence[Any], int], Schema]] = {
    "object": _object,
    "array": _array,
    "string": _string,
    "integer": _integer,
    **{kind: _simple(kind) for kind in ("null", "boolean", "number")},
}


def sample_of(text: str | None) -> tuple[bool, Any]:
    """(whether it is JSON, the value); numbers that overflow stay out."""
    try:
        return text is not None, json.loads(text or "", parse_constant=_refused)
    except (ValueError, RecursionError):
        return False, None


def _refused(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")

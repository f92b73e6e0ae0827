"""Whether a JSON value is what a JSON Schema says (the part of 2020-12 that describes answers). Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sized
from typing import Any, Final

from ..errors import UsageError, did_you_mean
from .json_difference import escaped, json_type, same

Schema = Mapping[str, Any] | bool
DEEPEST: Final = 100  # levels of schemas, references included
# Words that describe and decide nothing.
SILENT: Final = frozenset(
    ("$schema", "$id", "$defs", "$comment", "title", "description", "format", "examples", "default")
)


def check_schema(schema: Any) -> None:
    """UsageError where a schema uses what is not understood here: a rule must never be passed over in silence."""
    if isinstance(schema, bool):
        return
    if not isinstance(schema, dict):
        raise UsageError(f"a schema is an object, true or false, and not {json_type(schema)}")
    for word, value in schema.items():
        if word not in RULES and word not in SILENT and word != "required":
            raise UsageError(f"{word!r} is not understood in a schema{did_you_mean(word, RULES)}")
        for inner in _inner(word, value):
            check_schema(inner)


def _inner(word: str, value: Any) -> Iterator[Any]:
    """The schemas within a rule."""
    if word in ("properties", "$defs") and isinstance(value, dict):
        yield from value.values()
    elif word in ("anyOf", "oneOf", "allOf") and isinstance(value, list):
        yield from value
    elif word in ("items", "additionalProperties", "not"):
        yield value


def faults(
    value: Any, schema: Schema, *, root: Schema | None = None, pointer: str = "", depth: int = 0
) -> Iterator[str]:
    """What is wrong with a value: "/id is a string, not an integer"; nothing when it fits."""
    if depth > DEEPEST:
        raise UsageError("the schema never ends: its references go in a circle")
    if isinstance(schema, bool):
        if not schema:
            yield f"{pointer or 'the value'} may not be there"
        return
    root = schema if root is None else root

    def within(inner: Any, schema: Any, name: str = "") -> Iterator[str]:
        return faults(inner, schema, root=root, pointer=pointer + name, depth=depth + 1)

    for word, rule in schema.items():
        if word == "$ref":
            yield from within(value, _referred(str(rule), root))
        elif word in RULES:
            yield from RULES[word](value, rule, schema, pointer or "the value", within)


def _referred(reference: str, root: Schema) -> Any:
    found: Any = root
    for word in reference.removeprefix("#").split("/")[1:]:
        word = word.replace("~1", "/").replace("~0", "~")
        if not reference.startswith("#") or not isinstance(found, dict) or word not in found:
            raise UsageError(f"the schema refers to {reference}, which is not in it")
        found = found[word]
    return found


Within = Callable[..., Iterator[str]]
Rule = Callable[[Any, Any, Mapping[str, Any], str, Within], Iterator[str]]


def _type(value: Any, rule: Any, schema: Mapping[str, Any], at: str, within: Within) -> Iterator[str]:
    known = rule if isinstance(rule, list) else [rule]
    own = json_type(value)
    whole = own == "number" and (isinstance(value, int) or float(value).is_integer())
    if own not in known and not (whole and "integer" in known):
        yield f"{at} is {_a(own)}, not {' or '.join(map(_a, known))}"


def _a(kind: str) -> str:
    return kind if kind == "null" else f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"


def _properties(value: Any, rule: Any, schema: Mapping[str, Any], at: str, within: Within) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in rule.items():
            if name in value:
                yield from within(value[name], inner, f"/{escaped(name)}")


def _required(value: Any, rule: Any, schema: Mapping[str, Any], at: str, within: Within) -> Iterator[str]:
    if isinstance(value, dict):
        yield from (f"{at} lacks {name}" for name in rule if name not in value)


def _additional(value: Any, rule: Any, schema: Mapping[str, Any], at: str, within: Within) -> Iterator[str]:
    if isinstance(value, dict):
        for name in value.keys() - schema.get("properties", {}).keys():
            yield from within(value[name], rule, f"/{escaped(name)}")


def _items(value: Any, rule: Any, schema: Mapping[str, Any], at: str, within: Within) -> Iterator[str]:
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from within(item, rule, f"/{index}")


def _enum(value: Any, rule: Any, schema: Mapping[str, Any], at: str, within: Within) -> Iterator[str]:
    if not any(same(value, one) for one in rule):
        yield f"{at} is none of {rule}"


def _const(value: Any, rule: Any, schema: Mapping[str, Any], at: str, within: Within) -> Iterator[str]:
    if not same(value, rule):
        yield f"{at} is not {rule!r}"


def _pattern(value: Any, rule: Any, schema: Mapping[str, Any], at: str, within: Within) -> Iterator[str]:
    if isinstance(value, str) and not re.search(rule, value[:10_000]):
        yield f"{at} does not match {rule}"


def _bound(kind: str, measured: Callable[[Any], float | None], fits: Callable[[float, float], bool], word: str) -> Rule:
    def rule_of(value: Any, rule: Any, schema: Mapping[str, Any], at: str, within: Within) -> Iterator[str]:
        found = measured(value)
        if found is not None and not fits(found, rule):
            yield f"{at} {kind} {found:g}, {word} {rule:g}"

    return rule_of


def _number(value: Any) -> float | None:
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _length(kind: type[Sized]) -> Callable[[Any], float | None]:
    return lambda value: len(value) if isinstance(value, kind) else None


def _any(value: Any, rule: Any, schema: Mapping[str, Any], at: str, within: Within) -> Iterator[str]:
    if not any(not list(within(value, one)) for one in rule):
        yield f"{at} fits none of {len(rule)} schemas"


def _one(value: Any, rule: Any, schema: Mapping[str, Any], at: str, within: Within) -> Iterator[str]:
    fitting = sum(not list(within(value, one)) for one in rule)
    if fitting != 1:
        yield f"{at} fits {fitting} of {len(rule)} schemas, not one"


def _all(value: Any, rule: Any, schema: Mapping[str, Any], at: str, within: Within) -> Iterator[str]:
    for one in rule:
        yield from within(value, one)


def _not(value: Any, rule: Any, schema: Mapping[str, Any], at: str, within: Within) -> Iterator[str]:
    if not list(within(value, rule)):
        yield f"{at} is what it may not be"


RULES: Final[dict[str, Rule]] = {
    "$ref": _all,  # followed by `faults` itself
    "type": _type, "properties": _properties, "required": _required, "additionalProperties": _additional,
    "items": _items, "enum": _enum, "const": _const, "pattern": _pattern, "anyOf": _any, "oneOf": _one, "allOf": _all,
    "not": _not,
    "minimum": _bound("is", _number, lambda found, rule: found >= rule, "less than"),
    "maximum": _bound("is", _number, lambda found, rule: found <= rule, "more than"),
    "exclusiveMinimum": _bound("is", _number, lambda found, rule: found > rule, "not more than"),
    "exclusiveMaximum": _bound("is", _number, lambda found, rule: found < rule, "not less than"),
    "minLength": _bound("has a length of", _length(str), lambda found, rule: found >= rule, "less than"),
    "maxLength": _bound("has a length of", _length(str), lambda found, rule: found <= rule, "more than"),
    "minItems": _bound("has", _length(list), lambda found, rule: found >= rule, "less than"),
    "maxItems": _bound("has", _length(list), lambda found, rule: found <= rule, "more than"),
    "minProperties": _bound("has", _length(dict), lambda found, rule: found >= rule, "less than"),
    "maxProperties": _bound("has", _length(dict), lambda found, rule: found <= rule, "more than"),
}  # fmt: skip

"""What does not fit a schema, as rules with a place in the body, a place in the contract, and words for both. Pure.

A value is never quoted from a body but for a truth value, a null, or a number of three digits at most: what people and
secrets write there stays in the exchange. Names of members are quoted when the contract has them; others when they look
like names.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import jsonschema_rs

from ..redact.placeholders import PLACEHOLDER
from .contract import Contract
from .document import ContractPlace, pointer_of
from .schemas import Compiled, Direction, source_of

Severity = Literal["error", "warning", "info"]
MOST: Final = 50  # violations of one exchange
LOOKED: Final = 2000  # errors of one body that are looked at
MANY: Final = 10  # members that nothing speaks of, above which they are taken for keys of a map
DEPTH: Final = 20  # choices within choices

_VALUES: Final[Mapping[str, str]] = {
    "enum": "options", "const": "expected_value", "minimum": "limit", "maximum": "limit", "exclusiveMinimum": "limit",
    "exclusiveMaximum": "limit", "minLength": "limit", "maxLength": "limit", "minItems": "limit", "maxItems": "limit",
    "minProperties": "limit", "maxProperties": "limit", "multipleOf": "multiple_of", "pattern": "pattern",
}  # fmt: skip
_WORDS: Final[Mapping[str, str]] = {
    "minimum": "{} or more", "maximum": "{} or less", "exclusiveMinimum": "more than {}",
    "exclusiveMaximum": "less than {}", "minLength": "{} letters or more", "maxLength": "{} letters or fewer",
    "minItems": "{} items or more", "maxItems": "{} items or fewer", "minProperties": "{} members or more",
    "maxProperties": "{} members or fewer", "multipleOf": "a multiple of {}", "pattern": "text like {}",
}  # fmt: skip
NAME: Final = re.compile(r"[A-Za-z_$@][A-Za-z_$@.:-]{0,39}(?:[0-9]{1,2})?")  # of what the contract does not name
_UNKNOWN: Final = frozenset(("backtrackLimitExceeded", "regexEngineFailure", "$ref", "custom"))


@dataclass(frozen=True, slots=True)
class Violation:
    """One place that does not fit. `pointer` has `*` for places of a list and keys of a map."""

    rule: str
    severity: Severity
    side: Direction
    pointer: str
    expected: str
    found: str
    place: ContractPlace


def shape_of(value: Any) -> str:
    """What a value is, without saying it: "string", "object", "-7", "null"."""
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, (int, float)):
        text = repr(value)
        return text if len(text) <= 4 and abs(value) < 1000 else "integer" if isinstance(value, int) else "number"
    return "string" if isinstance(value, str) else "array" if isinstance(value, list) else "object"


def type_of(value: Any) -> str:
    """Its type in JSON Schema."""
    found = shape_of(value)
    if isinstance(value, bool):
        return "boolean"
    return found if isinstance(value, (str, list, dict)) or value is None else _number(value)


def _number(value: Any) -> str:
    return "integer" if isinstance(value, int) else "number"


def is_sealed(value: Any) -> bool:
    """Whether a placeholder stands for a part of the value, or for all of it."""
    return (
        isinstance(value, str)
        and "sealed_" in value
        and PLACEHOLDER.search(value.encode("utf-8", "replace")) is not None
    )


def holds_sealed(value: Any) -> bool:
    """Whether a placeholder stands anywhere in the value."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one
        elif is_sealed(one):
            return True
    return False


class BodyJudge:
    """What of a value does not fit a compiled schema."""

    def __init__(self, contract: Contract, compiled: Compiled, direction: Direction) -> None:
        self._contract, self._compiled, self._direction = contract, compiled, direction

    def violations(self, value: Any) -> list[Violation]:
        """At most MOST of them, equal ones once; ValueError for text that is no Unicode."""
        found: dict[tuple[str, str, ContractPlace], Violation] = {}
        errors = self._compiled.validator.iter_errors(value)
        for _ in range(LOOKED):
            error = next(errors, None)
            if error is None or len(found) >= MOST:
                break
            for one in self._of(error, value, 0):
                found.setdefault((one.rule, one.pointer, one.place), one)
        return list(found.values())[:MOST]

    def _of(self, error: jsonschema_rs.ValidationError, body: Any, depth: int) -> Iterator[Violation]:
        kind = error.kind.name
        here = _at(body, error.instance_path)
        if kind in _UNKNOWN or (is_sealed(here) and kind not in ("additionalProperties", "unevaluatedProperties")):
            return
        place = self._compiled.place(error.schema_path)
        if kind in ("oneOf", "anyOf") and depth < DEPTH:
            yield from self._choice(error, body, here, place, depth)
        elif kind == "required":
            yield from self._missing(error, place)
        elif kind in ("additionalProperties", "unevaluatedProperties"):
            yield from self._unknown_members(error, here, place)
        elif kind == "falseSchema":
            yield self._unwanted(error, place)
        elif kind == "type":
            wanted = _either(error.kind.as_dict()["types"])
            yield self._one("wrong-type", "error", error, place, wanted, type_of(here))
        elif kind == "format":
            yield self._one("wrong-format", "warning", error, place, error.kind.as_dict()["format"], type_of(here))
        elif not ((kind in ("not", "uniqueItems", "contains", "const", "enum")) and holds_sealed(here)):
            yield self._one("wrong-value", "error", error, place, _wanted(error), _length(kind, here))

    def _one(
        self, rule: str, severity: Severity, error: jsonschema_rs.ValidationError, place: ContractPlace, expected: str,
        found: str, *more: str,
    ) -> Violation:  # fmt: skip
        pointer = pointer_of([*_starred(error), *more])
        return Violation(rule, severity, self._direction, pointer, expected, found, source_of(self._contract, place))

    def _missing(self, error: jsonschema_rs.ValidationError, place: ContractPlace) -> Iterator[Violation]:
        name = error.kind.as_dict()["property"]
        schema = source_of(self._contract, ContractPlace(place.file, place.tokens[:-1]))
        if self._is_unwanted(schema, name):
            return  # required in one part of an allOf, and read-only or write-only in another
        member = schema.below("properties", name)
        value = self._contract.value(member) if self._is_there(member) else None
        wanted = _either(value.get("type")) if isinstance(value, dict) and value.get("type") else "a member"
        yield self._one("missing-member", "error", error, place, wanted, "missing", name)

    def _is_there(self, place: ContractPlace) -> bool:
        try:
            self._contract.documents.at(place)
        except KeyError:
            return False
        return True

    def _is_unwanted(self, schema: ContractPlace, name: str) -> bool:
        """Whether the member is read-only (of a request) or write-only (of a response) in another part of the whole."""
        word = "readOnly" if self._direction == "request" else "writeOnly"
        if self._is_there(schema.below("properties", name)):
            return False
        roots = dict.fromkeys((*self._compiled.places.values(), self._compiled.root))
        for root in roots:
            value = self._contract.value(root.below("properties", name)) if self._is_there(root) else None
            if isinstance(value, dict) and value.get(word) is True:
                return True
        return any(
            isinstance(value, dict) and value.get(word) is True
            for value in _members_named(self._contract, ContractPlace(schema.file, schema.tokens[:-2]), name)
        )

    def _unwanted(self, error: jsonschema_rs.ValidationError, place: ContractPlace) -> Violation:
        value = self._contract.value(source_of(self._contract, place))
        is_marked = isinstance(value, dict)
        if self._direction == "request" and is_marked:
            return self._one("read-only-member", "info", error, place, "read-only", "sent")
        if is_marked:
            return self._one("write-only-member", "error", error, place, "write-only", "a member")
        return self._one("wrong-value", "error", error, place, "nothing", "a member")

    def _unknown_members(
        self, error: jsonschema_rs.ValidationError, here: Any, place: ContractPlace
    ) -> Iterator[Violation]:
        names: Sequence[str] = error.kind.as_dict()["unexpected"]
        schema = ContractPlace(place.file, place.tokens[:-1])
        own = self._is_there(source_of(self._contract, schema).below(str(place.tokens[-1])))
        if not own:
            known = _known_members(self._contract, source_of(self._contract, schema))
            names = [name for name in names if name not in known]
        if len(names) > MANY:
            names = ["*"]
        severity: Severity = "error" if own else "info"
        for name in names:
            found = type_of(here[name]) if isinstance(here, dict) and name in here else "members"
            shown = name if name == "*" or NAME.fullmatch(name) else "*"
            yield self._one("undocumented-member", severity, error, place, "no such member", found, shown)

    # -- choices

    def _choice(
        self, error: jsonschema_rs.ValidationError, body: Any, here: Any, place: ContractPlace, depth: int
    ) -> Iterator[Violation]:
        """The only branch that is meant speaks; else none of them fits. A discriminator has chosen before."""
        branches: list[list[jsonschema_rs.ValidationError]] = getattr(error.kind, "context", [])
        valid = error.kind.__class__.__name__.endswith("MultipleValid")
        if valid:
            fits = sum(not branch for branch in branches)
            yield self._one("wrong-choice", "info", error, place, "one of the choices", f"it fits {max(2, fits)}")
            return
        found = [list(self._branch(branch, body, depth)) for branch in branches]
        if any(not branch for branch in found):
            return  # a sealed value stands where this branch does not fit
        meant = [
            branch for errors, branch in zip(branches, found, strict=True) if not _misses(errors, error.instance_path)
        ]
        for branch in meant:
            if all(one.rule == "wrong-format" for one in branch):
                yield from branch
                return
        if len(meant) == 1:
            yield from meant[0]
            return
        wanted = f"one of {len(branches)} choices"
        yield self._one("wrong-choice", "error", error, place, wanted, f"{type_of(here)} that fits none")

    def _branch(self, errors: Sequence[jsonschema_rs.ValidationError], body: Any, depth: int) -> Iterator[Violation]:
        for error in errors[:LOOKED]:
            yield from self._of(error, body, depth + 1)


def _misses(errors: Sequence[jsonschema_rs.ValidationError], path: Sequence[str | int]) -> bool:
    """Whether a branch is for values of another type: none of them would speak of it."""
    return any(
        error.kind.name in ("type", "const", "enum") and list(error.instance_path) == list(path) for error in errors
    )


def _at(body: Any, path: Sequence[str | int]) -> Any:
    for token in path:
        try:
            body = body[token]
        except (KeyError, IndexError, TypeError):
            return None
    return body


def _starred(error: jsonschema_rs.ValidationError) -> list[str]:
    """Where in the body: `*` for an index, and for a key that the contract does not name."""
    tokens = list(error.instance_path)
    words = iter(error.evaluation_path)
    found: list[str] = []
    for word in words:
        if len(found) >= len(tokens):
            break
        if word in ("allOf", "anyOf", "oneOf", "dependentSchemas"):
            next(words, None)
        elif word == "properties":
            found.append(str(next(words, "")))
        elif word in ("items", "contains", "unevaluatedItems"):
            found.append("*")
        elif word in ("prefixItems", "patternProperties"):
            next(words, None)
            found.append("*")
        elif word in ("additionalProperties", "unevaluatedProperties"):
            found.append("*")
    return found + ["*"] * (len(tokens) - len(found))


def _known_members(contract: Contract, schema: ContractPlace, depth: int = 0) -> set[str]:
    """The names that a schema or a part of it speaks of."""
    value = contract.value(schema)
    if not isinstance(value, dict) or depth > DEPTH:
        return set()
    schema = contract.resolved(schema)
    found = set(value["properties"]) if isinstance(value.get("properties"), dict) else set()
    for word in ("allOf", "anyOf", "oneOf"):
        for index in range(len(value[word]) if isinstance(value.get(word), list) else 0):
            found |= _known_members(contract, schema.below(word, str(index)), depth + 1)
    for word in ("if", "then", "else"):
        if word in value:
            found |= _known_members(contract, schema.below(word), depth + 1)
    return found


def _members_named(contract: Contract, schema: ContractPlace, name: str, depth: int = 0) -> Iterator[Any]:
    """The schemas of a member in the parts of a whole."""
    try:
        value = contract.value(schema)
    except KeyError:
        return
    if not isinstance(value, dict) or depth > DEPTH:
        return
    schema = contract.resolved(schema)
    members = value.get("properties")
    if isinstance(members, dict) and name in members:
        yield contract.value(schema.below("properties", name))
    for word in ("allOf", "anyOf", "oneOf"):
        for index in range(len(value[word]) if isinstance(value.get(word), list) else 0):
            yield from _members_named(contract, schema.below(word, str(index)), name, depth + 1)


# -- words


def _either(types: Any) -> str:
    words = [types] if isinstance(types, str) else [str(one) for one in types or ()]
    order = ("string", "integer", "number", "boolean", "array", "object", "null")
    return " or ".join(sorted(words, key=lambda one: order.index(one) if one in order else 9)) or "another value"


def _one_of(options: Sequence[Any]) -> str:
    words = [one if isinstance(one, str) else json.dumps(one) for one in options]
    shown = ", ".join(words[:8]) + (f" and {len(words) - 8} more" if len(words) > 8 else "")
    return _cut(shown if len(words) == 1 else f"one of {shown}")


def _wanted(error: jsonschema_rs.ValidationError) -> str:
    kind, facts = error.kind.name, error.kind.as_dict()
    if kind == "enum":
        return _one_of(facts["options"])
    if kind == "const":
        return _one_of([facts["expected_value"]])
    if kind in _WORDS:
        return _cut(_WORDS[kind].format(facts[_VALUES[kind]]))
    return {"uniqueItems": "different items", "not": "anything but that"}.get(kind, kind)


def _length(kind: str, here: Any) -> str:
    """What was found, as far as the rule is about it."""
    if kind in ("minLength", "maxLength") and isinstance(here, str):
        return f"{len(here)} letters"
    if kind in ("minItems", "maxItems") and isinstance(here, list):
        return f"{len(here)} items"
    if kind in ("minProperties", "maxProperties") and isinstance(here, dict):
        return f"{len(here)} members"
    return f"another {type_of(here)}" if isinstance(here, str) else shape_of(here)


def _cut(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:79]}…"

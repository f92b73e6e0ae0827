"""JSON Schema (2020-12) of what a contract says of a body or a parameter, for one direction. Pure.

A `$ref` stays a reference, to a definition beside the schema: cycles are judged at every depth. What stands where keeps
its place, so that the place of an error leads back to the line of the contract. What is brought to 2020-12:

- 3.0: `nullable`, `exclusiveMinimum: true`, siblings of `$ref` (they do not count there), `example`;
- `readOnly` members of requests, `writeOnly` members of responses: not required, and found when they are there;
- members that no part of a schema speaks of: found by `unevaluatedProperties: false` at the root of an object, never
  inside anyOf, oneOf, not or if, where they would decide which branch fits;
- patterns that the engine does not take are left out.

A definition has therefore three forms: CLOSED at the root of an object, BRANCH inside allOf (members of it are closed),
OPEN below anyOf, oneOf, not and if.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

import jsonschema_rs

from ..errors import ConfigError
from .contract import Contract
from .document import ContractPlace, Tokens

Direction = Literal["request", "response"]
Form = Literal["closed", "branch", "open"]
Schema: TypeAlias = dict[str, Any] | bool
Key: TypeAlias = tuple[ContractPlace, Form]

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
PATTERNS: Final = jsonschema_rs.FancyRegexOptions(backtrack_limit=10_000, size_limit=1 << 20, dfa_size_limit=1 << 20)
DEFINITIONS: Final = 20_000  # of one schema
SKIPPED: Final = "x-found"  # marks what stands here for the finding alone, and is not the contract's

_MAPS: Final = ("properties", "patternProperties", "dependentSchemas", "$defs", "definitions")
_LISTS: Final[dict[str, Form]] = {"allOf": "branch", "anyOf": "open", "oneOf": "open", "prefixItems": "closed"}
_SINGLE: Final[dict[str, Form]] = {
    "items": "closed", "additionalProperties": "closed", "not": "open", "if": "open", "then": "branch",
    "else": "branch", "contains": "open", "propertyNames": "open", "unevaluatedItems": "closed",
    "unevaluatedProperties": "closed",
}  # fmt: skip
_PLAIN: Final = frozenset((
    "type", "enum", "const", "multipleOf", "maximum", "exclusiveMaximum", "minimum", "exclusiveMinimum", "maxLength",
    "minLength", "maxItems", "minItems", "uniqueItems", "maxProperties", "minProperties", "required", "format",
    "dependentRequired", "minContains", "maxContains",
))  # fmt: skip
_JUDGING: Final = _PLAIN | {"pattern", *_MAPS[:3], *_LISTS, *_SINGLE}  # beside these words a $ref is not alone


@dataclass(frozen=True, slots=True)
class Compiled:
    """A schema that judges, and the way from a place in it to a place in the contract."""

    validator: jsonschema_rs.Validator
    root: ContractPlace
    places: Mapping[str, ContractPlace]  # of its definitions, by their names

    def place(self, schema_path: Sequence[str | int]) -> ContractPlace:
        """The place in the contract of a place in the schema."""
        tokens = tuple(map(str, schema_path))
        if tokens[:1] == ("$defs",) and len(tokens) > 1:
            return self.places[tokens[1]].below(*tokens[2:])
        return self.root.below(*tokens)


class SchemaCompiler:
    """The schemas of one contract in one direction, each made when it is first asked for."""

    def __init__(self, contract: Contract, direction: Direction) -> None:
        self._contract, self._documents = contract, contract.documents
        self._unwanted = "readOnly" if direction == "request" else "writeOnly"
        self._made: dict[Key, Schema] = {}
        self._used: dict[Key, set[Key]] = {}
        self._names: dict[Key, str] = {}
        self._compiled: dict[ContractPlace, Compiled | None] = {}
        self._patterns: dict[str, bool] = {}
        self.problems: list[str] = []  # what could not be compiled, with file and line

    def compiled(self, place: ContractPlace) -> Compiled | None:
        """The schema at a place; None, and a problem, where it cannot be compiled."""
        if place not in self._compiled:
            try:
                self._compiled[place] = self._compile(place)
            except (ConfigError, ValueError, RecursionError, KeyError) as error:
                reason = str(error).splitlines()[0] if str(error) else type(error).__name__
                where = f"{place.file}:{self._documents.line(place)}: "
                self.problems.append(reason if isinstance(error, ConfigError) else f"{where}not judged: {reason}")
                self._compiled[place] = None
        return self._compiled[place]

    def _compile(self, place: ContractPlace) -> Compiled:
        root: Key = (place, "closed")
        definitions, waiting, seen = {}, [root], {root}
        while waiting:
            key = waiting.pop()
            definitions[self._name(key)] = self._definition(key)
            if len(definitions) > DEFINITIONS:
                raise ValueError(f"it needs more than {DEFINITIONS:,} definitions")
            fresh = self._used[key] - seen
            seen |= fresh
            waiting += fresh
        schema: Schema = {"$schema": DIALECT, "$ref": f"#/$defs/{self._name(root)}", "$defs": definitions}
        validator = jsonschema_rs.validator_for(schema, validate_formats=True, offline=True, pattern_options=PATTERNS)
        return Compiled(validator, place, {self._name(key): key[0] for key in seen})

    def _name(self, key: Key) -> str:
        return self._names.setdefault(key, str(len(self._names)))

    def _definition(self, key: Key) -> Schema:
        if key not in self._made:
            self._used[key] = set()
            self._made[key] = _Converter(self, key).schema(key[0], self._documents.at(key[0]), key[1])
        return self._made[key]

    # -- for the converter

    @property
    def is_30(self) -> bool:
        return self._contract.minor == 0

    def reference(self, place: ContractPlace, target: object, form: Form, by: Key) -> str:
        """The `$ref` to the definition of what a reference at a place leads to."""
        key: Key = (self._contract.resolved(self._documents.resolve(place, target)), form)
        self._used[by].add(key)
        return f"#/$defs/{self._name(key)}"

    def is_unwanted(self, place: ContractPlace, value: Any) -> bool:
        """Whether a member is one that this direction does not have."""
        if isinstance(value, dict) and "$ref" in value and self._unwanted not in value:
            value = self._contract.value(place)
        return isinstance(value, dict) and value.get(self._unwanted) is True

    def takes(self, pattern: str) -> bool:
        """Whether the engine can use a pattern."""
        if pattern not in self._patterns:
            try:
                jsonschema_rs.validator_for({"pattern": pattern}, offline=True, pattern_options=PATTERNS)
                self._patterns[pattern] = True
            except ValueError:
                self._patterns[pattern] = False
        return self._patterns[pattern]

    def has_members(self, place: ContractPlace, value: Any, depth: int = 0) -> bool:
        """Whether a schema, or a part of it, names members: one that names none is free-form."""
        if not isinstance(value, dict) or depth > 20:
            return False
        if "$ref" in value:
            target = self._contract.resolved(place)
            if target != place and self.has_members(target, self._documents.at(target), depth + 1):
                return True
        if isinstance(value.get("properties"), dict) and value["properties"]:
            return True
        return any(self.has_members(at, one, depth + 1) for at, one in _branches(place, value))

    def is_free(self, place: ContractPlace, value: Any, depth: int = 0) -> bool:
        """Whether a schema says, in some part, that any member may be there."""
        if not isinstance(value, dict) or depth > 20:
            return False
        if value.get("additionalProperties", False) is not False or value.get("unevaluatedProperties") is True:
            return True
        if "$ref" in value:
            target = self._contract.resolved(place)
            return target != place and self.is_free(target, self._documents.at(target), depth + 1)
        parts = list(_branches(place, value))
        # A branch that names no member takes any: `anyOf: [{properties: ...}, {type: object}]`.
        return any(self.is_free(at, one, depth + 1) or _takes_anything(one) for at, one in parts)


def _branches(place: ContractPlace, value: Mapping[str, Any]) -> Iterator[tuple[ContractPlace, Any]]:
    for word in ("allOf", "anyOf", "oneOf"):
        parts = value.get(word)
        for index, one in enumerate(parts if isinstance(parts, list) else ()):
            yield place.below(word, str(index)), one


def _takes_anything(value: Any) -> bool:
    if value is True or value == {}:
        return True
    words = {"$ref", "properties", "allOf", "anyOf", "oneOf", "required", "enum", "const", "not"}
    return isinstance(value, dict) and value.get("type") == "object" and not words & value.keys()


class _Converter:
    """Makes one definition."""

    def __init__(self, compiler: SchemaCompiler, key: Key) -> None:
        self._compiler, self._key = compiler, key

    def schema(self, place: ContractPlace, value: Any, form: Form) -> Schema:
        """The schema at a place in one form; ConfigError where a reference is broken."""
        if not isinstance(value, dict):
            return value if isinstance(value, bool) else True
        made: dict[str, Any] = {}
        if "$ref" in value:
            is_alone = self._compiler.is_30 or not _JUDGING & value.keys()
            inner: Form = form if is_alone else _inside(form)
            made["$ref"] = self._compiler.reference(place, value["$ref"], inner, self._key)
            if is_alone:
                return made
        self._plain(value, made)
        self._parts(place, value, form, made)
        self._close(place, value, form, made)
        if self._compiler.is_30 and value.get("nullable") is True:
            return _nullable(made)
        return made

    def _plain(self, value: Mapping[str, Any], made: dict[str, Any]) -> None:
        for word in _PLAIN & value.keys():
            made[word] = value[word]
        if self._compiler.is_30:
            for word, plain in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
                if isinstance(made.get(word), bool) and made.pop(word) and plain in made:
                    made[word] = made.pop(plain)
        pattern = value.get("pattern")
        if isinstance(pattern, str) and self._compiler.takes(pattern):
            made["pattern"] = pattern
        if made.get("format") in _LOOSE:
            del made["format"]
        for word in [word for word, right in _SHAPES.items() if word in made and not right(made[word])]:
            del made[word]

    def _parts(self, place: ContractPlace, value: Mapping[str, Any], form: Form, made: dict[str, Any]) -> None:
        for word, parts_form in _LISTS.items():
            parts = value.get(word)
            if word in ("oneOf", "anyOf") and (names := _discriminated(value, word)):
                self._discriminate(place, value, word, names, form, made)
            elif isinstance(parts, list) and parts:
                below = _of(form, parts_form)
                made[word] = [self.schema(place.below(word, str(index)), one, below) for index, one in enumerate(parts)]
        for word, part_form in _SINGLE.items():
            if word in value and not isinstance(value[word], list):
                made[word] = self.schema(place.below(word), value[word], _of(form, part_form))
        for word in _MAPS[:3]:
            members = value.get(word)
            if isinstance(members, dict):
                made[word] = self._members(place.below(word), members, form, word == "properties")
        if isinstance(members := made.get("patternProperties"), dict):
            for pattern in [one for one in members if not self._compiler.takes(one)]:
                del members[pattern]

    def _discriminate(
        self, place: ContractPlace, value: Mapping[str, Any], word: str, names: Sequence[Sequence[str]], form: Form,
        made: dict[str, Any],
    ) -> None:  # fmt: skip
        """The branch that the discriminating member names is the only one that counts, whichever others fit."""
        member = value["discriminator"]["propertyName"]
        rules: list[Schema] = made.setdefault("allOf", [])
        all_names = [name for known in names for name in known]
        rules.append({"type": "object", "required": [member], "properties": {member: {"enum": all_names}}})
        for index, known in enumerate(names):
            said: Schema = {"required": [member], "properties": {member: {"enum": list(known)}}}
            branch = self.schema(place.below(word, str(index)), value[word][index], _of(form, "branch"))
            rules.append({"if": said, "then": branch})

    def _members(self, place: ContractPlace, members: Mapping[str, Any], form: Form, named: bool) -> dict[str, Schema]:
        made: dict[str, Schema] = {}
        for name, one in members.items():
            if named and self._compiler.is_unwanted(place.below(name), one):
                made[name] = form == "open"  # false finds it; in a branch it must not decide which one fits
            else:
                made[name] = self.schema(place.below(name), one, _of(form, "closed"))
        return made

    def _close(self, place: ContractPlace, value: Mapping[str, Any], form: Form, made: dict[str, Any]) -> None:
        """Members that are not required in this direction, and those that nothing speaks of."""
        members = value.get("properties")
        if isinstance(members, dict) and isinstance(made.get("required"), list):
            unwanted = {
                name for name in made["required"]
                if name in members and self._compiler.is_unwanted(place.below("properties", name), members[name])
            }  # fmt: skip
            if unwanted:
                made["required"] = [name for name in made["required"] if name not in unwanted]
        if form != "closed" or {"additionalProperties", "unevaluatedProperties"} & value.keys():
            return
        if self._compiler.has_members(place, value) and not self._compiler.is_free(place, value):
            made["unevaluatedProperties"] = False
            made[SKIPPED] = True


def _discriminated(value: Mapping[str, Any], word: str) -> list[list[str]]:
    """What the discriminating member may be for each branch; empty where that is not said of all of them."""
    said, parts = value.get("discriminator"), value.get(word)
    if not isinstance(said, dict) or not isinstance(said.get("propertyName"), str) or not isinstance(parts, list):
        return []
    told = said.get("mapping")
    mapping: Mapping[str, Any] = told if isinstance(told, dict) else {}
    found = []
    for part in parts:
        reference = part.get("$ref") if isinstance(part, dict) else None
        if not isinstance(reference, str):
            return []
        last = reference.rpartition("/")[2]
        found.append([*(str(name) for name, target in mapping.items() if target in (reference, last)), last])
    return found


def _inside(form: Form) -> Form:
    """Of a reference with other words around it: the whole is closed, not this part of it."""
    return "branch" if form == "closed" else form


def _of(form: Form, below: Form) -> Form:
    return "open" if form == "open" else below


def _nullable(made: dict[str, Any]) -> Schema:
    """`nullable: true` of 3.0, in a schema without a type as well: authors mean it so."""
    if isinstance(made.get("type"), str) and not {"allOf", "anyOf", "oneOf", "not", "const"} & made.keys():
        more = {"enum": [*made["enum"], None]} if "enum" in made and None not in made["enum"] else {}
        return {**made, "type": [made["type"], "null"], **more}
    return {"if": {"type": "null"}, "else": made}


# Formats that the OpenAPI registry lists and JSON Schema does not know are no matter; of these two the common use is
# looser than the RFC: "uri" stands for templates and relative references as well.
_LOOSE: Final = frozenset(("uri-reference", "iri", "iri-reference", "regex", "json-pointer"))


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_type(value: Any) -> bool:
    known = {"null", "boolean", "object", "array", "number", "string", "integer"}
    words = value if isinstance(value, list) else [value]
    return bool(words) and all(isinstance(word, str) and word in known for word in words)


def _is_names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value) and len(set(value)) == len(value)


# What a word must look like to be used: a contract with `required: true` in a member (of draft 3) is common.
_SHAPES: Final[dict[str, Any]] = {
    "type": _is_type, "enum": lambda value: isinstance(value, list) and bool(value), "required": _is_names,
    "format": lambda value: isinstance(value, str), "uniqueItems": lambda value: isinstance(value, bool),
    "multipleOf": lambda value: _is_number(value) and value > 0,
    "dependentRequired": lambda value: isinstance(value, dict) and all(map(_is_names, value.values())),
    **dict.fromkeys(("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"), _is_count),
    **dict.fromkeys(("minContains", "maxContains"), _is_count),
    **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), _is_number),
}  # fmt: skip


def source_of(contract: Contract, place: ContractPlace) -> ContractPlace:
    """A place in the contract as its author wrote it: without what was put around it for `nullable`."""
    value: Any = contract.documents.file(place.file, place).value
    tokens: list[str] = []
    for token in place.tokens:
        inside = value[token] if isinstance(value, dict) and token in value else None
        if isinstance(value, list) and token.isdecimal() and int(token) < len(value):
            inside = value[int(token)]
        if inside is None and token in ("else", "if") and not (isinstance(value, dict) and token in value):
            continue
        if inside is None and not (isinstance(value, dict) and token in value):
            break
        tokens.append(token)
        value = inside
    return ContractPlace(place.file, tuple(tokens))


__all__ = ["Compiled", "Direction", "SchemaCompiler", "Tokens", "source_of"]

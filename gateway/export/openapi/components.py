"""Schemas that a document says several times become components: one Order for its list, its page and its form. Pure.

Object schemas with the same members are one thing when they have five members or more, or the same noun in their paths.
The component admits what each of its places showed: a union of inferred schemas, which claims no more than they do.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from ...model.singular import singular
from ..scenario.templated_text import free

Object = dict[str, Any]

TELLING: Final = 5  # members that tell a thing without its noun
LEAST: Final = 2  # members of a component
ALIKE: Final = 0.7  # share of members that schemas of one noun have in common
_SCHEMAS: Final = "#/components/schemas/"


def shared(paths: Mapping[str, Object]) -> tuple[dict[str, Object], Object]:
    """(the paths with references, the components by name); the same paths where nothing comes twice."""
    kinds = _Kinds()
    for hint, schema in _roots(paths):
        for noun, node in _objects(schema, hint):
            kinds.add(node, noun)
    several = kinds.several()
    components = {kind.name: _inside(_all(iter(kind.nodes)), kinds, kind.noun) for kind in several}
    return {path: _path(path, item, kinds) for path, item in paths.items()}, components


@dataclass(slots=True)
class _Kind:
    """Schemas that are one thing."""

    noun: str
    names: frozenset[str]
    nodes: list[Object] = field(default_factory=list)
    name: str = ""  # of the component; "" where it stands in one place alone


class _Kinds:
    """The things of a document. Members that may be missing make no other thing of what has the same noun."""

    def __init__(self) -> None:
        self._all: list[_Kind] = []
        self._known: dict[tuple[frozenset[str], str], _Kind] = {}

    def add(self, schema: Object, noun: str) -> None:
        names = frozenset(schema["properties"])
        kind = self._known.get((names, noun)) or self._like(names, noun)
        if kind is None:
            kind = _Kind(noun, names)
            self._all.append(kind)
        self._known[names, noun] = kind
        kind.names |= names
        kind.nodes.append(schema)

    def several(self) -> list[_Kind]:
        taken: set[str] = set()
        found = [kind for kind in self._all if len(kind.nodes) > 1]
        for kind in found:
            kind.name = free(_pascal(kind.noun), taken)
        return found

    def name_of(self, schema: Object, noun: str) -> str:
        kind = self._known.get((frozenset(schema["properties"]), noun))
        return kind.name if kind else ""

    def _like(self, names: frozenset[str], noun: str) -> _Kind | None:
        for kind in self._all:
            if names == kind.names and (len(names) >= TELLING or noun == kind.noun):
                return kind
            if noun == kind.noun and len(names & kind.names) >= ALIKE * len(names | kind.names):
                return kind
        return None


# -- where schemas stand


def _roots(paths: Mapping[str, Object]) -> Iterator[tuple[str, Object]]:
    """(noun, schema) of every body."""
    for path, item in paths.items():
        for operation in item.values():
            for hint, media in _bodies(path, operation):
                if "schema" in media:
                    yield hint, media["schema"]


def _bodies(path: str, operation: Object) -> Iterator[tuple[str, Object]]:
    noun = _noun(path)
    for media, content in operation.get("requestBody", {}).get("content", {}).items():
        if "json" in media:
            yield f"new_{noun}", content
    for status, response in operation.get("responses", {}).items():
        for media, content in response.get("content", {}).items():
            if "json" in media:
                yield (noun if status.startswith("2") else "error"), content


def _noun(path: str) -> str:
    """ "order" of /orders/{order_id}; an action's fragment speaks for itself."""
    path, _, action = path.partition("#")
    if action:
        return f"{action.rpartition('=')[2].rpartition('.')[2]}_result"
    words = [
        segment for segment in path.split("/") if segment and "{" not in segment and re.search("[A-Za-z]", segment)
    ]
    return _one(words[-1]) if words else "thing"


def _one(word: str) -> str:
    parts = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+", word) or ["thing"]
    return "_".join([*(part.lower() for part in parts[:-1]), singular(parts[-1].lower())])


def _pascal(noun: str) -> str:
    name = "".join(part[:1].upper() + part[1:] for part in re.split(r"[^A-Za-z0-9]+", noun) if part)
    return name if name[:1].isalpha() else f"Thing{name}"


def _objects(schema: Object, noun: str) -> Iterator[tuple[str, Object]]:
    """(noun, schema) of every object with members, from the outside in."""
    if _is_shareable(schema):
        yield noun, schema
    for word, below in _below(schema):
        for inner in below:
            yield from _objects(inner, _noun_of(word, noun))


def _below(schema: Object) -> Iterator[tuple[str, list[Object]]]:
    """(the member's name, "" for items and the like; schemas) one level down."""
    for name, member in schema.get("properties", {}).items():
        yield name, [member]
    for word in ("items", "additionalProperties"):
        if isinstance(schema.get(word), dict):
            yield "", [schema[word]]
    if "anyOf" in schema:
        yield "", schema["anyOf"]


def _noun_of(member: str, noun: str) -> str:
    """Wrappers such as `data` and `items` hold what the path is about."""
    return noun if member.lower() in ("", "data", "items", "results", "result", "records", "value") else _one(member)


def _is_shareable(schema: Object) -> bool:
    return len(schema.get("properties", ())) >= LEAST and set(_types(schema)) <= {"object", "null"}


# -- references


def _path(path: str, item: Object, kinds: _Kinds) -> Object:
    found = json.loads(json.dumps(item))
    for operation in found.values():
        for hint, media in _bodies(path, operation):
            if "schema" in media:
                media["schema"] = _referring(media["schema"], kinds, hint)
    return dict(found)


def _referring(schema: Object, kinds: _Kinds, noun: str) -> Object:
    """The schema, or a reference to the component that stands for it."""
    if _is_shareable(schema) and (name := kinds.name_of(schema, noun)):
        reference = {"$ref": f"{_SCHEMAS}{name}"}
        return {"anyOf": [reference, {"type": "null"}]} if "null" in _types(schema) else reference
    return _inside(schema, kinds, noun)


def _inside(schema: Object, kinds: _Kinds, noun: str) -> Object:
    """The schema itself, with references below."""
    out: Object = {}
    for word, below in schema.items():
        if word == "properties" and isinstance(below, dict):
            out[word] = {name: _referring(member, kinds, _noun_of(name, noun)) for name, member in below.items()}
        elif word in ("items", "additionalProperties") and isinstance(below, dict):
            out[word] = _referring(below, kinds, noun)
        elif word == "anyOf":
            out[word] = [_referring(one, kinds, noun) for one in below]
        else:
            out[word] = below
    return out


# -- unions of inferred schemas


def _all(schemas: Iterator[Object]) -> Object:
    found = next(schemas)
    for other in schemas:
        found = union(found, other)
    return {**found, "type": "object"}  # null is said where the component is used


def union(one: Object, other: Object) -> Object:
    """A schema that admits what either of two inferred schemas admits."""
    if one == other or not other:
        return one
    if not one:
        return other
    if "anyOf" in one or "anyOf" in other:
        parts = [*one.get("anyOf", [one]), *other.get("anyOf", [other])]
        return {"anyOf": [json.loads(text) for text in dict.fromkeys(json.dumps(part) for part in parts)]}
    types = sorted({*_types(one), *_types(other)})
    if {"integer", "number"} <= set(types):
        types.remove("integer")
    found: Object = {"type": types[0] if len(types) == 1 else types}
    for word in ("format", "contentMediaType"):
        if word in one and one.get(word) == other.get(word):
            found[word] = one[word]
    if "enum" in one and "enum" in other:
        found["enum"] = list(dict.fromkeys([*one["enum"], *other["enum"]]))
    return found | _members(one, other)


def _types(schema: Object) -> list[str]:
    given = schema.get("type", [])
    return [given] if isinstance(given, str) else list(given)


def _members(one: Object, other: Object) -> Object:
    found: Object = {}
    objects = [each for each in (one, other) if "object" in _types(each)]
    if any("properties" in each for each in objects):
        names = dict.fromkeys(name for each in objects for name in each.get("properties", {}))
        found["properties"] = {
            name: union(*(each.get("properties", {}).get(name, {}) for each in (one, other))) for name in names
        }
        required = [name for name in names if all(name in each.get("required", ()) for each in objects)]
        found |= {"required": required} if required else {}
    for word in ("items", "additionalProperties"):
        if word in one or word in other:
            found[word] = union(one.get(word, {}), other.get(word, {}))
    return found

"""Values of parameters as the contract writes them: `style`, `explode`, `content`. Pure.

What was sent is text; its schema says what it stands for. A value that can stand for the type that is asked for does:
"7" is an integer where one is wanted, and a string where a string is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final
from urllib.parse import unquote, unquote_plus

from .contract import ApiParameter, Contract
from .document import ContractPlace

ABSENT: Final = object()
Pairs = Sequence[tuple[str, str]]  # names and values, percent-encoded as they were sent

_INTEGER: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,300})")
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
_DEEP: Final = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])+)")
_ANY: Final[frozenset[str]] = frozenset()


def query_pairs(query: str) -> Pairs:
    """A query's pairs, not decoded: what separates and what was encoded can still be distinguished."""
    parts = [part.partition("=") for part in query.split("&") if part]
    return [(name, value) for name, _, value in parts]


class ParameterValues:
    """What a request says for the parameters of an operation."""

    def __init__(
        self, contract: Contract, path: Mapping[str, str], query: str, headers: Pairs, cookies: Mapping[str, str]
    ) -> None:
        self._contract, self._path, self._query = contract, path, query_pairs(query)
        self._text, self._headers, self._cookies = query, headers, cookies
        self.used: set[str] = set()  # names of the query that a parameter speaks of

    def value(self, parameter: ApiParameter) -> Any:
        """The value, as its schema's type where it can stand for one; ABSENT when there is none."""
        if parameter.where == "querystring":
            return self._querystring(parameter)
        if parameter.media_type:
            text = self._single(parameter)
            return ABSENT if text is None else _document(unquote(text), parameter.media_type)
        if parameter.where == "query":
            return self._of_query(parameter)
        text = self._single(parameter)
        if text is None:
            return ABSENT
        return self._simple(parameter, text, decode=unquote if parameter.where == "path" else str)

    def undocumented(self) -> list[str]:
        """Names in the query that no parameter speaks of."""
        return [name for name in dict.fromkeys(unquote_plus(name) for name, _ in self._query) if name not in self.used]

    def _single(self, parameter: ApiParameter) -> str | None:
        if parameter.where == "path":
            return self._path.get(parameter.name)
        if parameter.where == "header":
            low = parameter.name.lower()
            found = [value for name, value in self._headers if name.lower() == low]
            return ",".join(found) if found else None
        if parameter.where == "cookie":
            return self._cookies.get(parameter.name)
        found = self._named(parameter.name)
        return found[0] if found else None

    def _named(self, name: str) -> list[str]:
        found = [value for key, value in self._query if unquote_plus(key) == name]
        if found:
            self.used.add(name)
        return found

    def _querystring(self, parameter: ApiParameter) -> Any:
        """OpenAPI 3.2: the query as a whole is one document."""
        self.used |= {unquote_plus(name) for name, _ in self._query}
        if not self._text:
            return ABSENT
        if parameter.media_type == "application/x-www-form-urlencoded":
            found: dict[str, Any] = {}
            for name, value in self._query:
                found.setdefault(unquote_plus(name), unquote_plus(value))
            return self._typed_members(parameter.schema, found)
        return _document(unquote(self._text), parameter.media_type)

    def _of_query(self, parameter: ApiParameter) -> Any:
        types = self._types(parameter.schema)
        if parameter.style == "deepObject":
            return self._deep(parameter)
        if "object" in types and parameter.explode and parameter.style == "form":
            return self._spread(parameter)
        found = self._named(parameter.name)
        if not found and "array" in types:
            found = self._named(f"{parameter.name}[]")  # as PHP and Rails have it, under the name without brackets
        if not found:
            return ABSENT
        if "array" in types and (parameter.explode or len(found) > 1) and parameter.style == "form":
            return [self._item(parameter.schema, unquote_plus(one)) for one in found]
        if "array" in types or "object" in types:
            parts = _split(found[0], _SEPARATORS.get(parameter.style, ","))
            return self._listed(parameter.schema, types, [unquote_plus(part) for part in parts])
        return self._typed(parameter.schema, unquote_plus(found[0]))

    def _deep(self, parameter: ApiParameter) -> Any:
        """`filter[price][gte]=1`, one member for every bracket."""
        found: dict[str, Any] = {}
        for name, value in self._query:
            match = _DEEP.fullmatch(unquote_plus(name))
            if match is None or match[1] != parameter.name:
                continue
            self.used.add(match[0])
            _put(found, match[2][1:-1].split("][")[:20], unquote_plus(value))
        return self._typed_members(parameter.schema, found) if found else ABSENT

    def _spread(self, parameter: ApiParameter) -> Any:
        """An exploded object: its members stand in the query by themselves."""
        members = self._members(parameter.schema)
        found = {name: unquote_plus(values[0]) for name in members if (values := self._named(name))}
        return self._typed_members(parameter.schema, found) if found else ABSENT

    def _simple(self, parameter: ApiParameter, text: str, *, decode: Any) -> Any:
        """simple, label and matrix: of paths and headers; form: of cookies."""
        types, separator = self._types(parameter.schema), ","
        if parameter.style == "label":
            text, separator = text.removeprefix("."), "." if parameter.explode else ","
        elif parameter.style == "matrix":
            return self._matrix(parameter, text, types, decode)
        if "array" not in types and "object" not in types:
            return self._typed(parameter.schema, decode(text))
        parts = [decode(part.strip() if parameter.where == "header" else part) for part in _split(text, separator)]
        return self._listed(parameter.schema, types, parts, pairs=parameter.explode)

    def _matrix(self, parameter: ApiParameter, text: str, types: frozenset[str], decode: Any) -> Any:
        pairs = [part.partition("=") for part in text.removeprefix(";").split(";")]
        values = [decode(value) for name, _, value in pairs if name == parameter.name]
        if "object" in types and parameter.explode:
            found = {decode(name): decode(value) for name, _, value in pairs}
            return self._typed_members(parameter.schema, found)
        if "array" in types or "object" in types:
            parts = values if parameter.explode else _split(values[0] if values else "", ",")
            return self._listed(parameter.schema, types, parts)
        return self._typed(parameter.schema, values[0] if values else "")

    def _listed(
        self, schema: ContractPlace | None, types: frozenset[str], parts: Sequence[str], *, pairs: bool = False
    ) -> Any:
        if "object" in types and "array" not in types:
            if pairs:
                split = [part.partition("=") for part in parts]
                return self._typed_members(schema, {name: value for name, _, value in split})
            return self._typed_members(schema, dict(zip(parts[::2], parts[1::2], strict=False)))
        return [self._item(schema, part) for part in parts]

    # -- types

    def _item(self, schema: ContractPlace | None, text: str) -> Any:
        return self._typed(None if schema is None else self._below(schema, "items"), text)

    def _typed_members(self, schema: ContractPlace | None, found: Mapping[str, Any]) -> Any:
        return {name: self._member(schema, name, value) for name, value in found.items()}

    def _member(self, schema: ContractPlace | None, name: str, value: Any) -> Any:
        below = None if schema is None else self._property(schema, name)
        if isinstance(value, dict) and "array" in self._types(below) and all(key.isdecimal() for key in value):
            value = list(value.values())  # `ids[]=1&ids[]=2`
        if isinstance(value, dict):
            return self._typed_members(below, value)
        if isinstance(value, list):
            return [self._item(below, one) if isinstance(one, str) else one for one in value]
        if "array" in self._types(below):
            return [self._item(below, value)]
        return self._typed(below, value)

    def _typed(self, schema: ContractPlace | None, text: str) -> Any:
        return typed(text, self._types(schema))

    def _below(self, schema: ContractPlace, word: str) -> ContractPlace | None:
        value = self._contract.value(schema)
        if isinstance(value, dict) and word in value:
            return self._contract.resolved(schema).below(word)
        return None

    def _property(self, schema: ContractPlace, name: str) -> ContractPlace | None:
        for part in self._parts(schema):
            value = self._contract.value(part)
            if isinstance(value.get("properties"), dict) and name in value["properties"]:
                return self._contract.resolved(part).below("properties", name)
        return None

    def _members(self, schema: ContractPlace | None) -> list[str]:
        found: dict[str, None] = {}
        for part in () if schema is None else self._parts(schema):
            members = self._contract.value(part).get("properties")
            found |= dict.fromkeys(members if isinstance(members, dict) else ())
        return list(found)

    def _parts(self, schema: ContractPlace, depth: int = 0) -> Iterable[ContractPlace]:
        """The schema and what it is made of."""
        value = self._contract.value(schema)
        if not isinstance(value, dict) or depth > 10:
            return
        yield schema
        for word in ("allOf", "anyOf", "oneOf"):
            for index in range(len(value[word]) if isinstance(value.get(word), list) else 0):
                yield from self._parts(self._contract.resolved(schema).below(word, str(index)), depth + 1)

    def _types(self, schema: ContractPlace | None) -> frozenset[str]:
        """The types that a schema allows as far as it says so; none of one that says nothing."""
        if schema is None:
            return _ANY
        found: set[str] = set()
        for part in self._parts(schema):
            value = self._contract.value(part)
            said = value.get("type")
            found |= {said} if isinstance(said, str) else set(said) if isinstance(said, list) else set()
            if value.get("nullable") is True and self._contract.minor == 0:
                found.add("null")
            if "properties" in value and said is None:
                found.add("object")
            for one in value.get("enum", ()) if said is None and isinstance(value.get("enum"), list) else ():
                found.add(_type_of(one))
        return frozenset(found)


_SEPARATORS: Final = {"spaceDelimited": "%20", "pipeDelimited": "|", "form": ","}


def _split(text: str, separator: str) -> list[str]:
    if separator == "%20":
        return re.split("%20|\\+", text)
    if separator == "|":
        return re.split("\\||%7[Cc]", text)
    return text.split(separator)


def _put(found: dict[str, Any], keys: Sequence[str], value: str) -> None:
    for key in keys[:-1]:
        inside = found.setdefault(key, {})
        if not isinstance(inside, dict):
            return
        found = inside
    last = keys[-1]
    if last == "" or last.isdecimal():
        found.setdefault(last or str(len(found)), value)
    elif last in found:
        there = found[last]
        found[last] = [*there, value] if isinstance(there, list) else [there, value]
    else:
        found[last] = value


def _document(text: str, media_type: str) -> Any:
    if "json" not in media_type:
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _type_of(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if value is None:
        return "null"
    if isinstance(value, int):
        return "integer"
    return "number" if isinstance(value, float) else "string"


def typed(text: str, types: frozenset[str]) -> Any:
    """What a text stands for where one of these types is wanted; itself where it can stand for none."""
    if not types or "string" in types:
        return text
    if {"integer", "number"} & types and _INTEGER.fullmatch(text):
        return int(text)
    if "number" in types and _NUMBER.fullmatch(text):
        return float(text)
    if "integer" in types and _NUMBER.fullmatch(text) and float(text).is_integer():
        return int(float(text))
    if "boolean" in types and text in ("true", "false"):
        return text == "true"
    if "null" in types and text in ("", "null"):
        return None
    return text

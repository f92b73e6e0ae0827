"""Whether a JSON value is what a JSON Schema (2020-12) says; the judging is jsonschema-rs. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from json import dumps, loads
from typing import Any, Final

from jsonschema_rs import Draft202012Validator, ReferencingError, RegexOptions, ValidationError

from ..errors import UsageError, did_you_mean

Schema = Mapping[str, Any] | bool
# The vocabularies of 2020-12. The meta-schema lets unknown words pass; here a misspelled rule must not go unnoticed.
ONE_BELOW: Final = (
    "items", "additionalProperties", "not", "if", "then", "else", "contains", "propertyNames", "unevaluatedItems",
    "unevaluatedProperties", "contentSchema",
)  # fmt: skip
LIST_BELOW: Final = ("anyOf", "oneOf", "allOf", "prefixItems")
NAMED_BELOW: Final = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas")
OTHER: Final = (
    "$schema", "$id", "$ref", "$anchor", "$dynamicRef", "$dynamicAnchor", "$comment", "$vocabulary", "title",
    "description", "default", "deprecated", "readOnly", "writeOnly", "examples", "format", "contentEncoding",
    "contentMediaType", "type", "enum", "const", "required", "dependentRequired", "minProperties", "maxProperties",
    "minItems", "maxItems", "uniqueItems", "minContains", "maxContains", "minLength", "maxLength", "pattern",
    "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf",
)  # fmt: skip
KEYWORDS: Final = frozenset((*ONE_BELOW, *LIST_BELOW, *NAMED_BELOW, *OTHER))


def check_schema(schema: Any) -> None:
    """UsageError where it is no schema, where a reference leads nowhere, or where a word is none of 2020-12."""
    _compiled(dumps(schema))
    _check_words(schema)


def faults(value: Any, schema: Schema) -> Iterator[str]:
    """What is wrong with a value, each with its JSON Pointer: '/id: "x" is not of type "integer"'; nothing when it
    fits. UsageError where the schema cannot be used."""
    for error in _compiled(dumps(schema)).iter_errors(value):
        pointer = "".join(f"/{part}" for part in error.instance_path)
        yield f"{pointer or 'the value'}: {error.message}"


@lru_cache(maxsize=64)
def _compiled(text: str) -> Draft202012Validator:
    # No network, and patterns in linear time: a schema comes from anybody who may write an assertion.
    try:
        return Draft202012Validator(loads(text), offline=True, pattern_options=RegexOptions())
    except (ValidationError, ReferencingError, ValueError) as error:
        message = getattr(error, "message", "") or str(error).partition("\n")[0]
        raise UsageError(f"this schema cannot be used: {message}") from None


def _check_words(schema: Any) -> None:
    if not isinstance(schema, dict):
        return
    for word, below in schema.items():
        if word not in KEYWORDS:
            raise UsageError(f"{word!r} is not understood in a schema{did_you_mean(word, KEYWORDS)}")
        if word in ONE_BELOW:
            _check_words(below)
        elif word in LIST_BELOW or word in NAMED_BELOW:
            for inner in below.values() if isinstance(below, dict) else below:
                _check_words(inner)

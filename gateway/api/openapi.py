"""The OpenAPI 3.1 description of the JSON API, made from the rows that serve it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from .schemas import SCHEMAS

if TYPE_CHECKING:
    from .operation import ApiCall, ApiField, Schema

PREFIX = "/_gateway/api/v1/"

PARAMETERS = {
    "id": "an id, a unique prefix of one, an exact title, a session's name, @last, @last~N, @last-run or @last-run~N",
    "session": "the id of a session, as GET sessions lists it",
    "cluster": "the name of a cluster in routes.yaml",
}


def document(operations: Iterable[ApiCall], *, version: str, server: str) -> dict[str, Any]:
    """The whole description."""
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        paths.setdefault(PREFIX + operation.path, {})[operation.method.lower()] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "What-If Gateway",
            "version": version,
            "description": "What the console and the command line use. Writes send Content-Type: application/json; "
            "requests of other sites are refused. Errors are problem details (RFC 9457).",
        },
        "servers": [{"url": server}],
        "paths": paths,
        "components": {"schemas": SCHEMAS, "responses": {"Problem": _problem()}},
    }


def _operation(operation: ApiCall) -> dict[str, Any]:
    found: dict[str, Any] = {
        "operationId": operation.id,
        "summary": operation.summary,
        "tags": [operation.path.partition("/")[0]],
        "parameters": [
            *(_path_parameter(name, operation.path) for name in re.findall(r"{(\w+)}", operation.path)),
            *(_query_parameter(field) for field in operation.query),
        ],
        "responses": {
            "200": {"description": operation.summary, "content": {operation.media: {"schema": operation.answer}}},
            "default": {"$ref": "#/components/responses/Problem"},
        },
    }
    if operation.method != "GET":
        found["requestBody"] = {
            "required": any(field.required for field in operation.body),
            "content": {"application/json": {"schema": _body(operation.body)}},
        }
    if operation.takes:
        found["requestBody"] = {"description": operation.takes, "required": True, "content": {"application/json": {}}}
    return found


def _body(fields: tuple[ApiField, ...]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {field.name: {**_type(field), "description": field.help} for field in fields},
        "required": [field.name for field in fields if field.required],
        "additionalProperties": False,
    }


def _type(field: ApiField) -> Schema:
    if field.type in ("strings", "integers"):
        return {"type": "array", "items": {"type": field.type.removesuffix("s")}}
    return {"type": field.type}


def _path_parameter(name: str, path: str) -> dict[str, Any]:
    text = "the id of an exchange" if path.startswith("exchanges/") else PARAMETERS[name]
    return {"name": name, "in": "path", "required": True, "description": text, "schema": {"type": "string"}}


def _query_parameter(field: ApiField) -> dict[str, Any]:
    return {
        "name": field.name,
        "in": "query",
        "required": field.required,
        "description": field.help,
        "schema": _type(field),
    }


def _problem() -> dict[str, Any]:
    return {
        "description": "What went wrong, where, and what to try",
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }

"""One row per call of the JSON API: the same row serves it and describes it. I/O."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from ..errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from aiohttp import web
    from aiohttp.typedefs import Handler

Schema = Mapping[str, Any]
Type = Literal["string", "number", "boolean", "integer", "strings", "integers"]

PYTHON_TYPES: dict[Type, tuple[type, ...]] = {
    "string": (str,),
    "number": (int, float),
    "boolean": (bool,),
    "integer": (int,),
    "strings": (list,),
    "integers": (list,),
}


@dataclass(frozen=True, slots=True)
class ApiField:
    """A member of a JSON body, or a parameter of a query."""

    name: str
    type: Type
    help: str
    required: bool = False


@dataclass(frozen=True, slots=True)
class ApiCall:
    """`path` is relative to /_gateway/api/v1/. `answer` is the schema of a good response, "" media means JSON."""

    method: str
    path: str
    handler: Handler
    summary: str
    answer: Schema
    query: tuple[ApiField, ...] = ()
    body: tuple[ApiField, ...] = ()
    media: str = "application/json"
    takes: str = ""  # what the body is where it is no JSON object

    @property
    def id(self) -> str:
        """ "list_recordings": the handler's name."""
        name = str(getattr(self.handler, "__name__", self.path))
        return f"{name}_of_session" if self.path.startswith("sessions/{session}/") else name


async def read_body(request: web.Request, fields: tuple[ApiField, ...]) -> dict[str, Any]:
    """The members of a JSON object, checked against `fields`; UsageError says what is off."""
    try:
        body = json.loads(await request.text() or "{}")
    except (ValueError, RecursionError) as error:
        raise UsageError(f"the body is not JSON: {error}") from None
    return checked_body(body, fields)


def checked_body(body: object, fields: tuple[ApiField, ...]) -> dict[str, Any]:
    """The same of a body that is read already."""
    if not isinstance(body, dict):
        raise UsageError("the body is not a JSON object")
    known = {field.name: field for field in fields}
    for name in body:
        if name not in known:
            takes = f"it takes {', '.join(known)}" if known else "it takes none"
            raise UsageError(f"{name!r} is not a member of this call's body{did_you_mean(name, known)}", hint=takes)
    for field in fields:
        _check(field, body)
    return body


def query_text(request: web.Request, name: str, default: str = "") -> str:
    return request.query.get(name, default)


def query_int(request: web.Request, name: str, default: int, *, most: int) -> int:
    """A whole number from 1 to `most`; UsageError otherwise."""
    text = request.query.get(name, "")
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 10 and 1 <= int(text) <= most):
        raise UsageError(f"{name}={text[:40]} is not a whole number from 1 to {most}")
    return int(text)


def _check(field: ApiField, body: Mapping[str, Any]) -> None:
    if field.name not in body:
        if field.required:
            raise UsageError(f"the body lacks {field.name!r}: {field.help}")
        return
    value = body[field.name]
    good = isinstance(value, PYTHON_TYPES[field.type]) and (field.type == "boolean" or not isinstance(value, bool))
    if good and field.type in ("string", "strings"):
        good = all(
            isinstance(item, str) and _is_unicode(item) for item in ([value] if field.type == "string" else value)
        )
    if good and field.type == "integers":
        good = all(isinstance(item, int) and not isinstance(item, bool) for item in value)
    if not good:
        raise UsageError(f"{field.name!r} is not {_a(field.type)}")


def _is_unicode(text: str) -> bool:
    """JSON can spell half a surrogate pair, which no file can hold."""
    return not any("\ud800" <= c <= "\udfff" for c in text)


def _a(type: Type) -> str:
    return {
        "strings": "a list of strings",
        "integers": "a list of whole numbers",
        "integer": "a whole number",
        "boolean": "true or false",
    }.get(type, f"a {type}")

"""A step's form filled from the session, and the call that comes of it. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote, urlencode

from .definition.choices import options
from .definition.expressions import ExpressionError, is_expression, worked_out
from .definition.parse_parts import FORBIDDEN, PLACEHOLDER
from .definition.schema import CallTemplate, Choice, DemoStep, FormField, Upload, WhatIf
from .multipart import multipart

WHOLE = re.compile(r"[-+]?[0-9]{1,400}")
DECIMAL = re.compile(r"[-+]?(?:[0-9]{1,400}\.[0-9]{0,400}|\.[0-9]{1,400}|[0-9]{1,400})(?:[eE][-+]?[0-9]{1,3})?")
BODYLESS = ("GET", "HEAD", "DELETE", "OPTIONS")
ACCEPT = ("Accept", "application/json, */*;q=0.5")


class NotSent(Exception):
    """A call that cannot be made yet; `missing` names the value that is not known, if that is why."""

    def __init__(self, message: str, missing: str = "") -> None:
        super().__init__(message)
        self.missing = missing


@dataclass(frozen=True, slots=True)
class FilledField:
    """A field as the form shows it. `origin`: "session", "default", "expression", "typed" or ""."""

    field: FormField
    value: Any = None
    origin: str = ""
    problem: str = ""
    missing: str = ""
    options: tuple[Choice, ...] = ()  # what can be chosen now

    @property
    def shown(self) -> str:
        """The text in the input; a secret is never put into a page."""
        return "" if self.field.is_secret else text_of(self.value)

    @property
    def chosen(self) -> frozenset[str]:
        """The texts of the options that are chosen."""
        return frozenset(map(text_of, self.value)) if isinstance(self.value, list | tuple) else frozenset({self.shown})

    @property
    def other(self) -> str:
        """What was typed in place of an option."""
        listed = {text_of(option.value) for option in self.options}
        return "" if self.field.multiple or self.shown in listed else self.shown


@dataclass(frozen=True, slots=True)
class PreparedCall:
    """One request to a cluster; `path` is below the cluster's prefix, percent-encoded, with its query."""

    method: str
    cluster: str
    path: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None
    via: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    secrets: tuple[str, ...] = ()  # what must be masked wherever this call or its response is shown


def text_of(value: Any) -> str:
    """A value as a person would type it."""
    if value is None:
        return ""
    if isinstance(value, str | Upload):
        return str(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, ensure_ascii=False, default=str)


def fill(step: DemoStep, values: Mapping[str, Any], typed: Mapping[str, Any] | None = None) -> tuple[FilledField, ...]:
    """The form before it is sent: what was `typed` just now, else the session's value, else the default."""
    filled: list[FilledField] = []
    for each in step.fields:
        known = {**values, **{before.field.name: before.value for before in filled if before.value is not None}}
        found = _fill(each, known, values, typed or {})
        filled.append(replace(found, options=options(each.choices, each.choices_from, values)))
    return tuple(filled)


def _fill(
    each: FormField, known: Mapping[str, Any], values: Mapping[str, Any], typed: Mapping[str, Any]
) -> FilledField:
    if each.name in typed and not each.is_secret:
        return FilledField(each, typed[each.name], "typed")
    if is_expression(each.default):
        try:
            return FilledField(each, worked_out(each.default, known), "expression")
        except ExpressionError as error:
            return FilledField(each, missing=error.missing, problem="" if error.missing else str(error))
    if values.get(each.name) is not None:
        return FilledField(each, values[each.name], "session")
    return FilledField(each, each.default, "default" if each.default is not None else "")


def read_form(
    filled: tuple[FilledField, ...], submitted: Mapping[str, str | Upload | list[str]], *, checked: bool = False
) -> tuple[dict[str, Any], dict[str, str]]:
    """(values, problems by field) of a form that came back; an empty field is None. With `checked` values must meet
    the fields' rules: a what-if may break them, which is how a 422 is shown."""
    values: dict[str, Any] = {}
    problems: dict[str, str] = {}
    for each in filled:
        name = each.field.name
        given = submitted.get(name, "")
        if isinstance(given, Upload) or each.field.kind == "file":
            values[name] = given if isinstance(given, Upload) and each.field.kind == "file" else None
            continue
        try:
            values[name] = (
                [_typed(each, one) for one in given] or None if isinstance(given, list) else _typed(each, given)
            )
        except ValueError as error:
            values[name], problems[name] = given, str(error)
    rules = {each.field.name: each.field.rules for each in filled if each.field.rules is not None} if checked else {}
    for name, rule in rules.items():
        if name not in problems and (problem := rule.problem(values[name])):
            problems[name] = problem
    return values, problems


def _typed(each: FilledField, text: str) -> Any:
    kind, text = each.field.kind, text.replace("\r\n", "\n")
    if kind == "checkbox":
        return bool(text)
    if not text:
        return each.value if each.field.is_secret else None
    for option in each.options:
        if text_of(option.value) == text:
            return option.value
    if each.field.choices:
        raise ValueError(f"'{text[:80]}' is not one of the choices")
    # What the form showed comes back as the value that it was: an order's number stays a number.
    if kind == "text" and text == each.shown and each.value is not None:
        return each.value
    return READERS.get(kind, str)(text)


def _number(text: str) -> int | float:
    text = text.strip()
    if WHOLE.fullmatch(text):
        return int(text)
    if DECIMAL.fullmatch(text):
        return float(text)
    raise ValueError(f"'{text[:80]}' is not a number")


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise ValueError(f"is not JSON: {error}") from None


READERS = {"number": _number, "json": _json}


def build(
    step: DemoStep, fields: Mapping[str, Any], values: Mapping[str, Any], what_if: WhatIf | None = None
) -> PreparedCall:
    """The call that this form makes, or that the what-if makes of it; NotSent says what is missing."""
    fields, known = changed(fields, values, what_if)
    template = what_if.call if what_if and what_if.call else step.call
    try:
        headers = _headers(step, what_if, known)
        path, used = path_of(template, known)
        query = worked_out(step.query, known) if step.query is not None else None
        rest = {name: value for name, value in fields.items() if name not in used and value is not None}
        # Another call of the what-if takes the form's fields only where they have a place in its path.
        if what_if and what_if.call and (template.method, template.cluster) != (step.call.method, step.call.cluster):
            rest, query = {}, None
        body, content_type = _body(step, what_if, template.method, rest, known)
    except ExpressionError as error:
        raise NotSent(str(error), error.missing) from None
    if query is None and template.method in BODYLESS and body is None:
        query = rest
    return PreparedCall(
        method=template.method,
        cluster=template.cluster,
        path=with_query(path, query or {}),
        headers=complete(headers, content_type),
        body=body,
        via=dict(what_if.via or {}) if what_if else {},
        delay=what_if.delay if what_if else 0.0,
        secrets=tuple(text_of(fields[f.name]) for f in step.fields if f.is_secret and fields.get(f.name)),
    )


def changed(
    fields: Mapping[str, Any], values: Mapping[str, Any], what_if: WhatIf | None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The fields, and all known values, with the what-if's set and unset applied. NotSent names a value that is
    missing."""
    given_fields = dict(fields)
    known = {**values, **{name: value for name, value in fields.items() if value is not None}}
    if what_if is None:
        return given_fields, known
    try:
        given = {name: worked_out(value, known) for name, value in what_if.set.items()}
    except ExpressionError as error:
        raise NotSent(str(error), error.missing) from None
    known |= given
    given_fields |= {name: value for name, value in given.items() if name in given_fields}
    for name in what_if.unset:
        given_fields.pop(name, None)
        known.pop(name, None)
    return given_fields, known


def path_of(template: CallTemplate, known: Mapping[str, Any]) -> tuple[str, frozenset[str]]:
    """The path with its placeholders filled in and percent-encoded, and the names that it used; NotSent names one that
    is not known."""
    used = frozenset(PLACEHOLDER.findall(template.path))
    for name in sorted(used):
        if known.get(name) is None:
            raise NotSent(f"'{name}' is empty, and the path {template.path} needs it", name)
    path = PLACEHOLDER.sub(lambda match: quote(text_of(known[match[1]]), safe=""), template.path)
    # What the author wrote may hold other letters; what is encoded already stays as it is.
    return quote(path, safe="%/:?@!$&'()*+,;=~[]"), used


def _headers(step: DemoStep, what_if: WhatIf | None, known: Mapping[str, Any]) -> dict[str, tuple[str, Any]]:
    """By lower-case name, so that a what-if replaces or removes (null) what the step says."""
    wanted = {name.lower(): (name, value) for name, value in (step.headers or {}).items()}
    if what_if is not None:
        wanted |= {name.lower(): (name, value) for name, value in (what_if.headers or {}).items()}
    found: dict[str, tuple[str, Any]] = {}
    for low, (name, value) in wanted.items():
        text = None if value is None else text_of(worked_out(value, known))
        if text is not None and any(c in text for c in "\r\n\0"):
            raise NotSent(f"the header {name} would hold a line break")
        found[low] = (name, text)
    return {low: pair for low, pair in found.items() if low not in FORBIDDEN}


def _body(
    step: DemoStep, what_if: WhatIf | None, method: str, rest: Mapping[str, Any], known: Mapping[str, Any]
) -> tuple[bytes | None, str]:
    """(bytes, content type) of the declared body, else of the fields that are left."""
    declared = what_if.body if what_if and what_if.body else step.body
    if declared is not None:
        return body_of(declared.value, known, step.send)
    if method in BODYLESS or not rest:
        return None, ""
    return _encoded(dict(rest), step.send)


def body_of(declared: Any, known: Mapping[str, Any], send: str) -> tuple[bytes | None, str]:
    """(bytes, content type) of a declared body; ExpressionError names a value that is missing."""
    value = worked_out(declared, known)
    if value is None:
        return None, ""
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass"), "text/plain; charset=utf-8"
    if isinstance(value, Upload):
        return value.data, value.content_type
    return _encoded(value, send)


def _encoded(value: Any, send: str) -> tuple[bytes, str]:
    """A value as JSON, form or multipart."""
    if send == "multipart" and isinstance(value, dict):
        return multipart((name, item if isinstance(item, Upload) else text_of(item)) for name, item in _repeated(value))
    if send == "form" and isinstance(value, dict):
        pairs = [(name, text_of(item)) for name, item in _repeated(value)]
        return urlencode(pairs, errors="surrogatepass").encode(), "application/x-www-form-urlencoded"
    return json.dumps(value, ensure_ascii=False, default=str).encode("utf-8", "surrogatepass"), "application/json"


def _repeated(value: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """A list is one field several times, as browsers send it."""
    for name, item in value.items():
        yield from ((name, one) for one in item) if isinstance(item, list) else [(name, item)]


def complete(headers: dict[str, tuple[str, Any]], content_type: str) -> tuple[tuple[str, str], ...]:
    usual = [ACCEPT, *([("Content-Type", content_type)] if content_type else [])]
    pairs = [(name, value) for name, value in usual if name.lower() not in headers]
    return (*pairs, *((name, value) for name, value in headers.values() if value is not None))


def with_query(path: str, query: Mapping[str, Any]) -> str:
    pairs = []
    for name, value in query.items():
        items = value if isinstance(value, list) else [value]
        pairs += [(name, text_of(item)) for item in items if item is not None]
    if not pairs:
        return path
    return f"{path}{'&' if '?' in path else '?'}{urlencode(pairs, quote_via=quote, errors='surrogatepass')}"

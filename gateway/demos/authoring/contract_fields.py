"""Fields of a form from a contract: what an operation takes, as demo.yaml says it. Pure.

Examples, then defaults fill the fields. A body with objects inside has a template of its own, whose members are fields
down to DEPTH; arrays of objects are one field of JSON.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from ...contracts.contract import ApiOperation, ApiParameter, Content, Contract
from ...contracts.document import ContractPlace
from ...model.linear_patterns import compile_linear
from ..definition.parse_parts import FORBIDDEN
from ..masking import is_secret_name
from ..step import BODYLESS
from .yaml_text import EMPTY

DEPTH: Final = 3  # objects within objects whose members are fields
FIELDS: Final = 20  # of one form
_SAMPLES: Final = {
    "date": "2026-01-31", "date-time": "2026-01-31T12:00:00Z", "email": "ada@example.com", "time": "12:00:00Z",
    "uri": "https://example.com/", "uuid": "123e4567-e89b-42d3-a456-426614174000", "ipv4": "192.0.2.1",
}  # fmt: skip
USUAL: Final = frozenset(("accept", "content-type", "authorization", "user-agent"))
_FORMS: Final = ("application/x-www-form-urlencoded", "multipart/form-data")
_PROSE: Final = re.compile(r"(?i)(?:text|body|description|comment|note|message|content|bio|summary)s?$")
_SCALARS: Final = ("string", "integer", "number", "boolean")
ABSENT: Final = object()


@dataclass(slots=True)
class StepForm:
    """The fields of a step, and the body that they make where its members are not the fields themselves."""

    fields: dict[str, Any] = field(default_factory=dict)
    body: Any = None
    needed: list[str] = field(default_factory=list)  # required fields that are no part of the path
    query: dict[str, str] | None = None  # written out, where the fields are not the query
    queried: list[str] = field(default_factory=list)  # fields that are parameters of the query
    headers: dict[str, str] = field(default_factory=dict)
    send: str = ""
    is_empty: bool = False  # no field is part of the body


class ContractForms:
    """Forms for the operations of one contract."""

    def __init__(self, contract: Contract) -> None:
        self._contract = contract

    def form(self, operation: ApiOperation, names: Mapping[str, ApiParameter | None]) -> StepForm:
        """The fields of a call; `names` are the places of its path, as a demo calls them."""
        form = StepForm()
        for name, parameter in names.items():
            schema = parameter.schema if parameter else None
            form.fields[name] = self.field(name, schema, required=True, example=self._example(parameter))
        content = self._contract.request_body(operation)
        parameters = self._contract.parameters(operation)
        self._headers([one for one in parameters if one.where == "header"], form)
        queries = sorted((one for one in parameters if one.where == "query"), key=lambda one: not one.required)
        if operation.method in BODYLESS and not content:
            self._query(queries, form)
            if form.headers:  # their fields are none of the query
                form.query = {name: f"{{{{ {name} }}}}" for name in form.queried if self._is_filled(form, name)}
            return form
        needed = [one for one in queries if one.required]
        self._query(needed, form)
        form.query = {name: f"{{{{ {name} }}}}" for name in form.queried} if needed else None
        is_written = operation.method in BODYLESS or bool(needed or form.headers)
        if content:
            self._body(content, form, is_written=is_written)
        form.is_empty = not content and is_written
        return form

    def _is_filled(self, form: StepForm, name: str) -> bool:
        return name in form.needed or default_of(form.fields[name]) is not EMPTY

    def _headers(self, parameters: Sequence[ApiParameter], form: StepForm) -> None:
        """Those that are required and that nobody else sends."""
        for one in parameters:
            name = value_name(one.name)
            if one.required and one.name.lower() not in FORBIDDEN | USUAL and name not in form.fields:
                form.fields[name] = self.field(name, one.schema, required=True, example=self._example(one))
                form.needed.append(name)
                form.headers[one.name] = f"{{{{ {name} }}}}"

    def _query(self, parameters: Sequence[ApiParameter], form: StepForm) -> None:
        for one in parameters:
            name = one.name
            if len(form.fields) >= FIELDS or one.deprecated or value_name(name) != name or name in form.fields:
                continue
            form.fields[name] = self.field(name, one.schema, required=one.required, example=self._example(one))
            form.queried.append(name)
            if one.required:
                form.needed.append(name)

    def _body(
        self, contents: Sequence[Content], form: StepForm, *, is_written: bool
    ) -> None:  # fmt: skip
        """Fields of the first kind of body that a form can send, JSON before others. `is_written`: other fields are no
        part of it, so that it is a template."""
        chosen = min(contents, key=lambda one: _readiness(one.media_type))
        if not self._is_structured(chosen):
            self._plain_body(chosen, form)
            return
        assert chosen.schema is not None
        example = self._body_example(chosen)
        members = self.members(chosen.schema)
        form.send = {"application/x-www-form-urlencoded": "form", "multipart/form-data": "multipart"}.get(
            chosen.media_type, ""
        )
        if not members:
            form.fields["body"] = {"type": "json", "default": example if example is not None else {}}
            form.body = "{{ body }}"
            return
        sample = example if isinstance(example, dict) else {}
        nested = any(self.members(place) for place, _ in members.values())
        plain = all(value_name(name) == name and name not in form.fields for name in members)
        form.body = {} if is_written or nested or not plain else None
        self._add_members(members, sample, form, (), form.body)

    def _is_structured(self, content: Content) -> bool:
        """Whether its members can be fields."""
        if content.schema is None:
            return False
        return "json" in content.media_type or (content.media_type in _FORMS and bool(self.members(content.schema)))

    def _plain_body(self, content: Content, form: StepForm) -> None:
        """Text in one field, or a file."""
        media, example = content.media_type, self._body_example(content)
        is_text = media.startswith("text/") or media.endswith(("xml", "json", "yaml", "urlencoded"))
        if is_text and isinstance(example, str | None):
            text = example if example and "{{" not in example and "{%" not in example else None
            form.fields["body"] = {"type": "textarea"} | ({"default": text} if text else {})
            if media not in ("text/plain", "text/*"):
                form.headers["Content-Type"] = media
        else:
            form.fields["body"] = {"type": "file"}
        form.body = "{{ body }}"

    def _body_example(self, content: Content) -> Any:
        whole = self._contract.value(content.place) or {}
        example = whole.get("example")
        if example is None and isinstance(whole.get("examples"), dict) and whole["examples"]:
            first = self._contract.value(content.place.below("examples", next(iter(whole["examples"]))))
            example = first.get("value") if isinstance(first, dict) else None
        return example

    def _add_members(
        self, members: Mapping[str, tuple[ContractPlace, bool]], sample: Mapping[str, Any], form: StepForm,
        above: tuple[str, ...], body: dict[str, Any] | None,
    ) -> None:  # fmt: skip
        """Fields of an object; of a body with objects inside, only what is needed or has an example."""
        for name, (place, required) in members.items():
            value = self._contract.value(place)
            if not isinstance(value, dict) or value.get("readOnly") is True or len(form.fields) >= FIELDS:
                continue
            below = self.members(place) if len(above) + 1 < DEPTH else {}
            given = sample.get(name)
            if below and body is not None:
                if required or isinstance(given, dict):
                    inner: dict[str, Any] = {}
                    self._add_members(below, given if isinstance(given, dict) else {}, form, (*above, name), inner)
                    if inner:
                        body[name] = inner
                continue
            field_name = self._free(value_name(name), above, form)
            described = self.field(name, place, required=required, example=given)
            if body is not None:
                if not required and default_of(described) is EMPTY:
                    continue  # an expression without a value cannot be sent
                body[name] = f"{{{{ {field_name} }}}}"
            form.fields[field_name] = described
            if required:
                form.needed.append(field_name)

    def _free(self, name: str, above: Sequence[str], form: StepForm) -> str:
        found = name if name not in form.fields else "_".join([*map(value_name, above), name])
        number = 2
        while found in form.fields:
            found, number = f"{name}_{number}", number + 1
        return found

    def members(self, place: ContractPlace, depth: int = 0) -> dict[str, tuple[ContractPlace, bool]]:
        """The members of an object, those of its allOf too: (schema, required) by name."""
        value = self._contract.value(place)
        if not isinstance(value, dict) or depth > 8:
            return {}
        place = self._contract.resolved(place)
        found: dict[str, tuple[ContractPlace, bool]] = {}
        for word in ("anyOf", "oneOf"):  # an object or null
            alternatives = value[word] if isinstance(value.get(word), list) else []
            other = [at for at, one in enumerate(alternatives) if isinstance(one, dict) and one.get("type") != "null"]
            if len(other) == 1:
                found |= self.members(place.below(word, str(other[0])), depth + 1)
        required = set(map(str, value["required"])) if isinstance(value.get("required"), list) else set()
        for index in range(len(value["allOf"]) if isinstance(value.get("allOf"), list) else 0):
            found |= self.members(place.below("allOf", str(index)), depth + 1)
        members = value.get("properties")
        for name in members if isinstance(members, dict) else ():
            found[name] = (place.below("properties", name), False)
        return {name: (at, needed or name in required) for name, (at, needed) in found.items()}

    def _schema(self, place: ContractPlace) -> Mapping[str, Any]:
        """What a schema says of one value. Of choices the one beside null (what FastAPI makes of Optional), else text
        where all of them are scalars."""
        value = self._contract.value(place)
        if not isinstance(value, dict) or "type" in value or "enum" in value:
            return value if isinstance(value, dict) else {}
        at = self._contract.resolved(place)
        for word in ("anyOf", "oneOf", "allOf"):
            listed = value.get(word)
            found = [self._contract.value(at.below(word, str(index))) for index in range(len(listed or ()))]
            others = [one for one in found if isinstance(one, dict) and one.get("type") != "null"]
            outside = {name: one for name, one in value.items() if name != word}
            if len(others) == 1:
                return {**others[0], **outside}
            if others and word != "allOf" and all(_type(one) in _SCALARS for one in others):
                return {"type": "string", **outside}
        return value

    def field(self, name: str, place: ContractPlace | None, *, required: bool, example: Any) -> Any:
        """A field as demo.yaml has it: a default alone where that says it all."""
        schema = self._schema(place) if place is not None else {}
        kind, choices = _kind(name, schema), _choices(schema)
        default = schema.get("default")
        if example is not ABSENT:
            default = _first(example, schema.get("example"), _listed(schema.get("examples")), default)
        if default is None and required and example is not ABSENT:
            default = _sample(schema, choices)
        described: dict[str, Any] = {} if kind == "text" else {"type": kind}
        if default not in (None, "") and kind not in ("password", "file"):
            described["default"] = _fitting(default, kind, choices)
        if required:
            described["required"] = True
        if choices and not required and "default" not in described:
            choices = ["", *choices]  # what nobody chose is not sent
        described |= _rules(schema, kind) if not choices else {"choices": choices}
        text = schema.get("description")
        if isinstance(text, str) and text.strip():
            described["help"] = " ".join(text.split())[:120].replace("{", "(").replace("}", ")")
        return described or EMPTY

    def _example(self, parameter: ApiParameter | None) -> Any:
        """The example of a parameter. Places of a path without one stay empty: the session fills them."""
        value = self._contract.value(parameter.place) if parameter else None
        given = _first(value.get("example"), _listed(value.get("examples"))) if isinstance(value, dict) else None
        if given is None and (parameter is None or parameter.where == "path"):
            return ABSENT
        return given


def _readiness(media: str) -> int:
    """JSON before forms before text before all else."""
    return 0 if "json" in media else 1 if media in _FORMS else 2 if media.startswith("text/") else 3


def value_name(text: str) -> str:
    """A name that a demo's value may have."""
    found = re.sub(r"\W+", "_", text, flags=re.ASCII).strip("_") or "value"
    return f"_{found}" if found[0].isdigit() else found


def _first(*values: Any) -> Any:
    return next((value for value in values if value is not None), None)


def _listed(value: Any) -> Any:
    if isinstance(value, dict):
        first = next(iter(value.values()), None)
        return first.get("value") if isinstance(first, dict) else None
    return value[0] if isinstance(value, list) and value else None


def _type(schema: Mapping[str, Any]) -> str:
    said = schema.get("type")
    if isinstance(said, list):
        said = next((one for one in said if one != "null"), "string")
    if isinstance(said, str):
        return said
    return "object" if "properties" in schema else "string" if "enum" in schema or not schema else ""


def _kind(name: str, schema: Mapping[str, Any]) -> str:
    type, format = _type(schema), schema.get("format")
    if type in ("integer", "number"):
        return "number"
    if type == "boolean":
        return "checkbox"
    if type in ("array", "object") or (not type and schema):
        return "json"
    if is_secret_name(name) or format == "password":
        return "password"
    if format == "binary":
        return "file"
    if format in ("date", "email"):
        return str(format)
    length = schema.get("maxLength")
    is_long = not isinstance(length, int) or length > 200
    return "textarea" if is_long and format is None and _PROSE.search(name) else "text"


def _choices(schema: Mapping[str, Any]) -> list[Any]:
    found = schema.get("enum")
    if not isinstance(found, list) or any(isinstance(one, dict | list) for one in found):
        return []
    return [one for one in found if one is not None][:200]


def _rules(schema: Mapping[str, Any], kind: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if kind == "number":
        for word, more in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
            value, edge = schema.get(word), schema.get(more)
            if _is_number(value):
                found[word[:3]] = value
            elif _is_number(edge) and isinstance(edge, int) and _type(schema) == "integer":
                found[word[:3]] = edge + (1 if word == "minimum" else -1)
        if _type(schema) == "integer" and found:
            found["step"] = 1
        return found if found.get("min", 0) <= found.get("max", found.get("min", 0)) else {}
    if kind not in ("text", "textarea", "password"):
        return found
    for word, key in (("minLength", "min_length"), ("maxLength", "max_length")):
        value = schema.get(word)
        if isinstance(value, int) and not isinstance(value, bool) and value > 0:
            found[key] = value
    pattern = schema.get("pattern")
    if isinstance(pattern, str) and kind == "text" and (whole := _whole(pattern)) and _is_linear(whole):
        found["pattern"] = whole
    return found


def _whole(pattern: str) -> str:
    """A pattern over the whole text: those of JSON Schema are searched for, those of forms fit all of it."""
    if _has_alternatives(pattern):
        return f"(?:.*(?:{pattern}).*)" if "^" not in pattern and "$" not in pattern else ""
    inner = pattern.removeprefix("^")
    ends = inner.endswith("$") and not inner.endswith("\\$")
    inner = inner[:-1] if ends else inner
    return f"{'' if pattern.startswith('^') else '.*'}{inner}{'' if ends else '.*'}"


def _has_alternatives(pattern: str) -> bool:
    """Whether a bar stands outside all groups and classes, where `^` and `$` belong to one side of it only."""
    depth, in_class = 0, False
    for char in re.findall(r"\\.|.", pattern, re.DOTALL):
        if in_class:
            in_class = char != "]"
        elif char == "[":
            in_class = True
        elif char in ("(", ")"):
            depth += 1 if char == "(" else -1
        elif char == "|" and depth == 0:
            return True
    return False


def _is_linear(pattern: str) -> bool:
    """Whether a form can have it: those of JSON Schema look around and refer back, those of forms (RE2) do not."""
    try:
        compile_linear(pattern, utf8=True)
    except ValueError:
        return False
    return True


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _sample(schema: Mapping[str, Any], choices: Sequence[Any]) -> Any:
    """A value for a required field without an example."""
    if choices:
        return choices[0]
    type = _type(schema)
    if type in ("integer", "number"):
        return _rules(schema, "number").get("min", 1)
    if type == "boolean":
        return False
    if type in ("array", "object"):
        return [] if type == "array" else {}
    format = schema.get("format")
    if isinstance(format, str) and format in _SAMPLES:
        return _SAMPLES[format]
    least, most = schema.get("minLength"), schema.get("maxLength")
    text = "sample" if not isinstance(schema.get("pattern"), str) else None
    if text is None:
        return None
    if isinstance(least, int) and len(text) < least <= 100:
        text = (text * 20)[:least]
    return text[:most] if isinstance(most, int) and most > 0 else text


def _fitting(default: Any, kind: str, choices: Sequence[Any]) -> Any:
    """A default that its field takes: only JSON has more than one value."""
    if choices and default not in choices:
        return choices[0]
    if isinstance(default, dict | list) and kind != "json":
        return EMPTY
    if isinstance(default, str):
        return EMPTY if "{{" in default or "{%" in default or "{#" in default else default
    return default


def default_of(described: Any) -> Any:
    return described.get("default", EMPTY) if isinstance(described, dict) else EMPTY

"""Steps of a demo from a contract: create, read, change, delete of every tag, with fields that fit. Pure.

A value that a response gives is kept for the paths that need it, by the contract's `links`, else by names: the `id` of
POST /orders for `{orderId}`. What-ifs are those that the contract documents; each says that nobody has seen it yet.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final

from ...contracts.contract import ApiOperation, ApiParameter, Contract
from ...contracts.document import ContractPlace
from ...errors import ConfigError
from ...model.linear_patterns import compile_linear
from ...model.singular import singular
from ..definition.parse_parts import METHODS
from ..definition.schema import slug_of
from ..masking import is_secret_name
from ..step import BODYLESS
from .yaml_text import EMPTY, flow, member

MOST_STEPS: Final = 500
DEPTH: Final = 3  # objects within objects whose members are fields
FIELDS: Final = 20  # of one form
UNSEEN: Final = "From the contract, not seen yet: "
_PLACE: Final = re.compile(r"\{([^{}]+)\}")
_ORDER: Final = {"POST": 0, "GET": 1, "PUT": 2, "PATCH": 3, "DELETE": 4}
_TOKENS: Final = ("access_token", "token", "jwt", "id_token")
_SAMPLES: Final = {
    "date": "2026-01-31", "date-time": "2026-01-31T12:00:00Z", "email": "ada@example.com", "time": "12:00:00Z",
    "uri": "https://example.com/", "uuid": "123e4567-e89b-42d3-a456-426614174000", "ipv4": "192.0.2.1",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ContractStep:
    """A step as text of demo.yaml, without the line that names its hash. `id` is the operation's, made a word."""

    id: str
    title: str
    lines: tuple[str, ...]

    @property
    def hash(self) -> str:
        """Of its own text: a step whose text still has it was not edited."""
        return hash_of(self.lines)

    @property
    def text(self) -> list[str]:
        """Its lines with the comment before them."""
        return [f"  # contract: {self.id} {self.hash}", *self.lines]


def hash_of(lines: Sequence[str]) -> str:
    """Eight hexadecimal digits of a step's text; blank lines at its end do not count."""
    return sha256("\n".join(lines).rstrip().encode("utf-8", "replace")).hexdigest()[:8]


@dataclass(slots=True)
class _StepForm:
    """The fields of a step, and the body that they make where its members are not the fields themselves."""

    fields: dict[str, Any] = field(default_factory=dict)
    body: Any = None
    needed: list[str] = field(default_factory=list)  # required fields that are no part of the path


def steps_of(contract: Contract, cluster: str, *, tag: str = "") -> list[ContractStep]:
    """The steps of a contract in the order in which a reader tries them; of one tag, when it is too large for one
    demo."""
    return list(_Maker(contract, cluster).steps(tag))[:MOST_STEPS]


class _Maker:
    def __init__(self, contract: Contract, cluster: str) -> None:
        self._contract, self._cluster = contract, cluster
        self._titles: set[str] = set()
        self._ids: set[str] = set()
        self._login = ""

    def steps(self, tag: str) -> Iterator[ContractStep]:
        operations = [one for one in self._contract.operations if one.method in METHODS and "?" not in one.path]
        login = next(filter(self._gives_token, operations), None)
        if login is not None:
            yield from self._step(login)
            self._login = "token"
        groups: dict[str, list[ApiOperation]] = {}
        for one in operations:
            if one is not login and tag in ("", self._tag(one)):
                groups.setdefault(self._tag(one), []).append(one)
        for group in groups.values():
            for one in sorted(group, key=lambda one: (_collection(one.path), _rank(one))):
                yield from self._step(one)

    def _step(self, operation: ApiOperation) -> Iterator[ContractStep]:
        """One, or none of an operation whose part of the contract is broken."""
        try:
            made = self._made(operation)
        except (ConfigError, KeyError):
            return
        yield made

    def _made(self, operation: ApiOperation) -> ContractStep:
        path, names = self._path(operation)
        title = self._title(operation)
        form = self._form(operation, names)
        verbs: dict[str, Any] = {"call": f"{operation.method} {self._cluster}:{path}"}
        about = self._said(operation, "summary")
        if about and about != title:
            verbs["about"] = about
        if form.fields:
            verbs["form"] = form.fields
        headers = self._headers(operation)
        if headers:
            verbs["headers"] = headers
        if form.body is not None:
            verbs["body"] = form.body
        if keep := self._keep(operation):
            verbs["keep"] = keep
        if what_ifs := self._what_ifs(operation, names, form, headers):
            verbs["what_if"] = what_ifs
        lines = [f"  - title: {flow(title)}"]
        for verb, value in verbs.items():
            lines += member(verb, value, 4, spread=verb in ("form", "what_if"))
        return ContractStep(self._id(operation), title, tuple(lines))

    # -- names

    def _tag(self, operation: ApiOperation) -> str:
        tags = (self._contract.value(operation.place) or {}).get("tags")
        if isinstance(tags, list) and tags and isinstance(tags[0], str):
            return tags[0]
        return next((part for part in operation.path.split("/") if part and "{" not in part), "")

    def _title(self, operation: ApiOperation) -> str:
        words = self._said(operation, "summary") or _words_of(operation.id) or operation.label
        base = words[:70].strip().rstrip(".") or operation.label
        title, number = base if slug_of(base) else operation.label, 2
        while slug_of(title) in self._titles:
            title, number = f"{base} {number}", number + 1
        self._titles.add(slug_of(title))
        return title

    def _id(self, operation: ApiOperation) -> str:
        base = re.sub(r"[^\w.-]+", "-", operation.id or operation.label).strip("-")
        found, number = base, 2
        while found in self._ids:
            found, number = f"{base}-{number}", number + 1
        self._ids.add(found)
        return found

    def _said(self, operation: ApiOperation, word: str) -> str:
        value = self._contract.value(operation.place)
        text = value.get(word) if isinstance(value, dict) else None
        line = " ".join(text.split()) if isinstance(text, str) else ""
        return "".join(char for char in line if char.isprintable() and char not in "{}")[:200]

    def _path(self, operation: ApiOperation) -> tuple[str, dict[str, ApiParameter | None]]:
        """(the path with places that a demo can name, its parameters by those names)."""
        known = {one.name: one for one in self._contract.parameters(operation) if one.where == "path"}
        names: dict[str, ApiParameter | None] = {}

        def place(match: re.Match[str]) -> str:
            name = _name(match[1])
            names[name] = known.get(match[1])
            return f"{{{name}}}"

        return _PLACE.sub(place, operation.path).replace(" ", "%20"), names

    # -- fields

    def _form(self, operation: ApiOperation, names: Mapping[str, ApiParameter | None]) -> _StepForm:
        form = _StepForm()
        for name, parameter in names.items():
            schema = parameter.schema if parameter else None
            form.fields[name] = self._field(name, schema, required=True, example=self._example(parameter))
        if operation.method in BODYLESS:
            self._query(operation, form)
        else:
            self._body(operation, form)
        return form

    def _query(self, operation: ApiOperation, form: _StepForm) -> None:
        found = [one for one in self._contract.parameters(operation) if one.where == "query"]
        found.sort(key=lambda one: not one.required)
        for one in found:
            if len(form.fields) >= FIELDS or one.deprecated or _name(one.name) != one.name or one.name in form.fields:
                continue
            example = self._example(one)
            form.fields[one.name] = self._field(one.name, one.schema, required=one.required, example=example)
            if one.required:
                form.needed.append(one.name)

    def _body(self, operation: ApiOperation, form: _StepForm) -> None:
        content = self._contract.request_body(operation)
        chosen = next((one for one in content if "json" in one.media_type), None)
        if chosen is None or chosen.schema is None:
            return
        whole = self._contract.value(chosen.place) or {}
        example = whole.get("example")
        if example is None and isinstance(whole.get("examples"), dict) and whole["examples"]:
            first = self._contract.value(chosen.place.below("examples", next(iter(whole["examples"]))))
            example = first.get("value") if isinstance(first, dict) else None
        members = self._members(chosen.schema)
        if not members:
            form.fields["body"] = {"type": "json", "default": example if example is not None else {}}
            form.body = "{{ body }}"
            return
        sample = example if isinstance(example, dict) else {}
        nested = any(self._members(place) for place, _ in members.values())
        plain = all(_name(name) == name and name not in form.fields for name in members)
        form.body = {} if nested or not plain else None
        self._add_members(members, sample, form, (), form.body)

    def _add_members(
        self, members: Mapping[str, tuple[ContractPlace, bool]], sample: Mapping[str, Any], form: _StepForm,
        above: tuple[str, ...], body: dict[str, Any] | None,
    ) -> None:  # fmt: skip
        """Fields of an object; of a body with objects inside, only what is needed or has an example."""
        for name, (place, required) in members.items():
            value = self._contract.value(place)
            if not isinstance(value, dict) or value.get("readOnly") is True or len(form.fields) >= FIELDS:
                continue
            below = self._members(place) if len(above) + 1 < DEPTH else {}
            given = sample.get(name)
            if below and body is not None:
                if required or isinstance(given, dict):
                    inner: dict[str, Any] = {}
                    self._add_members(below, given if isinstance(given, dict) else {}, form, (*above, name), inner)
                    if inner:
                        body[name] = inner
                continue
            field_name = self._free(_name(name), above, form)
            described = self._field(name, place, required=required, example=given)
            if body is not None:
                if not required and _default_of(described) is EMPTY:
                    continue  # an expression without a value cannot be sent
                body[name] = f"{{{{ {field_name} }}}}"
            form.fields[field_name] = described
            if required:
                form.needed.append(field_name)

    def _free(self, name: str, above: Sequence[str], form: _StepForm) -> str:
        found = name if name not in form.fields else "_".join([*map(_name, above), name])
        number = 2
        while found in form.fields:
            found, number = f"{name}_{number}", number + 1
        return found

    def _members(self, place: ContractPlace, depth: int = 0) -> dict[str, tuple[ContractPlace, bool]]:
        """The members of an object, those of its allOf too: (schema, required) by name."""
        value = self._contract.value(place)
        if not isinstance(value, dict) or depth > 8:
            return {}
        place = self._contract.resolved(place)
        found: dict[str, tuple[ContractPlace, bool]] = {}
        required = set(map(str, value["required"])) if isinstance(value.get("required"), list) else set()
        for index in range(len(value["allOf"]) if isinstance(value.get("allOf"), list) else 0):
            found |= self._members(place.below("allOf", str(index)), depth + 1)
        members = value.get("properties")
        for name in members if isinstance(members, dict) else ():
            found[name] = (place.below("properties", name), False)
        return {name: (at, needed or name in required) for name, (at, needed) in found.items()}

    def _field(self, name: str, place: ContractPlace | None, *, required: bool, example: Any) -> Any:
        """A field as demo.yaml has it: a default alone where that says it all."""
        value = self._contract.value(place) if place is not None else None
        schema: Mapping[str, Any] = value if isinstance(value, dict) else {}
        kind, choices = _kind(name, schema), _choices(schema)
        default = _first(example, schema.get("example"), _listed(schema.get("examples")), schema.get("default"))
        if default is None and required and example is not ABSENT:
            default = _sample(schema, choices)
        described: dict[str, Any] = {} if kind == "text" else {"type": kind}
        if default is not None and default is not ABSENT and kind != "password":
            described["default"] = _fitting(default, kind, choices)
        if required:
            described["required"] = True
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

    # -- what flows

    def _keep(self, operation: ApiOperation) -> dict[str, str]:
        found: dict[str, str] = {}
        for status, rule in self._contract.responses(operation).items():
            if not status.startswith("2"):
                continue
            found |= self._linked(rule.place)
            schema = next((one.schema for one in rule.content if one.schema is not None), None)
            if schema is not None:
                found |= {name: at for name, at in self._named(operation, schema) if name not in found}
                if self._gives_token(operation) and (at := self._token(schema)):
                    found["token"] = at
        return found

    def _linked(self, place: ContractPlace) -> dict[str, str]:
        """Values by the contract's `links`."""
        value = self._contract.value(place)
        links = value.get("links") if isinstance(value, dict) else None
        found = {}
        for name in links if isinstance(links, dict) else ():
            link = self._contract.value(place.below("links", str(name)))
            parameters = link.get("parameters") if isinstance(link, dict) else None
            for parameter, source in parameters.items() if isinstance(parameters, dict) else ():
                last = str(parameter).rpartition(".")[2]
                if isinstance(source, str) and (at := _json_path(source)):
                    found[_name(last)] = at
        return found

    def _named(self, operation: ApiOperation, schema: ContractPlace) -> Iterator[tuple[str, str]]:
        """The id of what was made or listed, for the places of the paths below it."""
        if operation.method not in ("POST", "GET") or operation.path.endswith("}"):
            return
        for name in dict.fromkeys(self._places_below(operation.path)):
            for members, before in self._objects(schema, "$"):
                known = next((one for one in (name, _name(name), "id", "uuid", "key", "name") if one in members), None)
                if known is not None and (
                    operation.method == "POST" or "[0]" in before or not self._creates(operation)
                ):
                    yield _name(name), f"{before}.{known}"
                    break

    def _creates(self, operation: ApiOperation) -> bool:
        return any(one.method == "POST" and one.path == operation.path for one in self._contract.operations)

    def _places_below(self, path: str) -> Iterator[str]:
        for one in self._contract.items:
            rest = one.path.removeprefix(path.rstrip("/"))
            match = re.match(r"/\{([^{}/]+)\}", rest) if rest != one.path else None
            if match:
                yield match[1]

    def _objects(self, schema: ContractPlace, before: str) -> Iterator[tuple[Mapping[str, Any], str]]:
        """The members of a response's object, of the first of a list, and of what stands under `data` or `items`."""
        value = self._contract.value(schema)
        if not isinstance(value, dict):
            return
        members = self._members(schema)
        if members:
            yield members, before
        if isinstance(value.get("items"), dict):
            yield from self._objects(self._contract.resolved(schema).below("items"), f"{before}[0]")
        for name in ("data", "items", "results", "result"):
            if name in members and before == "$":
                yield from self._objects(members[name][0], f"$.{name}")

    def _gives_token(self, operation: ApiOperation) -> bool:
        words = f"{operation.path} {operation.id}".lower()
        if operation.method != "POST" or not re.search(r"login|sign-?in|/token|authenticate|auth/", words):
            return False
        for status, rule in self._contract.responses(operation).items():
            schema = next((one.schema for one in rule.content if one.schema is not None), None)
            if status.startswith("2") and schema is not None and self._token(schema):
                return True
        return False

    def _token(self, schema: ContractPlace) -> str:
        for members, before in self._objects(schema, "$"):
            for name in _TOKENS:
                if name in members:
                    return f"{before}.{name}"
        return ""

    def _headers(self, operation: ApiOperation) -> dict[str, Any]:
        if not self._login or not self._is_guarded(operation):
            return {}
        return {"Authorization": "Bearer {{ token }}"}

    def _is_guarded(self, operation: ApiOperation) -> bool:
        """Whether a bearer token is asked for."""
        root = self._contract.documents.root.value
        own = (self._contract.value(operation.place) or {}).get("security", root.get("security"))
        schemes = self._contract.value(
            ContractPlace(self._contract.documents.root.name, ("components", "securitySchemes"))
        )
        for wanted in own if isinstance(own, list) else ():
            for name in wanted if isinstance(wanted, dict) else ():
                scheme = schemes.get(name) if isinstance(schemes, dict) else None
                if isinstance(scheme, dict) and (scheme.get("scheme") == "bearer" or scheme.get("type") == "oauth2"):
                    return True
        return False

    def _what_ifs(
        self, operation: ApiOperation, names: Mapping[str, Any], form: _StepForm, headers: Mapping[str, Any]
    ) -> dict[str, Any]:
        found: dict[str, Any] = {}
        statuses = set(self._contract.responses(operation))
        if "404" in statuses and names:
            last = list(names)[-1]
            found[f"unknown {_spoken(last)}"] = {
                "set": {last: "0"}, "expect": 404, "why": f"{UNSEEN}there is no such {_spoken(last)}."
            }  # fmt: skip
        refused = next((status for status in ("400", "422") if status in statuses), None)
        needed = [name for name in form.needed if name not in names]
        if refused and needed and form.body is None:
            found[f"without {_spoken(needed[0])}"] = {
                "unset": needed[0], "expect": int(refused), "why": f"{UNSEEN}{needed[0]} is required."
            }  # fmt: skip
        if "401" in statuses and headers:
            why = f"{UNSEEN}nobody is signed in."
            found["without a credential"] = {"headers": {"Authorization": None}, "expect": 401, "why": why}
        return found


ABSENT: Final = object()


def _rank(operation: ApiOperation) -> int:
    """Create, list, read, change, delete."""
    return 2 * _ORDER.get(operation.method, 3) + operation.path.rstrip("/").endswith("}")


def _collection(path: str) -> str:
    return path.partition("/{")[0]


def _name(text: str) -> str:
    """A name that a demo's value may have."""
    found = re.sub(r"\W+", "_", text, flags=re.ASCII).strip("_") or "value"
    return f"_{found}" if found[0].isdigit() else found


def _words_of(id: str) -> str:
    """ "createOrder" -> "Create order"."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|[_/.-]+", " ", id).strip().lower()
    return words[:1].upper() + words[1:]


def _spoken(name: str) -> str:
    return singular(re.sub(r"(?<=[a-z])(?=[A-Z])|_", " ", name).lower()).replace(" id", " id") or name


def _json_path(expression: str) -> str:
    """A keep rule for a runtime expression (OpenAPI 3.1 section 4.8.20.4); "" for what no rule can say."""
    if expression.startswith("$response.header."):
        return f"header:{expression.rpartition('.')[2]}"
    if not expression.startswith("$response.body#/"):
        return ""
    parts = [part.replace("~1", "/").replace("~0", "~") for part in expression.partition("#/")[2].split("/")]
    if not all(re.fullmatch(r"\w+", part, re.ASCII) for part in parts):
        return ""
    return "$" + "".join(f"[{part}]" if part.isdecimal() else f".{part}" for part in parts)


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
    if format in ("date", "email"):
        return str(format)
    length = schema.get("maxLength")
    return "textarea" if isinstance(length, int) and length > 200 else "text"


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


def _default_of(described: Any) -> Any:
    return described.get("default", EMPTY) if isinstance(described, dict) else EMPTY

"""The parts of a step in demo.yaml: call, fields, headers, keep, expect. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import jsonpath

from ...errors import did_you_mean
from ...model.headers import FRAMING, GATEWAY_REQUEST, HOP_BY_HOP
from ..masking import is_secret_name
from .choices import JSONPATH, choices_of
from .expressions import ExpressionError, is_expression, names_in
from .field_rules import RULE_KEYS, rules_of
from .schema import KINDS, CallTemplate, DemoPlace, Expect, FormField, KeepRule, ValueUse
from .yaml import PlacedValue, Report

CALL = re.compile(r"([A-Z][A-Z-]{0,19})\s+([A-Za-z0-9_.-]+):(/\S*)")
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110 section 5.6.2, token
FIELD_KEYS = ("type", "default", "label", "help", "placeholder", "group", "choices", "multiple", *RULE_KEYS)
# The hop belongs to the gateway, or to the message's own framing.
FORBIDDEN = frozenset((*HOP_BY_HOP, *FRAMING, *GATEWAY_REQUEST))


@dataclass(slots=True)
class DeclaredNames:
    """Collects which values each place of a step needs; an expression that cannot be read is a problem."""

    report: Report
    uses: list[ValueUse] = field(default_factory=list)

    def note(self, node: PlacedValue | None, path: str, own: frozenset[str]) -> None:
        if node is None:
            return
        if isinstance(node.value, dict):
            for key, item in node.value.items():
                self.note(item, f"{path}.{key}", own)
        elif isinstance(node.value, list):
            for at, item in enumerate(node.value):
                self.note(item, f"{path}[{at}]", own)
        elif is_expression(node.value):
            self._note_text(node, path, own)

    def _note_text(self, node: PlacedValue, path: str, own: frozenset[str]) -> None:
        try:
            self.uses.append(ValueUse(names_in(node.value), path, node.place, own))
        except ExpressionError as error:
            self.report.add(node.place, path, str(error))


def call_of(node: PlacedValue | None, path: str, report: Report) -> CallTemplate:
    """ "GET catalogue:/books/{isbn}"."""
    text = report.text(node, path)
    place = node.place if node else DemoPlace()
    match = CALL.fullmatch(text.strip())
    if match is None:
        if node is not None:
            report.add(place, path, f"'{text}' should read METHOD cluster:/path, such as GET orders:/orders/{{id}}")
        return CallTemplate("GET", "", "/", place)
    if match[1] not in METHODS:
        near = did_you_mean(match[1], METHODS)
        report.add(place, path, f"'{match[1]}' is not one of {', '.join(METHODS)}{near}")
    check_path(match[3], path, place, report)
    return CallTemplate(match[1], match[2], match[3], place)


def check_path(text: str, path: str, place: DemoPlace, report: Report) -> None:
    """Placeholders must be names, and braces must close."""
    for name in PLACEHOLDER.findall(text):
        if not NAME.fullmatch(name):
            report.add(place, path, f"'{{{name}}}' should be a field or a kept value, such as {{isbn}}")
    rest = PLACEHOLDER.sub("", text)
    if "{" in rest or "}" in rest:
        report.add(place, path, "a brace is not closed; {x} stands for a field or a kept value")
    if "#" in rest:
        report.add(place, path, "a path has no '#'; write %23")


def placeholders(path: str) -> frozenset[str]:
    return frozenset(PLACEHOLDER.findall(path))


def fields_of(node: PlacedValue | None, path: str, report: Report) -> tuple[FormField, ...]:
    return tuple(
        _field(name, item, f"{path}.{name}", report)
        for name, item in report.mapping(node, path).items()
        if checked_name(name, item, path, report)
    )


def checked_name(name: str, node: PlacedValue, path: str, report: Report) -> bool:
    if NAME.fullmatch(name):
        return True
    report.add(node.key, path, f"'{name}' cannot name a value: use letters, digits and _")
    return False


def _field(name: str, node: PlacedValue, path: str, report: Report) -> FormField:
    if not isinstance(node.value, dict):
        default = _scalar(node, path, report)
        return FormField(name, _kind(name, default), default, place=node.place)
    keys = report.mapping(node, path, FIELD_KEYS)
    default = keys["default"].plain() if "default" in keys else None
    kind = report.text(keys.get("type"), f"{path}.type", _kind(name, default))
    if kind not in KINDS:
        report.add(
            keys["type"].place, f"{path}.type", f"'{kind}' is not one of {', '.join(KINDS)}{did_you_mean(kind, KINDS)}"
        )
        kind = "text"
    multiple = _multiple(keys, path, report)
    if isinstance(default, dict | list) and kind != "json" and not multiple:
        message = "only a field of type json, or with multiple choices, can have more than one value"
        report.add(keys["default"].place, f"{path}.default", message)
    label, about, placeholder, group = (
        report.text(keys.get(key), f"{path}.{key}") for key in ("label", "help", "placeholder", "group")
    )
    choices = choices_of(keys.get("choices"), f"{path}.choices", report)
    return FormField(
        name, kind, default, label, about, choices.listed,
        keys["default"].place if "default" in keys else node.place, choices.source, multiple, placeholder, group,
        rules_of(keys, kind, path, report) if keys.keys() & set(RULE_KEYS) else None,
    )  # fmt: skip


def _multiple(keys: Mapping[str, PlacedValue], path: str, report: Report) -> bool:
    if "multiple" not in keys or keys["multiple"].value is False:
        return False
    if keys["multiple"].value is not True:
        report.add(keys["multiple"].place, f"{path}.multiple", "should be true or false")
    elif "choices" not in keys:
        report.add(keys["multiple"].place, f"{path}.multiple", "is for a field with choices")
    return keys["multiple"].value is True


def _kind(name: str, default: object) -> str:
    if is_secret_name(name):
        return "password"
    if isinstance(default, bool):
        return "checkbox"
    return "number" if isinstance(default, int | float) else "text"


def _scalar(node: PlacedValue, path: str, report: Report) -> object:
    if isinstance(node.value, list):
        report.add(node.place, path, "should be a default or {type, default, label, help, choices ...}")
        return None
    return node.value


def headers_of(node: PlacedValue | None, path: str, report: Report) -> dict[str, object] | None:
    """Field name -> value; null removes a field."""
    if node is None:
        return None
    found: dict[str, object] = {}
    for name, item in report.mapping(node, path).items():
        if not HEADER.fullmatch(name):
            report.add(item.key, path, f"'{name}' is not a header name")
        elif name.lower() in FORBIDDEN:
            report.add(item.key, f"{path}.{name}", "is set by the gateway itself")
        elif isinstance(item.value, dict | list):
            report.add(item.place, f"{path}.{name}", f"should be text or null, not {item.kind}")
        else:
            found[name] = item.value
    return found


def keeps_of(node: PlacedValue | None, path: str, report: Report) -> tuple[KeepRule, ...]:
    keeps = []
    for name, item in report.mapping(node, path).items():
        source = report.text(item, f"{path}.{name}").strip()
        if checked_name(name, item, path, report):
            _check_source(source, item.place, f"{path}.{name}", report)
            keeps.append(KeepRule(name, source, item.place))
    return tuple(keeps)


def _check_source(source: str, place: DemoPlace, path: str, report: Report) -> None:
    kind, _, rest = source.partition(":")
    if source == "status" or (kind in ("header", "cookie") and HEADER.fullmatch(rest.strip())):
        return
    if not source.startswith("$"):
        report.add(place, path, f"'{source}' should be a JSONPath such as $.id, or header:Name, cookie:name, status")
        return
    try:
        JSONPATH.compile(source)
    except jsonpath.JSONPathError as error:
        report.add(place, path, f"'{source}' is not a JSONPath: {str(error).splitlines()[0]}")


def expect_of(node: PlacedValue | None, path: str, report: Report) -> Expect | None:
    """404, [401, 403], "4xx"."""
    if node is None or node.value is None:
        return None
    ranges = []
    items = node.value if isinstance(node.value, list) else [node]
    for item in items:
        text = str(item.value)
        if re.fullmatch(r"[1-5]xx", text):
            ranges.append((int(text[0]) * 100, int(text[0]) * 100 + 99))
        elif re.fullmatch(r"[1-5][0-9][0-9]", text):
            ranges.append((int(text), int(text)))
        else:
            report.add(item.place, path, f"'{text}' should be a status such as 404, [401, 403] or 4xx")
    return Expect(" or ".join(str(item.value) for item in items), tuple(ranges))

"""The what-ifs of a step in demo.yaml: set, unset, headers, via, path, body, delay, expect, why. Pure."""

from __future__ import annotations

import re

from .config import Body, CallTemplate, Field, Use, WhatIf, slug_of
from .nodes import Node, Report
from .parse_parts import Names, call_of, check_path, checked_name, expect_of, headers_of, placeholders

WHAT_IF_KEYS = ("set", "unset", "headers", "via", "path", "body", "delay", "expect", "why")
DELAY = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,6})?)(ms|s)?")
LONGEST = 60.0  # seconds a what-if may wait


def what_ifs_of(
    node: Node | None, path: str, report: Report, call: CallTemplate, fields: tuple[Field, ...], names: Names
) -> tuple[WhatIf, ...]:
    found: dict[str, WhatIf] = {}
    for name, item in report.mapping(node, path).items():
        what_if = _what_if(name, item, f"{path}.{name}", report, call, names, fields)
        if not what_if.slug:
            report.add(item.key, path, f"'{name}' needs at least one letter or digit")
        elif what_if.slug in found:
            report.add(item.key, path, f"'{name}' is named like '{found[what_if.slug].name}'")
        found.setdefault(what_if.slug, what_if)
    return tuple(found.values())


def _what_if(
    name: str,
    node: Node,
    path: str,
    report: Report,
    call: CallTemplate,
    names: Names,
    fields: tuple[Field, ...],
) -> WhatIf:
    keys = report.mapping(node, path, WHAT_IF_KEYS)
    changes = {key for key in keys if key not in ("expect", "why")}
    if not changes and (node.value is None or isinstance(node.value, dict)):
        report.add(node.key, path, "changes nothing; use set, unset, headers, via, path, body or delay")
    given = report.mapping(keys.get("set"), f"{path}.set")
    set_values = {key: item.plain() for key, item in given.items() if checked_name(key, item, f"{path}.set", report)}
    unset = _unset(keys.get("unset"), f"{path}.unset", report)
    own = frozenset(field.name for field in fields)
    names.note(keys.get("set"), f"{path}.set", own)
    for part in ("headers", "body"):
        names.note(keys.get(part), f"{path}.{part}", own | set(set_values))
    other = _call(keys.get("path"), f"{path}.path", report, call)
    if other is not None:
        names.uses.append(Use(placeholders(other.path), f"{path}.path", other.place, own | set(set_values)))
    for key, item in given.items():
        names.uses.append(Use(frozenset((key,)), f"{path}.set", item.key, own))
    if unset:
        names.uses.append(Use(frozenset(unset), f"{path}.unset", keys["unset"].place, own))
    via = report.mapping(keys.get("via"), f"{path}.via")
    return WhatIf(
        name=name,
        slug=slug_of(name),
        set=set_values,
        unset=unset,
        headers=headers_of(keys.get("headers"), f"{path}.headers", report),
        via={key: report.text(item, f"{path}.via.{key}") for key, item in via.items()},
        call=other,
        body=Body(keys["body"].plain()) if "body" in keys else None,
        delay=_delay(keys.get("delay"), f"{path}.delay", report),
        expect=expect_of(keys.get("expect"), f"{path}.expect", report),
        why=report.text(keys.get("why"), f"{path}.why"),
        place=node.key,
        via_places={key: item.place for key, item in via.items()},
    )


def _unset(node: Node | None, path: str, report: Report) -> tuple[str, ...]:
    """One name, or a list of names."""
    if node is None:
        return ()
    items = node.value if isinstance(node.value, list) else [node]
    return tuple(name for item in items if (name := report.text(item, path)))


def _call(node: Node | None, path: str, report: Report, call: CallTemplate) -> CallTemplate | None:
    """ "/titles/{isbn}" keeps method and cluster; "GET orders:/orders/{id}" replaces all three."""
    if node is None:
        return None
    text = report.text(node, path).strip()
    if not text.startswith("/"):
        return call_of(node, path, report)
    if re.search(r"\s", text):
        report.add(node.place, path, f"'{text}' has a space; write %20")
    check_path(text, path, node.place, report)
    return CallTemplate(call.method, call.cluster, text, node.place)


def _delay(node: Node | None, path: str, report: Report) -> float:
    text = report.text(node, path).strip()
    if node is None or not text:
        return 0.0
    match = DELAY.fullmatch(text)
    seconds = float(match[1]) * (0.001 if match[2] == "ms" else 1.0) if match else LONGEST + 1
    if seconds > LONGEST:
        report.add(node.place, path, f"'{text}' should be a time such as 200ms or 3s, at most {LONGEST:g} s")
        return 0.0
    return seconds

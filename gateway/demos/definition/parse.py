"""demo.yaml -> Demo, or everything that is wrong with it at once, each with line and column. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from ...errors import Problem, did_you_mean
from .check import check_values
from .colours import colours_of
from .expressions import is_expression
from .parse_parts import (
    DeclaredNames,
    call_of,
    check_path,
    checked_name,
    expect_of,
    fields_of,
    headers_of,
    keeps_of,
    placeholders,
)
from .schema import SUCCESS, BodyTemplate, CallTemplate, Demo, DemoPlace, DemoStep, FormField, ValueUse, WhatIf, slug_of
from .yaml import PlacedValue, Report, read_yaml

WHAT_IF_KEYS = ("set", "unset", "headers", "via", "path", "body", "delay", "expect", "why")
DELAY = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,6})?)(ms|s)?")
LONGEST = 60.0  # seconds a what-if may wait


def what_ifs_of(
    node: PlacedValue | None,
    path: str,
    report: Report,
    call: CallTemplate,
    fields: tuple[FormField, ...],
    names: DeclaredNames,
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
    node: PlacedValue,
    path: str,
    report: Report,
    call: CallTemplate,
    names: DeclaredNames,
    fields: tuple[FormField, ...],
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
        names.uses.append(ValueUse(placeholders(other.path), f"{path}.path", other.place, own | set(set_values)))
    for key, item in given.items():
        names.uses.append(ValueUse(frozenset((key,)), f"{path}.set", item.key, own))
    if unset:
        names.uses.append(ValueUse(frozenset(unset), f"{path}.unset", keys["unset"].place, own))
    via = report.mapping(keys.get("via"), f"{path}.via")
    return WhatIf(
        name=name,
        slug=slug_of(name),
        set=set_values,
        unset=unset,
        headers=headers_of(keys.get("headers"), f"{path}.headers", report),
        via={key: report.text(item, f"{path}.via.{key}") for key, item in via.items()},
        call=other,
        body=BodyTemplate(keys["body"].plain()) if "body" in keys else None,
        delay=_delay(keys.get("delay"), f"{path}.delay", report),
        expect=expect_of(keys.get("expect"), f"{path}.expect", report),
        why=report.text(keys.get("why"), f"{path}.why"),
        place=node.key,
        via_places={key: item.place for key, item in via.items()},
    )


def _unset(node: PlacedValue | None, path: str, report: Report) -> tuple[str, ...]:
    """One name, or a list of names."""
    if node is None:
        return ()
    items = node.value if isinstance(node.value, list) else [node]
    return tuple(name for item in items if (name := report.text(item, path)))


def _call(node: PlacedValue | None, path: str, report: Report, call: CallTemplate) -> CallTemplate | None:
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


def _delay(node: PlacedValue | None, path: str, report: Report) -> float:
    text = report.text(node, path).strip()
    if node is None or not text:
        return 0.0
    match = DELAY.fullmatch(text)
    seconds = float(match[1]) * (0.001 if match[2] == "ms" else 1.0) if match else LONGEST + 1
    if seconds > LONGEST:
        report.add(node.place, path, f"'{text}' should be a time such as 200ms or 3s, at most {LONGEST:g} s")
        return 0.0
    return seconds


DEMO_KEYS = ("title", "about", "logo", "colours", "style", "layout", "page", "code", "steps")
STEP_KEYS = (
    "title", "about", "after", "call", "form", "headers", "query", "body", "send", "keep", "what_if", "page", "expect",
    "why",
)  # fmt: skip
SENDS = ("json", "form", "multipart")
LAYOUT = "layout.html"
PICTURES = (".svg", ".png", ".jpg", ".jpeg", ".gif", ".webp")


@dataclass(frozen=True, slots=True)
class ParsedDemo:
    """`demo` is None when there are errors; warnings leave it standing."""

    demo: Demo | None
    problems: tuple[Problem, ...]


def parse_demo(
    text: bytes, *, name: str, file: str, files: Collection[str], others: Collection[str] = ()
) -> ParsedDemo:
    """Read one demo; `files` are the names of the files beside it. With `others`, keys that are for somebody else, a
    file with none but these holds no demo, and one without a title is called by its name."""
    report = Report(file)
    root = read_yaml(text, report)
    demo = None
    if root is not None and others and isinstance(root.value, dict):
        own = {key: each for key, each in root.value.items() if key not in others and not key.startswith("x-")}
        if not own and root.value:
            return ParsedDemo(None, ())
        title = own.get("title") or PlacedValue(name, root.place)
        root = replace(root, value={"title": title, **own})
    if root is not None:
        demo = demo_of(root, name, report, files)
    if demo is not None:
        check_values(demo, report)
    problems = tuple(sorted(report.problems, key=lambda p: (p.line, p.column)))
    return ParsedDemo(None if any(p.severity == "error" for p in problems) else demo, problems)


def demo_of(
    root: PlacedValue, name: str, report: Report, files: Collection[str], *, steps: tuple[DemoStep, ...] | None = None
) -> Demo:
    """The demo of a document; with `steps`, which it then does not hold itself."""
    keys = report.mapping(root, "", DEMO_KEYS)
    if "title" not in keys and isinstance(root.value, dict):
        report.add(root.place, "title", "is missing; the menu shows it")
    page = _file(keys.get("page"), "page", report, files, (".html",))
    if steps is None:
        steps = _listed(keys.get("steps"), root, report, files)
    layout = _file(keys.get("layout"), "layout", report, files, (".html",))
    return Demo(
        name=name,
        title=report.text(keys.get("title"), "title", name),
        about=report.text(keys.get("about"), "about"),
        logo=_file(keys.get("logo"), "logo", report, files, PICTURES),
        code=_file(keys.get("code"), "code", report, files, (".py",)),
        colours=colours_of(keys.get("colours"), "colours", report),
        steps=tuple(step if step.page or not page else replace(step, page=page) for step in steps),
        page=page,
        layout=layout or (LAYOUT if LAYOUT in files else ""),
        style=_file(keys.get("style"), "style", report, files, (".css",)),
    )


def _listed(
    node: PlacedValue | None, root: PlacedValue, report: Report, files: Collection[str]
) -> tuple[DemoStep, ...]:
    if isinstance(root.value, dict) and (node is None or not isinstance(node.value, list) or not node.value):
        report.add(node.place if node else root.place, "steps", "should be a list with at least one step")
    return _steps(node.value if node and isinstance(node.value, list) else [], report, files)


def _steps(items: list[PlacedValue], report: Report, files: Collection[str]) -> tuple[DemoStep, ...]:
    steps: dict[str, DemoStep] = {}
    for at, item in enumerate(items):
        step = step_of(item, f"steps[{at}]", report, files)
        if step is None:
            continue
        if step.slug in steps:
            line = steps[step.slug].place.line
            report.add(step.place, f"steps[{at}].title", f"'{step.title}' is the name of the step in line {line} too")
        check_after(step, steps, f"steps[{at}].after", report)
        steps.setdefault(step.slug, step)
    return tuple(steps.values())


def check_after(step: DemoStep, above: Mapping[str, DemoStep], path: str, report: Report) -> None:
    """A step can only follow one that stands above it, so that no sequence runs in a circle."""
    if not step.after or step.after in above:
        return
    titles = [each.title for each in above.values()]
    known = f"; the steps above are {', '.join(titles)}" if titles else "; it is the first"
    report.add(step.after_place, path, f"is no step above this one{did_you_mean(step.after, above) or known}")


def step_of(node: PlacedValue, path: str, report: Report, files: Collection[str]) -> DemoStep | None:
    keys = report.mapping(node, path, STEP_KEYS)
    if not keys:
        if isinstance(node.value, dict) or node.value is None:
            report.add(node.place, path, "a step needs a title and a call")
        return None
    for needed in ("title", "call"):
        if needed not in keys:
            report.add(node.place, f"{path}.{needed}", "is missing")
    title = report.text(keys.get("title"), f"{path}.title", "untitled")
    slug = slug_of(title)
    if not slug:
        report.add(keys["title"].place, f"{path}.title", "needs at least one letter or digit")
    fields = fields_of(keys.get("form"), f"{path}.form", report)
    call = call_of(keys.get("call"), f"{path}.call", report)
    names = DeclaredNames(report)
    headers = headers_of(keys.get("headers"), f"{path}.headers", report)
    keep = keeps_of(keys.get("keep"), f"{path}.keep", report)
    what_ifs = what_ifs_of(keys.get("what_if"), f"{path}.what_if", report, call, fields, names)
    _uses_of_step(keys, path, names, call, fields)
    return DemoStep(
        title=title,
        slug=slug,
        about=report.text(keys.get("about"), f"{path}.about"),
        call=call,
        fields=fields,
        headers=headers,
        query=_query(keys.get("query"), f"{path}.query", report),
        body=BodyTemplate(keys["body"].plain()) if "body" in keys else None,
        send=_send(keys.get("send"), f"{path}.send", report, fields, "body" in keys),
        keep=keep,
        what_ifs=what_ifs,
        page=_file(keys.get("page"), f"{path}.page", report, files, (".html",)),
        expect=expect_of(keys.get("expect"), f"{path}.expect", report) or SUCCESS,
        why=report.text(keys.get("why"), f"{path}.why"),
        uses=tuple(names.uses),
        place=keys["title"].place if "title" in keys else node.place,
        after=slug_of(report.text(keys["after"], f"{path}.after")) if "after" in keys else None,
        after_place=keys["after"].place if "after" in keys else node.place,
    )


def _uses_of_step(
    keys: dict[str, PlacedValue], path: str, names: DeclaredNames, call: CallTemplate, fields: tuple[FormField, ...]
) -> None:
    own = frozenset(field.name for field in fields)
    names.uses.append(ValueUse(placeholders(call.path), f"{path}.call", call.place, own))
    for part in ("headers", "query", "body"):
        names.note(keys.get(part), f"{path}.{part}", own)
    before: set[str] = set()
    for field in fields:
        if is_expression(field.default):
            names.note(PlacedValue(field.default, field.place), f"{path}.form.{field.name}", frozenset(before))
        if field.choices_from is not None:
            source = field.choices_from
            names.uses.append(ValueUse(frozenset({source.name}), f"{path}.form.{field.name}.choices", source.place))
        before.add(field.name)


def _query(node: PlacedValue | None, path: str, report: Report) -> dict[str, object] | None:
    return None if node is None else {key: item.plain() for key, item in report.mapping(node, path).items()}


def _send(node: PlacedValue | None, path: str, report: Report, fields: tuple[FormField, ...], has_body: bool) -> str:
    """How the fields travel; a form with a file is multipart, unless its body says where the file goes."""
    files = [field for field in fields if field.kind == "file"]
    send = report.text(node, path, "multipart" if files else "json")
    if send not in SENDS:
        report.add(node.place if node else DemoPlace(), path, f"'{send}' is not one of {', '.join(SENDS)}")
        return "json"
    if files and send != "multipart" and not has_body and node is not None:
        report.add(node.place, path, f"'{files[0].name}' is a file, which only multipart can carry along with others")
    return send


def _file(node: PlacedValue | None, path: str, report: Report, files: Collection[str], endings: tuple[str, ...]) -> str:
    """The name of a file that lies beside demo.yaml."""
    name = report.text(node, path)
    if node is None or not name:
        return ""
    if "/" in name or "\\" in name or not name.lower().endswith(endings):
        report.add(node.place, path, f"'{name}' should be the name of a file beside demo.yaml, {' or '.join(endings)}")
    elif name not in files:
        report.add(node.place, path, f"there is no file '{name}' beside demo.yaml{did_you_mean(name, files)}")
    else:
        return name
    return ""

"""OpenCollection 1.0.0, the YAML of Bruno 3 and later: a folder of requests that `bru run` sends and checks. Pure.

https://spec.opencollection.com/: a file per request, or all of it in one bundled file.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from ...model.bodies import text_of
from ...model.text import clean
from ..documents.guide import heading, masked, named_secrets
from ..format import ALONE, Beside, Recordings
from ..scenario.scenario import Scenario, ScenarioStep
from ..scenario.templated_text import Text, VariableUse, form_pairs, free, identifier, names, written
from ..scenario.variable_names import scenarios
from ..scenario.variables import KeptVariable
from ..yaml import yaml_of
from .brace_escaping import escaped, obstacle, taken
from .file_comments import about_file, fitting, is_ascii, left_out
from .javascript import cookie_in, matched

SUFFIX = ".opencollection.yml"
EXAMPLE = 64 << 10  # characters of a saved response
Object = dict[str, Any]


def files(recordings: Recordings, *, version: str, beside: Beside = ALONE) -> dict[str, str]:
    """The folder that Bruno opens: a file per request, a folder per recording where there are several."""
    found = scenarios(recordings, beside)
    written = {"opencollection.yml": yaml_of(_root(found, version))}
    taken: set[str] = set()
    for number, one in enumerate(found, 1):
        folder = ""
        if len(found) > 1:
            folder = f"{number:02}-{free(_word(one.title), taken)}/"
            written[f"{folder}folder.yml"] = yaml_of(_folder(one, number, version))
        for name, item in _items(one):
            written[f"{folder}{name}.yml"] = yaml_of(item)
    return written


def dump(recordings: Recordings, *, version: str, beside: Beside = ALONE) -> str:
    """All of it in one bundled file, for Bruno's import."""
    found = scenarios(recordings, beside)
    items: list[Object] = []
    for number, one in enumerate(found, 1):
        requests = [item for _, item in _items(one)]
        items += [_folder(one, number, version) | {"items": requests}] if len(found) > 1 else requests
    return yaml_of(_root(found, version) | {"bundled": True, "items": items})


def _word(title: str) -> str:
    return identifier(title, "recording").replace("_", "-")


def _root(found: Sequence[Scenario], version: str) -> Object:
    title = clean(found[0].title) if found else "Nothing recorded"
    root: Object = {
        "opencollection": "1.0.0",
        "info": {"name": title, "version": "1.0.0"},
        "request": {"variables": [{"name": name, "value": value} for name, value in _variables(found).items()]},
    }
    secrets = dict.fromkeys(one.variable for each in found for one in each.inputs if one.secret)
    run = "".join(f" --env-var {name}=..." for name in secrets)
    head = f"Run it in this folder: `bru run -r{run}`"
    return root | {"docs": "\n\n".join([head, *(_about(one, version) for one in found[:1])])}


def _about(found: Scenario, version: str) -> str:
    return "\n".join([*about_file(found, version), *_left(found)])


def _left(found: Scenario) -> Iterator[str]:
    for step in found.steps:
        if (why := _obstacle(step)) and not step.obstacle:
            yield f"Step {step.number} is not expressible here: {why}."


def _variables(found: Sequence[Scenario]) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for one in found:
        pairs |= {target.variable: target.base for target in one.targets}
        pairs |= {given.variable: given.default for given in one.inputs}
    return pairs


def _folder(found: Scenario, number: int, version: str) -> Object:
    return {"info": {"name": clean(found.title), "type": "folder", "seq": number}, "docs": _about(found, version)}


def _obstacle(step: ScenarioStep) -> str:
    if step.obstacle or not step.body.is_text:
        return step.obstacle or "its body is not text"
    return obstacle(escaped(step))


def _fits(field: Text) -> bool:
    return is_ascii(field) and not taken(field)


def _items(found: Scenario) -> Iterator[tuple[str, Object]]:
    """(file name, request) of every step that can be sent."""
    known = named_secrets(found)
    width = len(str(max((step.number for step in found.steps), default=1)))
    for number, step in enumerate((step for step in found.steps if not _obstacle(step)), 1):
        word = identifier(f"{step.method} {step.target.name} {step.exchange.path.rpartition('/')[2]}", "step")
        yield f"{step.number:0{max(width, 2)}}-{word.replace('_', '-')}", _item(found, step, number, known)


def _item(found: Scenario, step: ScenarioStep, number: int, known: dict[str, VariableUse]) -> Object:
    notes = [note.strip() for note in step.exchange.notes if note.strip()] + [
        *found.left.get(step.number, ()),
        *left_out(step, _fits),
    ]
    item: Object = {
        "info": {"name": clean(f"{step.number} {heading(step)}"), "type": "http", "seq": number},
        "http": _http(fitting(escaped(step), _fits)),
    }
    runtime: Object = {}
    if step.status:
        runtime["assertions"] = [{"expression": "res.status", "operator": "eq", "value": str(step.status)}]
    if step.keeps:
        code = "\n".join(f"bru.setVar({json.dumps(keep.variable)}, {_kept(keep)});" for keep in step.keeps)
        runtime["scripts"] = [{"type": "after-response", "code": code}]
    if runtime:
        item["runtime"] = runtime
    item["settings"] = {"encodeUrl": False, "followRedirects": False, "timeout": 60000}
    if example := _example(step, known):
        item["examples"] = [example]
    return item | ({"docs": "\n\n".join(notes)} if notes else {})


def _http(step: ScenarioStep) -> Object:
    http: Object = {"method": step.method, "url": f"{{{{{step.target.variable}}}}}{_text(step.path)}"}
    if step.headers:
        http["headers"] = [{"name": name, "value": _text(value)} for name, value in step.headers]
    if step.body.text:
        http["body"] = _body(step)
    return http


def _body(step: ScenarioStep) -> Object:
    """Bruno 4.1 fills in no variables of a text of this very type: they become named values, which it encodes itself.

    With parameters behind the type (charset=utf-8) it fills them in, and would send named values as a list.
    """
    media = step.body.media.strip().lower()
    if media == "application/x-www-form-urlencoded" and any(names(step.body.text)):
        pairs = [{"name": name, "value": _text(value)} for name, value in form_pairs(step.body.text)]
        return {"type": "form-urlencoded", "data": pairs}
    return {"type": "json" if "json" in media else "text", "data": _text(step.body.text)}


def _text(text: Text) -> str:
    return written(text, lambda name: f"{{{{{name}}}}}")


def _kept(keep: KeptVariable) -> str:
    """An expression of JavaScript."""
    if keep.part == "json":
        found = "res.body" + "".join(f"[{key if key.isdigit() else json.dumps(key)}]" for key in keep.keys)
    elif keep.part == "body":
        found = "res.body"
    elif keep.part == "cookie":
        return cookie_in('res.getHeader("set-cookie")', keep.path)
    else:
        found = f"res.getHeader({json.dumps(keep.path.lower())})"
    return matched(found, keep)


def _example(step: ScenarioStep, known: dict[str, VariableUse]) -> Object:
    """The recorded response, secrets by the names of their variables."""
    response = step.exchange.response
    text = text_of(response) if response else None
    if response is None or text is None:
        return {}
    kind = "json" if "json" in response.content_type.lower() else "text"
    return {
        "name": clean(f"{step.status} {response.reason}".strip()),
        "request": {"url": f"{{{{{step.target.variable}}}}}{_text(step.path)}", "method": step.method},
        "response": {
            "status": step.status,
            "statusText": clean(response.reason),
            "headers": [{"name": "Content-Type", "value": response.content_type}] if response.content_type else [],
            "body": {"type": kind, "data": masked(text[:EXAMPLE], known)},
        },
    }

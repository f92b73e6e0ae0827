"""Postman collections 2.1: a request per step, tests of the status, kept values as collection variables. Pure.

https://schema.getpostman.com/json/collection/v2.1.0/collection.json; newman runs them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Container, Iterator
from typing import Any

from ...model.bodies import text_of
from ...model.headers import HOP_BY_HOP, OF_THE_CODING
from ...model.text import clean
from ..documents.guide import heading, masked, named_secrets
from ..format import ALONE, Beside, Recordings
from ..json import dumped
from ..scenario.scenario import Scenario, ScenarioStep
from ..scenario.sealed_secrets import PLACEHOLDER
from ..scenario.templated_text import Text, VariableUse, written
from ..scenario.variable_names import scenarios
from ..scenario.variables import KeptVariable
from .brace_escaping import escaped, obstacle, taken
from .file_comments import Fit, about_file, fitting, is_ascii, left_out
from .javascript import cookie_in, matched

SCHEMA = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
EXAMPLE = 64 << 10  # characters of a saved response
Object = dict[str, Any]


def dump(recordings: Recordings, *, version: str, beside: Beside = ALONE) -> str:
    """One collection; a folder per recording where there are several."""
    found = scenarios(recordings, beside)
    variables = _variables(found)
    folders = [
        {"name": clean(one.title), "description": _about(one, version), "item": _items(one, variables)} for one in found
    ]
    single = folders[0] if len(folders) == 1 else {}
    title = single.get("name") or "; ".join(clean(one.title) for one in found) or "Nothing recorded"
    given = [{"key": name, "value": value, "type": "string"} for name, value in variables.items()]
    info = {"name": title, "schema": SCHEMA, "description": single.get("description", "")}
    return dumped({"info": info, "item": single.get("item", folders), "variable": given})


def _about(found: Scenario, version: str) -> str:
    return "\n".join(about_file(found, version))


def _variables(found: list[Scenario]) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for one in found:
        pairs |= {target.variable: target.base for target in one.targets}
        pairs |= {given.variable: given.default for given in one.inputs}
        pairs |= {keep.variable: "" for step in one.steps for keep in step.keeps}
    return pairs


def _items(found: Scenario, variables: Container[str]) -> list[Object]:
    secrets = named_secrets(found)
    steps = [escaped(step) for step in found.steps]

    def known(name: str) -> bool:
        """Other names stay as they stand; those with a $ Postman invents."""
        return name.strip() in variables or name.strip().startswith("$")

    def fits(field: Text) -> bool:
        return is_ascii(field) and not taken(field, known)

    why = {step.number: _obstacle(step, known) for step in steps}
    return [_item(found, step, secrets, fits) for step in steps if not why[step.number]] + [
        {
            "name": clean(f"{step.number} {heading(step)} (not expressible)"),
            "description": f"Step {step.number} is not expressible here: {why[step.number]}.",
            "item": [],
        }
        for step in steps
        if why[step.number]
    ]


def _obstacle(step: ScenarioStep, known: Callable[[str], bool]) -> str:
    if step.obstacle or not step.body.is_text:
        return step.obstacle or "its body is not text"
    return obstacle(step, known)


def _item(found: Scenario, step: ScenarioStep, secrets: dict[str, VariableUse], fits: Fit) -> Object:
    request = _request(fitting(step, fits))
    notes = [note.strip() for note in step.exchange.notes if note.strip()] + [
        *found.left.get(step.number, ()),
        *left_out(step, fits),
    ]
    return {
        "name": clean(f"{step.number} {heading(step)}"),
        "event": [{"listen": "test", "script": {"type": "text/javascript", "exec": list(_tests(step))}}],
        "protocolProfileBehavior": {"followRedirects": False, "disableUrlEncoding": True},
        "request": request | ({"description": "\n\n".join(notes)} if notes else {}),
        "response": list(_examples(step, _request(step, concrete=True), secrets)),
    }


def _request(step: ScenarioStep, *, concrete: bool = False) -> Object:
    """With its variables, or with what was recorded in their places; secrets are variables always."""
    body = {"body": _body(step, concrete)} if step.body.text else {}
    return {
        "method": step.method,
        "header": [{"key": name, "value": _text(value, concrete)} for name, value in step.headers],
        "url": _url(step, concrete),
        **body,
    }


def _text(text: Text, concrete: bool) -> str:
    if concrete:
        text = tuple(_recorded(part) for part in text)
    return written(text, lambda name: f"{{{{{name}}}}}")


def _recorded(part: str | VariableUse) -> str | VariableUse:
    return part if isinstance(part, str) or PLACEHOLDER.search(part.recorded.encode()) else part.recorded


def _url(step: ScenarioStep, concrete: bool) -> Object:
    path, mark, query = _text(step.path, concrete).partition("?")
    url: Object = {
        "raw": f"{{{{{step.target.variable}}}}}{path}{mark}{query}",
        "host": [f"{{{{{step.target.variable}}}}}"],
        "path": path.split("/")[1:],
    }
    if mark:
        pairs = (pair.partition("=") for pair in query.split("&"))
        url["query"] = [{"key": key, "value": value if equals else None} for key, equals, value in pairs]
    return url


def _body(step: ScenarioStep, concrete: bool) -> Object:
    body: Object = {"mode": "raw", "raw": _text(step.body.text, concrete)}
    return body | ({"options": {"raw": {"language": "json"}}} if "json" in step.body.media.lower() else {})


def _tests(step: ScenarioStep) -> Iterator[str]:
    if step.status:
        yield f'pm.test("status {step.status}", () => pm.response.to.have.status({step.status}));'
    for keep in step.keeps:
        yield f"pm.collectionVariables.set({json.dumps(keep.variable)}, {_kept(keep)});"


def _kept(keep: KeptVariable) -> str:
    """An expression of JavaScript."""
    if keep.part == "json":
        found = "pm.response.json()" + "".join(f"[{key if key.isdigit() else json.dumps(key)}]" for key in keep.keys)
    elif keep.part == "body":
        found = "pm.response.text()"
    elif keep.part == "cookie":
        lines = 'pm.response.headers.filter(one => one.key.toLowerCase() === "set-cookie").map(one => one.value)'
        return cookie_in(lines, keep.path)
    else:
        found = f"pm.response.headers.get({json.dumps(keep.path)})"
    return matched(found, keep)


def _examples(step: ScenarioStep, request: Object, known: dict[str, VariableUse]) -> Iterator[Object]:
    """The recorded response as a saved example; secrets by the names of their variables."""
    response = step.exchange.response
    if response is None:
        return
    text = text_of(response)
    yield {
        "name": clean(f"{step.status} {response.reason}".strip()),
        "originalRequest": request,
        "status": clean(response.reason),
        "code": step.status,
        "header": [
            {"key": name, "value": masked(value, known)} for name, value in response.headers if _kept_field(name)
        ],
        "body": masked(text[:EXAMPLE], known) if text is not None else "",
    }


def _kept_field(name: str) -> bool:
    # The body stands here without its codings, so what described them is no longer true.
    return name.lower() not in (*OF_THE_CODING, *HOP_BY_HOP)

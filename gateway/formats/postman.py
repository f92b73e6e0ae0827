"""Postman collections 2.1: a request per step, tests of the status, kept values as collection variables. Pure.

https://schema.getpostman.com/json/collection/v2.1.0/collection.json; newman runs them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from ..diagrams.labels import clean
from ..model.bodies import text_of
from .apart import scenarios
from .flows import Keep
from .format import ALONE, Beside, Recordings
from .guide import heading, masked, named_secrets
from .json import dumped
from .said import about_file
from .scenario import Scenario, Step
from .sealed import PLACEHOLDER
from .texts import Text, Use, written

SCHEMA = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
EXAMPLE = 64 << 10  # characters of a saved answer
Object = dict[str, Any]


def dump(recordings: Recordings, *, version: str, beside: Beside = ALONE) -> str:
    """One collection; a folder per recording where there are several."""
    found = scenarios(recordings, beside)
    folders = [{"name": clean(one.title), "description": _about(one, version), "item": _items(one)} for one in found]
    single = folders[0] if len(folders) == 1 else {}
    title = single.get("name") or "; ".join(clean(one.title) for one in found) or "Nothing recorded"
    info = {"name": title, "schema": SCHEMA, "description": single.get("description", "")}
    return dumped({"info": info, "item": single.get("item", folders), "variable": list(_variables(found))})


def _about(found: Scenario, version: str) -> str:
    return "\n".join(about_file(found, version))


def _variables(found: list[Scenario]) -> Iterator[Object]:
    pairs: dict[str, str] = {}
    for one in found:
        pairs |= {target.variable: target.base for target in one.targets}
        pairs |= {given.variable: given.default for given in one.inputs}
        pairs |= {keep.variable: "" for step in one.steps for keep in step.keeps}
    return ({"key": name, "value": value, "type": "string"} for name, value in pairs.items())


def _items(found: Scenario) -> list[Object]:
    known = named_secrets(found)
    return [_item(found, step, known) for step in found.steps if not _obstacle(step)] + [
        {
            "name": clean(f"{step.number} {heading(step)} (not expressible)"),
            "description": f"Step {step.number} is not expressible here: {_obstacle(step)}.",
            "item": [],
        }
        for step in found.steps
        if _obstacle(step)
    ]


def _obstacle(step: Step) -> str:
    return step.obstacle or ("" if step.body.is_text else "its body is not text")


def _item(found: Scenario, step: Step, known: dict[str, Use]) -> Object:
    request = _request(step)
    notes = [note.strip() for note in step.exchange.notes if note.strip()] + list(found.left.get(step.number, ()))
    return {
        "name": clean(f"{step.number} {heading(step)}"),
        "event": [{"listen": "test", "script": {"type": "text/javascript", "exec": list(_tests(step))}}],
        "protocolProfileBehavior": {"followRedirects": False, "disableUrlEncoding": True},
        "request": request | ({"description": "\n\n".join(notes)} if notes else {}),
        "response": list(_examples(step, _request(step, concrete=True), known)),
    }


def _request(step: Step, *, concrete: bool = False) -> Object:
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


def _recorded(part: str | Use) -> str | Use:
    return part if isinstance(part, str) or PLACEHOLDER.search(part.recorded.encode()) else part.recorded


def _url(step: Step, concrete: bool) -> Object:
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


def _body(step: Step, concrete: bool) -> Object:
    body: Object = {"mode": "raw", "raw": _text(step.body.text, concrete)}
    return body | ({"options": {"raw": {"language": "json"}}} if "json" in step.body.media.lower() else {})


def _tests(step: Step) -> Iterator[str]:
    if step.status:
        yield f'pm.test("status {step.status}", () => pm.response.to.have.status({step.status}));'
    for keep in step.keeps:
        yield f"pm.collectionVariables.set({json.dumps(keep.variable)}, {_kept(keep)});"


def _kept(keep: Keep) -> str:
    """An expression of JavaScript."""
    if keep.part == "json":
        found = "pm.response.json()" + "".join(f"[{key if key.isdigit() else json.dumps(key)}]" for key in keep.keys)
    else:
        found = f"pm.response.headers.get({json.dumps(keep.path)})"
    return f"String({found}).match(new RegExp({json.dumps(keep.pattern)}))[1]" if keep.pattern else found


def _examples(step: Step, request: Object, known: dict[str, Use]) -> Iterator[Object]:
    """The recorded answer as a saved example; secrets by the names of their variables."""
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
    return name.lower() not in ("content-encoding", "content-length", "transfer-encoding", "connection")

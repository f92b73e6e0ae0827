"""A recorded what-if as a what-if of a demo's step: what was changed, verb by verb. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, unquote

from ...export.scenario.scenario import ScenarioStep
from ...export.scenario.sealed_secrets import PLACEHOLDER
from ...export.scenario.templated_text import Text
from ...model.headers import TRACE, USER_AGENT
from ..definition.parse_parts import FORBIDDEN

MARK = "what if: "  # how the notes of such exchanges begin, written when a what-if is sent
OURS = frozenset((*FORBIDDEN, *TRACE, *USER_AGENT, "accept", "content-type", "date"))
LONGEST = 500  # characters of a value that is written out


class CannotSayError(Exception):
    """A what-if cannot say it: it stays a step of its own."""


def is_what_if(step: ScenarioStep) -> bool:
    """Its response must be needed by no later step: a what-if keeps nothing."""
    return step.name.startswith(MARK) and not step.keeps


def name_of(step: ScenarioStep) -> str:
    return step.name.removeprefix(MARK).partition(";")[0]


def base_of(step: ScenarioStep, done: Sequence[tuple[ScenarioStep, Mapping[str, Any]]]) -> int | None:
    """Which of the steps so far it was tried at: the last of its kind, else the last call of its cluster and method."""
    alike = [
        at for at, (one, _) in enumerate(done)
        if (one.method, one.target.cluster) == (step.method, step.target.cluster)
    ]  # fmt: skip
    fitting = [at for at in alike if _values(done[at][1]["call"], _plain(step.path)) is not None]
    return next(iter(reversed(fitting or alike)), None)


def what_if(step: ScenarioStep, base: ScenarioStep, verbs: Mapping[str, Any]) -> dict[str, Any] | None:
    """The verbs of the what-if; None where nothing was changed, or no verb says it."""
    form = verbs.get("form", {})
    try:
        changed, gone, path = _address(step, base, verbs["call"], form)
        body: Any = None
        if step.exchange.request.body.data != base.exchange.request.body.data:
            more, less, body = _body(step, base, form)
            changed, gone = changed | more, gone + less
        said = {
            "set": changed, "unset": gone, "headers": _headers(step, base), "via": _via(step, base), "path": path,
            "body": body,
        }  # fmt: skip
    except CannotSayError:
        return None
    found = {verb: value for verb, value in said.items() if value}
    if not found or _is_sealed(json.dumps(found)) or "{" in json.dumps(list(changed.values())):
        return None  # nothing, a secret, or what would be read as an expression
    return found | ({"expect": step.status} if step.status else {})


def _address(
    step: ScenarioStep, base: ScenarioStep, call: str, form: Mapping[str, Any]
) -> tuple[dict[str, Any], list[str], str]:
    """Fields of the path and the query that have other values, and the path where it is another one."""
    now, _, query = _plain(step.path).partition("?")
    before, _, asked = _plain(base.path).partition("?")
    changed, gone = _differing(dict(parse_qsl(asked)), dict(parse_qsl(query)), form)
    found, was = _values(call, now), _values(call, before)
    if was is None:
        raise CannotSayError
    if found is not None:
        return changed | {name: value for name, value in found.items() if was[name] != value}, gone, ""
    path, unused = _other_path(now, was)
    return changed, gone + unused, path


def _other_path(now: str, was: Mapping[str, str]) -> tuple[str, list[str]]:
    """Another path with the fields of the first where their values stand in it, and the fields that do not."""
    if "{" in now or "#" in now:
        raise CannotSayError
    segments = now.lstrip("/").split("/")
    unused = []
    for name, value in was.items():
        at = next((at for at, one in enumerate(segments) if unquote(one) == value), None)
        if at is None:
            unused.append(name)
        else:
            segments[at] = f"{{{name}}}"
    return "/" + "/".join(segments), unused


def _values(call: str, path: str) -> dict[str, str] | None:
    """The fields of a call's path, read from a path; None where that is another one."""
    template = call.partition(":")[2].partition("?")[0].lstrip("/")
    pattern = "".join(
        f"(?P<{part[1:-1]}>[^/]+)" if part.startswith("{") else re.escape(part)
        for part in re.split(r"(\{\w+\})", template)
    )
    try:
        found = re.fullmatch(pattern, path.partition("?")[0].lstrip("/"))
    except re.error:  # a field that is there twice
        return None
    return None if found is None else {name: unquote(value) for name, value in found.groupdict().items()}


def _body(step: ScenarioStep, base: ScenarioStep, form: Mapping[str, Any]) -> tuple[dict[str, Any], list[str], Any]:
    """Fields of a JSON body that are otherwise; the whole body where they are no fields."""
    now, before = _json(step), _json(base)
    try:
        return *_differing(before, now, form), None
    except CannotSayError:
        if "{" in json.dumps(list(now.values())) or len(json.dumps(now)) > LONGEST:
            raise
        return {}, [], now


def _json(step: ScenarioStep) -> dict[str, Any]:
    try:
        found = json.loads(_plain(step.body.text))
    except (ValueError, RecursionError):
        raise CannotSayError from None
    if not isinstance(found, dict) or any(isinstance(one, dict | list) for one in found.values()):
        raise CannotSayError
    return found


def _differing(
    before: Mapping[str, Any], now: Mapping[str, Any], form: Mapping[str, Any]
) -> tuple[dict[str, Any], list[str]]:
    changed = {name: value for name, value in now.items() if name not in before or before[name] != value}
    gone = [name for name in before if name not in now]
    odd = [value for value in changed.values() if value in (None, "") or (isinstance(value, str) and "{" in value)]
    if odd or not {*changed, *gone} <= form.keys():
        raise CannotSayError
    return changed, gone


def _headers(step: ScenarioStep, base: ScenarioStep) -> dict[str, str | None]:
    """Those that were left out or are other ones. A token that another one took the place of is none of them."""
    now, before = (_fields(one) for one in (step, base))
    other = {
        name: value for name, value in now.items()
        if before.get(name) != value and not (_is_sealed(value) and name in before)
    }  # fmt: skip
    if any("{" in value for value in other.values()):
        raise CannotSayError
    return {**{name: None for name in before if name not in now}, **other}


def _fields(step: ScenarioStep) -> dict[str, str]:
    return {name.title(): value for name, value in step.exchange.request.headers if name.lower() not in OURS}


def _via(step: ScenarioStep, base: ScenarioStep) -> dict[str, str]:
    there = step.exchange.environment
    return {step.target.cluster: there} if there and there != base.exchange.environment else {}


def _is_sealed(text: str) -> bool:
    return PLACEHOLDER.search(text.encode("utf-8", "replace")) is not None


def _plain(text: Text) -> str:
    """As it was recorded."""
    return "".join(part if isinstance(part, str) else part.recorded for part in text)

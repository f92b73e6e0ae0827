"""Values for the session out of a response: JSONPath, header:, cookie:, status. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jsonpath

from .choices import JSONPATH
from .schema import KeepRule

LARGEST = 65_536  # characters of one kept value, as JSON


@dataclass(frozen=True, slots=True)
class StepResponse:
    """What came back; header names as they came. `body` is what was read of it."""

    status: int
    reason: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    complete: bool = True


def keep(keeps: Sequence[KeepRule], answer: StepResponse) -> tuple[dict[str, Any], dict[str, str]]:
    """(values found, why not for the others), both by name."""
    found: dict[str, Any] = {}
    missing: dict[str, str] = {}
    document: Any = None
    trouble = ""
    if any(each.source.startswith("$") for each in keeps):
        document, trouble = _document(answer)
    for each in keeps:
        value, reason = _one(each.source, answer, document, trouble)
        if reason:
            missing[each.name] = reason
        else:
            found[each.name] = value
    return found, missing


def _one(source: str, answer: StepResponse, document: Any, trouble: str) -> tuple[Any, str]:
    kind, _, name = source.partition(":")
    if source == "status":
        return answer.status, ""
    if kind == "header":
        return _header(name.strip(), answer)
    if kind == "cookie":
        return _cookie(name.strip(), answer)
    if trouble:
        return None, trouble
    return _json(source, document)


def _document(answer: StepResponse) -> tuple[Any, str]:
    if not answer.complete:
        return None, "the answer is too large to look into"
    try:
        return json.loads(answer.body), ""
    except (ValueError, RecursionError):
        return None, "the answer is not JSON"


def _json(source: str, document: Any) -> tuple[Any, str]:
    try:
        match = JSONPATH.match(source, document)
    except (jsonpath.JSONPathError, RecursionError) as error:
        return None, f"{source} fails: {error}"
    if match is None:
        return None, f"{source} found nothing"
    try:
        size = len(json.dumps(match.obj))
    except RecursionError:
        size = LARGEST + 1
    return (match.obj, "") if size <= LARGEST else (None, f"{source} found more than a value: {size} characters")


def _header(name: str, answer: StepResponse) -> tuple[Any, str]:
    for key, value in answer.headers:
        if key.lower() == name.lower():
            return value, ""
    return None, f"the answer has no header {name}"


def _cookie(name: str, answer: StepResponse) -> tuple[Any, str]:
    for key, value in answer.headers:
        pair, _, _ = value.partition(";")
        given, equals, content = pair.strip().partition("=")
        if key.lower() == "set-cookie" and equals and given == name:
            return content, ""
    return None, f"the answer sets no cookie {name}"

"""How requests proved who they are: security schemes from the secrets that were sealed. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl

from ..scenario.scenario import ScenarioStep
from ..scenario.sealed_secrets import PLACEHOLDER
from ..scenario.templated_text import identifier
from .observed_operations import ObservedOperation, Sample

Object = dict[str, Any]
_HTTP = ("bearer", "basic", "digest")


def schemes(operation: ObservedOperation) -> dict[str, Object]:
    """By name; none where no sample had credentials."""
    return {name: scheme for sample in operation.samples for name, scheme in _of(sample.step)}


def requirements(operation: ObservedOperation) -> list[Object]:
    """What the operation takes: {} among them where it succeeded without credentials; [] where nobody gave any."""
    ways: list[dict[str, Any]] = []
    for sample in operation.samples:
        way: dict[str, Any] = {name: [] for name, _ in _of(sample.step)}
        if way not in ways and (way or _passes(sample)):
            ways.append(way)
    return sorted(ways, key=lambda way: not way) if any(ways) else []


def credentials(step: ScenarioStep) -> set[tuple[str, str]]:
    """(place, name) of the parameters that are credentials: a security scheme describes them."""
    return {(scheme.get("in", "header"), scheme.get("name", "Authorization")) for _, scheme in _of(step)}


def _passes(sample: Sample) -> bool:
    return 0 < sample.step.status < 400


def _of(step: ScenarioStep) -> Iterator[tuple[str, Object]]:
    request = step.exchange.request
    for name, value in request.headers:
        low = name.lower()
        if low == "authorization":
            yield _authorization(value)
        elif low != "cookie" and (low == "x-api-key" or _sealed(value)):
            yield identifier(name), {"type": "apiKey", "in": "header", "name": name}
        elif low == "cookie":
            for crumb in value.split(";"):
                key, _, worth = crumb.strip().partition("=")
                if key and _sealed(worth):
                    yield identifier(f"cookie {key}"), {"type": "apiKey", "in": "cookie", "name": key}
    for key, worth in parse_qsl(request.target.partition("?")[2], keep_blank_values=True):
        if _sealed(worth):
            yield identifier(f"query {key}"), {"type": "apiKey", "in": "query", "name": key}


def _authorization(value: str) -> tuple[str, Object]:
    scheme = value.partition(" ")[0].lower()
    if scheme in _HTTP:
        return scheme, {"type": "http", "scheme": scheme}
    return "authorization", {"type": "apiKey", "in": "header", "name": "Authorization"}


def _sealed(value: str) -> bool:
    return PLACEHOLDER.search(value.encode("utf-8", "replace")) is not None

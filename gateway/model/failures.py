"""Failures inside a 2xx: errors of GraphQL and JSON-RPC, SOAP faults, gRPC-web statuses, a cluster's rules. Pure.

The status stays what it was; the response is a failure all the same, for cards, colours, what-ifs and outcomes.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias
from urllib.parse import unquote

from .bodies import charset, decoded, media_type
from .exchange import Exchange, FailedWhen
from .message import Response
from .operations import Operation, json_prefix, one_line, operation_of
from .soap import fault

How: TypeAlias = Literal["graphql", "jsonrpc", "soap", "grpc", "rule"]

LOOKED: Final = 1 << 20  # bytes of a response that are looked at: `errors` may stand behind all of the data
SAYS: Final = 200  # characters


@dataclass(frozen=True, slots=True)
class Failed:
    """How a response of status 2xx says that it failed, and its words."""

    how: How
    says: str
    is_partial: bool = False  # GraphQL: some of the data came

    @property
    def label(self) -> str:
        """For people, behind the status: "with errors: card declined"."""
        noun = {"soap": "with a fault", "rule": "but failed", "grpc": "but failed"}.get(self.how, "with errors")
        return f"{noun}: {self.says}" if self.says else noun


def failed_of(
    exchange: Exchange, operation: Operation | None = None, rules: Sequence[FailedWhen] = ()
) -> Failed | None:
    """How the response failed although its status is 2xx; None where nothing says so.

    `operation`: of the request, where the caller has it already. `rules`: of its cluster, besides those it carries.
    """
    response, status = exchange.response, exchange.status or 0
    if response is None or not 200 <= status < 300:
        return None
    operation = operation or operation_of(exchange.request)
    return _by_protocol(response, operation) or _by_rule(response, (*exchange.failed_when, *rules))


def _by_protocol(response: Response, operation: Operation | None) -> Failed | None:
    kind, media = operation.kind if operation else "", media_type(response)
    if media.startswith("application/grpc"):
        return _grpc(response, media)
    if "xml" in media or (kind == "soap" and not media):
        said = fault(_data(response)[0]) if b"Fault" in _data(response)[0] else None
        return None if said is None else Failed("soap", one_line(said, SAYS))
    if kind not in ("graphql", "jsonrpc") and not (kind == "" and "json" in media):
        return None
    data, whole = _data(response)
    if kind == "graphql":
        return _graphql(_loaded(response, data, whole)) if b'"errors"' in data else None
    if b'"jsonrpc"' in data and b'"error"' in data:
        return _jsonrpc(_loaded(response, data, whole))
    return None


def _data(response: Response) -> tuple[bytes, bool]:
    """(the body without its content encodings, whether that is all of it)."""
    data, problem = decoded(response, LOOKED)
    return data[:LOOKED], problem is None and len(data) <= LOOKED and not response.body.truncated


def _loaded(response: Response, data: bytes, whole: bool) -> Any:
    try:
        text = data.decode(charset(response), "replace")
        return json.loads(text) if whole else json_prefix(text)
    except (LookupError, ValueError, RecursionError):
        return None


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    yield from (one for one in (value if isinstance(value, list) else [value]) if isinstance(one, dict))


def _graphql(value: Any) -> Failed | None:
    """Of a batch the first that failed speaks; data beside the errors means that only a part failed."""
    responses = list(_objects(value))
    failing = [one for one in responses if isinstance(one.get("errors"), list) and one["errors"]]
    if not failing:
        return None
    errors = [error for one in failing for error in one["errors"]]
    partly = len(failing) < len(responses) or any(one.get("data") is not None for one in failing)
    first = next((text for error in errors if (text := _message(error))), "")
    says = f"{'partly failed: ' if partly else ''}{first}{_more(len(errors))}"
    return Failed("graphql", one_line(says, SAYS), partly)


def _jsonrpc(value: Any) -> Failed | None:
    responses = [one for one in _objects(value) if "jsonrpc" in one]
    failing = [one["error"] for one in responses if one.get("error") is not None]
    if not failing:
        return None
    code = failing[0].get("code") if isinstance(failing[0], dict) else None
    says = f"{_message(failing[0])}{f' ({code})' if isinstance(code, int) else ''}{_more(len(failing))}"
    return Failed("jsonrpc", one_line(says, SAYS), len(failing) < len(responses))


def _message(error: Any) -> str:
    text = error.get("message") if isinstance(error, dict) else error
    return text if isinstance(text, str) else ""


def _more(count: int) -> str:
    return f" and {count - 1} more" if count > 1 else ""


# -- gRPC-web: trailers stand in the last frame of the body, or in the head where there is no body


def _grpc(response: Response, media: str) -> Failed | None:
    told = {name.lower(): value for name, value in (*response.headers, *response.trailers)}
    data = response.body.data
    if "-text" in media:
        data = _base64(data)
    told |= dict(_trailers(data))
    status = told.get("grpc-status", "0").strip()
    if status == "0" or not status.isdigit():
        return None
    words = unquote(told.get("grpc-message", ""), errors="replace")
    name = _GRPC[int(status)] if int(status) < len(_GRPC) else f"status {status}"
    return Failed("grpc", one_line(f"{name}: {words}" if words else name, SAYS))


_GRPC: Final = (
    "OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS",
    "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED",
    "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED",
)  # fmt: skip


def _base64(data: bytes) -> bytes:
    """Frames may be encoded one by one, each with its own padding (gRPC-web protocol, grpc-web-text)."""
    out = b""
    for piece in data.replace(b"=", b"=\0").split(b"\0"):
        piece = piece.strip(b"= \r\n")
        try:
            out += base64.b64decode(piece + b"=" * (-len(piece) % 4))
        except (binascii.Error, ValueError):
            break
    return out


def _trailers(data: bytes) -> Iterator[tuple[str, str]]:
    at = 0
    while at + 5 <= len(data):
        size = int.from_bytes(data[at + 1 : at + 5])
        if data[at] & 0x80:
            for line in data[at + 5 : at + 5 + size].decode("latin-1").split("\r\n"):
                name, colon, value = line.partition(":")
                if colon:
                    yield name.strip().lower(), value.strip()
        at += 5 + size


# -- what a cluster's `failed_when` names


def _by_rule(response: Response, rules: Sequence[FailedWhen]) -> Failed | None:
    if not rules:
        return None
    data, whole = _data(response)
    value = _loaded(response, data, whole)
    for rule in rules:
        found, there = _at(value, rule.pointer)
        if there and found == rule.value and isinstance(found, bool) == isinstance(rule.value, bool):
            words, _ = _at(value, rule.says) if rule.says else (None, False)
            says = words if isinstance(words, str) else json.dumps(words, ensure_ascii=False) if words else ""
            return Failed("rule", one_line(says or f"{rule.pointer} is {json.dumps(rule.value)}", SAYS))
    return None


def _at(value: Any, pointer: str) -> tuple[Any, bool]:
    """(what stands at a JSON pointer, whether something does)."""
    for token in pointer.split("/")[1:]:
        key = token.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict) and key in value:
            value = value[key]
        elif isinstance(value, list) and key.isdigit() and int(key) < len(value):
            value = value[int(key)]
        else:
            return None, False
    return value, True

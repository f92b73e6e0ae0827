"""Exchanges, recordings and the rest in the JSON shapes of the API and `--json`. Pure."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import parse_qsl

from .addresses import past_gateway
from .bodies import text_of
from .exchange import Chunk, Exchange
from .failures import failed_of
from .message import Message, Pairs
from .operations import Operation, named_operation
from .recording import Recording, Revision


def recording_json(recording: Recording) -> dict[str, Any]:
    """A recording as the API shows it."""
    return {
        "id": recording.id,
        "title": recording.title,
        "session": recording.session,
        "kind": recording.kind,
        "parent": recording.parent,
        "branched_at": recording.branched_at,
        "started_at": recording.started_at,
        "updated_at": recording.updated_at,
        "steps": recording.steps,
        "clusters": list(recording.clusters),
        "notes": list(recording.notes),
        "tags": list(recording.tags),
        "pinned": recording.pinned,
    }


def exchange_json(exchange: Exchange) -> dict[str, Any]:
    """An exchange as the API shows it, bodies included."""
    return exchange_facts(exchange) | {
        "request": message_json(exchange.request),
        "response": response_json(exchange),
        "rewritten": pairs_json(exchange.rewritten),
        "past_gateway": leads_past(exchange),
    }


def leads_past(exchange: Exchange) -> list[str]:
    """The addresses in the response's body that lead its client past the gateway, to the upstream itself."""
    if exchange.response is None or not exchange.upstream_url or not exchange.response.body.data:
        return []
    return past_gateway(exchange.upstream_url, text_of(exchange.response) or "")


def exchange_facts(exchange: Exchange) -> dict[str, Any]:
    """All of an exchange but its two messages: what a list needs."""
    timing, failure, trace = exchange.timing, exchange.failure, exchange.trace
    operation = named_operation(exchange)
    failed = failed_of(exchange, operation)
    return {
        "id": exchange.id,
        "recording": exchange.recording,
        "step": exchange.step,
        "session": exchange.session,
        "started_at": exchange.started_at,
        "method": exchange.method,
        "url": exchange.url,
        "path": exchange.path,
        "query": query_json(exchange.request.target),
        "cluster": exchange.cluster,
        "environment": exchange.environment,
        "upstream_url": exchange.upstream_url,
        "routes_revision": exchange.routes_revision,
        "mode": exchange.mode,
        "override": exchange.override,
        "status": exchange.status,
        "failure": None if failure is None else {"kind": failure.kind, "detail": failure.detail},
        "operation": None if operation is None else operation_json(operation),
        "failed": None if failed is None else {"how": failed.how, "says": failed.says},
        "trace": None if trace is None else {"id": trace.id, "span": trace.span, "made": trace.made},
        "timing": {
            "total_ms": timing.total_ms,
            "connect_ms": timing.connect_ms,
            "first_byte_ms": timing.first_byte_ms,
            "upstream_ms": timing.upstream_ms,
        }
        | ({"phases": dict(timing.phases)} if timing.phases else {}),
        "state": exchange.state,
        "stream": exchange.stream,
        "attempts": exchange.attempts,
        "notes": list(exchange.notes),
        "tags": list(exchange.tags),
    }


def operation_json(operation: Operation) -> dict[str, str]:
    """What was asked for by name."""
    return {"kind": operation.kind, "name": operation.name, "type": operation.type, "label": operation.label}


def response_json(exchange: Exchange) -> dict[str, Any] | None:
    """The upstream's response, or None when only a failure came."""
    response = exchange.response
    if response is None:
        return None
    return {"http_version": response.http_version, "reason": response.reason} | message_json(response)


def message_json(message: Message) -> dict[str, Any]:
    """What a request and a response have in common."""
    return {
        "http_version": message.http_version,
        "headers": pairs_json(message.headers),
        "body": body_json(message),
        "trailers": pairs_json(message.trailers),
    }


def body_json(message: Message) -> dict[str, Any]:
    """The body: as text when it is text, else as base64 of the bytes that passed."""
    body = message.body
    text = text_of(message)
    return {
        "size": body.size,
        "stored": len(body.data),
        "truncated": body.truncated,
        **({"sealed_rest": True} if body.sealed_rest else {}),
        "content_type": message.content_type or None,
        "text": text,
        "base64": None if text is not None else base64.b64encode(body.data).decode("ascii"),
    }


def chunk_json(chunk: Chunk) -> dict[str, Any]:
    """One timed piece of a stream."""
    return {
        "index": chunk.index,
        "at_ms": chunk.at_ms,
        "direction": chunk.direction,
        "size": max(chunk.size, len(chunk.data)),
        "truncated": chunk.truncated,
        "base64": base64.b64encode(chunk.data).decode("ascii"),
    }


def revision_json(revision: Revision) -> dict[str, Any]:
    """An accepted route table."""
    return {
        "id": revision.id,
        "accepted_at": revision.accepted_at,
        "source": revision.source,
        "changes": list(revision.changes),
        "text": revision.text,
    }


def pairs_json(pairs: Pairs) -> list[list[str]]:
    return [[name, value] for name, value in pairs]


def query_json(target: str) -> list[list[str]]:
    """The query's names and values, percent-decoded, in order, repeats and empty ones kept."""
    query = target.partition("?")[2]
    return [[name, value] for name, value in parse_qsl(query, keep_blank_values=True)] if query else []

"""Cross-origin answers for the front ends that routes.yaml lists (Fetch standard, CORS protocol). Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..routes.table import Cors

EXPOSED = b"Gateway-Exchange, Gateway-Route, Server-Timing, Proxy-Status, Location, Link, ETag"


def cors_fields(cors: Cors, origin: bytes) -> list[bytes]:
    """The fields of an actual response; none for an origin that is not listed."""
    if origin not in cors.origins:
        return []
    fields = [b"Access-Control-Allow-Origin: " + origin, b"Vary: Origin", b"Access-Control-Expose-Headers: " + EXPOSED]
    if cors.credentials:
        fields.append(b"Access-Control-Allow-Credentials: true")
    return fields


def answer_preflight(cors: Cors, origin: bytes, method: bytes, headers: bytes) -> list[bytes]:
    """The fields that allow a listed origin what it asks for; none for any other origin."""
    fields = cors_fields(cors, origin)
    if fields:
        fields += [
            b"Access-Control-Allow-Methods: " + (b", ".join(cors.methods) or method),
            b"Access-Control-Max-Age: %d" % cors.max_age,
        ]
        if allowed := b", ".join(cors.headers) or headers:
            fields.append(b"Access-Control-Allow-Headers: " + allowed)
    return fields


def share(lines: list[bytes], cors: Cors, origin: bytes) -> None:
    """Let a listed origin read a response: the gateway's word instead of the upstream's, never both."""
    if fields := cors_fields(cors, origin):
        lines[:] = [line for line in lines if line[:15].lower() != b"access-control-"]
        lines += fields

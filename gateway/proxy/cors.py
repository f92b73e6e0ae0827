"""Cross-origin responses for the front ends that routes.yaml lists (Fetch standard, CORS protocol). Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from ..protocols import RefusedOrigin

if TYPE_CHECKING:
    from ..routes.table import Cors

EXPOSED: Final = b"Gateway-Exchange, Gateway-Route, Server-Timing, Proxy-Status, Location, Link, ETag"
EXPOSE: Final = b"access-control-expose-headers"
MOST: Final = 100  # refused origins remembered
LONGEST: Final = 256  # bytes of an origin that is remembered


def cors_fields(cors: Cors, origin: bytes, exposed: Iterable[bytes] = ()) -> list[bytes]:
    """The fields of an actual response, which exposes `exposed` besides ours; none for an origin that is not listed."""
    if not cors.allows(origin):
        return []
    expose = b"Access-Control-Expose-Headers: " + b", ".join([*exposed, EXPOSED])
    fields = [b"Access-Control-Allow-Origin: " + origin, b"Vary: Origin", expose]
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


def share(lines: list[bytes], cors: Cors, origin: bytes) -> bool:
    """Let a listed origin read a response: the gateway's word instead of the upstream's, never both, and what the
    upstream exposed stays exposed. False when neither lets the origin read it."""
    theirs = [line for line in lines if line[:15].lower() == b"access-control-"]
    if not cors.allows(origin):
        return any(line[:28].lower() == b"access-control-allow-origin:" for line in theirs)
    exposed = [line.partition(b":")[2].strip() for line in theirs if line[:29].lower() == EXPOSE]
    lines[:] = [line for line in lines if line not in theirs]
    lines += cors_fields(cors, origin, filter(None, exposed))
    return True


class RefusedOrigins:
    """Origins whose calls a browser did not let them read, because routes.yaml does not list them: seen last first."""

    def __init__(self) -> None:
        self._seen: dict[str, RefusedOrigin] = {}

    def note(self, origin: bytes, *, cluster: str, method: bytes, path: bytes, at: float) -> None:
        name = origin.decode("latin-1")
        if len(origin) > LONGEST or "://" not in name:  # "null" cannot be listed
            return
        before = self._seen.pop(name, None)
        if before is None and len(self._seen) >= MOST:
            del self._seen[next(iter(self._seen))]
        call = f"{method.decode('latin-1')} {path.decode('latin-1')[:200]}"
        self._seen[name] = RefusedOrigin(name, before.count + 1 if before else 1, at, cluster, call)

    def all(self) -> list[RefusedOrigin]:
        return list(reversed(self._seen.values()))

    def forget(self, origin: str) -> None:
        self._seen.pop(origin, None)

"""Whether a request may pass, and to which environment. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ..model.message import SAFE, is_write
from ..problems import ProblemDetails, problem

if TYPE_CHECKING:
    from ..model.capture import RawPairs
    from ..protocols import Pin
    from ..routes.table import CompiledCluster, CompiledUpstream, RouteTable
    from .request import RequestHead


SAFE_METHODS = frozenset(name.encode() for name in SAFE)


class RefusedError(Exception):
    """The gateway's own response to a request that does not pass."""

    def __init__(self, details: ProblemDetails) -> None:
        super().__init__(details.detail)
        self.details = details


def check(request: RequestHead, version: str, table: RouteTable, pseudonym: bytes) -> None:
    """Raise RefusedError for what must not be forwarded: loops, foreign codings, expectations and WebSockets."""
    if request.via and any(pseudonym in via for via in request.via):
        hint = "check that no upstream of the cluster points back here"
        raise _refused("proxy_loop_detected", "the request has passed through this gateway before", hint)
    if request.codings and not request.chunked:
        codings = request.codings.decode("latin-1")
        raise RefusedError(ProblemDetails(501, "Transfer coding not supported", f"{codings}; only chunked is"))
    if request.chunked and version == "1.0":
        raise _refused("http_request_error", "an HTTP/1.0 request cannot be chunked")
    if request.expect and request.expect.lower() != b"100-continue":
        raise RefusedError(ProblemDetails(417, "Expectation failed", "only 100-continue is understood"))
    if request.websocket and request.origin and not _same_site(request, table):
        origin = request.origin.decode("latin-1")
        hint = "list the origin under cors.origins in routes.yaml"
        raise _refused("http_request_denied", f"a WebSocket from the foreign origin {origin}", hint)


def check_site(request: RequestHead, method: bytes, upstream: CompiledUpstream, table: RouteTable) -> None:
    """Raise RefusedError for what another site makes a browser send, where the gateway would vouch for it (CWE-352).

    An upstream to which routes.yaml adds credentials takes every request for that of their owner. Without them another
    site's request has only what the browser itself adds for the upstream, and the upstream knows its own defence.
    """
    if not upstream.adds_credentials or method in SAFE_METHODS or not _is_cross_site(request, table):
        return
    origin = (request.origin or b"another site").decode("latin-1")
    hint = "list the origin under cors.origins in routes.yaml"
    where = f"routes.yaml adds credentials to what goes to {upstream.environment}"
    raise _refused("http_request_denied", f"{method.decode('latin-1')} from {origin}, and {where}", hint)


def _is_cross_site(request: RequestHead, table: RouteTable) -> bool:
    """What the browser says (Sec-Fetch-Site), else its Origin; who says neither is no browser of the last years."""
    if request.origin and request.origin in table.cors.origins:
        return False
    if request.fetch_site:
        return request.fetch_site not in (b"same-origin", b"none")
    return bool(request.origin) and not _same_site(request, table)


def choose_environment(
    request: RequestHead, table: RouteTable, cluster: CompiledCluster, pins: Mapping[str, Pin], now: float
) -> tuple[str, str | None]:
    """(environment, why it is not the route's own): by header, by baggage, by the session's pin, else the route's."""
    if request.overrides:
        source, chosen = _chosen(request)
        _check_known(chosen, table)
        if cluster.name in chosen:
            return chosen[cluster.name], source
    if pins:
        pin = pins.get(cluster.name)
        if pin is not None and (not pin.until or pin.until > now):
            return pin.environment, "pin"
    return cluster.environment, None


def upstream_in(cluster: CompiledCluster, environment: str) -> CompiledUpstream:
    """Where the cluster lives there; RefusedError names where it does."""
    upstream = cluster.upstreams.get(environment)
    if upstream is None:
        known = ", ".join(cluster.upstreams)
        hint = f"gateway move {cluster.name} {next(iter(cluster.upstreams), 'ENVIRONMENT')}"
        detail = f"{cluster.name} has no upstream in {environment}; it has {known}"
        raise _refused("destination_unavailable", detail, hint)
    return upstream


def check_write(
    method: bytes, headers: RawPairs, cluster: CompiledCluster, upstream: CompiledUpstream, *, yes: bool
) -> None:
    """Raise RefusedError for a replay's write that the guard of this very upstream does not let pass.

    It is asked when everything is decided, so no edit of a replay leads around it.
    """
    if upstream.writes == "allow" or (upstream.writes == "ask" and yes):
        return
    named = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers]
    if not is_write(method.decode("latin-1"), named):
        return
    where = f"{cluster.name}@{upstream.environment}"
    detail = f"the write guard: {method.decode('latin-1')} writes to {where}, whose writes are: {upstream.writes}"
    raise _refused("http_request_denied", detail, "--yes lets it" if upstream.writes == "ask" else "")


def _chosen(request: RequestHead) -> tuple[str, dict[str, str]]:
    try:
        return request.chosen()
    except ValueError as error:
        hint = "Gateway-Env: orders=qa, payments=test"
        raise _refused("http_request_error", f"Gateway-Env: {error}", hint) from None


def _check_known(chosen: Mapping[str, str], table: RouteTable) -> None:
    for name, environment in chosen.items():
        other = table.clusters.get(name)
        if other is None:
            hint = "the clusters are " + ", ".join(table.clusters)
            raise _refused("http_request_error", f"no cluster is named {name!r}", hint)
        if environment not in other.upstreams:
            hint = f"{name} lives in " + ", ".join(other.upstreams)
            raise _refused("http_request_error", f"{name} has no environment {environment!r}", hint)


def _same_site(request: RequestHead, table: RouteTable) -> bool:
    return request.is_same_origin or table.cors.allows(request.origin)


def _refused(kind: str, detail: str, hint: str = "") -> RefusedError:
    return RefusedError(problem(kind, detail, hint=hint))

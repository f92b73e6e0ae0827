"""The gateway's own responses, as they go on the wire. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ..problems import HINTS, ProblemDetails

if TYPE_CHECKING:
    from ..model.capture import Capture
    from ..routes.table import CompiledUpstream


def placed(details: ProblemDetails, capture: Capture, upstream: CompiledUpstream | None) -> ProblemDetails:
    """With cluster, environment, upstream, the exchange's address, and what to try."""
    return replace(
        details, cluster=capture.cluster, environment=capture.environment, upstream=upstream.url if upstream else "",
        instance=f"/_gateway/exchanges/{capture.id}",
        hint=details.hint or HINTS.get(details.kind, "").format(cluster=capture.cluster),
    )  # fmt: skip


def wire(details: ProblemDetails, accept: bytes = b"") -> tuple[list[bytes], bytes]:
    """(fields, body): as a page where the client prefers one."""
    kind, body = details.body(accept.decode("latin-1"))
    fields = [f"{name}: {value}".encode("latin-1", "replace") for name, value in details.headers().items()]
    return [*fields, b"Content-Type: " + kind.encode(), b"Content-Length: %d" % len(body)], body


def status_line(details: ProblemDetails) -> bytes:
    return f"HTTP/1.1 {details.status} {details.title}".encode("latin-1", "replace")

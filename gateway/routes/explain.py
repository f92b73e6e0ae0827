"""Which rule and which upstream a request goes to, and why not to the others. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from ..errors import NotFoundError, UsageError, did_you_mean
from .lookup import Destination
from .rewrite import is_own, unsafe_path
from .table import CompiledCluster, RouteTable

MAX_OTHERS = 8


@dataclass(frozen=True, slots=True)
class Explanation:
    """`cluster` is "" when no rule fits; `others` says why each near cluster was passed over."""

    method: str
    target: str
    answer: str  # "upstream" | "refused" | "gateway" | "nothing"
    reason: str
    cluster: str = ""
    prefix: str = ""
    environment: str = ""
    upstream: str = ""  # base URL
    url: str = ""  # where the request goes
    recorded: bool = True
    writes: str = ""
    nearest: str | None = None
    others: tuple[tuple[str, str], ...] = ()


def explain(table: RouteTable, method: str, target: str, *, overrides: Mapping[str, str] | None = None) -> Explanation:
    """`target` is a public path with or without a query; `overrides` are pins, cluster: environment. UsageError when
    it is no path."""
    if not target.startswith("/"):
        raise UsageError(f"{target!r} is no path; it begins with '/'", hint="gateway which GET /api/orders/1")
    raw = target.encode().partition(b"#")[0]
    path = raw.partition(b"?")[0]
    others = tuple(_others(table, path))[:MAX_OTHERS]
    cluster = table.match(path)
    if is_own(path):
        reason = "everything below /_gateway/ is the gateway's own"
        return Explanation(method, target, "gateway", reason, recorded=False)
    if cluster is None:
        near = table.nearest(path)
        reason = "no cluster's path fits" + (f"; did you mean {near}?" if near else "")
        return Explanation(method, target, "nothing", reason, recorded=False, nearest=near, others=others)
    if why := unsafe_path(path):
        reason = f"the path is refused with 400: {why}"
        return Explanation(method, target, "refused", reason, cluster.name, _public(cluster), others=others)
    return _explained(table, cluster, (method, target, raw), overrides or {}, others)


def _explained(
    table: RouteTable,
    cluster: CompiledCluster,
    request: tuple[str, str, bytes],
    overrides: Mapping[str, str],
    others: tuple[tuple[str, str], ...],
) -> Explanation:
    method, target, raw = request
    environment = overrides.get(cluster.name, cluster.environment)
    upstream = cluster.upstreams.get(environment)
    if upstream is None:
        known = ", ".join(cluster.upstreams)
        hint = f"{cluster.name} has upstreams in {known}"
        near = did_you_mean(environment, cluster.upstreams)
        raise NotFoundError(f"{cluster.name} has no environment '{environment}'{near}", hint=hint)
    path = raw.partition(b"?")[0]
    _, url = Destination(cluster, raw, path).at(upstream)
    how = "by this override" if cluster.name in overrides else "where it lives now"
    return Explanation(
        method=method,
        target=target,
        answer="upstream",
        reason=f"{_public(cluster)} is the longest path that fits; {cluster.name} is in {environment}, {how}",
        cluster=cluster.name,
        prefix=_public(cluster),
        environment=environment,
        upstream=upstream.url,
        url=url,
        recorded=not table.recording.skips(method.encode(), path),
        writes=upstream.writes,
        others=others,
    )


def _others(table: RouteTable, path: bytes) -> Iterator[tuple[str, str]]:
    """The clusters that come near, and why they are not the one."""
    winner = table.match(path)
    for cluster in table.clusters.values():
        if cluster is not winner and (why := _why_not(cluster, path, winner)):
            yield cluster.name, why


def _why_not(cluster: CompiledCluster, path: bytes, winner: CompiledCluster | None) -> str:
    prefix, public = cluster.prefix, _public(cluster)
    if _fits(prefix, path):
        return f"{public} fits too, but {_public(winner) if winner else 'another'} is longer"
    if path.startswith(prefix):
        segment = path[path.rfind(b"/", 0, len(prefix)) + 1 :].partition(b"/")[0].decode("latin-1")
        return f"{public} ends within the segment '{segment}'; a path fits at a '/' only"
    if _fits(prefix.lower(), path.lower()):
        return f"{public} differs in upper and lower case"
    if _fits(prefix, unquote_to_bytes(path)):
        return f"{public} would fit the decoded path, but paths are compared as they are spelled"
    beginning = b"/".join(path.split(b"/")[: prefix.count(b"/") + 1]).decode("latin-1")
    if difflib.SequenceMatcher(None, beginning, public).ratio() > 0.85:
        return f"{public} is spelled differently from {beginning}"
    return ""


def _fits(prefix: bytes, path: bytes) -> bool:
    return path == prefix or path.startswith(prefix + b"/")


def _public(cluster: CompiledCluster) -> str:
    return cluster.prefix.decode("latin-1") or "/"

"""Where a cluster begins in public URLs: what a recording's exchanges say about it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from ...model.exchange import Exchange
from ..urls import ascii_url, split_origin
from .templated_text import free, identifier


@dataclass(frozen=True, slots=True)
class PublicTarget:
    """A cluster as a client sees it; `variable` holds `base` in files that run.

    Without a cluster it is the host of an import, and without a host the gateway itself.
    """

    cluster: str
    variable: str
    base: str  # "http://127.0.0.1:8080/api/orders"
    environments: tuple[str, ...]  # in order of first use
    host: str = ""  # of an import that no route knows

    @property
    def name(self) -> str:
        """ "" for the gateway itself."""
        return self.cluster or self.host


def targets(exchanges: Sequence[Exchange]) -> dict[tuple[str, str], PublicTarget]:
    """By (public origin, cluster), in order of first use."""
    groups: dict[tuple[str, str], list[Exchange]] = {}
    for exchange in exchanges:
        groups.setdefault(key_of(exchange), []).append(exchange)
    found: dict[tuple[str, str], PublicTarget] = {}
    taken: set[str] = set()
    for (origin, cluster), members in groups.items():
        host = members[0].unrouted_host
        name = free(f"{identifier(cluster or host, 'cluster')}_url" if cluster or host else "gateway_url", taken)
        environments = tuple(dict.fromkeys(one.environment for one in members if one.environment))
        base = ascii_url(origin) + (_prefix(members) if cluster else "")
        found[origin, cluster] = PublicTarget(cluster, name, base, environments, host)
    return found


def key_of(exchange: Exchange) -> tuple[str, str]:
    return split_origin(exchange.url)[0], exchange.cluster


def _prefix(exchanges: Sequence[Exchange]) -> str:
    """What the record says of the cluster; else the segments that all public paths begin with and that the upstream
    did not get."""
    told = {exchange.prefix for exchange in exchanges}
    known = next(iter(told)) if len(told) == 1 else None
    if known is not None and all(_is_below(exchange.url, known) for exchange in exchanges):
        return ascii_url(known)
    prefixes = [_own(exchange) for exchange in exchanges]
    shared = prefixes[0]
    for other in prefixes[1:]:
        same = 0
        while same < min(len(shared), len(other)) and shared[same] == other[same]:
            same += 1
        shared = shared[:same]
    return "".join(f"/{segment}" for segment in shared)


def _is_below(url: str, prefix: str) -> bool:
    path = split_origin(url)[1]
    return path.startswith(prefix) and path[len(prefix) : len(prefix) + 1] in ("", "/", "?")


def _own(exchange: Exchange) -> list[str]:
    """The public path's segments without those at its end that the upstream's path has as well; none where nobody
    knows what the upstream got."""
    if not exchange.upstream_url:
        return []
    public = _segments(exchange.url)
    upstream = _segments(exchange.upstream_url)
    while public and upstream and public[-1] == upstream[-1]:
        public.pop()
        upstream.pop()
    return [segment for segment in public if segment]


def _segments(url: str) -> list[str]:
    path = urlsplit(ascii_url(url)).path
    return path.split("/")[1:]

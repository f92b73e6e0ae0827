"""What an import brings, in the nouns of the model, and how it gets ids of its own. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Protocol

from ...model.exchange import Chunk, Exchange
from ...model.recording import Recording

_LOOPBACK = re.compile(r"https?://(?:127\.0\.0\.1|localhost|\[::1\])(?::\d+)?(?=/)")  # a gateway that ran here


@dataclass(frozen=True, slots=True)
class Imported:
    """One recording of a file; `chunks` by step. A parent inside the same file is its place there: "#0"."""

    recording: Recording
    exchanges: tuple[Exchange, ...]
    chunks: Mapping[int, tuple[Chunk, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SourcePlace:
    """Where the routes know a URL: as a public URL of this gateway."""

    cluster: str
    environment: str
    url: str
    prefix: str | None = field(default=None, compare=False)  # the public path of the cluster


Locate = Callable[[str], "SourcePlace | None"]


class Upstream(Protocol):
    @property
    def url(self) -> str: ...


class Cluster(Protocol):
    """What is asked of a cluster of the route table."""

    @property
    def name(self) -> str: ...
    @property
    def prefix(self) -> bytes: ...
    @property
    def strip(self) -> bool: ...
    @property
    def environment(self) -> str: ...
    @property
    def upstreams(self) -> Mapping[str, Upstream]: ...


def nowhere(_url: str) -> SourcePlace | None:
    """For files that are read without a route table."""
    return None


def locating(clusters: Iterable[Cluster], own: str) -> Locate:
    """Finds URLs by the upstream that they begin with, or by the public prefix on this gateway or on this machine."""
    known: list[tuple[str, Cluster, str, str]] = []
    for cluster in clusters:
        prefix = cluster.prefix.decode("latin-1")
        known.append((f"{own}{prefix}", cluster, cluster.environment, f"{own}{prefix}"))
        for environment, upstream in cluster.upstreams.items():
            public = f"{own}{prefix}" if cluster.strip else own
            known.append((upstream.url.rstrip("/"), cluster, environment, public))
    known.sort(key=lambda item: len(item[0]), reverse=True)

    def locate(url: str) -> SourcePlace | None:
        return _found(known, url) or _found(known, _LOOPBACK.sub(own, url, count=1))

    return locate


def _found(known: Sequence[tuple[str, Cluster, str, str]], url: str) -> SourcePlace | None:
    for begin, cluster, environment, public in known:
        rest = url[len(begin) :]
        if url.startswith(begin) and (not rest or rest[0] in "/?"):
            return SourcePlace(
                cluster.name, environment, public + (rest if rest.startswith("/") else f"/{rest}"),
                cluster.prefix.decode("latin-1"),
            )  # fmt: skip
    return None


def placed(exchange: Exchange, locate: Locate) -> Exchange:
    """The exchange as if it had passed this gateway, where the routes know its URL.

    Else it stays as it is, and its `upstream_url` says that it went to a server which no route knows.
    """
    found = locate(_over_http(exchange.url))
    if found is None:
        return exchange if exchange.upstream_url else replace(exchange, upstream_url=exchange.url)
    target = "/" + found.url.partition("://")[2].partition("/")[2]
    upstream = exchange.upstream_url or ("" if exchange.url.endswith(target) else exchange.url)
    request = replace(exchange.request, target=target)
    return replace(
        exchange, url=found.url, request=request, cluster=found.cluster, environment=found.environment,
        upstream_url=upstream, prefix=found.prefix,
    )  # fmt: skip


def _over_http(url: str) -> str:
    """A WebSocket begins as a request over HTTP (RFC 6455 section 4.1)."""
    return f"http{url[2:]}" if url[:5].lower() in ("ws://", "wss:/") else url


def renewed(found: Sequence[Imported], *, new_id: Callable[[], str], now: float) -> list[Imported]:
    """The same with ids of their own, as recordings of kind "import"; `now` in epoch seconds, for what has no time."""
    moment = datetime.fromtimestamp(now, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    ids = sorted(new_id() for _ in found)  # those of one millisecond stand in any order, and what-ifs in that of ids
    return [_renewed(one, ids[index], ids, new_id, moment) for index, one in enumerate(found)]


def _renewed(one: Imported, id: str, ids: Sequence[str], new_id: Callable[[], str], now: str) -> Imported:
    session = f"import:{id}"
    parent = one.recording.parent or ""
    exchanges = tuple(
        replace(exchange, id=new_id(), recording=id, session=session, started_at=exchange.started_at or now)
        for exchange in one.exchanges
    )
    recording = replace(
        one.recording, id=id, session=session, kind="import", steps=len(exchanges),
        parent=ids[int(parent[1:])] if parent.startswith("#") else None,
        started_at=exchanges[0].started_at if exchanges else now,
        branched_at=one.recording.branched_at if parent else None,
    )  # fmt: skip
    return Imported(recording, exchanges, one.chunks)

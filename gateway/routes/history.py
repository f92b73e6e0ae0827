"""What one route table changes about another, in words for people. Pure. Header values never appear."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from ..errors import UsageError
from ..model.recording import Revision
from .parse import parse_stored
from .table import CompiledCluster, CompiledUpstream, RouteTable, compile_table

TIMES = ("connect_timeout", "response_timeout", "idle_timeout")


def changes(before: RouteTable | None, after: RouteTable) -> tuple[str, ...]:
    """Such as "orders: test -> qa", "payments: added"; nothing when they mean the same."""
    if before is None:
        return ()
    return tuple(_changes(before, after))


def _changes(before: RouteTable, after: RouteTable) -> Iterator[str]:
    if before.environments != after.environments:
        yield f"environments are now {', '.join(after.environments)}"
    removed = [name for name in before.clusters if name not in after.clusters]
    if removed:
        yield f"clusters removed: {', '.join(removed)}"
    for name, cluster in after.clusters.items():
        old = before.clusters.get(name)
        if old is None:
            yield f"{name}: added at {_public(cluster)} in {cluster.environment}"
        elif old != cluster:
            yield from _cluster(name, old, cluster)
    for part in ("cors", "redact", "recording"):
        if getattr(before, part) != getattr(after, part):
            yield f"{part}: changed"


def _cluster(name: str, old: CompiledCluster, new: CompiledCluster) -> Iterator[str]:
    if old.environment != new.environment:
        yield f"{name}: {old.environment} -> {new.environment}"
    if old.prefix != new.prefix:
        yield f"{name}: path {_public(old)} -> {_public(new)}"
    for word, before, after in (
        ("strip", old.strip, new.strip),
        ("health", old.health, new.health),
        ("version", _version(old), _version(new)),
        ("fault", _fault(old), _fault(new)),
        ("writes", old.writes, new.writes),
        ("failed_when", _rules_of_failure(old), _rules_of_failure(new)),
        ("contract", _contract(old), _contract(new)),
        ("cache", _cache(old), _cache(new)),
        ("names", _names(old), _names(new)),
        ("listen", _listen(old), _listen(new)),
        ("rewrite_bodies", old.rewrite_bodies, new.rewrite_bodies),
    ):
        if before != after:
            yield f"{name}: {word} {_word(before)} -> {_word(after)}"
    yield from _upstreams(name, old, new)


def _contract(cluster: CompiledCluster) -> str | None:
    """Its source; the hash of the rest tells that something else changed, and no header is shown."""
    return cluster.contract.shown if cluster.contract else None


def _cache(cluster: CompiledCluster) -> str:
    return "upstream" if cluster.keeps_cache else "none"


def _names(cluster: CompiledCluster) -> str | None:
    return ", ".join(name.decode() for name in cluster.names) or None


def _listen(cluster: CompiledCluster) -> str | None:
    return f"{cluster.listen[0]}:{cluster.listen[1]}" if cluster.listen else None


def _upstreams(name: str, old: CompiledCluster, new: CompiledCluster) -> Iterator[str]:
    for environment in old.upstreams:
        if environment not in new.upstreams:
            yield f"{name}: upstream {environment} removed"
    for environment, upstream in new.upstreams.items():
        before = old.upstreams.get(environment)
        if before is None:
            yield f"{name}: upstream {environment} added, {upstream.url}"
        elif before != upstream:
            yield from (f"{name}: upstream {environment} {what}" for what in _upstream(before, upstream))


def _upstream(old: CompiledUpstream, new: CompiledUpstream) -> Iterator[str]:
    if old.url != new.url:
        yield f"{old.url} -> {new.url}"
    yield from _headers(old, new)
    if old.keeps_host != new.keeps_host:
        yield f"host is {'kept' if new.keeps_host else 'its own'}"
    if old.proxy != new.proxy:
        yield "proxy changed"
    if _rules(old) != _rules(new):
        yield "rewrite rules changed"
    if old.tls != new.tls and (old.tls is None) == (new.tls is None):
        yield "tls changed"
    for word in TIMES:
        before, after = getattr(old, word), getattr(new, word)
        if before != after:
            yield f"{word.replace('_', ' ')} {before:g} s -> {after:g} s"
    if old.writes != new.writes:
        yield f"writes {old.writes} -> {new.writes}"


def _headers(old: CompiledUpstream, new: CompiledUpstream) -> Iterator[str]:
    before, after = dict(old.headers), dict(new.headers)
    for name in sorted(before.keys() | after.keys()):
        if before.get(name) != after.get(name):
            how = "removed" if name not in after else "added" if name not in before else "changed"
            yield f"header {name.decode('latin-1')} {how}"


def _rules(upstream: CompiledUpstream) -> list[tuple[bytes, bytes]]:
    return [(pattern.pattern, template) for pattern, template in upstream.rewrite]


def _public(cluster: CompiledCluster) -> str:
    return cluster.prefix.decode("latin-1") or "/"


def _version(cluster: CompiledCluster) -> str | None:
    return None if cluster.version_path is None else f"{cluster.version_path} {cluster.version_pointer or ''}".strip()


def _rules_of_failure(cluster: CompiledCluster) -> str | None:
    return ", ".join(f"{one.pointer} is {json.dumps(one.value)}" for one in cluster.failed_when) or None


def _fault(cluster: CompiledCluster) -> str | None:
    fault = cluster.fault
    if fault is None:
        return None
    parts = [f"{fault.delay:g} s"] if fault.delay else []
    parts += [str(fault.status)] if fault.status is not None else []
    return f"{', '.join(parts) or 'nothing'} for {fault.rate:.0%}"


def _word(value: object) -> str:
    """As routes.yaml writes it; "none" where it says nothing."""
    if value is None:
        return "none"
    return str(value).lower() if isinstance(value, bool) else str(value)


def read_moment(text: str) -> datetime:
    """A date, or a date with a time; UTC without an offset. UsageError for anything else."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"at={text[:40]!r} is not a time such as 2026-11-22T06:00 (UTC)") from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def in_force_at(revisions: Sequence[Revision], moment: datetime) -> Revision | None:
    """The newest revision accepted by then, of a list that is newest first."""
    return next((one for one in revisions if read_moment(one.accepted_at) <= moment), None)


def environments_at(then: Revision) -> dict[str, str]:
    """Cluster -> environment when a revision was in force: out of its stored text, not out of what changed since."""
    parsed = parse_stored(then.text)
    if parsed.config is not None:
        table = compile_table(parsed.config, revision=then.id)
        return {name: cluster.environment for name, cluster in table.clusters.items()}
    clusters = parsed.root.get("clusters") if parsed.root is not None else None  # a variable is gone, for instance
    found = {}
    for name, node in clusters.entries() if clusters is not None else ():
        where = node.get("environment") if node.kind == "mapping" else None
        if where is not None:
            found[name.text] = str(where.value)
    return found

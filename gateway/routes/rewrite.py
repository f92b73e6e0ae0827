"""Between public and upstream paths: targets one way, addresses and Set-Cookie the other. Pure.

Paths are bytes and stay as they were spelled: what decides about a route is what is forwarded.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .table import CompiledCluster, CompiledUpstream

RENAMED = re.compile(rb"\bhttp(__(?:Host|Secure)-)", re.IGNORECASE)  # what `public_cookie` makes of such a name
OWN = b"/_gateway"  # everything below it is the gateway's own, whatever routes.yaml says
REWRITTEN = 1024  # longer paths pass without rewrite rules: bounds what a slow pattern can cost

SUSPICIOUS = re.compile(rb"[%\\#\x00-\x20\x7f]|/\.")
CONTROL = re.compile(rb"[\x00-\x20\x7f]")
BAD_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")
DOT = re.compile(rb"%2e", re.IGNORECASE)
BOUNDARY = re.compile(rb"/|\\|%2f|%5c", re.IGNORECASE)


def forward_target(cluster: CompiledCluster, upstream: CompiledUpstream, target: bytes) -> bytes:
    """The target at the upstream of a public target; nothing is decoded or encoded on the way."""
    path, mark, query = target.partition(b"?")
    rest = path[len(cluster.prefix) :] if cluster.strip else path
    if upstream.rewrite and len(rest) <= REWRITTEN:
        rest, more, added = _rewritten(upstream, rest or b"/").partition(b"?")
        if more:
            mark, query = b"?", b"&".join(filter(None, (added, query)))
    return (upstream.base_path + rest or b"/") + mark + query


def _rewritten(upstream: CompiledUpstream, path: bytes) -> bytes:
    """What the first matching rule makes of the path; a result that leads out of it is not used."""
    for pattern, template in upstream.rewrite:
        found, count = pattern.subn(template, path, 1)
        if count:
            return path if not found.startswith(b"/") or unsafe_path(found.partition(b"?")[0]) else found
    return path


def unsafe_path(path: bytes) -> str:
    """Why a path is refused, or "": whatever an upstream might read as another path than the one that was matched."""
    if SUSPICIOUS.search(path) is None:
        return ""
    if b"#" in path:
        return "it has a fragment"
    if b"\\" in path:
        return "it has a backslash"
    if CONTROL.search(path) or b"%00" in path:
        return "it has a control character"
    if BAD_ESCAPE.search(path):
        return "it has a percent sign that is not followed by two hexadecimal digits"
    # A ";parameter" hides dots from a prefix, but not from a servlet container.
    segments = (part.partition(b";")[0] for part in BOUNDARY.split(DOT.sub(b".", path)))
    return "it has a dot segment" if any(part in (b".", b"..") for part in segments) else ""


def is_own(path: bytes) -> bool:
    """Whether the path is the gateway's own, whatever the table says."""
    return path == OWN or path.startswith(OWN + b"/")


def public_path(cluster: CompiledCluster, upstream: CompiledUpstream, path: bytes) -> bytes | None:
    """The public path (and query) of one at the upstream; None when it cannot be reached through the cluster."""
    rest = _below(upstream.base_path, path)
    if rest is None:
        return None
    if not cluster.strip:
        return rest if _below(cluster.prefix, rest) is not None else None
    if not upstream.base_path and cluster.prefix and _below(cluster.prefix, path) is not None:
        return path  # an upstream that heeds X-Forwarded-Prefix has put it there already
    return cluster.prefix + rest if cluster.prefix or rest.startswith(b"/") else b"/" + rest


def public_cookie(cluster: CompiledCluster, upstream: CompiledUpstream, value: bytes, *, secure: bool = False) -> bytes:
    """A Set-Cookie value that a client of the gateway keeps and sends back: Domain and Path fit, and over plain HTTP it
    is not Secure; every other byte as it was.

    Browsers drop a Secure cookie that comes over http, and one with SameSite=None or Partitioned that is not Secure
    (RFC 6265bis section 5.6). The prefixes __Host- and __Secure- mean the same: such a cookie gets another name, which
    `upstream_cookies` changes back.
    """
    pair, *attributes = value.split(b";")
    prefixed = pair.lstrip()[:9].lower().startswith((b"__host-", b"__secure-"))
    if prefixed and not secure:
        pair = b"http" + pair.lstrip()
    kept = [pair]
    for attribute in attributes:
        name, equals, text = attribute.partition(b"=")
        low = name.strip().lower()
        if low == b"domain" and _names_host(upstream, text.strip()):
            continue
        if not secure and (
            low in (b"secure", b"partitioned") or (low == b"samesite" and text.strip().lower() == b"none")
        ):
            continue
        if low == b"path" and equals and not (prefixed and pair.lstrip().lower().startswith(b"__host-")):
            attribute = name + equals + _cookie_path(cluster, upstream, text)
        kept.append(attribute)
    return b";".join(kept)


def upstream_cookies(value: bytes) -> bytes:
    """A Cookie value with the names that `public_cookie` had to change."""
    return RENAMED.sub(rb"\1", value) if b"http__" in value else value


def _cookie_path(cluster: CompiledCluster, upstream: CompiledUpstream, text: bytes) -> bytes:
    path = text.strip()
    public = public_path(cluster, upstream, path) if path.startswith(b"/") else None
    if public is None:
        return text
    if path == upstream.base_path + b"/" and cluster.strip:
        # "/api/orders/" would not be sent to "/api/orders" itself (RFC 6265 section 5.1.4).
        public = cluster.prefix or b"/"
    return text.replace(path, public, 1)


def _below(base: bytes, path: bytes) -> bytes | None:
    """What follows `base` when it ends at a segment boundary of the path."""
    if not path.startswith(base):
        return None
    rest = path[len(base) :]
    return rest if not base or rest[:1] in (b"", b"/", b"?", b"#") else None


def _names_host(upstream: CompiledUpstream, domain: bytes) -> bool:
    """Whether a Domain covers the upstream's host, which no client of the gateway talks to."""
    name = domain.lower().lstrip(b".")
    sent = re.sub(rb":[0-9]*$", b"", upstream.host_header.lower())
    return bool(name) and any(
        host == name or host.endswith(b"." + name) for host in (upstream.host.lower().encode(), sent)
    )

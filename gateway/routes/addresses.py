"""Addresses of upstreams and their public counterparts, for every cluster of a table. Pure.

An upstream may name itself, another cluster's upstream, or the gateway without the prefix (frameworks that heed
X-Forwarded-Host but not X-Forwarded-Prefix). All of them lead past the gateway, or nowhere, unless they are translated.
What cannot be translated for certain stays as it was: an address of an environment that is not in force is another
server, and turning it into a public one would send the client elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ..model.addresses import ABSOLUTE, PORTS, Place, is_spelling, place_of_host, places_of, spellings
from .rewrite import public_path

if TYPE_CHECKING:
    from .table import CompiledCluster, CompiledUpstream

PIECE: Final = 64 << 10  # bytes of a body that are searched at once
AHEAD: Final = 2  # bytes behind an address that tell where it ends
LINK_TARGET: Final = re.compile(rb"<([^<>]*)>")


@dataclass(frozen=True, slots=True)
class Viewpoint:
    """From where an address is looked at: one exchange."""

    cluster: CompiledCluster
    upstream: CompiledUpstream
    origin: bytes  # b"http://127.0.0.1:8080": how the client reaches the gateway
    environment_of: Callable[[str], str]  # cluster -> where this session's calls to it go now
    main: bytes = b""  # the gateway's own origin, where the cluster has a name or port to itself


class Addresses:
    """Finds the clusters behind an address, in one route table."""

    def __init__(self, clusters: Mapping[str, CompiledCluster], is_public: Callable[[bytes], bool]) -> None:
        """`is_public` tells whether a path is one of the gateway's: of a cluster, or of its own pages."""
        self._is_public = is_public
        self._known: dict[Place, list[tuple[CompiledCluster, CompiledUpstream]]] = {}
        for cluster in clusters.values():
            for upstream in cluster.upstreams.values():
                place = place_of_host(upstream.host.encode(), upstream.port)
                self._known.setdefault(place, []).append((cluster, upstream))
                for name in places_of_host_header(upstream):
                    self._known.setdefault(name, [])  # so that bodies are searched for it
        self._in_bodies: re.Pattern[bytes] | None = None

    def public(self, url: bytes, view: Viewpoint) -> bytes:
        """The public counterpart of a URL reference; the very same bytes when there is none."""
        if absolute := ABSOLUTE.match(url):
            return self._absolute(absolute, view) or url
        if not url.startswith(b"/"):
            return url
        public = public_path(view.cluster, view.upstream, url)
        return url if public is None else public

    def public_links(self, value: bytes, view: Viewpoint) -> bytes:
        """A Link value (RFC 8288 section 3) with each of its targets translated."""
        return LINK_TARGET.sub(lambda link: b"<" + self.public(link[1], view) + b">", value)

    def public_body(self, body: bytes, view: Viewpoint) -> bytes:
        """A body of text with the absolute addresses in it translated: plain, with the escaped slashes of JSON, and
        percent-encoded as they stand in a query. Blocking: 2 s for 16 MB with 120,000 of them; other threads go on."""
        if self._in_bodies is None:
            self._in_bodies = _pattern(self._known)
        out: list[bytes] = []
        done = 0
        for found in _in_pieces(self._in_bodies, body):
            out += body[done : found.start()], self._in_body(found, view)
            done = found.end()
        return b"".join([*out, body[done:]]) if out else body

    def _in_body(self, found: re.Match[bytes], view: Viewpoint) -> bytes:
        scheme, slash, authority, path = found[1] or b"", found[2], found[3], found[4]
        plain = path.replace(slash, b"/") if slash != b"/" else path
        url = scheme.replace(b"%3A", b":").replace(b"%3a", b":") + b"//" + _unquoted(authority) + plain
        public = self.public(url, view)
        if public is url or public == url:
            return found[0]
        if slash == b"/":
            return public
        head, mark, rest = public.partition(b"//")
        if scheme.endswith((b"%3A", b"%3a")):
            head, rest = head.replace(b":", b"%3A"), rest.replace(b":", b"%3A")
        return head + (slash * 2 if mark else b"") + rest.replace(b"/", slash)

    def _absolute(self, found: re.Match[bytes], view: Viewpoint) -> bytes | None:
        scheme, authority, rest = found[1], found[2], found[3]
        own_scheme, _, own_authority = view.origin.partition(b"://")
        if (scheme or own_scheme).lower() not in PORTS:
            return None
        if authority.lower() == own_authority.lower():
            return self._without_prefix(rest, view)
        places = places_of(scheme, authority, b"https" if view.upstream.tls else b"http")
        if (
            is_spelling(authority)
            and is_spelling(own_authority)
            and places == places_of(own_scheme, own_authority, b"")
        ):
            # The gateway in another spelling of this machine, where a browser has another cookie: another session.
            return self._without_prefix(rest, view) or view.origin + rest
        for place in places:
            for cluster, upstream in self._candidates(place, view):
                public = public_path(cluster, upstream, rest)
                if public is not None:
                    return public_origin(cluster, scheme, view) + public
        return None

    def _without_prefix(self, rest: bytes, view: Viewpoint) -> bytes | None:
        """The gateway's own address: right when it leads somewhere, else of an upstream that knows no prefix."""
        path = rest if rest[:1] == b"/" else b"/" + rest
        if not view.cluster.prefix or self._is_public(re.split(rb"[?#]", path, maxsplit=1)[0]):
            return None
        public = public_path(view.cluster, view.upstream, path)
        return None if public is None else view.origin + public

    def _candidates(self, place: Place, view: Viewpoint) -> Iterable[tuple[CompiledCluster, CompiledUpstream]]:
        """Those in force, this exchange's own first, then those with the longest base path."""
        found = self._known.get(place)
        if found is None:
            return
        if any(upstream is view.upstream for _, upstream in found) or place in places_of_host_header(view.upstream):
            yield view.cluster, view.upstream  # as it is mounted for this exchange
        for cluster, upstream in sorted(found, key=lambda one: -len(one[1].base_path)):
            if upstream is not view.upstream and view.environment_of(cluster.name) == upstream.environment:
                yield cluster, upstream


def places_of_host_header(upstream: CompiledUpstream) -> list[Place]:
    """Where a server is by its own account, when routes.yaml sets the Host that it gets.

    It counts in its own responses only: several clusters may have the same name there.
    """
    sent = upstream.host_header
    return [*places_of(b"http", sent, b"http"), *places_of(b"https", sent, b"https")] if sent else []


def public_origin(cluster: CompiledCluster, scheme: bytes | None, view: Viewpoint) -> bytes:
    """The origin at which clients reach a cluster, with the scheme of WebSockets where the address had it."""
    origin = view.origin if cluster.name == view.cluster.name else view.main or view.origin
    if scheme is not None and scheme.lower() in (b"ws", b"wss"):
        return b"ws" + origin.removeprefix(b"http")
    return origin


def _in_pieces(pattern: re.Pattern[bytes], body: bytes) -> Iterator[re.Match[bytes]]:
    """As `finditer`, in steps of PIECE bytes: `re` does not let go of the interpreter while it searches."""
    at = 0
    while at < len(body):
        end = at + 2 * PIECE
        found = pattern.search(body, at, end)
        if found is None or found.start() >= at + PIECE:
            at += PIECE  # what begins behind the piece may be cut at the end of the search
            continue
        at = found.start() + 1
        if found.end() > end - AHEAD:
            found = pattern.match(body, found.start())
        if found is not None:
            yield found
            at = found.end()


def _pattern(places: Iterable[Place]) -> re.Pattern[bytes]:
    words = {one for place in places for one in spellings(*place)}
    escaped = (re.escape(one).replace(b":", b"(?::|%3[Aa])") for one in sorted(words, key=len, reverse=True))
    # The path is needed to see whether it lies below an upstream's base path.
    return re.compile(
        rb"(?<![A-Za-z0-9+.-])(?:((?:https?|wss?)(?::|%3[Aa])))?(/|\\/|%2[Ff])\2("
        + b"|".join(escaped)
        + rb")(?![\w:@-]|\.\w)"
        rb"((?:\2[^\s\"'<>\\&?#%]*)*)",
        re.IGNORECASE,
    )


def _unquoted(authority: bytes) -> bytes:
    return re.sub(rb"%3[Aa]", b":", authority)

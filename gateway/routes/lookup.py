"""Where a request target leads: its cluster, and what it is at the cluster's upstream. Pure.

Clients ask for the same targets again and again: what was worked out for one is remembered, as long as its table holds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ..model.caches import BoundedCache
from .rewrite import forward_target, is_own, unsafe_path

if TYPE_CHECKING:
    from .table import CompiledCluster, CompiledUpstream, RouteTable

STATIC: Final = frozenset(
    b"avif bmp css eot gif ico jpeg jpg js map mjs mp3 mp4 ogg otf png svg ttf wasm webm webp woff woff2".split()
)
MOST: Final = 1024  # targets remembered
LONGEST: Final = 512  # bytes of the longest of them


class Destination:
    """A target of a cluster. `refusal` says why it is not forwarded, or is ""."""

    __slots__ = ("_forwarded", "_upstream", "cluster", "keeps_cache", "path", "refusal", "target")

    def __init__(self, cluster: CompiledCluster, target: bytes, path: bytes) -> None:
        self.cluster, self.target, self.path = cluster, target, path
        self.refusal = unsafe_path(path)
        self.keeps_cache = cluster.keeps_cache or is_static(path)
        self._upstream: CompiledUpstream | None = None
        self._forwarded = b"", ""

    def at(self, upstream: CompiledUpstream) -> tuple[bytes, str]:
        """The target at an upstream, and its absolute URL there."""
        if self._upstream is not upstream:
            target = forward_target(self.cluster, upstream, self.target)
            self._forwarded, self._upstream = (target, _url(upstream, target)), upstream
        return self._forwarded


class Destinations:
    """Finds destinations in one route table, or of the one cluster that has a name or port to itself."""

    def __init__(self, table: RouteTable, mounted: CompiledCluster | None = None) -> None:
        self.table, self._mounted = table, mounted
        self._known: BoundedCache[bytes, Destination] = BoundedCache(MOST)

    def find(self, target: bytes) -> Destination | None:
        """None for the gateway's own pages, and where no cluster is."""
        return self._known.get(target) or self._find(target)

    def _find(self, target: bytes) -> Destination | None:
        path = target.partition(b"?")[0]
        cluster = self._mounted or (None if is_own(path) else self.table.match(path))
        if cluster is None:
            return None
        found = Destination(cluster, target, path)
        if len(target) <= LONGEST:
            self._known.keep(target, found)
        return found


def is_static(path: bytes) -> bool:
    """Whether the path names a file that is the same for everybody, by its suffix: browsers may keep it."""
    return path[path.rfind(b".") + 1 :].lower() in STATIC


def _url(upstream: CompiledUpstream, target: bytes) -> str:
    scheme = "https" if upstream.tls else "http"
    return f"{scheme}://{upstream.authority.decode('latin-1')}{target.decode('latin-1')}"

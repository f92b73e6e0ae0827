"""Recordings on their way out: gathered from the store, with what lies beside them, packed as they were asked for. I/O.

The command line and the console give the same bytes for the same wish.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from .. import __version__
from ..errors import UsageError, did_you_mean
from ..export import ApiServer, Beside, Format, Recordings, dump, files, stem
from ..export.archive import encoded, zipped
from ..export.format import Routing
from ..export.scenario.recording_groups import is_variant
from ..model.exchange import Exchange
from ..model.recording import Page, Recording, all_items
from ..protocols import Store
from ..routes.table import RouteTable

PAGE = 1000  # exchanges read at a time
NOWHERE = Routing()


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants of an export. `refs`: ids, prefixes, titles; `cluster`: only its file; `steps`: only they."""

    format: Format
    refs: Sequence[str]
    variants: bool = False
    cluster: str = ""
    steps: str = ""  # "12-40"


@dataclass(frozen=True, slots=True)
class Export:
    """What they get. `name` is what a file of it may be called."""

    name: str
    media_type: str
    data: bytes
    steps: int


def exported(store: Store, wish: Wish, routing: Routing = NOWHERE) -> Export:
    """One file: a text, or an archive where the format is made of several files."""
    recordings = gathered(store, wish)
    found = _files(store, wish, recordings, routing)
    steps = sum(len(exchanges) for _, exchanges in recordings)
    if len(found) > 1:
        name = f"{stem(recordings)}-{wish.format.name}.zip"
        return Export(name, "application/zip", zipped(found), steps)
    name, text = next(iter(found.items()))
    return Export(name.rpartition("/")[2], wish.format.media_type, encoded(text), steps)


def as_text(store: Store, wish: Wish, routing: Routing = NOWHERE) -> Export:
    """All in one text, as it goes to a terminal or into one file."""
    if wish.cluster:
        return exported(store, wish, routing)
    recordings = gathered(store, wish)
    text = dump(wish.format, recordings, version=__version__, beside=beside(store, routing))
    steps = sum(len(exchanges) for _, exchanges in recordings)
    return Export(f"{stem(recordings)}{wish.format.suffix}", wish.format.media_type, encoded(text), steps)


def as_files(store: Store, wish: Wish, routing: Routing = NOWHERE) -> tuple[dict[str, str], int]:
    """The files of a folder by name, and the number of their steps."""
    recordings = gathered(store, wish)
    return _files(store, wish, recordings, routing), sum(len(exchanges) for _, exchanges in recordings)


def beside(store: Store, routing: Routing = NOWHERE) -> Beside:
    return Beside(
        chunks=store.chunks, decisions=store.decisions, servers=routing.servers, version=store.build,
        environments=routing.environments,
    )  # fmt: skip


def routing_of(table: RouteTable | None) -> Routing:
    """Where the clusters live by this table."""
    if table is None:
        return NOWHERE

    def servers(cluster: str) -> Sequence[ApiServer]:
        found = table.clusters.get(cluster)
        if found is None:
            return ()
        return [ApiServer(name, one.url, name == found.environment) for name, one in found.upstreams.items()]

    return Routing(servers, tuple(table.environments))


def gathered(store: Store, wish: Wish) -> Recordings:
    """The recordings with their exchanges; what-ifs behind what they branched from."""
    refs = list(wish.refs)
    if wish.variants:
        refs = [id for ref in refs for id in _family(store, store.recording(ref).id)]
    first, last = read_steps(wish.steps)
    found = [_read(store, ref) for ref in dict.fromkeys(refs)]
    return [(recording, [one for one in steps if first <= one.step <= last]) for recording, steps in found]


def read_steps(text: str) -> tuple[int, int]:
    """ "12-40", "12-" or "12" as first and last; "" is all of them. UsageError for anything else."""
    first, dash, last = text.strip().partition("-")
    numbers = [number for number in (first, last) if number]
    if text and not (first and all(one.isascii() and one.isdigit() and len(one) < 10 for one in numbers)):
        raise UsageError(f"{text[:40]!r} are no steps", hint="12-40, 12- or 12")
    return int(first or 1), int(last or (sys.maxsize if dash or not first else first))


def _files(store: Store, wish: Wish, recordings: Recordings, routing: Routing) -> dict[str, str]:
    found = files(wish.format, recordings, version=__version__, beside=beside(store, routing))
    return _of_cluster(found, wish) if wish.cluster else found


def _of_cluster(found: Mapping[str, str], wish: Wish) -> dict[str, str]:
    if wish.format.files is None or not wish.format.by_cluster:
        raise UsageError(f"{wish.format.name} has no file per cluster", hint="leave --cluster out")
    names = {name.removesuffix(wish.format.suffix): name for name in found}
    if wish.cluster not in names:
        known = f"one of {', '.join(names)}"
        raise UsageError(f"nothing recorded at '{wish.cluster}'{did_you_mean(wish.cluster, names)}", hint=known)
    return {names[wish.cluster]: found[names[wish.cluster]]}


def _family(store: Store, id: str) -> Iterator[str]:
    """The recording, then its variants and theirs, the oldest first."""
    children: dict[str, list[str]] = {}
    for variant in sorted(_variants(store), key=lambda one: one.id):
        children.setdefault(variant.parent or "", []).append(variant.id)
    waiting = [id]
    while waiting:
        yield waiting[0]
        waiting[:1] = children.pop(waiting[0], [])


def _variants(store: Store) -> Iterator[Recording]:
    for kind in ("variant", "import"):
        found = all_items(_recordings_of(store, kind))
        yield from filter(is_variant, found)


def _recordings_of(store: Store, kind: str) -> Callable[[str | None], Page[Recording]]:
    return lambda cursor: store.recordings(f"kind:{kind}", limit=PAGE, cursor=cursor)


def _read(store: Store, ref: str) -> tuple[Recording, Sequence[Exchange]]:
    recording = store.recording(ref)
    return recording, list(all_items(lambda cursor: store.exchanges(recording.id, limit=PAGE, cursor=cursor)))

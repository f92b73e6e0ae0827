"""Moves a cluster in the file: all or nothing, and never into something invalid. I/O."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..errors import ConfigError, NotFoundError, Problem, did_you_mean
from .edit import Splice, allow_origin, splice
from .edit_python import splice_python
from .files import Loaded, Unreadable, read_file, write_file
from .table import RouteTable
from .validation import at


@dataclass(frozen=True, slots=True)
class FileMove:
    """What a move changes in a file: `raw` is it before, `splice` after; `then` is what it will say."""

    name: str
    path: Path
    raw: bytes
    splice: Splice
    then: Loaded

    def write(self) -> None:
        """ConfigError when the file cannot be written, or is another by now."""
        try:
            write_file(self.path, self.splice.raw, expected=self.raw)
        except Unreadable as error:
            raise ConfigError([Problem(self.name, 1, 1, "", str(error))], hint="nothing was changed") from None

    def take_back(self) -> None:
        """What `write` wrote, as it was; ConfigError when the file cannot be written."""
        try:
            write_file(self.path, self.raw, expected=self.splice.raw)
        except Unreadable as error:
            raise ConfigError([Problem(self.name, 1, 1, "", str(error))], hint="the change stays in the file") from None


Again = Callable[[Mapping[str, bytes]], Loaded]  # what the files would say with these contents, by name


def prepare_move(now: Loaded, cluster: str, environment: str, *, again: Again) -> FileMove:
    """What writing would do; ConfigError when it cannot be done. `now` is what the files say, without problems."""
    node = at(now.parsed.root, "clusters", cluster, "environment")
    where = node.file if node is not None else next(iter(now.files))
    path = now.files[where]
    raw = _raw(path, where)
    change = splice_python if path.suffix == ".py" else splice
    changed = change(raw, cluster, environment, name=where)
    then = again({where: changed.raw})
    if then.table is None:
        raise ConfigError(then.problems, hint="nothing was changed")
    return FileMove(where, path, raw, changed, then)


def prepare_origin(now: Loaded, origin: str, *, again: Again) -> FileMove:
    """What listing an origin would do to the outer file; ConfigError when it cannot be done."""
    where = next((name for name, path in now.files.items() if path.suffix != ".py"), "")
    if not where:
        hint = f'write it yourself: routes(cors={{"origins": ["{origin}"]}})'
        raise ConfigError(
            [Problem(next(iter(now.files)), 1, 1, "cors", "a Python file is not changed here")], hint=hint
        )
    raw = _raw(now.files[where], where)
    changed, line = allow_origin(raw, origin, name=where)
    then = again({where: changed})
    if then.table is None:
        raise ConfigError(then.problems, hint="nothing was changed")
    return FileMove(where, now.files[where], raw, Splice(changed, line, ""), then)


def _raw(path: Path, where: str) -> bytes:
    try:
        return read_file(path)
    except Unreadable as error:
        raise ConfigError([Problem(where, 1, 1, "", str(error))]) from None


def check_move(table: RouteTable, cluster: str, environment: str) -> None:
    """NotFoundError names what exists."""
    found = table.clusters.get(cluster)
    if found is None:
        near = did_you_mean(cluster, table.clusters)
        raise NotFoundError(
            f"there is no cluster '{cluster}'{near}", hint=f"the clusters are {', '.join(table.clusters)}"
        )
    if environment not in found.upstreams:
        near = did_you_mean(environment, found.upstreams)
        hint = f"{cluster} has upstreams in {', '.join(found.upstreams)}"
        raise NotFoundError(f"{cluster} has no upstream in '{environment}'{near}", hint=hint)

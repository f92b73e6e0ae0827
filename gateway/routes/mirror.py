"""routes.yaml of a gateway that shares a database with others: each gateway's file is a mirror of one text. I/O.

    the file says what the database says       nothing to do
    nobody edited it, the database is newer    it is written anew: another gateway moved something
    it was edited, the database is as before   a proposal: it becomes the next version, for all of them
    both                                       a conflict: the last good table stays in force, and a problem names the
                                               line, until `gateway routes pull` or `push`

A version is taken by one statement that names the version it was made from, so that of two gateways one is too late and
says so. What is in the database when a gateway starts has the order in which all of them saw it: there is one history.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from ..errors import ConfigError, GatewayError, Problem, UsageError
from ..model.recording import Revision
from ..protocols import SharedRevision, SharedRoutesStore
from .files import Loaded, Unreadable, write_file
from .history import changes
from .parse import unbundle
from .table import RouteTable

FILE: Final = "gateway.routes.json"  # beside the spool: what the file was last equal to
EVERY: Final = 0.5  # seconds between two looks at the version
PULL: Final = "gateway routes pull takes theirs, gateway routes push gives them this file"


class Overtaken(UsageError):
    """Another gateway changed the routes since they were read."""


@dataclass(frozen=True, slots=True)
class Base:
    """The version that the file was last equal to; 0 for none."""

    version: int = 0
    revision: str = ""


class RoutesMirror:
    """Keeps one file and the database equal. Blocking; for one thread at a time."""

    def __init__(self, store: SharedRoutesStore, file: Path, folder: Path) -> None:
        """`folder` is where this gateway keeps what is its own. StoreError while the database is away."""
        self._store, self._file, self._name = store, file, file.name
        self._memory = folder / FILE
        self._base = self._recalled()
        self._seen: int | None = None  # the version last read; None where that failed
        self._looked_at = 0.0

    def agree(self, loaded: Loaded, before: RouteTable | None) -> Loaded | None:
        """What the file says once it agrees with the database, or with problems that say why it does not; None when the
        file was written anew and has to be loaded again."""
        revision = loaded.parsed.revision
        try:
            there = self._read()
            if there is None or (self._base.version == there.version and there.revision.id != revision):
                if loaded.table is None:
                    return loaded
                there = self._proposed(loaded, "file" if there else "start", before, there.version if there else 0)
        except GatewayError as error:
            return loaded if revision == self._base.revision else _refused(loaded, self._name, 1, _away(error))
        if there.revision.id == revision:
            self._remember(Base(there.version, revision))
            return loaded
        if revision == self._base.revision:
            self.pull(there, loaded.files)
            return None
        if loaded.table is None:
            return loaded
        return _refused(
            loaded, self._name, _first_difference(loaded.parsed.text, there.revision.text), _conflict(there)
        )

    def _proposed(self, loaded: Loaded, source: str, before: RouteTable | None, seen: int) -> SharedRevision:
        """What the database has after this file was proposed."""
        assert loaded.table is not None
        made = Revision(loaded.table.revision, "", source, changes(before, loaded.table), loaded.parsed.text)
        self._store.propose(seen, made)
        there = self._read()
        assert there is not None
        return there

    def propose(self, then: Loaded, before: RouteTable, source: str) -> None:
        """Put a change of the file in force everywhere. Overtaken when another gateway was quicker; StoreError while
        the database is away."""
        assert then.table is not None
        made = Revision(then.table.revision, "", source, changes(before, then.table), then.parsed.text)
        if self._store.propose(self._base.version, made):
            self._remember(Base(self._base.version + 1, made.id))
            self._seen = self._base.version
            return
        there = self._read()
        if there is not None and there.revision.id == made.id:  # a gateway that watches the same file proposed it
            self._remember(Base(there.version, made.id))
            return
        said = f": {_said(there)}" if there else ""
        self._seen = None  # it was seen, but the file does not say it yet
        raise Overtaken(
            f"another gateway changed the routes at the same moment{said}", hint="look again, and repeat it"
        )

    def is_behind(self) -> bool:
        """Whether the database has another version than the last look saw. Asks at most every EVERY seconds."""
        now = time.monotonic()
        if now - self._looked_at < EVERY:
            return False
        self._looked_at = now
        try:
            return self._store.version() != self._seen
        except GatewayError:
            return False

    def pull(self, there: SharedRevision, files: Mapping[str, Path]) -> None:
        """Write the database's text into the file and those that it includes; `files` are those of now. ConfigError
        when one cannot be written."""
        outer, included = unbundle(there.revision.text)
        folder, wanted = self._file.parent, {self._file: outer}
        for name, raw in included.items():
            path = folder / name
            if not path.resolve().is_relative_to(folder.resolve()):
                raise ConfigError([Problem(self._name, 1, 1, "", f"{name} leads out of the folder of this file")])
            wanted[path] = raw
        try:
            for path, raw in wanted.items():
                path.parent.mkdir(parents=True, exist_ok=True)
                if not path.exists():
                    path.touch(mode=0o600)
                write_file(path, raw)
        except (OSError, Unreadable) as error:
            hint = "serve --routes-from file leaves the file alone"
            raise ConfigError(
                [Problem(self._name, 1, 1, "", f"the routes of the others: {error}")], hint=hint
            ) from None
        for path in set(files.values()) - set(wanted):
            path.unlink(missing_ok=True)
        self._remember(Base(there.version, there.revision.id))

    def push(self, loaded: Loaded) -> SharedRevision:
        """Give the others this file, whatever they have. Overtaken when one of them changed it just now."""
        assert loaded.table is not None
        there = self._read()
        if there is not None and there.revision.id == loaded.table.revision:
            return there
        made = Revision(loaded.table.revision, "", "push", (), loaded.parsed.text)
        if not self._store.propose(there.version if there else 0, made):
            raise Overtaken("another gateway changed the routes at the same moment", hint="look again, and repeat it")
        self._remember(Base((there.version if there else 0) + 1, made.id))
        found = self._read()
        assert found is not None
        return found

    def _read(self) -> SharedRevision | None:
        self._seen = None
        there = self._store.read()
        self._seen = there.version if there else 0
        return there

    def _recalled(self) -> Base:
        with suppress(OSError, ValueError, TypeError, KeyError):
            found = json.loads(self._memory.read_text("utf-8"))
            if found["database"] == self._store.identity():
                return Base(int(found["version"]), str(found["revision"]))
        return Base()

    def _remember(self, base: Base) -> None:
        if base == self._base:
            return
        self._base = base
        facts = {"database": self._store.identity(), "version": base.version, "revision": base.revision}
        with suppress(OSError):  # the next start asks for pull or push where the file was changed
            self._memory.write_text(json.dumps(facts) + "\n", "utf-8")


def _refused(loaded: Loaded, name: str, line: int, why: str) -> Loaded:
    return replace(loaded, table=None, problems=(Problem(name, line, 1, "", why),))


def _away(error: GatewayError) -> str:
    return f"the change waits for the database: {error.message}"


def _conflict(there: SharedRevision) -> str:
    return (
        f"the other gateways have version {there.version} ({_said(there)}), and this file was changed as well; {PULL}"
    )


def _said(there: SharedRevision) -> str:
    return f"{'; '.join(there.revision.changes[:3]) or 'another text'}, {there.revision.source}"


def _first_difference(here: str, there: str) -> int:
    """The line of this file; those of an included file count on from the outer one's."""
    ours, theirs = here.splitlines(), there.splitlines()
    equal = next(
        (at for at, (a, b) in enumerate(zip(ours, theirs, strict=False)) if a != b), min(len(ours), len(theirs))
    )
    return min(equal + 1, max(1, len(ours)))

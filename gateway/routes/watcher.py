"""The route table in force: polls the file, swaps the table when a valid one is there, keeps the last good one. I/O.

    look (every `interval`): path, inode, mtime, size, and now and then the content (REREAD: clocks and mounts lie)
     ├─ unchanged ─> nothing
     └─ changed ─> settle: two equal looks SETTLE apart, PATIENCE at the most (editors write in several steps)
         └─ load, in a thread: read with includes and .env, parse, check, compile
             ├─ valid ─> _accept: the table in force is one reference that is replaced; subscribers get the revision
             └─ invalid ─> _refuse: the table stays, `problems` says why; subscribers get the problems
    _recovered: the file has become what is in force again; the problems go, no revision is made
    move: the same load, under the lock, before one scalar is written; what would not be valid is never written

States seen from outside are two: in force without problems, and in force with problems (the last good table counts).
A start has a third: without a valid file and without a stored last good revision there is no table, and it fails.

What may never happen:
- a table that is valid in part: loading ends in a whole table or in problems;
- two loads at once: `_lock`; an exchange that sees two tables: a flow keeps the reference with which it began;
- silence: a refused file is in the log, in `problems` (readyz, pages), and in `gateway check`.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from ..errors import ConfigError, Problem
from ..model.recording import Revision
from ..protocols import at_once
from .files import Loaded, Look, content_of, load, look, reread
from .history import changes
from .mirror import Overtaken, RoutesMirror
from .move import FileMove, check_move, prepare_move, prepare_origin
from .parse import parse_stored
from .run_files import OUTER, RunFiles
from .table import RouteTable, compile_table

log = logging.getLogger("gateway.routes")

SETTLE = 0.1  # seconds between two equal looks at a changed file: half-written ones are not read
PATIENCE = 1.0  # seconds after which a file that never settles is read all the same
REREAD = 2.0  # seconds between readings of the content where a look shows no change (clocks lie, mounts too)

Result = TypeVar("Result")
Seen = Callable[[Revision | None, Sequence[Problem]], None]


class RoutesKeeper:
    """Implements protocols.Routes. All of it lives on one event loop; files are read in a thread of its own."""

    def __init__(
        self,
        file: Path,
        *,
        interval: float = 0.25,
        last_good: Revision | None = None,
        own: str | None = None,
        environ: Mapping[str, str] | None = None,
        run: RunFiles | None = None,
        settled: Callable[[], Awaitable[object]] = at_once,
        mirror: RoutesMirror | None = None,
    ) -> None:
        """`settled` waits until every process of the gateway has the table in force; `mirror` where other gateways have
        the same routes."""
        self._run_files, self._mirror = run, mirror
        self._file, self._interval, self._last_good = file, interval, last_good
        self._own = None if own is None else _address(own)
        self._environ = dict(os.environ if environ is None else environ)
        self._table: RouteTable | None = None
        self._problems: tuple[Problem, ...] = ()
        self._text = ""  # of what is in force, with what it includes
        self._subscribers: list[Seen] = []
        self._loaded: Loaded | None = None
        self._read_at = 0.0
        self._lock = asyncio.Lock()  # one load at a time
        self._settled = settled
        self._thread = ThreadPoolExecutor(1, "routes")
        self._task: asyncio.Task[None] | None = None

    @property
    def table(self) -> RouteTable:
        assert self._table is not None, "start() comes first"
        return self._table

    @property
    def problems(self) -> Sequence[Problem]:
        return self._problems

    @property
    def file(self) -> Path:
        return self._file

    @property
    def name(self) -> str:
        return self._file.name if self._run_files is None else self._run_files.name

    @property
    def text(self) -> str:
        return self._text

    def subscribe(self, seen: Seen) -> None:
        """`seen(None, ())` says that the file has become what is in force again."""
        self._subscribers.append(seen)

    async def start(self) -> None:
        """Put the file in force, or the last good revision while the file is invalid; ConfigError without either."""
        loaded = await self._load()
        if loaded.table is not None:
            before = self._last_good_table()
            if self._last_good is not None and self._last_good.id == loaded.table.revision:
                self._table, self._text = loaded.table, loaded.parsed.text  # a restart: history gets no row
            else:
                self._accept(loaded, loaded.table, source="start", found=changes(before, loaded.table))
        else:
            self._table = self._last_good_table()
            self._text = self._last_good.text if self._last_good is not None else ""
            if self._table is None:
                raise ConfigError(loaded.problems, hint="gateway check; gateway init writes a file to start with")
            self._refuse(loaded)
        self._task = asyncio.create_task(self._watch(), name="routes")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
            self._task = None
        await asyncio.to_thread(self._thread.shutdown)

    async def look(self) -> None:
        """Read the file now if it is another than the one last read."""
        async with self._lock:
            await self._reload_if_changed()
            await self._settled()

    async def move(self, cluster: str, environment: str, *, source: str) -> Revision:
        """Change one scalar of the file and put it in force; nothing is written when it would not be valid.
        ConfigError while the file is invalid; Overtaken when other gateways were quicker twice."""
        return await self._repeated(partial(self._move, cluster, environment, source))

    async def _move(self, cluster: str, environment: str, source: str) -> Revision:
        async with self._lock:
            now = await self._load()
            if now.table is None:
                self._refuse(now)
                raise ConfigError(
                    now.problems, hint=f"mend {self._file.name} first; until then the last good one counts"
                )
            check_move(now.table, cluster, environment)
            if now.table.clusters[cluster].environment != environment:
                now = await self._run(partial(self._write_move, now, cluster, environment, source))
            assert now.table is not None
            revision = self._accept(now, now.table, source=source, found=changes(self._table, now.table))
            await self._settled()
            return revision

    async def _repeated(self, change: Callable[[], Awaitable[Result]]) -> Result:
        """Once more where another gateway was quicker: on what it made of the routes."""
        try:
            return await change()
        except Overtaken:
            return await change()

    async def allow_origin(self, origin: str, *, source: str) -> tuple[Revision, int]:
        """List an origin under cors.origins and put that in force; the line of the file that says so. ConfigError
        while the file is invalid; Overtaken as with a move."""
        return await self._repeated(partial(self._allow_origin, origin, source))

    async def _allow_origin(self, origin: str, source: str) -> tuple[Revision, int]:
        async with self._lock:
            now = await self._load()
            if now.table is None:
                self._refuse(now)
                raise ConfigError(now.problems, hint=f"mend {self._file.name} first")
            line = 0

            def write() -> Loaded:
                nonlocal line
                edit = prepare_origin(now, origin, again=self._read)
                self._write(edit, now, source)
                line = edit.splice.line
                return edit.then

            then = await self._run(write)
            assert then.table is not None
            revision = self._accept(then, then.table, source=source, found=changes(self._table, then.table))
            await self._settled()
            return revision, line

    def _write_move(self, now: Loaded, cluster: str, environment: str, source: str) -> Loaded:
        move = prepare_move(now, cluster, environment, again=self._read)
        self._write(move, now, source)
        return move.then

    def _write(self, edit: FileMove, now: Loaded, source: str) -> None:
        """Into the file, then to the other gateways; taken back where they do not take it. In this order a crash
        between the two leaves an edited file, which the next start proposes."""
        edit.write()
        if self._mirror is not None:
            assert now.table is not None
            try:
                self._mirror.propose(edit.then, now.table, source)
            except Exception:
                edit.take_back()
                raise
        self._loaded = _without_tree(edit.then)

    # -- looking and loading; in the thread

    async def _run(self, work: Callable[[], Loaded]) -> Loaded:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    async def _load(self) -> Loaded:
        return await self._run(self._load_now)

    def _load_now(self) -> Loaded:
        loaded = self._read({})
        if self._mirror is not None:
            loaded = self._mirror.agree(loaded, self._table) or self._read({})
        self._read_at = time.monotonic()
        self._loaded = replace(
            loaded, parsed=replace(loaded.parsed, root=None, config=None)
        )  # a large file's are large
        return loaded

    def _read(self, instead: Mapping[str, bytes]) -> Loaded:
        """What is written; `instead` holds contents that count instead of those on disk, by name."""
        if self._run_files is not None:
            return self._run_files.load(environ=self._environ, own=self._own, instead=instead)
        return load(self._file, environ=self._environ, own=self._own, instead=instead)

    def _look_now(self) -> Look | None:
        """What stands there now; None when the content has changed behind an unchanged look."""
        loaded = self._loaded
        assert loaded is not None
        if time.monotonic() - self._read_at > REREAD:
            self._read_at = time.monotonic()
            if not reread(loaded):
                return None
        return look(loaded.watched, self._file.parent, loaded.patterns)

    # -- watching

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(self._interval)
            try:
                await self.look()
            except Exception:  # whatever happens here, the table in force stays and the next look comes
                log.exception("cannot look at %s", self.name)

    async def _reload_if_changed(self) -> None:
        loop = asyncio.get_running_loop()
        if self._mirror is not None and await loop.run_in_executor(self._thread, self._mirror.is_behind):
            await self._apply(await self._load())
            return
        found = await loop.run_in_executor(self._thread, self._look_now)
        if self._loaded is not None and found == self._loaded.look:
            return
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            await asyncio.sleep(min(SETTLE, self._interval))
            again = await loop.run_in_executor(self._thread, self._look_now)
            if again == found:
                break
            found = again
        await self._apply(await self._load())

    async def _apply(self, loaded: Loaded) -> None:
        if loaded.table is None:
            self._refuse(loaded)
            return
        self._text = loaded.parsed.text
        found = await asyncio.get_running_loop().run_in_executor(self._thread, changes, self._table, loaded.table)
        if self._table is not None and loaded.table.revision == self._table.revision and not found:
            self._recovered()
            return
        self._accept(loaded, loaded.table, source="file", found=found)

    def _accept(self, loaded: Loaded, table: RouteTable, *, source: str, found: tuple[str, ...]) -> Revision:
        self._text = loaded.parsed.text
        same = self._table is not None and table.revision == self._table.revision and not found
        accepted = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        revision = Revision(table.revision, accepted, source, found, loaded.parsed.text)
        if same:
            self._recovered()
            return revision
        self._table, self._problems = table, ()
        all_of_it = f"{len(table.clusters)} cluster{'' if len(table.clusters) == 1 else 's'}"
        log.info("%s in force: %s", self.name, "; ".join(found[:20]) or all_of_it)
        self._tell(revision)
        return revision

    def _recovered(self) -> None:
        """The file is again what is in force."""
        if self._problems:
            self._problems = ()
            log.info("%s in force again", self.name)
            self._tell(None)

    def _refuse(self, loaded: Loaded) -> None:
        if loaded.problems == self._problems:
            return
        self._problems = loaded.problems
        for problem in loaded.problems[:20]:
            log.error("%s", problem)
        count = f"{len(loaded.problems)} problem{'s' if len(loaded.problems) > 1 else ''}"
        log.error("%s not in force (%s); the last good state counts", self.name, count)
        self._tell(None)

    def _tell(self, revision: Revision | None) -> None:
        for seen in self._subscribers:
            try:
                seen(revision, self._problems)
            except Exception:  # one listener's fault must neither hide the news from others nor end the watching
                log.exception("a listener failed")

    def _last_good_table(self) -> RouteTable | None:
        """The stored revision, compiled again; None when its variables are gone, for instance."""
        if self._last_good is None:
            return None
        name = self._file.name if self._run_files is None else OUTER  # no file of its own may be called like it
        parsed = parse_stored(self._last_good.text, name=name, variables=self._environ)
        if parsed.config is None:
            return None
        folder = str(self._file.parent.absolute())
        return compile_table(parsed.config, revision=self._last_good.id, folder=folder, content_of=content_of)


def _without_tree(loaded: Loaded) -> Loaded:
    """To keep: of a large file the tree is larger still."""
    return replace(loaded, parsed=replace(loaded.parsed, root=None, config=None))


def _address(url: str) -> tuple[str, int]:
    """Where the gateway listens: "http://127.0.0.1:8080"."""
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or 80

"""The demos that exist right now: polled, the last good state of each kept. I/O."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import os
import stat
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import Problem
from ..paths import templates_dir
from .code_modules import CodeModules, LoadedModule
from .definition.parse import ParsedDemo, parse_demo
from .definition.python_steps import python_demo, with_code
from .run_sources import FILE, DemoSource, folder_sources, shown

if TYPE_CHECKING:
    from aiohttp import web

    from ..protocols import Options
    from .definition.schema import Demo


log = logging.getLogger("gateway.demos")

LARGEST = 1 << 20  # bytes of a demo.yaml


OFF = "is not loaded: code runs only where the gateway was started with --allow-code"
NOT_NAMED = "is not loaded: code runs only where it is named; name it too: gateway run {} {}"
BESIDE = (".html", ".css", ".py", ".svg", ".png", ".jpg", ".jpeg", ".gif", ".webp")  # what a demo can name


@dataclass(frozen=True, slots=True)
class DemoEntry:
    """One demo. `demo` is the last good state, None when there was none yet."""

    name: str
    path: Path  # of demo.yaml, or of the file that was named
    demo: Demo | None
    problems: tuple[Problem, ...]
    file: str = ""  # its path, as a person here would type it
    seen: object = None  # what it looked like; a change means reading it again
    others: tuple[str, ...] = ()  # keys of the file that are not the demo's

    @property
    def folder(self) -> Path:
        """Where its pictures, pages and style sheet lie."""
        return self.path.parent


def demo_folder(options: Options, templates: Sequence[Path] = ()) -> Path:
    """Where the demos lie: in one's own templates (--templates, or beside routes.yaml), else in those that ship."""
    own = [*([options.templates] if options.templates else []), options.routes.parent / "templates", *templates]
    return next((path / "demos" for path in own if (path / "demos").is_dir()), templates_dir() / "demos")


class DemosKeeper:
    """Polls the demos' folder, or the files of `gateway run`; `entries` is always one complete mapping, by name."""

    def __init__(
        self, options: Options, templates: Sequence[Path] = (), *, modules: CodeModules | None = None,
        sources: Callable[[], Sequence[DemoSource]] | None = None,
    ) -> None:  # fmt: skip
        self._options = options
        self.templates = tuple(templates)
        self._sources = sources or (lambda: list(folder_sources(demo_folder(options, self.templates))))
        self._reader = DemoReader(modules or CodeModules(), options.allow_code, tuple(map(Path.absolute, options.run)))
        self.entries: Mapping[str, DemoEntry] = {}
        self._read: Mapping[str, DemoEntry] = {}  # those too that hold no demo

    async def running(self, app: web.Application) -> AsyncIterator[None]:
        """For app.cleanup_ctx."""
        await asyncio.to_thread(self.look)
        task = asyncio.create_task(self._poll())
        yield
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    async def _poll(self) -> None:
        while True:
            await asyncio.sleep(self._options.reload_interval)
            try:
                await asyncio.to_thread(self.look)
            except Exception:  # the poll must outlive whatever a file system can come up with
                log.exception("the demos could not be looked at")

    def look(self) -> None:
        """Read what has changed. Blocking."""
        found = {each.name: self._reader.read(each, self._read.get(each.name)) for each in self._sources()}
        self._read = found
        parts = {entry.folder / entry.demo.code for entry in found.values() if entry.demo and entry.demo.code}
        before = self.entries
        self.entries = {
            name: entry for name, entry in found.items()
            if entry.path not in parts and (entry.demo is not None or entry.problems)
        }  # fmt: skip
        for name, entry in self.entries.items():
            for problem in entry.problems if entry is not before.get(name) else ():
                log.warning("%s", problem)


def demo_paths(folder: Path) -> list[Path]:
    """Every demo's own folder, by name."""
    return [source.path.parent for source in folder_sources(folder)]


def read_entry(folder: Path, before: DemoEntry | None = None, *, code: bool = False) -> DemoEntry:
    """The demo of a folder as it now stands, or as it was before with the reason; `code`: its module may run."""
    return DemoReader(CodeModules(), code).read(DemoSource(folder.name, folder / FILE), before)


@dataclass(frozen=True, slots=True)
class DemoReader:
    """Reads demos; `code`: modules beside them may run, else only those that were `named`."""

    modules: CodeModules
    code: bool = False
    named: tuple[Path, ...] = ()

    def read(self, source: DemoSource, before: DemoEntry | None = None) -> DemoEntry:
        """A demo as it now stands, or as it was before with the reason. Neither a demo nor problems: the file says
        nothing of one. Blocking."""
        is_code = source.path.suffix == ".py"
        seen: object = (_look_of(source.path), self._module(source.path) if is_code else None)
        if before is not None and before.seen == seen and before.path == source.path:
            return before
        file = shown(source.path)
        try:
            parsed = self._of_python(source, file) if is_code else self._of_yaml(source, file)
        except OSError as error:
            parsed = ParsedDemo(None, (Problem(file, 1, 1, "", f"cannot be read: {error.strerror or error}"),))
        last = before.demo if before is not None and parsed.problems else None
        return DemoEntry(source.name, source.path, parsed.demo or last, parsed.problems, file, seen, source.others)

    def _module(self, path: Path) -> LoadedModule | None:
        try:
            return self.modules.load(path, shown(path))
        except OSError:
            return None

    def _of_python(self, source: DemoSource, file: str) -> ParsedDemo:
        loaded, names = self.modules.load(source.path, file), _names(source.path.parent)
        coded = loaded.steps() if loaded.declared is not None else ()
        if loaded.declared is None or (not coded and not loaded.declared.demo):
            return ParsedDemo(None, loaded.problems or _nothing(loaded, file))
        parsed = python_demo(loaded.declared, loaded.about, name=source.name, file=file, files=names)
        if not coded:
            return ParsedDemo(None, (*parsed.problems, Problem(file, 1, 1, "", NO_STEPS)))
        return with_code(parsed, coded, file=file, files=names)

    def _of_yaml(self, source: DemoSource, file: str) -> ParsedDemo:
        text, folder = _read(source.path), source.path.parent
        parsed = parse_demo(text, name=source.name, file=file, files=_names(folder), others=source.others)
        if parsed.demo is None or not parsed.demo.code:
            return parsed
        path = folder / parsed.demo.code
        if not self.code and path.absolute() not in self.named:
            why = NOT_NAMED.format(file, shown(path)) if source.has_others else OFF
            return ParsedDemo(parsed.demo, (*parsed.problems, Problem(shown(path), 1, 1, "", why, "warning")))
        loaded = self.modules.load(path, shown(path))
        if loaded.problems:
            return ParsedDemo(None, (*parsed.problems, *loaded.problems))
        return with_code(parsed, loaded.steps(), file=shown(path), files=_names(folder))


NO_STEPS = "it has no step; write @step above a function"


def _nothing(loaded: LoadedModule, file: str) -> tuple[Problem, ...]:
    """A module that declares clusters and no step serves those of other files."""
    has_clusters = loaded.declared is not None and bool(loaded.declared.clusters)
    return () if has_clusters else (Problem(file, 1, 1, "", NO_STEPS),)


def _look_of(path: Path) -> object:
    """What changes with every way of saving: the file's identity, and the files beside it that a demo can name."""
    try:
        facts, folder = path.stat(), path.parent
        modules = tuple((one.name, one.stat().st_mtime_ns, one.stat().st_size) for one in folder.glob("*.py"))
        return facts.st_dev, facts.st_ino, facts.st_mtime_ns, facts.st_size, _names(folder), modules
    except OSError as error:
        return str(error)


def _names(folder: Path) -> tuple[str, ...]:
    return tuple(sorted(path.name for path in folder.iterdir() if path.suffix.lower() in BESIDE))


def _read(file: Path) -> bytes:
    """The bytes of a regular file of sensible size; a pipe or a device would never end."""
    with os.fdopen(os.open(file, os.O_RDONLY | os.O_NONBLOCK), "rb") as source:
        facts = os.fstat(source.fileno())
        if not stat.S_ISREG(facts.st_mode):
            raise OSError("it is not a regular file")
        if facts.st_size > LARGEST:
            raise OSError(f"it is larger than {LARGEST >> 20} MiB")
        return source.read(LARGEST)


def demos_digest(options: Options, templates: Sequence[Path] = ()) -> str:
    """Tells whether two machines have the same demos: of their names and what their files hold. Blocking."""
    digest = hashlib.sha256()
    for source in folder_sources(demo_folder(options, templates)):
        with contextlib.suppress(OSError):
            digest.update(f"{source.name}\0".encode() + source.path.read_bytes() + b"\0")
    return digest.hexdigest()

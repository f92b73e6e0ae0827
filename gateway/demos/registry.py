"""The demos that exist right now: polled, the last good state of each kept. I/O."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import stat
import traceback
import types
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from aiohttp import web

from ..errors import Problem
from ..paths import templates_dir
from .definition.parse import ParsedDemo, parse_demo
from .definition.python_steps import Coded, coded_steps, with_code

if TYPE_CHECKING:
    from ..protocols import Options
    from .definition.schema import Demo


OFF = "is not loaded: code runs only where the gateway was started with --allow-code"


def load_code(folder: Path, name: str, file: str) -> tuple[tuple[Coded, ...], tuple[Problem, ...]]:
    """The steps of a module, or why it could not be run. Blocking; nothing is written beside it."""
    path = folder / name
    module = types.ModuleType(f"gateway_demo_{folder.name}")
    module.__file__ = str(path)
    try:
        exec(compile(path.read_bytes(), str(path), "exec"), module.__dict__)
    except SyntaxError as error:
        return (), (Problem(file, error.lineno or 1, error.offset or 1, "", error.msg),)
    except Exception as error:  # an author's module may fail in any way that Python can
        return (), (Problem(file, line_of(error, path), 1, "", f"{type(error).__name__}: {error}"),)
    return coded_steps(vars(module)), ()


def line_of(error: BaseException, path: Path) -> int:
    """The innermost line of this file that an error came through."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    return next((line for line in reversed(lines) if line), 1)


log = logging.getLogger("gateway.demos")

FILE = "demo.yaml"
LARGEST = 1 << 20  # bytes of a demo.yaml


@dataclass(frozen=True, slots=True)
class DemoEntry:
    """One folder with a demo.yaml. `demo` is the last good state, None when there was none yet."""

    name: str
    folder: Path
    demo: Demo | None
    problems: tuple[Problem, ...]
    file: str = ""  # its demo.yaml, as a person here would type it
    seen: object = None  # what the folder looked like; a change means reading it again


def demo_folder(options: Options, templates: Sequence[Path] = ()) -> Path:
    """Where the demos lie: in one's own templates (--templates, or beside routes.yaml), else in those that ship."""
    own = [*([options.templates] if options.templates else []), options.routes.parent / "templates", *templates]
    return next((path / "demos" for path in own if (path / "demos").is_dir()), templates_dir() / "demos")


class DemosKeeper:
    """Polls the demos' folder; `entries` is always one complete mapping, by name."""

    def __init__(self, options: Options, templates: Sequence[Path] = ()) -> None:
        self._options = options
        self.templates = tuple(templates)
        self._code = options.allow_code
        self.entries: Mapping[str, DemoEntry] = {}

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
        paths = demo_paths(demo_folder(self._options, self.templates))
        before, self.entries = (
            self.entries,
            {path.name: read_entry(path, self.entries.get(path.name), code=self._code) for path in paths},
        )
        for name, entry in self.entries.items():
            for problem in entry.problems if entry is not before.get(name) else ():
                log.warning("%s", problem)


def demo_paths(folder: Path) -> list[Path]:
    """Every demo's own folder, by name."""
    try:
        return sorted(path for path in folder.iterdir() if (path / FILE).exists())
    except OSError:
        return []


def read_entry(folder: Path, before: DemoEntry | None = None, *, code: bool = False) -> DemoEntry:
    """The demo of a folder as it now stands, or as it was before with the reason; `code`: its module may run."""
    seen = _look_of(folder)
    if before is not None and before.seen == seen and before.folder == folder:
        return before
    file = shown(folder / FILE)
    try:
        text, files = _read(folder / FILE), _names(folder)
    except OSError as error:
        problems: tuple[Problem, ...] = (Problem(file, 1, 1, "", f"cannot be read: {error.strerror or error}"),)
        demo = None
    else:
        parsed = parse_demo(text, name=folder.name, file=file, files=files)
        if parsed.demo is not None and parsed.demo.code:
            parsed = _with_code(parsed, folder, parsed.demo.code, allowed=code)
        demo, problems = parsed.demo, parsed.problems
    return DemoEntry(folder.name, folder, demo or (before.demo if before else None), problems, file, seen)


def _with_code(parsed: ParsedDemo, folder: Path, name: str, *, allowed: bool) -> ParsedDemo:
    """The demo with the steps of its module; without them, and with a warning, where no code may run."""
    file = shown(folder / name)
    if not allowed:
        return ParsedDemo(parsed.demo, (*parsed.problems, Problem(file, 1, 1, "", OFF, "warning")))
    coded, problems = load_code(folder, name, file)
    if problems:
        return ParsedDemo(None, (*parsed.problems, *problems))
    return with_code(parsed, coded, file=file)


def shown(file: Path) -> str:
    """The path as a person here would type it."""
    try:
        return str(file.resolve().relative_to(Path.cwd()))
    except (ValueError, OSError):
        return str(file)


def _look_of(folder: Path) -> object:
    """What changes with every way of saving: the file's identity and the names beside it."""
    try:
        facts = (folder / FILE).stat()
        modules = tuple((one.name, one.stat().st_mtime_ns, one.stat().st_size) for one in folder.glob("*.py"))
        return facts.st_dev, facts.st_ino, facts.st_mtime_ns, facts.st_size, _names(folder), modules
    except OSError as error:
        return str(error)


def _names(folder: Path) -> tuple[str, ...]:
    return tuple(sorted(path.name for path in folder.iterdir()))


def _read(file: Path) -> bytes:
    """The bytes of a regular file of sensible size; a pipe or a device would never end."""
    with os.fdopen(os.open(file, os.O_RDONLY | os.O_NONBLOCK), "rb") as source:
        facts = os.fstat(source.fileno())
        if not stat.S_ISREG(facts.st_mode):
            raise OSError("it is not a regular file")
        if facts.st_size > LARGEST:
            raise OSError(f"it is larger than {LARGEST >> 20} MiB")
        return source.read(LARGEST)

"""Python files of demos, run once for each way that they are: what they declare, or why they could not be run. I/O."""

from __future__ import annotations

import sys
import threading
import traceback
import types
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import Problem
from ..routes.run_files import DeclaredCluster, DeclaredRoutes
from .definition.python_api import DeclaredModule, declaring

if TYPE_CHECKING:
    from .definition.python_steps import Coded


@dataclass(frozen=True, slots=True)
class LoadedModule:
    """What a module declares. `watched` are the modules beside it that it imports."""

    names: Mapping[str, Any] = field(default_factory=dict)  # what it defines
    text: bytes = b""
    declared: DeclaredModule | None = None  # None when it could not be run
    about: str = ""  # its docstring
    problems: tuple[Problem, ...] = ()
    watched: tuple[Path, ...] = ()

    def steps(self) -> tuple[Coded, ...]:
        """Its decorated functions. Not worked out before a demo asks: a start needs the clusters alone."""
        from .definition.python_steps import coded_steps

        return coded_steps(self.names, self.text)


class CodeModules:
    """Runs modules; a file that has not changed, and what it imports from beside it, is not run again."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # routes and demos are read in threads of their own
        self._loaded: dict[Path, tuple[object, LoadedModule]] = {}
        self._clusters: dict[Path, DeclaredRoutes] = {}

    def load(self, path: Path, file: str, instead: bytes | None = None) -> LoadedModule:
        """The module as it now is; `file` names it in problems, `instead` stands for its content. Blocking. OSError
        when it cannot be read."""
        with self._lock:
            before = self._loaded.get(path)
            if instead is None and before is not None and before[0] == _looks((path, *before[1].watched)):
                return before[1]
            raw = path.read_bytes() if instead is None else instead
            look = _looks((path,))
            found = _run(path, file, raw, before[1].watched if before is not None else ())
            if instead is None:
                self._loaded[path] = (look + _looks(found.watched), found)
            return found

    def routes_of(self, path: Path, file: str, instead: bytes | None = None) -> DeclaredRoutes:
        """The clusters that a module declares, those of its last good state while it cannot be run: the demo's pages
        say why. Blocking."""
        try:
            found = self.load(path, file, instead)
        except OSError as error:
            return DeclaredRoutes(
                problems=(Problem(file, 1, 1, "", f"cannot be read: {error.strerror}", code="absent"),)
            )
        if found.declared is None:
            before = self._clusters.get(path) if instead is None else None
            return before or DeclaredRoutes(problems=found.problems)
        clusters = tuple(DeclaredCluster(*each) for each in found.declared.clusters)
        routes = DeclaredRoutes(clusters, watched=found.watched)
        if instead is None:
            self._clusters[path] = routes
        return routes


def _looks(paths: tuple[Path, ...]) -> tuple[object, ...]:
    found: list[object] = []
    for path in paths:
        try:
            facts = path.stat()
            found.append((path, facts.st_ino, facts.st_mtime_ns, facts.st_size))
        except OSError as error:
            found.append((path, error.errno))
    return tuple(found)


def _run(path: Path, file: str, raw: bytes, imported: tuple[Path, ...]) -> LoadedModule:
    """Run a module's text; nothing is written beside it. What it imported from beside it is imported again."""
    for name, module in list(sys.modules.items()):
        if getattr(module, "__file__", None) in set(map(str, imported)):
            del sys.modules[name]
    module = types.ModuleType(f"gateway_demo_{path.stem}")
    module.__file__ = str(path)
    sys.modules[module.__name__] = module  # dataclasses look themselves up there
    known = set(sys.modules)
    try:
        with declaring() as declared, _beside(path.parent):
            exec(compile(raw, str(path), "exec", dont_inherit=True), module.__dict__)
    except SyntaxError as error:
        where = file if error.filename == str(path) else f"{error.filename}"
        problem = Problem(where, error.lineno or 1, error.offset or 1, "", error.msg)
        return LoadedModule(problems=(problem,), watched=_imported(path, known))
    except (Exception, SystemExit) as error:  # an author's module may fail in any way that Python can
        problem = Problem(file, line_of(error, path), 1, "", f"{type(error).__name__}: {error}")
        return LoadedModule(problems=(problem,), watched=_imported(path, known))
    return LoadedModule(vars(module), raw, declared, module.__doc__ or "", watched=_imported(path, known))


def _imported(path: Path, known: set[str]) -> tuple[Path, ...]:
    """The modules of its folder that a module has imported."""
    found: Mapping[str, types.ModuleType] = {name: each for name, each in sys.modules.items() if name not in known}
    files = (getattr(each, "__file__", None) for each in found.values())
    return tuple(Path(each) for each in files if each and Path(each).parent == path.parent)


@contextmanager
def _beside(folder: Path) -> Iterator[None]:
    """Modules of this folder can be imported, behind all that is installed; no compiled ones are written there."""
    written = sys.dont_write_bytecode
    sys.dont_write_bytecode = True
    sys.path.append(str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        sys.dont_write_bytecode = written


def line_of(error: BaseException, path: Path) -> int:
    """The innermost line of this file that an error came through."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    return next((line for line in reversed(lines) if line), 1)

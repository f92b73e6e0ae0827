"""Which files are demos: those with a folder of their own, and what `gateway run FILE...` was given. I/O."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ..errors import NotFoundError, UsageError, did_you_mean
from ..routes.run_files import ROUTES_KEYS
from .definition.schema import slug_of

FILE: Final = "demo.yaml"
YAML: Final = (".yaml", ".yml")
CODE: Final = ".py"
ROUTES: Final = "routes.yaml"


@dataclass(frozen=True, slots=True)
class DemoSource:
    """A file that is a demo: demo.yaml in a folder of its own or, with `has_others`, a file of `gateway run`, which
    says routes as well."""

    name: str
    path: Path
    has_others: bool = False

    @property
    def others(self) -> tuple[str, ...]:
        """The keys that are for others."""
        return ROUTES_KEYS if self.has_others else ()


def named(words: Sequence[str]) -> tuple[Path, ...]:
    """The files and folders that were named. NotFoundError and UsageError say what is wrong with one."""
    if not words:
        raise UsageError("run needs a file: Python or YAML", hint="gateway run shop.py")
    return tuple(dict.fromkeys(_named(word) for word in words))


def _named(word: str) -> Path:
    path = Path(word)
    if path.is_dir():
        if next(_of_folder(path), None) is None:
            hint = f"name a file in it, or write {path / FILE}"
            raise NotFoundError(f"neither {ROUTES} nor {FILE} is in this folder", where=word, hint=hint)
        return path
    if path.suffix in (*YAML, CODE):
        if path.is_file():
            return path
        near = did_you_mean(path.name, _beside(path))
        raise NotFoundError(f"there is no such file{near}", where=word)
    for suffix in YAML:
        if (beside := path.with_name(path.name + suffix)).is_file():
            return beside
    if path.with_name(path.name + CODE).is_file():
        raise UsageError("code runs only where its file is named whole", where=word, hint=f"gateway run {word}{CODE}")
    if path.exists():
        raise UsageError("it is neither Python nor YAML nor a folder", where=word, hint="its name ends in .py or .yaml")
    raise NotFoundError(f"there is no such file or folder{did_you_mean(path.name, _beside(path))}", where=word)


def _beside(path: Path) -> list[str]:
    try:
        return [each.name for each in path.parent.iterdir() if each.suffix in (*YAML, CODE) or each.is_dir()]
    except OSError:
        return []


def route_files(paths: Sequence[Path]) -> tuple[Path, ...]:
    """The files that may say clusters, in the order in which they were named."""
    found: list[Path] = []
    for path in paths:
        found += [each for each in (path / ROUTES, path / FILE) if each.is_file()] if path.is_dir() else [path]
    return tuple(dict.fromkeys(found)) or tuple(paths)


def demo_sources(paths: Sequence[Path]) -> list[DemoSource]:
    """The demos now there, each with a name of its own. A module that a demo.yaml names is a part of that demo."""
    found: dict[str, DemoSource] = {}
    for path in paths:
        for source in _of_folder(path) if path.is_dir() else [_of_file(path)]:
            name = source.name
            if name in found:
                name = f"{slug_of(source.path.absolute().parent.name)}-{name}"
            number = 2
            while name in found:
                name, number = f"{source.name}-{number}", number + 1
            found[name] = DemoSource(name, source.path, has_others=True)
    return list(found.values())


def _of_folder(folder: Path) -> Iterator[DemoSource]:
    if (folder / FILE).is_file():
        yield DemoSource(_name(folder.absolute()), folder / FILE)
    yield from folder_sources(folder / "templates" / "demos")
    if (folder / ROUTES).is_file():
        yield DemoSource(_name(folder.absolute()), folder / ROUTES)


def _of_file(path: Path) -> DemoSource:
    is_usual = path.name in (FILE, ROUTES)
    return DemoSource(_name(path.absolute().parent if is_usual else path.with_suffix("")), path)


def _name(path: Path) -> str:
    return slug_of(path.name) or "demo"


def folder_sources(folder: Path) -> Iterator[DemoSource]:
    """Every demo with a folder of its own in this one, by name."""
    with contextlib.suppress(OSError):
        for path in sorted(folder.iterdir()):
            if (path / FILE).exists():
                yield DemoSource(path.name, path / FILE)


def shown(file: Path) -> str:
    """The path as a person here would type it."""
    try:
        return str(file.resolve().relative_to(Path.cwd()))
    except (ValueError, OSError):
        return str(file)

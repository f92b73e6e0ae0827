"""Reads routes.yaml with what it includes, and writes it back, whatever stands in their place. I/O."""

from __future__ import annotations

import contextlib
import errno
import gc
import hashlib
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Final

from ..errors import GatewayError, Problem, UsageError
from ..settings import dotenv
from .parse import ParsedRoutes, parse
from .table import RouteTable, compile_table
from .tls import client_context
from .validation import at
from .yaml import MAX_BYTES, YamlNode

MAX_INCLUDED = 1000
FULL: Final = (errno.ENOSPC, errno.EDQUOT)  # then writing into the file itself would leave a part of it
LARGE = 256 << 10  # bytes of a file, some thousand clusters
NAMES = {
    stat.S_IFDIR: "a directory", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket", stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}  # fmt: skip
Look = tuple[object, ...]  # what one look at a file tells without reading it


class Unreadable(Exception):
    """Why a file gives no bytes, in words."""


class Absent(Unreadable):
    """There is no such file."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a file says now: `table` is None while there are problems."""

    table: RouteTable | None
    problems: tuple[Problem, ...]
    parsed: ParsedRoutes
    files: Mapping[str, Path] = field(default_factory=dict)  # by the name that problems use
    watched: tuple[Path, ...] = ()  # all files that it depends on, .env and certificates too
    patterns: tuple[str, ...] = ()  # of includes
    look: Look = ()  # at all of these, each before it was read
    digests: Mapping[Path, bytes] = field(default_factory=dict)  # of the contents that were read


def read_file(path: Path, limit: int = MAX_BYTES) -> bytes:
    """The bytes of a regular file of bearable size; never waits for a pipe, never drains a device. Absent when there
    is none, Unreadable when it is too large or cannot be read."""
    try:
        _check_kind(path.stat(), limit)  # before the opening, which a device might take as an order
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(handle, "rb") as file:
            _check_kind(os.fstat(handle), limit)
            raw = file.read(limit + 1)
    except FileNotFoundError as error:
        raise Absent(f"cannot be read: {error.strerror}") from None
    except OSError as error:
        raise Unreadable(f"cannot be read: {error.strerror or error}") from None
    if len(raw) > limit:
        raise Unreadable(f"it is larger than {limit >> 20} MiB")
    return raw


def _check_kind(found: os.stat_result, limit: int) -> None:
    kind = stat.S_IFMT(found.st_mode)
    if kind != stat.S_IFREG:
        raise Unreadable(f"it is {NAMES.get(kind, 'no regular file')}, not a file")
    if found.st_size > limit:
        raise Unreadable(f"it is larger than {limit >> 20} MiB")


def load(
    file: Path,
    *,
    environ: Mapping[str, str],
    own: tuple[str, int] | None = None,
    name: str | None = None,
    instead: Mapping[str, bytes] | None = None,
) -> Loaded:
    """Read, parse, check and compile. `name` stands for the file in problems; `instead` holds contents that count
    instead of those on disk, by name."""
    return Loading(file, environ, own, name or file.name, instead or {}).load()


@contextlib.contextmanager
def _without_collections(large: bool) -> Iterator[None]:
    """Garbage collections would look at every node of a large file again and again, and stop the traffic meanwhile
    (measured: 10,000 clusters, pauses of 0.1 to 0.6 s). Nothing of a table is cyclic, so nothing is lost."""
    if not large or not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


class Loading:
    """One load: remembers which files it came by."""

    def __init__(
        self,
        file: Path,
        environ: Mapping[str, str],
        own: tuple[str, int] | None,
        name: str,
        instead: Mapping[str, bytes],
    ) -> None:
        self.file, self.environ, self.own, self.name, self.instead = file, environ, own, name, instead
        self.folder = file.parent
        self.files: dict[str, Path] = {name: file}
        self.watched: dict[Path, Look] = {}
        self.patterns: dict[str, Look] = {}
        self.digests: dict[Path, bytes] = {}

    def load(self) -> Loaded:
        variables, problems = self._variables()
        try:
            raw = self._read(self.name, self.file)
        except Unreadable as error:
            unread = Problem(self.name, 1, 1, "", str(error), code="absent" if isinstance(error, Absent) else "")
            return self._loaded(ParsedRoutes(None, (unread,), "", ""), [unread], None)
        with _without_collections(len(raw) > LARGE):
            return self._parsed(raw, variables, problems)

    def _parsed(self, raw: bytes, variables: Mapping[str, str], problems: list[Problem]) -> Loaded:
        parsed = parse(raw, name=self.name, variables=variables, include=self._include, own=self.own)
        return self._compiled(parsed, problems + list(parsed.problems))

    def _compiled(self, parsed: ParsedRoutes, problems: list[Problem]) -> Loaded:
        table = None
        if parsed.config is not None and not problems:
            table = compile_table(
                parsed.config, revision=parsed.revision, folder=str(self.folder.absolute()), content_of=self._content
            )
            problems += _unusable(table, parsed)
        return self._loaded(parsed, problems, table)

    def _loaded(self, parsed: ParsedRoutes, problems: list[Problem], table: RouteTable | None) -> Loaded:
        return Loaded(
            table=None if problems else table,
            problems=tuple(problems),
            parsed=parsed,
            files=self.files,
            watched=tuple(self.watched),
            patterns=tuple(self.patterns),
            look=(*self.watched.values(), *self.patterns.values()),
            digests=self.digests,
        )

    def _read(self, name: str, path: Path) -> bytes:
        """What is seen of a file before it is read tells later whether it has changed since."""
        self.watched[path] = look_at(path)
        if name in self.instead:
            return self.instead[name]
        raw = read_file(path)
        self.digests[path] = hashlib.sha256(raw).digest()
        return raw

    def _content(self, path: str) -> str:
        """Tells a renewed certificate file from the one before it; one that cannot be read is a problem later."""
        self.watched[Path(path)] = look_at(Path(path))
        return content_of(path)

    def _variables(self) -> tuple[dict[str, str], list[Problem]]:
        """.env beside the file; the real environment wins."""
        beside = self.folder / ".env"
        try:
            found = dotenv(self._read(".env", beside).decode(), file=".env")
        except UsageError as error:
            line = error.where.rpartition(":")[2]
            message = f"{error.message}; {error.hint}" if error.hint else error.message
            return dict(self.environ), [Problem(".env", int(line) if line.isdigit() else 1, 1, "", message)]
        except Absent:
            return dict(self.environ), []
        except (Unreadable, UnicodeDecodeError) as error:
            return dict(self.environ), [Problem(".env", 1, 1, "", str(error))]
        return {**found, **self.environ}, []

    def _include(self, pattern: str) -> Sequence[tuple[str, bytes]]:
        found = included(self.folder, pattern)
        self.patterns[pattern] = tuple(found)
        if not found and not set(pattern) & set("*?["):
            raise ValueError(f"there is no file '{pattern}'")
        if len(found) > MAX_INCLUDED:
            raise ValueError(f"'{pattern}' stands for more than {MAX_INCLUDED} files")
        return [self._included(path) for path in found if path != self.file]

    def _included(self, path: Path) -> tuple[str, bytes]:
        name = (PurePosixPath(self.name).parent / path.relative_to(self.folder)).as_posix()
        self.files[name] = path
        if not path.resolve().is_relative_to(self.folder.resolve()):
            raise ValueError(f"{name} leads out of the folder of this file")
        try:
            return name, self._read(name, path)
        except Unreadable as error:
            raise ValueError(f"{name}: {error}") from None


def included(folder: Path, pattern: str) -> list[Path]:
    """The files of an include pattern, in the order of their names; what editors leave behind is passed over.
    ValueError when the pattern cannot be used."""
    try:
        found = sorted(folder.glob(pattern))
    except (ValueError, NotImplementedError, OSError) as error:
        raise ValueError(f"'{pattern}' is no usable pattern: {error}") from None
    return [path for path in found if not path.name.startswith((".", "#")) and not path.name.endswith("~")]


def _unusable(table: RouteTable, parsed: ParsedRoutes) -> list[Problem]:
    """Certificate files that cannot be used: better said now than at the first request."""
    problems = []
    for cluster in table.clusters.values():
        for environment, upstream in cluster.upstreams.items():
            if upstream.tls is not None and (upstream.tls.ca or upstream.tls.cert):
                try:
                    client_context(upstream.tls)
                except GatewayError as error:
                    path = f"clusters.{cluster.name}.upstreams.{environment}.tls"
                    node = at(parsed.root, "clusters", cluster.name, "upstreams", environment, "tls") or parsed.root
                    problems.append(_at(node, path, f"{error.where}: {error.message}"))
    return problems


def _at(node: YamlNode | None, path: str, message: str) -> Problem:
    return node.problem(path, message) if node is not None else Problem("", 1, 1, path, message)


def look(watched: Sequence[Path], folder: Path, patterns: Sequence[str]) -> Look:
    """What stands in the places that a table depends on; cheap, reads no content."""
    return (*map(look_at, watched), *(tuple(included(folder, pattern)) for pattern in patterns))


def content_of(path: str) -> str:
    """What changes with the file; "" while it cannot be read."""
    try:
        return hashlib.sha256(read_file(Path(path))).hexdigest()
    except Unreadable:
        return ""


def reread(loaded: Loaded) -> bool:
    """Whether every file still holds what was read: the clocks of mounted folders cannot be trusted."""
    for path, digest in loaded.digests.items():
        try:
            if hashlib.sha256(read_file(path)).digest() != digest:
                return False
        except Unreadable:
            return False
    return True


def look_at(path: Path) -> Look:
    try:
        found = path.stat()
    except OSError as error:
        return (str(path), error.errno)
    return (str(path), found.st_dev, found.st_ino, found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_mode)


def write_file(path: Path, raw: bytes, *, expected: bytes | None = None) -> None:
    """Replace a file's content at one stroke; links to it, its mode and its owner stay. Unreadable when it cannot.

    With `expected`, only if that is still what the file holds.
    """
    target = path.resolve()
    if expected is not None and read_file(target) != expected:
        raise Unreadable("it was changed by somebody else at the same moment; try again")
    try:
        _replace(target, raw)
    except OSError as error:
        if error.errno in FULL:
            raise Unreadable(f"cannot be written: {error.strerror}") from None
        _write_into(target, raw)


def _write_into(target: Path, raw: bytes) -> None:
    """Without a file beside it: one that is mounted by itself cannot be replaced, and a folder may be read-only where
    a file is not. What cannot be written whole is put back as it was."""
    try:
        with target.open("r+b") as file:
            before = file.read()
            try:
                _overwrite(file, raw)
            except OSError:
                _overwrite(file, before)
                raise
    except OSError as error:
        raise Unreadable(f"cannot be written: {error.strerror or error}") from None


def _overwrite(file: BinaryIO, raw: bytes) -> None:
    file.seek(0)
    file.write(raw)
    file.truncate()
    file.flush()
    os.fsync(file.fileno())


def _replace(target: Path, raw: bytes) -> None:
    found = target.stat()
    beside = target.with_name(f".{target.name}.{os.getpid()}.new")
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(raw)
            file.flush()
            os.fsync(handle)
            with contextlib.suppress(PermissionError):
                os.fchown(handle, found.st_uid, found.st_gid)
            os.fchmod(handle, stat.S_IMODE(found.st_mode))
        beside.replace(target)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise

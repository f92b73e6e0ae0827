"""Opens recordings files: private modes, one writer at a time, clear refusals, a backup before migrations. I/O."""

from __future__ import annotations

import logging
import os
import sqlite3
import sys
import time
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ...errors import NotFoundError, StoreError
from .schema import VERSION, migrate, version_of

if TYPE_CHECKING:
    from sqlite_utils.migrations import Migrations

log = logging.getLogger("gateway.store")

PAGE: Final = 8192  # bytes: a row with its heads fits; groups cost as at 16384, a lone commit a quarter less
READ_PATIENCE: Final = 5.0  # seconds a reader waits for a lock; in WAL mode only a recovery makes it wait
WRITE_PATIENCE: Final = 0.25  # seconds the writer waits in SQLite; after that it retries by itself
DAMAGED: Final = "this file is damaged"
UNREADABLE: Final = "the file cannot be read"
BESIDE: Final = ("-wal", "-shm")  # what SQLite keeps beside a file in WAL mode
NEW_FILE: Final = 1.0  # seconds in which a writer that has set a damaged file aside begins another one
BACKUP_PAGES: Final = 4096  # pages copied between two looks at the clock
TELL_AFTER: Final = 2.0  # seconds between two lines about how far an upgrade is
LOCK_PATIENCE: Final = 0.5  # seconds: `gateway doctor` looks at the lock for an instant

# sqlite3 looks up how to adapt each value that is neither int, float nor str, and is quickest when it finds something:
# 0.3 us less for every bytes and None of a row.
sqlite3.register_adapter(bytes, bytes)
sqlite3.register_adapter(type(None), {None: None}.__getitem__)


def connect_reader(path: Path) -> sqlite3.Connection:
    """A connection that can only read; NotFoundError when there is no such file. StoreError when its schema is an
    older one."""
    until = time.monotonic() + NEW_FILE
    while True:  # a writer that has set a damaged file aside begins another one
        connection, found = _try_reading(path)
        if connection is not None and found >= VERSION:
            return connection
        if connection is not None:
            connection.close()
        is_new = connection is not None and not found  # made, not migrated, and not locked by its writer yet
        if time.monotonic() > until or (lock_holder(path) is None and not is_new):
            break
        time.sleep(0.02)
    if connection is not None:
        hint = "start `gateway serve` once: it migrates the file and keeps a backup"
        raise StoreError(f"the file has the older schema {found}", where=str(path), hint=hint)
    raise NotFoundError(
        "there is no recordings file", where=str(path),
        hint="name it with --recordings FILE; `gateway serve` and `gateway demo` create one",
    )  # fmt: skip


def _try_reading(path: Path) -> tuple[sqlite3.Connection | None, int]:
    """(a connection, the schema of the file); None when there is no file."""
    if not path.is_file():
        return None, 0
    connection = _connect(path, _reading_mode(path), READ_PATIENCE)
    try:
        return connection, _checked(connection, path)
    except StoreError:
        connection.close()
        raise


def _reading_mode(path: Path) -> str:
    """On a disk that cannot be written to, SQLite cannot make the -shm file that WAL wants even for reading."""
    frozen = not os.access(path.parent, os.W_OK) and not size(wal_of(path))
    return "mode=ro&immutable=1" if frozen else "mode=ro"


def _checked(connection: sqlite3.Connection, path: Path, newest: int = VERSION) -> int:
    try:
        connection.execute("PRAGMA query_only = ON")
        return version_of(connection, str(path), newest=newest)
    except sqlite3.Error as error:
        raise unreadable(path, error) from None


def connect_writer(
    path: Path, *, full: bool = False, steps: Migrations | None = None, newest: int = VERSION
) -> sqlite3.Connection:
    """The one connection that writes: creates or migrates the file. The caller holds the WriterLock."""
    prepare_folder(path)
    found = examine(path, newest)
    connection = _connect(path, "mode=rwc", WRITE_PATIENCE)
    try:
        _make_private(path)
        connection.execute(f"PRAGMA page_size = {PAGE}")
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")  # a deletion gives its room back
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {'FULL' if full else 'NORMAL'}")
        connection.execute("PRAGMA wal_autocheckpoint = 0")  # the writer thread does it in slack time
        connection.execute("PRAGMA temp_store = MEMORY")
        if found < newest:
            begun = time.monotonic()
            back_up(path, found)
            migrate(connection, steps)
            connection.executescript("PRAGMA incremental_vacuum")  # of what a migration put away
            if found:
                log.info("%s is upgraded to schema %d, after %.1f s", path, newest, time.monotonic() - begun)
    except (sqlite3.Error, StoreError) as error:
        connection.close()
        raise (error if isinstance(error, StoreError) else unwritable(path, error)) from None
    return connection


def _connect(path: Path, mode: str, patience: float) -> sqlite3.Connection:
    try:
        return sqlite3.connect(
            f"{path.resolve().as_uri()}?{mode}", uri=True, timeout=patience, isolation_level=None,
            check_same_thread=False, cached_statements=64,
        )  # fmt: skip
    except sqlite3.Error as error:
        raise (unwritable if mode == "mode=rwc" else unreadable)(path, error) from None


def examine(path: Path, newest: int = VERSION) -> int:
    """The schema of the file, 0 when there is none yet. Touches nothing: what is not ours stays as it is. StoreError
    when it is no file, or cannot be read."""
    try:
        if not path.exists() or (path.is_file() and path.stat().st_size == 0):
            return 0
        if not path.is_file():
            raise StoreError("this is no file", where=str(path), hint="name a file with --recordings")
    except OSError as error:
        raise StoreError(f"cannot be read: {error.strerror}", where=str(path)) from None
    with closing(_connect(path, _reading_mode(path), READ_PATIENCE)) as connection:
        return _checked(connection, path, newest)


def prepare_folder(path: Path) -> None:
    """The folder of the recordings, for its owner only when we make it. StoreError when it cannot be made."""
    try:
        path.parent.parent.mkdir(parents=True, exist_ok=True)
        path.parent.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise StoreError(f"the folder cannot be made: {error.strerror}", where=str(path.parent)) from None


def _make_private(path: Path) -> None:
    """0600 before SQLite writes a byte: it gives -wal and -shm the modes of the file."""
    with suppress(OSError):  # a file system without modes
        path.touch(mode=0o600, exist_ok=True)
        if path.stat().st_mode & 0o077:
            path.chmod(0o600)


def back_up(path: Path, schema: int) -> None:
    """Before a migration, keep the file as it is: gateway.db -> gateway.db.schema1. StoreError when that fails."""
    if not path.exists() or schema == 0:
        return
    copy = path.with_name(f"{path.name}.schema{schema}")
    log.info("%s has the older schema %d: it is kept as %s, then upgraded", path, schema, copy.name)
    told = time.monotonic()

    def tell(_: int, left: int, pages: int) -> None:
        nonlocal told
        if time.monotonic() - told >= TELL_AFTER:
            told = time.monotonic()
            log.info("%s: %d %% kept", copy.name, 100 * (pages - left) // max(1, pages))

    try:
        with closing(_connect(path, "mode=ro", READ_PATIENCE)) as old, closing(sqlite3.connect(copy)) as new:
            old.backup(new, pages=BACKUP_PAGES, progress=tell, sleep=0)
        copy.chmod(0o600)
    except (OSError, sqlite3.Error) as error:
        raise StoreError(f"no backup could be made before the migration: {error}", where=str(copy)) from None


def room(path: Path) -> int:
    """Bytes that the file's disk has left for us; as if there were plenty when the system does not say."""
    try:
        found = os.statvfs(path.parent)
    except OSError:
        return 1 << 62
    return found.f_bavail * found.f_frsize


def identity(path: Path) -> tuple[int, int] | None:
    """Which file lies at this path just now; None when there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def size(path: Path) -> int:
    """Bytes of a file, 0 when there is none."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def wal_of(path: Path) -> Path:
    return path.with_name(path.name + "-wal")


class WriterLock:
    """Held by the one process that writes to a recordings file. A crash frees it: the system does.

    Two locks: a file beside the recordings, in which others read who has them, and one on the recordings file itself,
    which holds whatever name it is reached by (symbolic and hard links). The second is flock's, which does not meet
    SQLite's own locks; its descriptor stays open as long as SQLite has the file, because closing one would drop those
    (https://sqlite.org/howtocorrupt.html, section 2.2).
    """

    def __init__(self, path: Path) -> None:
        self._path = path.resolve()
        self._file = self._path.with_name(self._path.name + ".lock")
        self._descriptor = self._held = -1
        self._identity: tuple[int, int] | None = None

    def acquire(self) -> None:
        """StoreError names the process that has the file already."""
        prepare_folder(self._path)
        try:
            self._descriptor = os.open(self._file, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise StoreError(f"cannot be written: {error.strerror}", where=str(self._file)) from None
        try:
            self._insist(self._descriptor, _pid(self._file))
            self.hold()
        except StoreError:
            self.release()
            raise
        self._sign()

    def _sign(self) -> None:
        os.ftruncate(self._descriptor, 0)
        os.write(self._descriptor, f"{os.getpid()}\n".encode())

    def hold(self) -> None:
        """Lock the file that lies at the path now, under all its names; nothing when there is none yet. After a disk
        was mounted anew the file beside it is another one, too."""
        self._follow()
        found = identity(self._path)
        if found is None or found == self._identity:
            return
        try:
            descriptor = os.open(self._path, os.O_RDONLY)
        except OSError:  # the next reader says why it cannot be read
            return
        try:
            self._insist(descriptor, 0)
        except StoreError:
            os.close(descriptor)
            raise
        if self._held >= 0:  # of a file that was moved or replaced
            os.close(self._held)
        self._held, self._identity = descriptor, found

    def _follow(self) -> None:
        """Lock the lock file that lies at its path now."""
        ours = os.fstat(self._descriptor)
        if identity(self._file) == (ours.st_dev, ours.st_ino):
            return
        try:
            descriptor = os.open(self._file, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError:  # no folder, or no room: the next attempt to connect says why
            return
        try:
            self._insist(descriptor, _pid(self._file))
        except StoreError:
            os.close(descriptor)
            raise
        os.close(self._descriptor)
        self._descriptor = descriptor
        with suppress(OSError):
            self._sign()

    def _insist(self, descriptor: int, holder: int) -> None:
        until = time.monotonic() + LOCK_PATIENCE
        while not _locked(descriptor):
            if time.monotonic() > until:
                who = f"process {holder}" if holder else "by another of its names"
                raise StoreError(
                    f"another gateway writes to this file ({who})", where=str(self._path),
                    hint="stop it, or name another file with --recordings",
                )  # fmt: skip
            time.sleep(0.02)

    def release(self) -> None:
        """Let others write. The file stays: removing it would let two processes lock two files of one name."""
        for descriptor in (self._held, self._descriptor):
            if descriptor >= 0:
                os.close(descriptor)
        self._held = self._descriptor = -1
        self._identity = None


def lock_holder(path: Path) -> int | None:
    """The process that writes to a recordings file now: its id, 0 when unknown, None when there is none."""
    path = path.resolve()
    file = path.with_name(path.name + ".lock")
    for each in (file, *([path] if _has_other_names(path) else [])):
        try:
            descriptor = os.open(each, os.O_RDONLY)
        except OSError:
            continue
        try:
            if not _locked(descriptor):
                return _pid(file) if each == file else 0
        finally:
            os.close(descriptor)
    return None


def _has_other_names(path: Path) -> bool:
    try:
        return path.stat().st_nlink > 1
    except OSError:
        return False


def _pid(file: Path) -> int:
    try:
        return int(file.read_text("ascii"))
    except (OSError, ValueError):
        return 0


if sys.platform != "win32":
    import fcntl

    def _locked(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True

else:  # Windows has no flock, and its msvcrt locks would keep others from reading the process id

    def _locked(descriptor: int) -> bool:
        return True


def code_of(error: sqlite3.Error) -> str:
    """The code of StoreError for what SQLite reports, "" for everything else. Extended names begin with their kind."""
    name = getattr(error, "sqlite_errorname", "")  # absent where the module itself complains
    return next((code for kind, code in CODES.items() if name.startswith(kind)), "")


def is_trouble(error: Exception) -> bool:
    """Whether it is the store that fails, not what it was asked to keep."""
    if isinstance(error, StoreError):
        return True
    return type(error) is sqlite3.DatabaseError or isinstance(error, sqlite3.OperationalError | sqlite3.InternalError)


def unreadable(path: Path, error: sqlite3.Error) -> StoreError:
    """What a failed read means, in words."""
    code = code_of(error)
    if code in ("damaged", "not_a_database"):
        return StoreError(
            f"{DAMAGED}, or no SQLite file at all" if code == "not_a_database" else DAMAGED, code=code,
            where=str(path), hint="`gateway doctor --repair` saves what can be read and keeps the damaged file",
        )  # fmt: skip
    if code == "locked":
        return StoreError("another process keeps the file locked", where=str(path), hint="close it there", code=code)
    return StoreError(f"{UNREADABLE}: {error}", where=str(path), hint="gateway doctor", code=code or "unreadable")


def unwritable(path: Path, error: sqlite3.Error) -> StoreError:
    """What a failed write means, in words."""
    code = code_of(error)
    if code not in WRITE_TROUBLE:
        return unreadable(path, error)
    message, hint = WRITE_TROUBLE[code]
    return StoreError(message, where=str(path), hint=hint, code=code)


CODES: Final = {  # result codes of SQLite, https://www.sqlite.org/rescode.html
    "SQLITE_NOTADB": "not_a_database", "SQLITE_CORRUPT": "damaged", "SQLITE_BUSY": "locked", "SQLITE_LOCKED": "locked",
    "SQLITE_FULL": "full", "SQLITE_READONLY": "read_only", "SQLITE_CANTOPEN": "cannot_open", "SQLITE_IOERR": "io",
}  # fmt: skip
WRITE_TROUBLE: Final = {
    "full": ("the disk is full", "make room: recording resumes by itself"),
    "read_only": ("the file or its folder is read-only", "chmod u+w, or name another file with --recordings"),
    "cannot_open": ("the file cannot be opened for writing", "check that its folder exists and may be written to"),
    "locked": ("another process keeps the file locked", "close it there: recording resumes by itself"),
    "io": ("the disk reports an error", "check the disk and its free space; recording resumes by itself"),
}

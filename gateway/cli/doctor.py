"""`gateway doctor`: examines the recordings file, routes.yaml and this machine, and says what to do. I/O."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, Literal

from ..errors import GatewayError, StoreError
from ..model.text import counted, visible
from ..paths import url_of
from ..store.sqlite.examination import Examination, examined
from ..store.sqlite.repair import recover
from .client import find_server
from .recordings.text import amount

Level = Literal["ok", "warn", "fail"]
MIB: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class DoctorFinding:
    """One thing that was looked at. `hint` says what to do about it."""

    name: str
    level: Level
    detail: str
    hint: str = ""


def doctor(args: argparse.Namespace) -> int:
    """0 when nothing is broken, 1 else; warnings are no failure."""
    if args.repair:
        return repair(args.recordings, as_json=args.json)
    findings = [
        finding
        for part in (on_recordings(args.recordings), on_routes(args.routes), on_this_machine())
        for finding in part
    ]
    healthy = all(finding.level != "fail" for finding in findings)
    if args.json:
        print(json.dumps({"healthy": healthy, "findings": [asdict(finding) for finding in findings]}, indent=2))
    else:
        print("\n".join(map(line, findings)))
    return 0 if healthy else 1


def line(finding: DoctorFinding) -> str:
    """ "warn  sqlite      3.40.1 ..." and, below it, what to try."""
    text = f"{finding.level:<5} {finding.name:<11} {visible(finding.detail)}"
    return f"{text}\n{'':<18}try: {visible(finding.hint)}" if finding.hint else text


# -- the recordings file


def on_recordings(path: Path) -> Iterator[DoctorFinding]:
    """The state of the store, from the outside in."""
    if url_of(path):
        yield from on_database(path)
        return
    yield from on_disk(path)
    if not path.exists():
        yield DoctorFinding("recordings", "ok", f"{path} is not there yet; `gateway serve` creates it")
        return
    try:
        found = examined(path)
    except GatewayError as error:
        yield DoctorFinding("recordings", "fail", f"{error.where}: {error.message}", error.hint)
        return
    size = f"{path.stat().st_size / MIB:.1f} MiB"
    yield DoctorFinding(
        "recordings",
        "ok",
        f"{path}: {counted(found.recordings, 'recording')}, {counted(found.exchanges, 'exchange')}, {size}",
    )
    yield DoctorFinding("schema", "ok", f"version {found.schema}")
    yield DoctorFinding("contents", "ok", contents(found))
    yield from on_soundness(found)
    yield from on_writer(path, found)
    yield from on_modes(path)
    yield from on_keys(path)


def on_database(path: Path) -> Iterator[DoctorFinding]:
    """Whether the database can be used, and what it holds."""
    from ..store import open_store
    from ..store.postgres.connection import shown

    try:
        with closing(open_store(path)) as store:
            found = store.statistics()
    except GatewayError as error:
        yield DoctorFinding("recordings", "fail", f"{error.where}: {error.message}", error.hint)
        return
    counts = f"{counted(found.recordings, 'recording')}, {counted(found.exchanges, 'exchange')}"
    yield DoctorFinding("recordings", "ok", f"{shown(url_of(path))}: {counts}, {amount(found.file_bytes)}")
    waiting = sorted(one.name for one in path.parent.glob("gateway.spool-*.journal") if one.stat().st_size)
    if waiting:
        hint = "a gateway that runs sends it when the database is back, the next start sends what a killed one left"
        yield DoctorFinding("spool", "warn", f"{', '.join(waiting)} waits for the database", hint)
    yield from on_keys(path)


def on_keys(path: Path) -> Iterator[DoctorFinding]:
    """Whether the keys open what the recordings hold. Makes no key."""
    from ..keys import LOST_HINT, existing_keys, fingerprints, unopened
    from ..store import open_store

    try:
        keys = existing_keys(path.parent, os.environ)
        names = fingerprints(path.parent, os.environ) if keys else []
        store = open_store(path)
    except GatewayError as error:
        yield DoctorFinding("keys", "fail", f"{error.where}: {error.message}", error.hint)
        return
    with closing(store):
        samples = store.secret_samples()
    if lost := unopened(keys, samples):
        yield DoctorFinding("keys", "fail", lost, LOST_HINT)
    elif samples:
        yield DoctorFinding(
            "keys", "ok", f"{', '.join(names)}: they open the secrets of the oldest and newest recordings"
        )
    else:
        yield DoctorFinding("keys", "ok", f"{', '.join(names) or 'none yet'}; no recording holds a secret")


def contents(found: Examination) -> str:
    """Statistics in a line."""
    parts = [f"the oldest recording is of {datetime.fromtimestamp(found.oldest, UTC):%Y-%m-%d}"] if found.oldest else []
    parts.append(f"{found.pinned} pinned")
    parts.append(f"{amount(found.free)} free for what comes")
    parts.append(
        f"{found.unindexed} exchanges wait for the search index" if found.unindexed else "search is up to date"
    )
    return ", ".join(parts)


def on_soundness(found: Examination) -> Iterator[DoctorFinding]:
    if found.damage:
        hint = "stop the gateway, then: gateway doctor --repair"
        yield DoctorFinding("integrity", "fail", "; ".join(found.damage), hint)
    else:
        yield DoctorFinding("integrity", "ok", f"{found.check} finds no damage")
    for name in found.aside:
        hint = f"gateway doctor --repair -r {name}, in its folder; then delete it or keep it"
        yield DoctorFinding("aside", "warn", f"{name} was damaged and set aside", hint)
    if found.missed:
        detail = f"{found.missed} exchanges were answered while nothing could be stored: they are in no file"
        yield DoctorFinding("missed", "warn", detail, "the log says when, and why")
    if found.bodies_lost:
        yield DoctorFinding("bodies", "fail", f"{found.bodies_lost} exchanges have lost a body")


def on_writer(path: Path, found: Examination) -> Iterator[DoctorFinding]:
    """Who writes, what is under way, how long the log is."""
    if found.writer is not None:
        yield DoctorFinding("writer", "ok", f"process {found.writer} writes to it; {found.open} exchanges under way")
        try:
            server = find_server(path, None)
        except GatewayError as error:
            yield DoctorFinding("gateway", "warn", f"{error.where}: {error.message}", error.hint)
        else:
            yield DoctorFinding(
                "gateway", "ok", f"answers at {server.url}" if server else "none wrote down where it answers"
            )
    elif found.open:
        hint = "the next start of the gateway marks them as interrupted"
        yield DoctorFinding(
            "writer", "warn", f"nobody writes, but {found.open} exchanges are open: a gateway crashed", hint
        )
    else:
        yield DoctorFinding("writer", "ok", "nobody writes to it now")
    if found.interrupted:
        yield DoctorFinding("interrupted", "ok", f"{found.interrupted} exchanges were cut off by a stop or a crash")
    if found.log > 256 * MIB:
        hint = "a reader may keep it from being folded in: close other programs that have the file open"
        yield DoctorFinding("log", "warn", f"the -wal file has {found.log // MIB} MiB", hint)


def on_modes(path: Path) -> Iterator[DoctorFinding]:
    """Recordings and keys are for their owner only."""
    if os.name != "posix":
        return
    for place, mode in ((path, 0o600), (path.parent, 0o700), (path.parent / "gateway.key", 0o600)):
        if place.exists() and (found := place.stat().st_mode & 0o777) & ~mode & 0o777:
            detail = f"{place} has mode {found:o}: others on this machine may read it"
            yield DoctorFinding("modes", "warn", detail, f"chmod {mode:o} {place}")


def on_disk(path: Path) -> Iterator[DoctorFinding]:
    """Room for what will be recorded."""
    folder = next(parent for parent in path.absolute().parents if parent.exists())
    free = shutil.disk_usage(folder).free // MIB
    detail = f"{free} MiB are free in {folder}"
    if free < 64:
        yield DoctorFinding("disk", "fail", detail, "make room: exchanges will be missed")
    else:
        yield DoctorFinding("disk", "warn" if free < 1024 else "ok", detail)


# -- repair


def repair(path: Path, *, as_json: bool) -> int:
    """Save what can be read of a damaged file in a new one. A sound file stays as it is."""
    try:
        found = examined(path)
        sound = not found.damage
    except StoreError as error:
        if error.code not in ("damaged", "not_a_database", "cannot_open", "io", "read_only", "unreadable"):
            raise  # older, newer, locked or not ours: nothing that a repair would mend
        sound = False
    if sound:
        print(json.dumps({"repaired": False}, indent=2) if as_json else f"{path}: no damage, nothing to repair")
        return 0
    saved = recover(path)
    if as_json:
        print(json.dumps({"repaired": True} | asdict(saved) | {"aside": str(saved.aside)}, indent=2))
        return 0
    lost = f"; {saved.bodies_lost} bodies are lost" if saved.bodies_lost else ""
    print(f"{path}: {counted(saved.recordings, 'recording')} with {counted(saved.exchanges, 'exchange')} saved{lost}")
    print(f"{saved.aside}: the damaged file, as it was")
    return 0


# -- routes.yaml


def on_routes(path: Path) -> Iterator[DoctorFinding]:
    """What `gateway check` would say."""
    if not path.exists():
        yield DoctorFinding("routes", "warn", f"there is no {path}", "gateway init, or name it with --routes")
        return
    from ..routes import load  # brings pydantic and YAML along

    loaded = load(path, environ=os.environ, name=str(path))
    for problem in loaded.problems:
        yield DoctorFinding("routes", "warn" if problem.severity == "warning" else "fail", str(problem))
    if loaded.table is not None:
        yield DoctorFinding("routes", "ok", f"{path}: {_clusters(len(loaded.table.clusters))}")


# -- this machine


def on_this_machine() -> Iterator[DoctorFinding]:
    """Python and the libraries that matter."""
    for look in (on_python, on_sqlite, on_aiohttp, on_httptools, on_open_files):
        yield from look()


def on_python() -> Iterator[DoctorFinding]:
    found = ".".join(map(str, sys.version_info[:3]))
    known = (3, 11) <= sys.version_info[:2] <= (3, 14)
    yield DoctorFinding("python", "ok" if known else "warn", found if known else f"{found}; tested are 3.11 to 3.14")


def on_sqlite() -> Iterator[DoctorFinding]:
    """STRICT tables came with 3.37. The WAL-reset bug needs two connections that write; the gateway has one."""
    found, text = sqlite3.sqlite_version_info, sqlite3.sqlite_version
    if found < (3, 37, 0):
        yield DoctorFinding("sqlite", "fail", f"{text} is too old", "a Python that was built with SQLite 3.37 or newer")
    elif has_wal_reset_bug(found):
        detail = f"{text} has the WAL-reset bug, which one writer, as the gateway has it, does not meet"
        yield DoctorFinding("sqlite", "ok", f"{detail}; let no other program write to the file")
    else:
        yield DoctorFinding("sqlite", "ok", text)


def has_wal_reset_bug(found: tuple[int, ...]) -> bool:
    """3.7.0 to 3.51.2, but for the two older lines that were mended."""
    mended = {(3, 44): 6, (3, 50): 7}
    return (3, 7, 0) <= found <= (3, 51, 2) and found[2] < mended.get((found[0], found[1]), 1 << 30)


def on_aiohttp() -> Iterator[DoctorFinding]:
    from aiohttp import http_parser

    found = version("aiohttp")
    fast = http_parser.HttpRequestParser is not http_parser.HttpRequestParserPy
    if tuple(map(int, found.split(".")[:3])) < (3, 14, 5):
        yield DoctorFinding(
            "aiohttp", "fail", f"{found} is too old: it hands bytes to the wrong request", "3.14.5 or newer"
        )
    elif not fast:
        yield DoctorFinding(
            "aiohttp", "warn", f"{found} without its C extensions", "install a wheel of it for this Python"
        )
    else:
        yield DoctorFinding("aiohttp", "ok", f"{found} with C extensions")
    if find_spec("aiodns") is not None:
        detail = "aiodns is installed: aiohttp then asks name servers itself and misses VPN, .local and Docker names"
        yield DoctorFinding("aiodns", "warn", detail, "pip uninstall aiodns")


def on_httptools() -> Iterator[DoctorFinding]:
    try:
        yield DoctorFinding("httptools", "ok", version("httptools"))
    except PackageNotFoundError:
        yield DoctorFinding("httptools", "fail", "is not installed", "pip install httptools")


def on_open_files() -> Iterator[DoctorFinding]:
    limit = open_files()
    if limit is not None and limit < 1024:
        yield DoctorFinding("open files", "warn", f"at most {limit}: few clients fit", "ulimit -n 4096")


def open_files() -> int | None:
    """How many files this process may open, where the system has such a limit."""
    try:
        import resource
    except ImportError:
        return None
    ask: Callable[[int], Any] = resource.getrlimit
    soft = int(ask(resource.RLIMIT_NOFILE)[0])
    return None if soft == resource.RLIM_INFINITY else soft


def _clusters(count: int) -> str:
    return f"{count} cluster{'' if count == 1 else 's'}"

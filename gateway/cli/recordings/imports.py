"""`gateway import`: files of others become recordings. I/O.

A gateway that runs does the writing; without one the recordings file is taken for as long as it takes.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import os
import sys
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from ...errors import NotFoundError, UsageError
from ...export.readers.import_file import LIMIT, no_files
from ...export.readers.import_report import report_lines
from ...export.readers.imported_recording import Imported
from ...keys import load_keys
from ...model.json_shapes import recording_json
from ...model.text import visible
from ...redact import Sealer
from ...routes.files import load
from ...routes.table import RouteTable
from ...services.imports import Folder, ImportFile, locator, taken
from ...store import open_recorder, open_store
from ..client import find_writer

UNSERVED = "http://127.0.0.1:8080"  # where the public URLs of a gateway that does not run are


def import_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file", nargs="+", metavar="FILE", help="a file, the folder of a Bruno collection, or - for stdin"
    )


def import_(args: argparse.Namespace) -> int:
    """Take the files as recordings, each whole or not at all, and report the result of each."""
    server = find_writer(args.recordings, args.url, args.token)
    items: list[dict[str, Any]] = []
    reports: list[dict[str, Any]] = []
    for name in args.file:
        folder = Folder(Path(args.files)) if args.files else None
        shown = "" if name == "-" else Path(name).name
        source = ImportFile(_bytes(name), shown, getattr(args, "as"), folder.read if folder else no_files)
        try:
            if server is not None:
                query = urlencode({"as": source.format, "name": shown})
                data = folder.packed(source) if folder else source.data
                answer = server.call("POST", f"/_gateway/api/v1/import?{query}", data)
                items, reports = [*items, *answer["items"]], [*reports, answer["report"]]
            else:
                taken_items, report = _taken(args, source)
                items, reports = [*items, *taken_items], [*reports, report]
        except UsageError as error:
            error.where = f"{name}: {error.where}" if error.where else name
            raise
    _print(items, reports, as_json=args.json)
    return 0


def _print(items: list[dict[str, Any]], reports: list[dict[str, Any]], *, as_json: bool) -> None:
    """Recordings on stdout, what is said of them on stderr; with --json only what was left out is said there too."""
    if as_json:
        print(json.dumps({"items": items, "next": None, "reports": reports}, indent=2))
    for report in reports:
        if as_json:
            lines = [line for line in report_lines(report) if line.lstrip().startswith("left out")]
        else:
            for item in (item for item in items if item["id"] in {one["id"] for one in report["recordings"]}):
                steps = f"{item['steps']} step{'' if item['steps'] == 1 else 's'}"
                print(f"{visible(item['id'])}  {visible(item['title'] or 'without a title')}, {steps}", flush=True)
            lines = list(report_lines(report))
        print("".join(f"{line}\n" for line in lines), end="", file=sys.stderr)


def _bytes(name: str) -> bytes:
    if name != "-" and Path(name).is_dir():
        return _packed(Path(name))
    try:
        with sys.stdin.buffer if name == "-" else Path(name).open("rb") as file:
            data = file.read(LIMIT + 1)
    except FileNotFoundError:
        raise NotFoundError("there is no such file", where=name) from None
    except OSError as error:
        raise UsageError(f"cannot be read: {error.strerror or error}", where=name) from None
    if len(data) > LIMIT:
        raise UsageError(f"the file has more than {LIMIT} bytes", where=name)
    return data


def _packed(folder: Path) -> bytes:
    """A folder of request files, such as a collection of Bruno, as one archive."""
    packed, size = io.BytesIO(), 0
    with zipfile.ZipFile(packed, "w") as archive:
        for file in sorted(folder.rglob("*")):
            inside = file.relative_to(folder)
            unseen = any(part.startswith(".") or part == "node_modules" for part in inside.parts)
            if file.is_symlink() or not file.is_file() or unseen:
                continue
            size += file.stat().st_size
            if size > LIMIT:
                raise UsageError(f"the folder has more than {LIMIT} bytes", where=str(folder))
            archive.write(file, inside.as_posix())
    return packed.getvalue()


def _taken(args: argparse.Namespace, source: ImportFile) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    table = _table(args.routes)
    found, report = taken(source, locator(table.clusters.values() if table else None, UNSERVED))
    asyncio.run(write_imported(args.recordings, found.recordings, table.redact if table else None))
    store = open_store(args.recordings)
    items = [recording_json(store.recording(one.recording.id)) for one in found.recordings]
    return items, report.as_json()


def _table(routes: Path) -> RouteTable | None:
    """The routes, if there are any that hold: an import must not fail for them."""
    return load(routes, environ=os.environ).table


async def write_imported(path: Path, found: Sequence[Imported], redact: object) -> None:
    """Into a recordings file that nobody writes; StoreError where somebody does."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    sealer: Callable[..., Any] = Sealer(load_keys(path.parent, os.environ)).seal
    recorder = open_recorder(path, seal=sealer)
    try:
        await recorder.start()
        for one in found:
            writing = recorder.add_recording(one.recording, one.exchanges, chunks=one.chunks, redact=redact)
            await asyncio.wrap_future(writing)
    finally:
        await recorder.stop()

"""`gateway import`: files of others become recordings. I/O.

A gateway that runs does the writing; without one the recordings file is taken for as long as it takes.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from ..errors import NotFoundError, UsageError
from ..export.import_file import LIMIT, read
from ..export.imported_recording import Imported, Locate, locating, nowhere, renewed
from ..ids import new_id
from ..keys import load_keys
from ..model.json_shapes import recording_json
from ..model.text import visible
from ..redact import Sealer
from ..routes.files import load
from ..routes.table import RouteTable
from ..store import open_recorder, open_store
from .client import find_writer

UNSERVED = "http://127.0.0.1:8080"  # where the public URLs of a gateway that does not run are


def import_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", nargs="+", metavar="FILE", help="a file, or - for stdin")


def import_(args: argparse.Namespace) -> int:
    """Take the files as recordings, each whole or not at all."""
    format = getattr(args, "as")
    server = find_writer(args.recordings, args.url, args.token)
    items: list[dict[str, Any]] = []
    for name in args.file:
        data = _bytes(name)
        if server is not None:
            query = urlencode({"as": format, "name": "" if name == "-" else Path(name).name})
            items += server.call("POST", f"/_gateway/api/v1/import?{query}", data)["items"]
        else:
            items += _taken(args, data, name, format)
    if args.json:
        print(json.dumps({"items": items, "next": None}, indent=2))
    else:
        for item in items:
            steps = f"{item['steps']} step{'' if item['steps'] == 1 else 's'}"
            print(f"{visible(item['id'])}  {visible(item['title'] or 'without a title')}, {steps}")
    return 0


def _bytes(name: str) -> bytes:
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


def _taken(args: argparse.Namespace, data: bytes, name: str, format: str) -> list[dict[str, Any]]:
    table = _table(args.routes)
    locate: Locate = locating(table.clusters.values(), UNSERVED) if table else nowhere
    try:
        read_in = read(data, name="" if name == "-" else Path(name).name, format=format, locate=locate)
    except UsageError as error:
        error.where = f"{name}: {error.where}" if error.where else name
        raise
    found = renewed(read_in, new_id=new_id, now=time.time())
    asyncio.run(_write(args.recordings, found, table.redact if table else None))
    store = open_store(args.recordings)
    return [recording_json(store.recording(one.recording.id)) for one in found]


def _table(routes: Path) -> RouteTable | None:
    """The routes, if there are any that hold: an import must not fail for them."""
    return load(routes, environ=os.environ).table


async def _write(path: Path, found: list[Imported], redact: object) -> None:
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

"""`gateway copy`: everything of a recordings file or a database into another one, with the same ids. I/O."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from dataclasses import asdict
from pathlib import Path

from ...errors import UsageError
from ...paths import DatabasePath, url_of
from ...store import open_recorder, open_store
from ...store.copying import SOME, Copied, copy_store

SHOWN_EVERY = 10_000  # exchanges between two lines about how far it is


def copy_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", metavar="FROM", type=place, help="a recordings file, or postgresql://...")
    parser.add_argument("target", metavar="TO", type=place, help="the same; what is there already is left alone")


def place(text: str) -> Path:
    """A file or a database, as --recordings takes them."""
    return DatabasePath.of(text) if text.startswith(("postgresql://", "postgres://")) else Path(text)


def copy(args: argparse.Namespace) -> int:
    """Copy everything; the target is made when it is not there."""
    if (url_of(args.source) or args.source.resolve()) == (url_of(args.target) or args.target.resolve()):
        raise UsageError("both are the same", where="TO", hint="gateway copy recordings/gateway.db postgresql://...")
    copied = asyncio.run(_copied(args.source, args.target))
    if args.json:
        print(json.dumps(asdict(copied), indent=2))
        return 0
    there = f", {copied.skipped} were there already" if copied.skipped else ""
    print(f"{copied.exchanges} exchanges of {copied.recordings} recordings copied{there}")
    print("secrets stay sealed: the copy needs the same gateway.key", file=sys.stderr)
    return 0


async def _copied(source: Path, target: Path) -> Copied:
    store = open_store(source)
    try:
        await asyncio.to_thread(store.recordings, limit=1)  # before the target is made: is there something to copy?
        recorder = open_recorder(target, seal=None)
        try:
            await recorder.start()
            return await asyncio.to_thread(copy_store, store, recorder, _show)
        finally:
            await recorder.stop()
    finally:
        store.close()


def _show(count: int) -> None:
    """A line on a terminal now and then."""
    if count % SHOWN_EVERY < SOME and sys.stderr.isatty():
        print(f"{count} exchanges ...", file=sys.stderr)

"""Commands that look after the recordings file: `backup` copies it, `prune` applies the retention limits. I/O."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ...errors import ConfigError, GatewayError, NotFoundError, UsageError
from ...model.text import counted
from ...model.units import read_size
from ...paths import url_of
from ...store import open_store
from ...store.sqlite.backup import back_up_to, backup_name
from ..client import find_writer
from .recordings import API, change, delete_noted
from .text import amount

if TYPE_CHECKING:
    from ...store.sqlite.retention import Stale


def backup_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file", nargs="?", type=Path, metavar="FILE", help="the copy (default: beside the recordings, with the time)"
    )


def backup(args: argparse.Namespace) -> int:
    """Copy the recordings as they are at this moment, while a gateway may be writing."""
    if url_of(args.recordings):
        hint = "pg_dump copies it whole; gateway export takes single recordings"
        raise UsageError("recordings in a database are backed up by the database's own tools", hint=hint)
    to = args.file or backup_name(args.recordings)
    exchanges = back_up_to(args.recordings, to)
    if args.json:
        print(json.dumps({"file": str(to), "exchanges": exchanges, "bytes": to.stat().st_size}, indent=2))
        return 0
    print(f"{to}: {exchanges} exchanges, {amount(to.stat().st_size)}")
    key = args.recordings.parent / "gateway.key"
    if key.exists():
        print(f"its secrets are sealed with {key}: keep a copy of that, too, but elsewhere", file=sys.stderr)
    return 0


def prune(args: argparse.Namespace) -> int:
    """Delete what `recording.keep` of routes.yaml, or --days and --bytes, no longer keep."""
    days, size = limits(args)
    store = open_store(args.recordings)
    found = store.stale(days=days, bytes=size, now=time.time())
    deleted = [] if args.dry_run else delete_all(args, found)
    if args.json:
        items = [shown(one) | {"deleted": one.recording in deleted} for one in found]
        print(json.dumps({"items": items, "next": None}, indent=2))
    else:
        verb = "would be deleted" if args.dry_run else "deleted"
        for one in found:
            print(f"{one.recording}  {moment(one)}  {one.steps} steps, about {amount(one.bytes)}, {REASONS[one.why]}")
        print(
            f"{counted(len(found), 'recording')} {verb}, about {amount(sum(one.bytes for one in found))}",
            file=sys.stderr,
        )
        if size is not None and not found:
            print("what is pinned stays, and for want of room what is younger than an hour", file=sys.stderr)
    return 0


REASONS = {"age": "too old", "room": "the oldest of too many"}


def limits(args: argparse.Namespace) -> tuple[float | None, int | None]:
    """(days, bytes) of the command line, else of routes.yaml."""
    if args.days is not None or args.bytes is not None:
        try:
            return args.days, None if args.bytes is None else read_size(args.bytes)
        except ValueError as error:
            raise UsageError(str(error), where="--bytes") from None
    if not args.routes.exists():
        raise NotFoundError("there is no such file", where=str(args.routes), hint="--routes FILE, or --days N")
    from ...routes import load  # brings pydantic and YAML along

    loaded = load(args.routes, environ=os.environ, name=str(args.routes))
    if loaded.table is None:
        raise ConfigError(loaded.problems)
    rules = loaded.table.recording
    if rules.keep_days is None and rules.keep_bytes is None:
        hint = "recording: {keep: {days: 30, bytes: 2GiB}} there, or --days 30"
        raise UsageError("recording.keep says neither days nor bytes", where=str(args.routes), hint=hint)
    return rules.keep_days, rules.keep_bytes


def delete_all(args: argparse.Namespace, found: list[Stale]) -> set[str]:
    """Through the gateway that runs, else in the file."""
    ids = [one.recording for one in found]
    server = find_writer(args.recordings, args.url, args.token) if ids else None
    if server is None:
        if ids:
            change(args.recordings, lambda recorder: [delete_noted(recorder, id) for id in ids][-1])
        return set(ids)
    for done, id in enumerate(ids):
        try:
            server.call("DELETE", API + quote(id, safe=""))
        except NotFoundError:  # somebody else was quicker
            continue
        except GatewayError as error:
            hint = f"{done} of {len(ids)} are deleted; run it again"
            raise GatewayError(error.message, where=error.where, hint=hint) from None
    return set(ids)


def shown(one: Stale) -> dict[str, Any]:
    return asdict(one) | {"updated_at": f"{moment(one)}Z".replace(" ", "T")}


def moment(one: Stale) -> str:
    return f"{datetime.fromtimestamp(one.updated_at, UTC):%Y-%m-%d %H:%M:%S}"

"""Commands that make recordings out of recordings (merge, split, trim), and `stats`, which counts them. I/O."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ...errors import UsageError
from ...model.json_shapes import recording_json
from ...store import open_store
from ...store.compose import Composition, merged, trimmed
from ...store.compose import split as parts_of
from ..client import find_writer
from .recordings import API, NAMED, find
from .sealing import with_sealer
from .text import amount, recordings_text

if TYPE_CHECKING:
    from ...model.recording import Recording
    from ...store import StoreReader


def merge_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("recording", nargs="+", metavar="REC", help=f"{NAMED}; two or more")


def merge(args: argparse.Namespace) -> int:
    """A new recording of several."""
    store = open_store(args.recordings)
    found = [_whole(store, ref) for ref in args.recording]
    wanted = merged(found, by_time=not args.append, title=args.title)
    body = {"recordings": [one.id for one in found], "append": args.append, "title": args.title}
    return _made(args, "/_gateway/api/v1/merge", body, [wanted])


def split_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("recording", metavar="REC", help=NAMED)
    parser.add_argument("steps", nargs="+", metavar="STEP", help="the steps that begin another recording")


def split(args: argparse.Namespace) -> int:
    """New recordings, each of a part."""
    found = _whole(open_store(args.recordings), args.recording)
    wanted = parts_of(found, _numbers(args.steps), title=args.title)
    body = {"at": list(args.steps), "title": args.title}
    return _made(args, f"{API}{quote(found.id, safe='')}/split", body, wanted)


def trim_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("recording", metavar="REC", help=NAMED)


def trim(args: argparse.Namespace) -> int:
    """A new recording of some of the steps."""
    first, without = getattr(args, "from"), list(args.without)
    if first is None and args.until is None and not without:
        raise UsageError("nothing to trim", hint="--from N, --until N, --without N")
    found = _whole(open_store(args.recordings), args.recording)
    wanted = trimmed(found, 1 if first is None else first, args.until, _numbers(without), title=args.title)
    body = {"from": first, "until": args.until, "without": without, "title": args.title}
    given = {name: value for name, value in body.items() if value not in (None, [])}
    return _made(args, f"{API}{quote(found.id, safe='')}/trim", given, [wanted])


def _whole(store: StoreReader, ref: str) -> Recording:
    recording, step = find(store, ref)
    if step is not None:
        raise UsageError("a recording, not a step", where=ref)
    return recording


def _numbers(texts: Sequence[str]) -> list[int]:
    for text in texts:
        if not (text.isascii() and text.isdigit() and len(text) < 10):
            raise UsageError(f"{text!r} is not the number of a step")
    return [int(text) for text in texts]


def _made(args: argparse.Namespace, path: str, body: dict[str, Any], wanted: Sequence[Composition]) -> int:
    server = find_writer(args.recordings, args.url, args.token)
    if server is not None:
        ids = [item["id"] for item in server.call("POST", path, body)["items"]]
    else:
        ids = with_sealer(args.recordings, lambda recorder: recorder.compose(wanted))
    store = open_store(args.recordings)
    found = [store.recording(id) for id in ids]
    if args.json:
        print(json.dumps({"items": [recording_json(one) for one in found], "next": None}, indent=2))
    else:
        print(recordings_text(found))
    return 0


def stats(args: argparse.Namespace) -> int:
    """Count what the recordings file holds."""
    counted = asdict(open_store(args.recordings).statistics())
    if args.json:
        print(json.dumps(counted, indent=2))
        return 0
    for name, value in counted.items():
        print(f"{name.replace('_', ' '):<18} {_shown(name, value)}")
    return 0


def _shown(name: str, value: Any) -> str:
    shown: Callable[[Any], str] = amount if name.endswith("_bytes") else str
    if name in ("oldest", "newest"):
        return f"{datetime.fromtimestamp(value, UTC):%Y-%m-%d %H:%M:%S} UTC" if value else "never"
    return shown(value)

"""`gateway export`: recordings as diagrams, documents, runnable files, HAR or JSON. I/O."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from .. import __version__
from ..errors import UsageError
from ..formats import FORMATS, Format, dump, format_named
from ..model.exchange import Exchange
from ..model.recording import Recording
from ..protocols import Store
from ..store import open_store

PAGE = 1000  # exchanges read at a time


def export_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "recording",
        nargs="*",
        metavar="REC",
        help="id, unique prefix of it, title, @last or @last~1; all formats but the diagrams take several",
    )


def export(args: argparse.Namespace) -> int:
    """Write the recordings that were named, to a file or to stdout."""
    if args.list:
        print(_list_of_formats(as_json=args.json))
        return 0
    format = _format(getattr(args, "as"), args.output, as_json=args.json)
    if not args.recording:
        raise UsageError("which recording?", hint=f"gateway export @last --as {format.name}")
    store = open_store(args.recordings)
    refs = list(args.recording)
    if args.with_variants:
        refs = [id for ref in refs for id in _family(store, store.recording(ref).id)]
    recordings = [_read(store, ref) for ref in dict.fromkeys(refs)]
    text = dump(format, recordings, version=__version__, chunks=store.chunks, decisions=store.decisions)
    _write(text.encode("utf-8", "replace"), args.output, format, recordings)
    return 0


def _format(name: str, output: Path | None, *, as_json: bool) -> Format:
    """--as, else --json, else what the suffix of the output says, else mermaid."""
    if name:
        return format_named(name)
    if as_json:
        return FORMATS["json"]
    if output is None or not output.suffix:
        return FORMATS["mermaid"]
    by_length = sorted(FORMATS.values(), key=lambda format: -len(format.suffix))  # .openapi.json before .json
    found = next((format for format in by_length if output.name.lower().endswith(format.suffix)), None)
    if found is None:
        hint = f"--as {'|'.join(FORMATS)}"
        raise UsageError(f"no format writes '{output.suffix.lower()}' files", where=str(output), hint=hint)
    return found


def _list_of_formats(*, as_json: bool) -> str:
    if not as_json:
        return "\n".join(f"{format.name:<9} {format.suffix:<24} {format.title}" for format in FORMATS.values())
    keys = ("name", "title", "media_type", "suffix", "many")
    items = [{key: getattr(format, key) for key in keys} for format in FORMATS.values()]
    return json.dumps({"items": items, "next": None}, indent=2)


def _family(store: Store, id: str) -> Iterator[str]:
    """The recording, then its variants and theirs, the oldest first."""
    children: dict[str, list[str]] = {}
    page = store.recordings("kind:variant", limit=PAGE)
    while True:
        for variant in page.items:
            children.setdefault(variant.parent or "", []).insert(0, variant.id)
        if page.next is None:
            break
        page = store.recordings("kind:variant", limit=PAGE, cursor=page.next)
    waiting = [id]
    while waiting:
        yield waiting[0]
        waiting[:1] = children.pop(waiting[0], [])


def _read(store: Store, ref: str) -> tuple[Recording, Sequence[Exchange]]:
    recording = store.recording(ref)
    page = store.exchanges(recording.id, limit=PAGE)
    exchanges = list(page.items)
    while page.next:
        page = store.exchanges(recording.id, limit=PAGE, cursor=page.next)
        exchanges += page.items
    return recording, exchanges


def _write(
    data: bytes, output: Path | None, format: Format, recordings: Sequence[tuple[Recording, Sequence[Exchange]]]
) -> None:
    if output is None or str(output) == "-":
        # Bytes, because the terminal's encoding must not decide what a file piped from here holds.
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return
    try:
        output.write_bytes(data)
    except OSError as error:
        raise UsageError(f"cannot be written: {error.strerror or error}", where=str(output)) from None
    steps = sum(len(exchanges) for _, exchanges in recordings)
    print(f"{output}: {format.title}, {steps} {'step' if steps == 1 else 'steps'}, {len(data)} bytes", file=sys.stderr)

"""`gateway export`: recordings as diagrams, documents, runnable files, HAR or JSON. I/O."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from ...errors import UsageError
from ...export import FORMATS, ApiServer, Format, format_named
from ...export.archive import encoded, zipped
from ...export.format import Routing
from ...model.text import counted
from ...routes.files import load
from ...services.export import Wish, as_files, as_text, exported, routing_of
from ..client import find_server
from .masked_store import masked_store
from .recordings import NAMED


def export_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "recording",
        nargs="*",
        metavar="REC",
        help=f"{NAMED}; all formats but the diagrams take several",
    )


def export(args: argparse.Namespace) -> int:
    """Write the recordings that were named, to a file, a folder, an archive, or to stdout."""
    if args.list:
        print(_list_of_formats(as_json=args.json))
        return 0
    format = _format(getattr(args, "as"), args.output, as_json=args.json)
    if not args.recording:
        raise UsageError("which recording?", hint=f"gateway export @last --as {format.name}")
    wish = Wish(format, args.recording, args.with_variants, args.cluster, args.steps)
    store, routing = masked_store(args), routing_now(args)
    output: Path | None = args.output
    if output is None or str(output) == "-":
        # Bytes, because the terminal's encoding must not decide what a file piped from here holds.
        sys.stdout.flush()
        sys.stdout.buffer.write(as_text(store, wish, routing).data)
        sys.stdout.buffer.flush()
    elif _is_folder(output, format):
        found, steps = as_files(store, wish, routing)
        write_folder(output, found)
        _told(output, f"{format.title}, {counted(steps, 'step')}, {counted(len(found), 'file')}")
    else:
        packed = output.suffix.lower() == ".zip"
        made = exported(store, wish, routing) if packed else as_text(store, wish, routing)
        data = made.data if made.media_type == "application/zip" or not packed else zipped({made.name: made.data})
        _write(output, data)
        _told(output, f"{format.title}, {counted(made.steps, 'step')}, {len(data)} bytes")
    return 0


def routing_now(args: argparse.Namespace) -> Routing:
    """Where the clusters live: what the running gateway says, else routes.yaml, else nobody knows."""
    server = find_server(args.recordings, args.url, args.token)
    if server is None:
        return routing_of(load(args.routes, environ=os.environ).table)
    routes = server.call("GET", "/_gateway/api/v1/routes")
    clusters = {one["name"]: one["upstreams"] for one in routes["items"]}

    def servers(cluster: str) -> list[ApiServer]:
        return [ApiServer(one["environment"], one["url"], one["current"]) for one in clusters.get(cluster, ())]

    return Routing(servers, tuple(routes["environments"]))


def _is_folder(output: Path, format: Format) -> bool:
    """A folder that exists; or a name without a suffix, where the format is made of several files."""
    return output.is_dir() or (format.files is not None and not output.suffix)


def write_folder(folder: Path, found: Mapping[str, str]) -> None:
    """Every file in its place below the folder."""
    for name, text in found.items():
        file = folder / name
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"cannot be made: {error.strerror or error}", where=str(file.parent)) from None
        _write(file, encoded(text))


def write_text(text: str, output: Path | None) -> None:
    """One text, to a file or to stdout."""
    if output is None or str(output) == "-":
        sys.stdout.flush()
        sys.stdout.buffer.write(encoded(text))
        sys.stdout.buffer.flush()
    else:
        _write(output, encoded(text))


def _write(file: Path, data: bytes) -> None:
    try:
        file.write_bytes(data)
    except OSError as error:
        raise UsageError(f"cannot be written: {error.strerror or error}", where=str(file)) from None


def _told(output: Path, what: str) -> None:
    print(f"{output}: {what}", file=sys.stderr)


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
    items = [
        {key: getattr(format, key) for key in keys} | {"files": format.files is not None} for format in FORMATS.values()
    ]
    return json.dumps({"items": items, "next": None}, indent=2)

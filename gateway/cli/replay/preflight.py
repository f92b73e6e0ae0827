"""`gateway preflight REC`: can it be run live now, and which steps should be played offline? I/O."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote

from ...model.text import visible
from ..recordings.recordings import NAMED
from ..recordings.text import cut, table
from .replay import recording_id, server_for

SIGNS: Final = {"ok": "ok", "warning": "?", "bad": "x"}


def preflight_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("recording", metavar="REC", help=NAMED)


def preflight(args: argparse.Namespace) -> int:
    """Look at upstreams, routes and tokens, send what only reads, and say what is not ready."""
    body: dict[str, Any] = {"to": list(args.to)}
    body |= {name: value for name, value in (("from", getattr(args, "from")), ("until", args.until)) if value}
    with server_for(args) as server:
        id = recording_id(args, server)
        found = server.call("POST", f"/_gateway/api/v1/recordings/{quote(id, safe='')}/preflight", body)
    print(json.dumps(found, indent=2) if args.json else "\n".join(readiness_lines(found)))
    return 0 if found["ready"] else 1


def readiness_lines(found: Mapping[str, Any]) -> Iterator[str]:
    """A table of what was looked at, and the verdict."""
    rows = [
        (
            SIGNS[one["state"]],
            one["kind"],
            cut(one["what"], 60),
            ", ".join(map(str, one["steps"])),
            visible(one["message"]),
        )
        for one in found["checks"]
    ]
    yield table(("", "kind", "what", "steps", "found"), rows)
    yield ""
    offline = found["offline"]
    if offline["steps"]:
        clusters, steps = ", ".join(map(visible, offline["clusters"])), ", ".join(map(str, offline["steps"]))
        yield f"better played from the recording: {clusters} (steps {steps})"
    yield "ready" if found["ready"] else "not ready"

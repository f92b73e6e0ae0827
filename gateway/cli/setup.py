"""Commands to begin with: `init` a folder, shell `completion`, and the `healthcheck` of a running gateway. I/O."""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
from pathlib import Path

from ..errors import UpstreamError, UsageError
from ..settings import did_you_mean, from_environment
from .client import RunningGateway, find_server
from .completion import SHELLS, completion_script

ROUTES = """\
# Which cluster of APIs lives where. A saved change is in force at once; `gateway check` reports what is wrong with it.
version: 1
environments: [dev, test, qa]              # in the order in which a cluster moves to completion
clusters:
  items:                                   # your name for a group of APIs that moves together
    path: /api/items                       # clients call this prefix; it is cut off before the request goes on
    environment: dev                       # where it lives now; change it here, on the board or by `gateway move`
    upstreams:                             # one base URL for each environment where it exists
      dev: http://127.0.0.1:9001
      test: http://127.0.0.1:9002
    health: /health                        # polled on every upstream and shown on the board
"""

DEMO = """\
# A demo is a sequence of forms. As soon as this file is saved it is in the menu of the gateway's home page.
title: {title}
steps:
  - title: List the items
    call: GET items:/items                 # METHOD cluster:/path
    keep: {{item_id: "$[0].id"}}             # session value <- JSONPath into the answer
  - title: Look at one
    call: GET items:/items/{{item_id}}       # {{x}} is a field of the form or a kept value
    form: {{item_id: }}                      # an empty default is filled from the session
    what_if:                               # named alternatives of this step, each one a button
      unknown item: {{set: {{item_id: "0"}}, expect: 404, why: "404 means: there is no such item."}}
"""

IGNORED = """\
recordings/*
!recordings/.gitkeep
.env
"""


def init_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "dir", nargs="?", type=Path, default=Path(), metavar="DIR", help="the folder (default: this one)"
    )


def init(args: argparse.Namespace) -> int:
    """Write the files that are not there yet, and say which were."""
    folder: Path = args.dir
    if sources := getattr(args, "from"):
        from .contract_project import make_project

        private(folder / "recordings")
        written(folder / ".gitignore", IGNORED)
        written(folder / "recordings" / ".gitkeep", "")
        print("\n".join(make_project(folder, sources, prune=args.prune)))
        return 0
    name = demo_name(folder)
    files = {
        Path("routes.yaml"): ROUTES,
        Path("templates/demos", name, "demo.yaml"): DEMO.format(title=json.dumps(name.replace("-", " ").capitalize())),
        Path("recordings/.gitkeep"): "",
        Path(".gitignore"): IGNORED,
    }
    private(folder / "recordings")
    for file, text in files.items():
        print(f"{'created' if written(folder / file, text) else 'kept   '} {folder / file}")
    there = "" if folder == Path() else f"cd {shlex.quote(str(folder))} && "
    print(f"next: put your own URLs into routes.yaml, then {there}gateway check && gateway serve")
    return 0


def demo_name(folder: Path) -> str:
    """The folder's name as the name of its first demo: "My Shop" -> "my-shop"."""
    slug = re.sub(r"[^a-z0-9]+", "-", folder.resolve().name.lower()).strip("-")
    return slug or "first-demo"


def private(folder: Path) -> None:
    """A folder that only its owner may read, unless there is one already."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise UsageError(f"cannot be made: {error.strerror}", where=str(folder)) from None


def written(file: Path, text: str) -> bool:
    """Write a new file; False when something is there already."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("x", encoding="utf-8", newline="\n") as out:
            out.write(text)
    except FileExistsError:
        if file.parent.is_dir():
            return False
        raise UsageError("cannot be written: a file stands where a folder should", where=str(file)) from None
    except OSError as error:
        raise UsageError(f"cannot be written: {error.strerror}", where=str(file)) from None
    return True


def completion_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shell", metavar="SHELL", help="one of " + ", ".join(SHELLS))


def completion(args: argparse.Namespace) -> int:
    """Print the script of one shell."""
    if args.shell not in SHELLS:
        known = f"{', '.join(SHELLS)}{did_you_mean(args.shell, SHELLS)}"
        raise UsageError(f"'{args.shell}' is not one of {known}")
    print(completion_script(args.shell))
    return 0


def healthcheck(args: argparse.Namespace) -> int:
    """0 when the gateway is ready; else 1 and the reasons."""
    try:
        server = find_server(args.recordings, args.url, args.token) or usual_server()
        status, raw = server.ask("GET", "/_gateway/readyz")
    except UpstreamError as error:
        return report(args, ready=False, url=error.where, reasons=[error.message])
    said = raw.decode("utf-8", "replace").splitlines()  # one reason a line
    reasons = [] if status == 200 else said or [f"it answered {status}"]
    return report(args, ready=status == 200, url=server.url, reasons=reasons)


def usual_server() -> RunningGateway:
    """Where `gateway serve` listens when nothing was written down: its port from the environment, or 8080."""
    port = from_environment("serve", os.environ).get("port") or 8080
    return RunningGateway(f"http://127.0.0.1:{port}")


def report(args: argparse.Namespace, *, ready: bool, url: str, reasons: list[str]) -> int:
    """Print the response to the one question, and give its exit code."""
    if args.json:
        print(json.dumps({"ready": ready, "url": url, "reasons": reasons}))
    elif ready:
        print(f"{url}: ready")
    else:
        print(f"{url}: not ready")
        print("\n".join(f"  {reason}" for reason in reasons))
    return 0 if ready else 1

"""`gateway demos check`: all that is wrong with the demos' files; `demos new`: a demo of a recording or a file. I/O."""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from ..demos.authoring.new_demo import from_recording, own_folder, write_demo
from ..demos.definition.check import check_routes
from ..demos.registry import demo_folder, demo_paths, read_entry
from ..errors import ConfigError, NotFoundError, Problem, UsageError, did_you_mean
from ..protocols import Options
from ..routes.parse import parse
from ..routes.table import is_url
from .recordings.masked_store import masked_store

if TYPE_CHECKING:
    from ..demos.definition.check import Clusters
    from ..routes.yaml import YamlNode

ACTIONS = ("check", "new")


def demos_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "action",
        metavar="check|new",
        help="report what is wrong in each demo.yaml, or make a demo from a recording or a file",
    )
    parser.add_argument(
        "names", nargs="*", metavar="DEMO", help="check: only these demos (default: all); new: its name"
    )


def demos(args: argparse.Namespace) -> int:
    """Do what was asked for."""
    if args.action not in ACTIONS:
        near = did_you_mean(args.action, ACTIONS)
        raise UsageError(f"'{args.action}' is neither 'check' nor 'new'{near}", hint="gateway demos check")
    return new(args) if args.action == "new" else check(args)


def new(args: argparse.Namespace) -> int:
    """Write templates/demos/NAME/demo.yaml for the recording or the file --from, and say where."""
    source = getattr(args, "from")
    if len(args.names) != 1 or not source:
        raise UsageError("a new demo needs a name and a recording", hint="gateway demos new checkout --from @last")
    if is_url(source) or Path(source).is_file():
        from .contract_project import new_demo_text

        text = new_demo_text(source, args.routes)
    else:
        text = from_recording(masked_store(args), source)
    options = Options(routes=args.routes, recordings=args.recordings, templates=args.templates)
    file = write_demo(own_folder(options), args.names[0], text)
    if args.json:
        print(json.dumps({"demo": args.names[0], "file": str(file)}))
    else:
        print(f"created {file}")
        print(f"next: gateway demos check {args.names[0]}; a running gateway has it in its menu now", file=sys.stderr)
    return 0


def check(args: argparse.Namespace) -> int:
    """0 when every demo is fine; ConfigError with all problems otherwise."""
    clusters = clusters_of(args.routes)
    found = {path.name: problems_of(path, clusters, code=args.allow_code) for path in chosen(args)}
    every = [problem for problems in found.values() for problem in problems]
    if clusters is None:
        print(f"{args.routes} cannot be read: clusters and environments were not checked", file=sys.stderr)
    if args.json:
        print(json.dumps({"demos": list(found), "problems": [asdict(problem) for problem in every]}))
        return ConfigError.exit_code if any(one.severity == "error" for one in every) else 0
    if any(problem.severity == "error" for problem in every):
        raise ConfigError(every)
    for problem in every:
        print(problem, file=sys.stderr)
    print(f"{', '.join(found)}: ok{'' if clusters is None else f', beside {args.routes}'}")
    return 0


def chosen(args: argparse.Namespace) -> list[Path]:
    """The folders of the demos that were named, or of all."""
    options = Options(routes=args.routes, recordings=Path(), templates=args.templates)
    folder = args.templates / "demos" if args.templates else demo_folder(options)
    paths = {path.name: path for path in demo_paths(folder)}
    if not paths:
        raise NotFoundError("there is no demo", where=str(folder), hint="gateway init writes one to start with")
    unknown = [name for name in args.names if name not in paths]
    if unknown:
        near = did_you_mean(unknown[0], paths)
        raise NotFoundError(f"there is no demo '{unknown[0]}'{near}", where=str(folder))
    return [path for name, path in paths.items() if not args.names or name in args.names]


def problems_of(path: Path, clusters: Clusters | None, *, code: bool = False) -> tuple[Problem, ...]:
    """What is wrong in the file itself and, once that is well, beside routes.yaml."""
    entry = read_entry(path, code=code)
    if entry.demo is None or clusters is None:
        return entry.problems
    return (*entry.problems, *check_routes(entry.demo, clusters, entry.file))


def clusters_of(routes: Path) -> Clusters | None:
    """Cluster -> its environments, as far as routes.yaml can be read; whether it is valid is for `gateway check`."""

    def include(pattern: str) -> list[tuple[str, bytes]]:
        files = sorted(file for file in routes.parent.glob(pattern) if file.is_file())
        return [(str(file), file.read_bytes()) for file in files]

    try:
        root = parse(routes.read_bytes(), name=str(routes), variables=os.environ, include=include).root
    except OSError:
        return None
    clusters = root.get("clusters") if root is not None else None
    if clusters is None:
        return None
    return {name.text: environments_of(cluster) for name, cluster in clusters.entries()}


def environments_of(cluster: YamlNode) -> tuple[str, ...]:
    upstreams = cluster.get("upstreams")
    return tuple(name.text for name, _ in upstreams.entries()) if upstreams is not None else ()

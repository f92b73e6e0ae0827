"""Commands about routes.yaml: check, routes, move, which, history, schema. I/O."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from ..errors import ConfigError, NotFoundError, Problem, UsageError
from ..model.addresses import is_loopback
from ..paths import url_of
from ..routes import FileMove, Loaded, check_move, load, prepare_move
from ..routes.explain import Explanation, explain
from ..routes.history import changes
from ..routes.mirror import RoutesMirror
from ..routes.schema import json_schema
from ..routes.table import CompiledCluster, RouteTable
from .client import RunningGateway, find_server

API = "/_gateway/api/v1/routes"
TOKEN = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")


def check_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="*", type=Path, metavar="FILES", help="the files to check (default: --routes)")


def check(args: argparse.Namespace) -> int:
    """Print every problem of every file."""
    found = {str(file): _load(file) for file in args.files or [args.routes]}
    if args.json:
        files = [_check_json(name, loaded) for name, loaded in found.items()]
        print(json.dumps({"ok": all(one["ok"] for one in files), "files": files}, indent=2, ensure_ascii=False))
    else:
        for name, loaded in found.items():
            print("\n".join(map(str, loaded.problems)) or f"{name}: ok, {_counted(loaded.table)}")
    for name, loaded in found.items():
        _warn_of_proxy(name, loaded.table)
        if not args.json and loaded.table is not None:
            _print_contracts(name, loaded.table)
    return ConfigError.exit_code if any(loaded.problems for loaded in found.values()) else 0


def _print_contracts(name: str, table: RouteTable) -> None:
    """What was read of contracts. One that cannot be read stops no traffic: it is a warning."""
    from ..services.drift import contracts_json

    for one in contracts_json(table):
        where = f"{one['cluster']}@{','.join(one['environments'])}"
        if one["problem"]:
            print(f"{name}: warning: contract of {where}: {one['problem']}")
        else:
            bases = " or ".join(base or "/" for base in one["bases"])
            print(
                f"{name}: contract of {where}: {one['source']}, OpenAPI {one['version']}, "
                f"{_plural(one['operations'], 'operation')}, below {bases}"
            )


def _warn_of_proxy(name: str, table: RouteTable | None) -> None:
    """A network with a proxy often lets nothing out without it, and no upstream takes the variables by itself."""
    said = [word for word in ("HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy") if os.environ.get(word)]
    if not said or table is None:
        return
    upstreams = [one for cluster in table.clusters.values() for one in cluster.upstreams.values()]
    if not any(one.proxy for one in upstreams) and not all(is_loopback(one.host.encode()) for one in upstreams):
        print(
            f"{name}: warning: {said[0]} is set, and no upstream has a proxy; proxy: env would take it", file=sys.stderr
        )


def routes_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "what", nargs="?", default="show", choices=("show", "pull", "push"), metavar="WHAT",
        help="show (the default); where gateways share a database: pull (their routes into this file) or push",
    )  # fmt: skip


def routes(args: argparse.Namespace) -> int:
    """Show which cluster lives where: as the running gateway sees it, else as the file says."""
    if args.what != "show":
        return _exchange(args)
    server = find_server(args.recordings, args.url, args.token)
    shown = server.call("GET", API) if server else _routes_json(_table(args.routes), args.routes)
    shown = {"source": "server" if server else "file", **shown}
    if args.json:
        print(json.dumps(shown, indent=2, ensure_ascii=False))
        return 0
    _print_routes(shown)
    for problem in shown["problems"]:
        print(problem, file=sys.stderr)
    return 0


def move_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("cluster", metavar="CLUSTER", help="the cluster to move")
    parser.add_argument("environment", metavar="ENV", help="the environment to point it at")


def move(args: argparse.Namespace) -> int:
    """Through the running gateway when there is one, else in the file; --dry-run changes neither."""
    server = None if args.dry_run else find_server(args.recordings, args.url, args.token)
    moved = _move_there(server, args) if server else _move_here(args)
    if args.json:
        print(json.dumps(moved, indent=2, ensure_ascii=False))
    elif moved["line"] is None:
        print(f"{args.cluster} is in {args.environment} already")
    else:
        _print_move(moved)
    return 0


def which_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("method", metavar="METHOD", help="such as GET")
    parser.add_argument("path", metavar="PATH", help="the public path, such as /api/orders/1?x=2, or the whole URL")


def which(args: argparse.Namespace) -> int:
    """0 when a request gets somewhere; 1 when nothing answers it or its path is refused."""
    if not TOKEN.fullmatch(args.method):
        raise UsageError(f"'{args.method}' is no method", hint="gateway which GET /api/orders/1")
    from ..services.drift import operation_json

    table = _table(args.routes)
    found = explain(table, args.method.upper(), _target(args.path))
    operation = operation_json(table, found.cluster, found.environment, found.method, found.url) if found.url else None
    if args.json:
        shown = {**asdict(found), "others": dict(found.others), "operation": operation}
        print(json.dumps(shown, indent=2, ensure_ascii=False))
    else:
        print("\n".join(_which_lines(found, operation)))
    return 0 if found.answer in ("upstream", "gateway") else 1


def history(args: argparse.Namespace) -> int:
    """List the accepted route tables, newest first."""
    from ..store import open_store

    found = open_store(args.recordings).revisions(limit=args.limit)
    if args.json:
        items = [
            {"id": one.id, "accepted_at": one.accepted_at, "source": one.source, "changes": list(one.changes)}
            for one in found
        ]
        print(json.dumps({"items": items, "next": None}, indent=2, ensure_ascii=False))
        return 0
    for one in found:
        when = f"{one.accepted_at[:19].replace('T', ' ')}Z"
        print(f"{when}  {one.id[:8]}  {one.source:<12}  {_changed(one.source, one.changes)}")
    return 0


def schema(args: argparse.Namespace) -> int:
    """Print the JSON Schema of routes.yaml."""
    print(json.dumps(json_schema(), indent=2))
    return 0


def _exchange(args: argparse.Namespace) -> int:
    """Between the file and the database; a gateway that runs here sees it by itself."""
    url = url_of(args.recordings)
    if not url:
        raise UsageError(
            f"routes {args.what} is for gateways that share a database", hint="-r postgresql://USER@HOST/DATABASE"
        )
    from ..store.postgres.routes import SharedRoutes

    store = SharedRoutes(url)
    try:
        mirror = RoutesMirror(store, args.routes, args.recordings.parent)
        loaded = load(args.routes, environ=os.environ)
        if args.what == "pull":
            there = store.read()
            if there is None:
                raise NotFoundError("the database has no routes yet", hint="gateway routes push")
            mirror.pull(there, loaded.files)
        elif loaded.table is None:
            raise ConfigError(loaded.problems, hint=_start_hint(loaded.problems))
        else:
            there = mirror.push(loaded)
    finally:
        store.close()
    shown = {"version": there.version, "revision": there.revision.id, "file": str(args.routes)}
    print(json.dumps(shown, indent=2) if args.json else f"{args.routes}: version {there.version} of the database")
    return 0


# -- reading


def _load(file: Path) -> Loaded:
    return load(file, environ=os.environ, name=str(file))


def _valid(file: Path) -> tuple[Loaded, RouteTable]:
    loaded = _load(file)
    if loaded.table is None:
        raise ConfigError(loaded.problems, hint=_start_hint(loaded.problems))
    return loaded, loaded.table


def _start_hint(problems: Sequence[Problem]) -> str:
    absent = any(problem.code == "absent" for problem in problems)
    return "name the file with --routes, or write one: gateway init" if absent else ""


def _table(file: Path) -> RouteTable:
    return _valid(file)[1]


def _target(path: str) -> str:
    """The path of a whole URL, or the path itself."""
    if not path.startswith(("http://", "https://")):
        return path
    parts = urlsplit(path)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


# -- moving


def _move_there(server: RunningGateway, args: argparse.Namespace) -> dict[str, Any]:
    body = {"environment": args.environment, "source": "command line"} | ({"why": args.why} if args.why else {})
    return {**server.call("POST", f"{API}/{quote(args.cluster, safe='')}/move", body), "dry_run": False}


def _move_here(args: argparse.Namespace) -> dict[str, Any]:
    now, table = _valid(args.routes)
    check_move(table, args.cluster, args.environment)
    before = table.clusters[args.cluster].environment
    shown: dict[str, Any] = {"cluster": args.cluster, "environment": args.environment, "before": before}
    if before == args.environment:
        return shown | _moved(table, (), str(args.routes), None, dry_run=args.dry_run)

    def again(instead: Mapping[str, bytes]) -> Loaded:
        return load(args.routes, environ=os.environ, name=str(args.routes), instead=instead)

    change = prepare_move(now, args.cluster, args.environment, again=again)
    if not args.dry_run:
        change.write()
    assert change.then.table is not None
    found = changes(table, change.then.table)
    shown |= _moved(change.then.table, found, change.name, change.splice.line, dry_run=args.dry_run)
    return shown | ({"difference": _difference(change)} if args.dry_run else {})


def _moved(table: RouteTable, found: Sequence[str], file: str, line: int | None, *, dry_run: bool) -> dict[str, Any]:
    return {"revision": table.revision, "changes": list(found), "file": file, "line": line, "dry_run": dry_run}


def _difference(change: FileMove) -> list[str]:
    """The lines that change, as a diff shows them."""
    pairs = zip(change.raw.splitlines(), change.splice.raw.splitlines(), strict=False)
    return [
        f"{sign}{line.decode('utf-8', 'replace')}"
        for old, new in pairs
        if old != new
        for sign, line in (("-", old), ("+", new))
    ]


def _print_move(moved: dict[str, Any]) -> None:
    would = "would move " if moved["dry_run"] else ""
    print(
        f"{would}{moved['cluster']}: {moved['before']} -> {moved['environment']} ({moved['file']} line {moved['line']})"
    )
    for line in moved.get("difference", ()):
        print(f"  {line}")
    if not moved["dry_run"]:
        print(f"undo: gateway move {moved['cluster']} {moved['before']}", file=sys.stderr)


# -- showing


def _counted(table: RouteTable | None) -> str:
    clusters, environments = (len(table.clusters), len(table.environments)) if table else (0, 0)
    return f"{_plural(clusters, 'cluster')}, {_plural(environments, 'environment')}"


def _plural(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}"


def _check_json(name: str, loaded: Loaded) -> dict[str, Any]:
    table = loaded.table
    return {
        "file": name,
        "ok": table is not None,
        "clusters": list(table.clusters) if table else [],
        "environments": list(table.environments) if table else [],
        "problems": [asdict(problem) for problem in loaded.problems],
    }


def _routes_json(table: RouteTable, file: Path) -> dict[str, Any]:
    """The shape of the API's answer, without what only a running gateway knows."""
    return {
        "items": [_cluster_json(cluster) for cluster in table.clusters.values()],
        "next": None,
        "environments": list(table.environments),
        "revision": table.revision,
        "file": str(file),
        "problems": [],
    }


def _cluster_json(cluster: CompiledCluster) -> dict[str, Any]:
    return {
        "name": cluster.name,
        "path": cluster.prefix.decode() or "/",
        "environment": cluster.environment,
        "pinned": None,
        "upstreams": [
            {
                "environment": name,
                "url": one.url,
                "current": name == cluster.environment,
                "pinned": False,
                "health": None,
            }
            for name, one in cluster.upstreams.items()
        ],
    }


def _print_routes(shown: dict[str, Any]) -> None:
    """One line per cluster, its upstreams below it; an arrow marks the one that answers."""
    width = max((len(one["name"]) for one in shown["items"]), default=0)
    column = max((len(name) for name in shown["environments"]), default=0)
    for one in shown["items"]:
        print(f"{one['name']:<{width}}  {one['path']}  @{one['environment']}")
        for upstream in one["upstreams"]:
            mark = "->" if upstream["current"] else "  "
            print(f"  {mark} {upstream['environment']:<{column}}  {upstream['url']}{_health(upstream['health'])}")


def _health(health: dict[str, Any] | None) -> str:
    if not health or health["state"] == "unknown":
        return ""
    return f"  {health['state']}" + (f" {health['version']}" if health["version"] else f" ({health['detail']})")


def _which_lines(found: Explanation, operation: Mapping[str, Any] | None) -> Iterable[str]:
    yield f"{found.method} {found.target}"
    if found.url:
        yield f"  goes to   {found.url}"
        yield f"  cluster   {found.cluster} @{found.environment}, {found.upstream}"
    if operation is not None:
        yield f"  operation {_operation_words(operation)}"
    yield f"  because   {found.reason}"
    if found.url:
        yield f"  recorded  {'yes' if found.recorded else 'no: recording.skip leaves it out'}"
        yield f"  replay    writes: {found.writes}"
    for name, why in found.others:
        yield f"  not {name}: {why}"


def _operation_words(one: Mapping[str, Any]) -> str:
    if one["problem"]:
        return f"not known: {one['problem']}"
    if one["name"] is None:
        return f"none of {one['contract']}"
    path = "" if one["name"].endswith(one["path"]) else f" ({one['path']})"
    return f"{one['name']}{path}, {one['contract']}:{one['line']}"


def _changed(source: str, found: Sequence[str]) -> str:
    return "; ".join(found) or ("the table at the start" if source == "start" else "no change of meaning")

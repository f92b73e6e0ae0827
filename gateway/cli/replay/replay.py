"""Commands that replay recordings: replay, branch, compare, diff. I/O.

A running gateway does the sending; without one, one is started for as long as it takes.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from shlex import quote as quoted
from typing import Any

from ...diagrams import WRITERS
from ...errors import UpstreamError, UsageError, did_you_mean
from ...model.text import visible
from ...protocols import Options
from ...replay.compare import comparison_json
from ...replay.report import junit
from ...routes.files import load
from ...services.compare import compared
from ...services.diagrams import difference_of
from ...services.replay_request import environments
from ...services.variants import what_ifs
from ...store import open_store
from ..client import RunningGateway, find_writer
from ..recordings.export import write_text
from ..recordings.recordings import NAMED, known
from .progress import run
from .text import comparison_text, matrix_text, result_text


def replay_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("recording", metavar="REC", help=NAMED)


def replay(args: argparse.Namespace) -> int:
    """Send a recording's requests again, through the gateway, and say what differs."""
    body: dict[str, Any] = {
        "yes": args.yes,
        "to": list(args.to),
        "as_recorded": args.as_recorded,
        "offline": args.offline,
        "stepwise": args.step,
        "stop_on_difference": args.stop_on_difference,
        "only_assertions": args.only_assertions,
    }
    body |= {"set": list(args.set), "title": args.title, **_decisions(args)}
    body |= {name: value for name, value in (("from", getattr(args, "from")), ("until", args.until)) if value}
    return _one(args, "replay", body)


def _decisions(args: argparse.Namespace) -> dict[str, Any]:
    """What is decided for this one run, as the API takes it; UsageError when a step is no number."""
    for step in args.yes_to:
        if not step.isdigit():
            raise UsageError(f"--yes-to {step}: a step is a number", hint="such as --yes-to 3")
    lists = {name: list(getattr(args, name)) for name in ("accept", "declare", "fresh")}
    return {**lists, "yes_to": list(map(int, args.yes_to)), "wait": args.wait, "pace": args.pace}


def branch_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("recording", metavar="REC", help=NAMED)
    parser.add_argument("step", metavar="STEP", type=int, help="the step that is changed")


def branch(args: argparse.Namespace) -> int:
    """Send a recording again with one step changed, as a variant of it."""
    if args.list:
        return _gallery(args)
    body: dict[str, Any] = {"step": args.step, "yes": args.yes, "to": list(args.to), "title": args.title}
    body |= _decisions(args)
    body |= {name: list(getattr(args, name)) for name in ("set", "unset", "header", "env", "alter", "drop")}
    body |= {name: getattr(args, name) for name in ("delay", "status", "repeat", "swap", "until")}
    return _one(args, "branch", {name: value for name, value in body.items() if value or name in ("yes", "wait")})


def _gallery(args: argparse.Namespace) -> int:
    """Ready what-ifs of a step, each as the command that tries it."""
    store = open_store(args.recordings)
    table = load(args.routes, environ=os.environ, name=str(args.routes)).table
    homes = {name: tuple(one.upstreams) for name, one in table.clusters.items()} if table else {}
    found = what_ifs(store, store.recording(args.recording).id, args.step, homes)
    if args.json:
        print(json.dumps({"items": found, "next": None}))
        return 0
    for one in found:
        command = f"gateway branch {quoted(args.recording)} {args.step} {' '.join(_flags(one['body']))}"
        print(visible(f"{one['title']}\n  {command}", lines=True))
    return 0


def _flags(body: Mapping[str, Any]) -> Iterator[str]:
    """The options that give a body of the API's branch call."""
    for name, value in body.items():
        for one in value if isinstance(value, list) else [value]:
            yield f"--{name}" if one is True else f"--{name} {quoted(str(one))}"


def _one(args: argparse.Namespace, verb: str, body: dict[str, Any]) -> int:
    """Run it, and show the result."""
    with server_for(args) as server:
        id = recording_id(args, server)
        result = agreed_run(server, id, verb, {key: value for key, value in body.items() if value != ""}, args)
    if args.junit:
        args.junit.write_text(junit([(f"{verb} {id}", result)]), encoding="utf-8")
    print(json.dumps(result, indent=2) if args.json else result_text(result))
    return exit_code(result) if verb == "replay" else branch_exit_code(result, body["step"])


def branch_exit_code(result: dict[str, Any], step: int) -> int:
    """A variant is meant to differ: 0 once its step was sent."""
    if result["unreachable"] is not None:
        return UpstreamError.exit_code
    return 0 if any(one["step"] == step and one["exchange"] for one in result["steps"]) else 1


def exit_code(result: dict[str, Any]) -> int:
    """4 when an upstream could not be reached, 1 when it differs or stopped."""
    if result["unreachable"] is not None:
        return UpstreamError.exit_code
    return 0 if result["outcome"] in ("same", "expected") else 1


def compare_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("recording", metavar="REC", help=NAMED)


def compare(args: argparse.Namespace) -> int:
    """Run the same chain on several environments and show them side by side."""
    choices = [_choices(text) for text in args.env]
    if not choices:
        raise UsageError("no environment to compare", hint="--env catalogue=test,qa")
    runs = []
    judged = {"only_assertions": True} if args.only_assertions else {}
    with server_for(args) as server:
        id = recording_id(args, server)
        for chosen in itertools.product(*choices):
            if not args.json:
                print(f"gateway: {', '.join(chosen)}", file=sys.stderr)
            result = agreed_run(server, id, "replay", {"to": list(chosen), "yes": args.yes} | judged, args)
            runs.append({"to": environments(chosen)} | result)
    if args.junit:
        suites = [(", ".join(f"{key}={value}" for key, value in run["to"].items()), run) for run in runs]
        args.junit.write_text(junit(suites), encoding="utf-8")
    print(json.dumps({"of": id, "runs": runs}, indent=2) if args.json else matrix_text(runs))
    return max(map(exit_code, runs))


def _choices(text: str) -> list[str]:
    """ "catalogue=test,qa" as ["catalogue=test", "catalogue=qa"]."""
    cluster, equals, names = text.partition("=")
    found = [name.strip() for name in names.split(",") if name.strip()]
    if not (cluster.strip() and equals and found):
        raise UsageError(f"{text!r} is not CLUSTER=ENVIRONMENT,...", hint="--env catalogue=test,qa")
    return [f"{cluster.strip()}={name}" for name in found]


def diff_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("a", metavar="A", help=f"REC or REC/STEP; REC is an {NAMED}")
    parser.add_argument("b", metavar="B", help="the same")


def diff(args: argparse.Namespace) -> int:
    """Say what differs between two recordings, or two of their steps."""
    store = open_store(args.recordings)
    comparison = compared(store, args.a, args.b, args.noise)
    if name := getattr(args, "as"):
        if name not in WRITERS:
            raise UsageError(f"'{name}' is no diagram{did_you_mean(name, WRITERS)}", hint="svg, mermaid, plantuml, d2")
        write_text(WRITERS[name](difference_of(store, comparison)), args.output)
        return 0 if comparison.outcome in ("same", "expected") else 1
    found = comparison_json(comparison)
    print(json.dumps(found, indent=2) if args.json else comparison_text(found, all=args.all))
    return 0 if found["outcome"] in ("same", "expected") else 1


# -- the gateway that does it


def recording_id(args: argparse.Namespace, server: RunningGateway) -> str:
    """The full id; a step has no place here."""
    id, step = known(open_store(args.recordings), args.recording, server)
    if step is not None:
        raise UsageError("a whole recording is replayed", hint=f"--from {step} --until {step} sends only that step")
    return id


@contextmanager
def server_for(args: argparse.Namespace) -> Iterator[RunningGateway]:
    """The gateway that runs, or one for the time being on a free port."""
    found = find_writer(args.recordings, args.url, args.token)
    if found is not None:
        yield found
        return
    open_store(args.recordings).recording(args.recording)  # NotFoundError before anything is started
    with _own_gateway(Options(args.routes, args.recordings, port=0, health_interval=0.0, drain=1.0)) as url:
        yield RunningGateway(url)


@contextmanager
def _own_gateway(options: Options) -> Iterator[str]:
    """Run a gateway on a thread of its own until the block is left."""
    ready = threading.Event()
    state: dict[str, Any] = {}

    async def serve() -> None:
        from ...app import running

        state["stopped"], state["loop"] = asyncio.Event(), asyncio.get_running_loop()
        async with running(options) as gateway:
            state["url"] = gateway.url
            ready.set()
            await state["stopped"].wait()

    def run() -> None:
        try:
            asyncio.run(serve())
        except BaseException as error:
            state["error"] = error
        finally:
            ready.set()

    thread = threading.Thread(target=run, name="gateway")
    thread.start()
    ready.wait()
    try:
        if "error" in state:
            raise state["error"]
        yield state["url"]
    finally:
        if "url" in state and thread.is_alive():
            state["loop"].call_soon_threadsafe(state["stopped"].set)
        thread.join()


def agreed_run(
    server: RunningGateway, id: str, verb: str, body: dict[str, Any], args: argparse.Namespace
) -> dict[str, Any]:
    """Run it; when the write guard asks, ask the user at the terminal, once."""
    result = run(server, id, verb, body, progress=not args.json)
    asked = [step for step in result["steps"] if step["outcome"] == "stopped" and not result["recording"]]
    can_ask = asked and not body["yes"] and sys.stdin.isatty() and sys.stderr.isatty()
    if not can_ask or not all((step["message"] or "").endswith("--yes lets it") for step in asked):
        return result
    for step in asked:
        print(f"step {step['step']}: {visible(step['message'].partition(';')[0])}", file=sys.stderr)
    print("Send them? [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        return result
    args.yes = True
    return run(server, id, verb, body | {"yes": True}, progress=not args.json)

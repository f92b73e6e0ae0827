"""Commands that bring a recording to life: replay, branch, compare, diff. I/O.

A running gateway does the sending; without one, one is started for as long as it takes.
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import itertools
import json
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from shlex import quote as quoted
from typing import Any, Final
from urllib.parse import quote, urlsplit

from ..console.api_replay import NDJSON, compared, environments
from ..errors import GatewayError, UpstreamError, UsageError
from ..model.visible import visible
from ..protocols import Options
from ..replay.gallery import gallery
from ..replay.report import junit
from ..replay.runs import comparison_json
from ..store import open_store
from .client import Server, error_of, find_server
from .played import comparison_text, matrix_text, result_text
from .recordings import NAMED, known

STEPPING: Final = {"": "go", "n": "go", "s": "skip", "r": "run", "q": "stop"}
PATIENT: Final = 600.0  # seconds between two steps


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
    }
    body |= {"set": list(args.set), "title": args.title}
    body |= {name: value for name, value in (("from", getattr(args, "from")), ("until", args.until)) if value}
    return _one(args, "replay", body)


def branch_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("recording", metavar="REC", help=NAMED)
    parser.add_argument("step", metavar="STEP", type=int, help="the step that is done otherwise")


def branch(args: argparse.Namespace) -> int:
    """Send a recording again with one step done otherwise, as a variant of it."""
    if args.list:
        return _gallery(args)
    body: dict[str, Any] = {"step": args.step, "yes": args.yes, "to": list(args.to), "title": args.title}
    body |= {name: list(getattr(args, name)) for name in ("set", "unset", "header", "env")}
    return _one(args, "branch", body | ({"until": args.until} if args.until else {}))


def _gallery(args: argparse.Namespace) -> int:
    """Ready what-ifs of a step, each as the command that tries it."""
    store = open_store(args.recordings)
    found = gallery(store.step(store.recording(args.recording).id, args.step))
    if args.json:
        print(json.dumps({"items": [{"title": one.title, "edits": list(one.edits)} for one in found], "next": None}))
        return 0
    for one in found:
        flags = [f"--unset {quoted(edit[1:])}" if edit[0] == "-" else f"--set {quoted(edit)}" for edit in one.edits]
        print(
            visible(f"{one.title}\n  gateway branch {quoted(args.recording)} {args.step} {' '.join(flags)}", lines=True)
        )
    return 0


def _one(args: argparse.Namespace, verb: str, body: dict[str, Any]) -> int:
    """Run it, and show what came of it."""
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
    with server_for(args) as server:
        id = recording_id(args, server)
        for chosen in itertools.product(*choices):
            if not args.json:
                print(f"gateway: {', '.join(chosen)}", file=sys.stderr)
            result = agreed_run(server, id, "replay", {"to": list(chosen), "yes": args.yes}, args)
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
    found = comparison_json(compared(open_store(args.recordings), args.a, args.b, args.noise))
    print(json.dumps(found, indent=2) if args.json else comparison_text(found, all=args.all))
    return 0 if found["outcome"] in ("same", "expected") else 1


# -- the gateway that does it


def recording_id(args: argparse.Namespace, server: Server) -> str:
    """The full id; a step has no place here."""
    id, step = known(open_store(args.recordings), args.recording, server)
    if step is not None:
        raise UsageError("a whole recording is replayed", hint=f"--from {step} --until {step} sends only that step")
    return id


@contextmanager
def server_for(args: argparse.Namespace) -> Iterator[Server]:
    """The gateway that runs, or one for the time being on a free port."""
    found = find_server(args.recordings, args.url)
    if found is not None:
        yield found
        return
    open_store(args.recordings).recording(args.recording)  # NotFoundError before anything is started
    with _own_gateway(Options(args.routes, args.recordings, port=0, health_interval=0.0, drain=1.0)) as url:
        yield Server(url)


@contextmanager
def _own_gateway(options: Options) -> Iterator[str]:
    """Run a gateway on a thread of its own until the block is left."""
    ready = threading.Event()
    state: dict[str, Any] = {}

    async def serve() -> None:
        from ..app import running

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


def agreed_run(server: Server, id: str, verb: str, body: dict[str, Any], args: argparse.Namespace) -> dict[str, Any]:
    """Run it; when the write guard asks, ask whoever sits at the terminal, once."""
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


def run(server: Server, id: str, verb: str, body: dict[str, Any], *, progress: bool) -> dict[str, Any]:
    """The result of a replay; its steps are told while they come, on a terminal."""
    shown = progress and sys.stderr.isatty()
    for line in _lines(server, f"/_gateway/api/v1/recordings/{quote(id, safe='')}/{verb}", body):
        if "result" in line:
            if shown:
                print("\r\033[K", end="", file=sys.stderr, flush=True)
            result: dict[str, Any] = line["result"]
            return result
        if "error" in line:
            raise error_of(line["error"]["status"], line["error"])
        if "before" in line:
            server.call(
                "POST", f"/_gateway/api/v1/replays/{line['before']['token']}", {"do": asked_word(line["before"])}
            )
        elif shown or body.get("stepwise"):
            step = line["step"]
            text = f"step {step['step']}  {step['method']} {visible(step['path'])}  {step['outcome']}"
            start, end = ("", "\n") if body.get("stepwise") else ("\r\033[K", "")
            print(f"{start}{text[:100]}", end=end, file=sys.stderr, flush=True)
    raise GatewayError("the gateway ended in the middle of it", where=server.url, hint="look at its log")


def asked_word(before: dict[str, Any]) -> str:
    """What whoever sits there wants to do with the next step."""
    where = ", ".join(f"{cluster}@{name}" for cluster, name in before["environments"].items())
    with_values = f", with this run's {', '.join(before['bindings'])}" if before["bindings"] else ""
    print(f"step {before['step']}: {before['method']}{' to ' + where if where else ''}{with_values}", file=sys.stderr)
    while True:
        print("Enter sends it, s skips it, r runs to the end, q stops: ", end="", file=sys.stderr, flush=True)
        line = sys.stdin.readline()
        word = STEPPING.get(line.strip().lower()) if line else "stop"
        if word:
            return word


def _lines(server: Server, path: str, body: object) -> Iterator[dict[str, Any]]:
    """The lines of an NDJSON answer as they come; a problem answer is raised."""
    parts = urlsplit(server.url)
    connect = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = connect(parts.hostname or "", parts.port, timeout=PATIENT)
    headers = {"Accept": f"{NDJSON}, application/json", "Content-Type": "application/json"}
    try:
        connection.request("POST", parts.path.rstrip("/") + path, json.dumps(body).encode(), headers)
        response = connection.getresponse()
        if response.status >= 400:
            raise error_of(response.status, _object(response.read()))
        while line := response.readline():
            yield _object(line)
    except (OSError, http.client.HTTPException) as error:
        raise UpstreamError(f"the gateway does not answer: {error}", where=server.url) from None
    finally:
        connection.close()


def _object(raw: bytes) -> dict[str, Any]:
    try:
        found = json.loads(raw)
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {}

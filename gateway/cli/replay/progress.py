"""Runs a replay through the gateway's API: a bar on a terminal, and questions before every step who wants them. I/O."""

from __future__ import annotations

import http.client
import json
import sys
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import quote, urlsplit

from ...errors import GatewayError, UpstreamError
from ...model.text import visible
from ...services.replay_request import NDJSON
from ..client import RunningGateway, error_of

STEPPING: Final = {"": "go", "n": "go", "s": "skip", "t": "retry", "r": "run", "q": "stop"}
PATIENT: Final = 600.0  # seconds between two steps
HINT: Final = "Enter sends it, e PLACE=VALUE edits and sends it, s skips it, t tries the last one again, r runs on, "
BAR: Final = 24  # letters


def run(server: RunningGateway, id: str, verb: str, body: dict[str, Any], *, progress: bool) -> dict[str, Any]:
    """The result of a replay; on a terminal, a bar shows how far it is."""
    shown = progress and sys.stderr.isatty()
    done = 0
    for line in _lines(server, f"/_gateway/api/v1/recordings/{quote(id, safe='')}/{verb}", body):
        if "result" in line:
            if shown:
                print("\r\033[K", end="", file=sys.stderr, flush=True)
            result: dict[str, Any] = line["result"]
            return result
        if "error" in line:
            raise error_of(line["error"]["status"], line["error"])
        if "before" in line:
            _ask(server, line["before"])
        else:
            done += 1
            _tell(line["step"], done, line["total"], stepwise=bool(body.get("stepwise")), shown=shown)
    raise GatewayError("the gateway ended in the middle of it", where=server.url, hint="look at its log")


def _tell(step: dict[str, Any], done: int, total: int, *, stepwise: bool, shown: bool) -> None:
    """A line for every step of who steps, else one bar."""
    text = f"step {step['step']}  {step['method']} {visible(step['path'])}  {step['outcome']}"
    if stepwise:
        status = f" {step['recorded_status']} -> {step['status']}" if step["outcome"] == "differs" else ""
        print(f"{text[:100]}{status}", file=sys.stderr, flush=True)
    elif shown:
        print(f"\r\033[K{bar(done, total)} {text}"[:120], end="", file=sys.stderr, flush=True)


def bar(done: int, total: int) -> str:
    """ "[######------] 3/6"."""
    full = BAR * min(done, total) // max(total, 1)
    return f"[{'#' * full}{'-' * (BAR - full)}] {done}/{total}"


def _ask(server: RunningGateway, before: dict[str, Any]) -> None:
    """Ask until the gateway takes the response."""
    while True:
        try:
            server.call("POST", f"/_gateway/api/v1/replays/{before['token']}", asked_word(before))
            return
        except GatewayError as error:
            if isinstance(error, UpstreamError):
                raise
            print(f"gateway: {error}", file=sys.stderr)


def asked_word(before: dict[str, Any]) -> dict[str, Any]:
    """What the user wants to do with the next step, as the API takes it."""
    print(_question(before), file=sys.stderr)
    while True:
        print(f"{HINT}r N up to step N, q stops: ", end="", file=sys.stderr, flush=True)
        line = sys.stdin.readline()
        if not line:
            return {"do": "stop"}
        word, _, rest = line.strip().partition(" ")
        rest = rest.strip()
        if word == "e" and rest:
            return {"do": "go", "unset": [rest[1:]]} if rest.startswith("-") else {"do": "go", "set": [rest]}
        if word == "r" and rest.isdigit():
            return {"do": "run", "until": int(rest)}
        if word.lower() in STEPPING and not rest:
            return {"do": STEPPING[word.lower()]}


def _question(before: dict[str, Any]) -> str:
    if before["step"] is None:
        return "every step is done; Enter ends"
    if before["why"]:
        return f"step {before['step']} cannot be sent: {visible(before['why'])}"
    where = ", ".join(f"{cluster}@{name}" for cluster, name in before["environments"].items())
    with_values = f", with this run's {', '.join(before['bindings'])}" if before["bindings"] else ""
    place = f" to {where}" if where else ""
    return f"step {before['step']}: {before['method']} {visible(before['path'])}{place}{with_values}"


def _lines(server: RunningGateway, path: str, body: object) -> Iterator[dict[str, Any]]:
    """The lines of an NDJSON answer as they come; a problem answer is raised."""
    parts = urlsplit(server.url)
    connect = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = connect(parts.hostname or "", parts.port, timeout=PATIENT)
    headers = {"Accept": f"{NDJSON}, application/json", "Content-Type": "application/json"} | server.authorization
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

"""Talks to a running gateway: what changes a server goes through its API, so that one process writes. I/O."""

from __future__ import annotations

import http.client
import json
import os
import re
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from .. import __version__
from ..errors import ConfigError, GatewayError, NotFoundError, Problem, StoreError, UpstreamError, UsageError
from ..paths import run_file

PROMPT = 2.0  # seconds for a server on this machine to say that it is there
PATIENT = 30.0  # seconds for a change to be done
BEGINNING = 10.0  # seconds until one that has just begun has built its pages

ERRORS: dict[int, type[GatewayError]] = {
    404: NotFoundError,
    502: UpstreamError,
    503: StoreError,
    504: UpstreamError,
}


@dataclass(frozen=True, slots=True)
class RunningGateway:
    """A gateway that answered at this URL."""

    url: str
    token: str = field(default="", repr=False)
    recordings: str = ""  # the file that it writes, where a run file says so
    is_here: bool = field(default=False, compare=False)  # a run file on this machine named it

    @property
    def authorization(self) -> dict[str, str]:
        """The header that lets a command in, where the gateway asks for one."""
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}

    def call(self, method: str, path: str, body: object = None) -> Any:
        """The JSON answer (None when there is none); a problem answer is raised as the fitting error."""
        status, raw = self.ask(method, path, body, limit=PATIENT)
        answer = self._json(raw)
        if status >= 400:
            raise error_of(status, answer if isinstance(answer, dict) else {})
        return answer

    def ask(self, method: str, path: str, body: object = None, *, limit: float = PROMPT) -> tuple[int, bytes]:
        """Status and body of one request, bytes as they are; UpstreamError when the gateway does not answer."""
        parts = urlsplit(self.url)
        headers = {"Accept": "application/json", "User-Agent": f"gateway-cli/{__version__}"} | self.authorization
        if body is not None or method not in ("GET", "HEAD"):
            headers["Content-Type"] = "application/json"  # what a form on a foreign page cannot send
        payload = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        connection = self._connection(parts.scheme, parts.hostname or "", parts.port, limit)
        try:
            connection.request(method, parts.path.rstrip("/") + path, payload, headers)
            response = connection.getresponse()
            return response.status, response.read()
        except (OSError, http.client.HTTPException) as error:
            hint = "is it running? gateway serve"
            raise UpstreamError(f"the gateway does not answer: {error}", where=self.url, hint=hint) from None
        finally:
            connection.close()

    def _connection(self, scheme: str, host: str, port: int | None, limit: float) -> http.client.HTTPConnection:
        if scheme != "https":
            return http.client.HTTPConnection(host, port, timeout=limit)
        # The run file is this user's own and names a port of this machine; its certificate may be for other names only.
        context = ssl._create_unverified_context() if self.is_here else ssl.create_default_context()
        return http.client.HTTPSConnection(host, port, timeout=limit, context=context)

    def _json(self, raw: bytes) -> Any:
        try:
            return json.loads(raw) if raw.strip() else None
        except ValueError:
            raise UpstreamError("what answers here is no gateway: its answer is not JSON", where=self.url) from None


def error_of(status: int, problem: dict[str, Any]) -> GatewayError:
    """The error that a problem+json answer (RFC 9457) stands for."""
    message = str(problem.get("detail") or problem.get("title") or f"the gateway answered {status}")
    hint = str(problem.get("hint") or "")
    if status == ConfigError.status:
        return ConfigError([problem_of(line) for line in message.splitlines()], hint=hint)
    kind = ERRORS.get(status, UsageError if status < 500 else GatewayError)
    return kind(message, hint=hint)


def problem_of(line: str) -> Problem:
    """The problem that a line such as "routes.yaml:10:13: error: ..." tells; else one of routes.yaml as a whole."""
    match = re.fullmatch(r"(.+?):(\d+):(\d+): (error|warning): (.*)", line)
    if not match:
        return Problem("routes.yaml", 1, 1, "", line)
    return Problem(match[1], int(match[2]), int(match[3]), "", match[5], match[4])


def find_server(recordings: Path | None, url: str | None, token: str | None = None) -> RunningGateway | None:
    """The running gateway: at `url`, at GATEWAY_URL, or the one whose run file lies beside the recordings.

    One that was named must answer (UpstreamError else), and gets the token given, else that of GATEWAY_TOKEN. A run
    file, which holds a token of its own, may be left over from a crash: then None.
    """
    named = url or os.environ.get("GATEWAY_URL") or ""
    if named:
        token = token or os.environ.get("GATEWAY_TOKEN", "")
        server = RunningGateway(checked(named, "--url" if url else "GATEWAY_URL"), token)
        if not answers(server):
            raise UpstreamError("no gateway answers here", where=server.url, hint="is it running? gateway serve")
        return server
    found = run_file_server(recordings)
    return found if found and answers(found) else None


def find_writer(recordings: Path, url: str | None, token: str | None = None) -> RunningGateway | None:
    """The gateway that runs, unless the recordings file that it writes is another one of the same folder."""
    server = find_server(recordings, url, token)
    if server is not None and server.recordings and Path(server.recordings) != recordings.resolve():
        return None
    return server


def checked(url: str, where: str) -> str:
    """The URL without its trailing slash; UsageError when it is none."""
    parts = urlsplit(url)
    try:
        port_ok = parts.port is None or parts.port > 0
    except ValueError:
        port_ok = False
    if parts.scheme not in ("http", "https") or not parts.hostname or not port_ok:
        raise UsageError(f"{url!r} is no URL of a gateway", where=where, hint="such as http://127.0.0.1:8080")
    return url.rstrip("/")


def run_file_server(recordings: Path | None) -> RunningGateway | None:
    """What the run file beside the recordings says; None when there is none or it cannot be read."""
    if recordings is None:
        return None
    try:
        found = json.loads(run_file(recordings).read_text("utf-8"))
        address = str(found.get("console") or found["url"])
        url = checked(address, str(run_file(recordings)))
        return RunningGateway(url, str(found.get("token", "")), str(found.get("recordings", "")), is_here=True)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, UsageError):
        return None


def answers(server: RunningGateway) -> bool:
    """Whether a gateway is up there."""
    try:
        status, _ = server.ask("GET", "/_gateway/healthz", limit=BEGINNING)
    except UpstreamError:
        return False
    return status == 200

"""A gateway as a process of its own, upstreams that say whatever they are told, and clients that send any bytes."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 3.0  # seconds that a client waits for bytes
START = 60.0  # seconds for a gateway to say its address; the machine may be busy
OPERATOR, VIEWER = "operator-pass-123456", "viewer-pass-123456"
INJECTED = "Bearer injected-by-routes-7f3a"


@dataclass(frozen=True, slots=True)
class Answer:
    """A response as it came: header names in lower case, pairs in order; `raw` is all of it."""

    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes
    raw: bytes

    def header(self, name: str) -> str:
        return next((value for each, value in self.headers if each == name), "")

    def all(self, name: str) -> list[str]:
        return [value for each, value in self.headers if each == name]

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Seen:
    """A request as an upstream got it."""

    method: str
    target: str
    headers: Sequence[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str:
        return next((value for each, value in self.headers if each == name), "")


class Upstream:
    """Answers `/say/N` with the bytes that were registered as N, anything else with 200 and a small JSON object."""

    def __init__(self, mark: str) -> None:
        self.mark, self.seen = mark, list[Seen]()
        self._said: dict[int, bytes] = {}
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = self._listening.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def say(self, data: bytes) -> str:
        """The path below which these bytes are the response."""
        number = len(self._said)
        self._said[number] = data
        return f"/say/{number}"

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError), client, client.makefile("rb") as file:
            while line := file.readline():
                headers = []
                while (part := file.readline()) not in (b"\r\n", b"\n", b""):
                    name, _, value = part.rstrip(b"\r\n").partition(b":")
                    headers.append((name.decode("latin-1").lower(), value.strip().decode("latin-1")))
                method, target, _ = [*line.decode("latin-1").rstrip("\r\n").split(" "), "", ""][:3]
                found = Seen(method, target, headers, _body(file, dict(headers)))
                self.seen.append(found)
                client.sendall(self._response(found))
                if "/say/" in found.target:  # these bytes need not be a whole response
                    return

    def _response(self, request: Seen) -> bytes:
        if match := re.search(r"/say/(\d+)", request.target):
            return self._said.get(int(match[1]), b"")
        body = json.dumps({"from": self.mark, "ok": True}).encode()
        return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)

    def close(self) -> None:
        self._listening.close()


def _body(file: Any, headers: dict[str, str]) -> bytes:
    if "chunked" not in headers.get("transfer-encoding", "").lower():
        return bytes(file.read(int(headers.get("content-length", "0") or 0)))
    body = b""
    while size := int(file.readline().split(b";")[0], 16):
        body += file.read(size)
        file.readline()
    while file.readline() not in (b"\r\n", b""):
        pass
    return body


ROUTES = """version: 1
environments: [dev, test]
writes: {{test: never}}
clusters:
  a:
    path: /api/a
    environment: dev
    upstreams: {{dev: "http://127.0.0.1:{dev}/base", test: "http://127.0.0.1:{test}/base"}}
  injected:
    path: /api/injected
    environment: dev
    upstreams:
      dev: {{url: "http://127.0.0.1:{dev}", headers: {{Authorization: "{injected}"}}}}
"""


@dataclass(slots=True)
class Lab:
    """One gateway with two upstreams: `dev`, and `guarded`, which no replay may write to."""

    args: Sequence[str] = ()
    files: dict[str, str] = field(default_factory=dict)
    dev: Upstream = field(default_factory=lambda: Upstream("dev"))
    guarded: Upstream = field(default_factory=lambda: Upstream("guarded"))
    folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="hostile-")))
    process: subprocess.Popen[bytes] | None = None
    port: int = 0
    notes: dict[str, Any] = field(default_factory=dict)  # what a kind keeps between its trials

    @property
    def recordings(self) -> Path:
        return self.folder / "recordings" / "gateway.db"

    @property
    def pauses_file(self) -> Path:
        return self.folder / "pauses.txt"

    def start(self, *, settle: float = 0.0) -> None:
        """Return `settle` seconds after it answers: it compiles its pages then. RuntimeError with its last words when it
        does not start."""
        routes = ROUTES.format(dev=self.dev.port, test=self.guarded.port, injected=INJECTED)
        (self.folder / "routes.yaml").write_text(routes, encoding="utf-8")
        for name, text in self.files.items():
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / name).write_text(text, encoding="utf-8")
        out, err = (self.folder / name for name in ("out.txt", "err.txt"))
        environment = {name: value for name, value in os.environ.items() if not name.startswith("GATEWAY")}
        environment["PYTHONPATH"] = str(ROOT)
        command = [
            sys.executable,
            "-m",
            "tests.hostile.probed",
            str(self.pauses_file),
            "serve",
            "-p",
            "0",
            "--no-health",
        ]
        command += ["-c", str(self.folder / "routes.yaml"), "-r", str(self.recordings), *self.args]
        with out.open("wb") as stdout, err.open("wb") as stderr:
            self.process = subprocess.Popen(command, cwd=ROOT, stdout=stdout, stderr=stderr, env=environment)
        until = time.monotonic() + START
        while time.monotonic() < until and self.process.poll() is None:
            if match := re.search(r"gateway: http://[^\s:]+:(\d+)", out.read_text()):
                self.port = int(match[1])
                time.sleep(settle)
                return
            time.sleep(0.05)
        raise RuntimeError(f"the gateway does not start: {err.read_text()[-2000:]}")

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.dev.close()
        self.guarded.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    # -- clients

    def raw(self, data: bytes, *, patience: float = PATIENCE, half: bool = False) -> bytes:
        """What comes back for these bytes until the gateway closes, or says nothing for `patience` seconds."""
        received = []
        with socket.create_connection(("127.0.0.1", self.port), timeout=patience) as client:
            try:
                client.sendall(data)
                if half:
                    client.shutdown(socket.SHUT_WR)
                while piece := client.recv(1 << 16):
                    received.append(piece)
            except (TimeoutError, ConnectionError):
                pass
        return b"".join(received)

    def ask(
        self, method: str, path: str, headers: Sequence[tuple[str, str]] = (), body: bytes = b"", *, host: str = "",
        patience: float = 20.0,
    ) -> Answer:  # fmt: skip
        """One request on a connection of its own; status 0 when nothing came that is a response."""
        lines = [f"{method} {path} HTTP/1.1", f"Host: {host or f'127.0.0.1:{self.port}'}", "Connection: close"]
        lines += [f"{name}: {value}" for name, value in headers]
        if body or method in ("POST", "PUT", "PATCH"):
            lines.append(f"Content-Length: {len(body)}")
        head = "\r\n".join([*lines, "", ""]).encode("latin-1", "replace")
        return parsed(self.raw(head + body, patience=patience))

    def api(self, method: str, path: str, body: Any = None, *, token: str = "", session: str = "") -> Answer:
        headers = [("Content-Type", "application/json")]
        headers += [("Authorization", f"Bearer {token}")] if token else []
        headers += [("Gateway-Session", session)] if session else []
        data = b"" if body is None else json.dumps(body).encode()
        return self.ask(method, f"/_gateway/api/v1/{path}", headers, data)

    def recording_of(self, session: str, *, token: str = "") -> str:
        """The id of the newest recording of a session that a client named."""
        until = time.monotonic() + 10
        while time.monotonic() < until:
            for one in self.api("GET", "recordings?q=session:" + session, token=token).json()["items"]:
                if one["session"] == session and one["steps"]:
                    return str(one["id"])
            time.sleep(0.05)
        raise RuntimeError(f"no recording of {session}")

    # -- what the gateway is like

    def memory(self) -> int:
        """Bytes of memory that the gateway holds now."""
        return self._status("VmRSS")

    def peak(self) -> int:
        """The most bytes of memory that it ever held."""
        return self._status("VmHWM")

    def _status(self, name: str) -> int:
        assert self.process is not None
        with contextlib.suppress(OSError):
            text = Path(f"/proc/{self.process.pid}/status").read_text()
            if match := re.search(rf"{name}:\s+(\d+)", text):
                return int(match[1]) * 1024
        return 0

    def pauses(self, since: float) -> Iterator[tuple[float, float]]:
        """The pauses of the event loop since a moment (monotonic), and what the loop itself did of each, in ms."""
        if self.pauses_file.exists():
            for line in self.pauses_file.read_text().splitlines():
                found = line.split()
                if len(found) == 3 and float(found[0]) >= since:
                    yield float(found[1]), float(found[2])

    @property
    def is_alive(self) -> bool:
        return self.process is not None and self.process.poll() is None


def parsed(raw: bytes) -> Answer:
    """The first final response in these bytes; status 0 when there is none."""
    return next(iter(responses(raw)), Answer(0, (), b"", raw))


def responses(raw: bytes) -> list[Answer]:
    """The final responses in these bytes, as a client that trusts their framing takes them apart (RFC 9112, 6.3)."""
    found, rest = [], raw
    while rest:
        head, mark, rest = rest.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        match = re.match(r"HTTP/1\.[01] (\d{3})", lines[0])
        if not match or not mark:
            break
        if match[1].startswith("1") and match[1] != "101":
            continue
        pairs = [(name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines[1:])]
        fields = dict(pairs)
        if match[1] in ("204", "304"):
            body = b""
        elif fields.get("transfer-encoding", "").lower() == "chunked":
            body, rest = _dechunked(rest)
        elif fields.get("content-length", "").isdigit():
            size = int(fields["content-length"])
            body, rest = rest[:size], rest[size:]
        else:
            body, rest = rest, b""
        found.append(Answer(int(match[1]), pairs, body, raw))
    return found


def _dechunked(data: bytes) -> tuple[bytes, bytes]:
    """(the body, what follows it)."""
    body = b""
    while data:
        line, _, data = data.partition(b"\r\n")
        try:
            size = int(line.split(b";")[0], 16)
        except ValueError:
            return body, b""
        if not size:
            while data and (line := data.partition(b"\r\n")[0]):  # trailers
                data = data.partition(b"\r\n")[2]
            return body, data.partition(b"\r\n")[2]
        body, data = body + data[:size], data[size + 2 :]
    return body, b""

"""One server of the suite, twice, behind a gateway: record, replay on the other, ask the servers, play back."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from servers import App, Place, start

PROJECT = Path(__file__).resolve().parents[2]
PATIENCE = 180.0  # seconds for a server to answer
LIMIT = 240  # seconds for one run of a client


@dataclass
class Found:
    """A row of the table, and what is behind it."""

    app: str
    missing: str = ""  # why it did not run
    links: tuple[int, int, int] = (0, 0, 0)  # found, needed, false
    unbound: list[str] = field(default_factory=list)
    truth: list[str] = field(default_factory=list)  # what is wrong in the other server after the replay
    outcome: str = ""
    steps: list[dict[str, Any]] = field(default_factory=list)
    agreeing: int = 0
    odd: list[str] = field(default_factory=list)  # steps whose verdict is not the truth
    playback: str = ""


class Trial:
    """The processes and files of one app's trial."""

    def __init__(self, app: App, installed: Path, folder: Path) -> None:
        self.app, self.installed, self.folder = app, installed.resolve(), folder
        self.flow = str(Path(__file__).parent / "flows" / f"{app.flow}.py")
        self.python = str(self.installed / app.python / "bin" / "python")
        self.servers: dict[str, subprocess.Popen[bytes]] = {}
        self.ports = {"test": free_port(), "qa": free_port()}
        self.port = free_port()
        self.base = f"http://127.0.0.1:{self.port}{app.path.rstrip('/')}"

    def serve(self, environment: str) -> str:
        """Start the server of an environment; its URL once it answers."""
        place = Place(self.installed, self.folder / environment, self.ports[environment])
        self.servers[environment] = start(self.app, place)
        url = f"http://127.0.0.1:{place.port}"
        if not answers(url + self.app.ready, self.servers[environment]):
            log = (place.folder / "server.log").read_text("utf-8", "replace")[-300:]
            raise RuntimeError(f"{self.app.name} does not start: {log}")
        return url

    @contextlib.contextmanager
    def gateway(self) -> Iterator[None]:
        upstreams = ", ".join(f'{name}: "http://127.0.0.1:{port}"' for name, port in self.ports.items())
        options = f", {self.app.options}" if self.app.options else ""
        (self.folder / "routes.yaml").write_text(
            "version: 1\nenvironments: [test, qa]\nwrites: {test: ask, qa: ask}\nclusters:\n"
            f"  app: {{path: {self.app.path}, environment: test, upstreams: {{{upstreams}}}{options}}}\n"
        )
        with (self.folder / "gateway.log").open("wb") as log:
            process = subprocess.Popen(
                [*self.command, "serve", "-p", str(self.port), "--no-health"], cwd=self.folder, stdout=log, stderr=log,
                env=os.environ | {"PYTHONPATH": str(PROJECT)},
            )  # fmt: skip
        try:
            answers(f"http://127.0.0.1:{self.port}/_gateway/healthz", process)
            yield
        finally:
            stop(process)

    command = (sys.executable, "-m", "gateway")

    def client(self, what: str, *words: str, tag: str = "a") -> str:
        """Run the flow's client; what it printed. CalledProcessError when it failed."""
        done = subprocess.run(
            [self.python, self.flow, what, *words], capture_output=True, text=True, timeout=LIMIT, check=False,
            cwd=self.folder, env=os.environ | {"TAG": tag},
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"{what}: {(done.stderr.strip() or done.stdout.strip())[-600:]}")
        return done.stdout

    def facts(self, url: str) -> Counter[str]:
        return Counter(self.client("state", url).splitlines())

    def api(self, method: str, path: str, body: object = None) -> Any:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/_gateway/api/v1/{path}", method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json", "Gateway-Session": "player"},
        )  # fmt: skip
        try:
            with urllib.request.urlopen(request, timeout=LIMIT) as response:
                return json.loads(response.read() or b"null")
        except urllib.error.HTTPError as error:
            raise RuntimeError(f"{method} {path}: {error.code} {error.read()[:300]!r}") from None

    def recording(self, session: str) -> str:
        items = self.api("GET", f"recordings?q=session:{session}")["items"]
        return str(max(items, key=lambda one: one["started_at"])["id"])

    def end(self) -> None:
        for process in self.servers.values():
            stop(process)


def trial(app: App, installed: Path, folder: Path) -> Found:
    """Everything about one server."""
    found = Found(app.name)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    run = Trial(app, installed, folder)
    try:
        if not Path(run.python).exists():
            raise RuntimeError("it is not installed")
        urls = {name: run.serve(name) for name in ("test", "qa")}
        run.client("seed", urls["qa"])
        with run.gateway():
            _all(run, found, urls)
    except (RuntimeError, OSError, subprocess.SubprocessError) as error:
        found.missing = str(error)
    finally:
        run.end()
    return found


def _all(run: Trial, found: Found, urls: dict[str, str]) -> None:
    before = {name: run.facts(url) for name, url in urls.items()}
    run.client("run", run.base, "first")
    made = run.facts(urls["test"])
    effect = made.copy()
    effect.subtract(before["test"])
    recording = run.recording("first")
    result = run.api("POST", f"recordings/{recording}/replay", {"yes": True, "to": ["app=qa"]})
    wanted = before["qa"].copy()
    wanted.update(effect)
    found.truth = apart(wanted, run.facts(urls["qa"]))
    found.outcome, found.steps = result["outcome"], result["steps"]
    verdicts(run.app, found)
    second_run(run, found, recording)
    run.end()
    found.playback = played(run, recording)


def apart(wanted: Counter[str], seen: Counter[str]) -> list[str]:
    """What is missing from a server, and what is too much."""
    lost, more = (
        +Counter({key: n - seen[key] for key, n in wanted.items()}),
        +Counter({key: n - wanted[key] for key, n in seen.items()}),
    )
    return [f"missing: {key}" for key in sorted(lost)] + [f"not wanted: {key}" for key in sorted(more)]


def verdicts(app: App, found: Found) -> None:
    """A step is right when the server is right, but for those that truly differ; where it is not, none may be called so."""
    for step in found.steps:
        name = f"{step['method']} {step['path']}"
        method, _, path = name.partition(" ")
        own = f"{step['step']} {method} {path.removeprefix(app.path.rstrip('/'))}"
        different = any(re.search(words, own) for words in app.truly)
        good = step["outcome"] in ("same", "expected")
        if not found.truth and (good or (different and step["outcome"] in ("differs", "unsure"))):
            found.agreeing += 1
        elif not (found.truth and good):
            why = [f"{one['pointer']}: {one['cause']}" for one in step["differences"] if one["severity"] != "none"]
            found.odd.append(f"{step['step']} {name} {step['outcome']} {step.get('message') or ''} {why[:4]}")


def second_run(run: Trial, found: Found, recording: str) -> None:
    """Record the flow on the other server too: what differs in both requests and stood in both responses is a link."""
    run.api("PUT", "session/pins/app", {"environment": "qa"})
    try:
        run.client("run", run.base, "player", tag="b")
    except RuntimeError as error:  # a server that takes the same only once: what came before counts
        found.odd.append(f"the flow does not run twice on it: {str(error).splitlines()[-1][:160]}")
    finally:
        run.api("DELETE", "session/pins/app")
    from links import count_links

    found.links, found.unbound = count_links(
        run.folder / "recordings" / "gateway.db", recording, run.recording("player")
    )


def played(run: Trial, recording: str) -> str:
    """The flow again, from the recording, with both servers stopped."""
    run.api("POST", f"recordings/{recording}/playback", {})
    try:
        run.client("run", run.base, "player")
    except RuntimeError as error:
        return str(error).splitlines()[-1][:200]
    return "ok"


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def answers(url: str, process: subprocess.Popen[bytes]) -> bool:
    """Whether anything answers there in time."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and process.poll() is None:
        try:
            urllib.request.urlopen(url, timeout=2).close()
            return True
        except urllib.error.HTTPError:
            return True
        except OSError:
            time.sleep(0.1)
    return False


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a process and its children."""
    if process.poll() is not None:
        return
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def table(rows: Sequence[Found]) -> str:
    """As Markdown, for docs/correlation.md."""
    lines = ["| server | links found / needed | false | state of the other server | verdicts that agree | played back |",
             "|---|---|---|---|---|---|"]  # fmt: skip
    for row in rows:
        if row.missing:
            lines.append(f"| {row.app} | not run: {' '.join(row.missing.split())[:120]} | | | | |")
            continue
        stopped = next((one["step"] for one in row.steps if one["outcome"] == "stopped"), None)
        state = "right" if not row.truth else f"stopped before step {stopped}" if stopped else "wrong"
        lines.append(
            f"| {row.app} | {row.links[0]} / {row.links[1]} | {row.links[2]} | {state} | {row.agreeing} of {len(row.steps)} "
            f"({row.outcome}) | {row.playback} |"
        )
    return "\n".join(lines)

"""Real servers with the contracts that their packages carry: the demo of each, pressed to its end in Chromium (make contracts).

    python tests/public_contracts/servers.py FOLDER

Installs the servers into virtual environments below FOLDER, makes a project of each contract with `gateway init --from`,
serves it, opens every step and presses Send with what the form holds. Prints how each step ended, what could not be sent
for want of a value, and the findings. The exit code is 1 when a demo does not come to its end: a page or a call of the
gateway that fails, or fewer steps sent than SENT says.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import venv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

GATEWAY = [sys.executable, "-m", "gateway"]
START = 90.0  # seconds for a slow machine


@dataclass(frozen=True, slots=True)
class RealServer:
    """A server of a package. `contract`: a file below its site-packages, or a path of the server itself."""

    package: str
    command: Sequence[str]  # with {port} and {folder}
    contract: str
    ready: str  # a path that it answers
    sent: int  # steps whose forms hold all that they need


SERVERS = {
    "changedetection.io": RealServer(
        "changedetection.io==0.60.10",
        ("changedetection.io", "-d", "{folder}/data", "-C", "-h", "127.0.0.1", "-p", "{port}"),
        "changedetectionio/docs/api-spec.yaml", "/", 21,
    ),
    "Glances": RealServer(
        "glances[web]==4.5.8", ("glances", "-w", "-B", "127.0.0.1", "-p", "{port}"), "/openapi.json", "/api/4/status", 15,
    ),
}  # fmt: skip


def installed(folder: Path, name: str, server: RealServer) -> Path:
    """The virtual environment of a server; one that is there stays."""
    home = folder / "servers" / re.sub(r"\W+", "-", name.lower())
    if not (home / "bin" / server.command[0]).exists():
        venv.create(home, with_pip=True)
        subprocess.run([home / "bin" / "pip", "install", "--quiet", server.package], check=True)
    return home


@contextmanager
def running(home: Path, server: RealServer, folder: Path, port: int) -> Iterator[str]:
    """The server on a port; ends with the block."""
    (folder / "data").mkdir()
    words = [word.format(port=port, folder=folder) for word in server.command]
    process = subprocess.Popen(
        [home / "bin" / words[0], *words[1:]], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    url = f"http://127.0.0.1:{port}"
    try:
        until(lambda: answers(f"{url}{server.ready}"), f"{words[0]} does not answer")
        yield url
    finally:
        process.terminate()
        process.wait()


def until(is_true: Any, otherwise: str) -> None:
    end = time.monotonic() + START
    while not is_true():
        if time.monotonic() > end:
            raise SystemExit(otherwise)
        time.sleep(0.2)


def answers(url: str) -> bool:
    try:
        urllib.request.urlopen(url, timeout=10).close()
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


def made(folder: Path, home: Path, server: RealServer, url: str) -> Path:
    """A project of the server's contract that leads to the server, with its key where it wants one."""
    project = folder / "project"
    packages = next((home / "lib").glob("python*/site-packages"))
    source = url + server.contract if server.contract.startswith("/") else str(packages / server.contract)
    subprocess.run([*GATEWAY, "init", str(project), "--from", source], check=True, stdout=subprocess.DEVNULL)
    routes = project / "routes.yaml"
    text = re.sub(r"http://(?:localhost|127\.0\.0\.1):\d+", url, routes.read_text("utf-8"))
    for file in (folder / "data").glob("*.json"):
        if key := re.search(r'"api_access_token": "([^"]+)"', file.read_text("utf-8")):
            text = text.replace("# headers:", "headers:", 1)
            (project / ".env").write_text(f"CHANGEDETECTION_IO_API_KEY={key[1]}\n", "utf-8")
    routes.write_text(text, "utf-8")
    for check in (["check"], ["demos", "check"]):
        subprocess.run([*GATEWAY, *check], cwd=project, check=True, stdout=subprocess.DEVNULL)
    return project


@contextmanager
def gateway(project: Path) -> Iterator[str]:
    process = subprocess.Popen(
        [*GATEWAY, "serve", "-p", "0", "--no-health"], cwd=project, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:\d+", line)
        assert found, line
        yield found[0]
    finally:
        process.terminate()
        process.wait()


def pressed(page: Page, url: str, demo: str) -> dict[str, str]:
    """Every step of a demo, opened and sent as it is: how it ended, by its slug."""
    page.goto(f"{url}/demos/{demo}/")
    found = "l => l.map(a => a.getAttribute('href').split(/[?#]/)[0])"
    links = [page.url.removeprefix(url), *page.eval_on_selector_all(f"a[href^='/demos/{demo}/']", found)]
    ended = {}
    for link in dict.fromkeys(links):
        page.goto(url + link)
        empty = page.eval_on_selector_all("form.demo-form :invalid", "l => l.map(e => e.name).filter(Boolean)")
        if empty:
            ended[link.rpartition("/")[2]] = f"needs {', '.join(name.removeprefix('f.') for name in empty)}"
            continue
        page.locator("form.demo-form button.btn-primary").first.click()
        result = page.locator(".big-status, .alert-danger, .invalid-feedback").first
        result.wait_for(timeout=START * 1000)
        ended[link.rpartition("/")[2]] = " ".join(result.evaluate("e => e.parentElement.innerText").split())[:80]
    return ended


def drift(url: str, project: Path) -> list[Any]:
    """The findings, once the checker has come to the last exchange."""

    def caught_up() -> bool:
        with urllib.request.urlopen(f"{url}/_gateway/api/v1/drift") as response:
            places = json.load(response)["places"]
        return bool(places) and all(place["behind"] == 0 for place in places)

    until(caught_up, "the checker does not catch up")
    with urllib.request.urlopen(f"{url}/_gateway/api/v1/drift") as response:
        return list(json.load(response)["items"])


def main(folder: Path) -> int:
    right = True
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"]
        )
        for number, (name, server) in enumerate(SERVERS.items()):
            home = installed(folder, name, server)
            with tempfile.TemporaryDirectory() as scratch, running(home, server, Path(scratch), 5611 + number) as url:
                project = made(Path(scratch), home, server, url)
                demo = next((project / "templates" / "demos").iterdir()).name
                with gateway(project) as own:
                    page = browser.new_page()
                    page.set_default_timeout(START * 1000)
                    ended = pressed(page, own, demo)
                    items = drift(own, project)
            sent = {slug: said for slug, said in ended.items() if not said.startswith("needs ")}
            expected = [said for said in sent.values() if "as expected" in said]
            print(f"{name}: {len(sent)} of {len(ended)} steps sent, {len(expected)} as expected, {len(items)} findings")
            print(*(f"  {slug:50} {said}" for slug, said in ended.items()), sep="\n")
            print(*(f"  {one['severity']:8} {one['label']}: {one['says']}" for one in items), sep="\n")
            right &= len(sent) >= server.sent
        browser.close()
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve()))

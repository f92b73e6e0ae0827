"""Recordings of real servers with their own clients, and fresh servers on which the exported chain runs again."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

APPS_FOLDER = Path(__file__).resolve().parents[1] / "apps"
sys.path.append(str(APPS_FOLDER))

from running import Trial, answers, free_port, stop  # noqa: E402
from servers import APPS, App, Place, start  # noqa: E402

from gateway.export import FORMATS, Beside, Recordings, files  # noqa: E402
from gateway.export.documents.guide import named_secrets  # noqa: E402
from gateway.export.scenario.scenario import scenario  # noqa: E402
from gateway.keys import load_keys  # noqa: E402
from gateway.redact.sealer import Sealer  # noqa: E402
from gateway.routes.files import load  # noqa: E402
from gateway.services.export import Wish, beside, gathered, routing_of  # noqa: E402
from gateway.store import open_store  # noqa: E402

# Different shapes: JSON resources; S3, queries and JSON targets in one; GraphQL; XML and WebDAV methods; forms with
# nested names; cookies, double-submit tokens and a WebSocket.
SERVERS = {
    app.name: app
    for app in APPS
    if app.name in ("json-server", "moto", "GraphQL", "Radicale", "localstripe", "Jupyter")
}


@dataclass(frozen=True)
class RealRecording:
    """A recording of a server, what lies beside it, and the secrets that its client had brought, by variable."""

    app: App
    recordings: Recordings
    beside: Beside
    secrets: dict[str, str]
    folder: Path

    def written(self, name: str, folder: Path) -> Path:
        """A format's files in a folder."""
        for file, text in files(FORMATS[name], self.recordings, version="1", beside=self.beside).items():
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).write_text(text, "utf-8", newline="")
        return folder


def record(app: App, installed: Path, folder: Path) -> RealRecording:
    """The flow of the server's client through a gateway; RuntimeError when the server or its client does not run."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    run = Trial(app, installed, folder)
    try:
        run.serve("test")
        with run.gateway():
            run.client("run", run.base, "first")
            id = run.recording("first")
    finally:
        run.end()
    store = open_store(folder / "recordings" / "gateway.db")
    recordings = gathered(store, Wish(FORMATS["json"], [id]))
    sealer = Sealer(load_keys(folder / "recordings", {}))
    known = {name: sealer.unseal(name, sealed).decode() for name, sealed in store.secrets(id).items()}
    table = load(folder / "routes.yaml", environ=os.environ).table
    return RealRecording(app, recordings, beside(store, routing_of(table)), _secrets(recordings, known), folder)


def _secrets(recordings: Recordings, known: dict[str, str]) -> dict[str, str]:
    found = {}
    for recording, exchanges in recordings:
        made = scenario(recording, exchanges)
        wanted = {one.variable for one in made.inputs if one.secret}
        for use in named_secrets(made).values():
            if use.name in wanted and use.recorded in known:
                found[use.name] = known[use.recorded]
    return found


@contextlib.contextmanager
def fresh_server(app: App, installed: Path, folder: Path) -> Iterator[str]:
    """The URL of a server of this kind that holds nothing of the recording."""
    place = Place(installed.resolve(), folder, free_port())
    process = start(app, place)
    try:
        url = f"http://127.0.0.1:{place.port}"
        assert answers(url + app.ready, process), (folder / "server.log").read_text("utf-8", "replace")[-500:]
        yield url
    finally:
        stop(process)

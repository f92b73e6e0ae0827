"""The servers of the suite: how each is started on a free port of loopback, with a folder of its own for its state."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
PASSWORD = "lovelace"


@dataclass(frozen=True)
class Place:
    """Where a server runs: what is installed, its own folder, its port."""

    installed: Path
    folder: Path
    port: int

    def bin(self, name: str, environment: str = "python") -> str:
        return str(self.installed / environment / "bin" / name)

    def node(self, name: str) -> str:
        return str(self.installed / "node_modules" / ".bin" / name)


Command = Callable[[Place], list[str]]


@dataclass(frozen=True)
class App:
    """A server, the flow of its client, and what a replay rightly finds otherwise (the words of `truly`)."""

    name: str
    flow: str
    command: Command
    python: str = "python"
    ready: str = "/"
    path: str = "/app"  # of the cluster; "/" where responses name absolute paths of the server's own
    truly: tuple[
        str, ...
    ] = ()  # "GET /posts$", "^9 POST": steps that truly differ, because the other server holds more or another state
    environment: tuple[tuple[str, str], ...] = ()
    options: str = ""  # of the cluster, as routes.yaml has them: "rewrite_bodies: true"


def json_server(at: Place) -> list[str]:
    (at.folder / "db.json").write_text('{"authors": [], "posts": [], "comments": []}')
    return [at.node("json-server"), "--host", "127.0.0.1", "--port", str(at.port), "db.json"]


def mlflow(at: Place) -> list[str]:
    return [
        at.bin("mlflow", "mlflow"), "server", "--host", "127.0.0.1", "--port", str(at.port), "--workers", "1",
        "--backend-store-uri", "sqlite:///m.db", "--artifacts-destination", "art",
    ]  # fmt: skip


def jupyter(at: Place) -> list[str]:
    code = f"from jupyter_server.auth import passwd; print(passwd({PASSWORD!r}))"
    hashed = subprocess.run([at.bin("python"), "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    (at.folder / "root").mkdir()
    return [
        at.bin("jupyter"), "server", "--ServerApp.ip=127.0.0.1", f"--port={at.port}", "--ServerApp.port_retries=0",
        f"--ServerApp.root_dir={at.folder / 'root'}", "--no-browser", "--allow-root",
        f"--PasswordIdentityProvider.hashed_password={hashed}",
    ]  # fmt: skip


def radicale(at: Place) -> list[str]:
    (at.folder / "users").write_text(f"ann:{PASSWORD}\n")
    return [
        at.bin("radicale"), "--server-hosts", f"127.0.0.1:{at.port}", "--storage-filesystem-folder", str(at.folder / "store"),
        "--auth-type", "htpasswd", "--auth-htpasswd-filename", str(at.folder / "users"), "--auth-htpasswd-encryption", "plain",
    ]  # fmt: skip


def moto(at: Place) -> list[str]:
    return [at.bin("moto_server"), "-H", "127.0.0.1", "-p", str(at.port)]


def kinto(at: Place) -> list[str]:
    (at.folder / "kinto.ini").write_text(
        "[app:main]\nuse = egg:kinto\nkinto.userid_hmac_secret = abc\nmultiauth.policies = basicauth\n"
        "kinto.storage_backend = kinto.core.storage.memory\nkinto.cache_backend = kinto.core.cache.memory\n"
        "kinto.permission_backend = kinto.core.permission.memory\nkinto.bucket_create_principals = system.Authenticated\n"
        "multiauth.policy.basicauth.use = kinto.core.authentication.BasicAuthAuthenticationPolicy\n"
        f"[server:main]\nuse = egg:waitress#main\nhost = 127.0.0.1\nport = {at.port}\n"
    )
    return [at.bin("kinto"), "start", "--ini", "kinto.ini"]


def localstripe(at: Place) -> list[str]:
    return [at.bin("localstripe"), "--port", str(at.port), "--from-scratch"]


def graphql(at: Place) -> list[str]:
    data = {
        "posts": [{"id": 900, "title": "t", "views": 1, "user_id": 900}], "users": [{"id": 900, "name": "first"}],
        "comments": [{"id": 900, "post_id": 900, "user_id": 900, "body": "b"}],
    }  # fmt: skip
    (at.folder / "db.js").write_text(f"module.exports = {json.dumps(data)};")
    return [at.node("json-graphql-server"), "db.js", "--host", "127.0.0.1", "--port", str(at.port)]


def tus(at: Place) -> list[str]:
    shutil.copy(HERE / "tus_server.mjs", at.installed / "tus_server.mjs")  # beside node_modules, where its imports lie
    return ["node", str(at.installed / "tus_server.mjs"), str(at.port), str(at.folder)]


def supervisor(at: Place) -> list[str]:
    programs = "".join(
        f"[program:{name}]\ncommand=cat\nautostart=false\nstartsecs=0\nstdout_logfile=NONE\nstderr_logfile=NONE\n"
        for name in ("own", "worker", "other")
    )
    (at.folder / "supervisord.conf").write_text(
        f"[supervisord]\nnodaemon=true\nlogfile={at.folder}/log\npidfile={at.folder}/pid\nchildlogdir={at.folder}\n"
        f"[inet_http_server]\nport=127.0.0.1:{at.port}\n{programs}"
        "[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n"
    )
    return [at.bin("supervisord"), "-c", str(at.folder / "supervisord.conf")]


def ganache(at: Place) -> list[str]:
    seed = f"the wallet of {at.folder.name}"  # other accounts on the other server
    return [at.node("ganache"), "--server.host", "127.0.0.1", "--server.port", str(at.port), "--wallet.seed", seed]


def gcs(at: Place) -> list[str]:
    return [
        at.bin("gcp-storage-emulator"), "-d", str(at.folder / "store"), "start", "--host", "127.0.0.1", "--port", str(at.port),
    ]  # fmt: skip


def wsgidav(at: Place) -> list[str]:
    (at.folder / "root").mkdir()
    return [
        at.bin("wsgidav"), "--no-config", "-H", "127.0.0.1", "-p", str(at.port), "-r", str(at.folder / "root"),
        "--auth", "anonymous",
    ]  # fmt: skip


def luigi(at: Place) -> list[str]:
    return [at.bin("luigid"), "--address", "127.0.0.1", "--port", str(at.port), "--logdir", str(at.folder)]


def ara(at: Place) -> list[str]:
    manage = at.bin("ara-manage", "ara")
    return ["sh", "-c", f"{manage} migrate && exec {manage} runserver --noreload 127.0.0.1:{at.port}"]


def synapse(at: Place) -> list[str]:
    python = at.bin("python", "synapse")
    name = f"{at.folder.name}.example"  # in every id of a room, an event and a person
    subprocess.run(
        [python, "-m", "synapse.app.homeserver", "--server-name", name, "--config-path", "hs.yaml", "--generate-config",
         "--report-stats=no"], cwd=at.folder, check=True, capture_output=True,
    )  # fmt: skip
    settings = (at.folder / "hs.yaml").read_text("utf-8").replace("port: 8008", f"port: {at.port}")
    settings = settings.replace("'::1', ", "")
    slow = "{per_second: 1000, burst_count: 1000}"
    limits = f"rc_login: {{address: {slow}, account: {slow}, failed_attempts: {slow}}}\nrc_message: {slow}\n"
    (at.folder / "hs.yaml").write_text(f"{settings}\n{limits}")
    command = [python, "-m", "synapse.app.homeserver", "-c", "hs.yaml"]
    with (at.folder / "first.log").open("wb") as log:
        first = subprocess.Popen(command, cwd=at.folder, stdout=log, stderr=log)
    try:
        for who in ("ann", "bob"):
            register = [at.bin("register_new_matrix_user", "synapse"), "-u", who, "-p", PASSWORD, "--no-admin"]
            again = [*register, "-c", "hs.yaml", f"http://127.0.0.1:{at.port}"]
            while (
                subprocess.run(again, cwd=at.folder, capture_output=True, check=False).returncode
                and first.poll() is None
            ):
                time.sleep(0.5)
    finally:
        first.terminate()
        first.wait()
    return command


def tryton(at: Place) -> list[str]:
    (at.folder / "t.conf").write_text(
        f"[database]\nuri = sqlite://\npath = {at.folder}\n[web]\nlisten = 127.0.0.1:{at.port}\n"
    )
    (at.folder / "password").write_text(PASSWORD)
    (at.folder / "db.sqlite").touch()
    subprocess.run(
        [at.bin("trytond-admin", "tryton"), "-c", "t.conf", "-d", "db", "-u", "party", "--activate-dependencies",
         "--email", "admin@example.com"], cwd=at.folder, check=True, capture_output=True,
        env=os.environ | {"TRYTONPASSFILE": str(at.folder / "password")},
    )  # fmt: skip
    return [at.bin("trytond", "tryton"), "-c", "t.conf", "-d", "db"]


def azurite(at: Place) -> list[str]:
    return [
        at.node("azurite-blob"), "--blobHost", "127.0.0.1", "--blobPort", str(at.port), "--location", str(at.folder),
        "--skipApiVersionCheck", "--disableTelemetry", "--silent",
    ]  # fmt: skip


APPS = (
    App("json-server", "json_server", json_server, truly=("GET /posts$",)),
    App("MLflow", "mlflow_tracking", mlflow, python="mlflow", ready="/health"),
    App("Jupyter", "jupyter", jupyter, ready="/login"),
    App("Radicale", "radicale_caldav", radicale, ready="/.web/", path="/"),
    App("moto", "moto_boto3", moto, ready="/moto-api/", path="/"),
    App("Kinto", "kinto_http_flow", kinto, ready="/v1/"),
    App("localstripe", "localstripe_stripe", localstripe, ready="/js.stripe.com/v3/"),
    App("GraphQL", "graphql_server", graphql),
    App("tus", "tus_upload", tus, ready="/everything"),
    App("supervisor", "supervisor_xmlrpc", supervisor, truly=("^9 POST",)),  # the seed started `own`
    App("ganache", "ganache_web3", ganache),
    App("Cloud Storage", "gcs_storage", gcs, ready="/", path="/", options="rewrite_bodies: true"),
    App("WsgiDAV", "wsgidav_webdav4", wsgidav, path="/"),
    App("ARA", "ara_runs", ara, python="ara", ready="/api/v1/", environment=(("ARA_BASE_DIR", "."),)),
    App("Synapse", "synapse_nio", synapse, python="synapse", ready="/health", path="/"),
    App("Tryton", "tryton_proteus", tryton, python="tryton", path="/"),
    App("Azurite", "azurite_blob", azurite, path="/", truly=("^4 PUT",)),  # its signature holds the entity tag
    App("Luigi", "luigi_scheduler", luigi, ready="/api/ping"),
)


def start(app: App, at: Place) -> subprocess.Popen[bytes]:
    """The running server; its words go to a log in its folder."""
    at.folder.mkdir(parents=True)
    with (at.folder / "server.log").open("wb") as log:
        environment = (
            os.environ
            | {"MLFLOW_DISABLE_TELEMETRY": "true", "AWS_EC2_METADATA_DISABLED": "true"}
            | dict(app.environment)
        )
        return subprocess.Popen(
            app.command(at), cwd=at.folder, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=environment,
            start_new_session=True,
        )  # fmt: skip

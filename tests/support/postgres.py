"""A real PostgreSQL for tests: one server for all workers of a run, an empty schema for each test.

`GATEWAY_TEST_POSTGRES=URL` names a server that runs already. Else Debian's server programs are started, on loopback, in a
data folder of their own and not as root, by the first test of a run that asks; the last process that ends stops it.
Without them the tests are skipped by name, with the reason.
"""

from __future__ import annotations

import atexit
import fcntl
import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from urllib.parse import quote

import pytest

VARIABLE = "GATEWAY_TEST_POSTGRES"
OLDEST = 15
BOTH = ("sqlite", "postgres")  # engines of the store
START = 60.0  # seconds for a slow machine
# Nothing of a test outlives the machine: no write waits for the disk.
SETTINGS = {
    "listen_addresses": "127.0.0.1", "fsync": "off", "full_page_writes": "off", "max_connections": "200",
    "shared_buffers": "64MB", "unix_socket_directories": "", "autovacuum": "off", "lc_messages": "C",
}  # fmt: skip


def programs() -> Path | None:
    """The folder of initdb and pg_ctl, of the newest version that is here."""
    if found := shutil.which("pg_ctl"):
        return Path(found).parent
    folders = [one for one in Path("/usr/lib/postgresql").glob("*/bin") if (one / "initdb").exists()]
    fitting = [one for one in folders if one.parent.name.isdecimal() and int(one.parent.name) >= OLDEST]
    return max(fitting, key=lambda one: int(one.parent.name), default=None)


def user() -> str | None:
    """Under whom the server runs: PostgreSQL refuses to run as root."""
    if os.geteuid():
        return None
    for name in ("postgres", "nobody"):
        try:
            pwd.getpwnam(name)
        except KeyError:
            continue
        return name
    pytest.skip("root runs no PostgreSQL, and there is no user for it")


class Server:
    """One server in a folder of its own."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder, self._bin, self._settings = folder, programs(), SETTINGS | settings
        self.port = 0

    @property
    def url(self) -> str:
        return f"postgresql://gateway@127.0.0.1:{self.port}/postgres"

    def make(self) -> None:
        """The data folder, and a server in it."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.folder.chmod(0o755)
        data = self.folder / "data"
        data.mkdir(mode=0o700)
        if name := user():
            shutil.chown(data, name)
        self._run("initdb", "-D", str(data), "-A", "trust", "-U", "gateway", "--no-sync", "-E", "UTF8", "--locale=C")
        lines = "".join(f"{key} = '{value}'\n" for key, value in (self._settings | {"port": str(self.port)}).items())
        with (data / "postgresql.conf").open("a") as conf:
            conf.write(lines)
        self.start()

    def start(self) -> None:
        data = self.folder / "data"
        self._run("pg_ctl", "-D", str(data), "-w", "-t", str(int(START)), "-l", str(data / "log"), "start")

    def stop(self, how: str = "fast") -> None:
        """`how`: fast, or immediate, which is a crash."""
        self._run("pg_ctl", "-D", str(self.folder / "data"), "-w", "-m", how, "stop")

    def _run(self, program: str, *words: str) -> None:
        assert self._bin is not None
        done = subprocess.run(
            [self._bin / program, *words], user=user(), cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C"}, check=False,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"{program}: {done.stderr.decode()[-500:]}")


@lru_cache(maxsize=1)
def server_url() -> str:
    """The address of the run's server; skips where there is none."""
    if given := os.environ.get(VARIABLE):
        return given
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    if programs() is None:
        pytest.skip(f"no PostgreSQL {OLDEST} or later: apt-get install postgresql, or {VARIABLE}=URL")
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID") or f"{os.getpid()}"
    folder = Path(tempfile.gettempdir()) / f"gateway-postgres-{os.getuid()}-{run[:16]}"
    folder.mkdir(exist_ok=True)
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    address = folder / "url"
    with (folder / "making").open("w") as making:
        fcntl.flock(making, fcntl.LOCK_EX)  # one worker makes it, the others wait
        if not address.exists():
            server = Server(folder)
            server.make()
            address.write_text(server.url)
        # Another lock than that of the making, and shared: a worker that came later would wait for this one's end.
        fcntl.flock(lock, fcntl.LOCK_SH)
    atexit.register(_leave, lock, folder)
    return address.read_text()


def _leave(lock: int, folder: Path) -> None:
    """The last process that used the server stops it."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return
    Server(folder).stop("immediate")
    shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def a_schema() -> Iterator[str]:
    """The address of an empty schema, which goes with the test."""
    import psycopg

    url, name = server_url(), f"test_{secrets.token_hex(6)}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {name}".encode())
    joined = "&" if "?" in url else "?"
    try:
        yield f"{url}{joined}options={quote(f'-csearch_path={name}', safe='')}"
    finally:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(b"SET client_min_messages = error")
            connection.execute(f"DROP SCHEMA {name} CASCADE".encode())


@contextmanager
def a_server(folder: Path, **settings: str) -> Iterator[Server]:
    """A server of a test's own, to be stopped and started."""
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    if programs() is None:
        pytest.skip(f"no PostgreSQL {OLDEST} or later: apt-get install postgresql")
    server = Server(Path(tempfile.mkdtemp(prefix="gateway-pg-", dir=folder if os.geteuid() else None)), **settings)
    server.make()
    try:
        yield server
    finally:
        try:
            server.stop("immediate")
        except RuntimeError:
            time.sleep(0)  # it is down already
        shutil.rmtree(server.folder, ignore_errors=True)

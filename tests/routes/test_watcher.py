"""There is always exactly one complete, valid table in force, whatever happens to the file."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from gateway.errors import ConfigError, NotFoundError
from gateway.model.recording import Revision
from gateway.routes import RoutesKeeper

INTERVAL = 0.02


def routes(orders: str = "qa", *, more: str = "") -> str:
    return f"""\
version: 1
environments: [dev, test, qa]
clusters:
  orders:
    path: /api/orders
    environment: {orders}   # where it lives
    upstreams: {{dev: http://127.0.0.1:9103, test: http://127.0.0.1:9203, qa: http://127.0.0.1:9303}}
{more}"""


USERS = "  users: {path: /api/users, environment: qa, upstreams: {qa: 'http://127.0.0.1:9301'}}\n"


class Watched:
    """A keeper with what it told its listeners."""

    def __init__(self, file: Path, **options) -> None:
        self.file = file
        self.keeper = RoutesKeeper(file, interval=INTERVAL, **{"environ": {}, **options})
        self.told: list[tuple[Revision | None, list[str]]] = []
        self.keeper.subscribe(lambda revision, problems: self.told.append((revision, [str(one) for one in problems])))

    @property
    def at(self) -> str:
        return self.keeper.table.clusters["orders"].environment

    @property
    def problems(self) -> list[str]:
        return [str(problem) for problem in self.keeper.problems]

    @property
    def changes(self) -> list[tuple[str, ...]]:
        return [revision.changes for revision, _ in self.told if revision is not None]

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not holds():
                await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def watching(file: Path, **options) -> AsyncIterator[Watched]:
    watched = Watched(file, **options)
    await watched.keeper.start()
    try:
        yield watched
    finally:
        await watched.keeper.stop()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "routes.yaml"
    path.write_text(routes())
    return path


def replaced(file: Path, text: str) -> None:
    """As most editors save: another file takes the name."""
    beside = file.with_name(f".{file.name}.swp")
    beside.write_text(text)
    beside.replace(file)


async def test_the_first_table_is_told_as_the_start(file: Path) -> None:
    async with watching(file) as watched:
        ((revision, problems),) = watched.told
        assert revision is not None
        assert (revision.source, revision.changes, revision.text, problems) == ("start", (), routes(), [])
        assert revision.id == watched.keeper.table.revision
        assert revision.accepted_at.endswith("Z")


async def test_a_saved_change_is_in_force_and_told(file: Path) -> None:
    async with watching(file) as watched:
        replaced(file, routes("test", more=USERS))
        await watched.until(lambda: watched.at == "test")
        revision, _ = watched.told[-1]
        assert revision is not None
        assert revision.source == "file"
        assert revision.changes == ("orders: qa -> test", "users: added at /api/users in qa")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"clusters: [", "did not find expected"),
        (b"\tx: 1", "spaces, not tabs"),
        (b"a: \0", "U+0000"),
        (routes("qaa").encode(), "did you mean 'qa'?"),
        (b"", "it is empty"),
        (b"x: !!python/object/apply:os.system [echo]", "is not allowed"),
        (b"x" * (9 << 20), "larger than 8 MiB"),
        (b"a: " + b"[" * 5000, "nested"),
    ],
    ids=["unclosed", "tab", "nul", "typo", "empty", "tag", "large", "deep"],
)
async def test_a_bad_save_keeps_the_last_good_table_and_clears_by_itself(
    file: Path, content: bytes, expected: str, caplog: pytest.LogCaptureFixture
) -> None:
    """C1, C10, C11, C12, C13."""
    async with watching(file) as watched:
        file.write_bytes(content)
        await watched.until(lambda: bool(watched.problems))
        assert expected in "\n".join(watched.problems)
        assert watched.problems[0].startswith("routes.yaml:")
        assert watched.at == "qa"
        assert watched.told[-1] == (None, watched.problems)
        await asyncio.sleep(INTERVAL * 10)
        assert len([record for record in caplog.records if expected in record.getMessage()]) == 1
        file.write_text(routes("test"))
        await watched.until(lambda: watched.at == "test")
        assert watched.problems == []


async def test_going_back_to_what_is_in_force_clears_the_problems_without_a_revision(file: Path) -> None:
    async with watching(file) as watched:
        file.write_text("[")
        await watched.until(lambda: bool(watched.problems))
        file.write_text(routes())
        await watched.until(lambda: not watched.problems)
        assert watched.told[-1] == (None, [])
        assert len(watched.changes) == 1


def test_a_file_cut_anywhere_is_old_new_or_reported(file: Path) -> None:
    """C2: a prefix of YAML is often valid YAML."""
    from gateway.routes import load
    from gateway.routes.history import changes

    whole = routes(more=USERS)
    file.write_text(whole)
    before = load(file, environ={}).table
    assert before is not None
    for end in range(len(whole)):
        file.write_text(whole[:end])
        found = load(file, environ={})
        if found.table is None:
            assert found.problems
        elif len(found.table.clusters) < 2:
            assert "clusters removed: users" in changes(before, found.table)


async def test_a_half_written_file_is_not_read_while_it_grows(file: Path) -> None:
    """C2, C4: the writer pauses for less than it takes a file to settle."""
    async with watching(file) as watched:
        text = routes("test", more=USERS)
        with file.open("w") as out:
            for start in range(0, len(text), 40):
                out.write(text[start : start + 40])
                out.flush()
                await asyncio.sleep(0.005)
        await watched.until(lambda: watched.at == "test" and "users" in watched.keeper.table.clusters)
        assert watched.problems == []


async def test_saving_by_renaming_is_always_seen(file: Path) -> None:
    """C3."""
    async with watching(file) as watched:
        for word in itertools.islice(itertools.cycle(["test", "qa"]), 49):
            probe = file.with_name("4913")
            probe.touch()
            probe.unlink()
            replaced(file, routes(word))
        await watched.until(lambda: watched.at == "test")
        assert watched.problems == []
        assert set(watched.keeper.table.clusters) == {"orders"}


async def test_a_mounted_config_map_is_followed(tmp_path: Path) -> None:
    """C5: routes.yaml -> ..data/routes.yaml, and ..data is exchanged."""
    folder = tmp_path / "config"
    for version, word in (("..v1", "qa"), ("..v2", "test")):
        (folder / version).mkdir(parents=True)
        (folder / version / "routes.yaml").write_text(routes(word))
    (folder / "..data").symlink_to("..v1")
    (folder / "routes.yaml").symlink_to("..data/routes.yaml")
    async with watching(folder / "routes.yaml") as watched:
        assert watched.at == "qa"
        (folder / "..new").symlink_to("..v2")
        (folder / "..new").replace(folder / "..data")
        shutil.rmtree(folder / "..v1")
        await watched.until(lambda: watched.at == "test")


async def test_a_deleted_file_or_folder_keeps_the_table(tmp_path: Path) -> None:
    """C6."""
    folder = tmp_path / "config"
    folder.mkdir()
    file = folder / "routes.yaml"
    file.write_text(routes())
    async with watching(file) as watched:
        file.unlink()
        await watched.until(lambda: bool(watched.problems))
        assert watched.problems == ["routes.yaml:1:1: error: cannot be read: No such file or directory"]
        shutil.rmtree(folder)
        await asyncio.sleep(INTERVAL * 5)
        assert watched.at == "qa"
        folder.mkdir()
        file.write_text(routes("dev"))
        await watched.until(lambda: watched.at == "dev")
        assert watched.problems == []


async def test_a_missing_file_at_the_start_is_an_error(tmp_path: Path) -> None:
    """C6."""
    keeper = RoutesKeeper(tmp_path / "routes.yaml", environ={})
    with pytest.raises(ConfigError, match="cannot be read: No such file or directory") as caught:
        await keeper.start()
    assert caught.value.exit_code == 3
    await keeper.stop()


@pytest.mark.parametrize("kind", ["directory", "pipe", "device", "socket"])
async def test_what_is_no_file_is_refused_without_waiting(file: Path, kind: str) -> None:
    """C8."""
    async with watching(file) as watched:
        file.unlink()
        if kind == "directory":
            file.mkdir()
        elif kind == "pipe":
            os.mkfifo(file)
        elif kind == "device":
            file.symlink_to("/dev/zero")
        else:
            server = await asyncio.start_unix_server(lambda r, w: None, str(file))
            server.close()
            await server.wait_closed()
            if not file.exists():  # newer Pythons tidy up
                pytest.skip("the socket file is gone")
        await watched.until(lambda: bool(watched.problems))
        assert f"it is a {kind}, not a file" in watched.problems[0]
        assert watched.at == "qa"


async def test_a_huge_file_is_not_read(file: Path) -> None:
    """C8: ten gigabytes, without taking the room."""
    async with watching(file) as watched:
        with file.open("wb") as out:
            out.truncate(10 << 30)
        await watched.until(lambda: bool(watched.problems))
        assert "larger than 8 MiB" in watched.problems[0]


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("setpriv"), reason="needs root, to become somebody else")
def test_a_file_that_may_not_be_read_is_a_problem(tmp_path: Path) -> None:
    """C7."""
    code = "import os,pathlib,sys; from gateway.reload import load; "
    code += "print(*load(pathlib.Path(sys.argv[1]), environ={}).problems)"
    file = tmp_path / "routes.yaml"
    file.write_text(routes())
    file.chmod(0o600)
    for folder in (tmp_path, tmp_path.parent, tmp_path.parent.parent):
        folder.chmod(0o755)
    done = subprocess.run(
        ["setpriv", "--reuid=65534", "--clear-groups", sys.executable, "-c", code, str(file)],
        capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    if "Permission denied" not in done.stdout + done.stderr or "routes.yaml:1:1" not in done.stdout:
        pytest.skip(f"that user cannot run this Python: {done.stderr[-200:]}")
    assert done.stdout.strip() == "routes.yaml:1:1: error: cannot be read: Permission denied"


async def test_variables_come_from_the_environment_and_from_dotenv_beside(file: Path) -> None:
    """C14: the real environment wins; a change of .env counts like one of the file."""
    beside = file.parent / ".env"
    beside.write_text("WHERE=test\nOTHER=dev\n")
    file.write_text(routes("${WHERE}"))
    async with watching(file, environ={"OTHER": "qa"}) as watched:
        assert watched.at == "test"
        file.write_text(routes("${OTHER}"))
        await watched.until(lambda: watched.at == "qa")
        file.write_text(routes("${WHERE}"))
        beside.write_text("WHERE=dev\n")
        await watched.until(lambda: watched.at == "dev")
        beside.write_text("WHERE='dev\n")
        await watched.until(lambda: bool(watched.problems))
        assert watched.problems[0].startswith(".env:1:1: error: ")
        beside.unlink()
        await watched.until(lambda: "the variable WHERE is not set" in " ".join(watched.problems))
        assert watched.at == "dev"


async def test_a_large_file_is_read_beside_the_loop(file: Path) -> None:
    """C15: the loop keeps turning while thousands of routes are read."""
    async with watching(file) as watched:
        more = "".join(
            f"  c{i}: {{path: /c{i}, environment: qa, upstreams: {{qa: 'http://127.0.0.1:9301'}}}}\n"
            for i in range(3000)
        )
        replaced(file, routes("test", more=more))
        turns = 0
        while watched.at != "test":
            await asyncio.sleep(0)
            turns += 1
        assert turns > 100
        assert len(watched.keeper.table.clusters) == 3001


async def test_a_storm_of_saves_never_leaves_a_hole(file: Path) -> None:
    """C16."""
    async with watching(file) as watched:
        for word in itertools.islice(itertools.cycle(["test", "dev", "qa"]), 100):
            replaced(file, routes(word))
            assert watched.keeper.table.match(b"/api/orders/1") is not None
            await asyncio.sleep(0.002)
        replaced(file, routes("dev"))
        await watched.until(lambda: watched.at == "dev")
        assert len(watched.told) < 60
        assert watched.problems == []


async def test_a_route_to_the_gateway_itself_is_refused(file: Path) -> None:
    """C18."""
    text = routes().replace("http://127.0.0.1:9303", "http://localhost:9303")
    file.write_text(text)
    keeper = RoutesKeeper(file, own="http://127.0.0.1:9303", environ={})
    with pytest.raises(ConfigError, match="is the gateway itself"):
        await keeper.start()
    await keeper.stop()


async def test_the_same_times_and_size_do_not_hide_a_change(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """C19: a file system that shows no change at all; and a time in the future is nothing special."""
    monkeypatch.setattr("gateway.routes.watcher.REREAD", 0.05)
    monkeypatch.setattr("gateway.routes.watcher.look", lambda *rest: found)
    monkeypatch.setattr("gateway.routes.files.look_at", lambda path: (str(path),))
    found = tuple((str(path),) for path in (file.parent / ".env", file))
    async with watching(file) as watched:
        future = file.stat().st_mtime + 1e6
        file.write_text(routes("qa").replace("environment: qa  ", "environment: dev "))
        os.utime(file, (future, future))
        await watched.until(lambda: watched.at == "dev")
        assert watched.problems == []
        assert file.stat().st_mtime == future


async def test_a_restart_with_a_bad_file_resumes_the_last_good_revision_and_says_so(file: Path) -> None:
    """C20."""
    async with watching(file) as watched:
        (good, _) = watched.told[0]
    file.write_text(routes("qaa"))
    async with watching(file, last_good=good) as watched:
        assert watched.at == "qa"
        assert watched.keeper.table.revision == good.id
        assert "did you mean 'qa'?" in watched.problems[0]
        assert watched.told[-1][0] is None
        file.write_text(routes("test"))
        await watched.until(lambda: watched.at == "test")
        assert watched.changes == [("orders: qa -> test",)]


async def test_a_restart_with_the_same_file_adds_nothing_to_the_history(file: Path) -> None:
    async with watching(file) as watched:
        good, _ = watched.told[0]
    async with watching(file, last_good=good) as watched:
        assert watched.told == []
    file.write_text(routes("dev"))
    async with watching(file, last_good=good) as watched:
        assert watched.changes == [("orders: qa -> dev",)]


async def test_a_failing_listener_disturbs_nobody(file: Path) -> None:
    watched = Watched(file)
    watched.keeper._subscribers.insert(0, lambda revision, problems: 1 / 0)
    await watched.keeper.start()
    try:
        assert len(watched.told) == 1
        replaced(file, routes("dev"))
        await watched.until(lambda: len(watched.told) == 2)
    finally:
        await watched.keeper.stop()


# -- includes


async def test_included_files_are_watched_even_those_that_are_yet_to_come(file: Path) -> None:
    file.write_text(routes(more="include: [teams/*.yaml]\n"))
    teams = file.parent / "teams"
    async with watching(file) as watched:
        assert list(watched.keeper.table.clusters) == ["orders"]
        teams.mkdir()
        (teams / "a.yaml").write_text("clusters:\n" + USERS)
        await watched.until(lambda: "users" in watched.keeper.table.clusters)
        (teams / "a.yaml").write_text("clusters:\n" + USERS.replace("qa,", "qaa,"))
        await watched.until(lambda: bool(watched.problems))
        assert watched.problems[0].startswith("teams/a.yaml:2:")
        (teams / "a.yaml").unlink()
        await watched.until(lambda: "users" not in watched.keeper.table.clusters)
        assert watched.changes[-1] == ("clusters removed: users",)


async def test_an_included_link_must_not_lead_outside(file: Path, tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    (inner / "routes.yaml").write_text(routes(more="include: [a.yaml]\n"))
    (tmp_path / "secret.yaml").write_text("clusters:\n" + USERS)
    (inner / "a.yaml").symlink_to("../secret.yaml")
    with pytest.raises(ConfigError, match=r"a\.yaml leads out of the folder"):
        async with watching(inner / "routes.yaml"):
            pass


async def test_a_restart_resumes_included_clusters_too(file: Path) -> None:
    file.write_text(routes(more="include: [a.yaml]\n"))
    (file.parent / "a.yaml").write_text("clusters:\n" + USERS)
    async with watching(file) as watched:
        good, _ = watched.told[0]
    file.write_text("[")
    async with watching(file, last_good=good) as watched:
        assert list(watched.keeper.table.clusters) == ["orders", "users"]


async def test_a_certificate_that_cannot_be_used_is_a_problem_of_the_file(file: Path) -> None:
    text = routes().replace("qa: http://127.0.0.1:9303", "qa: {url: 'https://qa.example', tls: {ca: ca.pem}}")
    file.write_text(text)
    with pytest.raises(
        ConfigError, match=r"clusters\.orders\.upstreams\.qa\.tls: .*ca\.pem: cannot be used: No such file"
    ):
        async with watching(file):
            pass


# -- moves


async def test_a_move_changes_one_word_of_the_file_and_is_in_force_at_once(file: Path) -> None:
    file.chmod(0o640)
    async with watching(file) as watched:
        revision = await watched.keeper.move("orders", "test", source="console")
        assert watched.at == "test"
        assert file.read_text() == routes("test")
        assert stat.S_IMODE(file.stat().st_mode) == 0o640
        assert (revision.source, revision.changes) == ("console", ("orders: qa -> test",))
        await asyncio.sleep(INTERVAL * 10)
        assert [told for told, _ in watched.told][1:] == [revision]
        assert list(file.parent.iterdir()) == [file]


async def test_a_move_to_where_it_is_changes_nothing(file: Path) -> None:
    async with watching(file) as watched:
        before = file.stat()
        revision = await watched.keeper.move("orders", "qa", source="console")
        assert revision.changes == ()
        assert file.stat().st_ino == before.st_ino
        assert len(watched.told) == 1


@pytest.mark.parametrize(
    ("cluster", "environment", "expected"),
    [
        ("order", "qa", "there is no cluster 'order'; did you mean 'orders'?"),
        ("orders", "tset", "orders has no upstream in 'tset'; did you mean 'test'?"),
    ],
)
async def test_a_move_to_nowhere_names_what_exists(file: Path, cluster: str, environment: str, expected: str) -> None:
    async with watching(file) as watched:
        with pytest.raises(NotFoundError) as caught:
            await watched.keeper.move(cluster, environment, source="console")
        assert expected in str(caught.value)
        assert file.read_text() == routes()


async def test_an_invalid_file_is_not_moved(file: Path) -> None:
    async with watching(file) as watched:
        file.write_text(routes("qaa"))
        with pytest.raises(ConfigError, match="did you mean 'qa'"):
            await watched.keeper.move("orders", "test", source="console")
        assert file.read_text() == routes("qaa")
        assert watched.at == "qa"


async def test_a_move_follows_links_and_included_files(file: Path) -> None:
    real = file.parent / "real.yaml"
    real.write_text(routes(more="include: [teams/*.yaml]\n"))
    file.unlink()
    file.symlink_to("real.yaml")
    team = file.parent / "teams" / "a.yaml"
    team.parent.mkdir()
    team.write_text("clusters:\n" + USERS.replace("{qa:", "{dev: 'http://a.example', qa:"))
    async with watching(file) as watched:
        await watched.keeper.move("orders", "dev", source="console")
        await watched.keeper.move("users", "dev", source="console")
        assert file.is_symlink()
        assert "environment: dev " in real.read_text()
        assert "environment: dev," in team.read_text()
        assert watched.changes[1:] == [("orders: qa -> dev",), ("users: qa -> dev",)]


async def test_an_edit_just_before_a_move_is_kept(file: Path) -> None:
    """The file counts, not what was in force."""
    async with watching(file) as watched:
        file.write_text(routes("dev", more=USERS))
        revision = await watched.keeper.move("orders", "test", source="console")
        assert file.read_text() == routes("test", more=USERS)
        assert revision.changes == ("orders: qa -> test", "users: added at /api/users in qa")


async def test_a_hundred_moves(file: Path) -> None:
    async with watching(file) as watched:
        for word in itertools.islice(itertools.cycle(["test", "dev", "qa"]), 100):
            await watched.keeper.move("orders", word, source="console")
            assert watched.at == word
        assert len(watched.told) == 101


async def test_a_file_that_cannot_be_replaced_is_written_in_place(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is mounted by itself: the rename answers EBUSY."""

    def busy(self: Path, target: Path) -> None:
        raise OSError(16, "Device or resource busy")

    async with watching(file) as watched:
        inode = file.stat().st_ino
        with monkeypatch.context() as patched:
            patched.setattr(Path, "replace", busy)
            await watched.keeper.move("orders", "test", source="console")
        assert (file.read_text(), file.stat().st_ino) == (routes("test"), inode)
        assert list(file.parent.iterdir()) == [file]

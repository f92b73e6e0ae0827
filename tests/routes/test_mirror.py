"""Gateways of one database have one route table: moved, edited, raced for, in conflict, away.

Covers: store/postgres/routes.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from pathlib import Path

import pytest
from postgres import a_schema

from gateway.cli.main import main
from gateway.errors import ConfigError, StoreError
from gateway.model.recording import Revision
from gateway.paths import DatabasePath
from gateway.protocols import SharedRevision
from gateway.routes import RoutesKeeper
from gateway.routes import mirror as mirrors
from gateway.routes.mirror import Overtaken, RoutesMirror
from gateway.routes.parse import unbundle
from gateway.store import open_store
from gateway.store.postgres.connection import connect
from gateway.store.postgres.routes import SharedRoutes
from gateway.store.postgres.schema import migrate

PATIENCE = 60.0
TEXT = """\
version: 1
environments: [dev, test, qa]
clusters:
  orders:
    path: /api/orders
    environment: qa   # where it lives
    upstreams: {dev: http://127.0.0.1:9103, test: http://127.0.0.1:9203, qa: http://127.0.0.1:9303}
include: [teams/*.yaml]
"""
USERS = """\
clusters:
  users: {path: /api/users, environment: qa, upstreams: {dev: 'http://127.0.0.1:9101', qa: 'http://127.0.0.1:9301'}}
"""


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mirrors, "EVERY", 0.02)


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    """With tables; each test begins without routes."""
    with a_schema() as url:
        yield url


@pytest.fixture
def url(database: str) -> str:
    with closing(connect(database)) as connection:
        migrate(connection, "")
        for table in ("routes", "revisions"):
            connection.execute(f"DELETE FROM {table}")
    return database


def routes_in(folder: Path, text: str = TEXT) -> Path:
    (folder / "teams").mkdir(parents=True, exist_ok=True)
    (folder / "teams" / "users.yaml").write_text(USERS)
    (folder / "routes.yaml").write_text(text)
    return folder / "routes.yaml"


@asynccontextmanager
async def keeping(url: str, folder: Path, *, store: SharedRoutes | None = None) -> AsyncIterator[RoutesKeeper]:
    """A gateway's routes, in a folder that holds routes.yaml and what the gateway remembers."""
    with closing(store or SharedRoutes(url)) as shared:
        file = folder / "routes.yaml"
        last_good = next(iter(history(url)), None)
        mirror = RoutesMirror(shared, file, folder)
        keeper = RoutesKeeper(file, interval=0.02, environ={}, last_good=last_good, mirror=mirror)
        await keeper.start()
        try:
            yield keeper
        finally:
            await keeper.stop()


def history(url: str) -> list[Revision]:
    with closing(open_store(DatabasePath.of(url))) as store:
        return list(store.revisions(limit=1000))


def at(keeper: RoutesKeeper, cluster: str = "orders") -> str:
    return keeper.table.clusters[cluster].environment


async def until_at(keeper: RoutesKeeper, environment: str, cluster: str = "orders") -> None:
    async with asyncio.timeout(PATIENCE):
        while at(keeper, cluster) != environment:
            await asyncio.sleep(0.01)


async def until_problem(keeper: RoutesKeeper, words: str) -> str:
    async with asyncio.timeout(PATIENCE):
        while not (found := [str(one) for one in keeper.problems if words in str(one)]):
            await asyncio.sleep(0.01)
    return found[0]


@asynccontextmanager
async def two(url: str, tmp_path: Path) -> AsyncIterator[tuple[RoutesKeeper, RoutesKeeper]]:
    async with AsyncExitStack() as stack:
        for name in ("one", "two"):
            routes_in(tmp_path / name)
        first = await stack.enter_async_context(keeping(url, tmp_path / "one"))
        yield first, await stack.enter_async_context(keeping(url, tmp_path / "two"))


async def test_a_move_at_one_gateway_is_in_force_at_the_other_and_in_its_file(url: str, tmp_path: Path) -> None:
    async with two(url, tmp_path) as (one, other):
        await one.move("orders", "test", source="console")
        await until_at(other, "test")
        await other.move("users", "dev", source="command line")  # in the included file
        await until_at(one, "dev", "users")
        for name in ("routes.yaml", "teams/users.yaml"):
            assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
        assert one.table.revision == other.table.revision
    assert [(found.source, found.changes) for found in history(url)] == [
        ("command line", ("users: qa -> dev",)), ("console", ("orders: qa -> test",)), ("start", ()),
    ]  # fmt: skip


async def test_an_edited_file_is_a_proposal_and_reaches_the_others(url: str, tmp_path: Path) -> None:
    async with two(url, tmp_path) as (one, other):
        one.file.write_text(TEXT.replace("environment: qa ", "environment: dev "))
        await until_at(other, "dev")
        (tmp_path / "two" / "teams" / "users.yaml").unlink()
        async with asyncio.timeout(PATIENCE):
            while "users" in one.table.clusters:
                await asyncio.sleep(0.01)
        assert not (tmp_path / "one" / "teams" / "users.yaml").exists()
    assert history(url)[0].changes == ("clusters removed: users",)


async def test_racing_moves_make_one_history_without_forks(url: str, tmp_path: Path) -> None:
    told = 0

    async def mover(keeper: RoutesKeeper, environments: tuple[str, str]) -> None:
        nonlocal told
        for number in range(15):
            try:
                await keeper.move("orders", environments[number % 2], source=environments[number % 2])
            except Overtaken as error:
                told += 1
                assert "another gateway changed the routes" in error.message

    async with two(url, tmp_path) as (one, other):
        await asyncio.gather(mover(one, ("dev", "test")), mover(other, ("test", "qa")))
        with closing(SharedRoutes(url)) as store:
            there = store.read()
        assert there is not None
        outer, _ = unbundle(there.revision.text)
        async with asyncio.timeout(PATIENCE):  # a table and a file may be those of an older version that said the same
            while {one.table.revision, other.table.revision} != {there.revision.id} or {
                one.file.read_bytes(), other.file.read_bytes()
            } != {outer}:  # fmt: skip
                await asyncio.sleep(0.01)
        assert list(one.problems) == list(other.problems) == []
        last = at(one)
    place = "qa"
    for found in reversed([one for one in history(url) if one.changes]):
        before, after = found.changes[0].removeprefix("orders: ").split(" -> ")
        assert before == place, "a version was made from another one than the last"
        place = after
    assert place == last and told < 30


async def test_files_that_were_both_changed_are_a_conflict_until_pull_or_push(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with two(url, tmp_path) as (one, other):
        await one.move("orders", "test", source="console")
        await until_at(other, "test")
    routes_in(tmp_path / "two", TEXT.replace("environment: qa ", "environment: dev "))
    async with keeping(url, tmp_path / "one") as one:
        await one.move("users", "dev", source="console")
    async with keeping(url, tmp_path / "two") as other:
        said = await until_problem(other, "gateway routes pull")
        assert said.startswith("routes.yaml:6:1: error") and "version 3 (users: qa -> dev, console)" in said
        assert (at(other), at(other, "users")) == ("test", "dev")  # the last good one: that of the others
        with pytest.raises(ConfigError):
            await other.move("orders", "qa", source="console")
        words = ["-c", str(other.file), "-r", url]
        assert await asyncio.to_thread(main, ["routes", "pull", *words]) == 0
        async with asyncio.timeout(PATIENCE):
            while other.problems:
                await asyncio.sleep(0.01)
        assert other.file.read_text() == TEXT.replace("environment: qa ", "environment: test ")
        assert "version 3" in capsys.readouterr().out


async def test_push_gives_the_others_a_file_in_conflict(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    routes_in(tmp_path / "one")
    routes_in(tmp_path / "two", TEXT.replace("environment: qa ", "environment: dev "))
    async with keeping(url, tmp_path / "one") as one:
        words = ["-c", str(tmp_path / "two" / "routes.yaml"), "-r", url, "--json"]
        assert await asyncio.to_thread(main, ["routes", "push", *words]) == 0
        await until_at(one, "dev")
    assert history(url)[0].source == "push"
    async with keeping(url, tmp_path / "two") as other:
        assert (at(other), list(other.problems)) == ("dev", [])


async def test_a_file_that_nobody_edited_is_written_anew_at_the_start(url: str, tmp_path: Path) -> None:
    async with two(url, tmp_path):
        pass
    async with keeping(url, tmp_path / "one") as one:
        await one.move("orders", "test", source="console")
    async with keeping(url, tmp_path / "two") as other:
        assert at(other) == "test" and "environment: test " in other.file.read_text()


class Away(SharedRoutes):
    is_away = False

    def read(self) -> SharedRevision | None:
        if self.is_away:
            raise StoreError("the database is away", code="away")
        return super().read()

    def version(self) -> int:
        if self.is_away:
            raise StoreError("the database is away", code="away")
        return super().version()

    def propose(self, seen: int, revision: Revision) -> bool:
        if self.is_away:
            raise StoreError("the database is away", code="away")
        return super().propose(seen, revision)


async def test_while_the_database_is_away_moves_are_refused_and_edits_wait(url: str, tmp_path: Path) -> None:
    file, store = routes_in(tmp_path / "one"), Away(url)
    async with keeping(url, tmp_path / "one", store=store) as one:
        store.is_away = True
        with pytest.raises(StoreError):
            await one.move("orders", "test", source="console")
        assert (at(one), file.read_text()) == ("qa", TEXT)
        file.write_text(TEXT.replace("environment: qa ", "environment: dev "))
        await until_problem(one, "waits for the database")
        assert at(one) == "qa"
        store.is_away = False
        await until_at(one, "dev")
        assert list(one.problems) == []
    assert history(url)[0].changes == ("orders: qa -> dev",)


def test_without_a_database_there_is_nothing_to_pull(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["routes", "pull", "-c", str(routes_in(tmp_path)), "-r", str(tmp_path / "gateway.db")]) == 2
    assert "share a database" in capsys.readouterr().err


def test_the_database_is_known_again(url: str) -> None:
    with closing(SharedRoutes(url)) as one, closing(SharedRoutes(url)) as other:
        assert one.identity() == other.identity() != ""
        assert json.dumps(one.identity())

"""Which version ran where, and since when."""

from __future__ import annotations

import sqlite3

import pytest
from postgres import BOTH

from gateway.store import open_recorder, open_store
from gateway.store.sqlite.schema import BUILDS
from gateway.store.sqlite.server_builds import add_build, build_at

ENGINES = BOTH


@pytest.fixture
def builds():
    connection = sqlite3.connect(":memory:")
    connection.executescript(BUILDS)
    for since, build in ((1000.0, "1.0"), (2000.0, "1.1"), (2500.0, "1.1"), (3000.0, "1.0")):
        add_build(connection, cluster="orders", environment="qa", build=build, since=since)
    yield connection
    connection.close()


@pytest.mark.parametrize(
    ("moment", "build"),
    [(900, ""), (950, "1.0"), (1000, "1.0"), (1999, "1.0"), (2000, "1.1"), (2999, "1.1"), (3000, "1.0"), (9e9, "1.0")],
)
def test_the_version_of_a_moment(moment, build, builds):
    assert build_at(builds, "orders", "qa", moment) == build
    assert build_at(builds, "orders", "test", moment) == ""


def test_a_version_that_is_known_is_not_written_again(builds):
    assert builds.execute("SELECT count(*) FROM builds").fetchone() == (3,)


async def test_the_recorder_writes_it_and_the_store_reads_it(path):
    recorder = open_recorder(path, seal=lambda capture: capture)
    await recorder.start()
    recorder.add_build("orders", "qa", "1.9.3")
    recorder.add_build("orders", "qa", "1.9.3")
    await recorder.stop()
    with_version = open_store(path)
    assert with_version.build("orders", "qa", "2099-01-01T00:00:00.000000Z") == "1.9.3"
    assert (with_version.build("orders", "dev", "2099-01-01T00:00:00Z"), with_version.build("orders", "qa", "")) == (
        "",
        "",
    )

"""Routes out of the files of `gateway run`: short forms, one order, several files, and moves into each of them."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from gateway.errors import ConfigError
from gateway.model.recording import Revision
from gateway.routes import RoutesKeeper
from gateway.routes.edit import place_of
from gateway.routes.files import Loaded
from gateway.routes.move import prepare_move, prepare_origin
from gateway.routes.parse import parse_stored
from gateway.routes.run_files import DeclaredCluster, DeclaredRoutes, RunFiles

SHOP = """\
title: Shop
steps:
  - {title: No, call: GET orders:/x, form: {on: yes, n: 012, a: "${NOTHING}"}}
clusters:
  orders:
    dev: http://127.0.0.1:1
    qa: {url: http://127.0.0.1:2, timeout: {connect: 1s}}
    health: /health
  echo: http://127.0.0.1:9
"""


NOTHING = DeclaredRoutes()


def run_of(*files: Path, declared: DeclaredRoutes = NOTHING) -> RunFiles:
    return RunFiles(files, lambda path, raw: declared, lambda path: path.name)


def load(*files: Path, declared: DeclaredRoutes = NOTHING, **environ: str) -> Loaded:
    return run_of(*files, declared=declared).load(environ=environ)


def write(folder: Path, name: str, text: str) -> Path:
    file = folder / name
    file.write_text(text)
    return file


def test_a_lone_file_need_not_say_what_can_be_filled_in(tmp_path: Path) -> None:
    found = load(write(tmp_path, "shop.yaml", SHOP))
    assert found.problems == ()
    table = found.table
    assert table is not None
    orders, echo = table.clusters["orders"], table.clusters["echo"]
    assert (table.environments, orders.prefix, orders.environment) == (("dev", "qa"), b"/api/orders", "dev")
    assert {name: up.url for name, up in orders.upstreams.items()} == {
        "dev": "http://127.0.0.1:1", "qa": "http://127.0.0.1:2",
    }  # fmt: skip
    assert (echo.environment, list(echo.upstreams)) == ("dev", ["dev"])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("clusters:\n  a:\n    dev: http://x\n    helth: /h\n", "shop.yaml:4:5: error: clusters.a.helth: unknown key"),
        ("clusters:\n  a:\n    dev: http://x\n    environment: qaa\n", "shop.yaml:4:18: error: clusters.a.environment"),
        ("environments: [qa]\nclusters:\n  a:\n    qaa: http://x\n", "did you mean 'qa'?"),
        ("clusters:\n  a: ftp://x\n", "shop.yaml:2:6: error"),
        ("clusters:\n  a: {qa: 'localhost:80'}\n", "shop.yaml:2:11: error: clusters.a.upstreams.qa"),
        ("clusters: [a]\n", "shop.yaml:1:11: error: clusters: expected a mapping"),
        ("clusters:\n  a: {dev: '${NOT_SET}'}\n", "shop.yaml:2:12: error"),
        ("clusters:\n  a: {x: [\n", "shop.yaml:"),
    ],
)
def test_a_mistake_has_its_place_in_its_file(tmp_path: Path, text: str, expected: str) -> None:
    found = load(write(tmp_path, "shop.yaml", text))
    assert found.table is None
    assert expected in "\n".join(map(str, found.problems))


def test_several_files_make_one_table_with_one_order(tmp_path: Path) -> None:
    (tmp_path / "team").mkdir()
    first = write(tmp_path, "a.yaml", "clusters: {a: {dev: http://a1, qa: http://a3}}\ncors: {origins: ['http://x']}\n")
    second = write(
        tmp_path / "team", "b.yaml",
        "environments: [dev, test, qa]\nclusters:\n  b: {test: http://b, contract: c.yaml}\n"
        "cors: {origins: ['http://x', 'http://y']}\nredact: {json: [$..iban]}\n",
    )  # fmt: skip
    (tmp_path / "team" / "c.yaml").write_text("openapi: 3.1.0\n")
    (tmp_path / "team" / ".env").write_text("OWN=1\n")
    found = load(first, second)
    assert found.problems == ()
    assert found.table is not None
    assert found.table.environments == ("dev", "test", "qa")
    assert list(found.table.clusters) == ["a", "b"]
    assert found.table.cors.origins == {b"http://x", b"http://y"}
    assert found.parsed.config is not None
    contract = found.parsed.config.clusters["b"].contract
    assert contract is not None
    assert contract.source == str(tmp_path / "team" / "c.yaml")


def test_what_two_files_say_differently_is_a_problem_with_both_places(tmp_path: Path) -> None:
    first = write(tmp_path, "a.yaml", "clusters:\n  a:\n    dev: http://a\n")
    again = write(tmp_path, "b.yaml", "clusters:\n  a:\n    dev: http://a\n    qa: http://q\n")
    assert load(first, again).problems == ()
    other = write(tmp_path, "c.yaml", "clusters:\n  a:\n    dev: http://other\n")
    assert [str(each) for each in load(first, other).problems] == [
        "c.yaml:3:10: error: clusters.a.upstreams.dev: is not what a.yaml:3 says"
    ]


def test_a_python_file_declares_clusters_with_their_lines(tmp_path: Path) -> None:
    file = write(tmp_path, "shop.py", "")
    good = DeclaredRoutes(
        (DeclaredCluster(None, {"environments": ["dev", "qa"]}, 3), DeclaredCluster("a", {"qa": "http://${HOST}"}, 7))
    )
    found = load(file, declared=good, HOST="h")
    assert found.problems == ()
    assert found.table is not None
    assert (found.table.environments, found.table.clusters["a"].upstreams["qa"].url) == (("dev", "qa"), "http://h")
    assert place_of(found.parsed.text, "a", name="shop.py") == ("shop.py", 7)
    twice = DeclaredRoutes((DeclaredCluster("a", "http://a", 2), DeclaredCluster("a", "ftp://b", 9)))
    assert [str(each) for each in load(file, declared=twice).problems] == [
        "shop.py:9:1: error: clusters.a: stands twice: here and in line 2"
    ]


def test_what_history_stores_is_read_again_and_does_not_change_with_the_steps(tmp_path: Path) -> None:
    file = write(tmp_path, "shop.yaml", SHOP)
    found = load(file)
    stored = parse_stored(found.parsed.text)
    assert stored.problems == ()
    assert stored.config is not None
    assert found.parsed.config is not None
    assert stored.config.clusters == found.parsed.config.clusters
    assert place_of(found.parsed.text, "orders", name="shop.yaml") == ("shop.yaml", 5)
    file.write_text(SHOP.replace("clusters:", "  - {title: B, call: GET orders:/y}\nclusters:"))
    moved_down = load(file)
    assert moved_down.parsed.revision == found.parsed.revision
    assert place_of(moved_down.parsed.text, "orders", name="shop.yaml") == ("shop.yaml", 6)


async def test_a_start_with_a_broken_file_goes_on_with_the_last_good_state(tmp_path: Path) -> None:
    code, text = write(tmp_path, "a.py", ""), write(tmp_path, "b.yaml", SHOP)
    run = run_of(code, text, declared=DeclaredRoutes((DeclaredCluster("a", "http://a", 2),)))
    kept: list[Revision] = []
    first = RoutesKeeper(code, run=run, environ={})
    first.subscribe(lambda revision, problems: kept.append(revision) if revision else None)
    await first.start()
    await first.stop()
    text.write_text(SHOP.replace("health:", "helth:"))
    again = RoutesKeeper(code, run=run, environ={}, last_good=kept[0])
    await again.start()
    await again.stop()
    assert sorted(again.table.clusters) == ["a", "echo", "orders"]
    assert "helth" in str(again.problems[0])
    assert again.name == "a.py, b.yaml"


def test_a_move_changes_the_file_that_says_the_cluster(tmp_path: Path) -> None:
    first, second = write(tmp_path, "a.yaml", "clusters: {x: http://x}\n"), write(tmp_path, "b.yaml", SHOP)
    run = run_of(first, second)
    now = run.load(environ={})
    change = prepare_move(now, "orders", "qa", again=partial(_again, run))
    change.write()
    assert second.read_text() == SHOP.replace("  orders:\n", "  orders:\n    environment: qa\n")
    assert first.read_text() == "clusters: {x: http://x}\n"
    assert change.then.table is not None
    assert change.then.table.clusters["orders"].environment == "qa"
    again = run.load(environ={})
    prepare_move(again, "orders", "dev", again=partial(_again, run)).write()
    assert "    environment: dev\n" in second.read_text()


def test_an_origin_is_listed_in_yaml_and_a_python_file_is_left_alone(tmp_path: Path) -> None:
    code, text = write(tmp_path, "a.py", ""), write(tmp_path, "b.yaml", SHOP)
    run = run_of(code, text)
    prepare_origin(run.load(environ={}), "http://localhost:4200", again=partial(_again, run)).write()
    assert text.read_text().endswith('cors: {origins: ["http://localhost:4200"]}\n')
    alone = run_of(code)
    with pytest.raises(ConfigError, match="routes\\(cors="):
        prepare_origin(alone.load(environ={}), "http://localhost:4200", again=partial(_again, alone))


def _again(run: RunFiles, instead: dict[str, bytes]) -> Loaded:
    return run.load(environ={}, instead=instead)

"""What `gateway run FILE...` may be given, and which demos come of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.demos.registry import DemosKeeper
from gateway.demos.run_sources import demo_sources, named, route_files
from gateway.errors import GatewayError
from gateway.protocols import Options

STEPS = "steps: [{title: Find, call: GET a:/x}]\n"
CODE = "from gateway.demo import call, step\n@step\ndef other(): call('GET a:/y')\n"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("team/c", "team/d/templates/demos/one", "empty"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "shop.yaml").write_text("clusters: {a: http://a}\n" + STEPS)
    (tmp_path / "more.py").write_text(CODE)
    (tmp_path / "team" / "shop.yaml").write_text(STEPS)
    (tmp_path / "team" / "c" / "demo.yaml").write_text(STEPS)
    (tmp_path / "team" / "d" / "routes.yaml").write_text("clusters: {d: http://d}\n")
    (tmp_path / "team" / "d" / "templates" / "demos" / "one" / "demo.yaml").write_text("title: One\n" + STEPS)
    (tmp_path / "notes.txt").write_text("x")
    return tmp_path


def test_files_folders_and_names_without_an_ending(here: Path) -> None:
    paths = named(["shop.yaml", "more.py", "team/c", "team/d", "team/shop", "shop.yaml"])
    assert [str(path) for path in paths] == ["shop.yaml", "more.py", "team/c", "team/d", "team/shop.yaml"]
    assert [str(path) for path in route_files(paths)] == [
        "shop.yaml", "more.py", "team/c/demo.yaml", "team/d/routes.yaml", "team/shop.yaml",
    ]  # fmt: skip
    keeper = keeper_of(paths)
    assert {name: entry.demo.title for name, entry in keeper.entries.items() if entry.demo} == {
        "shop": "shop", "more": "more", "c": "c", "one": "One", "team-shop": "team-shop",
    }  # fmt: skip
    assert [entry.problems for entry in keeper.entries.values()] == [()] * 5


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ([], "run needs a file"),
        (["shp.yaml"], "shp.yaml: there is no such file; did you mean 'shop.yaml'?"),
        (["tem"], "did you mean 'team'?"),
        (["notes.txt"], "neither Python nor YAML nor a folder"),
        (["empty"], "neither routes.yaml nor demo.yaml is in this folder"),
        (["more"], "code runs only where its file is named whole"),
    ],
)
def test_what_is_named_wrongly_says_so(here: Path, words: list[str], why: str) -> None:
    with pytest.raises(GatewayError) as caught:
        named(words)
    assert why in str(caught.value)


def test_code_beside_a_file_runs_only_where_it_is_named(here: Path) -> None:
    (here / "shop.yaml").write_text("code: more.py\n" + STEPS)
    alone = keeper_of([Path("shop.yaml")]).entries["shop"]
    assert [step.title for step in alone.demo.steps] == ["Find"]
    assert "name it too: gateway run shop.yaml more.py" in str(alone.problems[0])
    both = keeper_of([Path("shop.yaml"), Path("more.py")]).entries
    assert list(both) == ["shop"]
    assert [step.title for step in both["shop"].demo.steps] == ["Find", "Other"]


def test_a_file_that_says_routes_alone_is_no_demo(here: Path) -> None:
    (here / "shop.yaml").write_text("clusters: {a: http://a}\n")
    (here / "more.py").write_text("from gateway.demo import cluster\ncluster('b', 'http://b')\n")
    assert keeper_of(named(["shop.yaml", "more.py"])).entries == {}
    (here / "more.py").write_text("x = 1\n")
    (here / "shop.yaml").write_text("cluster: {a: http://a}\n")
    found = keeper_of(named(["shop.yaml", "more.py"])).entries
    assert "it has no step; write @step above a function" in str(found["more"].problems[0])
    assert "shop.yaml:1:1: error: cluster: 'cluster' is not known here" in "\n".join(map(str, found["shop"].problems))


def keeper_of(paths) -> DemosKeeper:
    options = Options(paths[0], Path("r.db"), run=tuple(paths))
    keeper = DemosKeeper(options, sources=lambda: demo_sources(paths))
    keeper.look()
    keeper.look()
    return keeper

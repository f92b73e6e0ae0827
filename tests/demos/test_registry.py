"""Demos come, change and go while the gateway runs; a bad save keeps the last good demo.

Covers: paths.
"""

import os

import pytest

from gateway.demos.registry import DemosKeeper, demo_folder
from gateway.paths import templates_dir
from gateway.protocols import Options

GOOD = "title: {}\nsteps:\n  - title: One\n    call: GET c:/x\n"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "templates" / "demos").mkdir(parents=True)
    return tmp_path / "templates" / "demos"


@pytest.fixture
def keeper(tmp_path, folder):
    return DemosKeeper(Options(tmp_path / "routes.yaml", tmp_path / "gateway.db"))


def save(folder, name, text):
    (folder / name).mkdir(exist_ok=True)
    new = folder / name / "demo.yaml.new"
    new.write_text(text)
    new.replace(folder / name / "demo.yaml")


def test_a_demo_is_there_as_soon_as_it_is_saved_and_gone_when_it_is_removed(keeper, folder):
    keeper.look()
    assert keeper.entries == {}
    save(folder, "b", GOOD.format("B"))
    save(folder, "a", GOOD.format("A"))
    keeper.look()
    assert [entry.demo.title for entry in keeper.entries.values()] == ["A", "B"]
    (folder / "a" / "demo.yaml").unlink()
    keeper.look()
    assert list(keeper.entries) == ["b"]


def test_a_bad_save_keeps_the_last_good_demo_and_says_why(keeper, folder, caplog):
    save(folder, "a", GOOD.format("A"))
    keeper.look()
    save(folder, "a", "title: A\nstep: x\n")
    keeper.look()
    entry = keeper.entries["a"]
    assert entry.demo.title == "A"
    assert any("did you mean 'steps'?" in str(problem) for problem in entry.problems)
    assert "demo.yaml:2:1: error" in caplog.text
    save(folder, "a", GOOD.format("mended"))
    keeper.look()
    assert (keeper.entries["a"].demo.title, keeper.entries["a"].problems) == ("mended", ())


def test_nothing_is_read_again_while_nothing_changes(keeper, folder):
    save(folder, "a", GOOD.format("A"))
    keeper.look()
    before = keeper.entries["a"]
    keeper.look()
    assert keeper.entries["a"] is before


def test_a_page_that_appears_mends_the_demo_that_names_it(keeper, folder):
    save(folder, "a", GOOD.format("A") + "    page: own.html\n")
    keeper.look()
    assert not keeper.entries["a"].demo
    (folder / "a" / "own.html").write_text("x")
    keeper.look()
    assert keeper.entries["a"].demo.steps[0].page == "own.html"


@pytest.mark.parametrize("kind", ["fifo", "folder", "large"])
def test_what_is_no_readable_file_is_a_problem_and_does_not_hang(keeper, folder, kind):
    (folder / "a").mkdir()
    file = folder / "a" / "demo.yaml"
    if kind == "fifo":
        os.mkfifo(file)
    elif kind == "folder":
        file.mkdir()
    else:
        file.write_bytes(b"#" * (2 << 20))
    keeper.look()
    assert "cannot be read" in str(keeper.entries["a"].problems[0])


def test_demos_beside_routes_yaml_stand_in_for_those_that_ship(tmp_path, folder):
    options = Options(tmp_path / "routes.yaml", tmp_path / "gateway.db")
    assert demo_folder(options) == folder
    assert demo_folder(Options(tmp_path / "x" / "routes.yaml", tmp_path / "g.db")) == templates_dir() / "demos"

"""Python files of demos: run once for each way that they are, with what they import from beside them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gateway.demos.code_modules import CodeModules

SHOP = """\
from gateway.demo import cluster, step
import {helper}

cluster("a", qa=helper_url())
""".replace("helper_url()", "{helper}.URL")


COUNT = """\
from pathlib import Path
runs = Path(__file__ + ".runs")
runs.write_text((runs.read_text() if runs.exists() else "") + "x")
"""


def write(file: Path, text: str) -> Path:
    file.write_text(text)
    os.utime(file, ns=(0, file.stat().st_mtime_ns + 1_000_000))  # a clock that is too coarse hides nothing
    return file


def test_a_module_runs_once_until_it_changes(tmp_path: Path) -> None:
    file = write(tmp_path / "shop.py", "from gateway.demo import cluster\n" + COUNT)
    modules = CodeModules()
    first = modules.load(file, "shop.py")
    assert modules.load(file, "shop.py") is first
    modules.routes_of(file, "shop.py")
    assert (tmp_path / "shop.py.runs").read_text() == "x"
    write(file, file.read_text() + "cluster('a', 'http://a')\n")
    assert [each.name for each in modules.routes_of(file, "shop.py").clusters] == ["a"]
    assert (tmp_path / "shop.py.runs").read_text() == "xx"


def test_what_it_imports_from_beside_it_is_watched_too(tmp_path: Path) -> None:
    helper = write(tmp_path / "helper_of_shop.py", "URL = 'http://one'\n")
    file = write(tmp_path / "shop.py", SHOP.replace("{helper}", "helper_of_shop"))
    modules = CodeModules()
    assert modules.routes_of(file, "shop.py").clusters[0].keys == {"qa": "http://one"}
    assert modules.routes_of(file, "shop.py").watched == (helper,)
    write(helper, "URL = 'http://another'\n")
    assert modules.routes_of(file, "shop.py").clusters[0].keys == {"qa": "http://another"}
    assert not list(tmp_path.glob("__pycache__"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\nimport nothing_of_that_name\n", "shop.py:2:1: error: ModuleNotFoundError: No module named"),
        ("x = 1\nx(\n", "shop.py:2:2: error: '(' was never closed"),
        ("def f():\n    raise ValueError('no')\nf()\n", "shop.py:2:1: error: ValueError: no"),
        ("import sys\nsys.exit(3)\n", "shop.py:2:1: error: SystemExit: 3"),
    ],
)
def test_one_that_cannot_run_says_where_and_its_last_clusters_stay(tmp_path: Path, text: str, expected: str) -> None:
    file = write(tmp_path / "shop.py", "from gateway.demo import cluster\ncluster('a', 'http://a')\n")
    modules = CodeModules()
    good = modules.routes_of(file, "shop.py")
    write(file, text)
    assert str(modules.load(file, "shop.py").problems[0]).startswith(expected)
    assert modules.routes_of(file, "shop.py") is good
    assert str(CodeModules().routes_of(file, "shop.py").problems[0]).startswith(expected)
    file.unlink()
    assert "cannot be read" in str(modules.routes_of(file, "shop.py").problems[0])


def test_another_content_is_tried_without_being_put_in_force(tmp_path: Path) -> None:
    file = write(tmp_path / "shop.py", "from gateway.demo import cluster\ncluster('a', 'http://a')\n")
    modules = CodeModules()
    before = modules.load(file, "shop.py")
    tried = modules.routes_of(file, "shop.py", file.read_bytes() + b"cluster('b', 'http://b')\n")
    assert [each.name for each in tried.clusters] == ["a", "b"]
    assert modules.load(file, "shop.py") is before

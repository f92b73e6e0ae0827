"""Reading and writing routes.yaml, whatever stands in its place.

Covers: routes/move.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gateway.errors import ConfigError
from gateway.routes import load, prepare_move
from gateway.routes.files import Unreadable, read_file, write_file

ROUTES = """\
version: 1
environments: [test, qa]
clusters:
  orders: {path: /o, environment: qa, upstreams: {test: 'http://a.example', qa: 'http://b.example'}}
"""


def test_a_write_replaces_the_whole_content_and_keeps_mode_and_links(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    real.write_bytes(b"old content")
    real.chmod(0o604)
    link.symlink_to("real")
    write_file(link, b"new")
    assert (real.read_bytes(), link.is_symlink(), real.stat().st_mode & 0o777) == (b"new", True, 0o604)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "real"]


def test_what_somebody_else_wrote_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"theirs")
    with pytest.raises(Unreadable, match="changed by somebody else"):
        write_file(file, b"ours", expected=b"as we read it")
    assert file.read_bytes() == b"theirs"


def test_a_move_is_not_written_over_a_newer_edit(tmp_path: Path) -> None:
    file = tmp_path / "routes.yaml"
    file.write_text(ROUTES)
    change = prepare_move(
        load(file, environ={}), "orders", "test", again=lambda instead: load(file, environ={}, instead=instead)
    )
    file.write_text(ROUTES + "# newer\n")
    with pytest.raises(ConfigError, match="changed by somebody else"):
        change.write()
    assert file.read_text() == ROUTES + "# newer\n"


def test_a_pipe_nobody_writes_to_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(Unreadable, match="it is a pipe, not a file"):
        read_file(tmp_path / "pipe")


def test_a_file_up_to_the_limit_is_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x" * 10)
    assert read_file(tmp_path / "file", 10) == b"x" * 10
    with pytest.raises(Unreadable, match="larger"):
        read_file(tmp_path / "file", 9)


def test_included_files_come_in_the_order_of_their_names_without_what_editors_leave(tmp_path: Path) -> None:
    (tmp_path / "teams").mkdir()
    cluster = "clusters: {NAME: {path: /NAME, environment: qa, upstreams: {qa: 'http://a.example'}}}\n"
    for name in ("b", "a", ".#a", "#a"):
        (tmp_path / f"teams/{name}.yaml").write_text(cluster.replace("NAME", name.strip(".#")))
    file = tmp_path / "routes.yaml"
    file.write_text(ROUTES + "include: [teams/*.yaml]\n")
    found = load(file, environ={})
    assert found.table is not None, found.problems
    assert list(found.table.clusters) == ["orders", "a", "b"]
    assert list(found.files) == ["routes.yaml", "teams/a.yaml", "teams/b.yaml"]


def test_a_file_that_includes_itself_is_read_once(tmp_path: Path) -> None:
    file = tmp_path / "routes.yaml"
    file.write_text(ROUTES + "include: ['*.yaml']\n")
    assert load(file, environ={}).problems == ()

"""`gateway import`: with and without a gateway that runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gateway.cli.main import main
from gateway.store import open_store

ROUTES = """\
version: 1
environments: [qa]
clusters:
  orders: {path: /api/orders, environment: qa, upstreams: {qa: "http://127.0.0.1:9/v3"}}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("routes.yaml").write_text(ROUTES, "utf-8")
    Path("chain.sh").write_text(
        "curl http://127.0.0.1:9/v3/orders/1 -H 'Authorization: Bearer canary-5f1c9a7b33'\n", "utf-8"
    )
    return tmp_path


def test_a_file_becomes_a_recording(folder, capsys):
    assert main(["import", "chain.sh"]) == 0
    assert "chain.sh, 1 step" in capsys.readouterr().out
    store = open_store(Path("recordings/gateway.db"))
    recording = store.recording("chain.sh")
    one = store.exchanges(recording.id).items[0]
    assert (recording.kind, recording.title, recording.clusters) == ("import", "chain.sh", ("orders@qa",))
    assert (one.path, one.upstream_url) == ("/api/orders/orders/1", "http://127.0.0.1:9/v3/orders/1")
    assert one.request.header("authorization").startswith("Bearer sealed_")
    store.close()


def test_a_bundle_comes_back_byte_for_byte(folder, capsys):
    assert main(["import", "chain.sh", "--json"]) == 0
    first = json.loads(capsys.readouterr().out)["items"][0]["id"]
    assert main(["export", first, "-o", "one.bundle.json"]) == 0
    assert main(["import", "one.bundle.json", "--json"]) == 0
    second = json.loads(capsys.readouterr().out)["items"][0]["id"]
    assert main(["export", second, "-o", "two.bundle.json"]) == 0
    assert first != second
    assert Path("one.bundle.json").read_bytes() == Path("two.bundle.json").read_bytes()


def test_a_file_that_is_off_is_named_with_its_place(folder, capsys):
    Path("bad.har").write_text('{"log": {"entries": [{"request": {"url": 7}}]}}', "utf-8")
    assert main(["import", "bad.har"]) == 2
    assert "bad.har: log.entries[0].request.url: is not text" in capsys.readouterr().err
    assert not Path("recordings/gateway.db").exists()


def test_a_missing_file(folder, capsys):
    assert main(["import", "nowhere.har"]) == 5
    assert "nowhere.har: there is no such file" in capsys.readouterr().err


def test_the_what_ifs_of_a_bundle_are_what_ifs_again(folder, capsys):
    """A recording, a what-if, a what-if of that: imported, exported with its what-ifs, and once more."""
    main(["import", "chain.sh"])
    main(["export", "chain.sh", "-o", "one.bundle.json"])
    bundle = json.loads(Path("one.bundle.json").read_text("utf-8"))
    (plain,) = bundle["recordings"]
    what_ifs = [{**plain, "title": f"what if {at}", "parent": at, "branched_at": 1} for at in (0, 1)]
    Path("whole.bundle.json").write_text(json.dumps({**bundle, "recordings": [plain, *what_ifs]}), "utf-8")
    assert exported_again("whole", "first", capsys) == ["chain.sh", "what if 0", "what if 1"]
    assert exported_again("first", "second", capsys) == ["chain.sh", "what if 0", "what if 1"]
    assert Path("first.bundle.json").read_bytes() == Path("second.bundle.json").read_bytes()


def exported_again(taken, name, capsys):
    """The titles in what was exported of what was imported."""
    capsys.readouterr()
    assert main(["import", f"{taken}.bundle.json"]) == 0
    assert main(["export", root(capsys), "--with-variants", "-o", f"{name}.bundle.json"]) == 0
    return [one["title"] for one in json.loads(Path(f"{name}.bundle.json").read_text("utf-8"))["recordings"]]


def root(capsys):
    """The newest recording without a parent."""
    capsys.readouterr()
    main(["recordings", "--json"])
    return next(one["id"] for one in json.loads(capsys.readouterr().out)["items"] if one["parent"] is None)


SCRIPT = """\
curl http://127.0.0.1:9/v3/orders -d @order.json
curl 'https://ann:s3cr3tpw@auth.example/token?api_key=k3yk3yk3yk3y' --digest -u ann:x
xargs curl
"""


def test_the_report_says_where_the_steps_belong_and_what_was_left_out(folder, capsys):
    Path("files").mkdir()
    Path("files/order.json").write_text('{"qty": 1}', "utf-8")
    Path("two.sh").write_text(SCRIPT, "utf-8")
    assert main(["import", "two.sh", "--files", "files"]) == 0
    said = capsys.readouterr()
    assert "two.sh, 2 steps" in said.out
    assert "  1 step to orders @qa\n  1 step to https://auth.example, which no route knows\n" in said.err
    assert "left out: a curl command: it is given to xargs, which is not run here (line 3)" in said.err
    assert "left out: --digest: Digest authentication responds to a challenge of the server (line 2)" in said.err
    assert main(["import", "two.sh", "--files", "files", "--json"]) == 0
    said = capsys.readouterr()
    (report,) = json.loads(said.out)["reports"]
    assert (report["format"], report["steps"]) == ("curl", 2)
    assert report["clusters"] == [{"cluster": "orders", "environment": "qa", "steps": 1}]
    assert report["unrouted"] == [{"origin": "https://auth.example", "steps": 1}]
    assert [one["what"] for one in report["left_out"]] == ["a curl command", "--digest"]
    assert said.err.splitlines() == [line for line in said.err.splitlines() if "left out" in line]


def test_user_password_and_keys_of_a_url_are_in_no_export_and_not_in_the_file(folder, capsys):
    Path("secret.sh").write_text("curl 'https://ann:s3cr3tpw@h.example/a?api_key=k3yk3yk3yk3yk3y'\n", "utf-8")
    entry = {"request": {"method": "GET", "url": "https://ann:s3cr3tpw@h.example/a?api_key=k3yk3yk3yk3yk3y"},
             "response": {"status": 200}}  # fmt: skip
    Path("secret.har").write_text(json.dumps({"log": {"entries": [entry]}}), "utf-8")
    for name in ("secret.sh", "secret.har"):
        assert main(["import", name, "--json"]) == 0
        id = json.loads(capsys.readouterr().out)["items"][0]["id"]
        for format in ("json", "har", "curl", "markdown", "bundle", "postman"):
            assert main(["export", id, "--as", format]) == 0
            text = capsys.readouterr().out
            assert "s3cr3tpw" not in text and "k3yk3y" not in text and "YW5uOnMzY3IzdHB3" not in text
    stored = b"".join(file.read_bytes() for file in Path("recordings").iterdir())
    assert b"s3cr3tpw" not in stored and b"k3yk3y" not in stored


@pytest.mark.parametrize("name", ["../secret.json", "/etc/hostname", "link"])
def test_files_are_read_from_the_folder_that_was_named_and_from_no_other(folder, capsys, name):
    Path("files").mkdir()
    Path("secret.json").write_text("{}", "utf-8")
    Path("files/link").symlink_to(Path("secret.json").absolute())
    Path("one.sh").write_text(f"curl http://h.example/ -d @{name}\n", "utf-8")
    assert main(["import", "one.sh", "--files", "files"]) == 2
    assert "is not in the folder that may be read" in capsys.readouterr().err
    assert main(["import", "one.sh"]) == 2
    assert "names a file, which is not read" in capsys.readouterr().err
    assert not Path("recordings/gateway.db").exists()

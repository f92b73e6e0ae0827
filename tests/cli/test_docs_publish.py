"""`gateway docs --for` and `gateway docs --check`: what tools publish, and which pages are stale and why.

Covers: export/documents/publish, export/documents/site, export/documents/staleness, export/documents/storage_format.
"""

from __future__ import annotations

import asyncio
import json
import xml.etree.ElementTree as ET

import pytest
import yaml
from captures import a_capture, recorded

from gateway.cli import main as frame
from gateway.export.documents.publish import TARGETS, _mdx
from gateway.export.documents.staleness import Facts, reasons
from gateway.export.documents.storage_format import storage
from gateway.store import open_recorder

ID = "01JREC0000000000000000000A"
ROUTES = """version: 1
environments: [test, qa]
clusters:
  orders:
    path: /api/orders
    environment: {}
    upstreams: {{qa: "http://127.0.0.1:1", test: "http://127.0.0.1:2"}}
"""


@pytest.fixture
async def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "routes.yaml").write_text(ROUTES.format("qa"))
    file = tmp_path / "recordings" / "gateway.db"
    recorder = open_recorder(file, seal=None)
    await recorder.start()
    await recorded(recorder, a_capture(1), a_capture(2, status=404))
    await asyncio.wrap_future(recorder.title_recording(ID, "alice", "Order {a} <b>book</b>"))
    await recorder.stop()
    return tmp_path


def docs(*words):
    return frame.main(["docs", *map(str, words)])


def files(folder):
    return {str(one.relative_to(folder)): one.read_text("utf-8") for one in sorted(folder.rglob("*")) if one.is_file()}


@pytest.mark.parametrize("target", list(TARGETS))
async def test_each_tool_gets_its_files(folder, target, capsys):
    assert docs(ID, "--for", target, "-o", "out") == 0
    found = files(folder / "out")
    told = json.loads(found["gateway-docs.json"])
    assert (told["for"], [one["recording"] for one in told["pages"]]) == (target, [ID])
    assert any(name.endswith("orders.openapi.json") for name in found)
    if target in ("mkdocs", "backstage"):
        text = found["mkdocs.yml"].replace("!!python/name:pymdownx.superfences.fence_code_format", "x")
        nav = yaml.safe_load(text)["nav"]
        (page,) = nav[1]["Recordings"][0].values()
        assert f"docs/{page}" in found
    if target == "backstage":
        component, api = yaml.safe_load_all(found["catalog-info.yaml"])
        assert (component["kind"], api["kind"], api["spec"]["type"]) == ("Component", "API", "openapi")
        assert api["spec"]["definition"]["$text"].removeprefix("./") in found
    if target == "confluence":
        for name in (name for name in found if name.endswith(".xhtml")):
            root = ET.fromstring(f'<r xmlns:ac="ac" xmlns:ri="ri">{found[name]}</r>')
            for picture in root.iter("{ri}attachment"):
                assert picture.attrib["{ri}filename"] in found
    if target == "docusaurus":
        assert found["docs/index.md"].startswith("---\ntitle: ")


async def test_a_page_is_stale_when_its_route_moved(folder, capsys):
    assert docs(ID, "--for", "mkdocs", "-o", "out") == 0
    assert docs("--check", "-o", "out") == 0
    assert "up to date" in capsys.readouterr().out
    (folder / "routes.yaml").write_text(ROUTES.format("test"))
    assert docs("--check", "-o", "out") == 1
    assert "orders moved: qa http://127.0.0.1:1 -> test http://127.0.0.1:2" in capsys.readouterr().out


async def test_a_page_is_stale_when_a_replay_was_answered_otherwise_or_the_recording_is_gone(folder, capsys):
    assert docs(ID, "-o", "out") == 0
    recorder = open_recorder(folder / "recordings" / "gateway.db", seal=None)
    await recorder.start()
    again = "01JREC0000000000000000000B"
    await asyncio.wrap_future(recorder.describe_recording(again, "alice", kind="replay", parent=ID, title="again"))
    await recorded(recorder, a_capture(1, recording=again, status=503), a_capture(2, recording=again, status=404))
    await recorder.stop()
    assert docs("--check", "-o", "out") == 1
    assert "step 1 had 503 on the last replay, 200 when recorded" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("--for", "mkdcs", ID), 2, "did you mean 'mkdocs'"),
        ((), 2, "name a recording"),
        (("--check", "-o", "nowhere"), 5, "there are no documents"),
        ((ID, "--for", "mkdocs", "--template", "x.html"), 2, "--template is for our own site"),
    ],
)
async def test_what_cannot_be_done_is_said(folder, words, code, says, capsys):
    assert docs(*words) == code
    assert says in capsys.readouterr().err


def facts(**changes):
    usual = {"recording": "r", "title": "A", "page": "a", "steps": {"1": 200}, "notes": "n", "what_ifs": []}
    return Facts(**usual | {"routes": {"orders": "qa http://a"}, "builds": {"orders@qa": "1.0"}} | changes)


@pytest.mark.parametrize(
    ("now", "says"),
    [
        (facts(), []),
        (None, ["the recording r is gone"]),
        (facts(title="B"), ["the recording is now called 'B'"]),
        (facts(steps={"1": 200, "2": 404}), ["the recording has 2 steps, it had 1"]),
        (facts(notes="m"), ["its notes changed"]),
        (facts(what_ifs=["x"]), ["1 what-if came"]),
        (facts(routes={}), ["orders is no longer routed"]),
        (facts(builds={"orders@qa": "2.0"}), ["orders@qa runs 2.0, it ran 1.0"]),
    ],
)
def test_why_a_page_is_stale(now, says):
    assert list(reasons(facts(), now)) == says


def test_braces_outside_of_code_are_characters_to_mdx():
    assert (
        _mdx("a {b} \\{c\\} `{d}`\n```\n{e}\n```\n{f}")
        == "a &#123;b&#125; &#123;c&#125; `{d}`\n```\n{e}\n```\n&#123;f&#125;"
    )


def test_storage_format_keeps_code_and_escapes_words():
    text = storage(
        "# A \\<b\\>\n\n| x | y |\n| --- | --- |\n| `a\\|b` | **c** |\n\n```js\nx ]]> y\n```\n\n```mermaid\nz\n```",
        "p.svg",
    )
    root = ET.fromstring(f'<r xmlns:ac="ac" xmlns:ri="ri">{text}</r>')
    assert root.findtext("h1") == "A <b>"
    assert [one.text for one in root.iter("code")] == ["a|b"]
    assert root.findtext(".//{ac}plain-text-body") == "x ]]> y"

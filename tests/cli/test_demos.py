"""`gateway demos check`: every mistake with its line, clusters and environments beside routes.yaml.

Covers: demos/authoring/new_demo.
"""

import asyncio
import json

import aiohttp
import pytest
from bookshop import a_shop

from gateway.cli.main import main

ROUTES = """\
version: 1
environments: [dev, qa]
clusters:
  orders:
    path: /api/orders
    environment: qa
    upstreams: {dev: "http://127.0.0.1:9", qa: "http://127.0.0.1:9"}
"""
DEMO = """\
title: Mine
steps:
  - title: Look
    call: GET orders:/orders
    what_if:
      on dev: {via: {orders: dev}, expect: 404}
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "templates" / "demos" / "mine").mkdir(parents=True)
    (tmp_path / "routes.yaml").write_text(ROUTES)
    (tmp_path / "templates" / "demos" / "mine" / "demo.yaml").write_text(DEMO)
    return tmp_path


def change(folder, before, after):
    file = folder / "templates" / "demos" / "mine" / "demo.yaml"
    assert before in file.read_text()
    file.write_text(file.read_text().replace(before, after))


def test_a_good_demo_is_ok(folder, capsys):
    assert main(["demos", "check"]) == 0
    assert capsys.readouterr().out == "mine: ok, beside routes.yaml\n"


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("GET orders:", "GET order:", "4:11: error: steps[0].call: 'order' is no cluster in routes.yaml (orders); did"),
        ("{orders: dev}", "{orders: dve}", "6:30: error: steps[0].what_if.on dev.via.orders: 'dve' is no environment"),
        ("/orders\n", "/orders/{id}\n", "4:11: error: steps[0].call: 'id' is neither a field here nor kept"),
        ("title: Mine", "titel: Mine", "1:1: error: titel: 'titel' is not known here; did you mean 'title'?"),
        ("    what_if:", "    keep: {a: '$.['}\n    what_if:", "5:15: error: steps[0].keep.a: '$.[' is not a JSONPath"),
    ],
)
def test_a_mistake_is_told_with_its_place_and_exit_code_3(folder, capsys, caplog, before, after, expected):
    change(folder, before, after)
    assert main(["demos", "check"]) == 3
    assert f"templates/demos/mine/demo.yaml:{expected}" in capsys.readouterr().err
    assert caplog.text == ""  # told once: the log is for a server that reloads


def test_the_same_as_json(folder, capsys):
    change(folder, "GET orders:", "GET order:")
    assert main(["demos", "check", "mine", "--json"]) == 3
    answer = json.loads(capsys.readouterr().out)
    assert answer["demos"] == ["mine"]
    assert (answer["problems"][0]["line"], answer["problems"][0]["path"]) == (4, "steps[0].call")


def test_without_routes_the_rest_is_checked_and_it_says_so(folder, capsys):
    (folder / "routes.yaml").unlink()
    assert main(["demos", "check"]) == 0
    seen = capsys.readouterr()
    assert seen.out == "mine: ok\n"
    assert "clusters and environments were not checked" in seen.err


@pytest.mark.parametrize(
    ("words", "code", "expected"),
    [
        (["demos", "chek"], 2, "did you mean 'check'?"),
        (["demos"], 2, "required"),
        (["demos", "check", "mien"], 5, "did you mean 'mine'?"),
        (["demos", "check", "--templates", "nowhere"], 5, "there is no demo"),
    ],
)
def test_wrong_words_are_answered_with_what_to_try(folder, capsys, words, code, expected):
    assert main(words) == code
    assert expected in capsys.readouterr().err


def test_what_gateway_init_writes_passes(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["init"]) == 0
    assert main(["demos", "check"]) == 0


async def test_a_demo_made_from_a_recording_is_valid_and_in_the_menu_at_once(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    async with a_shop(tmp_path) as shop:
        store = str(tmp_path / "r" / "gateway.db")
        arguments = ["demos", "new", "checkout", "--from", shop.recording, "-r", store]
        assert await asyncio.to_thread(main, arguments) == 0
        file = tmp_path / "templates" / "demos" / "checkout" / "demo.yaml"
        assert capsys.readouterr().out == "created templates/demos/checkout/demo.yaml\n"
        assert "sealed_" not in file.read_text()
        assert "lovelace" not in file.read_text()
        assert await asyncio.to_thread(main, ["demos", "check"]) == 0
        assert await asyncio.to_thread(main, arguments) == 2
        async with aiohttp.ClientSession() as client:
            while "/demos/checkout/" not in (page := await (await client.get(shop.gateway.url)).text()):
                await asyncio.sleep(0.05)
        assert "/demos/bookshop/" in page


def test_a_new_demo_needs_a_name_and_a_recording(folder, capsys, caplog):
    assert main(["demos", "new", "x"]) == 2
    assert "gateway demos new checkout --from @last" in caplog.text + capsys.readouterr().err

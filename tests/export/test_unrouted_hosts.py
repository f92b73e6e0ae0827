"""An imported host that no route knows is a participant of its own, never the gateway itself."""

from __future__ import annotations

import json

import pytest

from gateway.export import FORMATS, dump, files
from gateway.export.readers.import_file import read
from gateway.export.readers.imported_recording import renewed

CURL = b"""
curl https://shop.example/orders/7 -H 'Accept: application/json'
curl -X POST https://auth.example:8443/token -d 'user=ann'
curl 'http://[::1]:9000/x'
"""
HOSTS = ("shop.example", "auth.example:8443", "[::1]:9000")


@pytest.fixture
def imported():
    ids = (f"01J{number:023d}" for number in range(1000))
    (one,) = renewed(read(CURL, name="a.sh").recordings, new_id=lambda: next(ids), now=1_700_000_000)
    return [(one.recording, list(one.exchanges))]


def test_an_exchange_says_which_host_it_is(imported):
    steps = imported[0][1]
    assert [one.unrouted_host for one in steps] == list(HOSTS)
    assert [one.server for one in steps] == list(HOSTS)


@pytest.mark.parametrize(
    "name", ["mermaid", "plantuml", "svg", "markdown", "html", "openapi", "json", "har", "postman"]
)
def test_every_format_names_the_hosts(name, imported):
    text = "".join(files(FORMATS[name], imported, version="1").values())
    assert "gateway itself" not in text
    plain = text.replace("#58;", ":").replace("#91;", "[").replace("#93;", "]").replace("<U+003A>", ":")
    assert all(host in plain for host in HOSTS[:2])


def test_openapi_has_a_document_for_each_host(imported):
    tags = [
        next(iter(json.loads(text)["tags"]))["name"]
        for text in files(FORMATS["openapi"], imported, version="1").values()
    ]
    assert tags[:2] == list(HOSTS[:2])


def test_runnable_files_have_a_variable_for_each_host(imported):
    text = dump(FORMATS["hurl"], imported, version="1")
    assert "shop_example_url=https://shop.example" in text
    assert "auth_example_8443_url=https://auth.example:8443" in text

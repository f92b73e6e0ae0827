"""HAR files as other programs wrote them become recordings, each step as its program saw it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gateway.export import FORMATS
from gateway.export.readers.import_file import read

FOLDER = Path(__file__).parents[1] / "data" / "foreign"
LOGIN = {"user": "ada", "password": "lovelace"}


def taken(name):
    (found,) = read((FOLDER / name).read_bytes(), name=name).recordings
    return found


@pytest.mark.parametrize(
    ("name", "statuses"),
    [
        ("playwright.har", [200, 200, 404, 201, 404, 404, 401]),
        ("mitmproxy.har", [200, 200, 201, 404]),
        ("redocly.har", [200, 200, 404]),
    ],
)
def test_every_entry_is_a_step_with_its_bodies_and_times(name, statuses):
    found = taken(name)
    assert [one.status for one in found.exchanges] == statuses
    login, book = found.exchanges[:2]
    assert json.loads(login.request.body.data) == LOGIN
    assert json.loads(login.response.body.data)["user"] == {"name": "ada"}
    assert json.loads(book.response.body.data)["title"] == "The Gateway Drug"
    assert all(one.timing.total_ms and one.started_at.startswith("2026-11-29T09:1") for one in found.exchanges)


def test_a_body_that_was_not_written_down_is_cut_not_empty():
    """A browser leaves out what no page has read; its size stands in one place or another."""
    steps = taken("playwright.har").exchanges
    assert [(one.response.body.size, one.response.body.truncated) for one in steps[2:]] == [
        (89, True), (91, False), (100, True), (72, True), (112, True)
    ]  # fmt: skip


def test_text_beyond_ascii_in_forms():
    upload, order = taken("playwright.har").exchanges[5:]
    assert "caf\xe9".encode() in upload.request.body.data
    assert order.request.body.data == b"a=1+2&b=%C3%BC"


@pytest.mark.parametrize("name", ["playwright.har", "mitmproxy.har", "redocly.har"])
@pytest.mark.parametrize("format", FORMATS)
def test_what_was_imported_can_be_exported(name, format):
    found = taken(name)
    assert FORMATS[format].dump([(found.recording, found.exchanges)], version="1")

"""Entries in are steps out, whatever tool wrote the HAR, and the rest is said; what comes out again is the same.

Covers: export/readers/base64_dialects, export/readers/har_websocket, export/readers/import_url.
"""

from __future__ import annotations

import io
import json
import zipfile

import pytest
from har_dialects import DIALECTS, Dialect

from gateway.errors import UsageError
from gateway.export import har
from gateway.export.readers.har import PHASES
from gateway.export.readers.import_file import ImportedFile, no_files, read
from gateway.export.readers.imported_recording import renewed
from gateway.model.bodies import text_of
from gateway.model.frames import websocket_frames

BY_NAME = {one.name: one for one in DIALECTS}


def imported(dialect: Dialect) -> ImportedFile:
    def read_file(name: str) -> bytes:
        return dialect.files[name] if name in dialect.files else no_files(name)

    return read(json.dumps(dialect.log, ensure_ascii=False).encode(), name="x.har", read_file=read_file)


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda one: one.name)
def test_entries_in_are_steps_out(dialect):
    found = imported(dialect)
    (one,) = found.recordings
    told = [
        (step.method, step.url, step.status, step.request.body.data, step.response.body.data if step.response else b"")
        for step in one.exchanges
    ]
    assert told == dialect.steps
    assert [step.step for step in one.exchanges] == list(range(1, len(told) + 1))
    assert len(found.omissions) == len(dialect.left_out)
    for omission, words in zip(found.omissions, dialect.left_out, strict=True):
        assert words in str(omission)
    for step, words in dialect.notes.items():
        assert words in "\n".join(one.exchanges[step - 1].notes)
    if found.omissions:
        assert "Left out by the import" in one.recording.notes[-1]


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda one: one.name)
def test_what_goes_out_comes_in_again_as_it_was(dialect):
    ids = (f"01J{number:023d}" for number in range(10_000))

    def out(found: ImportedFile) -> str:
        recordings = renewed(found.recordings, new_id=lambda: next(ids), now=1_772_359_200)
        return har.dump([(one.recording, list(one.exchanges)) for one in recordings], version="1")

    def without_ids(text: str) -> object:
        log = json.loads(text)["log"]
        for item in (*log["entries"], *log["pages"]):
            for name in ("_id", "pageref", "id", "_session", "_recording"):
                item.pop(name, None)
        return log

    first = out(imported(dialect))
    assert without_ids(out(read(first.encode()))) == without_ids(first)


def test_an_archive_of_playwright_holds_its_bodies():
    dialect = BY_NAME["playwright: bodies in files beside it, read"]
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("run/har.har", json.dumps(dialect.log))
        for name, data in dialect.files.items():
            archive.writestr(f"run/{name}", data)
    (one,) = read(packed.getvalue()).recordings
    assert [step.response.body.data for step in one.exchanges] == [b'{"a":1}', b"{}"]


@pytest.mark.parametrize("data", [b"PK\x03\x04", b"PK\x03\x04" + b"x" * 100])
def test_a_broken_archive_is_refused(data):
    with pytest.raises(UsageError, match="cannot be unpacked"):
        read(data)


def test_an_archive_without_a_har_or_with_too_much_is_refused(monkeypatch):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.txt", b"a" * 100_000)
    with pytest.raises(UsageError, match="0 HAR files, not one"):
        read(packed.getvalue())
    monkeypatch.setattr("gateway.export.readers.import_file.LIMIT", 1000)
    with pytest.raises(UsageError, match="unpacks to more than"):
        read(packed.getvalue())


def test_the_phases_come_out_as_they_went_in():
    given = BY_NAME["chrome: HTTP/2, pseudo headers, private members"]
    step = imported(given).recordings[0].exchanges[0]
    assert (step.timing.connect_ms, step.timing.first_byte_ms, step.timing.total_ms) == (9.5, 28.0, 30.0)
    entry = json.loads(har.dump([(imported(given).recordings[0].recording, [step])], version="1"))["log"]["entries"][0]
    before = given.log["log"]["entries"][0]["timings"]
    assert entry["timings"] == {name: before[name] for name in PHASES}
    assert entry["time"] == 30


def test_cookies_and_types_that_stand_elsewhere_become_headers():
    step = imported(BY_NAME["proxyman: query and cookies in arrays, wrapped base64"]).recordings[0].exchanges[0]
    assert step.request.header("cookie") == "sid=s1; theme=dark"
    step = imported(BY_NAME["k6: a body whose type stands in postData only"]).recordings[0].exchanges[0]
    assert step.request.content_type == "application/json"
    step = imported(BY_NAME["chrome: several Set-Cookie in one value"]).recordings[0].exchanges[0]
    assert [value for name, value in step.response.headers if name == "set-cookie"] == ["a=1; Path=/", "b=2; HttpOnly"]
    step = (
        imported(BY_NAME["others: a mail date, seconds since 1970, userinfo, raw letters"]).recordings[0].exchanges[1]
    )
    assert step.request.header("authorization") == "Basic YW5uOnB3"


@pytest.mark.parametrize(
    ("name", "frames"),
    [
        ("chrome: a WebSocket", [("sent", "text", b"hello", 500.0), ("received", "binary", b"\0\1", 1250.0)]),
        (
            "http toolkit: WebSocket with types of its own",
            [("sent", "text", b"text", 1000.0), ("received", "close", b"bye", 2000.0)],
        ),
    ],
)
def test_messages_of_a_websocket_are_frames(name, frames):
    one = imported(BY_NAME[name]).recordings[0]
    found = websocket_frames(one.chunks[1])
    assert [(frame.direction, frame.kind, frame.data, frame.at_ms) for frame in found] == frames


@pytest.mark.parametrize(
    ("charset", "text"),
    [
        ("iso-8859-1", "café"),
        ("windows-1252", "“café” €"),
        ("gbk", "日本"),
        ("shift_jis", "日本"),
        ("utf-16", "日本"),
        ("utf-8", "é"),
    ],
)
def test_a_text_is_in_the_charset_that_its_type_names(charset, text):
    mime = f"text/plain; charset={charset}"
    entry = {
        "request": {"method": "POST", "url": "http://h/x", "headers": [{"name": "Content-Type", "value": mime}],
                    "postData": {"mimeType": mime, "text": text}},
        "response": {"status": 200, "headers": [{"name": "Content-Type", "value": mime}], "content": {"text": text, "mimeType": mime}},
    }  # fmt: skip
    step = read(json.dumps({"log": {"entries": [entry]}}).encode()).recordings[0].exchanges[0]
    assert step.request.body.data.decode(charset) == step.response.body.data.decode(charset) == text


@pytest.mark.parametrize(
    ("charset", "text"),
    [("iso-8859-1", "€ “x”"), ("us-ascii", "café"), ("shift_jis", "①"), ("nonsense", "é"), ("zip", "x")],
)
def test_a_text_that_its_charset_cannot_hold_is_shown_as_it_was(charset, text):
    mime = f"text/plain; charset={charset}"
    response = {"status": 200, "headers": [], "content": {"text": text, "mimeType": mime}}
    log = {"log": {"entries": [{"request": {"method": "GET", "url": "http://h/x"}, "response": response}]}}
    step = read(json.dumps(log).encode()).recordings[0].exchanges[0]
    assert text_of(step.response) == text


def test_a_file_with_nothing_over_http_says_what_it_holds():
    log = {"log": {"entries": [{"request": {"method": "GET", "url": "data:text/plain,x"}, "response": {}}]}}
    with pytest.raises(UsageError, match="1 entry of data:: not sent over HTTP"):
        read(json.dumps(log).encode())

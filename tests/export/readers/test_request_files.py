"""Files of requests of other tools: every request is a step as the tool sends it, or the report says why not.

Covers: export/readers/http_file, export/readers/hurl, export/readers/bruno, export/readers/insomnia,
export/readers/request_draft, export/readers/tool_objects, export/readers/plain_yaml.
"""

from __future__ import annotations

import io
import json
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st
from request_files import BRUNO_FOLDER, FILES

from gateway.errors import UsageError
from gateway.export import FORMATS, dump
from gateway.export.readers.import_file import IMPORTS, detected, read
from tests.export.conftest import make_exchange, make_recording


def steps_of(data: bytes, **more):
    found = read(data, **more)
    (one,) = found.recordings
    return found, one.exchanges


@pytest.mark.parametrize("name", FILES)
def test_every_request_is_a_step_as_the_tool_sends_it(name):
    file = FILES[name]
    found, steps = steps_of(file.text.encode())
    assert found.format == file.format
    sent = [(one.method, one.url, one.request.body.data.decode()) for one in steps]
    assert sent == [*file.sent]
    for step, header, value in file.headers:
        assert (header, value) in steps[step - 1].request.headers
    told = "\n".join(map(str, found.omissions))
    assert all(words in told for words in file.left_out), told
    assert len(found.omissions) == len(file.left_out), told


@pytest.mark.parametrize("name", FILES)
def test_files_with_windows_line_ends_are_the_same(name):
    text = FILES[name].text
    found = [one.url for one in steps_of(text.replace("\n", "\r\n").encode())[1]]
    assert found == [one.url for one in steps_of(text.encode())[1]]


def packed(files: dict[str, str]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
    return out.getvalue()


def test_a_folder_of_bruno_with_its_environment_and_what_it_uploads():
    found, steps = steps_of(packed(BRUNO_FOLDER), name="shop.zip")
    assert found.recordings[0].recording.title == "Shop"
    assert [(one.method, one.url, one.notes[0]) for one in steps] == [
        ("POST", "https://shop.example/orders", "All orders / New"),
        ("GET", "https://shop.example/orders", "All orders / List"),
        ("HEAD", "https://shop.example/last", "Last"),
    ]
    body = steps[0].request.body.data
    assert b'name="note"\r\n\r\ntwo\nlines\r\n' in body and b'filename="cover.png"' in body and b"PNG" in body
    assert [one.request.header("authorization") for one in steps] == ["", *["Basic YWRhOmxvdmVsYWNl"] * 2]
    assert {one.request.header("x-all") for one in steps} == {"yes"}
    assert [str(one) for one in found.omissions] == ["the environment qa: the variables of local are used"]


INSOMNIA_5 = """\
type: collection.insomnia.rest/5.0
name: Shop
collection:
  - {name: List, url: "{{ _.base }}/orders", method: GET}
environments:
  name: Base
  data: {base: https://base.example}
  subEnvironments:
    - {name: local, data: {base: https://local.example}}
    - {name: qa, data: {base: https://qa.example}}
"""
INSOMNIA_4 = json.dumps({"_type": "export", "__export_format": 4, "resources": [
    {"_id": "wrk_1", "_type": "workspace", "name": "Shop", "parentId": None},
    {"_id": "env_1", "_type": "environment", "name": "Base", "parentId": "wrk_1", "data": {}},
    {"_id": "env_2", "_type": "environment", "name": "local", "parentId": "env_1",
     "data": {"base": "https://local.example"}},
    {"_id": "env_3", "_type": "environment", "name": "qa", "parentId": "env_1", "data": {"base": "https://qa.example"}},
    {"_id": "req_1", "_type": "request", "name": "List", "parentId": "wrk_1", "method": "GET",
     "url": "{{ _.base }}/orders"},
]})  # fmt: skip
OPEN_COLLECTION = """\
opencollection: 1.0.0
info: {name: Shop}
config: {environments: [{name: local, variables: [{name: base, value: "https://local.example"}]}, {name: qa}]}
items:
  - {info: {name: List, type: http}, http: {method: GET, url: "https://shop.example/orders"}}
"""
CHOSEN = "the collection does not say which environment was chosen; its variables are not filled in"


@pytest.mark.parametrize(
    ("text", "url", "left_out"),
    [
        (INSOMNIA_5, "https://local.example/orders", ["the environment qa: the variables of local are used"]),
        (INSOMNIA_4, "https://local.example/orders", ["the environment qa: the variables of local are used"]),
        (
            OPEN_COLLECTION,
            "https://shop.example/orders",
            [f"the environment {name}: {CHOSEN}" for name in ("local", "qa")],
        ),
    ],
    ids=["insomnia5", "insomnia4", "opencollection"],
)
def test_environments_that_are_not_used_are_named(text, url, left_out):
    found, steps = steps_of(text.encode())
    assert [one.url for one in steps] == [url]
    assert [str(one) for one in found.omissions] == left_out


@pytest.mark.parametrize("format", ["hurl", "http", "rest", "bruno"])
def test_our_own_export_is_read_back(format):
    """Requests that keep no value of a response: the same method, URL, headers and body."""
    steps = [
        make_exchange(1, method="POST", target="/api/orders/orders?q=caf%C3%A9&empty=", sent=b'{"isbn": "978-1"}',
                      headers=(("Content-Type", "application/json"), ("X-A", "b"))),
        make_exchange(2, target="/api/orders/orders/a%20b"),
        make_exchange(3, method="PUT", target="/api/orders/text", sent=b"one # two", headers=(("Content-Type", "text/plain"),)),
        make_exchange(4, method="POST", target="/api/orders/form", sent=b"a=1&b=two+words",
                      headers=(("Content-Type", "application/x-www-form-urlencoded"),)),
    ]  # fmt: skip
    text = dump(FORMATS[format], [(make_recording(4), steps)], version="1")
    found, back = steps_of(text.encode())
    assert [(one.method, one.url) for one in back] == [(one.method, one.url) for one in steps]
    for one, other in zip(back[:3], steps[:3], strict=True):
        assert one.request.body.data == other.request.body.data
        assert one.request.header("content-type") == other.request.header("content-type")
    assert back[3].request.body.data.replace(b"%20", b"+") == steps[3].request.body.data
    assert not [one for one in found.omissions if "value" in one.what]


def test_steps_that_our_export_left_out_are_said():
    steps = [make_exchange(1), make_exchange(2, method="PUT", sent=b"part", sent_size=4096)]
    for format in ("hurl", "http", "rest"):
        found, back = steps_of(dump(FORMATS[format], [(make_recording(2), steps)], version="1").encode())
        assert len(back) == 1
        assert "the recording kept 4 of 4096 bytes" in "\n".join(map(str, found.omissions)), format


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("GET https://a.example/\nHTTP 200\nnonsense here\n", "'nonsense here' is no body"),
        ("POST https://a.example/\n```\nnever closed\nHTTP 200\n", "is not closed"),
        ("GET https://a.example/\n[Nonsense]\na: b\nHTTP 200\n[Asserts]\n", "is no section of a request"),
        ("meta {\n  name: x\n", "is not closed"),
        ("get {\n  url: https://a.example\n}\nstray\n", "begins no block"),
        ("opencollection: [1\n", "not YAML"),
        ("opencollection: 1.0.0\nitems: &a [*a]\n", "aliases"),
        ("type: environment.insomnia.rest/5.0\nname: x\n", "without requests"),
        ("opencollection: 1.0.0\ninfo: {name: x}\n", "its requests are files beside it"),
        ('{"_type": "export", "resources": []}', "holds no exchange"),
        ("### nothing\n\nno request at all\n", "no exchange that can be taken"),
    ],
)
def test_what_is_wrong_is_named(text, words):
    with pytest.raises(UsageError) as caught:
        read(text.encode())
    assert words in str(caught.value)


def test_a_file_is_read_with_leave_only():
    text = b"### up\nPOST https://a.example/up\nContent-Type: image/png\n\n< ./cover.png\n"
    found, (step,) = steps_of(text)
    assert step.request.body.size == 0
    assert "cover.png" in str(found.omissions[0])
    _, (step,) = steps_of(text, read_file=lambda name: b"PNG" if name == "./cover.png" else b"")
    assert step.request.body.data == b"PNG"


@pytest.mark.parametrize(
    ("text", "format"),
    [
        ("#!/bin/sh\n### sign in\ncurl https://a.example/ -d '{}'\n", "curl"),
        ("curl -v https://a.example/\nHTTP/2 200\n", "curl"),
        ("GET https://a.example/\nHTTP 200\n", "hurl"),
        ("GET https://a.example/\n", "http"),
        ("@a = b\n\nGET {{a}}/x\n", "http"),
    ],
)
def test_the_kind_of_a_text(text, format):
    assert detected(text) == format


SIGNS = st.sampled_from(["GET https://a.example/", "###", "HTTP 200", "{{", "}}", "[Asserts]", "```", "`", "<", "> {%", "%}", "a: b",
                         "meta {", "}", "  url: x", "'''", "items:", "- a", "opencollection: 1", "base64,", "{", '"', "\\u{fffffff}"])  # fmt: skip


@given(st.lists(SIGNS, max_size=12), st.sampled_from(["http", "hurl", "bruno", "insomnia"]))
def test_any_text_is_read_or_refused(lines, format):
    try:
        found = read("\n".join(lines).encode(), format=format)
    except UsageError as error:
        assert str(error)
    else:
        assert all(one.exchanges for one in found.recordings) and found.format in IMPORTS

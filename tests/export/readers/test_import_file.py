"""Files of others become recordings: lenient where the meaning is clear, whole or not at all."""

from __future__ import annotations

import gzip
import json
from base64 import b64encode
from email.parser import BytesParser as Parser
from types import SimpleNamespace

import pytest

from gateway.errors import UsageError
from gateway.export import FORMATS, dump, files, har
from gateway.export.readers.import_file import LIMIT, read
from gateway.export.readers.imported_recording import SourcePlace, locating
from gateway.export.runnable import postman

OWN = "http://127.0.0.1:8080"


def har_of(*entries, **log):
    return json.dumps({"log": {"version": "1.2", "creator": {"name": "x"}, "entries": list(entries), **log}}).encode()


def entry(**more):
    request = {"method": "GET", "url": "https://shop.example/a?b=1", "headers": [{"name": "X-A", "value": "1"}]}
    response = {"status": 200, "statusText": "OK", "headers": [], "content": {"text": "hello"}}
    found = {"startedDateTime": "2026-11-22T06:00:00.5+01:00", "time": 12.5, "request": request, "response": response}
    for path, value in more.items():
        place = found
        *before, last = path.split("__")
        for key in before:
            place = place[key]
        if value is ...:
            del place[last]
        else:
            place[last] = value
    return found


def the_exchange(data, **more):
    found = read(data, **more).recordings
    assert [len(one.exchanges) for one in found] == [1]
    return found[0].exchanges[0]


def test_a_foreign_har():
    one = the_exchange(har_of(entry()))
    assert (one.method, one.url, one.status, one.started_at) == (
        "GET", "https://shop.example/a?b=1", 200, "2026-11-22T05:00:00.500000Z",
    )  # fmt: skip
    assert (one.request.target, one.request.headers, one.timing.total_ms) == ("/a?b=1", (("X-A", "1"),), 12.5)
    assert (one.response.body.data, one.response.reason) == (b"hello", "OK")


@pytest.mark.parametrize(
    "change",
    [
        {"startedDateTime": ...},
        {"startedDateTime": "yesterday"},
        {"time": ...},
        {"time": -1},
        {"time": None},
        {"request__headers": ...},
        {"request__headers": None},
        {"request__httpVersion": "h3"},
        {"request__httpVersion": "unknown"},
        {"request__headersSize": "-1"},
        {"response__redirectURL": None},
        {"response__headers": None},
        {"response__content": None},
        {"response__content": {"size": 3}},
        {"response__content": {"text": "%%%", "encoding": "base64"}},
        {"response__statusText": None},
        {"response__status": "200"},
        {"request__headers": [{"name": ":path", "value": "/a"}, {"name": "x", "value": None}]},
        {"request__postData": {"mimeType": "text/plain"}},
        {"timings": None},
        {"pageref": 7},
    ],
    ids=str,
)
def test_what_files_in_the_wild_lack_is_filled_in(change):
    assert the_exchange(har_of(entry(**change))).status == 200


def test_a_byte_order_mark_and_utf_16_and_gzip():
    data = har_of(entry())
    for packed in (b"\xef\xbb\xbf" + data, data.decode().encode("utf-16"), gzip.compress(data)):
        assert the_exchange(packed).status == 200


def test_an_address_without_its_brackets():
    assert the_exchange(har_of(entry(request__url="http://::1:8080/x"))).url == "http://[::1]:8080/x"


def test_status_0_is_a_failure():
    one = the_exchange(har_of(entry(response__status=0)))
    assert (one.status, one.response, one.failure.kind) == (None, None, "connection_terminated")


def test_bodies_as_base64_and_forms_as_parameters():
    posted = {"mimeType": "application/x-www-form-urlencoded", "params": [{"name": "a b", "value": "é"}]}
    content = {"text": b64encode(b"\x00\xff").decode(), "encoding": "base64"}
    one = the_exchange(har_of(entry(request__postData=posted, response__content=content)))
    assert (one.request.body.data, one.response.body.data) == (b"a+b=%C3%A9", b"\x00\xff")


def test_what_did_not_go_over_http_is_left_out():
    assert the_exchange(har_of(entry(request__url="data:text/plain,x"), entry())).step == 1


def test_entries_are_put_in_order():
    early = entry(startedDateTime="2026-11-22T05:00:00Z", request__url="https://shop.example/first")
    late = entry(startedDateTime="2026-11-22T06:00:00Z", request__url="https://shop.example/second")
    assert [one.request.target for one in read(har_of(late, early)).recordings[0].exchanges] == ["/first", "/second"]


def test_our_own_har_comes_back(bookshop):
    recording, steps = bookshop
    found = read(har.dump([bookshop], version="1").encode()).recordings
    assert [one.recording.title for one in found] == [recording.title]
    told = [(one.method, one.url, one.cluster, one.environment, one.notes) for one in found[0].exchanges]
    assert told == [(one.method, one.url, one.cluster, one.environment, one.notes) for one in steps]


def test_our_own_har_of_two_recordings_is_two_again(bookshop):
    from dataclasses import replace

    recording, steps = bookshop
    other = (
        replace(recording, id="01JOTHER", title="Other"),
        [replace(one, recording="01JOTHER") for one in steps[:2]],
    )
    found = read(har.dump([bookshop, other], version="1").encode()).recordings
    assert [(one.recording.title, len(one.exchanges)) for one in found] == [("Order a book", 9), ("Other", 2)]


CLUSTER = SimpleNamespace(
    name="orders", prefix=b"/api/orders", strip=True, environment="qa",
    upstreams={"qa": SimpleNamespace(url="https://qa.example/v3"), "test": SimpleNamespace(url="https://test.example")},
)  # fmt: skip


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("https://qa.example/v3/orders/1?x", SourcePlace("orders", "qa", f"{OWN}/api/orders/orders/1?x")),
        ("https://test.example/orders", SourcePlace("orders", "test", f"{OWN}/api/orders/orders")),
        (f"{OWN}/api/orders/orders", SourcePlace("orders", "qa", f"{OWN}/api/orders/orders")),
        ("http://localhost:9000/api/orders/1", SourcePlace("orders", "qa", f"{OWN}/api/orders/1")),
        ("https://qa.example/v31/orders", None),
        (f"{OWN}/api/ordersx", None),
    ],
)
def test_urls_are_mapped_to_clusters(url, place):
    assert locating([CLUSTER], OWN)(url) == place


def test_an_imported_exchange_is_where_the_routes_know_it():
    one = the_exchange(har_of(entry(request__url="https://qa.example/v3/orders/1")), locate=locating([CLUSTER], OWN))
    assert (one.cluster, one.environment, one.url) == ("orders", "qa", f"{OWN}/api/orders/orders/1")
    assert (one.request.target, one.upstream_url) == ("/api/orders/orders/1", "https://qa.example/v3/orders/1")


def test_saved_examples_of_postman(an_exchange, a_recording):
    steps = [an_exchange(1, method="POST", sent=b'{"a": 1}', status=201, received=b'{"id": 5}'), an_exchange(2)]
    found = read(postman.dump([(a_recording(2), steps)], version="1").encode()).recordings
    told = [(one.method, one.url, one.status, one.request.body.data) for one in found[0].exchanges]
    assert told == [
        ("POST", f"{OWN}/api/orders/orders", 201, b'{"a": 1}'),
        ("GET", f"{OWN}/api/orders/orders", 200, b""),
    ]
    assert found[0].recording.title == "Order a book"


def collection(body, header=()):
    request = {"method": "POST", "url": "http://shop.invalid/a", "header": list(header), "body": body}
    return json.dumps(
        {"info": {"name": "x", "schema": postman.SCHEMA}, "item": [{"name": "", "request": request}]}
    ).encode()


def test_a_form_of_postman_has_its_parts_and_says_which_files_were_not_read():
    parts = [
        {"key": "note", "value": "caf\xe9", "type": "text"},
        {"key": 'an "odd" name', "value": "import", "type": "text"},
        {"key": "off", "value": "x", "disabled": True},
        {"key": "cover", "type": "file", "src": "/etc/passwd"},
    ]
    typed = {"key": "Content-Type", "value": "multipart/form-data"}
    one = the_exchange(collection({"mode": "formdata", "formdata": parts}, [typed]))
    sent = Parser().parsebytes(
        b"Content-Type: " + one.request.content_type.encode() + b"\r\n\r\n" + one.request.body.data
    )
    names = [part.get_param("name", header="Content-Disposition") for part in sent.get_payload()]
    values = [part.get_payload(decode=True).decode() for part in sent.get_payload()]
    assert (names, values) == (["note", 'an "odd" name'], ["caf\xe9", "import"])
    assert one.notes == ("Its part cover is a file, which was not read.",)
    assert [name for name, _ in one.request.headers] == ["Content-Type"]


@pytest.mark.parametrize(
    ("body", "media", "notes"),
    [
        ({"mode": "raw", "raw": "{}", "options": {"raw": {"language": "json"}}}, "application/json", ()),
        ({"mode": "raw", "raw": "text"}, "text/plain", ()),
        ({"mode": "urlencoded", "urlencoded": [{"key": "a", "value": "1"}]}, "application/x-www-form-urlencoded", ()),
        ({"mode": "graphql", "graphql": {"query": "{a}"}}, "application/json", ()),
        ({"mode": "file", "file": {"src": "/etc/passwd"}}, "", ("Its body is a file, which was not read.",)),
    ],
)
def test_bodies_of_postman_have_the_type_that_it_adds(body, media, notes):
    one = the_exchange(collection(body))
    assert (one.request.content_type, one.notes) == (media, notes)


def test_a_postman_url_that_has_only_its_text():
    request = {"method": "GET", "url": {"raw": "http://shop.example/raw?a=1"}}
    data = {"info": {"name": "x"}, "item": [{"name": "one", "request": request}]}
    assert the_exchange(json.dumps(data).encode()).url == "http://shop.example/raw?a=1"


POSTMAN_LOSSES = [
    ({"name": "no url", "request": {"method": "GET"}}, "the request no url: it has no URL"),
    ({"name": "empty"}, "the item empty: it holds no request"),
    ({"name": "t", "event": [{"listen": "test", "script": {"exec": ["pm.test()"]}}], "request": "http://h/t"},
     "1 test script: scripts are not run"),
    ({"name": "p", "event": [{"listen": "prerequest", "script": {"exec": "x()"}}], "request": "http://h/p"},
     "1 pre-request script: scripts are not run"),
    ({"name": "v", "request": "http://h/{{unknown}}"}, "the value of {{unknown}}: the collection gives it no value"),
    ({"name": "d", "request": "http://h/{{$guid}}"}, "the value of {{$guid}}: Postman invents its value"),
    *(({"name": kind, "request": {"url": "http://h/a", "auth": {"type": kind, kind: []}}}, f"the authentication of {kind}")
      for kind in ("digest", "ntlm", "awsv4", "hawk", "oauth1", "edgegrid", "jwt", "asap", "oauth2", "bearer", "newone")),
    ({"name": "f", "request": {"method": "POST", "url": "http://h/f", "body": {"mode": "file", "file": {"src": "a.bin"}}}},
     "its body, the file a.bin: 'a.bin' names a file, which is not read"),
]  # fmt: skip


@pytest.mark.parametrize(("item", "words"), POSTMAN_LOSSES, ids=lambda one: one if isinstance(one, str) else "")
def test_what_a_collection_loses_is_said(item, words):
    data = {"info": {"name": "x"}, "item": [item, {"name": "other", "request": "http://h/other"}]}
    found = read(json.dumps(data).encode())
    assert words in "\n".join(map(str, found.omissions))
    assert words.partition(":")[0] in found.recordings[0].recording.notes[-1]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"id": "1", "name": "v1", "order": [], "folders": [], "requests": []}, "a Postman collection of version 1"),
        ({"name": "e", "values": [], "_postman_variable_scope": "environment"}, "a Postman environment file"),
        ({"name": "g", "values": [], "_postman_variable_scope": "globals"}, "a Postman globals file"),
        ({"version": 1, "collections": [], "environments": []}, "a data dump of Postman"),
        ({"openapi": "3.1.0", "paths": {}}, "an OpenAPI document"),
        ({"arazzo": "1.0.1", "workflows": []}, "an Arazzo document"),
        ({"mappings": []}, "mappings of WireMock"),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_files_of_other_kinds_are_called_by_their_names(data, words):
    with pytest.raises(UsageError, match=words):
        read(json.dumps(data).encode())


def test_a_collection_as_the_api_of_postman_wraps_it():
    data = {"collection": {"info": {"name": "x"}, "item": [{"name": "one", "request": "http://h/one"}]}}
    assert the_exchange(json.dumps(data).encode()).url == "http://h/one"


def test_an_example_has_the_authentication_of_its_request():
    asked = {"method": "GET", "url": "http://h/one"}
    auth = {"type": "bearer", "bearer": [{"key": "token", "value": "t"}]}
    example = {"name": "OK", "code": 200, "originalRequest": asked}
    item = {"name": "one", "request": {**asked, "auth": auth}, "response": [example]}
    one = the_exchange(json.dumps({"info": {"name": "x"}, "item": [item]}).encode())
    assert one.request.header("authorization") == "Bearer t"


def test_folders_examples_and_times_of_postman_are_kept():
    example = {"name": "Not found", "code": 404, "status": "Not Found", "responseTime": 87, "body": "{}", "header": []}
    item = {"name": "Get order", "request": "http://h/one", "response": [example]}
    data = {"info": {"name": "x"}, "item": [{"name": "Orders", "item": [{"name": "Read", "item": [item]}]}]}
    one = the_exchange(json.dumps(data).encode())
    assert one.notes == ("Orders / Read / Get order", "Example: Not found")
    assert (one.status, one.timing.total_ms, one.response.body.data) == (404, 87.0, b"{}")


def test_postman_folders_variables_and_requests_without_examples():
    simple = {"name": "two", "request": "{{base}}/two"}
    full = {"name": "one", "request": {"method": "PUT", "url": {"raw": "{{base}}/{{id}}"}, "header": "A: 1\nB: 2"}}
    data = {
        "info": {"name": "API"}, "item": [{"name": "folder", "item": [full]}, simple],
        "variable": [{"key": "base", "value": "http://shop.example/v1"}],
    }  # fmt: skip
    found = read(json.dumps(data).encode()).recordings[0]
    assert [(one.method, one.url, one.status) for one in found.exchanges] == [
        ("PUT", "http://shop.example/v1/%7B%7Bid%7D%7D", None), ("GET", "http://shop.example/v1/two", None),
    ]  # fmt: skip
    assert found.exchanges[0].request.headers == (("A", "1"), ("B", "2"))


CURLS = [
    ("curl http://a.example/x", "GET", "http://a.example/x", (), b""),
    ("curl a.example", "GET", "http://a.example/", (), b""),
    ("$ curl -sS -X DELETE 'http://a.example/x y'", "DELETE", "http://a.example/x%20y", (), b""),
    ("curl -XPUT --url http://a.example/ -d a=1 -d b=2", "PUT", "http://a.example/",
     (("Content-Type", "application/x-www-form-urlencoded"),), b"a=1&b=2"),
    ("curl http://a.example/ -H 'X-A: 1' \\\n  --json '{\"a\": \"it'\\''s\"}'", "POST", "http://a.example/",
     (("X-A", "1"), ("Content-Type", "application/json"), ("Accept", "application/json")), b'{"a": "it\'s"}'),
    ("curl http://a.example/ --data-raw $'a\\n\\u00e9\\'' -H 'Content-Type: text/plain'", "POST", "http://a.example/",
     (("Content-Type", "text/plain"),), "a\né'".encode()),
    ("curl -G http://a.example/ --data-urlencode 'q=a b'", "GET", "http://a.example/?q=a+b", (), b""),
    ('curl -u "me:$PASS" -b "a=1" http://a.example/', "GET", "http://a.example/",
     (("Authorization", "Basic bWU6JFBBU1M="), ("Cookie", "a=1")), b""),
    ("TOKEN=1 curl -I --compressed -k http://a.example/ # why", "HEAD", "http://a.example/", (), b""),
]  # fmt: skip


@pytest.mark.parametrize(("text", "method", "url", "headers", "body"), CURLS, ids=range(len(CURLS)))
def test_curl_commands(text, method, url, headers, body):
    one = the_exchange(text.encode())
    assert (one.method, one.url, one.request.headers, one.request.body.data) == (method, url, headers, body)


def test_several_commands_are_several_steps():
    found = read(b"#!/bin/bash\ncurl http://a.example/1; echo done\ncurl http://a.example/2 | jq .\n").recordings
    assert [(one.step, one.request.target) for one in found[0].exchanges] == [(1, "/1"), (2, "/2")]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"curl -d @/etc/passwd http://a.example/", "names a file, which is not read"),
        (b"curl -F file=@/etc/passwd http://a.example/", "names a file, which is not read"),
        (b"curl -K /etc/passwd", "are not read"),
        (b"curl -b cookies.txt http://a.example/", "a file of cookies is not read"),
        (b"curl file:///etc/passwd", "only http and https are imported"),
        (b"curl 'http://a.example/", "a quote is not closed"),
        (b"curl -X", "lacks its value"),
        (b"echo hello curl", "no curl command"),
        (b"", "no file that can be imported"),
        (b"{}", "no HAR, no collection of Postman or Insomnia, and no bundle"),
        (b"{", "not JSON"),
        (b'{"log": ' + b"[" * 200_000, "nested too deeply"),
        (b'{"log": {}}', "holds no exchange"),
        (b'{"log": {"entries": 5}}', "is not a list"),
        (b'{"log": {"entries": [{"request": {"url": 7}}]}}', "is not text"),
        (b'{"gateway": "1", "recordings": []}', "export --as bundle"),
        (b"\x00\xff\xfe\x80", "the file is no text"),
        (gzip.compress(b" " * (LIMIT + 1), 9), "unpacks to more than"),
        (gzip.compress(b"{}")[:-9], "cannot be unpacked"),
        (b'{"info": {}, "item": ' + b'[{"item": ' * 30 + b"[]" + b"}]" * 30 + b"}", "folders in folders"),
        (b'{"log": {"entries": [' + b"1" * 5000 + b"]}}", "not readable"),
    ],
    ids=range(21),
)
def test_hostile_files_are_refused(data, words):
    with pytest.raises(UsageError) as caught:
        read(data)
    assert words in f"{caught.value} {caught.value.hint}"


def test_the_place_is_named():
    with pytest.raises(UsageError) as caught:
        read(har_of(entry(), entry(request__method="GET /")))
    assert caught.value.where == "log.entries[1].request.method"


def test_an_unknown_format_names_the_known_ones():
    with pytest.raises(UsageError, match="'hra' cannot be imported; did you mean 'har'"):
        read(b"{}", format="hra")


def test_a_file_without_a_title_gives_its_name():
    assert read(har_of(entry()), name="/some/where/chain.har").recordings[0].recording.title == "chain.har"


def test_powershell_is_found_out():
    one = the_exchange(b'Invoke-WebRequest -Uri "https://shop.example/x" -Method "DELETE"')
    assert (one.method, one.url) == ("DELETE", "https://shop.example/x")


@pytest.mark.parametrize("name", ["har", "postman", "curl", "bundle"])
def test_what_we_write_we_can_read(name, bookshop):
    text = dump(FORMATS[name], [bookshop], version="1")
    (found,) = read(text.encode(), format=name).recordings
    told = [(one.method, one.url) for one in found.exchanges]
    sent = [(one.method, one.url) for one in bookshop[1]]
    if name == "postman":  # what it cannot express is said inside it
        items = [item for item in json.loads(text)["item"] if "request" in item]
        assert [method for method, _ in told] == [item["request"]["method"] for item in items]
        assert [one.status for one in found.exchanges] == [
            item["response"][0]["code"] if item["response"] else None for item in items
        ]
    elif name == "curl":
        assert len(told) == text.count("\nbegin ") > 5
    else:
        assert told == sent


@pytest.mark.parametrize(
    "name",
    [
        "openapi",
        "arazzo",
        "wiremock",
        "json",
        "bruno",
        "python",
        "mermaid",
        "plantuml",
        "d2",
        "svg",
        "html",
        "markdown",
    ],
)
def test_what_cannot_come_back_is_called_by_its_name(name, bookshop):
    text = next(iter(files(FORMATS[name], [bookshop], version="1").values()))
    with pytest.raises(UsageError) as caught:
        read(text.encode())
    assert "no file that can be imported" not in str(caught.value)

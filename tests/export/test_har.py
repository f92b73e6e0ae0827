"""HAR 1.2: every required member with its type, for the bookshop and for anything Hypothesis thinks of.

Covers: export/d2, export/mermaid, export/plantuml, export/svg.
"""

from __future__ import annotations

import json
from base64 import b64decode
from datetime import datetime
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.export import Beside, har
from gateway.model.exchange import Chunk, Exchange, Timing
from gateway.model.message import Body, Request, Response
from gateway.model.recording import Recording

NUMBER = (int, float)
# http://www.softwareishard.com/blog/har-12-spec/, members that are not marked optional.
REQUIRED: dict[str, dict[str, Any]] = {
    "log": {"version": str, "creator": dict, "entries": list},
    "creator": {"name": str, "version": str},
    "page": {"startedDateTime": str, "id": str, "title": str, "pageTimings": dict},
    "entry": {"startedDateTime": str, "time": NUMBER, "request": dict, "response": dict, "cache": dict,
              "timings": dict},
    "request": {"method": str, "url": str, "httpVersion": str, "cookies": list, "headers": list, "queryString": list,
                "headersSize": int, "bodySize": int},
    "response": {"status": int, "statusText": str, "httpVersion": str, "cookies": list, "headers": list,
                 "content": dict, "redirectURL": str, "headersSize": int, "bodySize": int},
    "postData": {"mimeType": str, "params": list, "text": str},
    "content": {"size": int, "mimeType": str},
    "timings": {"send": NUMBER, "wait": NUMBER, "receive": NUMBER},
    "pair": {"name": str, "value": str},
}  # fmt: skip
OPTIONAL = {
    "log": {"pages", "browser", "comment"}, "page": {"comment"}, "creator": {"comment"},
    "entry": {"pageref", "serverIPAddress", "connection", "comment"}, "request": {"postData", "comment"},
    "response": {"comment"}, "postData": {"comment"}, "content": {"compression", "text", "encoding", "comment"},
    "timings": {"blocked", "dns", "connect", "ssl", "comment"},
    "pair": {"comment", "path", "domain", "expires", "httpOnly", "secure"},
}  # fmt: skip


def check(kind: str, found: dict[str, Any]) -> None:
    for name, types in REQUIRED[kind].items():
        assert isinstance(found.get(name), types), f"{kind}.{name}: {found.get(name)!r}"
    unknown = {name for name in found if not name.startswith("_")} - set(REQUIRED[kind]) - OPTIONAL[kind]
    assert not unknown, f"{kind}: {unknown}"


def check_har(text: str) -> dict[str, Any]:
    log: dict[str, Any] = json.loads(text)["log"]
    check("log", log)
    check("creator", log["creator"])
    for page in log["pages"]:
        check("page", page)
    for entry in log["entries"]:
        check_entry(entry)
        assert entry["pageref"] in {page["id"] for page in log["pages"]}
    return log


def check_entry(entry: dict[str, Any]) -> None:
    check("entry", entry)
    datetime.fromisoformat(entry["startedDateTime"])
    for kind in ("request", "response", "timings"):
        check(kind, entry[kind])
    check("content", entry["response"]["content"])
    if "postData" in entry["request"]:
        check("postData", entry["request"]["postData"])
    lists = [*entry["request"]["queryString"], *entry["request"].get("postData", {}).get("params", [])]
    for side in ("request", "response"):
        lists += entry[side]["headers"] + entry[side]["cookies"]
    for pair in lists:
        check("pair", pair)
    spent = sum(value for value in entry["timings"].values() if value >= 0)
    assert abs(entry["time"] - spent) < 0.01
    assert entry["request"]["url"].isascii()


def the_log(recording, exchanges, **more):
    return check_har(har.dump([(recording, exchanges)], version="1.2.3", beside=Beside(**more)))


def test_the_bookshop_is_valid_and_complete(bookshop):
    log = the_log(*bookshop)
    assert log["version"] == "1.2"
    assert log["creator"] == {"name": "What-If Gateway", "version": "1.2.3"}
    assert [entry["_step"] for entry in log["entries"]] == list(range(1, 10))


texts = st.text(max_size=20)
names = st.sampled_from(["Cookie", "Set-Cookie", "Content-Type", "Content-Encoding", "X"])
pairs = st.lists(st.tuples(names, texts)).map(tuple)
numbers = st.none() | st.floats(0, 1e6)


@given(pairs, pairs, st.binary(), st.binary(), texts, st.builds(Timing, numbers, numbers, numbers, numbers))
@settings(deadline=None)
def test_whatever_was_recorded_the_har_is_valid(asked, answered, sent, received, target, timing):
    exchange = Exchange(
        "x", "r", 1, "s", "2026-11-22T06:00:00.000001Z", "http://h/" + target,
        Request(headers=asked, body=Body(len(sent), sent), target="/" + target),
        Response(headers=answered, body=Body(len(received) + 1, received)), 200, timing=timing,
    )  # fmt: skip
    check_har(har.dump([(Recording("r", "t", "s"), [exchange])], version="1"))


def test_timings_add_up(an_exchange, a_recording):
    log = the_log(a_recording(1), [an_exchange(1)])
    assert log["entries"][0]["time"] == 14.25
    assert log["entries"][0]["timings"] == {
        "blocked": -1, "dns": -1, "connect": 0.5, "ssl": -1, "send": 0, "wait": 11.5, "receive": 2.25,
    }  # fmt: skip


def test_a_reused_connection_has_no_connect_time(an_exchange, a_recording):
    log = the_log(a_recording(1), [an_exchange(1, timing=Timing(total_ms=5.0, first_byte_ms=4.0))])
    timings = log["entries"][0]["timings"]
    assert (timings["connect"], timings["wait"], timings["receive"]) == (-1, 4.0, 1.0)


def test_binary_bodies_are_base64(bookshop):
    entries = the_log(*bookshop)["entries"]
    assert b64decode(entries[4]["response"]["content"]["text"]) == b"\x00\xfe"
    assert entries[4]["response"]["content"]["encoding"] == "base64"
    post = entries[3]["request"]["postData"]
    assert (b64decode(post["text"]), post["_encoding"]) == (b"\x89PNG\r\n\x1a\n\x00\xff", "base64")


def test_compressed_bodies_are_shown_decoded_with_both_sizes(bookshop):
    response = the_log(*bookshop)["entries"][1]["response"]
    assert response["content"]["text"] == '{"title": "Café Python"}'
    assert response["content"]["size"] == 25
    assert response["content"]["compression"] == 25 - response["bodySize"]


def test_forms_have_params_and_text(bookshop):
    post = the_log(*bookshop)["entries"][2]["request"]["postData"]
    assert post["params"] == [{"name": "isbn", "value": "978-1"}, {"name": "gift", "value": "it's yours"}]
    assert post["text"] == "isbn=978-1&gift=it%27s+yours"


def test_queries_and_cookies_are_taken_apart(bookshop):
    entries = the_log(*bookshop)["entries"]
    assert entries[1]["request"]["queryString"] == [
        {"name": "lang", "value": "fr"}, {"name": "q", "value": "café noir"}, {"name": "empty", "value": ""},
    ]  # fmt: skip
    assert entries[1]["request"]["cookies"] == [{"name": "shop", "value": "1"}, {"name": "theme", "value": "dark"}]
    assert entries[0]["response"]["cookies"] == [
        {"name": "shop", "value": "1", "path": "/", "expires": "2027-06-09T10:18:14.000Z", "httpOnly": True,
         "secure": False, "_sameSite": "Lax"},
    ]  # fmt: skip


def test_what_was_cut_says_so(bookshop):
    entry = the_log(*bookshop)["entries"][6]
    assert entry["request"]["postData"]["comment"] == "the recording kept 4 of 4096 bytes"
    assert entry["response"]["content"]["_truncated"] is True
    assert (entry["response"]["content"]["size"], entry["response"]["bodySize"]) == (9000, 9000)


def test_a_failure_keeps_its_kind_and_the_status_the_client_saw(bookshop):
    entry = the_log(*bookshop)["entries"][5]
    assert (entry["response"]["status"], entry["response"]["_error"]) == (502, "connection_refused")
    assert entry["_failure"]["detail"] == "nobody listens at 127.0.0.1:9303"


def test_websocket_frames_are_messages(bookshop):
    chunks = [Chunk(0, 1.0, "received", b"\x81\x02hi"), Chunk(1, 2.5, "sent", b"\x82\x81\0\0\0\0\xff")]
    entry = the_log(*bookshop, chunks=lambda _: chunks)["entries"][7]
    assert entry["_webSocketMessages"] == [
        {"type": "receive", "time": 1795327208.124456, "opcode": 1, "data": "hi"},
        {"type": "send", "time": 1795327208.125956, "opcode": 2, "data": "/w=="},
    ]


def test_several_recordings_are_several_pages(bookshop):
    recording, exchanges = bookshop
    text = har.dump([(recording, exchanges), (recording, [])], version="1")
    assert len(json.loads(text)["log"]["pages"]) == 2

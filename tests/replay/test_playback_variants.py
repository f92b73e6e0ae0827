"""Playback that a client cannot tell from the server: headers that choose, ranges, caches, preflights, echoes, unknown ids.

Covers gateway/replay/playback/negotiation.py, gateway/replay/playback/representation.py and gateway/replay/playback/echo.py.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence

import brotli
import pytest

from gateway.model.exchange import Exchange
from gateway.model.message import Body, Request, Response
from gateway.replay.playback.matching import MatchRules
from gateway.replay.playback.playback import Missed, Playback, PlaybackMatch, response_of
from gateway.replay.playback.recording_index import Tape

Headers = Sequence[tuple[str, str]]
FILM = bytes(range(256)) * 40


def a_request(line: str, headers: Headers = (), body: bytes | str = b"") -> Request:
    method, target = line.split(" ", 1)
    data = body.encode() if isinstance(body, str) else body
    kind = [("Content-Type", "application/json")] if data and not any(n == "Content-Type" for n, _ in headers) else []
    return Request(headers=(*kind, *headers), body=Body(len(data), data), method=method, target=target)


def a_step(
    number: int, request: Request, body: bytes | str = b"{}", headers: Headers = (), status: int = 200
) -> Exchange:
    data = body.encode() if isinstance(body, str) else body
    kind = [] if any(name == "Content-Type" for name, _ in headers) else [("Content-Type", "application/json")]
    response = Response("1.1", (*kind, *headers), Body(len(data), data), status=status)
    return Exchange(
        f"X{number}", "R", number, "s", "2026-11-30T10:00:00.000000Z", "http://gw" + request.target, request, response,
        status=status, cluster="shop", environment="qa",
    )  # fmt: skip


def playing(*steps: Exchange, **how: object) -> Playback:
    return Playback(Tape("R", "a recording", steps, **how), MatchRules())  # type: ignore[arg-type]


def played(playback: Playback, request: Request) -> Response | None:
    """What the client gets; None for a miss."""
    found = playback.find(request, "shop")
    return response_of(found, request, lambda one: one) if isinstance(found, PlaybackMatch) else None


def text(response: Response | None) -> str | None:
    return None if response is None else response.body.data.decode()


# -- headers that choose


@pytest.mark.parametrize(
    ("name", "one", "other", "unknown"),
    [
        ("X-Tenant", "acme", "umbrella", "initech"),
        ("X-Api-Version", "1", "2", "3"),
        ("Accept-Version", "~1", "~2", "~3"),
        ("SOAPAction", '"urn:a"', '"urn:b"', '"urn:c"'),
        ("X-HTTP-Method-Override", "PUT", "DELETE", "PATCH"),
        ("X-Amz-Target", "Queues.Create", "Queues.Delete", "Queues.List"),
        ("Depth", "0", "1", "infinity"),
        ("Prefer", "return=minimal", "return=representation", "handling=lenient"),
        ("HX-Request", "true", "false", "maybe"),
        ("X-Workspace-Id", "7", "8", "9"),
        ("Accept", "application/json", "text/csv", "image/png"),
    ],
)
def test_a_header_chooses_and_an_unknown_value_is_a_miss(name: str, one: str, other: str, unknown: str) -> None:
    kinds = {"text/csv": "text/csv"}
    steps = [
        a_step(
            number,
            a_request("GET /report", [(name, value)]),
            value,
            [("Content-Type", kinds.get(value, "application/json"))],
        )
        for number, value in enumerate((one, other), 1)
    ]
    for value in (other, one):
        assert text(played(playing(*steps), a_request("GET /report", [(name, value)]))) == value
    assert played(playing(*steps), a_request("GET /report", [(name, unknown)])) is None


@pytest.mark.parametrize(
    ("name", "one", "other", "unknown"),
    [
        ("Authorization", "Bearer alice", "Bearer bob", "Bearer carol"),
        ("Cookie", "sid=alice; _ga=1", "sid=bob; _ga=2", "sid=carol"),
        ("Accept-Language", "de", "en-GB", "fr"),
        ("X-Screen", "small", "large", "huge"),
        ("X-Requested-With", "XMLHttpRequest", "fetch", "curl"),
    ],
)
def test_a_header_that_differed_is_a_preference(name: str, one: str, other: str, unknown: str) -> None:
    steps = [a_step(n, a_request("GET /me", [(name, value)]), value) for n, value in enumerate((one, other), 1)]
    for value in (other, one):
        assert text(played(playing(*steps), a_request("GET /me", [(name, value)]))) == value
    assert played(playing(*steps), a_request("GET /me", [(name, unknown)])) is not None


def test_what_vary_names_has_to_agree() -> None:
    step = a_step(1, a_request("GET /a", [("X-Channel", "web")]), headers=[("Vary", "Origin, X-Channel")])
    assert played(playing(step), a_request("GET /a", [("X-Channel", "web"), ("Origin", "http://b")])) is not None
    assert played(playing(step), a_request("GET /a", [("X-Channel", "app")])) is None


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        ("text/html,application/xhtml+xml,*/*;q=0.8", "page"),
        ("application/json", "data"),
        ("application/*;q=0.5, text/html;q=0.1", "data"),
        ("*/*", "page"),
        ("image/webp", None),
        ("application/json;q=0, text/html", "page"),
    ],
)
def test_content_negotiation(accept: str, wanted: str | None) -> None:
    page = a_step(1, a_request("GET /", [("Accept", "text/html")]), "page", [("Content-Type", "text/html")])
    data = a_step(2, a_request("GET /", [("Accept", "application/json, */*")]), "data")
    assert text(played(playing(page, data), a_request("GET /", [("Accept", accept)]))) == wanted


# -- parts


def a_part(number: int, first: int, last: int, asked: str = "") -> Exchange:
    fields = [("Content-Type", "video/mp4"), ("ETag", '"m1"'), ("Content-Range", f"bytes {first}-{last}/{len(FILM)}")]
    asked = asked or f"bytes={first}-{last}"
    return a_step(number, a_request("GET /m", [("Range", asked)]), FILM[first : last + 1], fields, 206)


WHOLE = a_step(1, a_request("GET /m"), FILM, [("Content-Type", "video/mp4"), ("ETag", '"m1"')])
PARTS = (a_part(1, 0, 1), a_part(2, 0, len(FILM) - 1, "bytes=0-"), a_part(3, 4000, len(FILM) - 1, "bytes=4000-"))


@pytest.mark.parametrize("steps", [(WHOLE,), PARTS], ids=["recorded whole", "recorded in parts"])
@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-1", 0, 1), ("bytes=0-", 0, 10239), ("bytes=4000-", 4000, 10239), ("bytes=100-199", 100, 199),
        ("bytes=-10", 10230, 10239), ("bytes = 5 - 9", 5, 9), ("bytes=10000-99999", 10000, 10239),
    ],
)  # fmt: skip
def test_a_part_is_that_part(steps: tuple[Exchange, ...], asked: str, first: int, last: int) -> None:
    response = played(playing(*steps), a_request("GET /m", [("Range", asked)]))
    assert response is not None and response.status == 206
    assert response.body.data == FILM[first : last + 1]
    assert response.header("content-range") == f"bytes {first}-{last}/{len(FILM)}"


def test_parts_that_were_not_recorded_are_a_miss_and_what_cannot_be_is_416() -> None:
    only = a_part(1, 0, 99)
    assert played(playing(only), a_request("GET /m", [("Range", "bytes=50-149")])) is None
    assert played(playing(only), a_request("GET /m")) is None
    response = played(playing(WHOLE), a_request("GET /m", [("Range", "bytes=99999-")]))
    assert response is not None and (response.status, response.header("content-range")) == (416, f"bytes */{len(FILM)}")


def test_parts_that_are_the_whole_answer_a_request_for_the_whole() -> None:
    response = played(playing(*PARTS), a_request("GET /m"))
    assert response is not None and (response.status, response.body.data) == (200, FILM)
    assert not response.header("content-range")


def test_a_range_under_azures_name_is_a_range() -> None:
    """Clients of Azure's storage ask with x-ms-range, and are answered 206."""
    asked = [("x-ms-range", "bytes=0-99")]
    step = a_step(1, a_request("GET /b", asked), FILM[:100], [("Content-Range", f"bytes 0-99/{len(FILM)}")], 206)
    whole = played(playing(step), a_request("GET /b", asked))
    assert whole is not None and (whole.status, whole.body.data) == (206, FILM[:100])
    other = played(playing(step), a_request("GET /b", [("x-ms-range", "bytes=10-19")]))
    assert other is not None and other.body.data == FILM[10:20]


def test_a_part_that_was_not_asked_for_by_range_is_played_as_recorded() -> None:
    step = a_step(1, a_request("GET /b?bytes=0-9"), FILM[:10], [("Content-Range", f"bytes 0-9/{len(FILM)}")], 206)
    response = played(playing(step), a_request("GET /b?bytes=0-9"))
    assert response is not None and (response.status, response.body.data) == (206, FILM[:10])


@pytest.mark.parametrize(("condition", "status"), [('"m1"', 206), ('"m2"', 200), ('W/"m1"', 200)])
def test_if_range(condition: str, status: int) -> None:
    response = played(playing(WHOLE), a_request("GET /m", [("Range", "bytes=0-1"), ("If-Range", condition)]))
    assert response is not None and response.status == status


# -- caches

VERSION = [("ETag", '"v1"'), ("Last-Modified", "Mon, 30 Nov 2026 10:00:00 GMT"), ("Cache-Control", "no-cache")]
COLD = a_step(1, a_request("GET /p"), "page", VERSION)
WARM = a_step(2, a_request("GET /p", [("If-None-Match", '"v1"')]), b"", [("ETag", '"v1"')], 304)


@pytest.mark.parametrize("steps", [(COLD,), (COLD, WARM)], ids=["200 recorded", "200 and 304 recorded"])
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ([], 200),
        ([("If-None-Match", '"v1"')], 304),
        ([("If-None-Match", 'W/"v1", "v0"')], 304),
        ([("If-None-Match", '"v0"')], 200),
        ([("If-Modified-Since", "Mon, 30 Nov 2026 10:00:00 GMT")], 304),
        ([("If-Modified-Since", "Sun, 29 Nov 2026 10:00:00 GMT")], 200),
    ],
)
def test_a_warm_cache_and_a_cold_one(steps: tuple[Exchange, ...], headers: Headers, status: int) -> None:
    response = played(playing(*steps), a_request("GET /p", headers))
    assert response is not None and response.status == status
    assert response.body.data == (b"page" if status == 200 else b"")


def test_a_304_alone_is_for_the_copy_that_its_client_had() -> None:
    assert played(playing(WARM), a_request("GET /p")) is None
    assert played(playing(WARM), a_request("GET /p", [("If-None-Match", '"v9"')])) is None
    response = played(playing(WARM), a_request("GET /p", [("If-None-Match", '"v1"')]))
    assert response is not None and response.status == 304


# -- preflights and transport

CROSS = a_step(
    1, a_request("PUT /o/7", [("Origin", "http://a:1")], "{}"), headers=[("Access-Control-Allow-Origin", "http://a:1")]
)
ASKS = [("Origin", "http://b:2"), ("Access-Control-Request-Method", "PUT"), ("Access-Control-Request-Headers", "x-a")]


def test_a_preflight_that_was_not_recorded_is_answered_for_what_was() -> None:
    response = played(playing(CROSS), a_request("OPTIONS /o/7", ASKS))
    assert response is not None and response.status == 204
    allowed = [response.header(f"access-control-allow-{word}") for word in ("origin", "methods", "headers")]
    assert allowed == ["http://b:2", "PUT", "x-a"]
    assert played(playing(CROSS), a_request("OPTIONS /elsewhere", ASKS)) is None
    assert (
        played(playing(CROSS), a_request("OPTIONS /o/7", [*ASKS[:1], ("Access-Control-Request-Method", "DELETE")]))
        is None
    )


def test_an_origin_of_today_is_allowed_as_the_recorded_one_was() -> None:
    response = played(playing(CROSS), a_request("PUT /o/7", [("Origin", "http://b:2")], "{}"))
    assert response is not None and response.header("access-control-allow-origin") == "http://b:2"


def test_by_order_a_preflight_more_or_less_does_not_matter() -> None:
    flight = a_step(1, a_request("OPTIONS /o/7", ASKS), b"", status=204)
    for steps in ((flight, CROSS), (CROSS,)):
        numbered = [Exchange(**{**_facts(one), "step": n}) for n, one in enumerate(steps, 1)]
        playback = Playback(Tape("R", "t", numbered), MatchRules(match="by-order"))
        assert played(playback, a_request("PUT /o/7", [("Origin", "http://a:1")], "{}")) is not None
        playback.rewind()
        assert played(playback, a_request("OPTIONS /o/7", ASKS)) is not None
        assert played(playback, a_request("PUT /o/7", [("Origin", "http://a:1")], "{}")) is not None


def _facts(one: Exchange) -> dict[str, object]:
    return {name: getattr(one, name) for name in Exchange.__slots__}


@pytest.mark.parametrize(
    ("recorded", "asked", "same"),
    [
        ("_=1700000000000", "_=1700000099999", True),
        ("t=PqXyZ1a", "t=PqYaB2b", True),
        ("cb=0.123456789", "cb=0.987654321", True),
        ("x=1&nocache=1700000000", "x=1&nocache=1700000001", True),
        ("X-Amz-Date=20261130T100000Z&X-Amz-Signature=aa11", "X-Amz-Date=20261130T112233Z&X-Amz-Signature=bb22", True),
        ("Expires=1700000000&Signature=abcDEF123456", "Expires=1700000999&Signature=ghiJKL789012", True),
        ("sig=Abc%2B123456%3D&se=2026-11-30T10%3A00", "sig=Xyz%2B987654%3D&se=2026-12-01T11%3A00", True),
        ("x=1&_=1700000000000", "x=2&_=1700000099999", False),
        ("t=laptop", "t=phones", False),
        ("sp=1", "sp=2", False),
        ("policy=home", "policy=work", False),
        ("page=1", "page=2", False),
    ],
)
def test_parameters_that_choose_nothing(recorded: str, asked: str, same: bool) -> None:
    playback = playing(a_step(1, a_request(f"GET /q?{recorded}")))
    assert (played(playback, a_request(f"GET /q?{asked}")) is not None) is same


# -- ids that nobody gave


@pytest.mark.parametrize(
    ("line", "roles"),
    [
        ("GET /things/77", {("path", "2")}),
        ("DELETE /things/77", {("path", "2")}),
        ("GET /things?id=77", {("query", "id")}),
        ("GET /things/f1e2d3c4-9999-8888-7777-666655554444", {("path", "2")}),
        ("GET /things/ord_9QpLm4aB", {("path", "2")}),
    ],
)
def test_an_unknown_id_is_a_miss_in_its_own_words(line: str, roles: set[tuple[str, str]]) -> None:
    word = line.rpartition("=")[2] if "=" in line else line.rpartition("/")[2]
    known = (
        ("a1b2c3d4-1111-2222-3333-444455556666", "5000")
        if "-" in word
        else ("5000", "ord_1GkXz2eZ")
        if "_" in word
        else ("5000", "1")
    )
    steps = [a_step(n, a_request(line.replace(word, id)), f'{{"id": "{id}"}}') for n, id in enumerate(known, 1)]
    playback = playing(*steps, roles={n: frozenset(roles) for n in (1, 2)})
    found = playback.find(a_request(line), "shop")
    assert isinstance(found, Missed)
    assert f"{word} was never recorded; {known[0]} and {known[1]} were" in found.why


def test_an_id_that_an_upstream_gave_this_session_stands_for_the_recorded_one() -> None:
    step = a_step(1, a_request("GET /things/5000"), '{"id": 5000, "name": "pen"}')
    playback = playing(step, roles={1: frozenset({("path", "2")})})
    playback.heard(Response(headers=(("Location", "/things/77"),)))
    response = played(playback, a_request("GET /things/77"))
    assert response is not None and json.loads(response.body.data) == {"id": 5000, "name": "pen"}


# -- echoes


def test_json_rpc_ids_alone_and_in_a_batch() -> None:
    call = '{"jsonrpc": "2.0", "id": 7, "method": "tools/list", "params": {"n": 7}}'
    step = a_step(1, a_request("POST /rpc", body=call), '{"jsonrpc":"2.0","id":7,"result":{"count":7}}')
    today = a_request("POST /rpc", body=call.replace('"id": 7', '"id": "x-9"'))
    assert text(played(playing(step), today)) == '{"jsonrpc":"2.0","id":"x-9","result":{"count":7}}'
    assert played(playing(step), a_request("POST /rpc", body=call.replace('"n": 7', '"n": 8'))) is None
    batch = a_step(1, a_request("POST /rpc", body=f"[{call}]"), '[{"jsonrpc":"2.0","id":7,"result":1}]')
    assert text(played(playing(batch), a_request("POST /rpc", body=f"[{call.replace('7,', '8,')}]"))) == (
        '[{"jsonrpc":"2.0","id":8,"result":1}]'
    )


@pytest.mark.parametrize(
    ("line", "headers", "body", "answer", "recorded", "today"),
    [
        ("GET /jsonp?callback=@", [], "", "/**/@({});", "jQuery1_11", "jQuery9_99"),
        ("GET /login?state=@&x=1", [], "", '{"go": "/cb?state=@&code=a"}', "af0ifjsldkj1", "9xkq2mwpz7"),
        ("POST /g", [], '{"variables":{"input":{"clientMutationId":"@"}}}', '{"clientMutationId":"@"}', "1", "42"),
        ("POST /m", [], '{"header":{"msg_id":"@"}}', '{"parent_header":{"msg_id":"@"}}', "aa11-bb22", "cc33-dd44"),
        ("POST /i", [], '{"requestId":"@","sku":"x"}', '{"requestId":"@"}', "r-1001", "r-2002"),
        ("GET /e", [("X-Request-Id", "@")], "", "{}", "id-1", "id-2"),
        ("GET /e", [("X-Correlation-ID", "@")], "", "{}", "id-1", "id-2"),
    ],
)  # fmt: skip
def test_what_today_s_client_made_up_comes_back(
    line: str, headers: Headers, body: str, answer: str, recorded: str, today: str
) -> None:
    def asked(value: str) -> Request:
        return a_request(
            line.replace("@", value), [(n, v.replace("@", value)) for n, v in headers], body.replace("@", value)
        )

    kind = [("Content-Type", "application/javascript")] if "jsonp" in line else []
    echoed = [(name, recorded) for name, _ in headers]
    step = a_step(1, asked(recorded), answer.replace("@", recorded), [*kind, *echoed])
    response = played(playing(step), asked(today))
    assert text(response) == answer.replace("@", today)
    assert response is not None and all(response.header(name) == today for name, _ in headers)


def test_an_id_that_the_client_makes_for_a_put_comes_back_and_is_known_then() -> None:
    old, new = "a1b2c3d4-1111-4222-8333-444455556666", "f1e2d3c4-9999-4888-8777-666655554444"
    put = a_step(
        1, a_request(f"PUT /orders/{old}", body='{"q":1}'), f'{{"id":"{old}"}}', [("Location", f"/orders/{old}")], 201
    )
    get = a_step(2, a_request(f"GET /orders/{old}"), f'{{"id":"{old}","q":1}}')
    place = frozenset({("path", "2")})
    playback = playing(put, get, roles={1: place, 2: place}, fresh={1: place})
    assert played(playback, a_request(f"GET /orders/{new}")) is None, "it was not made yet"
    made = played(playback, a_request(f"PUT /orders/{new}", body='{"q":1}'))
    assert made is not None and (json.loads(made.body.data), made.header("location")) == ({"id": new}, f"/orders/{new}")
    assert text(played(playback, a_request(f"GET /orders/{new}"))) == f'{{"id":"{new}","q":1}}'


def test_a_calendar_client_makes_its_uids_and_finds_its_events_again() -> None:
    """CalDAV: the name of the file, the UID and the times in it are the client's; listings and reads give them back."""
    old, new = "a1b2c3d4-1111-4222-8333-444455556666", "f1e2d3c4-9999-4888-8777-666655554444"
    event = (
        "BEGIN:VCALENDAR\r\nUID:{0}\r\nDTSTAMP:20261130T1{1}0000Z\r\nCOMPLETED:20261130T1{1}0001Z\r\nSUMMARY:tea\r\n"
        "END:VCALENDAR\r\n"
    )
    kind = [("Content-Type", "text/calendar; charset=utf-8")]

    def put(uid: str, hour: int, summary: str = "tea") -> Request:
        return a_request(f"PUT /cal/{uid}.ics", kind, event.format(uid, hour).replace("tea", summary))

    listing = f"<multistatus><response><href>/cal/{old}.ics</href></response></multistatus>"
    steps = [
        a_step(1, put(old, 0), "", status=201),
        a_step(2, a_request("PROPFIND /cal/", [("Depth", "1")]), listing, [("Content-Type", "text/xml")], 207),
        a_step(3, a_request(f"GET /cal/{old}.ics"), event.format(old, 0), kind),
        a_step(4, a_request(f"DELETE /cal/{old}.ics"), ""),
    ]
    playback = playing(*steps)
    assert played(playback, a_request(f"DELETE /cal/{new}.ics")) is None
    assert played(playback, put(new, 5, "coffee")) is None
    assert played(playback, put(new, 5)) is not None
    assert text(played(playback, a_request("PROPFIND /cal/", [("Depth", "1")]))) == listing.replace(old, new)
    assert text(played(playback, a_request(f"GET /cal/{new}.ics"))) == event.format(new, 5)
    assert played(playback, a_request(f"DELETE /cal/{new}.ics")) is not None


def test_a_state_that_is_a_filter_is_no_made_up_value() -> None:
    step = a_step(1, a_request("GET /issues?state=open"), "[1]")
    assert played(playing(step), a_request("GET /issues?state=closed")) is None


# -- codings


@pytest.mark.parametrize(
    ("accepts", "coding"),
    [
        ("gzip, deflate, br, zstd", "br"), ("br", "br"), ("*", "br"), ("gzip", ""), ("", ""), ("br;q=0, gzip", ""),
        ("gzip, identity;q=0", "gzip"),
    ],
)  # fmt: skip
def test_a_coding_that_the_client_reads(accepts: str, coding: str) -> None:
    packed = brotli.compress(b'{"a": 1}')
    step = a_step(1, a_request("GET /c", [("Accept-Encoding", "br")]), packed, [("Content-Encoding", "br")])
    response = played(playing(step), a_request("GET /c", [("Accept-Encoding", accepts)] if accepts else []))
    assert response is not None and response.header("content-encoding") == coding
    if coding == "br":
        assert response.body.data == packed, "byte for byte"
    else:
        assert (gzip.decompress(response.body.data) if coding else response.body.data) == b'{"a": 1}'

"""The plan of a replay: what is sent next, given what came; told without any network.

Covers: model/message, replay/readiness, replay/unseal, replay/write_guard.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from dataclasses import replace

import pytest

from gateway.correlation import correlate
from gateway.model.exchange import Exchange
from gateway.model.message import Body, Request, Response
from gateway.replay.branch import read_unset
from gateway.replay.plan import ReplayOptions, Send, Skip, Stop, cookies_set, plan
from gateway.replay.unseal import reveal
from gateway.replay.write_guard import findings
from gateway.routes.table import RouteTable

SEALED = "sealed_aaaaaaaaaaaaaaaaaaaa_16"
JSON = (("Content-Type", "application/json"),)


def step(number, method, target, body=None, *, headers=(), answer=None, status=200, fields=(), **facts):
    data = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    request = Request("1.1", (*(JSON if data else ()), *headers), Body(len(data), data), method=method, target=target)
    came = json.dumps(answer if answer is not None else {}).encode()
    response = Response("1.1", (*JSON, *fields), Body(len(came), came), status=status)
    return Exchange(
        f"X{number}", "R", number, "s", f"2026-01-01T00:00:0{number}.000000Z", f"http://127.0.0.1:8080{target}",
        request, response, status=status, cluster="orders", environment="qa", **facts,
    )  # fmt: skip


def a_response(body, *, status=200, fields=()):
    data = json.dumps(body).encode()
    return Response("1.1", (*JSON, *fields), Body(len(data), data), status=status)


def begin(*steps, wanted=None, secrets=None):
    keys = iter(f"key-{number}" for number in range(9))
    return plan(steps, correlate(steps), wanted or ReplayOptions(), secrets=secrets or {}, new_key=lambda: next(keys))


ORDER = step(1, "POST", "/api/orders", {"isbn": "978-1"}, answer={"id": 70001}, status=201)
PAY = step(2, "POST", "/api/orders/70001/payments", {"order_id": 70001})


def test_this_runs_values_take_the_places_of_the_recorded_ones():
    talk = begin(ORDER, PAY)
    first = next(talk)
    assert isinstance(first, Send) and first.request.target == "/api/orders"
    second = talk.send(a_response({"id": 5}, status=201))
    assert second.request.target == "/api/orders/5/payments"
    assert json.loads(second.request.body.data) == {"order_id": 5}
    assert second.bindings == ("order_id",)


def test_a_missing_value_stops_and_says_what_came_instead_without_its_values():
    talk = begin(ORDER, PAY, step(3, "GET", "/api/orders"))
    next(talk)
    stop = talk.send(a_response({"error": "out of stock", "token": "do-not-tell"}, status=409))
    assert isinstance(stop, Stop) and stop.step == 2
    assert "order_id is missing: it comes from /id in the response of step 1" in stop.why
    assert "409 with the members error, token" in stop.why and "do-not-tell" not in stop.why
    assert talk.send(None) == Skip(3, "the replay stopped at step 2")


def test_an_edit_of_the_very_place_makes_a_missing_value_unnecessary():
    from gateway.replay.branch import read_set

    wanted = ReplayOptions(edits={2: [read_set("path:3=9"), read_set("json:/order_id=9")]})
    talk = begin(ORDER, PAY, wanted=wanted)
    next(talk)
    sent = talk.send(a_response({}, status=500))
    assert isinstance(sent, Send) and sent.request.target == "/api/orders/9/payments"


def test_what_belongs_to_one_connection_or_run_is_not_sent_again():
    headers = [
        ("Host", "old"), ("Connection", "close"), ("Gateway-Session", "ada"), ("traceparent", "00-1"), ("X-Keep", "1"),
        ("baggage", "gateway-session=ada,team=blue"), ("Gateway-Env", "orders=dev"),
    ]  # fmt: skip
    sent = next(begin(step(1, "GET", "/api/orders", headers=headers)))
    assert sent.request.headers == (("X-Keep", "1"), ("baggage", "team=blue"))
    assert sent.environments == {"orders": "dev"}


def test_environments_of_a_step_win_over_those_of_the_replay_over_the_recorded_ones():
    wanted = ReplayOptions(to={"orders": "test"}, environments={2: {"orders": "dev"}}, as_recorded=True)
    talk = begin(step(1, "GET", "/a"), step(2, "GET", "/a"), wanted=wanted)
    assert next(talk).environments == {"orders": "test"}
    assert talk.send(a_response({})).environments == {"orders": "dev"}


def test_idempotency_keys_are_fresh_and_a_retry_keeps_its_first_trys():
    steps = [step(n, "POST", "/a", headers=[("Idempotency-Key", key)]) for n, key in ((1, "k"), (2, "k"), (3, "m"))]
    talk = begin(*steps)
    keys = [next(talk).request.header("idempotency-key")]
    keys += [talk.send(a_response({})).request.header("idempotency-key") for _ in range(2)]
    assert keys == ["key-0", "key-0", "key-1"]


def test_cookies_are_those_of_this_run():
    first = step(1, "GET", "/a", fields=[("Set-Cookie", "sid=old; Path=/"), ("Set-Cookie", "gone=1")])
    second = step(2, "GET", "/b", headers=[("Cookie", "lang=de; sid=old; gone=1")])
    talk = begin(first, second)
    next(talk)
    sent = talk.send(a_response({}, fields=[("Set-Cookie", "sid=new; HttpOnly")]))
    assert sent.request.header("cookie") == "lang=de; sid=new"
    assert "gone" in sent.notes[0]


def test_secrets_of_the_client_come_back_in_their_places_and_unknown_ones_stop():
    body = {"user": "ada", "password": SEALED}
    known = begin(step(1, "POST", f"/a?key={SEALED}", body), secrets={SEALED: 'p"w &'})
    sent = next(known)
    assert json.loads(sent.request.body.data)["password"] == 'p"w &'
    assert sent.request.target == "/a?key=p%22w+%26"
    stop = next(begin(step(1, "POST", "/a", body)))
    assert isinstance(stop, Stop) and "not in this recording" in stop.why


def test_forms_and_headers_are_spelled_their_own_way():
    form = (("Content-Type", "application/x-www-form-urlencoded"), ("X-Api-Key", SEALED))
    request = Request("1.1", form, Body(0, f"pw={SEALED}".encode()), method="POST")
    shown = reveal(request, {SEALED: "a b&c"})
    assert shown.body.data == b"pw=a+b%26c" and shown.header("x-api-key") == "a b&c"


def test_a_cut_body_is_not_sent_and_a_websocket_is_begun_anew():
    cut = step(1, "POST", "/a", {"x": 1})
    cut = replace(cut, request=replace(cut.request, body=Body(100, b'{"x"')))
    assert "kept 4 of the 100 bytes" in next(begin(cut)).why
    socket = step(1, "GET", "/a", stream="websocket", headers=[("Upgrade", "websocket"), ("Sec-WebSocket-Key", "x")])
    assert next(begin(socket)).request.headers == ()


def test_only_the_wanted_steps_are_sent():
    talk = begin(*(step(n, "GET", "/a") for n in (1, 2, 3)), wanted=ReplayOptions(first=2, last=2))
    kinds = [type(next(talk))]
    kinds += [type(talk.send(None)) for _ in range(2)]
    assert kinds == [Skip, Send, Skip]


def test_a_token_that_is_over_is_told_before_the_first_request():
    claims = urlsafe_b64encode(json.dumps({"exp": 1000}).encode()).decode().rstrip("=")
    steps = [step(1, "GET", "/a", headers=[("Authorization", f"Bearer {SEALED}")])]
    secrets = {SEALED: f"e30.{claims}.sig"}
    found = findings(steps, correlate(steps), ReplayOptions(), RouteTable({}), secrets=secrets, now=1000 + 7200)
    assert [one.message for one in found if "expired" in one.message] == ["its bearer token expired 2 hours ago"]
    assert "no cluster has the path /a" in found[0].message


def test_a_sealed_number_is_sent_as_a_number_and_a_sealed_string_as_a_string():
    body = b'{"pin": "\\u0073ealed_aaaaaaaaaaaaaaaaaaaa_4", "code": "sealed_aaaaaaaaaaaaaaaaaaaa_4"}'
    sent = reveal(step(1, "POST", "/api/orders", body).request, {"sealed_aaaaaaaaaaaaaaaaaaaa_4": "1234"})
    assert sent.body.data == b'{"pin": 1234, "code": "1234"}'
    assert sent.body.size == len(sent.body.data)


def test_a_number_that_this_run_brings_takes_the_place_of_a_sealed_number_as_a_number():
    pin = "\\u0073ealed_bbbbbbbbbbbbbbbbbbbb_8"
    first = step(1, "POST", "/api/pins", {"user": "alice"})
    came = f'{{"pin": "{pin}"}}'.encode()
    first = replace(first, response=Response("1.1", JSON, Body(len(came), came), status=200))
    talk = begin(first, step(2, "POST", "/api/unlock", f'{{"pin": "{pin}"}}'.encode()))
    next(talk)
    assert talk.send(a_response({"pin": 90210777})).request.body.data == b'{"pin": 90210777}'


def test_an_edited_body_with_a_secret_in_it_has_the_length_of_what_is_sent():
    """The placeholder is longer than the password: its length must not be announced."""
    login = step(1, "POST", "/login", {"user": "ada", "password": SEALED})
    send = next(begin(login, wanted=ReplayOptions(edits={1: [read_unset("json:/user")]}), secrets={SEALED: "pw"}))
    assert json.loads(send.request.body.data) == {"password": "pw"}
    assert not send.request.header("content-length")


def test_a_cookie_that_has_the_servers_port_in_its_name_goes_out_under_todays_name():
    login = step(1, "POST", "/login", answer={}, fields=[("Set-Cookie", "username-127-0-0-1-48537=then; Path=/")])
    look = step(2, "GET", "/me", headers=[("Cookie", "username-127-0-0-1-48537=then; theme=dark")])
    talk = begin(login, look)
    next(talk)
    sent = talk.send(a_response({}, fields=[("Set-Cookie", "username-127-0-0-1-39001=now; Path=/")]))
    assert ("Cookie", "username-127-0-0-1-39001=now; theme=dark") in sent.request.headers


@pytest.mark.parametrize(
    ("attributes", "date", "kept"),
    [
        ("Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "", False),
        ("Expires=Thu, 01-Jan-1970 00:00:00 GMT", "", False),
        ("expires=Mon, 30 Nov 2026 09:00:00 GMT", "Mon, 30 Nov 2026 10:00:00 GMT", False),
        ("Expires=Mon, 30 Nov 2026 11:00:00 GMT", "Mon, 30 Nov 2026 10:00:00 GMT", True),
        ("Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=60", "", True),
        ("Max-Age=0", "", False),
        ("Max-Age=-99", "", False),
        ("Expires=0", "", True),  # RFC 6265 section 5.2.1: what is no date is passed over
        ("HttpOnly", "", True),
    ],
)
def test_a_cookie_that_the_server_takes_back_is_gone(attributes, date, kept):
    fields = (("Set-Cookie", f"sid=abc; {attributes}"), *([("Date", date)] if date else []))
    assert cookies_set(Response(headers=fields)) == [("sid", "abc" if kept else None)]

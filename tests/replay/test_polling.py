"""Which steps of a recording poll, and when a replay asks again."""

from __future__ import annotations

import pytest
from sessions import session

from gateway.model.message import Body, Response
from gateway.replay.polling import asks_again, is_another_moment, pause, polls


def response(text: str, status: int = 200, **headers: str) -> Response:
    pairs = (
        ("Content-Type", "application/json"),
        *((name.replace("_", "-"), value) for name, value in headers.items()),
    )
    return Response("1.1", pairs, Body(len(text), text.encode()), status=status)


JOB = """
POST /jobs
{"x": 1}
-> 202
{"job": 7, "status": "PENDING"}

GET /jobs/7
-> 200
{"job": 7, "status": "PENDING"}

GET /jobs/7
-> 200
{"job": 7, "status": "DONE"}

GET /jobs/7/result
-> 200
{"answer": 42}
"""


def test_the_last_poll_of_a_row_is_repeated_until_it_has_the_recorded_state():
    found = polls(session(JOB))
    assert asks_again(found[3], response('{"job": 9, "status": "PENDING"}'))
    assert not asks_again(found[3], response('{"job": 9, "status": "DONE"}'))
    assert not asks_again(found[2], response('{"job": 9, "status": "RUNNING"}'))


def test_an_earlier_poll_is_a_question_of_the_moment():
    found = polls(session(JOB))
    assert is_another_moment(found[2], response('{"job": 9, "status": "DONE"}'))
    assert not is_another_moment(found[2], response("{}", 500))
    assert not is_another_moment(found[4], response('{"answer": 41}'))


@pytest.mark.parametrize(
    "now",
    [
        response('{"state": "queued"}'),
        response('{"answer": null, "ready": false}'),
        response("{}", 202),
        response("{}", 409, Retry_After="1"),
    ],
)
def test_a_single_request_is_asked_again_where_the_response_itself_says_that_it_is_not_done(now):
    assert asks_again(polls(session(JOB))[4], now)


@pytest.mark.parametrize("now", [response("{}", 404), response("{}", 401, Retry_After="1"), response('{"answer": 41}')])
def test_what_says_nothing_of_the_kind_is_not_waited_for(now):
    assert not asks_again(polls(session(JOB))[4], now)


def test_a_write_between_makes_two_questions_of_it():
    found = polls(
        session("""
GET /orders/7
-> 404

PUT /orders/7
{"paid": true}
-> 200

GET /orders/7
-> 200
{"id": 7}
""")
    )
    assert not asks_again(found[3], response("{}", 404))


def test_a_json_rpc_call_that_is_repeated_is_a_poll_whatever_its_number():
    call = """
POST /rpc
{"jsonrpc": "2.0", "id": %d, "method": "receipt", "params": ["0xab"]}
-> 200
{"jsonrpc": "2.0", "id": %d, "result": %s}
"""
    found = polls(session(call % (1, 1, "null") + call % (2, 2, "null") + call % (3, 3, '{"block": 4}')))
    assert asks_again(found[3], response('{"jsonrpc": "2.0", "id": 3, "result": null}'))
    assert not asks_again(found[3], response('{"jsonrpc": "2.0", "id": 3, "result": {"block": 9}}'))


def test_the_pause_grows_and_obeys_the_server():
    poll = polls(session(JOB))[3]
    assert pause(poll, response("{}"), 0) == pytest.approx(0.1)
    assert pause(poll, response("{}"), 30) == 2.0
    assert pause(poll, response("{}", Retry_After="3"), 0) == 3.0
    assert pause(poll, response("{}", Retry_After="600"), 0) == 5.0


def test_a_challenge_is_no_state_of_a_job():
    found = polls(
        session("""
GET /x
-> 401

GET /x
Authorization: Digest nonce="a"
-> 200
{"ok": true}
""")
    )
    assert not asks_again(found[2], response("{}", 401))

"""A write never goes out with a value that an earlier response had given and that this run has otherwise."""

from __future__ import annotations

from sessions import session

from gateway.correlation import Decisions, correlate, read_declared
from gateway.model.message import Body, Response
from gateway.replay.plan import ReplayOptions, Send, Stop, plan


def response(text: str = "{}", status: int = 200, *headers: tuple[str, str]) -> Response:
    pairs = (("Content-Type", "application/json"), *headers)
    return Response("1.1", pairs, Body(len(text), text.encode()), status=status)


def replayed(
    text: str, *live: Response, wanted: ReplayOptions | None = None, decisions: Decisions | None = None
) -> list[object]:
    """What the plan does, step by step, where these responses come."""
    exchanges = session(text)
    talk = plan(
        exchanges,
        correlate(exchanges, decisions or Decisions()),
        wanted or ReplayOptions(),
        secrets={},
        new_key=lambda: "key",
    )
    actions: list[object] = []
    reply: Response | None = None
    waiting = list(live)
    try:
        while True:
            actions.append(talk.send(reply))
            reply = waiting.pop(0) if waiting and isinstance(actions[-1], Send) else None
    except StopIteration:
        return actions


# A value that correlation only suggests, of two kinds of API.
GRAPHQL = """
POST /api/entries
{"title": "One"}
-> 201
{"record": {"id": 3}}

POST /graphql
{"query": "mutation($id: ID!) { drop(id: $id) { id } }", "variables": {"id": 3}}
-> 200
{"data": {"drop": {"id": 3}}}
"""
NAME = """
POST /files
{"type": "file"}
-> 201
{"called": "Untitled-file.txt"}

POST /move
{"what": "Untitled-file.txt", "where": "/old"}
-> 200
{}
"""


def test_a_write_with_a_stale_value_stops_before_it_is_sent_and_says_why():
    _, stop = replayed(NAME, response('{"called": "b.txt"}', 201))
    assert isinstance(stop, Stop)
    for word in ("Untitled-file.txt", "b.txt", "/called in the response of step 1", "--yes-to 2"):
        assert word in stop.why


def test_a_value_that_this_run_gave_again_is_not_stale():
    _, send = replayed(NAME, response('{"called": "Untitled-file.txt"}', 201))
    assert isinstance(send, Send) and not send.doubtful


def test_a_list_in_another_order_still_has_the_value():
    text = """
GET /queues
-> 200
{"queues": [{"label": "north"}, {"label": "south"}]}

POST /jobs
{"label": "north"}
-> 201
"""
    _, send = replayed(text, response('{"queues": [{"label": "south"}, {"label": "north"}]}'))
    assert isinstance(send, Send)


def test_yes_to_sends_it_as_recorded_and_says_so():
    sent = replayed(NAME, response('{"called": "b.txt"}', 201), wanted=ReplayOptions(yes_to=frozenset((2,))))[1]
    assert isinstance(sent, Send)
    assert b"Untitled-file.txt" in sent.request.body.data or b"b.txt" in sent.request.body.data


def test_a_declaration_of_this_run_binds_it():
    decisions = Decisions(declared=(read_declared("2:json:/what=1:json:/called"),))
    sent = replayed(NAME, response('{"called": "b.txt"}', 201), decisions=decisions)[1]
    assert isinstance(sent, Send) and b'"what": "b.txt"' in sent.request.body.data


def test_a_graphql_query_reads_and_goes_out_with_a_note():
    text = GRAPHQL.replace("mutation($id: ID!) { drop(id: $id) { id } }", "query($id: ID!) { entry(id: $id) { id } }")
    sent = replayed(text, response('{"record": {"id": 8}}', 201))[1]
    assert isinstance(sent, Send)
    assert sent.doubtful or b'"id": 8' in sent.request.body.data


def test_a_mutation_with_the_same_id_does_not_go_out_stale():
    sent = replayed(GRAPHQL, response('{"record": {"id": 8}}', 201))[1]
    assert isinstance(sent, Stop) or (isinstance(sent, Send) and b'"id": 8' in sent.request.body.data)


def test_a_write_whose_value_comes_from_a_step_that_was_left_out_stops():
    text = """
POST /orders
{"sku": "A-1"}
-> 201
{"id": 70001}

DELETE /orders/70001
-> 204
"""
    _, stop = replayed(text, wanted=ReplayOptions(first=2))
    assert isinstance(stop, Stop) and "step 1, which gives it, was left out" in stop.why and "--yes-to 2" in stop.why
    send = replayed(text, response("", 204), wanted=ReplayOptions(first=2, yes_to=frozenset((2,))))[1]
    assert isinstance(send, Send) and send.request.target == "/orders/70001"


def test_what_a_person_typed_goes_out_as_typed():
    text = """
PUT /books/978-1
{"title": "Emma"}
-> 200
{"isbn": "978-1", "title": "Emma", "stock": 4}

PUT /books/978-1
{"title": "Emma 2", "stock": 7}
-> 200
"""
    found = replayed(text, response('{"isbn": "978-1", "title": "Emma", "stock": 9}'))
    assert all(isinstance(each, Send) for each in found)


def test_fresh_gives_a_name_a_new_value_wherever_it_is_sent():
    text = """
POST /projects
{"name": "pricing", "size": 2}
-> 201
{"name": "pricing"}

GET /projects?name=pricing&note=the%20pricing%20one
-> 200
[]
"""
    first, second = replayed(text, response('{"name": "x"}', 201), wanted=ReplayOptions(fresh=("name",)))
    assert isinstance(first, Send) and isinstance(second, Send)
    assert b'"name": "pricing-key", "size": 2' in first.request.body.data
    assert second.request.target == "/projects?name=pricing-key&note=the%20pricing-key%20one"

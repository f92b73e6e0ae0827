"""A write never goes out with a value that an earlier response had given and that this run has otherwise."""

from __future__ import annotations

import re

import pytest
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


UNRELATED = [
    ("path", "DELETE /cart-items/3", ""),
    ("path-inside", "PUT /cart-items/3/gift", '{"wrap": true}'),
    ("literal-before", "POST /spool/main/3", ""),
    ("query", "DELETE /trash?item=3", ""),
    ("json", "POST /checkout", '{"basket": 3}'),
    ("json-text", "POST /checkout", '{"basket": "3"}'),
    ("json-nested", "POST /matches", '{"host": {"side": 3}}'),
    ("json-list", "POST /bin", '{"things": [3, 40]}'),
    ("json-alone", "POST /stop", "3"),
    ("json-text-alone", "POST /stop", '"3"'),
    ("json-lists", "POST /halt", "[3]"),
    ("form", "POST /answers", "subject=3&choice=yes"),
    ("lines-of-json", "POST /bulk", 'Content-Type: application/x-ndjson\n{"thing": 40}\n{"thing": 3}'),
    ("form-list", "POST /bulk", "things%5B%5D=3&things%5B%5D=40"),
    ("csv", "POST /import", "Content-Type: text/csv\nqty,thing,note\n7,40,a\n4,3,b"),
    ("yaml", "POST /apply", "Content-Type: application/yaml\nkind: x\nthing: 3"),
    ("json-in-form", "POST /rpc", "data=%7B%22item%22%3A+3%7D&kind=x"),
    ("json-in-query", "POST /search?filter=%7B%22where%22%3A%7B%22item%22%3A3%7D%7D", ""),
    (
        "multipart-related",
        "POST /upload",
        (
            "Content-Type: multipart/related; boundary=b\n--b\nContent-Type: application/json\n|\n"
            '{"parent": 3}\n--b\nContent-Type: text/plain\n|\nhi\n--b--'
        ),
    ),
    ("header", "POST /checkout", "X-Basket: 3\n{}"),
    ("text", "POST /stop", "Content-Type: text/plain\n3"),
    ("xml-element", "POST /soap", "Content-Type: text/xml\n<Remove><Shelf>3</Shelf></Remove>"),
    ("xml-attribute", "POST /soap", 'Content-Type: text/xml\n<Remove><Copy nr="3"/></Remove>'),
    ("colon", "DELETE /slots/3:17", ""),
    ("colon-second", "DELETE /slots/17:3", ""),
    ("dash", "PUT /cables/17-3", "{}"),
    ("underscore", "PUT /scenes/member_3", "{}"),
    ("comma", "DELETE /threads?keys=3,14", ""),
    ("json-composite", "POST /bin", '{"what": "line:3"}'),
    ("rpc", "POST /rpc", '{"jsonrpc": "2.0", "id": 9, "method": "drawer.empty", "params": [3]}'),
    ("graphql", "POST /graphql", '{"query": "mutation($w: ID!) { drop(what: $w) { ok } }", "variables": {"w": 3}}'),
    ("graphql-literal", "POST /graphql", '{"query": "mutation { drop(what: 3) { ok } }"}'),
    ("key-in-parentheses", "DELETE /Baskets(3)", ""),
]


@pytest.mark.parametrize(("line", "body"), [each[1:] for each in UNRELATED], ids=[each[0] for each in UNRELATED])
def test_a_small_id_under_an_unrelated_name_never_goes_out_stale(line: str, body: str):
    """It is bound to this run's, or the step stops and names both; and it goes out where this run has the same."""
    text = f'POST /lines\n{{"sku": "A-1"}}\n-> 201\n{{"id": 3, "sku": "A-1"}}\n\n{line}\n{body}{chr(10) * bool(body)}-> 200\n'
    _, action = replayed(text, response('{"id": 8, "sku": "A-1"}', 201))
    if isinstance(action, Send):
        assert "3" not in re.sub(r"17|14|40|2\.0|201", "", f"{action.request.target}{action.request.body.data!r}")
    else:
        assert isinstance(action, Stop)
        for word in ("is 3, which /id in the response of step 1 gave; this run has 8", "--declare", "--yes-to 2"):
            assert word in action.why
    _, same = replayed(text, response('{"id": 3, "sku": "A-1"}', 201))
    assert isinstance(same, Send) and not same.doubtful


@pytest.mark.parametrize("number", ["0", "-1", "-4", "1", "12", "100", "2026", "007"])
@pytest.mark.parametrize("path", ["/lines/{}", "/cart-items/{}"])
def test_every_small_number_may_be_an_id(number: str, path: str):
    given = number if number != "007" else '"007"'
    text = f'POST /lines\n{{"sku": "A-1"}}\n-> 201\n{{"id": {given}}}\n\nDELETE {path.format(number)}\n-> 204\n'
    _, action = replayed(text, response('{"id": 8}', 201))
    assert isinstance(action, Stop) or (isinstance(action, Send) and action.request.target == path.format(8))


def test_a_number_used_again_after_its_thing_was_deleted_is_the_newest():
    text = """
POST /lines
{"sku": "A-1"}
-> 201
{"id": 3}

DELETE /lines/3
-> 204

POST /gifts
{"for": "bo"}
-> 201
{"id": 3}

DELETE /parcels/3
-> 204
"""
    live = (response('{"id": 3}', 201), response("", 204), response('{"id": 9}', 201))
    stop = replayed(text, *live)[-1]
    assert isinstance(stop, Stop) and "/id in the response of step 3 gave; this run has 9" in stop.why


def test_an_equal_number_of_another_thing_says_nothing_about_this_one():
    text = """
POST /authors
{"name": "ada"}
-> 201
{"id": 1}

POST /shelves
{"room": "hall"}
-> 201
{"id": 1}

DELETE /bin/1
-> 204
"""
    stop = replayed(text, response('{"id": 1}', 201), response('{"id": 24}', 201))[-1]
    assert isinstance(stop, Stop) and "this run has 24" in stop.why


TEXTS = [
    ("text", "Content-Type: text/plain\nCreated order {}."), ("hash", "Content-Type: text/plain\nOrder #{} is open"),
    ("member", '{{"message": "Order {} was created"}}'), ("named", "Content-Type: text/plain\nticket no. {}\nfor order 99"),
    ("after-others", "Content-Type: text/plain\n3 items, HTTP 200: order={}"),
]  # fmt: skip


@pytest.mark.parametrize("said", [each[1] for each in TEXTS], ids=[each[0] for each in TEXTS])
def test_a_number_that_a_text_names_is_an_id(said: str):
    text = f'POST /orders\n{{"sku": "A-1"}}\n-> 201\n{said.format(7)}\n\nDELETE /orders/7\n-> 204\n'
    live = said.format(12).rpartition("\n")[2] if "no." not in said else "ticket no. 12\nfor order 99"
    kind = "application/json" if said.startswith("{") else "text/plain"
    live = live.replace("{{", "{").replace("}}", "}")
    answer = Response("1.1", (("Content-Type", kind),), Body(len(live), live.encode()), status=201)
    _, action = replayed(text, answer)
    assert isinstance(action, Stop) or (isinstance(action, Send) and action.request.target == "/orders/12")


QUANTITIES = ['{"qty": 3}', '{"nights": 3, "beds": 3}', '{"price": 3}', '{"rating": 3}', '{"x": 3, "y": 3}', '{"value": 3.7}',
              '{"hour": 3}', '{"when": "2026-03-03"}', '{"pageSize": 3}', '{"timeout": 3}']  # fmt: skip


@pytest.mark.parametrize("body", QUANTITIES)
def test_a_quantity_that_equals_an_id_goes_out_as_typed(body: str):
    text = f'POST /lines\n{{"sku": "A-1"}}\n-> 201\n{{"id": 3}}\n\nPOST /orders\n{body}\n-> 201\n'
    _, action = replayed(text, response('{"id": 8}', 201))
    assert isinstance(action, Send) and action.request.body.data == body.encode() and not action.doubtful


@pytest.mark.parametrize("name", ["pinned", "is_admin", "has_lid", "visible", "enabled"])
def test_a_switch_that_equals_an_id_goes_out_as_typed(name: str):
    text = f'POST /lines\n{{"sku": "A-1"}}\n-> 201\n{{"id": 1}}\n\nPOST /orders\n{{"{name}": 1}}\n-> 201\n'
    _, action = replayed(text, response('{"id": 8}', 201))
    assert isinstance(action, Send) and not action.doubtful


@pytest.mark.parametrize("name", ["feed", "table", "seat", "holder"])
def test_a_thing_with_the_number_one_is_no_switch(name: str):
    text = f'POST /lines\n{{"sku": "A-1"}}\n-> 201\n{{"id": 1}}\n\nPOST /orders\n{{"{name}": 1}}\n-> 201\n'
    _, action = replayed(text, response('{"id": 8}', 201))
    assert isinstance(action, Stop)


def test_a_word_that_a_response_gave_as_an_id_stops_in_a_path():
    text = """
POST /projects
{"title": "Red fox"}
-> 201
{"slug": "redfox"}

DELETE /bin/redfox
-> 204
"""
    _, stop = replayed(text, response('{"slug": "redfox2"}', 201))
    assert isinstance(stop, Stop) and "redfox2" in stop.why

"""Which recorded step answers, told from small tapes.

Covers: replay/playback/negotiation, replay/playback/recorded_response.
"""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import UsageError
from gateway.model.exchange import Exchange
from gateway.model.message import Body, Request, Response
from gateway.replay.playback.matching import MatchRules
from gateway.replay.playback.playback import Missed, Playback, PlaybackMatch
from gateway.replay.playback.recording_index import Tape
from gateway.replay.playback.request_table import Mismatch, fields_of, mismatches

JSON = (("Content-Type", "application/json"),)


def asked(method="GET", target="/api/orders/1", body=b"", headers=()):
    return Request(method=method, target=target, headers=headers or (JSON if body else ()), body=Body(len(body), body))


def a_step(step, method="GET", target="/api/orders/1", body=b"", status=200, headers=(), **facts):
    request = asked(method, target, body, headers)
    answer = Response(status=status, body=Body(1, b"%d" % (step % 10)))
    one = Exchange(
        id=f"x{step}", recording="rec", step=step, session="s", started_at="2025-11-22T06:00:00Z", url="http://gw" + target,
        request=request, response=answer, status=status, cluster="orders", environment="qa",
    )  # fmt: skip
    return replace(one, **facts)


def an_answer(text):
    """What an upstream answered this session."""
    return Response(headers=JSON, body=Body(len(text), text.encode()))


def a_playback(*steps, known=None, **rules):
    return Playback(Tape("rec", "Order a book", steps, roles=known), MatchRules(**rules))


def played(playback, *requests):
    """The steps that answer these requests, one after the other; 0 for a miss."""
    found = [playback.find(request, "orders") for request in requests]
    return [one.exchange.step if isinstance(one, PlaybackMatch) else 0 for one in found]


RECEIPTS = (a_step(1, status=404), a_step(2, "POST", "/api/orders/1/pay", b"{}"), a_step(3), a_step(4))


@pytest.mark.parametrize(
    ("end", "steps"),
    [("last", [1, 3, 4, 4, 4]), ("cycle", [1, 3, 4, 1, 3]), ("404", [1, 3, 4, 0, 0]), ("live", [1, 3, 4, 0, 0])],
)
def test_the_same_request_gets_the_next_answer_and_then_what_the_end_says(end, steps) -> None:
    assert played(a_playback(*RECEIPTS, end=end), *[asked()] * 5) == steps


def test_only_the_end_called_live_sends_the_request_on() -> None:
    for end in ("404", "live"):
        playback = a_playback(RECEIPTS[0], end=end)
        playback.find(asked(), "orders")
        missed = playback.find(asked(), "orders")
        assert isinstance(missed, Missed)
        assert missed.live == (end == "live")
        assert missed.near[0].mismatches == ()
        assert "recorded 1 time" in missed.why


def test_a_played_write_makes_what_was_before_it_stale() -> None:
    pay = asked("POST", "/api/orders/1/pay", b"{}")
    assert played(a_playback(*RECEIPTS), asked(), pay, asked(), asked()) == [1, 2, 3, 4]
    assert played(a_playback(*RECEIPTS), pay, asked(), asked(), asked()) == [2, 3, 4, 4]


def test_reads_may_come_in_another_order_than_recorded() -> None:
    steps = [a_step(1, target="/a"), a_step(2, target="/b"), a_step(3, target="/a")]
    assert played(a_playback(*steps), asked(target="/b"), asked(target="/a"), asked(target="/a")) == [2, 1, 3]


def test_a_cycle_of_a_write_begins_everything_after_it_anew() -> None:
    order, pay = asked("POST", "/api/orders", b"{}"), asked("POST", "/api/orders/1/pay", b"{}")
    steps = (a_step(1, "POST", "/api/orders", b"{}"), *[replace(one, step=one.step + 1) for one in RECEIPTS])
    once = [order, asked(), pay, asked()]
    assert played(a_playback(*steps, end="cycle"), *once, *once) == [1, 2, 3, 4, 1, 2, 3, 4]


def test_rewound_it_begins_at_the_first_step() -> None:
    playback = a_playback(*RECEIPTS)
    played(playback, asked(), asked())
    playback.rewind()
    assert played(playback, asked()) == [1]


def test_two_playbacks_of_one_tape_do_not_touch_each_other() -> None:
    tape = Tape("rec", "t", RECEIPTS)
    one, other = Playback(tape), Playback(tape)
    assert played(one, asked(), asked()) == [1, 3]
    assert played(other, asked()) == [1]


BODY = b'{"isbn": "978-1", "qty": 1, "gift": {"to": null}}'


@pytest.mark.parametrize(
    ("target", "body", "fits"),
    [
        ("/api/orders?x=1&y=2", BODY, True),
        ("/api/orders?y=2&x=1", BODY, True),
        ("/api/orders?x=1&y=2", b'{"gift":{"to":null},"qty":1.0,"isbn":"978-1"}', True),
        ("/api/orders?x=1&y=2", b'{"gift":{"to":null},"qty":true,"isbn":"978-1"}', False),
        ("/api/orders?x=1&y=2", b'{"qty":"1","isbn":"978-1","gift":{"to":null}}', False),
        ("/api/orders?x=1", BODY, False),
        ("/api/orders?x=1&y=2&y=3", BODY, False),
        ("/api/orders?x=1&y=2", BODY[:-1], False),
        ("/api/orders", b"", False),
    ],
)
def test_loose_compares_values_not_their_spelling(target, body, fits) -> None:
    playback = a_playback(a_step(1, "POST", "/api/orders?x=1&y=2", BODY))
    assert played(playback, asked("POST", target, body, JSON)) == [int(fits)]


def test_strict_compares_headers_too_but_for_those_that_always_differ() -> None:
    recorded = (("Accept", "application/json"), ("User-Agent", "a"), ("X-Tenant", "1"))
    step = a_step(1, headers=recorded)
    same = (("accept", "application/json"), ("user-agent", "b"), ("x-tenant", "1"), ("traceparent", "00-1"))
    other = (("Accept", "application/json"), ("X-Tenant", "2"))
    assert played(a_playback(step, match="strict"), asked(headers=same)) == [1]
    assert played(a_playback(step, match="strict"), asked(headers=other)) == [0]
    assert played(a_playback(step), asked(headers=other)) == [0], "another tenant is always another request"
    plain = a_step(1, headers=(("X-Screen", "1"),))
    wide = (("X-Screen", "2"),)
    assert played(a_playback(plain), asked(headers=wide)) == [1]
    assert played(a_playback(plain, match="strict"), asked(headers=wide)) == [0]
    assert played(a_playback(plain, match="strict", headers=frozenset({"x-screen"})), asked(headers=wide)) == [1]


def test_whether_there_is_a_token_counts_and_which_one_it_is_does_not() -> None:
    def signed_in(token):
        return (("Authorization", f"Bearer {token}"),)

    steps = [a_step(1, status=200, headers=signed_in("a")), a_step(2, status=401), a_step(3, headers=signed_in("b"))]
    assert played(a_playback(*steps), asked(), asked(headers=signed_in("b")), asked(headers=signed_in("a"))) == [
        2,
        3,
        1,
    ]
    assert played(a_playback(*steps), asked(headers=signed_in("new")), asked(headers=signed_in("new"))) == [1, 1]
    assert played(a_playback(*steps[:1]), asked()) == [0]
    assert played(a_playback(*steps[:1], roles=False), asked(headers=signed_in("new"))) == [0]


def test_by_order_gives_the_next_step_whatever_is_asked_but_the_method() -> None:
    steps = [a_step(1, target="/a"), a_step(2, "POST", "/b", b"{}"), a_step(3, target="/c")]
    playback = a_playback(*steps, match="by-order")
    get, post = asked(target="/x"), asked("POST", "/y", b'{"z":1}')
    assert played(playback, get, get, post, get, get) == [1, 0, 2, 3, 3]
    assert played(a_playback(*steps, match="by-order", end="cycle"), get, post, get, get) == [1, 2, 3, 1]


@pytest.mark.parametrize(
    ("ignored", "fits"),
    [
        ((), False),
        (("/at",), False),
        (("/at", "/items/*/id"), True),
        (("/at", "/items"), True),
        (("/a", "/item"), False),
    ],
)
def test_ignored_json_pointers_take_with_them_what_lies_below(ignored, fits) -> None:
    step = a_step(1, "POST", body=b'{"at":1,"items":[{"id":1},{"id":2}]}')
    request = asked("POST", body=b'{"at":9,"items":[{"id":7},{"id":8}]}')
    assert played(a_playback(step, json=ignored), request) == [int(fits)]


def test_ignored_query_parameters_do_not_count() -> None:
    step = a_step(1, target="/a?ts=1&q=x")
    assert played(a_playback(step, query=frozenset({"ts"})), asked(target="/a?q=x&ts=99")) == [1]
    assert played(a_playback(step, query=frozenset({"ts"})), asked(target="/a?q=y")) == [0]


def test_rules_that_do_not_exist_are_refused_with_the_ones_that_do() -> None:
    with pytest.raises(UsageError, match="match: 'losse' is not one of strict, loose, by-order; did you mean 'loose'"):
        MatchRules(match="losse")
    with pytest.raises(UsageError, match="'items' is no JSON pointer"):
        MatchRules(json=("items",))


def test_a_bound_value_matches_by_its_role() -> None:
    steps = [a_step(1, target="/api/orders/5001"), a_step(2, target="/api/orders/5001/items")]
    roles = {1: frozenset({("path", "3")}), 2: frozenset({("path", "3")})}
    playback = a_playback(*steps, known=roles)
    assert played(playback, asked(target="/api/orders/7777")) == [0], "nobody gave this client a 7777"
    playback.heard(an_answer('{"id": 7777}'))
    found = playback.find(asked(target="/api/orders/7777"), "orders")
    assert isinstance(found, PlaybackMatch)
    assert (found.exchange.step, found.how) == (1, "role")
    assert played(playback, asked(target="/api/orders/7777/items"), asked(target="/api/books/7777")) == [2, 0]
    assert played(a_playback(*steps, known=roles), asked(target="/api/orders/new")) == [0]  # not of its kind


def test_the_literal_value_goes_before_the_role() -> None:
    steps = [a_step(1, target="/api/orders/1"), a_step(2, target="/api/orders/2")]
    roles = {1: frozenset({("path", "3")}), 2: frozenset({("path", "3")})}
    assert played(a_playback(*steps, known=roles), asked(target="/api/orders/2")) == [2]


def test_a_value_keeps_the_role_in_which_it_stood() -> None:
    """Two orders were recorded; the ids of today stand for the same one throughout."""
    steps = [a_step(n, target=f"/api/orders/{id}{tail}") for n, (id, tail) in enumerate(
        [(1, ""), (2, ""), (1, "/items"), (2, "/items")], 1)]  # fmt: skip
    roles = {n: frozenset({("path", "3")}) for n in range(1, 5)}
    playback = a_playback(*steps, known=roles)
    playback.heard(an_answer('{"orders": [{"id": 71}, {"id": 72}]}'))
    targets = ["/api/orders/71", "/api/orders/72", "/api/orders/72/items", "/api/orders/71/items"]
    assert played(playback, *[asked(target=target) for target in targets]) == [1, 2, 4, 3]


def test_roles_can_be_switched_off() -> None:
    tape = Tape("rec", "t", [a_step(1)], roles={1: frozenset({("path", "3")})})
    assert played(Playback(tape, MatchRules(roles=False)), asked(target="/api/orders/2")) == [0]


def test_the_nearest_misses_come_first_and_tell_every_difference() -> None:
    steps = [
        a_step(1, target="/api/books"),
        a_step(2, "POST", "/api/orders", b'{"isbn":"978-1","qty":1}'),
        a_step(3, "POST", "/api/orders", b'{"isbn":"978-9","qty":2}'),
        a_step(4, "DELETE", "/api/orders/1"),
    ]
    missed = a_playback(*steps).find(asked("POST", "/api/orders", b'{"isbn":"978-9","qty":1,"a/b":0}'), "orders")
    assert isinstance(missed, Missed)
    assert [near.exchange.step for near in missed.near] == [2, 3]  # the others have next to nothing in common
    assert missed.near[0].mismatches == (
        Mismatch("body", "/isbn", "978-1", "978-9"),
        Mismatch("body", "/a~1b", None, 0),
    )
    assert str(missed.near[1]) == (
        "step 3, POST /api/orders, answered 200: body /qty: recorded 2, asked 1; body /a~1b: recorded nothing, asked 0"
    )


def test_what_never_had_an_answer_is_not_played() -> None:
    steps = [a_step(1, response=None, state="open"), a_step(2, state="interrupted"), a_step(3)]
    assert played(a_playback(*steps), asked()) == [3]


def test_a_part_of_a_body_is_told_apart_by_its_size() -> None:
    cut = Request(method="POST", target="/a", body=Body(10, b"01234"))
    step = replace(a_step(1, "POST", "/a"), request=cut)
    playback = a_playback(step)
    assert played(playback, asked("POST", "/a", b"0123456789"), asked("POST", "/a", b"01234")) == [1, 0]


def test_forms_and_uploads_are_compared_field_by_field() -> None:
    form = (("Content-Type", "application/x-www-form-urlencoded"),)
    step = a_step(1, "POST", "/a", b"a=1&b=x%20y", headers=form)
    assert played(a_playback(step), asked("POST", "/a", b"b=x+y&a=1", form)) == [1]

    def upload(boundary, text):
        body = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="f"; filename="a"\r\n\r\n{text}\r\n--{boundary}--\r\n'
        ).encode()
        return body, (("Content-Type", f"multipart/form-data; boundary={boundary}"),)

    body, headers = upload("one", "hello")
    playback = a_playback(a_step(1, "POST", "/a", body, headers=headers))
    assert played(playback, asked("POST", "/a", *upload("two", "hello"))) == [1]
    missed = playback.find(asked("POST", "/a", *upload("two", "bye")), "orders")
    assert missed.near[0].mismatches == (Mismatch("body", "f", "hello", "bye"),)


def test_parts_that_have_no_name_are_compared_by_number_and_their_documents_by_member() -> None:
    """multipart/related (RFC 2387), as uploads of cloud storage have it: the boundary is new every time."""

    def upload(boundary, document, text="hello"):
        body = (
            f"--{boundary}\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n{document}\r\n"
            f"--{boundary}\r\nContent-Type: text/plain\r\n\r\n{text}\r\n--{boundary}--\r\n"
        ).encode()
        return body, (("Content-Type", f"multipart/related; boundary='{boundary}'"),)

    body, headers = upload("one", '{"name": "a", "size": 1}')
    playback = a_playback(a_step(1, "POST", "/a", body, headers=headers))
    assert played(playback, asked("POST", "/a", *upload("two", '{"size": 1.0, "name": "a"}'))) == [1]
    missed = playback.find(asked("POST", "/a", *upload("two", '{"name": "b", "size": 1}', "bye")), "orders")
    assert missed.near[0].mismatches == (
        Mismatch("body", "part 1 /name", "a", "b"), Mismatch("body", "part 2", "hello", "bye"),
    )  # fmt: skip


scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5)
documents = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner)
)


@given(documents, st.data())
def test_a_request_never_differs_from_itself_written_otherwise(document, data) -> None:
    import json

    def one(value):
        body = json.dumps(value).encode()
        return fields_of(asked("POST", "/a", body), headers=True)

    assert list(mismatches(one(document), one(json.loads(json.dumps(document, indent=3))))) == []


@given(st.lists(st.sampled_from(["/a", "/b", "/c"]), min_size=1, max_size=12))
def test_asked_in_the_recorded_order_every_step_answers_once(targets) -> None:
    steps = [a_step(n, "POST" if n % 3 == 0 else "GET", target) for n, target in enumerate(targets, 1)]
    for match in ("strict", "loose", "by-order"):
        playback = a_playback(*steps, match=match)
        assert played(playback, *[one.request for one in steps]) == [one.step for one in steps]

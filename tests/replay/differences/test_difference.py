"""Differences of two exchanges: every place told once, with its cause, and nothing told that every run changes.

Covers: replay/differences/body_changes, replay/differences/header_kinds, replay/differences/json_difference,
replay/differences/markup_difference, replay/differences/noise, replay/differences/text_difference.
"""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model.exchange import Exchange, Failure
from gateway.model.message import Body, Request, Response
from gateway.replay.differences.difference import context_of, diff, diff_answers, difference_json, outcome
from gateway.replay.differences.json_difference import json_changes, read_json
from gateway.replay.differences.noise import Context, DifferencePlace
from gateway.replay.differences.step_pairs import align_digests


def an_exchange(body="", *, status=200, headers=(), kind="application/json", request=None, where="orders@qa", step=1):
    text = body if isinstance(body, str) else json.dumps(body)
    data = text.encode()
    cluster, _, environment = where.partition("@")
    response = Response("1.1", (("Content-Type", kind), *headers), Body(len(data), data), status=status)
    return Exchange(
        f"X{step}", "R", step, "s", "2026-01-01T00:00:00.000000Z", "http://127.0.0.1:8080/api/orders/1",
        request or Request(target="/api/orders/1"), response, status=status, cluster=cluster, environment=environment,
        upstream_url=f"http://127.0.0.1:{len(environment)}000/1",
    )  # fmt: skip


def told(before, after, drift=None):
    found = diff(before, after, context_of(before, after, drift))
    return [(one.where, one.pointer, one.severity, one.cause) for one in found]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({"a": 1, "b": 2}, {"b": 2, "a": 1.0}, []),
        ({"price": 7}, {"price": 8}, [("/price", "medium", "data")]),
        ({"price": 7}, {"price": "7"}, [("/price", "high", "contract")]),
        ({"price": None}, {"price": 7}, [("/price", "medium", "data")]),
        ({"a": 1, "b": 2}, {"a": 1}, [("/b", "high", "contract")]),
        ({"a": 1}, {"a": 1, "b": 2}, [("/b", "low", "unknown")]),
        ({"id": 7}, {"id": 12}, [("/id", "none", "noise")]),
        ({"created_at": "2026-01-01"}, {"created_at": "2026-02-01"}, [("/created_at", "none", "time")]),
        ({"stock": 20}, {"stock": 19}, [("/stock", "none", "noise")]),
        ({"ok": True}, {"ok": 1}, [("/ok", "high", "contract")]),
        ([1, 2, 3], [3, 1, 2], [("", "low", "order")]),
        ({"a/b": [{"~": 1}]}, {"a/b": [{"~": 2}]}, [("/a~1b/0/~0", "medium", "unknown")]),
        ([{"isbn": "x", "n": 1}, {"isbn": "y", "n": 1}], [{"isbn": "y", "n": 2}],
         [("/0", "high", "data"), ("/1/n", "medium", "unknown")]),
        ({"n": 10**30}, {"n": 10**30 + 1}, [("/n", "medium", "unknown")]),
    ],
)  # fmt: skip
def test_json_bodies(before, after, expected):
    assert told(an_exchange(before), an_exchange(after)) == [("response.body", *rest) for rest in expected]


def test_a_bound_value_that_drifted_is_expected_wherever_it_stands():
    before = an_exchange({"id": 70001, "note": "order 70001 is new"}, headers=[("Location", "/orders/70001")])
    after = an_exchange({"id": 70002, "note": "order 70002 is new"}, headers=[("Location", "/orders/70002")])
    found = diff(before, after, context_of(before, after, {"70001": "70002"}))
    assert {one.cause for one in found} == {"correlated"} and len(found) == 3
    assert outcome(found) == "expected"


def test_a_bound_value_is_known_in_the_spelling_of_a_link():
    drift = {"Alpha draft 0.txt": "Beta draft 1.txt"}
    before, after = ({"edit": f"/docs/{each}"} for each in ("Alpha%20draft%200.txt", "Beta%20draft%201.txt"))
    assert [cause for *_, cause in told(an_exchange(before), an_exchange(after), drift)] == ["correlated"]


def test_another_runs_value_is_a_real_difference_even_under_the_name_of_an_id():
    """The payment was for the wrong order: the worst outcome must not pass as a new id."""
    found = diff(an_exchange({"order_id": 70001}), an_exchange({"order_id": 70009}), Context(drift={"70001": "70002"}))
    assert [(one.cause, one.severity) for one in found] == [("data", "high")]
    assert "70002" in found[0].why and outcome(found) == "differs"


def test_another_environment_explains_its_own_name_and_takes_the_blame_for_the_rest():
    before, after = (
        an_exchange({"environment": "qa", "price": 1}),
        an_exchange({"environment": "test", "price": 2}, where="orders@test"),
    )
    assert told(before, after) == [
        ("response.body", "/environment", "none", "route"),
        ("response.body", "/price", "medium", "route"),
    ]


def test_a_link_into_the_server_itself_is_judged_by_what_is_behind_its_address():
    """Bodies name the server that wrote them; an id in such a link is one of this run, a state is another state."""

    def linked(where, rest):
        one = an_exchange(where=where)
        base = one.upstream_url.removesuffix("/1")
        return an_exchange(json.dumps({"mediaLink": f"{base}/download/a.txt?{rest}"}), where=where)

    then = linked("orders@qa", "generation=1796056777758758323&alt=media")
    now = linked("orders@test", "generation=1796056779759760526&alt=media")
    assert outcome(diff(then, now, context_of(then, now))) in ("same", "expected")
    lost = linked("orders@test", "generation=1796056779759760526&alt=lost")
    assert outcome(diff(then, lost, context_of(then, lost))) == "differs"


def test_a_bound_number_is_not_looked_for_in_an_address():
    """The 1 of 127.0.0.1 is no author, although author 1 is 24 there."""
    then, now = (
        an_exchange(
            {"id": number},
            status=201,
            headers=(("Location", f"http://127.0.0.1:8080/app/authors/{number}"),),
            where=where,
        )
        for number, where in ((1, "orders@qa"), (24, "orders@test"))
    )
    for drift in ({"1": "24"}, {"1": "48"}, {}):
        found = diff(then, now, context_of(then, now, drift))
        assert [one.pointer for one in found if one.where.endswith("headers") and one.severity != "none"] == []


def test_another_status_is_told_once_with_both_bodies_as_a_whole():
    before, after = an_exchange({"price": 1, "isbn": "978-1"}), an_exchange({"title": "no"}, status=404)
    assert told(before, after) == [("status", "", "high", "data"), ("response.body", "", "medium", "data")]


def test_volatile_headers_are_no_difference_and_others_are_compared_without_case_or_order():
    before = an_exchange(headers=[("Date", "Mon, 01 Jan 2026 00:00:00 GMT"), ("X-A", "1"), ("X-B", "2")])
    after = an_exchange(headers=[("x-b", "2"), ("Date", "Tue, 02 Jan 2026 00:00:00 GMT"), ("x-a", "9")])
    assert told(before, after) == [("response.headers", "x-a", "medium", "unknown")]


def test_cookies_made_anew_are_noise_but_a_cookie_that_is_gone_is_not():
    before = an_exchange(headers=[("Set-Cookie", "sid=abc; Path=/"), ("Set-Cookie", "lang=de")])
    after = an_exchange(headers=[("Set-Cookie", "sid=xyz; Path=/other")])
    assert told(before, after) == [
        ("response.headers", "set-cookie sid", "none", "noise"),
        ("response.headers", "set-cookie lang", "medium", "data"),
    ]


def test_text_is_compared_by_line_and_forms_by_field():
    before, after = an_exchange("a\nb\nc", kind="text/plain"), an_exchange("a\nX\nc\nd", kind="text/plain")
    assert [pointer for _, pointer, *_ in told(before, after)] == ["line 2", "line 4"]
    form = "application/x-www-form-urlencoded"
    assert told(an_exchange("qty=1&isbn=9", kind=form), an_exchange("isbn=9&qty=2", kind=form)) == [
        ("response.body", "qty", "medium", "data")
    ]


def test_requests_are_compared_by_method_path_query_and_body():
    before = an_exchange(request=Request(method="GET", target="/a?x=1&y=2"))
    after = an_exchange(request=Request(method="PUT", target="/b?y=2&x=3"))
    assert [place[:2] for place in told(before, after)] == [
        ("request.method", ""), ("request.path", ""), ("request.query", "x"),
    ]  # fmt: skip


def test_a_failure_where_an_answer_came_is_severe():
    from dataclasses import replace

    before = an_exchange({"a": 1})
    after = replace(before, response=None, status=502, failure=Failure("connection_refused"))
    assert [(one.where, one.severity) for one in diff_answers(before, after, Context())] == [
        ("status", "high"), ("failure", "high"),
    ]  # fmt: skip


def test_the_shape_is_the_contracts():
    found = diff(an_exchange({"id": 7}), an_exchange({"id": 12}), Context(drift={"7": "12"}))
    shown = difference_json(found[0])
    contract = {"where": "response.body", "pointer": "/id", "recorded": 7, "replayed": 12, "severity": "medium"}
    assert contract.items() <= shown.items() and shown["cause"] == "correlated"
    json.dumps(shown)


def test_places_that_other_runs_changed_too_are_noise():
    context = Context(noise=frozenset(["response.body/mood"]), recorded=DifferencePlace(), replayed=DifferencePlace())
    assert outcome(diff(an_exchange({"mood": "a"}), an_exchange({"mood": "b"}), context)) == "expected"


def test_numbers_too_long_for_python_and_nan_do_not_break_it():
    long = "[" + "9" * 5000 + "]"
    assert told(an_exchange(long), an_exchange(long[:-2] + "8]"))[0][0] == "response.body"
    assert told(an_exchange('{"a": NaN}'), an_exchange('{"a": 1}'))[0][:2] == ("response.body", "line 1")
    assert told(an_exchange("[" * 5000 + "1"), an_exchange("[" * 5000 + "2"))


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(["", "a", "b"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("xyz~/"), inner, max_size=3),
    max_leaves=12,
)


@given(VALUES, VALUES)
def test_no_change_is_told_exactly_where_values_are_equal(before, after):
    assert list(json_changes(before, read_json(json.dumps(before)))) == []
    equal = json.dumps(before, sort_keys=True) == json.dumps(after, sort_keys=True)
    assert bool(list(json_changes(before, after))) != equal


DIGESTS = st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("12")), max_size=7)


@given(DIGESTS, DIGESTS)
def test_alignment_uses_every_step_once_and_in_order(before, after):
    pairs = align_digests(before, after)
    assert [i for i, _ in pairs if i is not None] == list(range(len(before)))
    assert [j for _, j in pairs if j is not None] == list(range(len(after)))
    assert (None, None) not in pairs


def test_an_inserted_step_shifts_the_others():
    before, after = [("a", "1"), ("b", "1"), ("c", "1")], [("a", "1"), ("x", "1"), ("b", "1"), ("c", "2")]
    assert align_digests(before, after) == [(0, 0), (None, 1), (1, 2), (2, 3)]


@pytest.mark.parametrize(
    ("method", "target", "body", "wanted"),
    [
        ("POST", "/api/orders", '{"order": %d}', "expected"),  # it made the order
        ("GET", "/api/orders", '{"order": %d}', "unsure"),
        ("POST", "/api/orders", '{"seats": %d}', "unsure"),
    ],
)
def test_a_number_named_after_what_was_made_is_its_id(method: str, target: str, body: str, wanted: str) -> None:
    request = Request(method=method, target=target)
    pair = [an_exchange(body % number, status=201, request=request) for number in (501, 907)]
    assert outcome(diff(*pair)) == wanted

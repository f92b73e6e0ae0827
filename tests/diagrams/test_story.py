"""A recording as story rows: names, values, reasons beside the steps, moves, rounds, and the lanes that are drawn.

Covers: diagrams/story_svg, diagrams/story_html.
"""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest

from gateway.diagrams.story import (
    StoryCall,
    StoryMove,
    StoryRounds,
    default_title,
    followed,
    name_of,
    repeated,
    story,
)
from gateway.diagrams.story_html import story_html
from gateway.diagrams.story_svg import ground, lane, move_lane, story_heads, told
from gateway.model.exchange import Exchange, Timing
from gateway.model.message import Body, Request, Response
from gateway.model.palette import hues_of
from gateway.model.recording import Revision
from gateway.replay.reasons import explained

JSON = (("Content-Type", "application/json"),)


def a_step(number, method, target, *, status=200, body=None, where="orders@qa", note="", prefix="", sent=b""):
    data = json.dumps(body if body is not None else {}).encode()
    cluster, _, environment = where.partition("@")
    reason = {200: "OK", 201: "Created", 404: "Not Found"}.get(status, "")
    return Exchange(
        f"X{number:03}", "R", number, "s", f"2026-11-30T10:{number // 60:02}:{number % 60:02}.000000Z", "http://h" + target,
        Request("1.1", JSON if sent else (), Body(len(sent), sent), method=method, target=target),
        Response("1.1", JSON, Body(len(data), data), status=status, reason=reason), status=status, cluster=cluster,
        environment=environment, notes=(note,) if note else (), prefix=prefix or f"/api/{cluster}", timing=Timing(2.0),
    )  # fmt: skip


def a_purchase():
    """Ordered and paid on qa; then one book that is unknown, one environment that does not have it, and a move."""
    find = {"where": "catalogue@qa", "body": {"isbn": "978-1", "price": 12.5}}
    return [
        a_step(1, "GET", "/api/catalogue/books/978-1", note="Find the book", **find),
        a_step(2, "POST", "/api/orders/orders", status=201, body={"id": 70001}, note="Order it"),
        a_step(3, "POST", "/api/payments/orders/70001/payments", status=201, where="payments@qa", note="Pay"),
        a_step(4, "GET", "/api/catalogue/books/978-9", status=404, where="catalogue@qa",
               note="what if: unknown ISBN; 404, as expected", body={"detail": "978-9 is not in the catalogue of qa"}),
        replace(a_step(5, "GET", "/api/catalogue/books/978-1", status=404, where="catalogue@dev",
                       body={"detail": "978-1 is not in the catalogue of dev"}), override="header"),
        a_step(6, "GET", "/api/catalogue/books/978-1", status=404, where="catalogue@test", body={"detail": "gone"}),
    ]  # fmt: skip


def told_of(steps, **more):
    return story(steps, explained(steps), environments=("dev", "test", "qa"), **more)


def test_a_row_has_its_name_its_path_and_what_it_gave():
    found = told_of(a_purchase())
    rows = found.calls
    assert [row.title for row in rows[:5]] == [
        "Find the book", "Order it", "Pay", "What if: unknown ISBN", "GET /books/978-1",
    ]  # fmt: skip
    assert [row.path for row in rows[:3]] == ["/books/978-1", "/orders", "/orders/{order_id}/payments"]
    assert [(one.name, one.shown, one.uses) for one in rows[1].gives] == [("order_id", "70001", ((3, "path"),))]
    assert found.values == ("order_id",)
    assert followed(found, "order_id") == {2, 3}
    assert followed(found, "nothing") == frozenset()


def test_the_reason_is_told_at_its_first_step_and_the_others_name_that():
    steps = a_purchase()
    steps.append(replace(steps[4], id="X007", step=7))
    rows = told_of(steps).calls
    assert [row.reason.first.cause if row.reason else "" for row in rows] == [
        "", "", "", "ISBN 978-9 is unknown on catalogue@qa", "Only on catalogue@dev", "Only on catalogue@test", "",
    ]  # fmt: skip
    assert rows[6].like == 5
    assert rows[4].reason.steps == (5, 7)


def test_a_move_is_a_row_of_its_own_with_who_made_it():
    history = [Revision("r2", "2026-11-30T10:00:05.500000Z", "console", ("catalogue: qa -> test",), "")]
    moves = [row for row in told_of(a_purchase(), revisions=history).rows if isinstance(row, StoryMove)]
    assert moves == [StoryMove("catalogue", "qa", "test", "2026-11-30T10:00:05.500000Z", "console")]
    later = [replace(history[0], accepted_at="2026-11-30T11:00:00.000000Z")]
    moves = [row for row in told_of(a_purchase(), revisions=later).rows if isinstance(row, StoryMove)]
    assert [(one.at, one.by) for one in moves] == [("", "")]  # a later move is not the one that was followed


def test_the_colour_of_an_environment_is_its_place_in_routes_yaml():
    assert hues_of(("dev", "test", "qa")) == {"dev": 1, "test": 2, "qa": 3}
    found = told_of(a_purchase())
    assert {one.participant.environment: one.hue for one in found.columns[1:]} == {"qa": 3, "dev": 1, "test": 2}
    xs = [one.x for one in found.columns]
    assert xs == sorted(xs)
    assert all(band.x + band.width <= 100 for band in found.bands)


@pytest.mark.parametrize(
    ("notes", "name"),
    [
        ((), ""), (("Sign in",), "Sign in"), (("what if: quantity 0; 422, as expected",), "What if: quantity 0"),
        (("  \n", "second"), "second"), (("two\nlines",), "two"), (("a\u202eb",), "a\ufffdb"),
    ],
    ids=["none", "demo", "what-if", "empty", "lines", "controls"],
)  # fmt: skip
def test_the_name_of_a_step(notes, name):
    assert name_of(replace(a_step(1, "GET", "/x"), notes=notes)) == name


def rounds(count, failing=()):
    """Sign in twice, then rounds of three calls; in some rounds one more call fails on dev."""
    steps = [
        a_step(1, "POST", "/api/users/login", where="users@qa"),
        a_step(2, "POST", "/api/users/login", where="users@qa"),
    ]
    for number in range(1, count + 1):
        order = 70000 + number
        calls = [("GET", "/api/catalogue/books/978-1", "catalogue@qa", 200), ("POST", "/api/orders/orders", "orders@qa", 201),
                 ("POST", f"/api/payments/orders/{order}/payments", "payments@qa", 201)]  # fmt: skip
        if number in failing:
            calls.append(("GET", "/api/catalogue/books/978-1", "catalogue@dev", 404))
        for method, target, where, status in calls:
            body = (
                {"detail": "978-1 is not in the catalogue of dev"}
                if status == 404
                else {"id": order}
                if "orders/orders" in target
                else {"isbn": "978-1"}
            )
            one = a_step(len(steps) + 1, method, target, where=where, status=status, body=body)
            steps.append(replace(one, override="header") if status == 404 else one)
    return steps


def test_seventy_steps_are_rounds_and_their_one_reason():
    steps = rounds(22, failing=(1, 9, 22))
    found = told_of(steps)
    assert len(steps) == 71
    assert len(found.rows) < 25
    assert [one.call.step for one in found.calls] == [one.step for one in steps]  # nothing is lost
    folds = [row for row in found.rows if isinstance(row, StoryRounds)]
    assert all(not one.failed for fold in folds for one in fold.rows)  # a failure is never inside a closed fold
    assert [(fold.first, fold.last, fold.steps) for fold in folds] == [(2, 9, (7, 30)), (10, 22, (32, 70))]
    told = [row for row in found.rows if isinstance(row, StoryCall) and row.reason]
    assert len(told) == 1
    assert told[0].reason.count == 3
    assert found.title == "login, then 22 rounds of books, orders, payments"


def test_a_short_story_is_written_out():
    steps = rounds(5)
    found = told_of(steps)
    assert all(isinstance(row, StoryCall) for row in found.rows)
    assert found.bars == ()


def test_the_map_has_a_bar_for_every_step_or_the_worst_of_several():
    steps = rounds(22, failing=(1, 9, 22))
    assert [(one.first, one.failed) for one in told_of(steps).bars if one.failed] == [(6, True), (31, True), (71, True)]
    many = rounds(100, failing=(50,))
    bars = told_of(many).bars
    assert len(bars) <= 120
    assert (bars[0].first, bars[-1].last) == (1, len(many))
    assert sum(one.failed for one in bars) == 1
    assert next(one for one in bars if one.failed).exchange in {one.id for one in many if one.status == 404}


@pytest.mark.parametrize(
    ("keys", "found"),
    [("abab", (2, 2)), ("aaaa", (1, 4)), ("abcabcabx", (3, 2)), ("abc", (0, 0)), ("", (0, 0)), ("aabaab", (3, 2))],
)
def test_the_pattern_that_covers_the_most(keys, found):
    assert repeated(list(keys), 0) == found


def test_a_title_is_made_of_the_first_operations_where_nothing_repeats():
    steps = a_purchase()[:3]
    assert told_of(steps).title == "Find the book, Order it, Pay"
    assert default_title([]) == ""


# -- lanes


def parsed(text):
    return ET.fromstring(text)


def test_a_lane_is_a_picture_with_the_whole_step_as_its_name():
    found = told_of(a_purchase())
    row = found.calls[3]
    assert told(found, row) == "Step 4: What if: unknown ISBN, GET /books/978-9, catalogue on qa, 404 Not Found"
    picture = parsed(lane(found, row))
    assert picture.get("role") == "img"
    assert picture.get("aria-label") == told(found, row)
    words = ["".join(one.itertext()) for one in picture.iter("text")]
    assert words[:2] == ["4 What if: unknown ISBN GET /books/978-9", "404 Not Found 2 ms"]
    assert "style" not in {name for one in picture.iter() for name in one.attrib}  # the policy refuses it
    first = ["".join(one.itertext()) for one in parsed(lane(found, row, paths=True)).iter("text")]
    assert first[0] == "4 GET /books/978-9 What if: unknown ISBN"


def test_recorded_text_is_only_text():
    steps = [a_step(1, "GET", "/api/orders/<script>'\"&amp;", note="<img src=x onerror=alert(1)>", where="<b>@'q")]
    found = told_of(steps)
    for text in (lane(found, found.calls[0]), story_heads(found), ground(found),
                 move_lane(found, StoryMove("<i>", "<u>", "\"x'"))):  # fmt: skip
        names = {re.sub(r"\{.*\}", "", one.tag) for one in parsed(text).iter()}
        assert names <= {"svg", "g", "text", "tspan", "line", "rect", "path"}


def test_heads_name_the_environments_and_the_clusters():
    found = told_of(a_purchase())
    words = [one.text for one in parsed(story_heads(found)).iter("text")]
    assert words == ["qa", "dev", "test", "client", "catalogue", "orders", "payments", "catalogue", "catalogue"]


def test_an_empty_recording_and_a_call_that_no_cluster_took_are_drawn():
    assert told_of([]).rows == ()
    nowhere = [replace(a_step(1, "GET", "/nowhere"), cluster="", environment="", prefix=None)]
    found = told_of(nowhere)
    assert "gateway" in told(found, found.calls[0])
    assert parsed(lane(found, found.calls[0])).tag == "svg"


def test_calls_of_one_path_have_the_names_of_their_operations():
    asked = [
        json.dumps({"query": f"{kind} {name} {{ x }}"}).encode()
        for kind, name in (("query", "Books"), ("mutation", "Pay"))
    ]
    steps = [
        a_step(number, "POST", "/api/graphql", where="graphql@qa", prefix="/api/graphql", sent=sent)
        for number, sent in enumerate(asked, 1)
    ]
    assert [row.title for row in told_of(steps).calls] == ["query Books", "mutation Pay"]


# -- rows of slides and documents


def html_of(steps, **wanted):
    made = story(steps, explained(steps), environments=("dev", "test", "qa"))
    return made, story_html(made, link=lambda id: f"#{id}", **wanted)


def test_documents_have_the_lanes_of_the_pages_and_the_reasons_beside_what_failed():
    made, text = html_of(a_purchase())
    ET.fromstring(text)  # every tag is closed
    assert re.findall(r'<a class="lane" href="#(X\d+)"', text) == [f"X00{n}" for n in range(1, 7)]
    for row in made.calls:
        assert lane(made, row) in text
    assert text.count('<div class="why warn">') == 3
    assert 'catalogue <b class="env env-1">dev</b>' in text
    assert "lives on test from here on" in text


def test_a_slide_has_its_rows_alone_and_one_of_them_stands_out():
    made, text = html_of(a_purchase(), lit=2, reasons=False)
    assert text.count("story-row now") == 1
    assert "beside" not in text
    assert made.calls[1].title in text


def test_rounds_stand_open_on_paper():
    _, text = html_of([a_step(n, "GET", f"/api/orders/orders/{n}") for n in range(1, 60)])
    assert "Rounds 2 to 59, steps 2 to 59" in text
    assert text.count('class="lane" href=') == 59


def test_no_text_of_a_recording_becomes_markup():
    evil = "<script>&\"'"
    steps = [a_step(1, "GET", f"/api/{evil}", note=evil), a_step(2, "GET", f"/api/{evil}2", status=404, note=evil,
             body={"detail": evil})]  # fmt: skip
    _, text = html_of(steps)
    assert "<script>" not in text
    ET.fromstring(text)

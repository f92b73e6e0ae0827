"""Assertions: read as they are written, and checked on an answer."""

from __future__ import annotations

import json

import pytest

from gateway.errors import UsageError
from gateway.model.exchange import Exchange, Timing
from gateway.model.message import Body, Request, Response
from gateway.replay.assertions import as_recorded, check, read_assertion


def answered(body=None, *, status=200, headers=(), took=50.0, cut=False):
    data = json.dumps(body if body is not None else {"id": 7, "items": [{"n": 1}, {"n": 2}], "who": "ada"}).encode()
    fields = (("Content-Type", "application/json"), *headers)
    response = Response("1.1", fields, Body(len(data) + cut, data), status=status)
    return Exchange("X", "R", 3, "s", "", "", Request(), response, status=status, timing=Timing(took))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("3:status=200", ""), ("3:status<400", ""), ("3:status=201", "the status is 200"), ("3:status!=500", ""),
        ("3:$.id=7", ""), ("3:$.id=8", "$.id is 7"), ("3:$.id>=7", ""), ("3:$.id < 7", "$.id is 7"),
        ("3:$.who=ada", ""), ('3:$.who="ada"', ""), ("3:$.who~ad", ""), ("3:$.who=bob", '$.who is "ada"'),
        ("3:$.items[*].n<3", ""), ("3:$.items[*].n=1", "$.items[*].n is 2"), ("3:$.items[?@.n==2].n=2", ""),
        ("3:$.none=1", "$.none is not there"), ("3:$.none absent", ""), ("3:$.id absent", "$.id is there"),
        ("3:$.id exists", ""), ("3:header:etag exists", "header:etag is not there"),
        ("3:header:content-type~json", ""), ("3:body~ada", ""), ("3:body~bob", "the body is "),
        ("3:took<200ms", ""), ("3:took<=0.05s", ""), ("3:took<49.5ms", "it took 50.0 ms"),
        ('3:schema={"required": ["id"]}', ""), ('3:schema={"required": ["x", "y"]}', 'the value: "x" is a required property; the value: "y" is a required property'),
    ],
)  # fmt: skip
def test_it_holds_or_says_what_came(text, message):
    one = read_assertion(text)
    (found,) = check([one], answered())
    assert found.message.startswith(message) if message else found.passed, found.message
    assert read_assertion(str(one)) == one


@pytest.mark.parametrize(
    "text",
    ["status=201", "0:status=1", "3:status", "3:status=abc", "3:status~2", "3:$[=1", "3:took=5", "3:took<soon", "3:x=1",
     "3:header:=1", "3:schema~{}", "3:schema={", '3:schema={"tpye": 1}', "3:$.a<b", ""],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(text):
    with pytest.raises(UsageError):
        read_assertion(text)


def test_no_answer_no_json_and_a_part_of_a_body_hold_nothing():
    assert not next(check([read_assertion("3:$.id=7")], answered(cut=True))).passed
    gone = Exchange("X", "R", 3, "s", "", "", Request(), None, status=502)
    assert [one.passed for one in check([*map(read_assertion, ("3:status=502", "3:$.id exists"))], gone)] == [
        True,
        False,
    ]
    assert next(check([read_assertion("3:$.id exists")], answered(body="text"))).message == "$.id is not there"


def test_all_statuses_as_recorded():
    assert [str(one) for one in as_recorded([answered(status=404)])] == ["3:status=404"]

"""Edits change one place of a request and leave every other byte as it was."""

from __future__ import annotations

import json

import pytest

from gateway.errors import UsageError
from gateway.model.message import Body, Request
from gateway.replay.branch import edited, places, read_header, read_set, read_step_set, read_unset


def a_request(body="", *, kind="application/json", target="/api/orders/7?a=1&b=%20x&a=2", headers=()):
    data = (body if isinstance(body, str) else json.dumps(body)).encode()
    fields = (("X-A", "1"), *headers, *((("Content-Type", kind),) if data else ()))
    return Request("1.1", fields, Body(len(data), data), method="POST", target=target)


@pytest.mark.parametrize(
    ("edit", "target"),
    [
        ("query:b=y z", "/api/orders/7?a=1&b=y+z&a=2"),
        ("?c=3", "/api/orders/7?a=1&b=%20x&a=2&c=3"),
        ("query:a=9", "/api/orders/7?a=9&b=%20x"),
        ("path:3=a/b", "/api/orders/a%2Fb?a=1&b=%20x&a=2"),
        ("path=/other", "/other?a=1&b=%20x&a=2"),
        ("b=q", "/api/orders/7?a=1&b=q&a=2"),
    ],
)
def test_the_target(edit, target):
    assert edited(a_request(), [read_set(edit)]).target == target


@pytest.mark.parametrize(
    ("edit", "body"),
    [
        ("json:/qty=3", {"qty": 3, "isbn": "1", "tags": ["x"]}),
        ("json.qty=\"3\"", {"qty": "3", "isbn": "1", "tags": ["x"]}),
        ("/isbn=2", {"qty": 1, "isbn": "2", "tags": ["x"]}),
        ("/isbn=null", {"qty": 1, "isbn": "null", "tags": ["x"]}),
        ("/tags/-=y", {"qty": 1, "isbn": "1", "tags": ["x", "y"]}),
        ("/to/city=Rome", {"qty": 1, "isbn": "1", "tags": ["x"], "to": {"city": "Rome"}}),
        ("qty=0", {"qty": 0, "isbn": "1", "tags": ["x"]}),
    ],
)  # fmt: skip
def test_json_keeps_the_type_of_texts_and_reads_everything_else(edit, body):
    request = edited(a_request({"qty": 1, "isbn": "1", "tags": ["x"]}), [read_set(edit)])
    assert json.loads(request.body.data) == body
    assert request.header("content-length") == str(len(request.body.data))


def test_unset():
    request = a_request({"qty": 1, "isbn": "1"}, headers=[("Cookie", "a=1; b=2")])
    assert json.loads(edited(request, [read_unset("json:/qty")]).body.data) == {"isbn": "1"}
    assert edited(request, [read_unset("query:a")]).target == "/api/orders/7?b=%20x"
    assert edited(request, [read_unset("header:x-a")]).header("x-a") == ""
    assert edited(request, [read_unset("cookie:a")]).header("cookie") == "b=2"
    assert edited(request, [read_unset("path:3")]).target == "/api/orders?a=1&b=%20x&a=2"


def test_headers_forms_methods_and_whole_bodies():
    form = a_request("qty=1&isbn=9", kind="application/x-www-form-urlencoded")
    assert edited(form, [read_set("form:qty=a b")]).body.data == b"qty=a+b&isbn=9"
    assert edited(form, [read_header("X-A: 2")]).header("x-a") == "2"
    assert edited(form, [read_header("X-A:")]).header("x-a") == ""
    changed = edited(form, [read_set("method=PUT"), read_set("body=hello"), read_set("header:X-B=1")])
    assert (changed.method, changed.body.data, changed.header("x-b")) == ("PUT", b"hello", "1")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("nothing", "PLACE=VALUE"), ("json:/a/b/0=1", "below something"), ("zzz=1", "not in the request"),
        ("path:9=1", "no segment 9"), ("form:x=1", "no form"), ("header:a b=1", "no name"), ("a=1", "more than one"),
        ("method=G T", "no method"), ("path:x=1", "names no part"), ("header:X=a\nb", "one line"),
        ("json:/tags/5=1", "no item 5"),
    ],
)  # fmt: skip
def test_what_is_off_is_said(text, told):
    request = a_request({"a": "x", "tags": []})
    with pytest.raises(UsageError, match=told):
        edited(request, [read_set(text)])


def test_a_step_may_stand_before_a_place():
    step, edit = read_step_set("3:json:/qty=2=3")
    assert (step, edit.part, edit.name, edit.value) == (3, "json", "/qty", "2=3")
    with pytest.raises(UsageError):
        read_step_set("json:/qty=2")


def test_the_places_of_a_request_are_those_that_edits_name():
    request = a_request({"a": {"b": [1]}}, target="/api/orders?x=1")
    assert places(request) == ["path:1", "path:2", "query:x", "json:/a/b/0"]

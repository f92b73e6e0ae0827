"""The what-if editor: fields of a request, what was changed, how it would go out."""

import json

from gateway.console.what_if_editor import changed_lines, draft, edit_fields, fresh_values
from gateway.correlation import Correlations
from gateway.correlation.model import Binding, Sink, Source
from gateway.model.message import Body, Request


def a_request(
    body=b'{"qty": 1, "note": "a", "tags": ["x", true]}', kind="application/json", target="/api/o%20/7?x=1&x=2"
):
    headers = (("Host", "h"), ("Content-Type", kind), ("X-Tenant", "blue"), ("Cookie", "a=b"))
    return Request(method="POST", target=target, headers=headers, body=Body(len(body), body))


def asked(request, **form):
    return changed_lines(edit_fields(request), form)


def test_every_place_is_a_field():
    assert [(field.place, field.value) for field in edit_fields(a_request())] == [
        ("path:1", "api"), ("path:2", "o "), ("path:3", "7"), ("query:x", "1"), ("json:/qty", "1"), ("json:/note", "a"),
        ("json:/tags/0", "x"), ("json:/tags/1", "true"), ("header:Content-Type", "application/json"),
        ("header:X-Tenant", "blue"),
    ]  # fmt: skip


def test_a_form_has_its_names():
    fields = edit_fields(a_request(b"a=1&b=x+y", "application/x-www-form-urlencoded"))
    assert [(one.place, one.value) for one in fields if one.place.startswith("form")] == [
        ("form:a", "1"),
        ("form:b", "x y"),
    ]


def test_only_what_differs_is_a_change():
    request = a_request()
    form = {"e.2": "8", "e.4": "2", "e.5": "a", "u.9": "yes", "more": "method=PUT\n\n  -query:x \n"}
    assert asked(request, **form) == ("path:3=8", "json:/qty=2", "-header:X-Tenant", "method=PUT", "-query:x")
    assert asked(request) == ()


def test_line_breaks_are_kept_in_json():
    (line,) = asked(a_request(), **{"e.5": "a\r\nb"})
    made = draft(a_request(), [line])
    assert json.loads(made.body)["note"] == "a\nb"


def test_the_draft_shows_before_and_after():
    made = draft(a_request(), ("path:3=8 9", "json:/qty=2", "-header:X-Tenant", "json:/new=1", "method=PUT"))
    assert made.rows == (
        ("method", "POST", "PUT"), ("path:3", "7", "8 9"), ("json:/qty", "1", "2"), ("header:X-Tenant", "blue", ""),
        ("json:/new", "", "1"),
    )  # fmt: skip
    assert made.head.startswith("PUT /api/o%20/8%209?x=1&x=2\nHost: h\n")
    assert json.loads(made.body)["qty"] == 2


def test_a_change_that_cannot_be_made_is_told():
    assert "is not PLACE=VALUE" in draft(a_request(), ("nonsense",)).problem
    assert "no segment 9" in draft(a_request(), ("path:9=1",)).problem


def test_values_of_earlier_answers_are_named_unless_set():
    source, sink = Source(1, "json", "/id"), Sink(2, "path", "3")
    binding = Binding("b1", source, sink, (), "7", 0.99, (), "auto", "same value", "order_id")
    found = Correlations((binding,), ())
    assert [(one.place, one.variable, one.source) for one in fresh_values(found, 2, ())] == [
        ("path:3", "order_id", "step 1, json /id")
    ]
    assert fresh_values(found, 2, ("path:3=8",)) == ()
    assert fresh_values(found, 1, ()) == ()

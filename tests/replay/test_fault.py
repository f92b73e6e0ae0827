"""Faults: read, told, injected into an answer, and known again in what differs."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import UsageError
from gateway.model.exchange import Exchange
from gateway.model.message import Body, Request, Response
from gateway.replay.branch import read_set
from gateway.replay.differences.difference import context_of, diff_answers
from gateway.replay.fault import (
    FIELD,
    Fault,
    altered,
    fault_of,
    faults_text,
    read_fault,
    read_faults,
    read_field,
    resolved,
)

TEXT = st.text(min_size=1, max_size=12).filter(lambda text: not any("\ud800" <= c <= "\udfff" for c in text))


def an_answer(body, *headers):
    data = json.dumps(body).encode()
    return Response("1.1", (("Content-Type", "application/json"), *headers), Body(len(data), data))


def an_exchange(answer, **facts):
    return Exchange(
        "X", "R", 1, "s", "", "", Request(), answer, status=answer.status, cluster="c", environment="qa", **facts
    )


def test_altered_and_dropped_members_and_fields():
    fault = read_fault(alter=["json:/price=0", "header:X-New=1"], drop=["isbn", "header:etag"])
    found = altered(an_answer({"isbn": "978-1", "price": 12.5}, ("ETag", '"7"')), fault)
    assert json.loads(found.body.data) == {"price": 0}
    assert dict(found.headers) == {
        "Content-Type": "application/json", "Content-Length": str(len(found.body.data)), "X-New": "1",
    }  # fmt: skip


@pytest.mark.parametrize("words", [{"alter": ["nothing=1"]}, {"drop": ["json:/nothing"]}, {"drop": ["header:x"]}])
def test_a_place_that_is_not_there_is_named(words):
    with pytest.raises(UsageError):
        altered(an_answer({"isbn": "978-1"}), read_fault(**words))


@pytest.mark.parametrize(
    "words", [{"delay": 121}, {"delay": -1}, {"status": 99}, {"alter": ["query:x=1"]}, {"drop": ["path:1"]}]
)
def test_what_no_answer_can_have_is_refused(words):
    with pytest.raises(UsageError):
        read_fault(**words)


def test_no_fault_is_none():
    assert read_fault() is None and not Fault(status=503).asks and Fault(1, 503, (read_set("json:/a=1"),)).asks


@settings(deadline=None)
@given(st.floats(0, 120), st.none() | st.integers(200, 599), st.lists(st.tuples(TEXT, TEXT)), st.lists(TEXT))
def test_the_field_tells_all_of_it(delay, status, altering, dropping):
    fault = read_fault(
        delay=float(f"{delay:g}"), status=status, alter=[f"json:/{name.replace('=', '')}x={value}" for name, value in altering],
        drop=[f"json:/x{name}".strip() for name in dropping],
    )  # fmt: skip
    if fault is not None:
        found = read_field(fault.field)
        assert fault.field.isascii() and sorted(found.edits, key=str) == sorted(fault.edits, key=str)
        assert (found.delay, found.status) == (fault.delay, fault.status)


def test_what_differs_because_of_it_is_injected_and_nothing_else_is():
    fault = resolved(an_answer({"price": 1, "qty": 1}), read_fault(alter=["price=0"]))
    answer = altered(an_answer({"price": 1, "qty": 2}, (FIELD, fault.field)), fault)
    recorded, live = an_exchange(an_answer({"price": 1, "qty": 1})), an_exchange(answer, mode="fault")
    assert fault_of(live) == fault and fault_of(replace(live, mode="replay")) is None
    found = diff_answers(recorded, live, context_of(recorded, live))
    assert [(one.pointer, one.cause) for one in found] == [("/price", "injected"), ("/qty", "data")]


@pytest.mark.parametrize(
    "fault",
    [
        read_fault(delay=2.5), read_fault(status=503, rate=0.25),
        read_fault(alter=["json:/a b/ü&=x", "header:ETag=\"1\""], drop=["json:/id", "price"]),
    ],
    ids=["delay", "rate", "edits"],
)  # fmt: skip
def test_faults_of_a_session_are_read_as_they_were_stored(fault: Fault) -> None:
    assert read_faults(faults_text({"orders": fault, "a@b": fault})) == {"orders": fault, "a@b": fault}


def test_no_fault_is_stored_as_nothing() -> None:
    assert faults_text({}) == ""
    assert read_faults("") == {}

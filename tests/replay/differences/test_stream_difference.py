"""Messages by what they are, in the spellings of protocols, and what differs between two conversations."""

from __future__ import annotations

import json

import pytest

from gateway.replay.differences.difference import outcome
from gateway.replay.differences.noise import Context, Drift
from gateway.replay.differences.stream_difference import (
    SocketMessage,
    diff_conversations,
    kind_of_message,
    payload_of,
)

KINDS = [
    ("type", '{"type": "order.made", "id": 7}', "order.made"),
    ("method", '{"jsonrpc": "2.0", "method": "moved"}', "moved"),
    ("reply", '{"id": 7, "result": 1}', "{id, result}"),
    ("meteor", '{"msg": "added", "collection": "x"}', "added"),
    ("phoenix", '[null, null, "room:7", "new_msg", {}]', "[room:7 new_msg]"),
    ("wamp", '[36, 5512753328, 4429313566, {}, ["hi"]]', "[36]"),
    ("ocpp", '[3, "19223201", {}]', "[3]"),
    ("list", '["made", {"id": 7}]', "[made]"),
    ("numbers", "[1]", "JSON"),
    ("socket.io", '42["made",{"id":7}]', "[made]"),
    ("socket.io-namespace", '42/admin,["made",{"id":7}]', "[made]"),
    ("socket.io-ack", '4317[{"id":7}]', "JSON"),
    ("engine.io-open", '0{"sid":"x","pingInterval":1}', "{pingInterval, sid}"),
    ("stomp", "MESSAGE\ndestination:/q/7\nmessage-id:3\n\n{}\0", "MESSAGE /q/7"),
    ("text", "hello", "text"),
    ("upper-text", "HELLO\nWORLD", "text"),
]  # fmt: skip


def said(text: str, *, sent: bool = False) -> SocketMessage:
    return SocketMessage(sent, True, text.encode())


@pytest.mark.parametrize(("text", "kind"), [each[1:] for each in KINDS], ids=[each[0] for each in KINDS])
def test_a_message_is_known_by_its_kind(text: str, kind: str) -> None:
    assert kind_of_message(said(text)) == kind
    assert "".join(payload_of(text)) == text


@pytest.mark.parametrize(
    "frame", ["{}", '42["made",{}]', "MESSAGE\ndestination:/q\n\n{}\0"], ids=["json", "io", "stomp"]
)
def test_members_of_a_framed_message_are_compared_by_themselves(frame: str) -> None:
    """An id of this run is no difference, a state is one, whatever stands before the document."""
    then, now, other = (frame.replace("{}", json.dumps(each)) for each in (
        {"type": "made", "id": 7, "state": "open"}, {"type": "made", "id": 9, "state": "open"},
        {"type": "made", "id": 9, "state": "lost"},
    ))  # fmt: skip
    context = Context(Drift())
    same = list(diff_conversations([said(then)], [said(now)], context))
    assert outcome(same) in ("same", "expected")
    found = list(diff_conversations([said(then)], [said(other)], context))
    assert [each.pointer.rpartition("/")[2] for each in found if outcome([each]) == "differs"] == ["state"]


def test_how_often_a_kind_came_is_a_matter_of_time() -> None:
    beat, made = said('{"type": "beat"}'), said('{"type": "made", "state": "open"}')
    found = list(diff_conversations([beat, made], [beat, beat, beat, made], Context(Drift())))
    assert {each.severity for each in found} <= {"none"}
    gone = list(diff_conversations([beat, made], [beat, beat], Context(Drift())))
    assert [each.cause for each in gone if each.severity == "high"] == ["data"]

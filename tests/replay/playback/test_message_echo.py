"""Messages of today's client beside those of the recorded one: what the server's replies repeat, and what they do not."""

from __future__ import annotations

import pytest

from gateway.replay.playback.echo import Pair
from gateway.replay.playback.message_echo import MessageEcho

OLD, NEW = "5f0c3a52-9d3e-4f51-8a3c-0a1b2c3d4e5f", "c2a4b6d8-1357-4246-9abc-def012345678"

# (protocol, the recorded client's message, today's, the recorded reply, the reply of today)
KINDS = [
    ("json-rpc", '{"jsonrpc": "2.0", "id": 7, "method": "add"}', '{"jsonrpc": "2.0", "id": 12, "method": "add"}',
     '{"jsonrpc": "2.0", "result": {"id": 7}, "id": 7}', '{"jsonrpc": "2.0", "result": {"id": 7}, "id": 12}'),
    ("json-rpc-batch", '[{"jsonrpc": "2.0", "id": 7, "method": "a"}]', '[{"jsonrpc": "2.0", "id": 9, "method": "a"}]',
     '[{"jsonrpc": "2.0", "id": 7, "result": 7}]', '[{"jsonrpc": "2.0", "id": 9, "result": 7}]'),
    ("graphql-ws", f'{{"id":"{OLD}","type":"subscribe","payload":{{}}}}', f'{{"id":"{NEW}","type":"subscribe","payload":{{}}}}',
     f'{{"id":"{OLD}","type":"next","payload":{{"data":1}}}}', f'{{"id":"{NEW}","type":"next","payload":{{"data":1}}}}'),
    ("graphql-ws-small", '{"id":"1","type":"start","payload":{}}', '{"id":"4","type":"start","payload":{}}',
     '{"type":"data","id":"1","payload":{"post":{"id":"1"}}}', '{"type":"data","id":"4","payload":{"post":{"id":"1"}}}'),
    ("jupyter", f'{{"header": {{"msg_id": "{OLD}", "session": "s1"}}}}', f'{{"header": {{"msg_id": "{NEW}", "session": "s1"}}}}',
     f'{{"parent_header": {{"msg_id": "{OLD}"}}}}', f'{{"parent_header": {{"msg_id": "{NEW}"}}}}'),
    ("home-assistant", '{"id": 3, "type": "get_states"}', '{"id": 8, "type": "get_states"}',
     '{"id": 3, "type": "result", "success": true}', '{"id": 8, "type": "result", "success": true}'),
    ("mattermost", '{"seq": 2, "action": "x"}', '{"seq": 5, "action": "x"}', '{"seq_reply": 2, "data": 2}', '{"seq_reply": 5, "data": 2}'),
    ("slack", '{"id": 2, "type": "message"}', '{"id": 5, "type": "message"}', '{"ok": true, "reply_to": 2}', '{"ok": true, "reply_to": 5}'),
    ("signalr", '{"invocationId": "10", "target": "Send"}', '{"invocationId": "33", "target": "Send"}',
     '{"type": 3, "invocationId": "10"}', '{"type": 3, "invocationId": "33"}'),
    ("phoenix", '["1", "7", "room", "phx_join", {}]', '["2", "9", "room", "phx_join", {}]',
     '["1", "7", "room", "phx_reply", {"n": "7"}]', '["2", "9", "room", "phx_reply", {"n": "7"}]'),
    ("wamp", '[48, 7, {}, "add"]', '[48, 91, {}, "add"]', '[50, 7, {}, [7]]', '[50, 91, {}, [7]]'),
    ("ocpp", f'[2, "{OLD}", "BootNotification", {{}}]', f'[2, "{NEW}", "BootNotification", {{}}]', f'[3, "{OLD}", {{}}]', f'[3, "{NEW}", {{}}]'),
    ("socket.io", '427["join", {"id": 7}]', '4211["join", {"id": 7}]', '437[{"id": 7}]', '4311[{"id": 7}]'),
    ("stomp", "SUBSCRIBE\nid:sub-1\ndestination:/q\n\n\0", "SUBSCRIBE\nid:sub-9\ndestination:/q\n\n\0",
     "MESSAGE\nsubscription:sub-1\nid:3\n\nsub-1\0", "MESSAGE\nsubscription:sub-9\nid:3\n\nsub-1\0"),
    ("stomp-receipt", "SEND\nreceipt:77\n\nhi\0", "SEND\nreceipt:78\n\nhi\0", "RECEIPT\nreceipt-id:77\n\n\0", "RECEIPT\nreceipt-id:78\n\n\0"),
    ("a-token-alone", OLD, NEW, f"hello {OLD}", f"hello {NEW}"),
]  # fmt: skip

# What a reply has by itself stays: the name of a thing, a quantity, words, another depth.
OTHERS = [
    ("a-thing", '{"op": "get", "id": 501}', '{"op": "get", "id": 502}', '{"op": "got", "id": 501, "title": "Emma"}'),
    ("a-thing-inside", '{"type": "get", "payload": {"id": 5}}', '{"type": "get", "payload": {"id": 6}}', '{"type": "got", "id": 5}'),
    ("a-quantity", '{"method": "add", "id": 1, "qty": 3}', '{"method": "add", "id": 1, "qty": 4}', '{"id": 1, "qty": 3}'),
    ("words", '{"say": "hello"}', '{"say": "good day"}', '{"heard": "hello"}'),
    ("text", "ping", "ping 2", "pong: ping"),
    ("broken", '{"id": 1, "method"', '{"id": 2, "method"', '{"id": 1}'),
    ("binary", "\ufffd", "x", "\ufffd"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("recorded", "today", "reply", "expected"), [each[1:] for each in KINDS], ids=[each[0] for each in KINDS]
)
def test_a_reply_repeats_what_todays_client_made_up(recorded: str, today: str, reply: str, expected: str) -> None:
    echo = MessageEcho()
    echo.asked(recorded.encode(), today.encode())
    assert echo.told(reply.encode()).decode() == expected


@pytest.mark.parametrize(
    ("recorded", "today", "reply"), [each[1:] for each in OTHERS], ids=[each[0] for each in OTHERS]
)
def test_a_reply_keeps_what_the_client_did_not_make_up(recorded: str, today: str, reply: str) -> None:
    echo = MessageEcho()
    echo.asked(recorded.encode(), today.encode())
    assert echo.told(reply.encode()) == reply.encode()


def test_numbers_that_follow_one_another_are_not_changed_twice() -> None:
    echo = MessageEcho()
    for number in (1, 2, 3):
        message = '{"jsonrpc": "2.0", "method": "x", "id": %d}'
        echo.asked((message % number).encode(), (message % (number + 1)).encode())
    replies = [echo.told(b'{"jsonrpc": "2.0", "id": %d}' % number) for number in (1, 2, 3)]
    assert replies == [b'{"jsonrpc": "2.0", "id": %d}' % number for number in (2, 3, 4)]


def test_bytes_that_are_no_text_pass_as_they_are() -> None:
    echo = MessageEcho([Pair("query", "session_id", OLD, NEW)])
    assert echo.told(b"\xff" + OLD.encode()) == b"\xff" + OLD.encode()
    assert echo.told(f"of {OLD}".encode()) == f"of {NEW}".encode()

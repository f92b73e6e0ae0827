"""What an exchange says of itself."""

from __future__ import annotations

import pytest

from gateway.model.exchange import Exchange, Failure
from gateway.model.message import Request, Response


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"status": 404, "response": Response(status=404)}, "404"),
        ({"status": 502, "failure": Failure("connection_refused")}, "502"),
        ({"failure": Failure("client_closed")}, "no answer"),
        ({"state": "open"}, "no answer"),
        ({"state": "interrupted"}, "no answer"),
        ({}, "not sent"),  # a call of an imported collection that nobody has sent yet
    ],
)
def test_a_call_that_was_never_sent_is_no_call_without_an_answer(facts: dict[str, object], words: str) -> None:
    one = Exchange("X", "R", 1, "s", "2026-11-30T10:00:00Z", "http://gw/x", Request(), **facts)  # type: ignore[arg-type]
    assert one.status_words == words

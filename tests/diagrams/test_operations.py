"""Calls by the name of their operation, failures inside a 200 in words and colour."""

from __future__ import annotations

import json
import re

import pytest

from gateway.diagrams import sequence, svg
from gateway.diagrams.diagram import calls
from gateway.diagrams.mermaid import mermaid
from gateway.model.exchange import Exchange
from gateway.model.message import Body, Request, Response
from gateway.model.recording import Recording


def call(step, asked, answered, **fields):
    request, response = json.dumps(asked).encode(), json.dumps(answered).encode()
    headers = (("Content-Type", "application/json"), *fields.items())
    return Exchange(
        id=f"x{step}", recording="r", step=step, session="s", started_at="2026-01-01T00:00:00Z", cluster="api",
        url="http://127.0.0.1:8080/graphql", status=200, environment="qa",
        request=Request(method="POST", target="/graphql", headers=headers, body=Body(len(request), request)),
        response=Response(reason="OK", headers=(("Content-Type", "application/json"),), body=Body(len(response), response)),
    )  # fmt: skip


RECORDING = Recording(id="r", session="s", title="A shop", kind="live", started_at="", updated_at="", steps=3)


def test_arrows_carry_names_and_the_path_is_in_the_tooltip():
    steps = [
        call(1, {"query": "query ListOrders { o }"}, {"data": {}}),
        call(2, {"query": "mutation Pay { p }"}, {"data": None, "errors": [{"message": "card declined"}]}),
        call(3, {"TableName": "t"}, {}, **{"X-Amz-Target": "DynamoDB_20120810.GetItem"}),
    ]
    found = list(calls(sequence(RECORDING, steps).chapters[0].rows))
    assert [one.request for one in found] == ["1 query ListOrders", "2 mutation Pay", "3 DynamoDB.GetItem"]
    assert [one.answer for one in found] == ["200 OK", "200 with errors: card declined", "200 OK"]
    assert [one.outcome for one in found] == ["ok", "client-error", "ok"]
    assert "mutation Pay by POST /graphql" in found[1].sentence
    assert "mutation Pay" in mermaid(sequence(RECORDING, steps))
    words = re.sub("<[^>]*>", "", svg(sequence(RECORDING, steps)))
    assert "2 mutation Pay" in words and "3 DynamoDB.GetItem" in words


@pytest.mark.parametrize("names", [("A", "A"), ("A", "B")])
def test_only_equal_operations_are_folded(names):
    steps = [call(i + 1, {"query": f"query {names[i % 2]} {{ o }}"}, {"data": {}}) for i in range(20)]
    rows = sequence(RECORDING, steps).chapters[0].rows
    assert [one.path for one in calls(rows)] == list(dict.fromkeys(names))

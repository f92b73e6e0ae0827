"""A write never carries a shown value unseen, wherever it stands: it is bound, or noted so that a replay stops.

Covers: correlation/hidden_values, correlation/xml_values.
"""

from __future__ import annotations

import base64
import json
from urllib.parse import quote

import pytest

from gateway.correlation import correlate
from gateway.model.exchange import Exchange, Timing
from gateway.model.message import Body, Pairs, Request, Response

JSON: Pairs = (("Content-Type", "application/json"),)
XML: Pairs = (("Content-Type", "text/xml"),)
FORM: Pairs = (("Content-Type", "application/x-www-form-urlencoded"),)
TEXT: Pairs = (("Content-Type", "text/plain"),)
UUID = "0b4f2a1c-5a77-4d3e-9c10-2a8f7e6d5c4b"
VALUES = ("3", "42", "73001", "red-fox", UUID, "Q7x2")


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def a_token(value: str) -> str:
    return f"eyJhbGciOiJub25lIn0.{encoded(json.dumps({'thing_id': value})).rstrip('=')}."


def a_form(name: str, value: str, head: str = "") -> str:
    return f'--zz\r\nContent-Disposition: form-data; name="{name}"{head}\r\n\r\n{value}\r\n--zz--\r\n'


MULTIPART: Pairs = (("Content-Type", "multipart/form-data; boundary=zz"),)
GRAPHQL = "mutation($x: ID!) { kill(what: $x) { ok } }"
RPC = (
    "<methodCall><methodName>box.kill</methodName><params><param><value><string>{}</string></value></param></params>"
    "</methodCall>"
)
SHAPES = {
    "an element": ("POST", "/w", XML, "<move><what>{}</what></move>"),
    "an attribute": ("POST", "/w", XML, '<move what="{}"/>'),
    "a parameter of XML-RPC": ("POST", "/w", XML, RPC),
    "a field": ("POST", "/w", MULTIPART, a_form("what", "{}")),
    "a document in a field": (
        "POST", "/w", MULTIPART,
        a_form("meta", '{{"of": "{}"}}', '; filename="a.json"\r\nContent-Type: application/json'),
    ),
    "a variable": ("POST", "/graphql", JSON, json.dumps({"query": GRAPHQL, "variables": {"x": "@"}})),
    "a call's list": ("POST", "/rpc", JSON, '{{"jsonrpc": "2.0", "id": 1, "method": "kill", "params": ["{}"]}}'),
    "a composite key": ("POST", "/w", JSON, '{{"key": "{}:17"}}'),
    "behind a prefix": ("DELETE", "/slots/A17-{}", (), ""),
    "a reference": ("POST", "/w", JSON, '{{"ref": "urn:box:thing:{}"}}'),
    "a matrix parameter": ("DELETE", "/w/list;of={};deep=1/all", (), ""),
    "a header": ("POST", "/w", (("X-Target", "box={}; keep"), *JSON), "{{}}"),
    "a destination": ("MOVE", "/w/a", (("Destination", "http://h/things/{}"),), ""),
    "a member's name": ("POST", "/w", JSON, '{{"moves": {{"{}": {{"to": "bin"}}}}}}'),
    "a field's name": ("POST", "/w", FORM, "pick[{}]=on"),
    "a document in a text": ("POST", "/w", JSON, '{{"payload": "{{\\"of\\": \\"{}\\"}}"}}'),
    "a statement": ("POST", "/w", TEXT, "delete from things where id = {}"),
    "a patch": ("POST", "/w", JSON, '[{{"op": "remove", "path": "/things/{}"}}]'),
}  # fmt: skip
MADE = {
    "a query's document": lambda value: ("POST", f"/w?f={quote(json.dumps({'of': value}))}", JSON, "{}"),
    "base64 of a document": lambda value: ("POST", "/w", JSON, json.dumps({"c": encoded(json.dumps({"id": value}))})),
    "base64 of the value": lambda value: ("POST", "/w", JSON, json.dumps({"node": encoded(value)})),
    "a claim": lambda value: ("POST", "/w", (("Authorization", f"Bearer {a_token(value)}"), *JSON), "{}"),
}


def an_exchange(number: int, method: str, target: str, headers: Pairs, body: str, response: str) -> Exchange:
    data, answer = body.encode(), response.encode()
    return Exchange(
        f"E{number}", "R", number, "s", f"2026-11-22T06:00:0{number}.000000Z", f"http://h{target}",
        Request(headers=headers, body=Body(len(data), data), method=method, target=target),
        Response(headers=JSON, status=201, body=Body(len(answer), answer)), 201, timing=Timing(total_ms=1.0),
    )  # fmt: skip


def is_seen(value: str, method: str, target: str, headers: Pairs, body: str) -> bool:
    """Whether a replay binds the value of the second request, or looks at it."""
    shown = int(value) if value.isdigit() else value
    made = an_exchange(1, "POST", "/things", JSON, '{"a": "b"}', json.dumps({"id": shown}))
    found = correlate([made, an_exchange(2, method, target, headers, body, "{}")])
    return bool([one for one in found.in_force if one.sink.step == 2] or found.unbound_of(2))


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("shape", [*SHAPES, *MADE])
def test_a_shown_value_in_a_write_is_bound_or_looked_at(shape: str, value: str) -> None:
    if shape in MADE:
        assert is_seen(value, *MADE[shape](value))
        return
    method, target, headers, body = SHAPES[shape]
    written = body.replace("@", value) if "@" in body else body.format(value)
    assert is_seen(value, method, target.format(value), tuple((n, v.format(value)) for n, v in headers), written)


@pytest.mark.parametrize(
    "body",
    ['{"qty": 3, "price": "3.50"}', '{"note": "three"}', '{"payload": "{\\"qty\\": 3}"}', '{"sizes": {"30": 1}}'],
)
def test_what_people_type_is_not_looked_at(body: str) -> None:
    assert not is_seen("3", "POST", "/w", JSON, body)


def test_what_no_binding_reaches_offers_none() -> None:
    """A declaration for a member's name would replace its value."""
    made = an_exchange(1, "POST", "/things", JSON, "{}", '{"id": 73001}')
    found = correlate([made, an_exchange(2, "POST", "/w", JSON, '{"moves": {"73001": {"to": "bin"}}}', "{}")])
    assert [(one.value, one.fixed) for one in found.unbound_of(2)] == [("73001", True)]

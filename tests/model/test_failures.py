"""Failures inside a 2xx: GraphQL, JSON-RPC, SOAP, gRPC-web, and what a cluster's rule names.

Covers: model/soap.
"""

from __future__ import annotations

import base64
import gzip
import json

import pytest

from gateway.model.exchange import Exchange, FailedWhen
from gateway.model.failures import Failed, failed_of
from gateway.model.message import Body, Request, Response

GRAPHQL = {"query": "mutation Pay { pay { id } }"}
RPC = {"jsonrpc": "2.0", "id": 1, "method": "pay"}
ERROR = {"jsonrpc": "2.0", "id": 1, "error": {"code": -32601, "message": "Method not found"}}
SOAP_11 = (
    '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><s:Fault><faultcode>s:Client</faultcode>'
    "<faultstring>no such\n order</faultstring><detail>x</detail></s:Fault></s:Body></s:Envelope>"
)
SOAP_12 = (
    '<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope"><e:Header/><e:Body><e:Fault><e:Code><e:Value>e:Sender'
    '</e:Value></e:Code><e:Reason><e:Text xml:lang="en">no such order</e:Text></e:Reason></e:Fault></e:Body></e:Envelope>'
)


def an_exchange(asked, answered, *, status=200, type="application/json", fields=(), sent="application/json", size=None):
    request, response = (one if isinstance(one, bytes) else json.dumps(one).encode() for one in (asked, answered))
    return Exchange(
        id="x", recording="r", step=1, session="s", started_at="", url="http://127.0.0.1/api", status=status,
        request=Request(headers=(("Content-Type", sent),), body=Body(len(request), request), method="POST", target="/a.B/C"),
        response=Response(
            headers=(("Content-Type", type), *fields), body=Body(len(response) if size is None else size, response)
        ),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("answered", "says"),
    [
        ({"data": None, "errors": [{"message": "card declined"}]}, "card declined"),
        ({"errors": [{"message": "a"}, {"message": "b"}, {"message": "c"}]}, "a and 2 more"),
        ({"data": {"a": 1}, "errors": [{"message": "b is down"}]}, "partly failed: b is down"),
        ({"errors": [{"code": 7}]}, ""),
        ({"errors": ["plain"]}, "plain"),
        ([{"data": {"a": 1}}, {"errors": [{"message": "second"}]}], "partly failed: second"),
    ],
)
def test_graphql_errors_are_a_failure(answered, says):
    asked = [GRAPHQL, GRAPHQL] if isinstance(answered, list) else GRAPHQL
    found = failed_of(an_exchange(asked, answered))
    assert found is not None
    assert (found.how, found.says) == ("graphql", says)


@pytest.mark.parametrize(
    "answered", [{"data": {}}, {"data": {}, "errors": []}, {"data": {}, "errors": None}, {}, [], 1]
)
def test_graphql_without_errors_is_none(answered):
    assert failed_of(an_exchange(GRAPHQL, answered)) is None


def test_a_member_called_errors_of_another_protocol_is_none():
    """Such as the report of a validation that itself went well."""
    assert failed_of(an_exchange({"order": 1}, {"errors": [{"message": "isbn is missing"}]})) is None


@pytest.mark.parametrize("status", [101, 301, 400, 404, 500])
def test_only_a_2xx_hides_a_failure(status):
    assert failed_of(an_exchange(GRAPHQL, {"errors": [{"message": "x"}]}, status=status)) is None


def test_json_rpc_errors():
    assert failed_of(an_exchange(RPC, ERROR)) == Failed("jsonrpc", "Method not found (-32601)")
    assert failed_of(an_exchange([RPC, RPC], [{"jsonrpc": "2.0", "id": 1, "result": 1}, ERROR])) == Failed(
        "jsonrpc", "Method not found (-32601)", is_partial=True
    )
    assert failed_of(an_exchange(RPC, {"jsonrpc": "2.0", "id": 1, "result": {"error": "none"}})) is None
    assert failed_of(an_exchange(RPC, {"jsonrpc": "2.0", "id": 1, "result": 1, "error": None})) is None


@pytest.mark.parametrize(
    ("text", "type", "says"),
    [(SOAP_11, "text/xml; charset=utf-8", "no such order"), (SOAP_12, "application/soap+xml", "no such order")],
)
def test_soap_faults(text, type, says):
    asked = b"<Envelope><Body><GetOrder/></Body></Envelope>"
    found = failed_of(an_exchange(asked, text.encode(), type=type, sent="text/xml"))
    assert found == Failed("soap", says)
    assert found.label == "with a fault: no such order"


@pytest.mark.parametrize(
    "text", ["<Fault/>", "<a><Fault/></a>", SOAP_11.replace("Fault", "Order"), "<Envelope><Body/>"]
)
def test_other_xml_is_no_fault(text):
    assert failed_of(an_exchange(b"<x/>", text.encode(), type="text/xml")) is None


def frames(trailers):
    return b"\0\0\0\0\2ok" + b"\x80" + len(trailers).to_bytes(4) + trailers


@pytest.mark.parametrize(
    ("body", "type", "fields", "says"),
    [
        (frames(b"grpc-status:5\r\ngrpc-message:no%20such%20order\r\n"), "application/grpc-web+proto", (),
         "NOT_FOUND: no such order"),
        (base64.b64encode(frames(b"grpc-status: 7\r\n")), "application/grpc-web-text", (), "PERMISSION_DENIED"),
        (base64.b64encode(b"\0\0\0\0\1a") + base64.b64encode(frames(b"grpc-status: 99\r\n")),
         "application/grpc-web-text+proto", (), "status 99"),
        (b"", "application/grpc-web+proto", (("grpc-status", "13"), ("grpc-message", "boom")), "INTERNAL: boom"),
    ],
)  # fmt: skip
def test_grpc_statuses(body, type, fields, says):
    found = failed_of(an_exchange(b"\0", body, type=type, fields=fields, sent=type))
    assert found == Failed("grpc", says)


def test_a_grpc_status_of_0_is_none():
    type = "application/grpc-web+proto"
    assert failed_of(an_exchange(b"\0", frames(b"grpc-status:0\r\n"), type=type, sent=type)) is None


def test_errors_behind_all_of_the_data_and_in_a_packed_body_are_found():
    answered = {"data": {"list": ["x" * 50] * 4000}, "errors": [{"message": "late"}]}
    assert (found := failed_of(an_exchange(GRAPHQL, answered))) is not None and found.says.endswith("late")
    packed = gzip.compress(json.dumps(answered).encode())
    fields = (("Content-Encoding", "gzip"),)
    assert (found := failed_of(an_exchange(GRAPHQL, packed, fields=fields))) is not None and found.says.endswith("late")


def test_of_a_cut_response_the_beginning_speaks():
    text = b'{"errors": [{"message": "first"}], "data": {"list": [1, 2,'
    assert failed_of(an_exchange(GRAPHQL, text, size=9000)) == Failed("graphql", "first")
    assert failed_of(an_exchange(GRAPHQL, text)) is None  # broken, not cut: nobody can tell


RULES = (FailedWhen("/ok", False, "/message"), FailedWhen("/result/0/code", 7))


@pytest.mark.parametrize(
    ("answered", "says"),
    [
        ({"ok": False, "message": "no funds"}, "no funds"),
        ({"ok": False}, "/ok is false"),
        ({"ok": False, "message": {"text": "no"}}, '{"text": "no"}'),
        ({"result": [{"code": 7}]}, "/result/0/code is 7"),
        ({"ok": 0}, None), ({"ok": True}, None), ({}, None), ([], None), ({"result": [{"code": 8}]}, None),
    ],
)  # fmt: skip
def test_a_cluster_may_name_its_own_failures(answered, says):
    found = failed_of(an_exchange({"order": 1}, answered), rules=RULES)
    assert found == (says and Failed("rule", says)) or (found is None and says is None)


def test_labels_and_long_or_odd_words():
    assert Failed("graphql", "card declined").label == "with errors: card declined"
    assert Failed("graphql", "").label == "with errors"
    found = failed_of(an_exchange(GRAPHQL, {"errors": [{"message": "a\r\nb\u202e" + "x" * 500}]}))
    assert found is not None
    assert found.says.startswith("a b xxx") and len(found.says) == 200

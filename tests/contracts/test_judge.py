"""Exchanges against a contract: what drifts is found with its place, and what does not is quiet.

Covers: contracts/judge, contracts/violations, contracts/schemas.
"""

from __future__ import annotations

import gzip
import json

import pytest
from contracting import JSON, SHOP, an_exchange, contract_of, judge_of, judged, told

from gateway.contracts.document import ContractPlace
from gateway.contracts.judge import Scope, has_member, members_of
from gateway.contracts.schemas import SchemaCompiler
from gateway.model.exchange import Failure
from gateway.model.message import Body, Request, Response

ORDER = {"id": 7, "lines": [{"qty": 1}]}
SEALED = "sealed_ekahqx7w77kg47hwuzdo_16"
NEW = {"lines": [{"qty": 1}], "secret": "s"}
HTML = (("Content-Type", "text/html"),)
PROBLEM = (("Content-Type", "application/problem+json; charset=utf-8"),)
SHOPPER = (("X-Shop", "1"),)


def line_of(words: str) -> int:
    return next(number for number, line in enumerate(SHOP.splitlines(), 1) if words in line)


# -- the five planted drifts


@pytest.mark.parametrize(
    ("exchange", "rule", "severity", "pointer", "line"),
    [
        pytest.param(an_exchange(status=418, body=ORDER), "undocumented-status", "warning", "", "/orders/{id}:",
                     id="status 418"),
        pytest.param(an_exchange(body=b"<html></html>", headers=HTML), "undocumented-type", "error", "",
                     "'200': {description: one,", id="HTML for JSON"),
        pytest.param(an_exchange(body=ORDER | {"extra": 1}), "undocumented-member", "info", "/extra", "    Order:",
                     id="extra member"),
        pytest.param(an_exchange(body=ORDER | {"lines": [{"qty": 1, "parts": [{"qty": 2, "parts": [{"qty": "x"}]}]}]}),
                     "wrong-type", "error", "/lines/*/parts/*/parts/*/qty", "qty: {type: integer}", id="deep in a cycle"),
        pytest.param(an_exchange(body={"id": 7}), "missing-member", "error", "/lines", "required: [id, lines, secret]",
                     id="missing"),
    ],
)  # fmt: skip
def test_a_planted_drift_is_found_with_its_pointer_and_line(exchange, rule, severity, pointer, line):
    judge = judge_of()
    (one,) = judge.judge(exchange, Scope()).violations
    assert (one.rule, one.severity, one.pointer) == (rule, severity, pointer)
    near = judge.contract.documents.line(one.place)
    assert 0 <= near - line_of(line) <= 5, near


# -- the twenty quiet cases


def nullable_30(value):
    text = SHOP.replace("openapi: 3.1.0", "openapi: 3.0.3").replace(
        "note: {type: [string, 'null']}", "note: {nullable: true, allOf: [{type: string}]}"
    )
    return an_exchange(body=ORDER | {"note": value}), text


QUIET = {
    "nullable of 3.0": nullable_30(None),
    "null of 3.1": an_exchange(body=ORDER | {"note": None}),
    "readOnly is not required of a request": an_exchange(
        "POST", "/v3/orders", ORDER, sent=NEW, status=201, request_headers=SHOPPER
    ),
    "writeOnly is not required of a response": an_exchange(body=ORDER),
    "allOf with a base": an_exchange("POST", "/v3/pay", {"kind": "card", "last4": "1", "at": "x"}, sent={"kind": "cash"}),
    "discriminator with mapping": an_exchange("POST", "/v3/pay", {"kind": "cash", "given": 2.5}, sent={"kind": "cash"}),
    "deepObject": an_exchange(path="/v3/orders?filter%5Bstatus%5D=new&filter[min]=3&page=2", body=[ORDER]),
    "4XX": an_exchange(path="/v3/orders", status=422, body={"title": "no"}, headers=PROBLEM),
    "default": an_exchange("POST", "/v3/orders", {"title": "no"}, sent={}, status=503, headers=PROBLEM),
    "HEAD": an_exchange("HEAD", body=None),
    "304": an_exchange(status=304),
    "empty 204": an_exchange("DELETE", status=204),
    "gzip": an_exchange(
        body=gzip.compress(json.dumps(ORDER).encode()), headers=(JSON, ("Content-Encoding", "gzip"))
    ),
    "a literal beside a template": an_exchange(path="/v3/orders/mine", body={"mine": True}),
    "base path of the server": an_exchange(path="/v3/orders/7", body=ORDER),
    "a path that was rewritten": an_exchange(path="/v3/orders/7", body=ORDER, url="http://gw/api/shop/old/7"),
    "sealed token with a pattern": an_exchange(body=ORDER | {"token": SEALED}),
    "a sealed number": an_exchange(body=ORDER | {"id": SEALED}),
    "cut body": an_exchange(response=Response(status=200, headers=(JSON,), body=Body(9000, b'{"id": 7, "li'))),
    "refused request": an_exchange("POST", "/v3/orders", {"title": "no"}, sent={"qty": "x"}, status=400, headers=PROBLEM),
    "preflight": an_exchange("OPTIONS", "/v3/orders", status=204),
    "unknown format": an_exchange(body=ORDER | {"size": "44"}),
    "playback": an_exchange(body={"id": "x"}, mode="playback"),
    "an injected fault": an_exchange(status=503, mode="fault"),
    "the gateway's own error": an_exchange(status=502, response=None, failure=Failure("connection_refused")),
    "a slash at the end": an_exchange(path="/v3/orders/7/", body=ORDER),
    "a suffix in a segment": an_exchange(path="/v3/files/a%2Fb.json", body=1),
    "nobody asked for that": an_exchange(path="/v3/nothing", status=404),
}  # fmt: skip


@pytest.mark.parametrize("case", QUIET)
def test_a_quiet_case_gives_nothing(case):
    exchange, text = QUIET[case] if isinstance(QUIET[case], tuple) else (QUIET[case], SHOP)
    assert told(exchange, text) == []


@pytest.mark.parametrize(
    ("value", "found"), [("note", []), (None, []), (7, ["wrong-type /note"])], ids=["text", "null", "number"]
)
def test_nullable_without_a_type_allows_null_and_nothing_more(value, found):
    exchange, text = nullable_30(value)
    assert told(exchange, text) == found


def test_what_was_cut_is_counted_as_such():
    for name, outcome in (("cut body", "cut"), ("gzip", "judged")):
        assert judged(QUIET[name]).outcome == outcome
    broken = an_exchange(body=b"\x1f\x8bnot gzip", headers=(JSON, ("Content-Encoding", "gzip")))
    assert judged(broken).outcome == "coding"
    assert judged(QUIET["playback"]) is None


# -- rules and severities


@pytest.mark.parametrize(
    ("exchange", "found"),
    [
        (an_exchange(body=b"not json"), ["error not-json "]),
        (an_exchange(body=ORDER | {"secret": "x"}), ["error write-only-member /secret"]),
        (an_exchange(body=ORDER | {"status": "lost"}), ["error wrong-value /status"]),
        (an_exchange(body=ORDER | {"when": "yesterday"}), ["warning wrong-format /when"]),
        (an_exchange("POST", "/v3/pay", {"kind": "card"}), ["error missing-member /last4"]),
        (an_exchange("POST", "/v3/pay", {"kind": "gold"}), ["error wrong-value /kind"]),
        (an_exchange("POST", "/v3/pay", {"last4": "1"}), ["error missing-member /kind"]),
        (an_exchange(path="/v3/nothing", body={}), ["error undocumented-operation "]),
        (an_exchange(path="/v3/nothing", status=404), ["info undocumented-operation "]),
        (an_exchange("PUT", body={}), ["error undocumented-method "]),
        (an_exchange("PUT", status=405), ["info undocumented-method "]),
        (an_exchange(status=202, body=ORDER), ["error undocumented-status "]),
        (an_exchange(status=500), ["info undocumented-status "]),
        (an_exchange(path="/v3/orders", status=404, body=b"x", headers=HTML), ["warning undocumented-type "]),
        (an_exchange("POST", "/v3/orders", ORDER, sent=NEW, status=201), ["warning missing-parameter header:X-Shop"]),
        (an_exchange("POST", "/v3/orders", ORDER, sent={"secret": "s"}, status=201, request_headers=SHOPPER),
         ["warning accepted-invalid /lines"]),
        (an_exchange("POST", "/v3/orders", ORDER, sent=NEW | {"id": 1}, status=201, request_headers=SHOPPER),
         ["info read-only-member /id"]),
        (an_exchange(path="/v3/orders?page=0", body=[]), ["warning accepted-invalid query:page"]),
        (an_exchange(path="/v3/orders?pge=1", body=[]), ["info undocumented-parameter query:pge"]),
        (an_exchange(path="/v3/orders?filter[status]=lost", body=[]), ["warning accepted-invalid query:filter/status"]),
    ],
)  # fmt: skip
def test_each_rule_has_its_severity(exchange, found):
    assert [f"{one.severity} {one.rule} {one.pointer}" for one in judged(exchange).violations] == found


def test_a_header_that_the_gateway_adds_is_not_missing():
    exchange = an_exchange("POST", "/v3/orders", ORDER, sent=NEW, status=201)
    assert told(exchange, sets=frozenset(["x-shop"])) == []
    assert told(exchange, checks="responses") == []
    assert judged(exchange, checks="none") is None


def test_a_request_outside_the_base_is_not_judged():
    assert judged(an_exchange(path="/metrics", body={}), base="/v3") is None
    assert told(an_exchange(path="/v4/orders/7", body=ORDER), base="/v4") == []


@pytest.mark.parametrize("value", ["CANARY-7f3a", 48151623, ["CANARY-7f3a"], {"CANARY-7f3a": 1}])
def test_no_value_of_a_body_is_quoted(value):
    bodies = [
        ORDER | {"status": value}, ORDER | {"when": value}, ORDER | {"CANARY-7f3a": value}, ORDER | {"lines": value},
    ]  # fmt: skip
    exchanges = [an_exchange(body=body) for body in bodies] + [
        an_exchange("POST", "/v3/pay", {"kind": value, "last4": value}), an_exchange(path="/v3/orders?CANARY-7f3a=CANARY-7f3a", body=[]),
        an_exchange(path="/v3/orders?page=CANARY-7f3a", body=[]), an_exchange(body=b"<p>CANARY-7f3a", headers=HTML),
        an_exchange(body=b"x", headers=(("Content-Type", "CANARY-7f3a"),)),
    ]  # fmt: skip
    for exchange in exchanges:
        found = judged(exchange)
        assert found.violations
        assert "CANARY" not in repr(found.violations)
        assert "48151623" not in repr(found.violations)


def test_members_of_a_map_are_one_finding():
    text = SHOP.replace(
        "mine: {type: boolean}}, required: [mine]",
        "mine: {type: object, additionalProperties: {type: integer}}}, required: [mine]",
    )
    exchange = an_exchange(path="/v3/orders/mine", body={"mine": {"ab12": "x", "cd34": "y"}})
    assert told(exchange, text) == ["wrong-type /mine/*"]


@pytest.mark.parametrize(
    ("choices", "value", "found"),
    [
        ("[{type: integer}, {type: 'null'}]", "x", ["wrong-choice /mine"]),
        ("[{type: object, required: [a]}, {type: 'null'}]", {}, ["missing-member /mine/a"]),
        ("[{type: object, required: [a]}, {type: object, required: [b]}]", {}, ["wrong-choice /mine"]),
        ("[{type: object, required: [a]}, {type: object, properties: {b: {pattern: '^x$'}}}]", {"b": SEALED}, []),
        ("[{type: string, format: uuid}, {type: integer}]", "x", ["wrong-format /mine"]),
        ("[{type: object}, {type: object, properties: {}}]", {}, []),
    ],
)  # fmt: skip
def test_of_choices_the_one_that_is_meant_speaks(choices, value, found):
    text = SHOP.replace("mine: {type: boolean}", f"mine: {{oneOf: {choices}}}")
    assert told(an_exchange(path="/v3/orders/mine", body={"mine": value}), text) == found


def test_a_member_that_only_a_choice_would_forbid_does_not_decide_it():
    text = SHOP.replace(
        "mine: {type: boolean}",
        "mine: {oneOf: [{type: object, required: [a], properties: {a: {type: object, properties: {x: {}}}}}]}",
    )
    assert told(an_exchange(path="/v3/orders/mine", body={"mine": {"a": {"x": 1, "y": 2}}}), text) == []


@pytest.mark.parametrize("pattern", ["(a+)+$", "([a-z]+)*x", "[a-z", "(a{1000}){1000}", "^(?=.*a)(?=.*b)(a|b|ab)*$"])
def test_a_bad_pattern_neither_hangs_nor_accuses(pattern):
    text = SHOP.replace("'^tok_[0-9]+$'", json.dumps(pattern))
    exchange = an_exchange(body=ORDER | {"token": "ab" * 5000 + "!"})
    assert {one for one in told(exchange, text) if one != "wrong-value /token"} == set()


def test_a_reference_that_is_broken_is_told_and_nothing_is_accused():
    judge = judge_of(
        SHOP.replace("items: {$ref: '#/components/schemas/Line'}", "items: {$ref: 'https://else.example/x'}", 1)
    )
    assert judge.judge(an_exchange(body={"id": "x"}), Scope()).violations == ()
    assert "is a URL: nothing is fetched" in judge.problems[0]
    assert judge.problems[0].startswith(f"shop.yaml:{line_of('lines: {type: array')}:")


def test_half_a_surrogate_and_depth_are_counted_not_accused():
    assert told(an_exchange(body=b'{"id": 7, "lines": [], "note": "\\ud800"}'), least="info") == []
    deep = b'{"id": 7, "lines": [], "note": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    assert judged(an_exchange(body=deep)).outcome == "too deep"


def test_documented_members_are_told_for_coverage():
    contract = contract_of(SHOP)
    pointers = list(members_of(contract, ContractPlace("shop.yaml", ("components", "schemas", "Order"))))
    assert {"/id", "/lines", "/lines/*/qty", "/lines/*/parts"} <= set(pointers)
    assert "/secret" not in pointers
    assert has_member(ORDER, ("lines", "*", "qty"))
    assert not has_member(ORDER, ("lines", "*", "parts"))


def test_every_part_of_a_request_and_its_response_is_seen():
    exchange = an_exchange(path="/v3/orders?page=1", body=[ORDER])
    assert judged(exchange).seen == (
        ("operation", "GET /orders"), ("status", "GET /orders 200"), ("parameter", "GET /orders query:page"),
    )  # fmt: skip


def test_a_stream_is_judged_by_its_status_and_type_alone():
    exchange = an_exchange(body=b"data: x\n\n", headers=(("Content-Type", "text/event-stream"),), stream="sse")
    assert told(exchange) == []


def test_a_form_with_sealed_rest_is_not_judged():
    body = Body(90_000, b'{"id": 7, "x": sealed_ekahqx7w77kg47hwuzdo_131072', kept=90_000)
    assert judged(an_exchange(response=Response(status=200, headers=(JSON,), body=body))).outcome == "sealed"


def test_schemas_compile_once():
    contract = contract_of(SHOP)
    compiler = SchemaCompiler(contract, "response")
    place = ContractPlace("shop.yaml", ("components", "schemas", "Order"))
    assert compiler.compiled(place) is compiler.compiled(place)
    assert compiler.problems == []


def test_a_request_without_a_body_that_is_accepted():
    exchange = an_exchange(
        "POST", "/v3/orders", ORDER, status=201, request=Request(method="POST", target="/x", headers=SHOPPER)
    )
    assert told(exchange) == ["accepted-invalid"]

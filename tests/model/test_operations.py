"""What requests ask for, by name: GraphQL, JSON-RPC, SOAP, AWS-style calls and gRPC-web.

Covers: export/openapi/operation, model/graphql.
"""

from __future__ import annotations

import gzip
import json
import time
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model import graphql
from gateway.model.message import Body, Request
from gateway.model.operations import MOST, Operation, json_prefix, operation_of

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
SOAP_11 = "text/xml; charset=utf-8"
HASH = "3f2a9c1b" + "0" * 56


def asked(body=b"", type=JSON, *, target="/api", method="POST", **fields):
    data = body if isinstance(body, bytes) else (body if isinstance(body, str) else json.dumps(body)).encode()
    headers = [("Content-Type", type)] if data or type != JSON else []
    headers += [(name.replace("_", "-"), value) for name, value in fields.items()]
    return Request(headers=tuple(headers), body=Body(len(data), data), method=method, target=target)


def envelope(inner, *, version="http://schemas.xmlsoap.org/soap/envelope/", head=""):
    return f'<?xml version="1.0"?><s:Envelope xmlns:s="{version}">{head}<s:Body>{inner}</s:Body></s:Envelope>'


GRAPHQL = [
    ({"query": "query ListOrders { orders { id } }"}, "query", "ListOrders"),
    ({"query": "mutation Pay($id: ID!) { pay(id: $id) { id } }", "variables": {"id": 1}}, "mutation", "Pay"),
    ({"query": "subscription Ticks { tick }"}, "subscription", "Ticks"),
    ({"query": "{ orders { id } }"}, "query", "{orders}"),
    ({"query": "mutation { pay { id } }"}, "mutation", "{pay}"),
    ({"query": "query { mine: orders { id } }"}, "query", "{orders}"),
    ({"query": "{ ...Everything } fragment Everything on Query { a }"}, "query", "{...Everything}"),
    ({"query": "{ ... on Query { a } }"}, "query", "{...Query}"),
    ({"query": "fragment F on T { a } query Late { ...F }"}, "query", "Late"),
    ({"query": "query A { a } mutation B { b }", "operationName": "B"}, "mutation", "B"),
    ({"query": "query A { a } mutation B { b }", "operationName": "A"}, "query", "A"),
    ({"query": "{ a } query Named { b }"}, "query", "Named"),
    ({"query": 'query Q($in: In = {a: {b: "}"}}) @live(if: true) { q }'}, "query", "Q"),
    ({"query": '# mutation Fake { x }\nquery Real { say(text: "} mutation Other { x }") }'}, "query", "Real"),
    ({"query": 'query Block { say(text: """ " } query Other { x } """) { id } }'}, "query", "Block"),
    ({"query": "\ufeff\n  query   Spaced\n{\n a\n}\n"}, "query", "Spaced"),
    ({"query": "query queryAll { all }"}, "query", "queryAll"),
    ({"query": "query Ä { a }"}, None, None),
    ({"operationName": "Me", "extensions": {"persistedQuery": {"version": 1, "sha256Hash": HASH}}}, "", "Me"),
    ({"extensions": {"persistedQuery": {"version": 1, "sha256Hash": HASH}}}, "", "#3f2a9c1b"),
    ({"documentId": "4c7", "variables": {}}, "", "#4c7"),
    ({"doc_id": "998877665544", "variables": {}, "operationName": "Feed"}, "", "Feed"),
]
NO_GRAPHQL = [
    {"query": "shoes"},
    {"query": "query planning for beginners"},
    {"query": {"match_all": {}}},
    {"query": '{app="web"} |= "error"'},
    {"query": '{job=~"a.*"}'},
    {"query": "up{instance='x'}"},
    {"query": "SELECT * FROM orders WHERE data = '{}'"},
    {"query": "{"},
    {"query": "{}"},
    {"query": "query A { a } }"},
    {"query": "query A { a"},
    {"query": '{ say(text: "never closed) }'},
    {"query": ""},
    {"query": 7},
    {"query": None},
    {"id": 4, "variables": [1]},
    {"documentId": True, "variables": {}},
    {"operationName": "Alone"},
    [],
    [1, 2],
    [{"query": "{ a }"}, "text"],
    "text",
]
SIGNS = [
    (asked({"jsonrpc": "2.0", "method": "eth_blockNumber", "id": 1}), "jsonrpc", "eth_blockNumber"),
    (asked({"jsonrpc": "2.0", "method": "tools/call", "params": {"name": "x"}}), "jsonrpc", "tools/call"),
    (asked([{"jsonrpc": "2.0", "method": name, "id": 1} for name in "abc"]), "jsonrpc", "3 calls: a, b, c"),
    (asked([{"jsonrpc": "2.0", "method": "only"}]), "jsonrpc", "only"),
    (
        asked([{"jsonrpc": "2.0", "method": name} for name in "abcdef"]),
        "jsonrpc",
        "6 calls: a, b, c and 3 more",
    ),
    (asked(envelope("<x/>"), SOAP_11, SOAPAction='"http://example.org/orders/PlaceOrder"'), "soap", "PlaceOrder"),
    (asked(envelope("<x/>"), SOAP_11, SOAPAction="urn:schemas-upnp-org:service:Media:1#Browse"), "soap", "Browse"),
    (asked(envelope("<x/>"), SOAP_11, SOAPAction='"urn:example:orders:Cancel"'), "soap", "Cancel"),
    (asked(envelope('<m:Order xmlns:m="urn:x"/>'), SOAP_11, SOAPAction='""'), "soap", "Order"),
    (asked(envelope("<Order/>"), SOAP_11), "soap", "Order"),
    (asked(envelope("<Order/>", head="<s:Header><Fake/></s:Header>"), "application/soap+xml"), "soap", "Order"),
    (
        asked(envelope("<x/>", version="http://www.w3.org/2003/05/soap-envelope"),
              'application/soap+xml; charset=utf-8; action="http://example.org/GetPrice"'),
        "soap", "GetPrice",
    ),
    (asked(envelope("<x/>"), "application/soap+xml;action=urn:GetPrice"), "soap", "GetPrice"),
    (asked({"TableName": "t"}, "application/x-amz-json-1.0", X_Amz_Target="DynamoDB_20120810.GetItem"), "aws",
     "DynamoDB.GetItem"),
    (asked({}, "application/x-amz-json-1.1", X_Amz_Target="AmazonSSM.GetParameter"), "aws", "AmazonSSM.GetParameter"),
    (asked("{}", "application/x-amz-json-1.1", X_Amz_Target="TrentService.Encrypt"), "aws", "TrentService.Encrypt"),
    (asked("Action=RunInstances&Version=2016-11-15&MaxCount=1", FORM), "aws", "RunInstances"),
    (asked("Version=2010-05-08&Action=CreateUser", f"{FORM}; charset=utf-8"), "aws", "CreateUser"),
    (asked(target="/?Action=DescribeZones&Version=2014-05-26", method="GET"), "aws", "DescribeZones"),
    (asked(b"\0\0\0\0\0", "application/grpc-web+proto", target="/hello.v1.Greeter/SayHello"), "grpc",
     "Greeter/SayHello"),
    (asked(b"AAAA", "application/grpc-web-text", target="/api/hello/Greeter/SayHello?x=1"), "grpc",
     "Greeter/SayHello"),
    (asked(b"\0\0\0\0\0", "application/grpc", target="/p.S/M"), "grpc", "S/M"),
]  # fmt: skip
NO_SIGN = [
    asked({"jsonrpc": "2.0", "result": 4, "id": 1}),
    asked({"jsonrpc": "2.0", "method": 4}),
    asked({"method": "GET", "url": "/x"}),
    asked("<order/>", "application/xml"),
    asked("<Envelope>", "text/xml"),
    asked("<Envelope><Body/></Envelope>", "text/xml"),
    asked("Action=buy&amount=3", FORM),
    asked("action=buy&version=3", FORM),
    asked("Action=%3Cscript%3E&Version=1", FORM),
    asked({}, X_Amz_Target="no-dot"),
    asked({}, "application/grpc-web", target="/short"),
    asked(),
    asked(target="/search?query=shoes", method="GET"),
    asked(target="/x?Action=up", method="GET"),
]


@pytest.mark.parametrize(("body", "type", "name"), GRAPHQL)
def test_graphql_is_named_by_operation_type_and_name(body, type, name):
    found = operation_of(asked(body))
    assert (found and (found.kind, found.type, found.name)) == (name and ("graphql", type, name))


@pytest.mark.parametrize("body", NO_GRAPHQL)
def test_a_member_called_query_alone_is_no_graphql(body):
    assert operation_of(asked(body)) is None


@pytest.mark.parametrize(("request_", "kind", "name"), SIGNS)
def test_other_protocols_are_named_by_their_signs(request_, kind, name):
    found = operation_of(request_)
    assert found is not None
    assert (found.kind, found.name) == (kind, name)


@pytest.mark.parametrize("request_", NO_SIGN)
def test_without_a_sign_there_is_no_name(request_):
    assert operation_of(request_) is None


@pytest.mark.parametrize(
    ("query", "label"),
    [
        ("query=%7Bbooks%7Bid%7D%7D&operationName=Short", "query Short"),
        ("query=%7Bbooks%7Bid%7D%7D", "query {books}"),
        (f'operationName=Me&extensions={{"persistedQuery":{{"sha256Hash":"{HASH}"}}}}', "query Me"),
        (f"extensions=%7B%22persistedQuery%22:%7B%22sha256Hash%22:%22{HASH}%22%7D%7D", "query #3f2a9c1b"),
    ],
)
def test_graphql_by_get_is_a_query(query, label):
    found = operation_of(asked(target=f"/graphql?{query}", method="GET"))
    assert found is not None
    assert (found.type, found.label) == ("query", label)


def test_a_batch_of_graphql_keeps_the_names_of_its_parts():
    found = operation_of(asked([{"query": "query Books { b }"}, {"query": "mutation Pay { p }"}]))
    assert found is not None
    assert found.label == "2 operations: query Books, mutation Pay"
    assert [one.label for one in found.parts] == ["query Books", "mutation Pay"]


def test_graphql_as_a_document_of_its_own_in_a_form_and_with_files():
    assert operation_of(asked("query Alone { a }", "application/graphql")) == Operation("graphql", "Alone", "query")
    assert operation_of(asked("query=mutation+Pay+%7Bpay%7D", FORM)) == Operation("graphql", "Pay", "mutation")
    part = json.dumps({"query": "mutation Upload($f: Upload!) { upload(file: $f) }", "variables": {"f": None}})
    form = (
        f'--B\r\nContent-Disposition: form-data; name="operations"\r\n\r\n{part}\r\n'
        '--B\r\nContent-Disposition: form-data; name="map"\r\n\r\n{"0": ["variables.f"]}\r\n--B--\r\n'
    )
    found = operation_of(asked(form, "multipart/form-data; boundary=B"))
    assert found == Operation("graphql", "Upload", "mutation")


@pytest.mark.parametrize(("coding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
def test_content_encodings_are_undone_first(coding, pack):
    packed = pack(json.dumps({"query": "query Packed { a }"}).encode())
    assert operation_of(asked(packed, Content_Encoding=coding)) == Operation("graphql", "Packed", "query")


@pytest.mark.parametrize(
    ("pattern", "fits"),
    [
        ("ListOrders", True), ("listorders", True), ("query ListOrders", True), ("query*", True), ("List*", True),
        ("query", True), ("graphql", True), ("*orders", True), ("Orders", False), ("mutation*", False), ("L?st*", False),
    ],
)  # fmt: skip
def test_the_filter_compares_names_labels_types_and_kinds(pattern, fits):
    assert Operation("graphql", "ListOrders", "query").matches(pattern) is fits


def test_the_filter_finds_a_part_of_a_batch():
    found = operation_of(asked([{"query": "query Books { b }"}, {"query": "mutation Pay { p }"}]))
    assert found is not None
    assert found.matches("Pay") and found.matches("mutation*") and not found.matches("Ship")


def test_a_password_in_the_variables_is_in_no_name():
    body = {"query": 'mutation { login(password: "hunter2") { token } }', "variables": {"password": "hunter2"}}
    found = operation_of(asked(body))
    assert found is not None
    assert "hunter2" not in found.label


HOSTILE = {
    "10 MiB": {"query": "query Q { a }", "variables": {"x": "A" * (10 << 20)}},
    "broken": '{"query": "query A { a }", ',
    "nested braces": {"query": "{" * 100_000 + "}" * 100_000},
    "nested selections": {"query": "{a" * 10_000 + "}" * 10_000},
    "many operations": {"query": "{a}" * 20_000},
    "nested arrays": "[" * 60_000,
    "block strings": {"query": '"""' * 20_001},
    "an open string": {"query": '{a(x:"' + "\\\\" * 30_000},
    "an entity bomb": '<!DOCTYPE a [<!ENTITY b "bbbb">]><Envelope><Body>&b;</Body></Envelope>',
    "nul": b"\0" * 70_000,
    "half a character": b'{"query": "query \xff { a }"}',
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_bodies_have_no_name_and_cost_little(kind):
    request = asked(HOSTILE[kind])
    spent = []
    for _ in range(3):
        began = time.process_time()
        assert operation_of(request) is None
        spent.append(time.process_time() - began)
    assert min(spent) < 0.1  # a guard against the square of a length; the figure itself is in bench


def test_a_body_that_is_longer_than_what_is_looked_at_has_a_name_where_the_name_stands_first():
    long = {"query": "query First { a }", "variables": {"file": "A" * (200 << 10)}}
    assert operation_of(asked(long)) == Operation("graphql", "First", "query")
    assert operation_of(asked({"variables": long["variables"], "query": long["query"]})) is None


def test_a_body_of_more_than_a_megabyte_has_none():
    assert operation_of(asked({"query": "query First { a }", "variables": {"file": "A" * MOST}})) is None


words = st.from_regex(r"[_A-Za-z][_0-9A-Za-z]{0,12}", fullmatch=True)
texts = st.text(st.characters(exclude_characters='"\\\n\r', exclude_categories=["Cs", "Cc"]), max_size=12)
fields = st.recursive(
    st.one_of(words, st.builds('{}(x: "{}")'.format, words, texts), st.builds("{}: {}".format, words, words)),
    lambda inner: st.builds(lambda name, below: f"{name} {{ {' '.join(below)} }}", words, st.lists(inner, min_size=1)),
    max_leaves=12,
)
types = st.sampled_from(["query", "mutation", "subscription"])


@given(types, words, fields, st.lists(st.builds("fragment {} on {} {{ {} }}".format, words, words, fields), max_size=2))
def test_every_generated_document_has_its_one_operation(type, name, field, fragments):
    text = "\n".join([*fragments[:1], f"{type} {name} {{ {field} }}  # {{", *fragments[1:]])
    found = graphql.operations(text)
    assert [(one.type, one.name) for one in found] == [(type, name)]


@given(st.text(max_size=200))
def test_no_text_is_an_error(text):
    found = graphql.operations(text)
    assert all(one.type in ("query", "mutation", "subscription") and one.name in text for one in found)
    told = operation_of(asked({"query": text}))
    assert told is None or told.kind == "graphql"
    told = operation_of(asked(text.encode("utf-8", "replace")))
    assert told is None or told.name in text


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)
    ),
    st.integers(0, 300),
)
def test_the_beginning_of_json_holds_nothing_that_the_whole_does_not(value, cut):
    value = {"a": value, "b": [value], "c": 12345}
    text = json.dumps(value)
    found = json_prefix(text[:cut])
    assert found is None or all(value[key] == member for key, member in found.items())
    assert json_prefix(text) == value


@pytest.mark.parametrize(
    "text",
    [
        "query Books($n: Int) { books(first: $n) { id title } }",
        "query Books($n:Int){books(first:$n){id,title}}",
        "# of the list\nquery Books($n: Int) {\n  books(first: $n) {\n    id\n    title\n  }\n}\n",
    ],
)
def test_white_space_commas_and_comments_mean_nothing_in_a_document(text):
    assert graphql.canonical(text) == "query Books ( $ n : Int ) { books ( first : $ n ) { id title } }"


@pytest.mark.parametrize("text", ["shoes  and socks", "", "{", '{ say(text: "a  b") }'])
def test_white_space_within_strings_and_other_texts_stays(text):
    assert ("a  b" in graphql.canonical(text)) if "say" in text else graphql.canonical(text) == text

"""What makes a description one would publish: arrays, forms, enumerations, maps, shared schemas, protocols left out.

Covers: export/openapi/components, export/openapi/form_bodies.
"""

from __future__ import annotations

import json
from itertools import count

import pytest

from gateway.errors import UsageError
from gateway.export import FORMATS, dump
from gateway.export.openapi.components import shared, union
from gateway.export.openapi.form_bodies import multipart
from gateway.export.openapi.schema_inference import schema_of
from gateway.model.exchange import Exchange
from gateway.model.message import Body, Message, Request, Response
from gateway.model.recording import Recording

numbers = count(1)


def call(path, *, method="GET", body=b"", type="application/json", answer=None, status=200, **fields):
    step = next(numbers)
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = ((("Content-Type", type),) if data else ()) + tuple((k.replace("_", "-"), v) for k, v in fields.items())
    told = json.dumps({} if answer is None else answer).encode()
    return Exchange(
        id=f"x{step}", recording="r", step=step, session="s", started_at="2026-01-01T00:00:00Z", cluster="api",
        environment="qa", url=f"http://127.0.0.1:8080/api{path}", prefix="/api", status=status,
        upstream_url=f"http://b{path}",
        request=Request(method=method, target=f"/api{path}", headers=headers, body=Body(len(data), data)),
        response=Response(headers=(("Content-Type", "application/json"),), body=Body(len(told), told)),
    )  # fmt: skip


def described(*exchanges, format="openapi"):
    return dump(FORMATS[format], [(Recording(id="r", title="A shop", session="s"), exchanges)], version="1")


def operation(document, path, method="get"):
    return json.loads(document)["paths"][path][method]


def test_a_name_of_the_query_that_repeats_is_an_array():
    found = described(call("/s?tag=x&tag=y&ids[]=1&q=1"), call("/s?tag=z&q=2&ids[]=7"))
    parameters = {one["name"]: one for one in operation(found, "/s")["parameters"]}
    assert parameters["tag"]["schema"] == {"type": "array", "items": {"type": "string"}}
    assert parameters["ids[]"]["schema"] == {"type": "array", "items": {"type": "integer"}}
    assert parameters["q"]["schema"] == {"type": "integer"}
    assert parameters["tag"]["example"] == ["x"]


def test_ids_of_requests_and_traces_are_no_parameters():
    fields = {"X_Request_Id": "1", "X_Correlation_ID": "2", "X_Amz_Date": "3", "sentry_trace": "4", "X_Tenant": "blue"}
    found = operation(described(call("/s", **fields)), "/s")
    assert [one["name"] for one in found["parameters"]] == ["X-Tenant"]


FORM = (
    b'--B\r\nContent-Disposition: form-data; name="title"\r\n\r\nhi\r\n'
    b'--B\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\nContent-Type: image/png\r\n\r\nPNG\r\n'
    b'--B\r\nContent-Disposition: form-data; name="tag"\r\n\r\na\r\n--B\r\nContent-Disposition: form-data; name="tag"\r\n\r\nb\r\n'
    b'--B\r\nContent-Disposition: form-data; name="meta"\r\nContent-Type: application/json\r\n\r\n{"a": 1}\r\n--B--\r\n'
)


def test_the_fields_of_multipart_bodies_are_described():
    body = Message(headers=(("Content-Type", "multipart/form-data; boundary=B"),), body=Body(len(FORM), FORM))
    found = multipart([body])
    properties = found["schema"]["properties"]
    assert properties["title"] == {"type": "string"}
    assert properties["file"] == {"type": "string", "contentMediaType": "image/png"}
    assert properties["tag"] == {"type": "array", "items": {"type": "string"}}
    assert properties["meta"]["properties"] == {"a": {"type": "integer"}}
    assert found["encoding"]["file"] == {"contentType": "image/png"}
    assert found["schema"]["required"] == ["title", "file", "tag", "meta"]


@pytest.mark.parametrize("data", [b"", b"no form", b"--B\r\n", b"\0\xff"])
def test_what_is_no_multipart_has_no_schema(data):
    assert (
        multipart([Message(headers=(("Content-Type", "multipart/form-data; boundary=B"),), body=Body(1, data))]) == {}
    )


def state_of(values, name="state"):
    return schema_of([{name: value} for value in values])["properties"][name]


@pytest.mark.parametrize(
    ("values", "name", "enum"),
    [
        (["open", "done"] * 6, "state", ["done", "open"]),
        (["Open", "Done"] * 6, "status", ["Done", "Open"]),
        (["EUR", "USD", "GBP"] * 4, "currency", ["EUR", "GBP", "USD"]),
        (["open", "done", None] * 5, "state", ["done", "open", None]),
        (["open", "done"] * 3, "state", None),  # too few
        (["open"] * 20, "state", None),  # one word
        (["open", "done", "lost", *["open"] * 12], "state", None),  # seen once
        (["Ann", "Bob"] * 10, "assigned", None),  # names of people
        (["ann", "bob"] * 10, "owner", None),
        (["a b", "c d"] * 10, "state", None),
        ([f"w{i}" for i in range(7)] * 4, "kind", None),  # too many words
        ([1, 2] * 10, "state", None),
    ],
)
def test_a_member_of_few_words_is_an_enumeration_where_there_is_enough_evidence(values, name, enum):
    assert state_of(values, name).get("enum") == enum


@pytest.mark.parametrize(
    "keys",
    [
        [f"2024-01-{day:02}" for day in range(1, 29)], ["101", "102", "103"], ["EUR", "USD", "GBP"],
        ["8f14e45f-ceea-467f-a8f5-7c1e9d2b3a4c", "8f14e45f-ceea-467f-a8f5-7c1e9d2b3a4d", "8f14e45f-ceea-467f-a8f5-7c1e9d2b3a4e"],
        ["cus_9s6XKzkN1", "cus_9s6XKzkN2", "cus_9s6XKzkN3"],
    ],
)  # fmt: skip
def test_keys_that_name_things_are_a_map(keys):
    found = schema_of([{key: {"n": 1} for key in keys}])
    assert "properties" not in found and found["additionalProperties"]["properties"] == {"n": {"type": "integer"}}


@pytest.mark.parametrize(
    "value", [{"a": 1, "b": 2, "c": 3}, {"1": 1, "2": "x", "3": []}, {"1": 1, "2": 2}, {"id": 1, "2": 2, "3": 3}]
)
def test_members_are_no_map(value):
    assert "properties" in schema_of([value])


def test_one_schema_for_the_list_the_page_and_the_form():
    order = {"id": 1, "status": "new", "total": 5, "created": "2026-01-01", "lines": [{"sku": "a", "quantity": 1}]}
    found = json.loads(described(
        call("/orders", answer=[order, order | {"note": None}]), call("/orders/7", answer=order | {"total": None}),
        call("/orders/8", answer={"error": "gone"}, status=404), call("/lines", answer=[{"sku": "b", "quantity": 2}]),
    ))  # fmt: skip
    assert set(found["components"]["schemas"]) == {"Order", "Line"}
    listed = found["paths"]["/orders"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    assert listed == {"type": "array", "items": {"$ref": "#/components/schemas/Order"}}
    order = found["components"]["schemas"]["Order"]
    assert order["properties"]["lines"]["items"] == {"$ref": "#/components/schemas/Line"}
    assert order["properties"]["total"] == {"type": ["integer", "null"]}
    assert "note" in order["properties"] and "note" not in order["required"]


def test_a_union_admits_what_either_admits():
    one, other = schema_of([{"a": 1, "b": "x", "c": [1]}]), schema_of([{"a": 1.5, "c": [], "d": None}])
    found = union(one, other)
    assert found["required"] == ["a", "c"]
    assert found["properties"]["a"] == {"type": "number"}
    assert set(found["properties"]) == {"a", "b", "c", "d"}
    assert union({}, one) == one and union(one, {}) == one


def test_nothing_is_shared_where_nothing_comes_twice():
    paths = {
        "/a": {
            "get": {"responses": {"200": {"content": {"application/json": {"schema": schema_of([{"a": 1, "b": 2}])}}}}}
        }
    }
    assert shared(paths) == (paths, {})


GRAPHQL = {"query": "query ListOrders { orders { id } }"}
SOAP = b"<Envelope><Body><GetOrder/></Body></Envelope>"


def test_protocols_of_one_path_are_left_out_and_said():
    found = json.loads(described(
        call("/graphql", method="POST", body=GRAPHQL), call("/soap", method="POST", body=SOAP, type="text/xml"),
        call("/rpc", method="POST", body={"jsonrpc": "2.0", "method": "a"}), call("/x", method="PURGE"), call("/a"),
        call("/health"),
    ))  # fmt: skip
    assert list(found["paths"]) == ["/a"]
    for words in ("GraphQL: step", "SOAP: step", "JSON-RPC: step", "the method PURGE: step", "1 health check"):
        assert words in found["info"]["description"]


def test_aws_style_calls_are_an_operation_for_each_action():
    found = json.loads(described(
        *(call("/", method="POST", body={"TableName": "t"}, X_Amz_Target=f"DynamoDB_20120810.{name}") for name in ("GetItem", "PutItem")),
        call("/", method="POST", body=b"Action=ListQueues&Version=2012-11-05", type="application/x-www-form-urlencoded"),
    ))  # fmt: skip
    assert list(found["paths"]) == [
        "/#Action=ListQueues", "/#X-Amz-Target=DynamoDB_20120810.GetItem", "/#X-Amz-Target=DynamoDB_20120810.PutItem",
    ]  # fmt: skip
    (target,) = found["paths"]["/#X-Amz-Target=DynamoDB_20120810.GetItem"]["post"]["parameters"]
    assert target["schema"]["enum"] == ["DynamoDB_20120810.GetItem"]


def test_arazzo_names_a_parameter_once_and_refuses_what_has_no_step():
    assert described(call("/s?tag=x&tag=y"), format="arazzo").count("name: tag\n") == 1
    with pytest.raises(UsageError, match="GraphQL"):
        described(call("/graphql", method="POST", body=GRAPHQL), format="arazzo")

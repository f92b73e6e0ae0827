"""Operations of a contract and which of them a request is.

Covers: contracts/contract, contracts/paths, contracts/parameters.
"""

from __future__ import annotations

import pytest
from contracting import SHOP, contract_of

from gateway.contracts.contract import Contract
from gateway.contracts.parameters import ABSENT, ParameterValues
from gateway.errors import ConfigError

HEAD = "openapi: 3.1.0\ninfo: {title: T, version: '1'}\n"


def paths(*templates: str, servers: str = "") -> Contract:
    lines = "".join(f"  {one!r}: {{get: {{responses: {{}}}}}}\n" for one in templates)
    return contract_of(f"{HEAD}{servers}paths:\n{lines}")


@pytest.mark.parametrize(
    ("path", "template", "values"),
    [
        ("/orders/mine", "/orders/mine", {}),
        ("/orders/7", "/orders/{id}", {"id": "7"}),
        ("/orders/7/", "/orders/{id}", {"id": "7"}),
        ("/orders/a%2Fb", "/orders/{id}", {"id": "a%2Fb"}),
        ("/orders/%6Dine", "/orders/mine", {}),
        ("/orders/7.json", "/orders/{id}.json", {"id": "7"}),
        ("/orders/7/lines", "/orders/{id}/lines", {"id": "7"}),
        ("/orders/mine/lines", "/orders/{id}/lines", {"id": "mine"}),
        ("/x/1-2", "/x/{a}-{b}", {"a": "1", "b": "2"}),
        ("/orders", None, {}),
        ("/orders//", None, {}),
        ("/", None, {}),
    ],
)
def test_literals_come_before_templates(path, template, values):
    contract = paths("/orders/{id}", "/orders/mine", "/orders/{id}.json", "/orders/{id}/lines", "/x/{a}-{b}")
    found = contract.find("GET", path, "", ("",))
    assert (found.item and found.item.path, found.values) == (template, values)


def test_a_query_in_a_path_chooses_between_operations():
    contract = paths("/files", "/files?beta=true")
    assert contract.find("GET", "/files", "beta=true&x=1", ("",)).item.path == "/files?beta=true"
    assert contract.find("GET", "/files", "x=1", ("",)).item.path == "/files"


@pytest.mark.parametrize(
    ("servers", "configured", "upstream", "path", "found"),
    [
        ("servers: [{url: 'https://h/v3'}]\n", None, "", "/v3/orders", True),
        ("servers: [{url: '/v{n}/', variables: {n: {default: '4'}}}]\n", None, "", "/v4/orders", True),
        ("", None, "/inner", "/inner/orders", True),
        ("servers: [{url: 'https://h/v3'}]\n", None, "", "/orders", True),
        ("servers: [{url: 'https://h/v3'}]\n", "/v4", "", "/v3/orders", False),
        ("servers: [{url: 'https://h/v3'}]\n", "/v4/", "", "/v4/orders", True),
        ("servers: [{url: 'https://h/v3'}]\n", None, "", "/v33/orders", False),
        ("servers: [{url: 'http://[bad'}]\n", None, "", "/orders", True),
    ],
)
def test_what_stands_before_the_paths_is_found_out_or_said(servers, configured, upstream, path, found):
    contract = paths("/orders", servers=servers)
    assert (contract.find("GET", path, "", contract.bases(configured, upstream)).item is not None) is found


def test_a_head_is_a_get_and_a_method_may_be_missing():
    contract = paths("/orders")
    assert contract.find("HEAD", "/orders", "", ("",)).operation.method == "GET"
    found = contract.find("PUT", "/orders", "", ("",))
    assert (found.operation, found.item.path) == (None, "/orders")


def test_3_2_has_query_and_additional_operations():
    contract = contract_of(
        "openapi: 3.2.0\ninfo: {title: T, version: '1'}\npaths:\n  /x:\n    query: {operationId: ask, responses: {}}\n"
        "    additionalOperations: {LINK: {operationId: link, responses: {}}}\n"
    )
    assert [contract.find(method, "/x", "", ("",)).operation.name for method in ("QUERY", "LINK")] == ["ask", "link"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("swagger: '2.0'\npaths: {}\n", "x.yaml:1:1: error: /swagger: it is OpenAPI 2.0; convert it to 3.x"),
        ("openapi: 4.0.0\npaths: {}\n", "OpenAPI 4.0.0 is not known; 3.0, 3.1 and 3.2 are"),
        ("title: x\n", "it has no `openapi`"),
        ("[]", "it is no OpenAPI document"),
        (HEAD, "it has no `paths`"),
        (f"{HEAD}paths:\n  /a: {{$ref: '#/paths/~1b'}}\n  /b: {{$ref: '#/paths/~1a'}}\n", "leads in a circle"),
        (f"{HEAD}paths:\n  /a: 7\n", "a path is a mapping of methods"),
    ],
)
def test_an_invalid_contract_is_told(text, said):
    with pytest.raises(ConfigError, match=said):
        contract_of(text, "x.yaml")


def test_parameters_of_a_path_are_overridden_by_those_of_its_operation():
    contract = contract_of(
        f"{HEAD}paths:\n  /x/{{id}}:\n    parameters: [{{name: id, in: path, required: true}}, {{name: q, in: query}}]\n"
        "    get: {parameters: [{name: q, in: query, required: true}], responses: {}}\n"
    )
    (operation,) = contract.operations
    assert [(one.name, one.required) for one in contract.parameters(operation)] == [("id", True), ("q", True)]


@pytest.mark.parametrize(
    ("parameter", "query", "value"),
    [
        ("schema: {type: integer}", "q=7", 7),
        ("schema: {type: integer}", "q=x", "x"),
        ("schema: {type: number}", "q=1.5", 1.5),
        ("schema: {type: boolean}", "q=true", True),
        ("schema: {type: string}", "q=7", "7"),
        ("schema: {type: string}", "q=a+b%2B", "a b+"),
        ("schema: {type: array, items: {type: integer}}", "q=1&q=2", [1, 2]),
        ("schema: {type: array, items: {type: integer}}, explode: false", "q=1,2", [1, 2]),
        ("schema: {type: array}, explode: false", "q=a%2Cb,c", ["a,b", "c"]),
        ("schema: {type: array}, style: spaceDelimited, explode: false", "q=a%20b", ["a", "b"]),
        ("schema: {type: array}, style: pipeDelimited, explode: false", "q=a|b", ["a", "b"]),
        ("schema: {type: object, properties: {a: {type: integer}, b: {}}}", "a=1&b=x", {"a": 1, "b": "x"}),
        ("schema: {type: object, properties: {a: {type: integer}}}, explode: false", "q=a,1", {"a": 1}),
        ("schema: {type: object, properties: {a: {type: integer}}}, style: deepObject", "q[a]=1", {"a": 1}),
        ("schema: {type: object, properties: {a: {type: array, items: {type: integer}}}}, style: deepObject",
         "q[a][]=1&q[a][]=2", {"a": [1, 2]}),
        ("schema: {type: object, properties: {a: {type: object, properties: {b: {type: integer}}}}}, style: deepObject",
         "q[a][b]=1", {"a": {"b": 1}}),
        ("content: {application/json: {schema: {type: object}}}", "q=%7B%22a%22%3A1%7D", {"a": 1}),
        ("schema: {type: integer}", "r=7", ABSENT),
        ("schema: {anyOf: [{type: integer}, {type: 'null'}]}", "q=7", 7),
    ],
)  # fmt: skip
def test_a_query_is_read_by_style(parameter, query, value):
    contract = contract_of(
        f"{HEAD}paths:\n  /x: {{get: {{parameters: [{{name: q, in: query, {parameter}}}], responses: {{}}}}}}\n"
    )
    (operation,) = contract.operations
    (one,) = contract.parameters(operation)
    values = ParameterValues(contract, {}, query, (), {})
    assert values.value(one) == value
    assert values.undocumented() == ([] if value is not ABSENT else ["r"])


@pytest.mark.parametrize(
    ("parameter", "text", "value"),
    [
        ("schema: {type: integer}", "7", 7),
        ("schema: {type: array, items: {type: integer}}", "1,2", [1, 2]),
        ("schema: {type: array, items: {type: integer}}, style: label, explode: true", ".1.2", [1, 2]),
        ("schema: {type: integer}, style: matrix", ";q=7", 7),
        ("schema: {type: array, items: {type: integer}}, style: matrix, explode: true", ";q=1;q=2", [1, 2]),
        ("schema: {type: object, properties: {a: {type: integer}}}", "a,1", {"a": 1}),
        ("schema: {type: object, properties: {a: {type: integer}}}, explode: true", "a=1", {"a": 1}),
        ("schema: {type: object, properties: {a: {type: integer}}}, style: matrix, explode: true", ";a=1", {"a": 1}),
        ("schema: {type: string}", "a%2Fb", "a/b"),
    ],
)  # fmt: skip
def test_a_path_is_read_by_style(parameter, text, value):
    contract = contract_of(
        f"{HEAD}paths:\n  /x/{{q}}: {{get: {{parameters: [{{name: q, in: path, required: true, {parameter}}}], responses: {{}}}}}}\n"
    )
    (operation,) = contract.operations
    (one,) = contract.parameters(operation)
    assert ParameterValues(contract, {"q": text}, "", (), {}).value(one) == value


def test_a_whole_query_may_be_one_parameter():
    contract = contract_of(
        "openapi: 3.2.0\ninfo: {title: T, version: '1'}\npaths:\n  /x: {get: {parameters: [{name: q, in: querystring, content: "
        "{application/x-www-form-urlencoded: {schema: {type: object, properties: {a: {type: integer}}}}}}], responses: {}}}\n"
    )
    (operation,) = contract.operations
    (one,) = contract.parameters(operation)
    assert ParameterValues(contract, {}, "a=1&b=2", (), {}).value(one) == {"a": 1, "b": "2"}


def test_responses_are_found_by_status_family_and_default():
    contract = contract_of(SHOP)
    by_name = {one.name: one for one in contract.operations}
    assert contract.response(by_name["listOrders"], 404).status == "4XX"
    assert contract.response(by_name["createOrder"], 500).status == "default"
    assert contract.response(by_name["getOrder"], 418) is None
    assert contract.title == "Shop"

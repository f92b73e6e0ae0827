"""OpenAPI: a description per cluster, templated paths, every status with its examples, links, security, servers.

Covers: export/openapi/document, export/openapi/observed_operations, export/openapi/security.
"""

from __future__ import annotations

import json

import pytest

from gateway.export import FORMATS, ApiServer, Beside, files, openapi

TOKEN = "sealed_abcdefghijklmnopqrst_32"
BEARER = (("Authorization", f"Bearer {TOKEN}"), ("Content-Type", "application/json"))


@pytest.fixture
def chain(an_exchange, a_recording):
    """Login, order, look at it."""
    secret = b'{"user": "ada", "password": "sealed_bcdefghijklmnopqrstu_8"}'
    login = {"method": "POST", "target": "/api/users/login", "cluster": "users", "headers": BEARER[1:]}
    steps = [
        an_exchange(1, **login, sent=secret, received=b'{"token": "%s"}' % TOKEN.encode()),
        an_exchange(2, method="POST", headers=BEARER, sent=b'{"qty": 1}', status=201, received=b'{"id": 70001}'),
        an_exchange(3, target="/api/orders/orders/70001", headers=BEARER[:1]),
        an_exchange(4, method="POST", target="/api/payments/orders/70001/payments", cluster="payments", status=201),
    ]
    return a_recording(4), steps


def described(*recordings, **more):
    found = files(FORMATS["openapi"], recordings, version="1", **more)
    return {name.removesuffix(openapi.SUFFIX): json.loads(text) for name, text in found.items()}


def test_every_cluster_has_a_description_with_paths_that_follow_its_servers(chain):
    found = described(chain)
    assert list(found) == ["users", "orders", "payments"]
    assert {name: list(one["paths"]) for name, one in found.items()} == {
        "users": ["/login"],
        "orders": ["/orders", "/orders/{order_id}"],
        "payments": ["/orders/{order_id}/payments"],
    }


def test_the_servers_are_the_gateway_and_where_the_cluster_lives_now(chain):
    def servers(cluster):
        return [ApiServer("test", "http://127.0.0.1:1"), ApiServer("qa", f"http://127.0.0.1:2/{cluster}", here=True)]

    found = described(chain, beside=Beside(servers=servers))["orders"]["servers"]
    assert found == [
        {"url": "http://127.0.0.1:8080/api/orders", "description": "through the gateway"},
        {"url": "http://127.0.0.1:1", "description": "test"},
        {"url": "http://127.0.0.1:2/orders", "description": "qa, where the route leads now"},
    ]


def test_a_link_leads_to_an_operation_of_its_own_file_or_of_another(chain):
    links = described(chain)["orders"]["paths"]["/orders"]["post"]["responses"]["201"]["links"]
    to = {"parameters": {"path.order_id": "$response.body#/id"}}
    assert list(links.values()) == [
        {"operationId": "get_orders_orders_order_id"} | to,
        {"operationRef": "./payments.openapi.json#/paths/~1orders~1%7Border_id%7D~1payments/post"} | to,
    ]


def test_all_in_one_has_public_paths_and_a_tag_for_every_cluster(chain):
    document = json.loads(openapi.dump([chain], version="1"))
    assert "/api/orders/orders/{order_id}" in document["paths"]
    assert [tag["name"] for tag in document["tags"]] == ["users", "orders", "payments"]
    links = document["paths"]["/api/orders/orders"]["post"]["responses"]["201"]["links"]
    assert [link["operationId"] for link in links.values()] == [
        "get_orders_orders_order_id",
        "post_payments_orders_order_id_payments",
    ]


def test_every_status_has_its_examples_and_a_schema_over_all(an_exchange, a_recording):
    steps = [
        an_exchange(1, target="/api/orders/orders/978-1", received=b'{"id": 1, "at": "2026-11-22"}'),
        an_exchange(2, target="/api/orders/orders/978-9", status=404, received=b'{"error": "no"}'),
    ]
    operation = described((a_recording(2), steps))["orders"]["paths"]["/orders/{order_id}"]["get"]
    good, bad = (operation["responses"][status]["content"]["application/json"] for status in ("200", "404"))
    assert good["schema"]["properties"]["at"] == {"type": "string", "format": "date"}
    assert bad["examples"] == {"step_2": {"value": {"error": "no"}}}


def test_what_ifs_are_merged_and_their_examples_bear_their_names(an_exchange, a_recording):
    found = a_recording(1), [an_exchange(1, target="/api/orders/orders/978-1", received=b'{"id": 1}')]
    failing = an_exchange(1, target="/api/orders/orders/978-9", status=404, received=b'{"error": "no"}')
    what_if = a_recording(1, id="01JWHATIF", title="Unknown book", kind="variant"), [failing]
    responses = described(found, what_if)["orders"]["paths"]["/orders/{order_id}"]["get"]["responses"]
    assert responses["404"]["content"]["application/json"]["examples"] == {
        "unknown_book_step_1": {"summary": "Unknown book", "value": {"error": "no"}}
    }


def test_a_what_ifs_other_ids_alone_are_no_example(an_exchange, a_recording):
    steps = ((a_recording(1, id=f"R{id}"), [an_exchange(1, received=b'{"id": %d}' % id)]) for id in (7, 8))
    (response,) = described(*steps)["orders"]["paths"]["/orders"]["get"]["responses"].values()
    assert list(response["content"]["application/json"]["examples"]) == ["step_1"]


@pytest.mark.parametrize(
    ("field", "scheme"),
    [
        (("Authorization", f"Bearer {TOKEN}"), {"bearer": {"type": "http", "scheme": "bearer"}}),
        (("X-Api-Key", TOKEN), {"x_api_key": {"type": "apiKey", "in": "header", "name": "X-Api-Key"}}),
        (("Cookie", f"a=1; sid={TOKEN}"), {"cookie_sid": {"type": "apiKey", "in": "cookie", "name": "sid"}}),
        (("Authorization", TOKEN), {"authorization": {"type": "apiKey", "in": "header", "name": "Authorization"}}),
    ],
    ids=["bearer", "api key", "cookie", "bare token"],
)
def test_credentials_are_security_schemes_and_no_parameters(field, scheme, an_exchange, a_recording):
    document = described((a_recording(1), [an_exchange(1, headers=(field,))]))["orders"]
    operation = document["paths"]["/orders"]["get"]
    assert document["components"]["securitySchemes"] == scheme
    assert operation["security"] == [{name: []} for name in scheme]
    assert "parameters" not in operation


def test_a_key_in_the_query_is_a_security_scheme(an_exchange, a_recording):
    steps = [an_exchange(1, target=f"/api/orders/orders?api_key={TOKEN}&page=2")]
    document = described((a_recording(1), steps))["orders"]
    assert [one["name"] for one in document["paths"]["/orders"]["get"]["parameters"]] == ["page"]
    assert document["paths"]["/orders"]["get"]["security"] == [{"query_api_key": []}]


def test_credentials_are_optional_where_it_succeeded_without_them(an_exchange, a_recording):
    steps = [an_exchange(1, headers=BEARER), an_exchange(2), an_exchange(3, status=401)]
    assert described((a_recording(3), steps))["orders"]["paths"]["/orders"]["get"]["security"] == [{"bearer": []}, {}]
    assert described((a_recording(2), steps[::2]))["orders"]["paths"]["/orders"]["get"]["security"] == [{"bearer": []}]


def test_what_openapi_has_no_word_for_is_said(bookshop):
    about = described(bookshop)["orders"]["info"]["description"]
    assert "OpenAPI has no word for WebSockets: step 8 is not described." in about

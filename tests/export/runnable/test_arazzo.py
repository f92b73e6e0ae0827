"""Arazzo: a workflow per recording over the clusters' descriptions, values by expressions, nothing read as one by chance."""

from __future__ import annotations

import pytest
import yaml

from gateway.export import FORMATS, files
from gateway.export.runnable import arazzo

TOKEN = "sealed_abcdefghijklmnopqrst_32"
BEARER = (("Authorization", f"Bearer {TOKEN}"), ("Content-Type", "application/json"))


def workflows(*recordings):
    return yaml.safe_load(arazzo.dump(recordings, version="1"))["workflows"]


@pytest.fixture
def chain(an_exchange, a_recording):
    login = {"method": "POST", "target": "/api/users/login", "cluster": "users", "headers": BEARER[1:]}
    secret = b'{"user": "ada", "password": "sealed_bcdefghijklmnopqrstu_8"}'
    steps = [
        an_exchange(1, **login, sent=secret, received=b'{"token": "%s"}' % TOKEN.encode()),
        an_exchange(2, method="POST", headers=BEARER, sent=b'{"qty": 1}', status=201, received=b'{"id": 70001}'),
        an_exchange(3, target="/api/orders/orders/70001?full=y%20es", headers=BEARER[:1]),
    ]
    return a_recording(3), steps


def test_bindings_are_outputs_and_later_steps_name_them(chain):
    (found,) = workflows(chain)
    login, order, look = found["steps"]
    assert login["operationId"] == "$sourceDescriptions.users.post_users_login"
    assert login["requestBody"]["payload"] == {"user": "$inputs.user", "password": "$inputs.password"}
    assert login["outputs"] == {"token": "$response.body#/token"}
    assert order["parameters"] == [
        {"name": "Authorization", "in": "header", "value": "Bearer {$steps.step_1.outputs.token}"}
    ]
    assert order["successCriteria"] == [{"condition": "$statusCode == 201"}]
    assert look["parameters"][:2] == [
        {"name": "order_id", "in": "path", "value": "$steps.step_2.outputs.order_id"},
        {"name": "full", "in": "query", "value": "y es"},
    ]


def test_what_the_client_says_is_an_input_and_a_number_stays_one(chain):
    inputs = workflows(chain)[0]["inputs"]["properties"]
    assert inputs["user"] == {"type": "string", "description": "the body's /user of step 1", "default": "ada"}
    assert (inputs["qty"]["type"], inputs["qty"]["default"]) == ("number", 1)
    assert inputs["password"] == {"type": "string", "description": "the body of step 1", "format": "password"}


def test_every_what_if_is_a_workflow_and_the_descriptions_lie_beside_them(chain, a_recording):
    what_if = a_recording(3, id="01JWHATIF", title="Order a book", kind="variant"), chain[1]
    assert [one["workflowId"] for one in workflows(chain, what_if)] == ["order_a_book", "order_a_book_2"]
    found = files(FORMATS["arazzo"], [chain, what_if], version="1")
    assert list(found) == ["order-a-book.arazzo.yaml", "users.openapi.json", "orders.openapi.json"]
    sources = yaml.safe_load(found["order-a-book.arazzo.yaml"])["sourceDescriptions"]
    assert [one["url"] for one in sources] == ["./users.openapi.json", "./orders.openapi.json"]


def test_steps_of_two_workflows_have_names_of_their_own(chain, a_recording):
    what_if = a_recording(3, id="01JWHATIF", title="Too late", kind="variant"), chain[1]
    first, second = workflows(chain, what_if)
    assert [step["stepId"] for step in first["steps"] + second["steps"]] == [
        "step_1", "step_2", "step_3", "too_late_step_1", "too_late_step_2", "too_late_step_3",
    ]  # fmt: skip
    assert second["steps"][2]["parameters"][0]["value"] == "$steps.too_late_step_2.outputs.order_id"


def test_text_that_looks_like_an_expression_is_an_input(an_exchange, a_recording):
    sent = b'{"note": "$statusCode", "more": "a {$url} b"}'
    (found,) = workflows((a_recording(1), [an_exchange(1, method="POST", headers=BEARER[1:], sent=sent)]))
    payload = found["steps"][0]["requestBody"]["payload"]
    inputs = {name: one["default"] for name, one in found["inputs"]["properties"].items()}
    assert [inputs[value.removeprefix("$inputs.")] for value in payload.values()] == ["$statusCode", "a {$url} b"]


def test_a_form_is_an_object(an_exchange, a_recording):
    form = (("Content-Type", "application/x-www-form-urlencoded"),)
    (found,) = workflows((a_recording(1), [an_exchange(1, method="POST", headers=form, sent=b"a=x+y&gift=it%27s")]))
    assert found["steps"][0]["requestBody"]["payload"] == {"a": "x y", "gift": "it's"}


def test_what_arazzo_has_no_word_for_is_said(bookshop):
    (found,) = workflows(bookshop)
    about = found["description"]
    assert "step 8: it is a WebSocket" in about
    assert "Step 4 is not expressible: its body is not text." in about
    assert "Arazzo has no jar for cookies" in about
    assert [step["stepId"] for step in found["steps"]] == [f"step_{n}" for n in (1, 2, 3, 5, 6, 9)]


def test_a_path_that_is_the_clusters_own_has_no_parameters(an_exchange, a_recording):
    exchanges = [an_exchange(1, target="/api/orders"), an_exchange(2, target="/api/orders?page=2")]
    found = files(FORMATS["arazzo"], [(a_recording(2), exchanges)], version="1")
    assert any("page" in text for text in found.values())

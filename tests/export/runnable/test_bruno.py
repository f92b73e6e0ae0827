"""OpenCollection for Bruno: a file per request, variables, assertions, scripts that keep values."""

from __future__ import annotations

import pytest
import yaml

from gateway.export import FORMATS, files
from gateway.export.runnable import bruno

JSON = (("Content-Type", "application/json"),)


@pytest.fixture
def chain(an_exchange, a_recording):
    steps = [
        an_exchange(1, method="POST", headers=JSON, sent=b'{"qty": 1}', status=201, received=b'{"id": 70001}'),
        an_exchange(2, target="/api/orders/orders/70001", notes=("Look at it",)),
    ]
    return a_recording(2), steps


def folder(*recordings):
    return {name: yaml.safe_load(text) for name, text in files(FORMATS["bruno"], recordings, version="1").items()}


def test_a_recording_is_a_folder_of_requests_in_order(chain):
    found = folder(chain)
    assert list(found) == ["opencollection.yml", "01-post-orders-orders.yml", "02-get-orders-70001.yml"]
    order, look = list(found.values())[1:]
    assert order["http"] == {
        "method": "POST", "url": "{{orders_url}}/orders", "headers": [{"name": "Content-Type", "value": "application/json"}],
        "body": {"type": "json", "data": '{"qty": {{qty}}}'},
    }  # fmt: skip
    assert order["runtime"]["assertions"] == [{"expression": "res.status", "operator": "eq", "value": "201"}]
    assert order["runtime"]["scripts"][0]["code"] == 'bru.setVar("order_id", res.body["id"]);'
    assert (look["http"]["url"], look["docs"]) == ("{{orders_url}}/orders/{{order_id}}", "Look at it")
    assert found["opencollection.yml"]["request"]["variables"][0] == {
        "name": "orders_url", "value": "http://127.0.0.1:8080/api/orders",
    }  # fmt: skip


def test_several_recordings_are_folders_and_one_bundled_file_holds_all(chain, a_recording):
    what_if = a_recording(2, id="01JWHATIF", title="Unknown book"), chain[1]
    assert [name for name in folder(chain, what_if) if name.endswith("folder.yml")] == [
        "01-order-a-book/folder.yml", "02-unknown-book/folder.yml",
    ]  # fmt: skip
    bundled = yaml.safe_load(bruno.dump([chain, what_if], version="1"))
    assert bundled["bundled"] and [len(one["items"]) for one in bundled["items"]] == [2, 2]


def test_what_bruno_cannot_send_is_said(bookshop):
    about = folder(bookshop)["opencollection.yml"]["docs"]
    assert "step 8: it is a WebSocket" in about and "Step 4 is not expressible here: its body is not text." in about


def test_braces_that_are_no_variables_are_not_sent_wrongly(an_exchange, a_recording):
    step = an_exchange(1, method="POST", sent=b"a {{$guid}} b", headers=(("Content-Type", "text/plain"),))
    found = folder((a_recording(1), [step]))
    assert list(found) == ["opencollection.yml"]
    assert (
        "Step 1 is not expressible here: {{$guid}} in it would be taken for a variable"
        in found["opencollection.yml"]["docs"]
    )

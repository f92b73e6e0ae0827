"""What people move and delete is in the audit, with who asked; on the page, its twin and in the API."""

import logging
import re
from concurrent.futures import Future

import consoling

from gateway.errors import StoreError

API = "/_gateway/api/v1"
ADA = {"Gateway-Session": "ada"}


async def entries(client):
    return (await (await client.get(f"{API}/audit")).json())["items"]


async def test_a_move_and_a_deletion_by_the_api_are_audited(client):
    body = {"environment": "test", "source": "command line"}
    assert (await client.post(f"{API}/routes/orders/move", json=body, headers=ADA)).status == 200
    deleted = f"{API}/recordings/{consoling.RECORDING}"
    assert (await client.delete(deleted, headers=ADA | {"Content-Type": "application/json"})).status == 200
    gone, moved = await entries(client)
    assert (moved["action"], moved["subject"], moved["detail"]) == ("move", "orders", "qa -> test")
    assert (moved["source"], moved["session"], moved["role"]) == ("command line", "ada", "operator")
    assert moved["address"] == "127.0.0.1"
    assert (gone["action"], gone["subject"], gone["detail"]) == (
        "delete",
        consoling.RECORDING,
        "Order a book (3 steps)",
    )
    assert gone["source"] == "api"


async def test_a_move_that_changes_nothing_is_not_a_move(client):
    assert (await client.post(f"{API}/routes/orders/move", json={"environment": "qa"})).status == 200
    assert (await client.post(f"{API}/routes/orders/move", json={"environment": "uat"})).status == 404
    assert await entries(client) == []


async def test_the_page_shows_what_the_console_s_forms_did_and_its_twin_says_the_same(client):
    board = await (await client.get("/_gateway/")).text()
    token = re.search(r'name="csrf_token" value="(\w+)"', board)[1]
    await client.post("/_gateway/move", data={"csrf_token": token, "cluster": "orders", "environment": "test"})
    page = await (await client.get("/_gateway/audit")).text()
    assert "<b>move</b> orders" in page
    assert "qa -&gt; test" in page
    twin = await (await client.get("/_gateway/audit.json?q=orders")).json()
    assert [one["source"] for one in twin["items"]] == ["console"]
    assert "Nothing matches." in await (await client.get("/_gateway/audit?q=payments")).text()


async def test_a_line_that_cannot_be_stored_is_in_the_log_and_the_move_stands(client, book, services, caplog):
    refused = Future()
    refused.set_exception(StoreError("the disk is full"))
    book.add_audit = lambda entry: refused
    with caplog.at_level(logging.ERROR, "gateway.audit"):
        answer = await client.post(f"{API}/routes/orders/move", json={"environment": "test"})
    assert answer.status == 200
    assert services.routes.table.clusters["orders"].environment == "test"
    assert "not in the audit" in caplog.text
    assert "qa -> test" in caplog.text

"""The panel for clients: lines to copy, pins and simulations of any session, refused origins.

Covers: console/client_snippets, console/board.
"""

import re

import consoling
import pytest

from gateway.console.client_panel import end_simulation
from gateway.console.client_snippets import session_name, snippets


@pytest.fixture
async def client(aiohttp_client, services):
    return await aiohttp_client(consoling.an_app(services))


async def page(client, path):
    answer = await client.get(path)
    assert answer.status == 200
    return await answer.text()


async def post(client, path, **form):
    token = re.search(r'name="csrf_token" value="([^"]+)"', await page(client, "/_gateway/"))[1]
    return await client.post(path, data={"csrf_token": token, **form}, allow_redirects=False)


def test_every_snippet_has_the_address_the_session_and_the_environment():
    found = snippets("http://10.0.4.7:8080", "/api/orders", "ana-dev", "orders=test")
    assert [one.title for one in found] == ["fetch", "axios", "Angular", "curl", "Swift", "Kotlin"]
    for one in found:
        assert "http://10.0.4.7:8080" in one.text
        assert "Gateway-Session" in one.text
        assert "ana-dev" in one.text
        assert "orders=test" in one.text
    assert "${API}/api/orders" in found[0].text


@pytest.mark.parametrize(
    ("wanted", "name"), [("ana dev", "ana-dev"), ("'; rm -rf /", "rm--rf"), ("", "my-app"), ("ios.512", "ios.512")]
)
def test_a_session_name_ends_no_string_of_any_language(wanted, name):
    assert session_name(wanted) == name


async def test_the_connect_page_has_the_address_that_it_was_asked_at(client):
    text = await page(client, "/_gateway/connect?session=ana%20dev")
    assert f"http://{client.host}:{client.port}" in text
    assert "ana-dev" in text
    assert "orders=test" in text


async def test_another_session_is_pinned_and_unpinned(client, services):
    await client.get("/_gateway/", headers={"Gateway-Session": "ios-512"})
    answer = await post(
        client, "/_gateway/clients/pin", session="ios-512", cluster="orders", environment="test", ttl="2h"
    )
    assert answer.headers["Location"] == "/_gateway/?panel=pin&for=ios-512#clients"
    assert services.sessions.live["ios-512"].pins["orders"].environment == "test"
    assert "pinned by 1 session" in await page(client, "/_gateway/")
    await post(client, "/_gateway/clients/unpin", session="ios-512", cluster="orders")
    assert not services.sessions.live["ios-512"].pins


async def test_a_simulation_is_set_shown_and_ended(client, services):
    answer = await post(
        client, "/_gateway/clients/simulate", session="", cluster="orders", kind="503", share="0.5", ttl=""
    )
    assert answer.status == 303
    fault = services.sessions.live["browser"].faults["orders"]
    assert (fault.status, fault.rate, fault.delay) == (503, 0.5, 0.0)
    text = await page(client, "/_gateway/?panel=simulate")
    assert re.search(r'class="place[^"]* sim"', text)
    assert "503 for browser" in text
    await post(client, "/_gateway/clients/simulate", session="", cluster="orders", kind="")
    assert not services.sessions.live["browser"].faults


@pytest.mark.parametrize(
    "form", [{"kind": "abc", "share": "1"}, {"kind": "99", "share": "1"}, {"kind": "503", "share": "7"}]
)
async def test_what_cannot_be_simulated_is_refused(client, services, form):
    assert (await post(client, "/_gateway/clients/simulate", session="", cluster="orders", **form)).status == 400
    assert not services.sessions.live["browser"].faults


async def test_a_simulation_ends_by_itself_unless_another_was_begun(client, services):
    await post(client, "/_gateway/clients/simulate", session="", cluster="orders", kind="503", ttl="1s")
    session = services.sessions.live["browser"]
    first = session.faults["orders"]
    await post(client, "/_gateway/clients/simulate", session="", cluster="orders", kind="late", ttl="")
    end_simulation(services, session, "orders", first)
    assert session.faults["orders"].delay == 3.0
    end_simulation(services, session, "orders", session.faults["orders"])
    assert not session.faults


async def test_a_session_that_nobody_saw_is_not_found(client):
    answer = await post(client, "/_gateway/clients/pin", session="nobody", cluster="orders", environment="test")
    assert answer.status == 404

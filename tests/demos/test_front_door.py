"""The front door knows the state: recordings at a glance, where clusters live, what is down."""

import consoling
import pytest

from gateway.demos.front_door import cell, front_door
from gateway.model.exchange import Failure
from gateway.model.recording import Recording


@pytest.mark.parametrize(
    ("facts", "css"),
    [
        ({"status": 200}, ""), ({"status": 302}, ""), ({"status": 404}, "w"), ({"status": 503}, "b"),
        ({"status": None, "response": None}, "x"), ({"status": 502, "failure": Failure("dns_error")}, "b"),
    ],
)  # fmt: skip
def test_a_cell_says_how_a_step_went(facts, css):
    assert cell(consoling.an_exchange(**facts)) == css


async def test_recordings_stand_there_with_their_cells(services, book):
    book.add(
        Recording(consoling.RECORDING, "Order a book", "browser", updated_at="2026-11-22T06:00:00Z"),
        *(consoling.an_exchange(status=status) for status in (200, 404, 200)),
    )
    found = await front_door(services, consoling.LiveSession("browser", ""))
    (one,) = [each for each in found["recordings"] if each.recording.title == "Order a book"]
    assert (one.cells, one.failed, one.whole) == (("", "w", ""), 1, True)
    assert one.seconds > 0


async def test_a_server_that_is_down_is_named_where_its_cluster_lives(services):
    found = await front_door(services, consoling.LiveSession("browser", ""))
    assert [row.cluster for row in found["down"]] == ["payments"]  # it lives on test, which is down here
    assert [row.cluster for row in found["rows"]] == ["orders", "payments"]


async def test_the_short_addresses_of_demos_lead_on(shop, aiohttp_client, browser):
    for path, there in (("/demos", "/"), ("/demos/", "/"), ("/demos/bookshop/", "/demos/bookshop/sign-in")):
        async with browser.client.get(path, allow_redirects=False) as answer:
            assert (answer.status, answer.headers["Location"]) == (302, there)

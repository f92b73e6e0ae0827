"""Runs elsewhere, side by side, in the sample shop behind a real gateway."""

import re

import aiohttp
import pytest
from bookshop import a_shop
from multidict import MultiDict

from gateway.console.compare import MOST, combinations
from gateway.errors import UsageError


def test_every_combination_of_what_is_ticked_is_a_run():
    form = MultiDict([("env.orders", "test"), ("env.orders", "qa"), ("env.users", "qa"), ("yes", "yes")])
    assert combinations(form) == [{"orders": "test", "users": "qa"}, {"orders": "qa", "users": "qa"}]


@pytest.mark.parametrize(
    "chosen", [[], [(f"env.{name}", str(one)) for name in "ab" for one in range(MOST)]], ids=["none", "too many"]
)
def test_none_and_too_many_are_refused(chosen):
    with pytest.raises(UsageError):
        combinations(MultiDict(chosen))


async def send(client, url, home, **fields):
    async with client.get(f"{url}{home}") as answer:
        token = re.search(r'name="csrf_token" value="(\w+)"', await answer.text())[1]
    data = MultiDict([("csrf_token", token), *[(name, one) for name, many in fields.items() for one in many]])
    return await client.post(f"{url}{home}", data=data, allow_redirects=False)


async def test_runs_elsewhere_stand_beside_the_recording_and_its_twin_says_the_same(tmp_path):
    async with a_shop(tmp_path) as shop, aiohttp.ClientSession() as client:
        url, home = shop.gateway.url, f"/_gateway/recordings/{shop.recording}/compare"
        fields = {"env.catalogue": ["dev", "test", "qa"], "yes": ["yes"]}
        answer = await send(client, url, home, **fields)
        assert answer.status == 303
        place = answer.headers["Location"].removesuffix("#matrix")
        assert place.count("with=") == 3
        async with client.get(url + place.replace("/compare?", "/compare.json?")) as answer:
            found = await answer.json()
        assert [one["name"] for one in found["columns"]] == ["catalogue@dev", "catalogue@test", "catalogue@qa"]
        assert [one["outcome"] for one in found["columns"]] == ["differs", "differs", "expected"]
        book = next(row for row in found["rows"] if "/books/" in row["path"] or row["path"].endswith("/books"))
        causes = {one["cause"] for one in book["cells"][1]["differences"]}
        assert causes == {"route"}
        assert {one["severity"] for one in book["cells"][1]["differences"]} <= {"low", "medium", "high"}
        async with client.get(url + place) as answer:
            text = await answer.text()
        assert "catalogue@test" in text
        assert "≠ differs" in text


async def test_the_write_guard_is_asked_before_anything_is_sent(tmp_path):
    async with a_shop(tmp_path) as shop, aiohttp.ClientSession() as client:
        url, home = shop.gateway.url, f"/_gateway/recordings/{shop.recording}/compare"
        before = len(shop.gateway.services.store.recordings().items)
        answer = await send(client, url, home, **{"env.catalogue": ["test", "qa"]})
        assert answer.status == 400
        assert "writes to users@qa" in await answer.text()
        assert len(shop.gateway.services.store.recordings().items) == before


async def test_what_says_never_stops_every_run(tmp_path):
    def never(text):
        return text.replace("    path: /api/payments", "    path: /api/payments\n    writes: never")

    async with a_shop(tmp_path, change=never) as shop, aiohttp.ClientSession() as client:
        url, home = shop.gateway.url, f"/_gateway/recordings/{shop.recording}/compare"
        before = len(shop.gateway.services.store.recordings().items)
        answer = await send(client, url, home, **{"env.catalogue": ["test", "qa"], "yes": ["yes"]})
        assert (answer.status, "writes are: never" in await answer.text()) == (400, True)
        assert len(shop.gateway.services.store.recordings().items) == before

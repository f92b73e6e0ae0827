"""Replays that wait before every step: by the API and by the page."""

from __future__ import annotations

import asyncio
import json
import re

import aiohttp
from bookshop import a_shop


class Stepwise:
    """A replay that waits, as a client of the API sees it."""

    def __init__(self, client, token):
        self.client, self.path = client, f"/_gateway/api/v1/replays/{token}"

    async def state(self):
        """As soon as it waits, or has ended."""
        async with asyncio.timeout(10):
            while True:
                async with self.client.get(self.path) as answer:
                    found = await answer.json()
                if found["waits"] or found["result"] or found["error"]:
                    return found
                await asyncio.sleep(0.02)

    async def say(self, do, **more):
        async with self.client.post(self.path, json={"do": do, **more}) as answer:
            return answer.status, await answer.json()


async def begun(shop, client, **more):
    path = f"/_gateway/api/v1/recordings/{shop.recording}/replay"
    async with client.post(path, json={"stepwise": True, "yes": True, **more}) as answer:
        assert answer.status == 202
        return Stepwise(client, (await answer.json())["token"])


async def test_send_edit_skip_retry_run_to_a_step_and_end(tmp_path):
    async with a_shop(tmp_path) as shop, aiohttp.ClientSession(shop.gateway.url) as client:
        replay = await begun(shop, client)
        assert (await replay.state())["waits"]["step"] == 1
        await replay.say("go")
        assert (await replay.state())["waits"]["path"] == "/api/catalogue/books/978-1"
        assert (await replay.say("go", set=["path:4=978-9"]))[0] == 200
        found = await replay.state()
        assert found["steps"][1]["status"] == 404 and "edited: path:4=978-9" in found["steps"][1]["message"]
        await replay.say("retry")
        assert [step["status"] for step in (await replay.state())["steps"]] == [200, 404], "the same is sent again"
        await replay.say("run", until=4)
        found = await replay.state()
        assert (found["waits"]["step"], len(found["steps"])) == (5, 4)
        await replay.say("skip")
        assert (await replay.state())["waits"]["step"] == 6
        await replay.say("go")
        found = await replay.state()
        assert found["waits"]["step"] is None and found["steps"][5]["status"] == 404
        await replay.say("go")
        ended = await replay.state()
        assert [step["outcome"] for step in ended["result"]["steps"]] == [
            "expected", "differs", "expected", "expected", "skipped", "differs",
        ]  # fmt: skip
        assert len(shop.samples.shops["qa"].payments) == 1


async def test_a_retry_gives_the_next_step_this_answers_values(tmp_path):
    async with a_shop(tmp_path) as shop, aiohttp.ClientSession(shop.gateway.url) as client:
        replay = await begun(shop, client)
        await replay.state()
        await replay.say("run", until=3)
        assert (await replay.state())["waits"]["path"] == "/api/orders/orders/70002/receipt"
        await replay.say("retry")
        assert (await replay.state())["waits"]["path"] == "/api/orders/orders/70003/receipt"
        await replay.say("stop")
        assert (await replay.state())["result"]["outcome"] == "stopped"


async def test_it_pauses_where_something_differs(tmp_path):
    async with a_shop(tmp_path) as shop, aiohttp.ClientSession(shop.gateway.url) as client:
        replay = await begun(shop, client, stop_on_difference=True, to=["catalogue=test"])
        await replay.state()
        await replay.say("run")
        found = await replay.state()
        assert found["waits"]["step"] == 3 and found["steps"][1]["outcome"] == "differs"
        await replay.say("run")
        assert (await replay.state())["result"]["outcome"] == "differs"


async def test_what_does_not_fit_is_refused_and_it_goes_on_waiting(tmp_path):
    async with a_shop(tmp_path) as shop, aiohttp.ClientSession(shop.gateway.url) as client:
        replay = await begun(shop, client)
        await replay.state()
        for do, more in (
            ("dance", {}), ("retry", {}), ("go", {"set": ["nothing=1"]}), ("go", {"set": ["method=DELETE"]}),
            ("skip", {"set": ["qty=1"]}),
        ):  # fmt: skip
            assert (await replay.say(do, **more))[0] == 400, do
        assert (await replay.state())["waits"]["step"] == 1
        await replay.say("stop")
        await replay.state()
        assert (await replay.say("go"))[0] == 400
        async with client.get("/_gateway/api/v1/replays/nobody") as answer:
            assert answer.status == 404


async def test_an_edit_passes_the_write_guard_anew(tmp_path):
    def never(text):
        return text.replace("    path: /api/payments", "    path: /api/payments\n    writes: never")

    async with a_shop(tmp_path, change=never) as shop, aiohttp.ClientSession(shop.gateway.url) as client:
        replay = await begun(shop, client, until=3)
        await replay.state()
        await replay.say("run", until=2)
        await replay.state()
        await replay.say("go", set=["path=/api/payments/orders/70001/payments"])
        found = (await replay.state())["result"]
        assert "never" in found["steps"][2]["message"] and found["steps"][2]["outcome"] == "stopped"


async def test_the_page_does_all_of_it(tmp_path):
    async with (
        a_shop(tmp_path) as shop,
        aiohttp.ClientSession(shop.gateway.url, cookie_jar=aiohttp.CookieJar(unsafe=True)) as client,
    ):

        async def press(path, **fields):
            async with client.post(path, data={"csrf_token": token, **fields}) as answer:
                assert answer.status == 200, await answer.text()
                return str(answer.url.path), await answer.text()

        home = f"/_gateway/recordings/{shop.recording}"
        text = await (await client.get(f"{home}?tab=what-ifs", headers={"Accept": "text/html"})).text()
        token = re.search(r'name="csrf_token" value="([^"]+)"', text)[1]
        page, text = await press(f"{home}/steps", yes="yes")
        assert "It waits before step 1." in text
        _, text = await press(page, do="go")
        _, text = await press(page, do="go", edits="path:4=978-9")
        assert "404 because isbn 978-9 is unknown on catalogue@qa" in text and "2 of 6 steps" in text
        _, text = await press(page, do="run", until="5")
        assert "It waits before step 6." in text
        _, text = await press(page, do="stop")
        assert "Finished: " in text and ">Compare<" in text


async def test_pages_that_watch_are_told_how_far_it_is(tmp_path):
    async with a_shop(tmp_path) as shop, aiohttp.ClientSession(shop.gateway.url) as client:
        async with client.get("/_gateway/api/v1/live") as live:
            await live.content.readuntil(b"\n\n")  # hello
            await begun(shop, client, **{"from": 2, "until": 2})
            told = []
            async with asyncio.timeout(10):
                while len(told) < 2:
                    event = (await live.content.readuntil(b"\n\n")).decode()
                    told += [
                        line[6:] for line in event.splitlines() if "event: replay" in event and line[:5] == "data:"
                    ]
        assert [one["step"] if "step" in one else one["before"]["step"] for one in map(json.loads, told)] == [1, 2]
        first = json.loads(told[0])
        assert (first["outcome"], first["done"], first["total"]) == ("skipped", 1, 6)

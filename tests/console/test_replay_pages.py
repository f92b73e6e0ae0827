"""The pages of replays and what-ifs, on real backends: forms lead to differences, and a failure says why."""

from __future__ import annotations

import re
from contextlib import asynccontextmanager
from html import unescape

import aiohttp

from gateway.app import running
from gateway.protocols import Options
from gateway.samples import running_samples


@asynccontextmanager
async def recorded(folder):
    """(a browser's client, the store, the id of a recording: sign in, find a book)."""
    async with running_samples() as samples:
        (folder / "routes.yaml").write_text(samples.routes_yaml(), encoding="utf-8")
        options = Options(folder / "routes.yaml", folder / "gateway.db", port=0, health_interval=0)
        async with (
            running(options) as gateway,
            aiohttp.ClientSession(gateway.url, cookie_jar=aiohttp.CookieJar(unsafe=True)) as client,
        ):
            named = {"Gateway-Session": "ada"}
            await client.post("/api/users/login", json={"user": "ada", "password": "lovelace"}, headers=named)
            await client.get("/api/catalogue/books/978-1", headers=named)
            yield client, gateway.services.store, gateway.services.store.recording("@last").id


async def sent(client, page, action, fields):
    """Press a form's button: (status, the page that it leads to)."""
    text = await (await client.get(page, headers={"Accept": "text/html"})).text()
    token = re.search(r'name="csrf_token" value="([^"]+)"', text)[1]
    async with client.post(f"{page}/{action}", data={"csrf_token": token, **fields}) as answer:
        return answer.status, await answer.text()


async def test_a_replay_leads_to_what_differs_and_the_recording_lists_it(tmp_path):
    async with recorded(tmp_path) as (client, store, id):
        page = f"/_gateway/recordings/{id}"
        status, text = await sent(client, page, "replay", {"to.catalogue": "test", "to.users": "", "yes": "yes"})
        assert status == 200 and "They differ, first at step 2" in text
        assert "404 only on catalogue@test: the same request answers 200 on catalogue@qa" in text
        listed = await (await client.get(page)).text()
        assert "Replays and what-ifs of this recording" in listed and store.recording("@last-run").id in listed


async def test_a_write_without_a_yes_is_not_sent(tmp_path):
    async with recorded(tmp_path) as (client, store, id):
        status, text = await sent(client, f"/_gateway/recordings/{id}", "replay", {})
        assert status == 400 and "writes to users@qa" in text
        assert len(store.recordings().items) == 1


async def test_a_what_if_shows_its_card_on_its_own_page(tmp_path):
    async with recorded(tmp_path) as (client, store, id):
        fields = {"step": "2", "edits": "path:4=978-9\n-header:X-None\n", "yes": "yes"}
        status, _ = await sent(client, f"/_gateway/recordings/{id}", "branch", fields)
        assert status == 200
        variant = store.recording("@last-run")
        assert (variant.kind, variant.parent, variant.branched_at) == ("variant", id, 2)
        assert [one.id for one in store.recordings(f"parent:{id}").items] == [variant.id]
        text = await (await client.get(f"/_gateway/recordings/{variant.id}")).text()
        assert "404 because isbn 978-9 is unknown on catalogue@qa; 978-1 answers 200" in text
        found = await (await client.get("/_gateway/diff.json", params={"a": f"{id}/2", "b": f"{variant.id}/2"})).json()
        assert found["steps"][0]["card"]["status"] == 404


async def test_what_is_off_is_said_on_the_page(tmp_path):
    async with recorded(tmp_path) as (client, _, id):
        page = f"/_gateway/recordings/{id}"
        for fields in ({"step": "2"}, {"step": "x", "edits": "qty=1"}, {"step": "9", "edits": "header:X=1"}):
            assert (await sent(client, page, "branch", fields))[0] == 400
        async with client.get("/_gateway/diff", params={"a": id, "b": "nobody"}) as answer:
            assert answer.status == 404 and "no recording" in await answer.text()
        async with client.get("/_gateway/diff") as answer:
            assert answer.status == 200


async def test_a_ready_what_if_of_the_gallery_is_tried_by_one_click(tmp_path):
    async with recorded(tmp_path) as (client, _, id):
        page = f"/_gateway/recordings/{id}"
        text = await (await client.get(page)).text()
        option = next(one for one in re.findall(r'<option value="([^"]+)">', text) if "path:4=" in one)
        status, text = await sent(client, page, "branch", {"ready": unescape(option), "yes": "yes"})
        assert status == 200 and "404 because isbn 999-9 is unknown on catalogue@qa; 978-1 answers 200" in text
        assert (await sent(client, page, "branch", {"ready": "[]"}))[0] == 400

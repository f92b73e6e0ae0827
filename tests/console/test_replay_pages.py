"""The pages of replays and what-ifs, on real backends: forms lead to differences, and a failure says why."""

from __future__ import annotations

import re
from contextlib import asynccontextmanager
from html import unescape

import aiohttp
from aiohttp import web
from two_servers import Server, record, two

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
    text = await (await client.get(f"{page}?tab=what-ifs", headers={"Accept": "text/html"})).text()
    token = re.search(r'name="csrf_token" value="([^"]+)"', text)[1]
    async with client.post(f"{page}/{action}", data={"csrf_token": token, **fields}) as answer:
        return answer.status, await answer.text()


async def test_a_replay_leads_to_what_differs_and_the_recording_lists_it(tmp_path):
    async with recorded(tmp_path) as (client, store, id):
        page = f"/_gateway/recordings/{id}"
        status, text = await sent(client, page, "replay", {"to.catalogue": "test", "to.users": "", "yes": "yes"})
        assert status == 200 and "They differ, first at step 2" in text
        assert "404 only on catalogue@test: the same request answers 200 on catalogue@qa" in text
        listed = await (await client.get(f"{page}?tab=what-ifs")).text()
        assert "Why it differs" in listed and store.recording("@last-run").id in listed
        assert listed.count("404 only on catalogue@test: the same request answers 200 on catalogue@qa") == 1


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
        assert "ISBN 978-9 is unknown on catalogue" in text and "978-1 answers 200." in text
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
        text = await (await client.get(f"{page}?tab=what-ifs")).text()
        option = next(one for one in re.findall(r'<option value="([^"]+)">', text) if "path:4=" in one)
        status, text = await sent(client, page, "branch", {"ready": unescape(option), "yes": "yes"})
        assert status == 200 and "404 because isbn 999-9 is unknown on catalogue@qa; 978-1 answers 200" in text
        assert (await sent(client, page, "branch", {"ready": "[]"}))[0] == 400


@asynccontextmanager
async def stopped(folder):
    """(client, what the other server holds, the id of a recording whose replay on qa needs a decision)."""

    def cart(first):
        held = set()

        async def handler(request):
            if request.method == "POST":
                held.add(first)
                return web.json_response({"id": first}, status=201)
            number = int(request.path.rpartition("/")[2])
            there = number in held
            if request.method == "DELETE":
                held.discard(number)
            return web.json_response({}, status=200 if there else 404)

        return Server(handler), held

    (dev, _), (qa, held) = cart(3), cart(8)
    held.add(3)
    async with (
        two(folder, dev, qa) as gateway,
        aiohttp.ClientSession(gateway.url, cookie_jar=aiohttp.CookieJar(unsafe=True)) as client,
    ):
        id = await record(gateway, ("POST", "/lines", {"sku": "A-1"}), ("DELETE", "/cart-items/3", None))
        yield client, held, id


async def decided(client, page, fields):
    """Replay it on qa and press the button of the form for decisions: (the page of the question, status, what follows)."""
    status, asked = await sent(client, page, "replay", {"to.a": "qa", "yes": "yes"})
    assert status == 200
    hidden = dict(re.findall(r'<input type="hidden" name="(csrf_token|replay)" value="([^"]+)"', asked))
    async with client.post(f"{page}/decide", data=hidden | fields) as answer:
        return unescape(asked), answer.status, unescape(await answer.text())


async def test_a_stopped_replay_asks_what_to_send_and_sends_it(tmp_path):
    async with stopped(tmp_path) as (client, held, id):
        page = f"/_gateway/recordings/{id}"
        asked, status, told = await decided(client, page, {"decision.0": "now"})
        assert (
            "Step 2 needs a decision" in asked and "Segment 3 of the path is <b" in asked and ">8</b> there." in asked
        )
        assert status == 200 and "needs a decision" not in told and held == {3}
        _, status, told = await decided(client, page, {"decision.0": "recorded"})
        assert status == 200 and held == {8}, "the recorded one was sent because somebody said so"


async def test_another_value_and_a_decision_for_later_replays(tmp_path):
    async with stopped(tmp_path) as (client, held, id):
        page = f"/_gateway/recordings/{id}"
        held.add(77)
        await decided(client, page, {"decision.0": "own", "own.0": "77"})
        assert held == {3, 8}
        _, status, _ = await decided(client, page, {"decision.0": "now", "keep": "yes"})
        assert status == 200 and held == {3}
        status, told = await sent(client, page, "replay", {"to.a": "qa", "yes": "yes"})
        assert status == 200 and "needs a decision" not in told and held == {3}


async def test_a_form_without_a_decision_is_refused_and_one_that_nobody_asked_for_is_not_there(tmp_path):
    async with stopped(tmp_path) as (client, held, id):
        page = f"/_gateway/recordings/{id}"
        _, status, told = await decided(client, page, {})
        assert status == 400 and "nothing is decided about segment 3 of the path of step 2" in told
        _, status, _ = await decided(client, page, {"replay": "01NOBODY", "decision.0": "now"})
        assert status == 404 and held == {3, 8}


async def test_equal_causes_are_told_once_with_their_count(tmp_path):
    async with recorded(tmp_path) as (client, _, id):
        for _ in range(3):
            await client.get("/api/catalogue/books/978-99", headers={"Gateway-Session": "ada"})
        text = unescape(await (await client.get(f"/_gateway/recordings/{id}")).text())
        assert "<b>3 × 404.</b> <b>ISBN 978-99 is unknown on catalogue" in text
        assert text.count("978-99 is unknown") == 1
        assert text.count('as <a href="#step-3">step 3</a>') == 2

"""A session is told to play a recording: by the API, on the recording's page, and back.

Covers: console/playback_forms.
"""

import consoling
import pytest

API = "/_gateway/api/v1"
PLAY = f"{API}/recordings/{consoling.RECORDING}/playback"


async def token(client):
    page = await (await client.get("/_gateway/")).text()
    return page.partition('name="csrf_token" value="')[2].partition('"')[0]


async def test_a_recording_is_played_for_the_caller_alone(client, services):
    answer = await client.post(PLAY, json={"match": "strict", "end": "cycle", "pace": 0.5})
    assert answer.status == 200, await answer.text()
    modes = (await answer.json())["modes"]
    assert list(modes) == ["orders", "payments"]  # offline is offline, for what was not recorded as well
    assert modes["orders"] == modes["payments"]
    assert {"orders": modes["orders"]} == {
        "orders": {
            "mode": "playback", "recording": consoling.RECORDING, "title": "Order a book", "answered": 0, "missed": 0,
        }
    }  # fmt: skip
    playback = services.sessions.live["browser"].modes["orders"].playback
    assert (playback.rules.match, playback.rules.end, playback.pace, len(playback.tape)) == ("strict", "cycle", 0.5, 3)
    other = await client.get(f"{API}/session", headers={"Gateway-Session": "bob"})
    assert (await other.json())["modes"] == {}


async def test_what_is_recorded_meanwhile_is_a_recording_of_its_own(client, services):
    await client.post(PLAY, json={})
    session = services.sessions.live["browser"]
    assert (session.recording, session.title) == ("fresh", "Playback of Order a book")


async def test_live_with_a_safety_net_goes_on_with_its_recording(client, services):
    await client.post(PLAY, json={"mode": "live-then-playback"})
    assert services.sessions.live["browser"].recording == "rec-browser"


async def test_one_cluster_changes_its_mode_and_goes_back_to_live(client, services):
    put = f"{API}/session/modes/orders"
    assert (await client.put(put, json={"mode": "playback"})).status == 400
    await client.put(put, json={"mode": "playback", "recording": consoling.RECORDING})
    before = services.sessions.live["browser"].modes["orders"].playback
    answer = await client.put(put, json={"mode": "playback-then-live"})
    assert (await answer.json())["modes"]["orders"]["mode"] == "playback-then-live"
    assert services.sessions.live["browser"].modes["orders"].playback is before
    answer = await client.put(put, json={"mode": "live"})
    assert (await answer.json())["modes"] == {}
    await client.post(PLAY, json={"clusters": ["orders"]})
    answer = await client.delete(put, json={})
    assert (await answer.json())["modes"] == {}
    await client.post(PLAY, json={})
    answer = await client.delete(f"{API}/session/modes", json={})
    assert (await answer.json())["modes"] == {}


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"mode": "playbak"}, 400, "'playbak' is not one of live, playback, playback-then-live, live-then-playback"),
        ({"mode": "live"}, 400, "DELETE /_gateway/api/v1/session/modes"),
        ({"match": "fuzzy"}, 400, "'fuzzy' is not one of strict, loose, by-order"),
        ({"end": "stop"}, 400, "'stop' is not one of last, cycle, 404, live"),
        ({"ignore_json": ["at"]}, 400, "begins with a slash"),
        ({"pace": -1}, 400, "pace: -1 is not from 0"),
        ({"clusters": ["order"]}, 404, "did you mean 'orders'?"),
        ({"clusters": ["payments"]}, 404, "has no step of 'payments'"),
    ],
    ids=lambda value: str(value)[:30],
)
async def test_what_cannot_be_played_is_said_and_changes_nothing(client, services, body, status, words):
    answer = await client.post(PLAY, json=body)
    assert (answer.status, words in await answer.text()) == (status, True), await answer.text()
    assert not services.sessions.live["browser"].modes


async def test_an_unknown_recording_or_cluster_is_not_found(client):
    assert (await client.post(f"{API}/recordings/01NOWHERE/playback", json={})).status == 404
    assert (await client.put(f"{API}/session/modes/nowhere", json={"mode": "playback"})).status == 404


async def test_the_recordings_page_plays_it_and_every_page_says_so(client, services):
    page = f"/_gateway/recordings/{consoling.RECORDING}"
    form = {
        "csrf_token": await token(client),
        "mode": "playback-then-live",
        "match": "by-order",
        "end": "404",
        "pace": "0",
    }
    answer = await client.post(f"{page}/playback", data=form, allow_redirects=False)
    assert (answer.status, answer.headers["Location"]) == (303, f"{page}?tab=export#playback")
    text = await (await client.get(f"{page}?tab=export")).text()
    assert "Your calls are answered from it:" in text
    assert "0 calls answered from it, 0 not found in it" in text
    for path in ("/_gateway/", "/_gateway/history", "/_gateway/recordings"):
        text = await (await client.get(path)).text()
        assert f'Answering from <a href="{page}?tab=export#playback">Order a book</a>' in text
    answer = await client.post("/_gateway/session/live", data=form, allow_redirects=False)
    assert (answer.status, answer.headers["Location"]) == (303, page)
    for place, leads in (
        ("/demos/bookshop/pay", "/demos/bookshop/pay"),
        ("//evil.example/", "/_gateway/"),
        ("/x", "/_gateway/"),
    ):
        answer = await client.post("/_gateway/session/live", data=form | {"next": place}, allow_redirects=False)
        assert answer.headers["Location"] == leads
    assert services.sessions.live["browser"].modes == {}
    assert "Back to live" not in await (await client.get("/_gateway/")).text()


async def test_a_pace_that_is_no_number_is_refused(client):
    form = {"csrf_token": await token(client), "mode": "playback", "pace": "fast"}
    answer = await client.post(f"/_gateway/recordings/{consoling.RECORDING}/playback", data=form)
    assert answer.status == 400
    assert "is not a number" in await answer.text()


async def test_the_form_knows_every_rule(client, services):
    form = {
        "csrf_token": await token(client), "mode": "playback", "match": "strict", "end": "cycle", "pace": "0.5",
        "boxes": "yes", "ignore_headers": "X-Odd, X-Even", "ignore_query": "utm", "ignore_json": "/gift /items/*/at",
    }  # fmt: skip
    answer = await client.post(f"/_gateway/recordings/{consoling.RECORDING}/playback", data=form, allow_redirects=False)
    assert answer.status == 303
    playback = next(iter(services.sessions.live["browser"].modes.values())).playback
    rules = playback.rules
    assert (rules.match, rules.end, playback.pace, playback.shift, rules.roles) == (
        "strict",
        "cycle",
        0.5,
        False,
        False,
    )
    assert (rules.headers, rules.query) == (frozenset(("x-odd", "x-even")), frozenset(("utm",)))
    assert rules.json == ("/gift", "/items/*/at")


async def test_one_cluster_changes_its_mode_on_the_page_and_the_others_go_on(client, services):
    page = f"/_gateway/recordings/{consoling.RECORDING}"
    csrf = await token(client)
    await client.post(f"{page}/playback", data={"csrf_token": csrf, "mode": "playback", "mode.orders": "live"})
    session = services.sessions.live["browser"]
    assert "orders" not in session.modes
    playback = next(iter(session.modes.values())).playback
    text = await (await client.get(f"{page}?tab=export")).text()
    assert 'aria-label="Mode of each cluster"' in text
    form = {"csrf_token": csrf, "mode.orders": "live-then-playback"}
    answer = await client.post(f"{page}/modes", data=form, allow_redirects=False)
    assert (answer.status, answer.headers["Location"]) == (303, f"{page}?tab=export#playback")
    assert session.modes["orders"].mode == "live-then-playback"
    assert session.modes["orders"].playback is playback
    assert (await client.post(f"{page}/modes", data={"csrf_token": csrf})).status == 400
    assert (await client.post(f"{page}/modes", data={"csrf_token": csrf, "mode.nowhere": "playback"})).status == 404

"""Every page shows what is there, and its twin says the same in JSON."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from consoling import an_exchange

from gateway.errors import Problem
from gateway.protocols import RecorderStatus
from gateway.routes.table import RouteTable

RECORDING = "01KRECORDING00000000000001"
EXCHANGE = "01KEXCHANGE000000000000002"
PAGES = {
    "/_gateway/": "/_gateway/board.json",
    "/_gateway/live": "/_gateway/live.json",
    "/_gateway/recordings": "/_gateway/recordings.json",
    f"/_gateway/recordings/{RECORDING}": f"/_gateway/recordings/{RECORDING}.json",
    f"/_gateway/exchanges/{EXCHANGE}": f"/_gateway/exchanges/{EXCHANGE}.json",
    f"/_gateway/recordings/{RECORDING}/what-if/2": f"/_gateway/recordings/{RECORDING}/what-if/2.json",
    f"/_gateway/recordings/{RECORDING}/what-if/1?preview=yes&e.2=9": "/_gateway/live.json?q=",
    f"/_gateway/recordings/{RECORDING}/compare?with={RECORDING}": f"/_gateway/recordings/{RECORDING}/compare.json",
    "/_gateway/statistics": "/_gateway/statistics.json",
    "/_gateway/settings": "/_gateway/settings.json",
    "/_gateway/?at=2026-11-22T06:00": "/_gateway/board.json?at=2026-11-22T06:00",
    "/_gateway/history": "/_gateway/history.json",
    "/_gateway/pin?orders=test": "/_gateway/pin.json?orders=test",
}


async def page(client, path, **headers):
    answer = await client.get(path, headers=headers)
    text = await answer.text()
    assert answer.status == 200, text
    assert answer.content_type == "text/html"
    return text


async def form_token(client):
    return re.search(r'name="csrf_token" value="(\w+)"', await page(client, "/_gateway/"))[1]


async def send(client, path, **fields):
    return await client.post(path, data={"csrf_token": await form_token(client), **fields}, allow_redirects=False)


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_is_whole_and_has_no_inline_code(client, path):
    text = await page(client, path)
    assert '<main id="main"' in text
    assert text.count("<h1") == 1
    assert not re.search(r"<[^>]+\s(style|on\w+)=", text), "inline style or handler"
    assert not re.search(r"<script(?![^>]*\ssrc=)", text), "inline script"
    assert "<style" not in text
    assert "://" not in re.sub(
        r"https?://127\.0\.0\.1:\d+|http://www\.w3\.org/2000/svg|postgresql://USER@HOST", "", text
    ), "something from afar"


@pytest.mark.parametrize("path", PAGES.values())
async def test_a_page_has_a_json_twin(client, path):
    answer = await client.get(path)
    assert answer.status == 200
    assert answer.content_type == "application/json"
    assert await answer.json()


async def test_every_page_has_labels_and_table_heads(client):
    for path in PAGES:
        text = await page(client, path)
        for field in re.findall(r"<(?:input|select|textarea)\b[^>]*>", text):
            if 'type="hidden"' not in field:
                name = re.search(r'id="([^"]+)"', field)[1]
                assert f'for="{name}"' in text, f"{path}: {field} has no label"
        assert text.count("<table") == text.count("<caption"), path


async def test_the_board_shows_where_everything_lives_in_words(client):
    text = await page(client, "/_gateway/")
    cell = re.search(r'data-cell="orders@qa"[^>]*>(.*?)</td>', text, re.DOTALL)[1]
    assert "lives here" in cell
    assert "up" in cell
    assert "2026.11" in cell
    assert "4.2 ms" in cell
    assert "Move here …" not in cell
    other = re.search(r'data-cell="orders@test"[^>]*>(.*?)</td>', text, re.DOTALL)[1]
    assert "down" in other
    assert "connection refused" in other
    assert "Move here" in other
    assert "no server here" in text  # dev


async def test_the_board_says_what_makes_an_answer_odd(client):
    text = await page(client, "/_gateway/")
    assert "simulated" in text
    assert "0.2 s late · 503 · 10 %" in text
    assert text.count("certificate not checked") == 1


def answered(number, status, mode="live", minutes=1):
    at = datetime.now(UTC) - timedelta(minutes=minutes)
    return an_exchange(number, status=status, mode=mode, started_at=at.isoformat())


async def test_a_server_whose_real_calls_fail_is_said_to_fail(client, book):
    good, bad = ([answered(n, status) for n in range(1, 9)] for status in (200, 503))
    book.add(replace(book.kept[RECORDING], id="01KFAILING"), *good, *bad[:2])
    assert "2 of the last 10 calls 5xx" in await page(client, "/_gateway/")


@pytest.mark.parametrize(
    "calls",
    [
        pytest.param([(503, "live", 1)] * 3, id="too few"),
        pytest.param([(200, "live", 1)] * 9 + [(503, "live", 1)], id="one of ten"),
        pytest.param([(503, "fault", 1)] * 9, id="simulated"),
        pytest.param([(503, "playback", 1)] * 9, id="recorded"),
        pytest.param([(503, "live", 60)] * 9, id="long ago"),
    ],
)
async def test_other_failures_say_nothing_about_a_server(client, book, calls):
    book.add(replace(book.kept[RECORDING], id="01KQUIET"), *(answered(n, *call) for n, call in enumerate(calls, 1)))
    assert "calls 5xx" not in await page(client, "/_gateway/")


async def test_check_now_asks_every_server(client, services):
    assert "Check now" in await page(client, "/_gateway/")
    answer = await send(client, "/_gateway/check")
    assert (answer.status, answer.headers["Location"]) == (303, "/_gateway/")
    assert services.health.checks == 1


async def test_thousands_of_clusters_are_found_by_name(client, services):
    table = services.routes.table
    many = {f"team-{number}": replace(table.clusters["orders"], name=f"team-{number}") for number in range(3000)}
    services.routes.table = RouteTable(many, environments=table.environments)
    text = await page(client, "/_gateway/")
    assert "100 of 3000 clusters" in text
    assert "and 2976 more" in text
    assert len(text) < 500_000
    found = await (await client.get("/_gateway/board.json?q=team-2999")).json()
    assert [one["name"] for one in found["items"]] == ["team-2999"]


async def test_a_click_moves_a_cluster_and_another_takes_it_back(client, services):
    answer = await send(client, "/_gateway/move", cluster="orders", environment="test")
    assert (answer.status, answer.headers["Location"]) == (303, "/_gateway/")
    assert services.routes.table.clusters["orders"].environment == "test"
    text = await page(client, "/_gateway/")
    assert "<b>orders</b> moved" in text
    assert "routes.yaml:6" in text
    assert "by console" in text
    await send(client, "/_gateway/move", cluster="orders", environment="qa")
    assert services.routes.table.clusters["orders"].environment == "qa"


async def test_whoever_may_move_is_offered_to_undo_until_somebody_else_moved(client, services):
    await send(client, "/_gateway/move", cluster="orders", environment="test")
    assert 'id="undo"' in await page(client, "/_gateway/", **{"Gateway-Session": "bob"})
    await services.routes.move("orders", "qa", source="file")
    assert 'id="undo"' not in await page(client, "/_gateway/")


async def test_a_move_to_nowhere_names_what_exists(client):
    answer = await send(client, "/_gateway/move", cluster="orders", environment="uat")
    assert answer.status == 404
    assert "test, qa" in await answer.text()
    answer = await send(client, "/_gateway/move", cluster="order", environment="qa")
    assert answer.status == 404
    assert "orders, payments" in await answer.text()


async def test_pins_are_set_shown_everywhere_and_cleared(client, services):
    await send(client, "/_gateway/pin", cluster="orders", environment="test", ttl="2h")
    assert services.sessions.live["browser"].pins["orders"].environment == "test"
    assert re.search(r'class="place[^"]* pinned"', await page(client, "/_gateway/recordings"))
    await send(client, "/_gateway/unpin", cluster="orders")
    assert not services.sessions.live["browser"].pins


async def test_a_pin_that_names_nothing_known_sets_none(client, services):
    fields = {"pin.payments": "test", "pin.orders": "tset"}
    answer = await send(client, "/_gateway/pin", **fields)
    assert answer.status == 400
    assert "did you mean 'test'?" in (await answer.json())["detail"]
    assert not services.sessions.live["browser"].pins


@pytest.mark.parametrize("site", [None, "cross-site", "same-site"])
async def test_a_pin_link_from_elsewhere_asks_first(client, services, site):
    headers = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate"} if site else {}
    text = await page(client, "/_gateway/pin?orders=test&ttl=2h", **headers)
    assert 'name="pin.orders" value="test"' in text
    assert not services.sessions.live["browser"].pins


@pytest.mark.parametrize(
    "headers", [{"Sec-Fetch-Site": "none"}, {"Sec-Fetch-Site": "same-origin"}, {"Gateway-Session": "ci"}]
)
async def test_a_pin_link_of_one_s_own_pins(client, services, headers):
    text = await page(client, "/_gateway/pin?orders=test&ttl=2h", **headers)
    assert "Pinned for 2h" in text
    assert services.sessions.live[headers.get("Gateway-Session", "browser")].pins["orders"].environment == "test"


@pytest.mark.parametrize("query", ["order=qa", "orders=uat", "orders=qa&ttl=soon"])
async def test_a_pin_link_that_is_off_is_a_400(client, query):
    answer = await client.get(f"/_gateway/pin?{query}")
    assert answer.status == 400
    assert (await answer.json())["detail"]


async def test_the_filter_stays_in_the_box_and_says_what_is_off(client):
    text = await page(client, "/_gateway/recordings?q=book")
    assert 'value="book"' in text
    assert "Order a book" in text
    answer = await client.get("/_gateway/recordings?q=staus:404", headers={"Accept": "text/html"})
    text = await answer.text()
    assert answer.status == 400
    assert 'value="staus:404"' in text
    assert "did you mean" in text


async def test_recordings_are_paged(client):
    text = await page(client, "/_gateway/recordings?limit=1")
    assert "cursor=" not in text
    answer = await client.get("/_gateway/recordings?limit=0")
    assert answer.status == 400


async def test_a_recording_shows_its_steps_in_words_and_its_picture(client):
    text = await page(client, f"/_gateway/recordings/{RECORDING}")
    assert "201 Created" in text
    assert "404 Not Found" in text
    assert "502 connection refused" in text
    assert "orders on qa" in text
    assert "<svg" in text
    assert f"/_gateway/exchanges/{EXCHANGE}" in text
    steps = await page(client, f"/_gateway/recordings/{RECORDING}?tab=steps")
    assert re.search(r'orders <b class="env[^"]*">qa', steps)
    assert f"/_gateway/exchanges/{EXCHANGE}" in steps
    assert "export?as=har" in await page(client, f"/_gateway/recordings/{RECORDING}?tab=export")


async def test_a_recording_is_found_by_prefix_and_title(client):
    assert "Order a book" in await page(client, "/_gateway/recordings/01KREC")
    assert "Order a book" in await page(client, "/_gateway/recordings/Order%20a%20book")
    answer = await client.get("/_gateway/recordings/none", headers={"Accept": "text/html"})
    assert answer.status == 404
    assert "gateway recordings lists them" in await answer.text()


async def test_a_move_says_why_in_history_and_audit(client, book):
    await send(client, "/_gateway/move", to="orders=test", why="qa is\r\ndown\x1b[31m " + "x" * 300)
    assert book.accepted[0].source.startswith("console: qa is down [31m xxx")
    assert len(book.accepted[0].source) < 220
    assert book.audited[0].detail.startswith("qa -> test: qa is down [31m xxx")
    assert "console: qa is down" in await page(client, "/_gateway/history")
    answer = await send(client, "/_gateway/move", to="orders")
    assert answer.status == 404


async def test_title_notes_and_tags_are_added(client, book):
    await send(client, f"/_gateway/recordings/{RECORDING}", title="Three steps", note="for Monday", tags="demo2, x ,")
    one = book.kept[RECORDING]
    assert (one.title, one.notes, one.tags) == ("Three steps", ("for Monday",), ("demo", "demo2", "x"))
    await send(client, f"/_gateway/recordings/{RECORDING}", step="2", note="why 404", tags="")
    assert book.steps[RECORDING][1].notes == ("why 404",)
    step = book.steps[RECORDING][1].id
    answer = await send(client, f"/_gateway/recordings/{RECORDING}", step="2", note="again", tags="", exchange=step)
    assert answer.headers["Location"] == f"/_gateway/exchanges/{step}"
    assert "why 404" in await page(client, f"/_gateway/recordings/{RECORDING}")
    await send(client, f"/_gateway/recordings/{RECORDING}", pinned="yes")
    assert book.kept[RECORDING].pinned


@pytest.mark.parametrize("step", ["0", "4", "-1", "x"])
async def test_a_note_on_no_step_is_refused(client, step):
    assert (await send(client, f"/_gateway/recordings/{RECORDING}", step=step, note="n")).status == 400


async def test_deleting_leads_back_to_the_list(client, book):
    answer = await send(client, f"/_gateway/recordings/{RECORDING}/delete")
    assert answer.headers["Location"] == "/_gateway/recordings"
    assert not book.kept


async def test_an_exchange_shows_both_sides_timing_and_provenance(client):
    text = await page(client, f"/_gateway/exchanges/{EXCHANGE}")
    assert "http://127.0.0.1:8080/api/orders/orders?x=1" in text
    assert (
        '<span class="tok-k">&#34;error&#34;</span>: <span class="tok-s">&#34;no such order&#34;</span>' in text
    )  # laid out
    assert "X-Build" in text
    assert "waiting for the first byte 9.9 ms" in text
    assert "the route table" in text
    assert "curl" in text


async def test_a_failed_exchange_says_why(client):
    text = await page(client, "/_gateway/exchanges/01KEXCHANGE000000000000003")
    assert "502 connection refused" in text
    assert "127.0.0.1:9000 refused" in text
    assert "No server answered; the gateway did." in text


async def test_masked_secrets_say_so(client, book, an_exchange):
    assert "Sealed:" not in await page(client, f"/_gateway/exchanges/{EXCHANGE}")
    sealed = an_exchange(headers=(("Authorization", "Bearer sealed_abcdefghij2345672345_m"),))
    book.add(book.kept[RECORDING], sealed)
    assert "stand for secrets" in await page(client, f"/_gateway/exchanges/{sealed.id}")


async def test_the_live_page_begins_with_the_newest(client):
    text = await page(client, "/_gateway/live")
    first, last = (text.index(f"01KEXCHANGE{number:015}") for number in (3, 1))
    assert first < last


async def test_history_says_who_and_what_and_where_all_lived_then(client, services):
    for path in ("/_gateway/history", "/_gateway/"):
        assert "routes at start-up" in await page(client, path)
    await services.routes.move("orders", "test", source="console")
    text = await page(client, "/_gateway/history")
    assert "orders: qa -&gt; test" in text
    assert "console" in text
    found = await (await client.get("/_gateway/history.json?at=2026-11-22T06:00:00.5")).json()
    assert found["environments"] == {"orders": "qa", "payments": "test"}
    found = await (await client.get("/_gateway/history.json?at=2026-11-22T06:00:01")).json()
    assert found["environments"] == {"orders": "test", "payments": "test"}
    assert (await (await client.get("/_gateway/history.json?at=2020-01-01")).json())["in_force"] is None
    assert (await client.get("/_gateway/history.json?at=monday")).status == 400


async def test_the_red_bar_is_on_every_page_while_routes_yaml_is_invalid(client, services):
    assert re.search(r'id="problems"[^>]* hidden', await page(client, "/_gateway/"))
    services.routes.problems = (Problem("routes.yaml", 10, 13, "clusters.orders.environment", "'qaa' is not one of"),)
    for path in PAGES:
        text = await page(client, path)
        assert not re.search(r'id="problems"[^>]* hidden', text), path
        assert "routes.yaml:10:13: error: clusters.orders.environment" in text, path


async def test_a_banner_tells_that_the_recorder_misses_exchanges(client, book):
    assert re.search(r'id="missing"[^>]* hidden', await page(client, "/_gateway/"))
    book.state = RecorderStatus(recorded=5, missed=2, reason="the disk is full.")
    text = await page(client, "/_gateway/live")
    assert not re.search(r'id="missing"[^>]* hidden', text)
    assert "the disk is full. 2 calls could not be stored." in text


async def test_a_new_recording_is_started_and_named(client, services):
    await send(client, "/_gateway/session/recording", title=" Second try ")
    assert services.sessions.live["browser"].title == "Second try"


async def test_forms_lead_nowhere_else(client):
    """No page takes an address to go to (S20)."""
    answer = await send(
        client, "/_gateway/move?next=//evil.example", cluster="orders", environment="test", next="//evil"
    )
    assert answer.headers["Location"] == "/_gateway/"


async def test_a_filter_is_saved_under_a_name_and_forgotten_again(client):
    answer = await send(client, "/_gateway/filters", page="recordings", name="My <b>books</b>", q="book")
    assert answer.headers["Location"] == "/_gateway/recordings?q=book"
    text = await page(client, "/_gateway/recordings")
    assert (
        '<a class="btn btn-sm btn-outline-secondary" href="/_gateway/recordings?q=book" title="book">My &lt;b&gt;'
        in text
    )
    assert "My &lt;b&gt;" not in await page(client, "/_gateway/live")
    await send(client, "/_gateway/filters", page="recordings", name="My <b>books</b>", q="")
    assert "My &lt;b&gt;" not in await page(client, "/_gateway/recordings")
    assert (await send(client, "/_gateway/filters", page="nowhere", name="x", q="y")).status == 400
    assert (await send(client, "/_gateway/filters", page="live", name=" ", q="y")).status == 400


async def test_the_editor_previews_and_sends_nothing(client, book):
    before = len(book.kept)
    text = await page(client, f"/_gateway/recordings/{RECORDING}/what-if/2?preview=yes&e.4=7&env=test&more=method=PUT")
    assert "PUT /api/orders/orders?x=1" in text
    assert "goes" not in text
    assert re.search(r"orders@test", text)
    assert re.search(r'name="edits" value="[^"]*method=PUT"', text)
    assert len(book.kept) == before
    assert (await client.get(f"/_gateway/recordings/{RECORDING}/what-if/99")).status == 404
    text = await page(client, f"/_gateway/recordings/{RECORDING}/what-if/2?preview=yes&more=nonsense")
    assert "is not PLACE=VALUE" in text


async def test_the_statistics_are_honest_and_the_settings_show_no_password(client, book):
    book.state = RecorderStatus(recorded=1234, missed=2, reason="disk full")
    found = await (await client.get("/_gateway/statistics.json")).json()
    assert (found["run"]["missed"], found["store"]["truncated"], found["store"]["secrets"]) == (2, 1, 2)
    text = await page(client, "/_gateway/statistics")
    assert "1,234" in text
    assert "disk full" in text
    found = await (await client.get("/_gateway/settings.json")).json()
    shown = {one["option"]: one["value"] for one in found["items"]}
    assert shown["--password"] == "not set"
    assert shown["--durability"] == "strict"


async def test_the_board_shows_where_clusters_lived(client):
    await send(client, "/_gateway/move", cluster="orders", environment="test")
    text = await page(client, "/_gateway/?at=2099-01-01T00:00")
    assert "cells marked" in text
    assert text.count(">lived here then</span>") > 1
    assert (await client.get("/_gateway/?at=nonsense")).status == 400


async def test_a_failed_step_of_an_import_is_not_the_gateways(client, book):
    """What the file says is told as the file's: nothing of it passed this gateway."""
    (failed,) = (one for one in book.steps[RECORDING] if one.id == "01KEXCHANGE000000000000003")
    book.add(
        replace(book.kept[RECORDING], id="01KIMPORT0000000000000000A", kind="import"),
        replace(failed, id="01KEXCHANGE00000000000000F", recording="01KIMPORT0000000000000000A"),
    )
    text = await page(client, "/_gateway/exchanges/01KEXCHANGE00000000000000F")
    assert "The imported file says so" in text
    assert "No server answered; the gateway did" not in text

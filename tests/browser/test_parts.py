"""Forms that change a part of their page: without a reload, with the form token, and with the keyboard where it was."""

import asyncio
import re
from dataclasses import replace

import consoling
import pytest
from browsing import browsed
from playwright.async_api import expect

pytestmark = pytest.mark.browser


@pytest.fixture
async def watch(origin):
    """A page that must not be loaded again once it is open; nothing in it may break the policy."""
    async with browsed(origin) as watch:
        yield watch


async def opened(watch, path):
    await watch.open(path)
    await watch.page.evaluate("window.here = true")
    return watch.page


async def ready(page):
    """The panel of a move has been open for long enough to take a click."""
    await page.locator("details.move[open] .pop[data-ready]").wait_for()


async def still_there(page):
    return await page.evaluate("window.here === true")


async def test_a_move_and_its_undo_change_the_board_the_strip_and_the_changes_in_place(services, watch):
    page = await opened(watch, "/_gateway/")
    await page.locator("#move-orders-test > summary").press("Enter")
    await ready(page)
    await page.get_by_role("button", name="Move to test").press("Enter")
    await expect(page.locator("#last-line")).to_contain_text(re.compile("orders moved qa → test .*routes.yaml:6"))
    await expect(page.locator('#strip [data-cluster="orders"]')).to_contain_text("test")
    await expect(page.locator("#changes")).to_contain_text("orders: qa -> test")
    await expect(page.locator("#undo")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator('[data-cell="orders@qa"]')).to_contain_text("lives here")
    assert services.routes.table.clusters["orders"].environment == "qa"
    assert await still_there(page)
    assert page.url.endswith("/_gateway/")


async def test_a_move_can_say_why(services, watch):
    page = await opened(watch, "/_gateway/")
    await page.locator("#move-orders-test > summary").click()
    await ready(page)
    await page.get_by_label("Reason").locator("visible=true").fill("qa is down until noon")
    await page.get_by_role("button", name="Move to test").click()
    await expect(page.locator("#last-line")).to_contain_text("“qa is down until noon”")
    await expect(page.locator("#changes")).to_contain_text("by console: qa is down until noon")
    assert await still_there(page)


async def test_a_pin_is_set_and_cleared_in_place(watch):
    page = await opened(watch, "/_gateway/?panel=pin")
    await page.locator("#pin-cluster").select_option("orders")
    await page.locator("#pin-environment").select_option("test")
    await page.get_by_role("button", name="Pin", exact=True).click()
    await expect(page.locator("#pinned")).to_contain_text("/_gateway/pin?orders=test")
    await expect(page.locator('#strip [data-cluster="orders"]')).to_contain_text("pinned")
    await expect(page.locator('[data-cell="orders@test"]')).to_contain_text("pinned by this browser")
    await expect(page.locator("#pins")).to_be_focused()
    await page.get_by_role("button", name="Unpin orders").click()
    await expect(page.locator("#pinned")).to_contain_text("No pins: your calls follow the board.")
    assert await still_there(page)


async def test_what_is_refused_stands_in_a_bar_and_changes_nothing(services, watch):
    page = await opened(watch, "/_gateway/")
    await page.evaluate("document.querySelectorAll('[name=csrf_token]').forEach((one) => { one.value = 'stolen'; })")
    await page.locator("#move-orders-test > summary").click()
    await ready(page)
    await page.get_by_role("button", name="Move to test").click()
    await expect(page.locator("#refused")).to_contain_text("it carries no valid form token")
    await expect(page.locator('[data-cell="orders@qa"]')).to_contain_text("lives here")
    assert services.routes.table.clusters["orders"].environment == "qa"
    assert await still_there(page)


async def test_a_file_that_cannot_be_imported_stays_chosen(watch, tmp_path):
    broken = tmp_path / "broken.har"
    broken.write_text("{no")
    page = await opened(watch, "/_gateway/recordings")
    await page.locator("#import > summary").click()
    await page.get_by_label("Format").select_option("har")
    await page.locator("#import-file").set_input_files(broken)
    await page.get_by_role("button", name="Import").click()
    await expect(page.locator("#refused")).to_contain_text("not JSON")
    assert await page.locator("#import-file").evaluate("(one) => one.files[0].name") == "broken.har"
    await expect(page.get_by_label("Format")).to_have_value("har")
    assert await still_there(page)


async def test_a_gateway_that_is_gone_is_said_so(watch):
    page = await opened(watch, "/_gateway/")
    await page.route("**/_gateway/move", lambda route: route.abort())
    await page.locator("#move-orders-test > summary").click()
    await ready(page)
    await page.get_by_role("button", name="Move to test").click()
    await expect(page.locator("#refused")).to_contain_text("The gateway does not answer.")


def many(book):
    book.add(replace(book.kept[consoling.RECORDING], id="01KOTHER00000000000000", title="Pay late"))


async def test_the_filter_works_as_one_types_and_stays_in_the_address(services, book, watch):
    many(book)
    page = await opened(watch, "/_gateway/recordings")
    await expect(page.locator("#rows tr")).to_have_count(2)
    await page.locator("#q").press_sequentially("late")
    await expect(page.locator("#rows tr")).to_have_count(1)
    await expect(page).to_have_url(re.compile(r"/_gateway/recordings\?q=late$"))
    await expect(page.locator("#q")).to_be_focused()
    await expect(page.get_by_role("button", name="Save filter")).to_be_visible()
    await page.locator("#q").fill("late oops:1")
    await expect(page.get_by_role("alert").filter(has_text="did you mean")).to_be_visible()
    await expect(page.locator("#rows tr")).to_have_count(1)  # an unknown key never empties the list
    await page.locator("#q").fill("")
    await expect(page.locator("#rows tr")).to_have_count(2)
    await expect(page.get_by_text("did you mean")).to_have_count(0)
    await expect(page).to_have_url(re.compile(r"/_gateway/recordings$"))
    assert await still_there(page)


async def test_who_is_still_typing_a_filter_is_told_what_is_off_and_nothing_fails(book, watch):
    said = []
    watch.page.on("console", lambda message: said.append(message.text))
    page = await opened(watch, "/_gateway/recordings")
    await page.locator("#q").fill("oops:1")
    await expect(page.locator("#q-problem")).to_contain_text("did you mean")
    await expect(page.locator("#rows tr")).to_have_count(1)
    assert said == []


async def test_from_one_step_to_the_next_by_link_and_key(book, watch):
    steps = book.steps[consoling.RECORDING]
    page = await opened(watch, f"/_gateway/exchanges/{steps[0].id}")
    await expect(page.locator("[rel=prev]")).to_have_count(0)
    await page.keyboard.press("n")
    await expect(page).to_have_url(re.compile(steps[1].id))
    await page.get_by_role("link", name="← step 1").click()
    await expect(page).to_have_url(re.compile(steps[0].id))


async def test_steps_are_filtered_on_their_tab(book, watch):
    two = [consoling.an_exchange(target="/api/orders/orders"), consoling.an_exchange(target="/api/payments/7")]
    two[1] = replace(two[1], url="http://127.0.0.1:8080/api/payments/7")
    book.add(book.kept[consoling.RECORDING], *two)
    page = await opened(watch, f"/_gateway/recordings/{consoling.RECORDING}?tab=steps")
    await expect(page.locator("#rows")).to_contain_text("/orders")
    await page.locator("#q").fill("payments")
    await expect(page.locator("#rows li")).to_have_count(1)
    await expect(page).to_have_url(re.compile("tab=steps"))
    await expect(page.get_by_role("link", name="Steps")).to_have_attribute("aria-current", "page")
    assert await still_there(page)


async def test_the_next_rows_come_below_those_that_are_here(watch, book):
    for number in range(70):
        book.add(replace(book.kept[consoling.RECORDING], id=f"01KMANY{number:015}", title=f"Number {number}"))
    page = await opened(watch, "/_gateway/recordings")
    await expect(page.locator("#rows tr")).to_have_count(50)
    await page.keyboard.press("n")
    await expect(page.locator("#rows tr")).to_have_count(71)
    await expect(page.locator("#next")).to_have_count(0)
    assert await still_there(page)


async def test_a_note_a_tag_and_keeping_change_the_head_of_the_recording_in_place(book, watch):
    page = await opened(watch, f"/_gateway/recordings/{consoling.RECORDING}?tab=export")
    await page.get_by_label("Title", exact=True).fill("Order two books")
    await page.get_by_role("button", name="Save", exact=True).click()
    await expect(page.locator("h1")).to_have_text("Order two books")
    await expect(page.locator("h1")).to_be_focused()
    await page.get_by_role("button", name="Keep forever").click()
    await expect(page.locator("#tabs")).to_contain_text("kept forever")
    assert await still_there(page)


async def test_the_preview_of_a_what_if_follows_what_is_typed(watch):
    page = await opened(watch, f"/_gateway/recordings/{consoling.RECORDING}/what-if/2")
    await page.get_by_label("json:/qty", exact=True).fill("2")
    await expect(page.locator("#draft ins")).to_have_text("2")
    await expect(page.get_by_label("json:/qty", exact=True)).to_be_focused()
    await page.get_by_label("As text").fill("nonsense")
    await expect(page.locator("#draft").get_by_role("alert")).to_be_visible()
    await page.get_by_label("As text").fill("header:X-Tenant=blue")
    await expect(page.get_by_label("The request as it would be sent")).to_contain_text("X-Tenant: blue")
    assert await still_there(page)
    await page.reload()  # the address has the draft
    await expect(page.get_by_label("The request as it would be sent")).to_contain_text("X-Tenant: blue")


async def test_a_note_on_a_step_leads_back_to_the_step(book, watch):
    page = await opened(watch, f"/_gateway/exchanges/{book.steps[consoling.RECORDING][1].id}")
    await page.get_by_text("Edit notes, tags").click()
    await page.get_by_label("Add a note to this step").fill("Here it broke.")
    await page.get_by_role("button", name="Add", exact=True).click()
    await expect(page.locator("#noted blockquote").last).to_have_text("Here it broke.")
    assert await still_there(page)


async def test_a_replay_says_how_far_it_is_beside_its_button(services, watch):
    page = await opened(watch, f"/_gateway/recordings/{consoling.RECORDING}/compare")
    over = asyncio.Event()

    async def slowly(route):
        await over.wait()
        await route.abort()

    await page.route("**/compare", slowly)
    while not services.live.listening:
        await asyncio.sleep(0.01)
    await page.locator("#env-orders-test").check()
    await page.get_by_role("button", name="Run the ticked ones").click()
    told = page.locator("[data-progress]")
    await expect(told).to_have_text("running …")
    services.live.publish("replay", {"of": consoling.RECORDING, "step": 2, "done": 2, "total": 3})
    await expect(told).to_have_text("step 2 of 3")
    over.set()
    await expect(told).to_have_text("")
    await expect(page.locator("#refused")).to_contain_text("does not answer")


async def double_click(page, place, delay):
    await page.mouse.click(*place)
    await page.wait_for_timeout(delay)
    await page.mouse.click(*place)


async def middle(locator):
    box = await locator.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


GAPS = [100, 150, 200, 300, 399, 401, 450, 600, 800, 1000, 1250, 1500]  # milliseconds between two clicks


async def test_twelve_double_clicks_move_one_cluster_and_shift_nothing(services, watch):
    """Where "Move here" stands nothing is moved, and where a move is confirmed only that one."""
    page = await opened(watch, "/_gateway/")
    await page.evaluate("""new PerformanceObserver((list) => {
      for (const one of list.getEntries()) if (!one.hadRecentInput) window.shifted = (window.shifted || 0) + one.value;
    }).observe({ type: "layout-shift", buffered: true })""")
    await page.mouse.move(5, 5)
    for gap in GAPS:
        await page.keyboard.press("Escape")
        await double_click(page, await middle(page.locator("#move-orders-test > summary")), gap)
        assert services.routes.moved == []
    for number, gap in enumerate(GAPS[:4] + GAPS[-2:], 1):
        here = services.routes.table.clusters["orders"].environment
        there = "qa" if here == "test" else "test"
        await page.keyboard.press("Escape")
        await page.locator(f"#move-orders-{there}:not([open]) > summary").click()
        button = page.locator(f"#move-orders-{there} [data-armed]")
        await ready(page)
        await double_click(page, await middle(button), gap)
        await expect(page.locator(f'[data-cell="orders@{there}"]')).to_contain_text("lives here")
        assert services.routes.moved == [("orders", "test" if one % 2 else "qa") for one in range(1, number + 1)]
        await page.evaluate("document.activeElement.blur()")
    assert await page.evaluate("window.shifted || 0") == 0


async def test_an_undo_is_one_click_and_a_second_one_moves_nothing(services, watch):
    page = await opened(watch, "/_gateway/")
    await page.locator("#move-orders-test > summary").click()
    await ready(page)
    await page.get_by_role("button", name="Move to test").click()
    place = await middle(page.locator("#undo"))
    await double_click(page, place, 700)
    await expect(page.locator("#last-line")).to_contain_text("moved back")
    assert services.routes.moved == [("orders", "test"), ("orders", "qa")]
    await expect(page.locator("#undo")).to_have_count(0)


async def test_a_server_falls_without_moving_anything(services, watch):
    page = await opened(watch, "/_gateway/")
    before = await page.locator(".cell").evaluate_all("(all) => all.map((one) => one.getBoundingClientRect().toJSON())")
    services.health.fallen = {("orders", "qa")}
    services.live.publish("health", {"cluster": "orders", "environment": "qa", "state": "down"})
    await expect(page.locator("#health-line")).to_contain_text("orders is down on qa")
    await expect(page.locator('#strip [data-cluster="orders"]')).to_contain_text("down")
    after = await page.locator(".cell").evaluate_all("(all) => all.map((one) => one.getBoundingClientRect().toJSON())")
    assert after == before

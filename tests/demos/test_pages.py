"""The bookshop in its pages: four steps, what-ifs, what is kept, shown, masked and refused.

Covers: demos/custom_what_if_pages, demos/page_json.
"""

import asyncio
import html
import json
import re

import aiohttp
import pytest

from gateway.paths import templates_dir

SIGN_IN, FIND, ORDER, PAY = (f"/demos/bookshop/{step}" for step in ("sign-in", "find-the-book", "order-it", "pay"))


def words(page):
    """The text of a page, as a reader sees it."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", page)))


async def order_a_book(browser):
    for step in (SIGN_IN, FIND, ORDER):
        status, page = await browser.press(step)
        assert status == 200
        assert "✓ as expected" in words(page)
    return page


async def test_home_lists_the_demo_with_its_steps(browser):
    status, page = await browser.get("/")
    assert status == 200
    for text in ("Order a book", "Sign in", "Find the book", "Order it", "Pay", "catalogue at qa"):
        assert text in words(page)


async def test_the_happy_path_fills_in_what_earlier_answers_gave(browser, shop):
    page = await order_a_book(browser)
    assert "Kept order_id 70001" in words(page)
    _, page = await browser.get(PAY)
    assert 'name="f.order_id" value="70001"' in page
    assert 'name="f.amount" value="12.5"' in page
    assert "filled in" in page
    _, page = await browser.press(PAY)
    assert "201 Created" in words(page)
    assert [seen[:2] for seen in shop.forwarder.seen] == [
        ("POST", "/api/users/login"),
        ("GET", "/api/catalogue/books/978-1"),
        ("POST", "/api/orders/orders"),
        ("POST", "/api/payments/orders/70001/payments"),
    ]
    assert {seen[2]["Gateway-Session"] for seen in shop.forwarder.seen} == {"browser"}
    assert shop.forwarder.seen[2][2]["Authorization"].startswith("Bearer ")
    assert shop.forwarder.seen[3][3] == b'{"amount": 12.5}'


async def test_an_exchange_of_the_result_is_linked_with_its_place_and_noted_in_the_recording(browser, shop):
    await browser.press(SIGN_IN)
    _, page = await browser.press(SIGN_IN, what_if="wrong-password")
    link = re.search(r'href="/_gateway/exchanges/(\w+)">call 2<', page)[1]
    assert shop.store.exchange(link).notes == ("what if: wrong password; as expected",)
    assert shop.store.recording("rec-browser").title == "Order a book"


async def test_passwords_and_tokens_are_in_no_page_and_not_in_the_store(browser, shop):
    presses = ({}, {"password": "hunter2hunter2"}, {"what_if": "wrong-password"})
    pages = [(await browser.press(SIGN_IN, **press))[1] for press in presses]
    assert b"lovelace" in shop.forwarder.seen[0][3]
    pages.append(await order_a_book(browser))
    sent = shop.forwarder.seen[-1][2]["Authorization"].removeprefix("Bearer ")
    pages.append((await browser.get(PAY))[1])
    for page in pages:
        for secret in ("lovelace", "hunter2", "guess", sent):
            assert secret not in page
    assert not {"password", "token"} & set(shop.store.values("browser"))
    assert shop.store.values("browser")["order_id"] == 70001


async def test_a_what_if_is_judged_explained_and_never_writes_the_session(browser, shop):
    await browser.press(FIND)
    before = shop.store.values("browser")
    status, page = await browser.press(FIND, what_if="unknown-isbn")
    text = words(page)
    assert status == 200
    assert "404 Not Found" in text
    assert "✓ as expected" in text
    assert "Do not retry" in text
    assert "“978-9 is not in the catalogue of qa”" in text
    assert "the request, not the route" in text
    assert shop.store.values("browser") == before


async def test_the_same_book_on_dev_differs_by_its_route_only(browser, shop):
    await browser.press(FIND)
    _, page = await browser.press(FIND, what_if="same-book-on-dev")
    assert "catalogue@dev" in page
    assert "the route, not the request" in page
    assert shop.forwarder.seen[-1][2]["Gateway-Env"] == "catalogue=dev"
    assert shop.forwarder.seen[-1][1] == shop.forwarder.seen[0][1]


async def test_after_a_move_the_answer_points_to_the_new_path_and_the_what_if_takes_it(browser, shop):
    shop.clusters["catalogue"].environment = "test"
    _, page = await browser.press(FIND)
    assert "✗ expected 2xx" in words(page)
    assert "ask for /titles/978-1" in page
    _, page = await browser.press(FIND, what_if="v2-path")
    assert "200 OK" in words(page)


async def test_all_other_what_ifs_of_the_bookshop_lead_where_they_say(browser):
    await order_a_book(browser)
    for path, slug in ((ORDER, "not-signed-in"), (ORDER, "no-such-book"), (PAY, "wrong-amount"),
                       (PAY, "receipt-before-payment")):  # fmt: skip
        _, page = await browser.press(path, what_if=slug)
        assert "✓ as expected" in words(page), slug


async def test_a_step_out_of_turn_says_which_step_comes_first(browser, shop):
    _, page = await browser.press(ORDER, isbn="978-1")
    assert "send 'Sign in' first: it gives 'token'" in words(page)
    assert shop.forwarder.seen == []


async def test_what_was_typed_stays_when_it_cannot_be_read(browser, shop):
    status, page = await browser.press(ORDER, isbn="978-1", qty="many")
    assert status == 422
    assert "'many' is not a number" in words(page)
    assert 'value="978-1"' in page
    assert shop.forwarder.seen == []


async def test_reloading_the_page_does_not_send_again(browser, shop):
    await browser.press(SIGN_IN)
    await browser.get(SIGN_IN)
    assert len(shop.forwarder.seen) == 1


async def test_starting_over_makes_a_new_recording_and_clears_the_values(browser, shop):
    await browser.press(FIND)
    before = shop.sessions.live["browser"].recording
    await browser.press("/demos/bookshop/pay", what_if="wrong-amount", order_id="1")
    _, page = await browser.get(FIND)
    token = re.search(r'name="csrf_token" value="(\w+)"', page)[1]
    data = {"csrf_token": token, "action": "start-over"}
    async with browser.client.post("/demos/bookshop", data=data) as answer:
        assert (answer.status, answer.url.path) == (200, SIGN_IN)
    assert shop.sessions.live["browser"].recording != before
    assert shop.store.values("browser") == {}
    assert "None yet" in (await browser.get(FIND))[1]


async def test_the_recording_gets_a_name(browser, shop):
    _, page = await browser.press(SIGN_IN)
    data = {
        "csrf_token": re.search(r'name="csrf_token" value="(\w+)"', page)[1],
        "action": "name",
        "title": "For <Ann>",
    }
    async with browser.client.post("/demos/bookshop", data=data) as answer:
        assert 'value="For &lt;Ann&gt;"' in await answer.text()
    assert shop.store.recording("rec-browser").title == "For <Ann>"


async def test_two_sessions_do_not_see_each_other(browser, shop):
    await browser.press(FIND)
    browser.headers = {"Gateway-Session": "other"}
    _, page = await browser.get(FIND)
    assert "Press Send; the response appears here." in page


@pytest.mark.parametrize("data", [{}, {"csrf_token": "0" * 64}])
async def test_a_forged_form_sends_nothing(browser, shop, data):
    for path in (SIGN_IN, "/demos/bookshop"):
        async with browser.client.post(path, data=data) as answer:
            assert answer.status == 403
    assert shop.forwarder.seen == []


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        ("/demos/bokshop", "did you mean 'bookshop'?"),
        ("/demos/bookshop/sign-on", "did you mean 'sign-in'?"),
        ("/demos/bookshop/files/demo.yaml", "no file 'demo.yaml'"),
        ("/demos/bookshop/files/..%2F..%2Flayout.svg", "no file"),
    ],
)
async def test_what_does_not_exist_is_a_404_with_a_suggestion(browser, path, hint):
    status, text = await browser.get(path)
    assert status == 404
    assert hint in text


async def test_the_logo_is_served_so_that_nothing_in_it_can_run(browser):
    async with browser.client.get("/demos/bookshop/files/bookshop.svg") as answer:
        assert (answer.status, answer.content_type) == (200, "image/svg+xml")
        assert "sandbox" in answer.headers["Content-Security-Policy"]


async def test_pages_hold_no_inline_script_or_style(browser):
    await browser.press(FIND)
    for path in ("/", SIGN_IN, FIND, PAY):
        _, page = await browser.get(path)
        assert not re.search(r"<script(?![^>]* src=)|<style| style=| on\w+=", page)


async def until(look, seconds=5.0):
    for _ in range(int(seconds / 0.02)):
        if found := await look():
            return found
        await asyncio.sleep(0.02)
    raise AssertionError("it did not come to pass")


DEMO = """\
title: <b>Mine</b>
steps:
  - title: Look
    call: GET catalogue:/books
    form: {{q: gateway}}
    page: own.html
{more}"""


async def test_a_demo_of_ones_own_appears_breaks_and_mends_while_the_server_runs(browser, shop):
    folder = shop.demos / "mine"
    folder.mkdir(parents=True)
    (folder / "own.html").write_text(
        "<p>own: {{ s.q }} {{ form.q }} {{ form.send('Go') }} {{ 1/0 if s.q else '' }}</p>"
    )
    (folder / "demo.yaml").write_text(DEMO.format(more=""))

    async def listed():
        return "&lt;b&gt;Mine&lt;/b&gt;" in (await browser.get("/"))[1]

    await until(listed)
    _, page = await browser.get("/demos/mine/look")
    assert "<p>own:" in page
    assert ">Go</button>" in page
    _, page = await browser.press("/demos/mine/look", q="<script>")
    assert "own.html:1" in words(page)
    assert "<script>" not in page.partition("</head>")[2]
    assert shop.forwarder.seen[-1][1] == "/api/catalogue/books?q=%3Cscript%3E"
    (folder / "demo.yaml").write_text(DEMO.format(more="    what_iff: {}\n"))

    async def broken():
        return "did you mean 'what_if'?" in words((await browser.get("/"))[1])

    await until(broken)
    assert (await browser.get("/demos/mine/look"))[0] == 200


async def test_a_cluster_that_routes_do_not_have_is_told_in_the_page_and_when_sending(browser, shop):
    del shop.clusters["payments"]
    _, page = await browser.get("/")
    assert "'payments' is no cluster in routes.yaml" in words(page)
    _, page = await browser.press(PAY, order_id="1", amount="1")
    assert "send 'Sign in' first" in words(page)


async def test_the_pane_shows_the_last_exchanges_of_the_session_whoever_made_them(browser, shop):
    for number in range(10):
        async with browser.client.get(f"/api/catalogue/books/{number}", headers={"Gateway-Session": "browser"}):
            pass
    _, page = await browser.get(FIND)
    shown = re.findall(r">call (\d+)<", page)
    assert shown == [str(step) for step in range(10, 2, -1)]
    assert "GET /api/catalogue/books/9" in words(page)


UPLOAD = """\
title: Covers
colours: {accent: "#0b7285", band: "#212529"}
steps:
  - title: Send a cover
    call: POST catalogue:/covers
    form: {isbn: "978-1", cover: {type: file}, secret: {type: password}}
    keep: {code: status}
    expect: 4xx
  - {title: Look, call: "GET catalogue:/books/{code}", expect: 404}
  - {title: Look elsewhere, after: Send a cover, call: "GET users:/x", headers: {X-Code: "{{ code }}"}, expect: 404}
"""


@pytest.fixture
async def covers(browser, shop):
    folder = shop.demos / "covers"
    folder.mkdir(parents=True)
    (folder / "demo.yaml").write_text(UPLOAD)

    async def listed():
        return "Covers" in (await browser.get("/"))[1]

    await until(listed)
    return "/demos/covers/send-a-cover"


async def test_a_file_is_sent_and_kept_nowhere(browser, shop, covers):
    _, page = await browser.get(covers)
    assert 'enctype="multipart/form-data"' in page
    form = aiohttp.FormData({"csrf_token": re.search(r'name="csrf_token" value="(\w+)', page)[1], "what_if": ""})
    for name, value in (("f.isbn", "978-2"), ("f.secret", "X#q")):
        form.add_field(name, value)
    form.add_field("f.cover", b"\x89PNG pixels", filename="c.png", content_type="image/png")
    async with browser.client.post(covers, data=form) as answer:
        page = await answer.text()
    sent = shop.forwarder.seen[-1]
    assert b'filename="c.png"\r\nContent-Type: image/png\r\n\r\n\x89PNG pixels\r\n' in sent[3]
    assert b'name="secret"\r\n\r\nX#q\r\n' in sent[3]
    assert "X#q" not in html.unescape(page)
    values = await asyncio.to_thread(shop.store.values, "browser")
    assert values == {"isbn": "978-2", "code": values["code"]}


async def test_the_page_says_where_values_go_and_whose_answer_it_was(browser, covers):
    _, page = await browser.get(covers)
    assert "<code>part isbn</code>" in page
    _, page = await browser.press(covers)
    said = words(page)
    assert "used in Look (path); Look elsewhere (header X-Code)" in said
    assert "answered by catalogue@qa" in said
    assert "Next: Look" in said
    assert "Or: Look elsewhere" in said
    _, page = await browser.get("/demos/covers/look")
    assert "from “Send a cover”, call 1" in words(page)


async def test_the_drawer_marks_the_calls_of_this_step(browser):
    await browser.press(SIGN_IN, user="ada", password="lovelace")
    _, page = await browser.press(FIND)
    drawer = words(page.partition('id="drawer"')[2])
    assert drawer.count("this step") == 1
    assert drawer.index("Find the book this step") < drawer.index("Sign in")
    assert 'id="drawer"' in (await browser.get("/"))[1]


async def test_the_demos_colours_are_a_style_sheet(browser, covers):
    _, page = await browser.get(covers)
    assert '<link rel="stylesheet" href="/demos/covers/colours.css">' in page
    status, sheet = await browser.get("/demos/covers/colours.css")
    assert status == 200
    assert "--bs-btn-bg: #0b7285;" in sheet


@pytest.fixture
async def mine(browser, shop):
    """A demo that may be written to."""
    folder = shop.demos / "mine"
    folder.mkdir(parents=True)
    bookshop = templates_dir() / "demos" / "bookshop"
    for file in bookshop.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())

    async def listed():
        return "/demos/mine/" in (await browser.get("/"))[1]

    await until(listed)
    return folder / "demo.yaml"


FIND_MINE = "/demos/mine/find-the-book"


async def test_a_what_if_of_ones_own_is_tried_and_saved_without_touching_another_byte(browser, mine, shop):
    before = mine.read_bytes()
    own = {"own.via": "test", "own.path": "/titles/{isbn}", "own.headers": "X-Try: 1\n-Accept", "own.name": "v2, mine"}
    _, page = await browser.press(FIND_MINE, what_if="*try", isbn="978-2", form=own)
    said = words(page)
    assert "What if: v2, mine 200" in said
    assert "Save as a what-if of this demo" in said
    _, path, headers, _ = shop.forwarder.seen[-1]
    assert (path, headers.get("X-Try"), headers.get("Gateway-Env")) == (
        "/api/catalogue/titles/978-2", "1", "catalogue=test",
    )  # fmt: skip
    assert mine.read_bytes() == before
    saved = {"own.name": "the v2 way", "own.expect": "200", "own.why": 'It is "there": see /titles.'}
    _, page = await browser.press(FIND_MINE, what_if="*save", form=saved)
    assert "'the v2 way' is saved in" in words(page)
    after = mine.read_bytes()
    added = re.search(rb"      the v2 way:\n(        .*\n)+", after)[0]
    assert after.replace(added, b"") == before
    assert b"        via: {catalogue: test}\n        path: " in added
    _, page = await browser.press(FIND_MINE, what_if="the-v2-way", isbn="978-1")
    assert "What if: the v2 way 200" in words(page)
    assert "✓ as expected" in words(page)


@pytest.mark.parametrize(
    ("own", "trouble"),
    [
        ({}, "nothing of it was changed"),
        ({"own.path": "/x/{nothing}"}, "'nothing' is neither a field here nor kept"),
        ({"own.headers": "Host: x"}, "is set by the gateway itself"),
        ({"own.headers": "no colon"}, "should read 'Name: value'"),
        ({"own.delay": "9h"}, "should be a time such as"),
        ({"own.path": "/x", "own.name": "unknown ISBN"}, "has a what-if 'unknown ISBN' already"),
    ],
)
async def test_what_cannot_be_tried_is_told_on_the_page(browser, mine, own, trouble):
    await browser.press(FIND_MINE)
    status, page = await browser.press(FIND_MINE, what_if="*try", form=own)
    assert status == 422
    assert trouble in words(page)


async def test_a_secret_is_tried_and_never_written(browser, mine):
    before = mine.read_bytes()
    _, page = await browser.press("/demos/mine/sign-in", what_if="*try", password="hunter22")
    assert "What if: what I tried 401" in words(page)
    status, page = await browser.press("/demos/mine/sign-in", what_if="*save", form={"own.name": "x"})
    assert status == 422
    assert "what differs is a secret" in words(page)
    assert mine.read_bytes() == before


async def test_the_preview_shows_every_value_that_is_put_in_and_sends_nothing(browser, shop):
    for step in (SIGN_IN, FIND):
        await browser.press(step)
    sent = len(shop.forwarder.seen)
    status, page = await browser.press(ORDER, what_if="*preview", qty="3")
    said = words(page)
    assert status == 200
    assert "Preview: Order it not sent" in said
    assert "qty 3 this form JSON /qty" in said
    assert "token ••••• this session: from “Sign in”, call 1 header Authorization" in said
    assert "Authorization Bearer •••••" in said
    assert 'value="3"' in page
    assert len(shop.forwarder.seen) == sent
    _, page = await browser.press(PAY, what_if="*preview", form={"own.path": "/orders/{order_id}"})
    assert "'order_id' is empty" in words(page)


async def test_what_stood_in_the_boxes_of_a_preview_stands_there_again_but_no_secret(browser):
    own = {
        "own.path": "/titles/{isbn}", "own.via": "test", "own.delay": "1ms", "own.name": "new path",
        "own.headers": "X-Tenant: blue\nAuthorization: Bearer abcdefgh\n-Accept",
    }  # fmt: skip
    _, page = await browser.press(FIND, what_if="*preview", form=own)
    assert '<details class="mt-3" open>' in page
    assert 'name="own.path" value="/titles/{isbn}"' in page
    assert "<option selected>test</option>" in page
    assert 'name="own.delay" value="1ms"' in page
    assert 'name="own.name" value="new path"' in page
    assert "X-Tenant: blue\n-Accept</textarea>" in page
    assert "abcdefgh" not in page
    evil = '"><script>alert(1)</script></textarea>'
    _, page = await browser.press(FIND, what_if="*preview", form={"own.name": evil, "own.headers": f"X-A: {evil}"})
    assert "<script>alert" not in page
    assert page.count("&lt;script&gt;alert(1)") >= 2
    _, page = await browser.get(FIND)
    assert '<details class="mt-3">' in page


async def test_a_recording_becomes_a_demo_from_its_page(browser, shop):
    for step in (SIGN_IN, FIND, ORDER):
        await browser.press(step)
    await browser.press(FIND, what_if="unknown-isbn")
    recording = shop.sessions.live["browser"].recording
    _, page = await browser.get(f"/_gateway/recordings/{recording}?tab=export")
    assert "New demo from recording" in words(page)
    token = re.search(r'name="csrf_token" value="(\w+)', page)[1]
    data = {"csrf_token": token, "recording": recording, "name": "My copy"}
    async with browser.client.post("/demos/", data=data) as answer:
        page = await answer.text()
    assert answer.url.path.startswith("/demos/my-copy/")
    assert "Sign in" in words(page)
    assert (shop.demos / "bookshop" / "demo.yaml").exists()
    made = (shop.demos / "my-copy" / "demo.yaml").read_text()
    assert "title: My copy" in made
    assert "unknown ISBN: {set: {book_id: 978-9}, expect: 404}" in made
    again = data | {"name": "my copy"}
    async with browser.client.post("/demos/", data=again, headers={"Accept": "text/html"}) as answer:
        assert answer.status == 400
        assert f'<a href="/_gateway/recordings/{recording}">Back to the form</a>' in await answer.text()


async def test_every_page_has_a_json_twin_and_no_secret_is_in_it(browser):
    await browser.press(SIGN_IN)
    await browser.press(FIND)
    async with browser.client.get("/demos.json") as answer:
        (home,) = (await answer.json())["items"]
    assert [step["done"] for step in home["steps"]] == [True, True, False, False]
    async with browser.client.get(f"{FIND}.json") as answer:
        found = await answer.json()
    assert found["fields"][0] == {
        "name": "isbn", "type": "text", "value": "978-1", "origin": "session", "choices": [], "rules": {},
        "goes": ["path"],
    }  # fmt: skip
    assert (found["results"][0]["status"], found["results"][0]["verdict"]) == (200, "as expected")
    assert (found["values"]["token"], found["next"]) == ("•••••", ["order-it"])
    async with browser.client.get(f"{SIGN_IN}.json") as answer:
        assert "lovelace" not in await answer.text()
    async with browser.client.get(f"{PAY}.json") as answer:  # a step with a page of its own
        assert (await answer.json())["fields"][0]["name"] == "order_id"
    async with browser.client.get("/demos/bookshop/nothing.json") as answer:
        assert answer.status == 404


RULES = """\
title: Rules
steps:
  - title: Sign in
    call: POST users:/login
    form: {user: ada, password: {type: password, default: lovelace, required: true}}
    keep: {all: $}
  - title: Order
    call: POST orders:/orders
    form:
      isbn: {default: "978-1", pattern: '978-\\d+', required: true, placeholder: "978-...", group: Book}
      qty: {type: number, default: 1, min: 1, max: 9, group: Book}
      tags: {choices: [new, used, signed], multiple: true, group: More}
      who: {choices: {from: all, label: $}, group: More}
    what_if:
      none: {set: {qty: 0}, expect: 422}
"""


async def test_rules_are_for_send_and_a_what_if_may_break_them(browser, shop):
    (shop.demos / "rules").mkdir(parents=True)
    (shop.demos / "rules" / "demo.yaml").write_text(RULES)
    await asyncio.sleep(0.2)
    order = "/demos/rules/order"
    status, page = await browser.press(order, qty="0")
    assert status == 422 and "must be at least 1" in words(page) and not shop.forwarder.seen
    status, page = await browser.press(order, isbn="x", qty="99")
    assert (status, "does not match the pattern" in words(page), "must be at most 9" in words(page)) == (
        422,
        True,
        True,
    )
    assert 'pattern="978-\\d+" required' in page and 'min="1" max="9" inputmode' in page and "<legend" in page
    await browser.press(order, what_if="none", isbn="", qty="99")  # sent, whatever the rules say
    assert json.loads(shop.forwarder.seen[-1][3])["qty"] == 0
    assert (await browser.press("/demos/rules/sign-in"))[0] == 200, "the demo's own password meets required"


async def test_choices_come_from_an_earlier_response_and_several_are_a_list(browser, shop):
    (shop.demos / "rules").mkdir(parents=True)
    (shop.demos / "rules" / "demo.yaml").write_text(RULES)
    await asyncio.sleep(0.2)
    order = "/demos/rules/order"
    assert "type another" not in (await browser.get(order))[1]
    await browser.press("/demos/rules/sign-in")
    _, page = await browser.get(order)
    assert "type another" in page and '<option value="qa"' in page
    csrf = re.search(r'name="csrf_token" value="([^"]*)"', page)[1]
    form = [("csrf_token", csrf), ("f.isbn", "978-1"), ("f.qty", "1"), ("f.tags", "new"), ("f.tags", "signed")]
    for more, who in (([("f.who", "qa")], "qa"), ([("f.who", ""), ("f.who.other", "bob")], "bob")):
        async with browser.client.post(order, data=aiohttp.FormData([*form, *more])) as answer:
            page = await answer.text()
        sent = json.loads(shop.forwarder.seen[-1][3])
        assert (sent["tags"], sent["who"]) == (["new", "signed"], who)

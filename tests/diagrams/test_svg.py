"""SVG pictures: well formed, linked, without inline style; and in a real browser, nothing overlaps.

Covers: diagrams/layout, diagrams/style, diagrams/writers.
"""

from __future__ import annotations

import re
import shutil
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.correlation import Correlations
from gateway.diagrams import PAGE_STYLE, STYLE, Divider, Fragment, Section, changes, heads, sequence, svg
from gateway.diagrams.layout import height
from gateway.model.exchange import Exchange, Failure, Timing
from gateway.model.message import Request
from gateway.model.recording import Recording
from gateway.model.text import clean
from gateway.replay.compare import compare_runs

NAMESPACE = "{http://www.w3.org/2000/svg}"
POLYGLOT = "\"'><script>alert(1)</script><img src=x onerror=alert(2)>]]>&{{7*7}}"


def test_one_group_per_exchange_links_to_it(a_recording, ten):
    root = ET.fromstring(
        svg(sequence(a_recording(ten), ten), link=lambda exchange: f"/_gateway/exchanges/{exchange}?a&b")
    )
    assert root.get("role") == "group"
    groups = root.findall(f".//{NAMESPACE}g[@data-step]")
    assert [group.get("data-step") for group in groups] == [str(step) for step in range(1, 11)]
    assert [group.find(f"{NAMESPACE}a").get("href") for group in groups] == [
        f"/_gateway/exchanges/{exchange.id}?a&b" for exchange in ten
    ]
    assert groups[6].get("class") == "step failed"
    assert (
        groups[6].findtext(f"{NAMESPACE}title").endswith("502 connection refused (nobody listens at 127.0.0.1:9303).")
    )


def test_a_move_is_an_arrow_and_lanes_without_words_stand_close(a_recording, ten):
    picture = svg(sequence(a_recording(ten), ten))
    assert ">catalogue: qa → test</text>" in picture
    lane = Section("", (Divider("x"),))
    assert height(Fragment("par", (lane, lane))) < height(Fragment("par", (lane, replace(lane, label="then"))))


def test_an_environment_has_the_colour_of_its_place_in_routes_yaml(a_recording, ten):
    drawn = svg(sequence(a_recording(ten), ten, environments=("dev", "test", "qa", "prod")), standalone=True)
    assert set(re.findall(r'<rect class="env env-(\d)"[^>]*/?>', drawn)) == {
        str(("dev", "test", "qa", "prod").index(name) + 1) for name in {one.environment for one in ten if one.cluster}
    }


def test_it_has_a_title_and_a_description(a_recording, ten):
    root = ET.fromstring(svg(sequence(a_recording(ten), ten)))
    assert root.findtext(f"{NAMESPACE}title") == "Order a book"
    assert root.findtext(f"{NAMESPACE}desc").startswith("10 exchanges between the client and users @qa")


def test_in_a_page_it_carries_no_style_and_alone_it_carries_all(a_recording, ten):
    diagram = sequence(a_recording(ten), ten)
    assert not re.search(r"style|#[0-9a-f]{6}", svg(diagram))
    assert f"<style>\n{STYLE}</style>" in svg(diagram, standalone=True)
    ET.fromstring(svg(diagram, standalone=True))


def test_every_class_is_styled_or_known(a_recording, ten):
    used = {
        name for css in re.findall(r'class="([^"]*)"', svg(sequence(a_recording(ten), ten))) for name in css.split()
    }
    plain = {"sequence", "seq", "step", "label", "head-text", "back"}
    assert {name for name in used if f".{name}" not in STYLE} <= plain


def test_recorded_text_stays_text(an_exchange, a_recording):
    exchanges = [
        an_exchange(1, target=POLYGLOT, method=POLYGLOT, reason=POLYGLOT, cluster=POLYGLOT, environment=POLYGLOT)
    ]
    text = svg(sequence(a_recording(exchanges, title=POLYGLOT), exchanges), link=lambda _: 'javascript"><script>')
    root = ET.fromstring(text)
    names = {element.tag.removeprefix(NAMESPACE) for element in root.iter()}
    assert names <= {"svg", "title", "desc", "g", "a", "rect", "line", "path", "text", "tspan"}
    assert not re.search(r"\son\w+=", re.sub(r">[^<]*<", "><", text))


@given(st.text(), st.text(), st.text())
def test_whatever_was_recorded_the_xml_is_well_formed(target, name, title):
    exchange = Exchange(
        "x", "r", 1, "s", "", "http://h", Request(method=name, target=target), cluster=name, environment=title,
        failure=Failure(name, target), notes=(title,),
    )  # fmt: skip
    root = ET.fromstring(svg(sequence(Recording("r", title, "s"), [exchange]), link=lambda _: clean(target)))
    assert root.find(f".//{NAMESPACE}g[@data-step='1']") is not None


def test_an_empty_recording_says_so(a_recording):
    assert "nothing has been recorded yet" in svg(sequence(a_recording([]), []))


def test_too_many_steps_for_a_picture_become_a_table_whose_cells_lead_to_their_steps(a_recording, many, an_exchange):
    words = ["".join("abcdefghij"[int(digit)] for digit in str(step)) for step in range(1, 501)]
    exchanges = [an_exchange(step, target=f"/api/orders/{word}") for step, word in enumerate(words, 1)]
    exchanges[120] = an_exchange(121, target="/api/orders/broken", status=503)
    diagram = sequence(a_recording(exchanges), exchanges)
    assert diagram.chapters == ()
    root = ET.fromstring(svg(diagram, part=lambda first, last: f"?steps={first}-{last}"))
    links = [one.get("href") for one in root.iter(f"{NAMESPACE}a")]
    assert {"?steps=1-25", "?steps=476-500"} <= set(links)
    counts = [sum(count for count, _ in line.cells) for line in diagram.overview.lines]
    assert sum(counts) == 500
    bad = [cell for group in root.iter(f"{NAMESPACE}g") if group.get("class") == "server-error" for cell in group]
    assert bad[0].text.endswith("calls in steps 101 to 125: server error")


def test_ids_of_any_form_are_one_operation_and_long_answers_are_statuses(a_recording, an_exchange):
    steps = [
        an_exchange(
            at, target=f"/api/orders/ord-{at}-{at % 7}/lines/v2", status=(200, 404, 500)[at % 3], cluster="orders"
        )
        for at in range(1, 301)
    ]
    diagram = sequence(a_recording(steps), steps)
    (line,) = diagram.overview.lines
    assert line.call.path == "/api/orders/{id}/lines/v2"
    assert "100x 404, 100x 500, 100x 200</text>" in svg(diagram) or "100x 200, 100x 404, 100x 500</text>" in svg(
        diagram
    )


def test_an_overview_says_where_the_what_ifs_are(a_recording, many):
    exchanges = many(1000)
    variant = replace(a_recording(exchanges), id="v", parent="01JREC", branched_at=3)
    diagram = sequence(a_recording(exchanges), exchanges, variants=[(variant, exchanges[:4])])
    assert diagram.overview, "1,000 exchanges are no picture"
    assert ">what-ifs are drawn where their steps are</text>" in svg(diagram)


OVERLAPS = """() => {
    const view = document.querySelector('svg').viewBox.baseVal;
    const texts = [...document.querySelectorAll('svg text')].map(t => [t.textContent, t.getBBox()]);
    const bad = [];
    texts.forEach(([a, p], i) => {
        if (p.x < 0 || p.x + p.width > view.width || p.y + p.height > view.height) bad.push('outside: ' + a);
        texts.slice(i + 1).forEach(([b, q]) => {
            const wide = Math.min(p.x + p.width, q.x + q.width) - Math.max(p.x, q.x);
            const tall = Math.min(p.y + p.height, q.y + q.height) - Math.max(p.y, q.y);
            if (wide > 0 && tall > 0) bad.push(a + ' | ' + b);
        });
    });
    const lives = [...document.querySelectorAll('svg .life')].map(l => l.x1.baseVal.value);
    document.querySelectorAll('svg text.label').forEach(t => {
        const p = t.getBBox();
        if (lives.some(x => p.x < x && x < p.x + p.width)) bad.push('crossed: ' + t.textContent);
    });
    return [texts.length, bad];
}"""


def pictures(an_exchange, a_recording, ten, many):
    """Everything that a picture may hold, with the longest words it may have."""
    title, word = "W" * 90, "MW日本" * 30
    wide = [
        an_exchange(step, target="/api/" + word, cluster="WWWWMMMM" * step, environment="QA" * 9, reason=word)
        for step in (1, 2, 3)
    ]
    variants = [
        (
            replace(a_recording(ten, title=f"{word}{at}"), id=str(at), parent="01JREC", branched_at=at),
            [*ten[: at - 1], an_exchange(at, target=f"/api/{word}", status=404, environment="dev"), *ten[at:]],
        )
        for at in (2, 2, 5)
    ]
    moment = Timing(total_ms=5000.0)  # everything at the same time, in lanes
    lanes = [an_exchange(step, target=f"/api/{word[step:]}", timing=moment) for step in range(1, 6)]
    pairs = compare_runs("a", "b", many(40), [*wide, *many(60)[20:]], Correlations()).steps
    bought = buying(an_exchange, word)
    return [
        *(sequence(a_recording(each, title=title), each) for each in (ten, many(100), wide, lanes)),
        sequence(a_recording(ten, title=title), ten, variants=variants),
        sequence(a_recording(bought), bought),
        changes(word, word, pairs),
        *(sequence(a_recording(each, title=title), each) for each in (many(1000), operations(an_exchange, word))),
    ]


def buying(an_exchange, word):
    """An order whose id moves on, together with other long names."""
    order = b'{"order_id": "ord-8842-9917", "basket_id": "bask-11-4482", "customer_number": "cust-9911-55"}'
    after = ["/api/orders/orders/ord-8842-9917", "/api/orders/baskets/bask-11-4482", "/api/users/cust-9911-55"]
    first = an_exchange(1, method="POST", status=201, reason=word[:20], body=order)
    answer = replace(first.response, headers=(("Content-Type", "application/json"),))
    return [replace(first, response=answer), *(an_exchange(at, target=path) for at, path in enumerate(after, 2))]


def operations(an_exchange, word):
    letters = ["".join("abcdefghij"[int(digit)] for digit in str(step)) for step in range(1, 301)]
    return [
        an_exchange(at, target=f"/api/{one}{word}", cluster=f"WM{at % 3}", status=200 + at)
        for at, one in enumerate(letters, 1)
    ]


@pytest.mark.browser
@pytest.mark.skipif(not shutil.which("chromium"), reason="Chromium is not installed")
def test_no_text_overlaps_another_in_a_browser(an_exchange, a_recording, ten, many):
    from playwright.sync_api import sync_playwright

    found = pictures(an_exchange, a_recording, ten, many)
    assert [bool(each.overview) for each in found] == [False] * 7 + [True] * 2
    assert {"order_id", "basket_id"} <= {one.name for one in found[5].values}
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page()
        for diagram in found:
            page.set_content(svg(diagram, standalone=True, value="order_id"))
            count, bad = page.evaluate(OVERLAPS)
            assert count > 12
            assert bad == []
        browser.close()


def test_the_arrows_of_each_value_are_a_group_with_its_steps(an_exchange, a_recording):
    steps = buying(an_exchange, "x")
    diagram = sequence(a_recording(steps), steps)
    root = ET.fromstring(svg(diagram, values=["order_id", "basket_id"]))
    groups = root.findall(f".//{NAMESPACE}g[@data-value]")
    assert [(one.get("data-value"), one.get("data-steps")) for one in groups] == [
        ("order_id", "1 2"),
        ("basket_id", "1 3"),
    ]
    assert all(len(one.findall(f"{NAMESPACE}path")) == 2 for one in groups)
    assert ET.fromstring(heads(diagram, values=["order_id"])).get("width") == root.get("width")


STICKY = """() => {
    const box = document.querySelector('.picture'), [strip, picture] = box.querySelectorAll('svg');
    box.scrollTop = 400;
    const middle = element => { const r = element.getBoundingClientRect(); return Math.round(r.x + r.width / 2); };
    return {
        gap: Math.round(strip.getBoundingClientRect().top - box.getBoundingClientRect().top),
        scrolled: Math.round(box.getBoundingClientRect().top - picture.getBoundingClientRect().top) > 300,
        heads: [...strip.querySelectorAll('rect.head')].map(middle),
        lives: [...picture.querySelectorAll('line.life')].map(middle),
    };
}"""


@pytest.mark.browser
@pytest.mark.skipif(not shutil.which("chromium"), reason="Chromium is not installed")
def test_the_participants_stay_above_their_lifelines_while_the_page_scrolls(a_recording, ten):
    from playwright.sync_api import sync_playwright

    diagram = sequence(a_recording(ten), ten)
    style = f"<style>{STYLE}{PAGE_STYLE} .picture {{ max-height: 300px; }}</style>"
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page()
        page.set_content(f"{style}<div class=picture>{heads(diagram)}{svg(diagram, headless=True)}</div>")
        found = page.evaluate(STICKY)
        browser.close()
    assert (found["gap"], found["scrolled"]) == (0, True)
    assert found["heads"] == found["lives"] and len(found["heads"]) == len(diagram.participants)


@pytest.mark.browser
@pytest.mark.skipif(not shutil.which("chromium"), reason="Chromium is not installed")
def test_dark_follows_the_system_the_page_overrules_it_and_paper_is_white(a_recording, ten):
    from playwright.sync_api import sync_playwright

    white, dark = "rgb(255, 255, 255)", "rgb(16, 22, 31)"
    found = {}
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page()
        page.set_content(svg(sequence(a_recording(ten), ten), standalone=True))
        for media, system, theme in [
            ("screen", "light", ""), ("screen", "dark", ""), ("print", "dark", ""), ("print", "light", "dark"),
            ("screen", "dark", "light"), ("screen", "light", "dark"),
        ]:  # fmt: skip
            page.emulate_media(media=media, color_scheme=system)
            page.evaluate("theme => document.documentElement.dataset.bsTheme = theme", theme)
            colour = page.evaluate("getComputedStyle(document.querySelector('.paper')).fill")
            found[media, system, theme] = colour
        browser.close()
    assert found == {
        ("screen", "light", ""): white, ("screen", "dark", ""): dark, ("print", "dark", ""): white,
        ("print", "light", "dark"): white, ("screen", "dark", "light"): white, ("screen", "light", "dark"): dark,
    }  # fmt: skip

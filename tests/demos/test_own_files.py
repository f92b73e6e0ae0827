"""A demo's own look: files of its folder with safe types, a layout around the steps, one page and one base for all."""

import asyncio

import pytest

from gateway.demos.definition.parse import parse_demo

YAML = """\
title: Mine
style: mine.css
page: all.html
steps:
  - {title: Find, call: GET catalogue:/books/978-1}
  - {title: Else, call: GET catalogue:/books/978-2, page: else.html}
"""


@pytest.fixture
def mine(shop):
    """A folder with one demo, before the pages look for it."""
    folder = shop.demos / "mine"
    folder.mkdir(parents=True)
    (folder / "demo.yaml").write_text(YAML)
    (folder / "mine.css").write_text("h1 { color: teal }")
    (folder / "font.woff2").write_bytes(b"wOF2")
    (folder / "page.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    (folder / "notes.html").write_text("<script>1</script>")
    (folder / "layout.html").write_text(
        '<p>{{ step.title }} <img src="{{ file("page.svg") }}"></p>{{ content }}<p>End</p>'
    )
    (folder / "base.html").write_text(
        "<div class=base>{% block inner %}{% endblock %}</div>{{ form.start }}{{ form.end }}"
    )
    (folder / "all.html").write_text('{% extends "base.html" %}{% block inner %}All: {{ step.title }}{% endblock %}')
    (folder / "else.html").write_text("Only here {{ form.start }}{{ form.end }}")
    return folder


async def test_layout_page_and_base_stand_around_a_step(mine, browser):
    _, page = await browser.get("/demos/mine/find")
    order = ["<p>Find <img", "/demos/mine/files/page.svg", "<h1", "<div class=base>All: Find</div>", "<p>End</p>"]
    places = [page.index(part) for part in order]
    assert places == sorted(places)
    assert 'href="/demos/mine/files/mine.css"' in page
    _, other = await browser.get("/demos/mine/else")
    assert "Only here" in other
    assert "All: Else" not in other


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("<p>no place</p>", "is missing: the step goes there"),
        ("{{ file('none.svg') }}{{ content }}", "there is no file &#39;none.svg&#39; in mine"),
        ("\n{% if %}{{ content }}", "layout.html:2:"),
        ("{% for a in range(9) %}{{ content }}{% endfor %}", "layout.html"),
    ],
)
async def test_a_layout_that_fails_says_so_and_the_step_is_shown(mine, browser, text, problem):
    (mine / "layout.html").write_text(text)
    status, page = await browser.get("/demos/mine/find")
    assert status == 200
    assert "layout.html cannot be shown." in page
    assert problem in page
    assert "All: Find" in page


@pytest.mark.parametrize(
    ("name", "kind"),
    [("mine.css", "text/css"), ("font.woff2", "font/woff2"), ("page.svg", "image/svg+xml"), ("PAGE.SVG", None),
     ("notes.html", None), ("demo.yaml", None), (".hidden.css", None), ("away.css", None), ("pipe.css", None)],
)  # fmt: skip
async def test_only_pictures_style_sheets_and_fonts_of_the_folder_are_served(mine, browser, name, kind, tmp_path):
    (tmp_path / "secret.css").write_text("secret")
    (mine / "away.css").symlink_to(tmp_path / "secret.css")
    (mine / ".hidden.css").write_text("hidden")
    await asyncio.to_thread(_pipe, mine / "pipe.css")
    async with browser.client.get(f"/demos/mine/files/{name}") as answer:
        if kind is None:
            assert answer.status == 404
            return
        assert (answer.status, answer.headers["Content-Type"]) == (200, kind)
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in answer.headers["Content-Security-Policy"]


def _pipe(path):
    import os

    os.mkfifo(path)


async def test_addresses_as_people_type_them_lead_on(mine, browser):
    for path, there in (
        ("/demos", "/"), ("/demos/", "/"), ("/demos/mine", "/demos/mine/find"), ("/demos/mine/", "/demos/mine/find"),
        ("/demos/mine/else/", "/demos/mine/else"),
    ):  # fmt: skip
        async with browser.client.get(path, allow_redirects=False) as answer:
            assert (answer.status, answer.headers["Location"]) == (302, there)


def test_files_that_are_named_must_be_there():
    parsed = parse_demo(YAML.encode(), name="mine", file="demo.yaml", files=["layout.html", "else.html"])
    assert [str(problem) for problem in parsed.problems] == [
        "demo.yaml:2:8: error: style: there is no file 'mine.css' beside demo.yaml",
        "demo.yaml:3:7: error: page: there is no file 'all.html' beside demo.yaml; did you mean 'else.html'?",
    ]
